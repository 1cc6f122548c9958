-- The calendar, whose entries tell how far each was dealt with.

-- Its place is taken by `calendar`; no program has written any entry into it.
DROP TABLE entries;

--   revision    The number of the put that the entry stands as.
--   done        Every tick up to here was dealt with.
--   last_at     The last tick that brought a job, or when the entry last ran out of turn; and that job.
--   passed_at   The last tick that brought no job, and why.
CREATE TABLE calendar (
    name       TEXT    NOT NULL PRIMARY KEY,
    revision   INTEGER NOT NULL,
    enabled    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    done       INTEGER NOT NULL,
    last_at    INTEGER,
    last_job   BLOB,
    passed_at  INTEGER,
    passed_why TEXT,
    definition TEXT    NOT NULL
) WITHOUT ROWID;

-- The number of the last put or remove.
ALTER TABLE engine ADD COLUMN calendar INTEGER NOT NULL DEFAULT 0;
