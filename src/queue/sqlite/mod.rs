//! The queue on SQLite: for one process, without a server.
