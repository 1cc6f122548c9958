-- The queue: jobs that live, and jobs that have ended and wait to be stored.
-- Instants are microseconds since 1970, UTC. Ids are the 16 bytes of a UUIDv7.

-- How each job stands: one small row, changed at every step.
--   line, at   The line it stands in and its place there: 1 waits for its time (at: when it is due), 2 lent (at: the
--              end of the lease), 3 ended (at: from when a recorder may take it); from 4 on the lines of the queues, of
--              queue q: 2q + 2, and 2q + 3 for its suspects (at: the place; it is lent in ascending order).
--   n          The number of the ticket that is in the line, or lent.
--   attempt    Attempts begun, once the job has ended.
--   history    Its attempts as a JSON array, once there is one.
CREATE TABLE jobs (
    id         BLOB    NOT NULL PRIMARY KEY,
    queue      INTEGER NOT NULL,
    line       INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    n          INTEGER NOT NULL DEFAULT 1,
    failures   INTEGER NOT NULL DEFAULT 0,
    crashes    INTEGER NOT NULL DEFAULT 0,
    cancel     INTEGER NOT NULL DEFAULT 0,
    attempt    INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER,
    leased_at  INTEGER,
    ended_at   INTEGER,
    node       TEXT,
    unique_key TEXT,
    progress   TEXT,
    history    TEXT,
    result     TEXT,
    error      TEXT
) WITHOUT ROWID;

-- The one index of the hot path: every line in its order.
CREATE INDEX jobs_lines ON jobs (line, at);

-- Waiting jobs that expire; empty for who does not use it.
CREATE INDEX jobs_expiring ON jobs (expires_at)
    WHERE expires_at IS NOT NULL AND line <> 2 AND line <> 3;

-- What was accepted, written once; apart from `jobs`, so that no step rewrites it.
CREATE TABLE bodies (
    id   BLOB NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) WITHOUT ROWID;

-- Every queue that ever held a job or was paused, with its counters (scheduled counts retrying too).
--   full   Somebody who could have taken from it found it at its limit: the next place that is freed wakes him.
CREATE TABLE queues (
    id        INTEGER PRIMARY KEY,
    name      TEXT    NOT NULL UNIQUE,
    paused    INTEGER NOT NULL DEFAULT 0,
    full      INTEGER NOT NULL DEFAULT 0,
    ready     INTEGER NOT NULL DEFAULT 0,
    scheduled INTEGER NOT NULL DEFAULT 0,
    running   INTEGER NOT NULL DEFAULT 0
);

-- The engine itself, one row.
--   head, tail    The places before the first and after the last ticket of any line.
--   clock, grace  The last sign of life; before `grace` no lease counts as run out.
--   pruned        When the calls that nobody will repeat were last forgotten.
--   keys          How many rows `idempotency` has; the rest counts jobs by how they ended.
CREATE TABLE engine (
    only        INTEGER PRIMARY KEY CHECK (only = 1),
    head        INTEGER NOT NULL DEFAULT 0,
    tail        INTEGER NOT NULL DEFAULT 0,
    clock       INTEGER,
    grace       INTEGER NOT NULL DEFAULT 0,
    pruned      INTEGER NOT NULL DEFAULT 0,
    keys        INTEGER NOT NULL DEFAULT 0,
    outbox      INTEGER NOT NULL DEFAULT 0,
    succeeded   INTEGER NOT NULL DEFAULT 0,
    dead        INTEGER NOT NULL DEFAULT 0,
    cancelled   INTEGER NOT NULL DEFAULT 0,
    expired     INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0
);
INSERT INTO engine (only) VALUES (1);

-- The job that holds a unique key, and until when (NULL: as long as it lives).
CREATE TABLE uniques (
    key   TEXT NOT NULL PRIMARY KEY,
    id    BLOB NOT NULL,
    until INTEGER
) WITHOUT ROWID;

-- Submissions that are known for a long time.
--   ids   What was answered: the first id alone where the others follow it, else each of `count`.
CREATE TABLE idempotency (
    key     TEXT    NOT NULL PRIMARY KEY,
    digest  BLOB    NOT NULL,
    ids     BLOB    NOT NULL,
    count   INTEGER NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_expires ON idempotency (expires);

-- The last numbered call of each caller and what it was answered, for its repeat.
CREATE TABLE calls (
    caller TEXT    NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    answer TEXT    NOT NULL
) WITHOUT ROWID;

-- Daemons by their last sign of life; what they said, as JSON.
CREATE TABLE nodes (
    node    TEXT    NOT NULL PRIMARY KEY,
    seen_at INTEGER NOT NULL,
    said    TEXT    NOT NULL
) WITHOUT ROWID;

-- The calendar.
CREATE TABLE entries (
    name       TEXT    NOT NULL PRIMARY KEY,
    definition TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    last_tick  INTEGER,
    last_job   BLOB
) WITHOUT ROWID;
