//! Addresses as people write them become mailboxes that can be written into a mail.

use std::fmt;

use lettre::Address;
use lettre::message::Mailbox;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor, value::SeqAccessDeserializer};
use url::Host;

use crate::handlers::Wrong;

/// One text, or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OneOrMany {
    /// A text by itself.
    One(String),
    /// A list.
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    /// The mailboxes written here; what is wrong with the others is added to `wrong`, under `pointer`.
    pub(super) fn mailboxes(&self, pointer: &str, wrong: &mut Vec<Wrong>) -> Vec<Mailbox> {
        let mut read = |pointer: String, text: &str| match mailbox(text) {
            Ok(mailbox) => Some(mailbox),
            Err(detail) => {
                wrong.push(Wrong::new(pointer, detail));
                None
            }
        };
        match self {
            Self::One(text) => read(pointer.to_owned(), text).into_iter().collect(),
            Self::Many(texts) => texts
                .iter()
                .enumerate()
                .filter_map(|(i, text)| read(format!("{pointer}/{i}"), text))
                .collect(),
        }
    }

    /// How many texts there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(texts) => texts.len(),
        }
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }

            fn visit_str<E>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, texts: A) -> Result<OneOrMany, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(texts)).map(OneOrMany::Many)
            }
        }
        // An untagged enum would say "did not match any variant" for `[1]`; this names the place and what is expected.
        deserializer.deserialize_any(Texts)
    }
}

impl JsonSchema for OneOrMany {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OneOrMany".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "pattern": "@" },
                { "type": "array", "items": { "type": "string", "pattern": "@" } }
            ]
        })
    }
}

/// Reads `a@b` or `Name <a@b>`. The name may hold any character; in double quotes also `<>,;@`.
///
/// The domain comes out in ASCII (`bücher.example` as `xn--bcher-kva.example`), as every server understands it.
///
/// # Errors
///
/// What is wrong with it, and what is expected.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, String> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err("must not hold line breaks or other control characters".to_owned());
    }
    let (name, address) = match text.strip_suffix('>').and_then(|t| t.rsplit_once('<')) {
        Some((name, address)) => (name_of(name.trim())?, address.trim()),
        None => (None, text),
    };
    let mailbox = Mailbox::new(name, address_of(address)?);
    // The builder reads back what it wrote; a name that does not survive that must not get as far.
    match mailbox.to_string().parse::<Mailbox>() {
        Ok(read) if read.email == mailbox.email => Ok(mailbox),
        _ => Err(NOT_AN_ADDRESS.to_owned()),
    }
}

fn name_of(written: &str) -> Result<Option<String>, String> {
    if written.len() > NAME_BYTES_MAX {
        return Err(format!("a name may have {NAME_BYTES_MAX} bytes"));
    }
    if let Some(quoted) = written.strip_prefix('"').and_then(|w| w.strip_suffix('"')) {
        let mut name = String::new();
        let mut chars = quoted.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => name.extend(chars.next()),
                // `"A" <a@b>, "B" <c@d>` is two mailboxes, not one with an odd name.
                '"' => return Err(NOT_AN_ADDRESS.to_owned()),
                _ => name.push(c),
            }
        }
        return Ok(Some(name).filter(|n| !n.is_empty()));
    }
    if written.contains(['<', '>', ',', ';', '@', '"']) {
        return Err(
            "is one address a string: a list is written as an array, and a name with `<>,;@` in double quotes"
                .to_owned(),
        );
    }
    Ok(Some(written.to_owned()).filter(|n| !n.is_empty()))
}

fn address_of(written: &str) -> Result<Address, String> {
    let parse = || {
        let (user, domain) = written.rsplit_once('@')?;
        // What looks like an IP address would need brackets, and hardly any server takes mail for one.
        let Ok(Host::Domain(domain)) = Host::parse(domain) else {
            return None;
        };
        Address::new(user, domain.trim_end_matches('.')).ok()
    };
    parse().ok_or_else(|| NOT_AN_ADDRESS.to_owned())
}

const NOT_AN_ADDRESS: &str =
    "is not an address: `name@example.org` or `Name <name@example.org>` is expected";

/// Longest name beside an address. A header folds between words only, and no line may pass 998 bytes.
const NAME_BYTES_MAX: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        mailbox(text).map_or_else(|err| format!("refused: {err}"), |m| m.to_string())
    }

    #[test]
    fn addresses_with_and_without_names_are_read() {
        assert_eq!(shown("a@example.org"), "a@example.org");
        assert_eq!(shown("  <a@example.org> "), "a@example.org");
        assert_eq!(shown("A B <a@example.org>"), "A B <a@example.org>");
        assert_eq!(shown("a+tag@localhost"), "a+tag@localhost");
        let odd = mailbox("\"Müller, \\\"Hans\\\" <x@y>\" <a@example.org>").expect("a mailbox");
        assert_eq!(odd.name.as_deref(), Some("Müller, \"Hans\" <x@y>"));
        assert_eq!(
            mailbox("名前 (東京) <a@example.org>")
                .expect("a mailbox")
                .name
                .as_deref(),
            Some("名前 (東京)")
        );
    }

    #[test]
    fn a_domain_comes_out_in_ascii() {
        assert_eq!(shown("a@Bücher.Example"), "a@xn--bcher-kva.example");
        assert_eq!(shown("jörg@example.org"), "jörg@example.org");
    }

    #[test]
    fn what_is_no_single_address_is_refused() {
        for text in [
            "",
            "a",
            "a@",
            "@example.org",
            "a@b c",
            "a@example.org, b@example.org",
            "A <a@example.org>, B <b@example.org>",
            "\"A\" <a@example.org>, \"B\" <b@example.org>",
            "a@example.org\r\nBcc: b@example.org",
            "A\r\nBcc: b@example.org <a@example.org>",
            "A\0 <a@example.org>",
            "<a@example.org",
            "a b@example.org",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@exa%6Dple .org",
            "a@example..org",
            "a@b> SIZE=1",
        ] {
            assert!(
                mailbox(text).is_err(),
                "{text:?} was read as {}",
                shown(text)
            );
        }
    }

    #[test]
    fn one_or_many_is_read_and_names_the_wrong_one() {
        let one: OneOrMany = serde_json::from_str("\"a@b.example\"").expect("one");
        assert_eq!(one, OneOrMany::One("a@b.example".to_owned()));
        let many: OneOrMany = serde_json::from_str("[\"a@b.example\",\"x\"]").expect("many");
        let mut wrong = Vec::new();
        assert_eq!(many.mailboxes("/to", &mut wrong).len(), 1);
        assert_eq!(wrong[0].pointer, "/to/1");
        let err = serde_json::from_str::<OneOrMany>("5").expect_err("a number");
        assert!(err.to_string().contains("a string or an array of strings"));
    }
}
