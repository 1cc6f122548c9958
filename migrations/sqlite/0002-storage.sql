-- Storage: one row a job that has ended.
-- Instants are microseconds since 1970, UTC. Ids are the 16 bytes of a UUIDv7.

--   body      What was accepted, as the queue keeps it; of a defective record with its payload null.
--   error     {"kind", "message"}; of a defective record with the reason why it is one in front.
--   history   Its attempts as a JSON array.
--   raw       Of a defective record {"payload", "result", "error", "tags", "attempts"} as they came; else NULL.
CREATE TABLE records (
    id       BLOB    NOT NULL PRIMARY KEY,
    type     TEXT    NOT NULL,
    queue    TEXT    NOT NULL,
    state    TEXT    NOT NULL,
    ended_at INTEGER NOT NULL,
    attempt  INTEGER NOT NULL,
    body     TEXT    NOT NULL,
    history  TEXT    NOT NULL,
    result   TEXT,
    error    TEXT,
    raw      TEXT
) WITHOUT ROWID;

-- Pages by one of these go along an index; each ends in the id, which is the order of pages. Nearly all records are
-- succeeded ones: to find those no index is needed, so that they do not pay for one.
CREATE INDEX records_type ON records (type);
CREATE INDEX records_queue ON records (queue);
CREATE INDEX records_state ON records (state) WHERE state <> 'succeeded';
-- Retention counts from the end.
CREATE INDEX records_ended ON records (ended_at);

CREATE TABLE record_tags (
    tag TEXT NOT NULL,
    id  BLOB NOT NULL,
    PRIMARY KEY (tag, id)
) WITHOUT ROWID;

-- What ended within a minute. The histogram is a JSON array of counts.
CREATE TABLE minutes (
    minute    INTEGER NOT NULL,
    type      TEXT    NOT NULL,
    queue     TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    jobs      INTEGER NOT NULL,
    wait_ms   INTEGER NOT NULL,
    run_ms    INTEGER NOT NULL,
    histogram TEXT    NOT NULL,
    PRIMARY KEY (minute, type, queue, state)
) WITHOUT ROWID;
