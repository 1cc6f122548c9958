-- 0002_acts: which job ran another one again, and records that were deleted.

-- "Has this job been run again, and by which?" Few jobs run another one again, so it costs next to nothing.
CREATE INDEX jobs_by_retry ON jobs (retry_of) WHERE retry_of IS NOT NULL;

-- A recorder may hold a record while it is deleted, and must not bring it back. The row stays for as long as the record
-- would have been kept.
CREATE TABLE deleted (
    id       uuid        PRIMARY KEY,
    ended_at timestamptz NOT NULL
);
