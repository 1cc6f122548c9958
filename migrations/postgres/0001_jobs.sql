-- 0001_jobs: every ended job as one row, and what ended in each minute.
--
-- Partitions are made and dropped by the program, one for each UTC day of `created_at`. The id is a UUIDv7: its first 48
-- bits are that instant, so a day is a range of ids, and looking a job up by its id touches one partition.
--
-- Names are ASCII: compared byte by byte ("C") they cost a fraction of what a language's order costs.

CREATE TABLE jobs (
    id         uuid        NOT NULL,
    type       text        COLLATE "C" NOT NULL,
    queue      text        COLLATE "C" NOT NULL,
    state      text        COLLATE "C" NOT NULL,
    tags       text[]      NOT NULL,
    payload    jsonb,
    result     jsonb,
    error      jsonb,
    attempts   int         NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at   timestamptz NOT NULL,
    node       text,
    history    jsonb       NOT NULL,
    retry_of   uuid,
    options    jsonb,
    raw        bytea,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

COMMENT ON COLUMN jobs.attempts IS 'attempts begun, released ones not counted';
COMMENT ON COLUMN jobs.started_at IS 'when the last attempt began';
COMMENT ON COLUMN jobs.node IS 'who ran the last attempt';
COMMENT ON COLUMN jobs.history IS 'the attempts, oldest first, instants in microseconds since 1970; see the view attempts';
COMMENT ON COLUMN jobs.options IS 'what the job asked for beyond the defaults; NULL: nothing';
COMMENT ON COLUMN jobs.raw IS 'the whole record as JSON text, where its content could not be stored as it was; error says why';

-- Lists filter by one of these and page by id, newest first.
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX jobs_by_type ON jobs (type, id);
CREATE INDEX jobs_by_queue ON jobs (queue, id);
CREATE INDEX jobs_by_tag ON jobs USING gin (tags);
-- "Has anything in this old day ended lately?", asked before a day is forgotten. Next to free to keep.
CREATE INDEX jobs_by_end ON jobs USING brin (ended_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE VIEW attempts AS
SELECT jobs.id AS job_id,
       (attempt ->> 'attempt')::int AS attempt,
       attempt ->> 'outcome' AS outcome,
       attempt -> 'error' AS error,
       timestamptz 'epoch' + (attempt ->> 'started_at')::bigint * interval '1 microsecond' AS started_at,
       timestamptz 'epoch' + (attempt ->> 'ended_at')::bigint * interval '1 microsecond' AS ended_at,
       attempt ->> 'node' AS node,
       coalesce(attempt -> 'log', '[]') AS log
FROM jobs CROSS JOIN LATERAL jsonb_array_elements(jobs.history) AS attempt;

-- The present minute's rows are updated with every batch: room on the page keeps those updates off the index.
CREATE TABLE minutes (
    minute    timestamptz NOT NULL,
    type      text        COLLATE "C" NOT NULL,
    queue     text        COLLATE "C" NOT NULL,
    state     text        COLLATE "C" NOT NULL,
    jobs      bigint      NOT NULL,
    wait_ms   bigint      NOT NULL,
    run_ms    bigint      NOT NULL,
    histogram bigint[]    NOT NULL,
    PRIMARY KEY (minute, type, queue, state)
) WITH (fillfactor = 50);

COMMENT ON COLUMN minutes.histogram IS
    'element 1 counts run times below 1 ms, element i those below 2^(i-1) ms, the last one all that are longer';
