//! What payloads of a described type must look like.
//!
//! A crate of its own because the validator is generic over what it validates: it is compiled where it is called, and
//! takes as long as all the rest of the configuration. Here that is once.

use std::fmt;
use std::sync::Arc;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;
use serde_json::value::RawValue;

/// Most mistakes of one payload that are told; whoever mends twenty will come back for the rest.
const TOLD_MAX: usize = 20;

/// How many steps a `pattern` may take on one text: patterns that can go wild are stopped, and the text is refused.
const PATTERN_STEPS_MAX: usize = 200_000;

/// A JSON Schema (2020-12, unless it names another by `$schema`). `format` is checked, too.
#[derive(Clone)]
pub struct PayloadSchema {
    document: Value,
    validator: Arc<Validator>,
}

impl PayloadSchema {
    /// Makes a schema of its document.
    ///
    /// # Errors
    ///
    /// Where in the document it is wrong (a JSON Pointer), and how.
    pub fn new(document: Value) -> Result<Self, (String, String)> {
        let built = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(PATTERN_STEPS_MAX))
            .build(&document);
        match built {
            Ok(validator) => Ok(Self {
                document,
                validator: Arc::new(validator),
            }),
            Err(err) => Err((err.instance_path().to_string(), err.to_string())),
        }
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Looks a payload over.
    ///
    /// # Errors
    ///
    /// Every mistake (at most twenty) as a JSON Pointer into the payload and a reason, which does not repeat the
    /// payload's own values.
    pub fn check(&self, payload: &RawValue) -> Result<(), Vec<(String, String)>> {
        let value: Value = serde_json::from_str(payload.get()).map_err(|err| {
            let wrong = format!("cannot be compared with the type's schema: {err}");
            vec![(String::new(), wrong)]
        })?;
        let wrong: Vec<_> = self
            .validator
            .iter_errors(&value)
            .flat_map(|err| told(&err))
            .take(TOLD_MAX)
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

/// Missing and unknown members are told at the member, as all other wrong fields are.
fn told(err: &ValidationError<'_>) -> Vec<(String, String)> {
    let at = err.instance_path().to_string();
    let member = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    match err.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![(member(name), "is missing".to_owned())]
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| (member(name), "unknown field".to_owned()))
            .collect(),
        _ => vec![(at, err.masked().to_string())],
    }
}

impl PartialEq for PayloadSchema {
    fn eq(&self, other: &Self) -> bool {
        self.document == other.document
    }
}

impl fmt::Debug for PayloadSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.document.fmt(f)
    }
}
