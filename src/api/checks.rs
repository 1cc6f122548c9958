//! The parameters of a query, read one by one; all that is wrong with them is told at once.

use super::routes::Incoming;
use crate::job::Timestamp;

/// The parameters of a request, and what is wrong with them so far.
pub struct Checks<'a> {
    incoming: &'a Incoming<'a>,
    wrong: Vec<String>,
}

impl<'a> Checks<'a> {
    /// The parameters of a request.
    #[must_use]
    pub fn of(incoming: &'a Incoming<'_>) -> Self {
        Self {
            incoming,
            wrong: Vec::new(),
        }
    }

    /// The value of a parameter as `read` reads it, which says what is wrong; `None` when it is missing or wrong.
    pub fn value<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match read(self.incoming.parameter(name)?) {
            Ok(value) => Some(value),
            Err(what) => {
                self.wrong(name, &what);
                None
            }
        }
    }

    /// The same of a parameter that must be there, such as `example`.
    pub fn needed<T>(
        &mut self,
        name: &str,
        example: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if self.incoming.parameter(name).is_none() {
            self.wrong(name, &format!("is missing; an example: {name}={example}"));
        }
        self.value(name, read)
    }

    /// Notes what is wrong with a parameter.
    pub fn wrong(&mut self, name: &str, what: &str) {
        self.wrong.push(format!("query parameter `{name}` {what}"));
    }

    /// Goes on if nothing is wrong.
    ///
    /// # Errors
    ///
    /// All that is wrong, in a sentence each.
    pub fn finish(&self) -> Result<(), String> {
        if self.wrong.is_empty() {
            return Ok(());
        }
        Err(self.wrong.join("; "))
    }
}

/// Reads an instant.
///
/// # Errors
///
/// What is wrong with it, and what would do.
pub fn instant(text: &str) -> Result<Timestamp, String> {
    match Timestamp::parse(text) {
        Some(instant) => Ok(instant),
        // In a query, `+` is a space.
        None if Timestamp::parse(&text.replace(' ', "+")).is_some() => Err(
            "has a `+`, which stands for a space here: write `%2B`, or the instant in UTC with `Z`"
                .to_owned(),
        ),
        None => Err("is no instant: RFC 3339 is expected, such as 2026-11-24T07:42:06Z".to_owned()),
    }
}

/// Reads a whole number from 1 to `max`, written as programs write it: with neither a sign nor zeros before it.
#[must_use]
pub fn whole(text: &str, max: usize) -> Option<usize> {
    let is_plain = text.starts_with(|first| matches!(first, '1'..='9'));
    let number = text.parse().ok().filter(|_| is_plain)?;
    (1..=max).contains(&number).then_some(number)
}
