-- What operators do: jobs that are run again, queues that are purged, records that are deleted.

-- Which ended job a job runs again, and that no other in the queue does.
ALTER TABLE jobs ADD COLUMN retry_of BLOB;
CREATE UNIQUE INDEX jobs_retries ON jobs (retry_of) WHERE retry_of IS NOT NULL;

-- The same of jobs that the queue has handed over to storage, for a while: until nobody is under way who has asked
-- storage before that.
CREATE TABLE retried (
    old   BLOB    NOT NULL PRIMARY KEY,
    retry BLOB    NOT NULL,
    until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX retried_until ON retried (until);

-- A queue's lane numbers its lines: of lane q those are 2q + 2, and 2q + 3 for suspects. A purge leaves them behind and
-- gives the queue another lane.
ALTER TABLE queues ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
UPDATE queues SET lane = id;

--   lanes    The highest lane that was given to a queue.
--   purges   How many rows that table has.
ALTER TABLE engine ADD COLUMN lanes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE engine ADD COLUMN purges INTEGER NOT NULL DEFAULT 0;
UPDATE engine SET lanes = (SELECT coalesce(max(id), 0) FROM queues);

-- What is left to do of purges, oldest first.
--   lane      The lane that was left behind; NULL: the queue's jobs among those that wait for their time.
--   at, id    How far those have been looked through.
CREATE TABLE purges (
    number INTEGER PRIMARY KEY,
    queue  INTEGER NOT NULL,
    lane   INTEGER,
    at     INTEGER NOT NULL,
    id     BLOB
);

-- Jobs that came to wait for their time while their queue is purged; they stay.
CREATE TABLE spared (
    queue INTEGER NOT NULL,
    id    BLOB    NOT NULL,
    PRIMARY KEY (queue, id)
) WITHOUT ROWID;

-- Storage: which ended job a record ran again.
ALTER TABLE records ADD COLUMN retry_of BLOB;
CREATE INDEX records_retries ON records (retry_of) WHERE retry_of IS NOT NULL;

-- Storage: records that were deleted and must not come back, as long as they would have been kept.
CREATE TABLE deleted (
    id       BLOB    NOT NULL PRIMARY KEY,
    ended_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX deleted_ended ON deleted (ended_at);
