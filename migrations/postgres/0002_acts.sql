-- 0002_acts: which job ran another one again, and records that were deleted.

-- "Has this job been run again, and by which?" is asked with every look at an ended job. An index on jobs would have to be
-- looked into day by day: with 90 of them that takes 5 ms, here 0.1.
CREATE TABLE retries (
    old      uuid        PRIMARY KEY,
    retry    uuid        NOT NULL,
    ended_at timestamptz NOT NULL
);

COMMENT ON COLUMN retries.old IS 'the job that was run again';
COMMENT ON COLUMN retries.retry IS 'the job that did so';
COMMENT ON COLUMN retries.ended_at IS 'when that one ended; from it retention counts';

-- A recorder may hold a record while it is deleted, and must not bring it back. The row stays for as long as the record
-- would have been kept.
CREATE TABLE deleted (
    id       uuid        PRIMARY KEY,
    ended_at timestamptz NOT NULL
);
