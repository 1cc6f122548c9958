//! What a derived schema cannot tell of a payload: fields of which one is written.

use serde_json::{Value, json};

/// For `oneOf`: exactly one of these two fields, which have this type. Null is as if a field were left out.
pub(super) fn either(one: (&str, &str), other: (&str, &str)) -> Value {
    let only = |(name, kind): (&str, &str), not: &str| json!({"required": [name], "properties": {name: {"type": kind}, not: {"type": "null"}}});
    json!([only(one, other.0), only(other, one.0)])
}
