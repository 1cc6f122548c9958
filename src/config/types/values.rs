//! The values of an entry: what each text or table means.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;
use url::Url;

use super::PayloadSchema;
use crate::config::file::{Member, Node, Tree};
use crate::config::problem::quoted;
use crate::config::settings::Secret;

/// Largest file that an entry names.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Headers that are ours to set, or the connection's.
const OUR_HEADERS: [&str; 11] = [
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// The words of a command line.
pub(super) fn words(tree: Tree) -> Option<Vec<String>> {
    let Tree::Array(words) = tree else {
        return None;
    };
    let word = |node: Node| match node.tree {
        Tree::Text(text) => Some(text),
        _ => None,
    };
    words.into_iter().map(word).collect()
}

/// Where a webhook goes.
pub(super) fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|err| format!("is not a URL: {err}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("is neither an http:// nor an https:// URL".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a login; write it as `headers = { Authorization = \"…\" }`".to_owned());
    }
    if url.fragment().is_some() {
        return Err("has a fragment (`#…`), which no server gets to see; leave it out".to_owned());
    }
    Ok(url)
}

/// A header, or what is wrong with it and on which line.
pub(super) fn header(member: Member) -> Result<(String, Secret), (usize, String)> {
    let (line, name) = (member.line, member.key);
    let wrong = |what: &str| Err((line, format!("{} {what}", quoted(&name))));
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(is_token) {
        return wrong("is no name of a header");
    }
    if OUR_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        return wrong("is set by windlass itself; leave it out");
    }
    let Tree::Text(value) = member.value.tree else {
        return wrong("is not a text in quotes");
    };
    if !value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return wrong("has a value (not shown) with other characters than those of ASCII");
    }
    Ok((name, Secret::new(value)))
}

/// The schema in a JSON file.
pub(super) fn schema_of(path: &Path) -> Result<PayloadSchema, String> {
    let shown = path.display();
    let text = file(path).map_err(|err| format!("cannot read {shown}: {err}"))?;
    let document: Value =
        serde_json::from_str(&text).map_err(|err| format!("{shown} is not JSON: {err}"))?;
    if !document.is_object() {
        return Err(format!("{shown} is no JSON Schema, which is an object"));
    }
    PayloadSchema::new(document)
        .map_err(|(pointer, what)| format!("{shown} {}", not_a_schema(&pointer, &what)))
}

/// What a schema that is none is told.
pub(super) fn not_a_schema(pointer: &str, what: &str) -> String {
    match pointer {
        "" => format!("is no JSON Schema (2020-12): {what}"),
        _ => format!("is no JSON Schema (2020-12): at `{pointer}`: {what}"),
    }
}

/// The text of a file that an entry names.
pub(super) fn file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let mut file = File::open(path)?.take(FILE_BYTES_MAX + 1);
    file.read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}
