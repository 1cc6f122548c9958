//! The schema, brought up to date at the start; several hosts may start at once.
