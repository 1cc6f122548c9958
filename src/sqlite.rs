//! The one SQLite file that queue and storage of the embedded mode share: one writer with group commit, readers beside it.
