//! `email`: sends a mail over SMTP.
