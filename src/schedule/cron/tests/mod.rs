//! What is read and what is refused; zones; what no other implementation can be asked about. See `tests/suite/cron` too.

mod firing;
mod reading;
mod zones;
