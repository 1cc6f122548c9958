//! What a route takes and answers, as data: bodies and replies; their schemas come from the types themselves.

use schemars::{JsonSchema, SchemaGenerator};

use super::{Parameter, Shape};

/// One form of the body of a request.
#[derive(Debug, Clone, Copy)]
pub struct Body {
    /// Its content type.
    pub content_type: &'static str,
    /// What it holds, in a sentence.
    pub meaning: &'static str,
    /// Its schema; of a body of lines that of one line.
    pub shape: Shape,
    /// Some that are accepted.
    pub examples: &'static [Example],
}

/// A body that shows how to do something.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// The body itself.
    pub text: &'static str,
}

impl Body {
    /// A JSON body that is a `T`.
    pub const fn json<T: JsonSchema>(meaning: &'static str) -> Self {
        Self {
            content_type: "application/json",
            meaning,
            shape: SchemaGenerator::subschema_for::<T>,
            examples: &[],
        }
    }

    /// NDJSON whose lines are each a `T`.
    pub const fn lines<T: JsonSchema>(meaning: &'static str) -> Self {
        Self {
            content_type: "application/x-ndjson",
            ..Self::json::<T>(meaning)
        }
    }

    /// The same with these examples.
    pub const fn such_as(self, examples: &'static [Example]) -> Self {
        Self { examples, ..self }
    }

    /// Whether it is a body of lines, each of the schema.
    pub fn is_lines(&self) -> bool {
        self.content_type == "application/x-ndjson"
    }
}

/// One answer of a route when all is well. A status may have several.
#[derive(Debug, Clone, Copy)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// When it comes, and what it means.
    pub meaning: &'static str,
    /// Its body.
    pub says: Says,
    /// Its headers, beyond those of every answer.
    pub headers: &'static [Parameter],
}

/// The body of an answer.
#[derive(Debug, Clone, Copy)]
pub enum Says {
    /// It has none.
    Nothing,
    /// JSON of this schema.
    Json(Shape),
    /// A problem document of this schema.
    Problem(Shape),
    /// NDJSON, each line of this schema.
    Lines(Shape),
}

impl Reply {
    /// An answer whose body is a `T` as JSON.
    pub const fn json<T: JsonSchema>(status: u16, meaning: &'static str) -> Self {
        let says = Says::Json(SchemaGenerator::subschema_for::<T>);
        Self::new(status, meaning, says)
    }

    /// A problem document that is a `T`.
    pub const fn problem<T: JsonSchema>(status: u16, meaning: &'static str) -> Self {
        let says = Says::Problem(SchemaGenerator::subschema_for::<T>);
        Self::new(status, meaning, says)
    }

    /// NDJSON whose lines are each a `T`.
    pub const fn lines<T: JsonSchema>(status: u16, meaning: &'static str) -> Self {
        let says = Says::Lines(SchemaGenerator::subschema_for::<T>);
        Self::new(status, meaning, says)
    }

    /// An answer without a body.
    pub const fn empty(status: u16, meaning: &'static str) -> Self {
        Self::new(status, meaning, Says::Nothing)
    }

    const fn new(status: u16, meaning: &'static str, says: Says) -> Self {
        Self {
            status,
            meaning,
            says,
            headers: &[],
        }
    }

    /// The same with these headers.
    pub const fn with(self, headers: &'static [Parameter]) -> Self {
        Self { headers, ..self }
    }
}
