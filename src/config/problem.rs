//! What is wrong with the configuration, and where it was written.

use std::fmt;
use std::path::PathBuf;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a variable of the process' environment.
    Environment {
        /// The variable as it was spelled.
        variable: String,
    },
    /// In the `.env` file of the working directory.
    DotEnv {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The variable as it was spelled; empty when the line has none.
        variable: String,
    },
    /// In the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// In a file of its own, because it may be secret.
    SecretFile {
        /// The file.
        path: PathBuf,
        /// What named the file.
        named_by: Box<Place>,
    },
    /// In a credential that systemd handed over.
    Credential {
        /// The credential's file.
        path: PathBuf,
    },
    /// A whole file or folder, when it is not one line that is wrong.
    Path {
        /// The file or folder.
        path: PathBuf,
    },
    /// Nowhere: the default holds.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment { variable } => write!(f, "{variable} in the environment"),
            Self::DotEnv {
                path,
                line,
                variable,
            } if variable.is_empty() => write!(f, "{} line {line}", path.display()),
            Self::DotEnv {
                path,
                line,
                variable,
            } => write!(f, "{variable} in {} line {line}", path.display()),
            Self::File { path, line } => write!(f, "{} line {line}", path.display()),
            Self::SecretFile { path, named_by } => {
                write!(f, "{} (named by {named_by})", path.display())
            }
            Self::Credential { path } => write!(f, "credential {}", path.display()),
            Self::Path { path } => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// What is wrong, and what to write instead.
    pub what: String,
}

impl Problem {
    pub(super) fn new(place: Place, what: impl Into<String>) -> Self {
        Self {
            place,
            what: what.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Everything that is wrong with the configuration; never empty. Mend it all, then start again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub(super) Vec<Problem>);

impl Problems {
    /// These problems, if they are any.
    pub(crate) fn of(problems: Vec<Problem>) -> Option<Self> {
        (!problems.is_empty()).then_some(Self(problems))
    }

    /// The problems: those of the sources first, in the order in which they stand there, then those of the values.
    #[must_use]
    pub fn all(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("1 problem with the configuration:")?,
            n => write!(f, "{n} problems with the configuration:")?,
        }
        for problem in &self.0 {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Text of somebody else's for the middle of a message: one line, no control characters, not long.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN_MAX: usize = 60;
    let mut shown: String = text
        .chars()
        .take(SHOWN_MAX)
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = escaped.is_none().then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
