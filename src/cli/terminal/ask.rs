//! Asks a person before something is done that cannot be undone.

use std::io::{self, IsTerminal, Write};

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Consent {
    /// The answer was yes.
    Given,
    /// The answer was anything else, or none.
    Denied,
    /// There is nobody to ask: standard input or standard error is no terminal.
    NobodyThere,
}

/// Asks on standard error, so that the question is seen also where the output is read by a program.
pub(in crate::cli) fn consent(question: &str) -> Consent {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Consent::NobodyThere;
    }
    let mut err = io::stderr().lock();
    let mut answer = String::new();
    let asked = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
    match asked.and_then(|()| io::stdin().read_line(&mut answer)) {
        Ok(_) if matches!(answer.trim(), "y" | "Y" | "yes" | "Yes") => Consent::Given,
        Ok(0) => {
            // Ctrl-D leaves the cursor behind the question. Whoever closed standard error does not want to be told.
            writeln!(err).ok();
            Consent::Denied
        }
        _ => Consent::Denied,
    }
}
