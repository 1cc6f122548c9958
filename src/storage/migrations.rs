//! Which steps bring a schema up to date, and whether it may be touched at all. Pure: the engines run the steps.
//!
//! A step that has been released never changes; a change is a new step. The checksums are how a schema that was made by
//! other steps is noticed before anything is written to it.

use sha2::{Digest, Sha256};

use super::StorageError;

/// One step of a schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    /// Its number: 1, 2, 3, …
    pub version: i32,
    /// The name of its file.
    pub name: &'static str,
    /// What it does.
    pub sql: &'static str,
}

impl Migration {
    /// SHA-256 of its text, in hexadecimal.
    pub fn checksum(&self) -> String {
        Sha256::digest(self.sql.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// A step as the schema remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Applied {
    /// Its number.
    pub version: i32,
    /// Its name when it was applied.
    pub name: String,
    /// Its checksum when it was applied.
    pub checksum: String,
}

/// The steps of PostgreSQL's schema.
pub(super) const POSTGRES: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_jobs",
        sql: include_str!("../../migrations/postgres/0001_jobs.sql"),
    },
    Migration {
        version: 2,
        name: "0002_acts",
        sql: include_str!("../../migrations/postgres/0002_acts.sql"),
    },
];

/// Which of `known`, in order, are still to be done on a schema where `applied` (by version) were.
///
/// # Errors
///
/// [`StorageError::Unfit`]: the schema was made by other steps, or by more than this program knows.
pub(super) fn pending<'a>(
    known: &'a [Migration],
    applied: &[Applied],
) -> Result<&'a [Migration], StorageError> {
    for (at, done) in applied.iter().enumerate() {
        let Some(step) = known.get(at) else {
            return Err(StorageError::Unfit {
                reason: format!(
                    "its schema is newer than this program (step {}, {}): start a program at least as new as the one \
                     that wrote it",
                    done.version, done.name
                ),
            });
        };
        if done.version != step.version || done.checksum != step.checksum() {
            return Err(StorageError::Unfit {
                reason: format!(
                    "step {} of its schema ({}) is not the one that this program knows ({}): it was made by another \
                     build; use that build, or another database",
                    done.version, done.name, step.name
                ),
            });
        }
    }
    Ok(&known[applied.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Migration] = &[
        Migration {
            version: 1,
            name: "0001_a",
            sql: "a",
        },
        Migration {
            version: 2,
            name: "0002_b",
            sql: "b",
        },
    ];

    fn applied(step: &Migration) -> Applied {
        Applied {
            version: step.version,
            name: step.name.to_owned(),
            checksum: step.checksum(),
        }
    }

    #[test]
    fn only_the_missing_steps_are_done() {
        for done in 0..=KNOWN.len() {
            let applied: Vec<_> = KNOWN[..done].iter().map(applied).collect();
            let rest = pending(KNOWN, &applied).expect("a schema of ours");
            assert_eq!(rest.len(), KNOWN.len() - done);
            assert!(rest.iter().all(|step| step.version > done as i32));
        }
    }

    #[test]
    fn a_changed_or_newer_schema_is_refused() {
        let mut changed = applied(&KNOWN[0]);
        changed.checksum = KNOWN[1].checksum();
        let newer = [
            applied(&KNOWN[0]),
            applied(&KNOWN[1]),
            Applied {
                version: 3,
                name: "0003_c".to_owned(),
                checksum: String::new(),
            },
        ];
        for (applied, word) in [(&[changed][..], "0001_a"), (&newer[..], "newer")] {
            let error = pending(KNOWN, applied).expect_err("not ours").to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn the_steps_are_numbered_as_their_files_say() {
        for (at, step) in POSTGRES.iter().enumerate() {
            assert_eq!(step.version, at as i32 + 1);
            assert!(step.name.starts_with(&format!("{:04}_", step.version)));
            assert!(
                step.sql.starts_with(&format!("-- {}:", step.name)),
                "the header of {} names it",
                step.name
            );
        }
    }
}
