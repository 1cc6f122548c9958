//! From the nodes of the file to job types, or to all that is wrong with them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::values::{file, header, not_a_schema, schema_of, url, words};
use super::{Action, BUILTIN_TYPES, JobType, PayloadSchema, SigningKey};
use crate::config::entries::{Found, read_all};
use crate::config::file::{Member, Node, Tree};
use crate::config::parse;
use crate::config::problem::{Problem, quoted};
use crate::config::settings::Secret;
use crate::near;

/// Most words of a command line.
const WORDS_MAX: usize = 256;

/// The keys of an entry.
const KEYS: [&str; 10] = [
    "name",
    "command",
    "directory",
    "url",
    "secret",
    "secret_file",
    "headers",
    "payload_schema",
    "timeout",
    "queue",
];

/// Keys that make sense with `command` only.
const COMMAND_KEYS: [&str; 1] = ["directory"];

/// Keys that make sense with `url` only.
const URL_KEYS: [&str; 3] = ["secret", "secret_file", "headers"];

/// Reads all entries, the value of the file's key `type`.
pub(in crate::config) fn read(types: Node, found: &mut Found<'_>) -> Vec<JobType> {
    read_all(types, found, |line, members, found| {
        let members = members.into_iter().map(|m| (m.key.clone(), m)).collect();
        let entry = Entry {
            line,
            members,
            found,
        };
        entry.read()
    })
}

/// One entry while it is read. What is read is taken out of its members.
struct Entry<'e, 'f> {
    line: usize,
    members: BTreeMap<String, Member>,
    found: &'e mut Found<'f>,
}

impl Entry<'_, '_> {
    /// Reads the entry whole, and tells all that is wrong with it; `None` if something is.
    fn read(mut self) -> Option<JobType> {
        let before = self.found.problems.len();
        self.refuse_unknown();
        let name = self.name();
        let action = self.action();
        let payload_schema = self.payload_schema();
        let timeout = self.timeout();
        let queue = self.parsed("queue", parse::name);
        let whole = self.found.problems.len() == before;
        let job_type = JobType {
            name: name?,
            place: self.found.place(self.line),
            action: action?,
            payload_schema,
            timeout,
            queue,
        };
        whole.then_some(job_type)
    }

    fn wrong(&mut self, line: usize, what: impl Into<String>) {
        self.found.wrong(line, what);
    }

    fn refuse_unknown(&mut self) {
        let unknown: Vec<_> = self
            .members
            .values()
            .filter(|member| !KEYS.contains(&member.key.as_str()))
            .map(|member| (member.line, member.key.clone()))
            .collect();
        for (line, key) in unknown {
            let mut what = format!("unknown key {} in an entry of a type", quoted(&key));
            match near::word(&key, &KEYS) {
                Some(near) => what.push_str(&format!("; did you mean `{near}`?")),
                None => what.push_str(&format!("; known are {}", KEYS.join(", "))),
            }
            self.wrong(line, what);
        }
    }

    /// A member that is a text, with its line.
    fn text(&mut self, key: &str) -> Option<(usize, String)> {
        let member = self.members.remove(key)?;
        match member.value.tree {
            Tree::Text(text) => Some((member.line, text)),
            _ => {
                self.wrong(member.line, format!("{key}: is not a text in quotes"));
                None
            }
        }
    }

    fn parsed<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let (line, text) = self.text(key)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(what) => {
                self.wrong(line, format!("{key}: {} {what}", quoted(&text)));
                None
            }
        }
    }

    fn name(&mut self) -> Option<String> {
        if !self.members.contains_key("name") {
            self.wrong(self.line, "the entry of a type has no `name`");
        }
        self.parsed("name", |text| {
            let name = parse::name(text)?;
            if BUILTIN_TYPES.contains(&name.as_str()) {
                return Err("is the name of a built-in type; choose another".to_owned());
            }
            Ok(name)
        })
    }

    fn action(&mut self) -> Option<Action> {
        let command = self.members.remove("command");
        match (command, self.members.contains_key("url")) {
            (Some(command), true) => {
                let what = "has a `command` and a `url`; keep one of the two";
                self.wrong(command.line, format!("the entry of a type {what}"));
                None
            }
            (None, false) => {
                self.wrong(
                    self.line,
                    "the entry of a type has neither a `command` nor a `url`; write \
                     `command = [\"/path/of/a/program\", \"argument\"]` or `url = \"https://…\"`",
                );
                None
            }
            (Some(command), false) => {
                self.refuse_with("command", &URL_KEYS);
                self.command(command)
            }
            (None, true) => {
                self.refuse_with("url", &COMMAND_KEYS);
                self.webhook()
            }
        }
    }

    fn refuse_with(&mut self, action: &str, keys: &[&str]) {
        for key in keys {
            if let Some(member) = self.members.remove(*key) {
                self.wrong(
                    member.line,
                    format!("`{key}` has no meaning beside `{action}`; leave it out"),
                );
            }
        }
    }

    fn command(&mut self, command: Member) -> Option<Action> {
        const EXPECTED: &str =
            "write it like `command = [\"/path/of/a/program\", \"argument\"]`; no shell reads it";
        let line = command.line;
        let argv = words(command.value.tree).ok_or("is not an array of texts");
        let argv = argv.and_then(|argv| match argv.first() {
            None => Err("is empty"),
            Some(_) if argv.len() > WORDS_MAX => Err("has more than 256 words"),
            Some(_) if argv.iter().any(|word| word.contains('\0')) => Err("holds U+0000"),
            Some(program) if !program.starts_with('/') => {
                Err("does not begin with an absolute path")
            }
            Some(_) => Ok(argv),
        });
        let directory = self.parsed("directory", |text| match text {
            text if text.starts_with('/') => parse::path(text),
            _ => Err("is not an absolute path".to_owned()),
        });
        let argv = match argv {
            Ok(argv) => argv,
            Err(what) => {
                self.wrong(line, format!("command: {what}; {EXPECTED}"));
                return None;
            }
        };
        if !Path::new(&argv[0]).is_file() {
            let what = format!(
                "command: {} is not there; jobs of the type will fail and be retried until it is",
                quoted(&argv[0])
            );
            let place = self.found.place(line);
            self.found.warnings.push(Problem::new(place, what));
        }
        Some(Action::Command {
            argv,
            directory: directory.unwrap_or_else(|| PathBuf::from("/")),
        })
    }

    fn webhook(&mut self) -> Option<Action> {
        let url = match self.text("url") {
            Some((line, text)) => url(&text)
                // It may hold a token, so it is not repeated.
                .map_err(|what| self.wrong(line, format!("url: the value (not shown) {what}")))
                .ok(),
            None => None,
        };
        let secret = self.secret();
        let headers = self.headers();
        Some(Action::Webhook {
            url: url?,
            secret,
            headers,
        })
    }

    fn secret(&mut self) -> Option<SigningKey> {
        let (direct, by_file) = (self.text("secret"), self.text("secret_file"));
        let (key, line, text) = match (direct, by_file) {
            (Some(_), Some((line, _))) => {
                self.wrong(line, "`secret` and `secret_file` say the same; keep one");
                return None;
            }
            (Some((line, text)), None) => ("secret", line, text),
            (None, Some((line, path))) => {
                let path = self.found.path(&path);
                match file(&path) {
                    Ok(text) => {
                        let text = text.trim_end_matches(['\n', '\r']).to_owned();
                        ("secret_file", line, text)
                    }
                    Err(err) => {
                        let what = format!("secret_file: cannot read {}: {err}", path.display());
                        self.wrong(line, what);
                        return None;
                    }
                }
            }
            (None, None) => return None,
        };
        SigningKey::parse(&text)
            .map_err(|what| self.wrong(line, format!("{key}: the value (not shown) {what}")))
            .ok()
    }

    fn headers(&mut self) -> Vec<(String, Secret)> {
        let Some(member) = self.members.remove("headers") else {
            return Vec::new();
        };
        let Tree::Table(members) = member.value.tree else {
            self.wrong(
                member.line,
                "headers: is not a table; write it like `headers = { Authorization = \"Bearer …\" }`",
            );
            return Vec::new();
        };
        let mut headers = Vec::new();
        for member in members {
            match header(member) {
                Ok(header) => headers.push(header),
                Err((line, what)) => self.wrong(line, format!("headers: {what}")),
            }
        }
        headers
    }

    fn timeout(&mut self) -> Option<Duration> {
        let bounds = Duration::from_secs(1)..=Duration::from_secs(24 * 3600);
        // A number of seconds may stand there without quotes, as it may in the settings.
        if let Some(member) = self.members.get_mut("timeout")
            && let Tree::Whole(seconds) = member.value.tree
        {
            member.value.tree = Tree::Text(seconds.to_string());
        }
        self.parsed("timeout", |text| parse::duration(text, bounds))
    }

    fn payload_schema(&mut self) -> Option<PayloadSchema> {
        let member = self.members.remove("payload_schema")?;
        let made = match &member.value.tree {
            Tree::Text(path) => {
                let path = self.found.path(path);
                schema_of(&path).map_err(|what| (member.line, what))
            }
            Tree::Table(_) => member.value.json().and_then(|document| {
                PayloadSchema::new(document).map_err(|(pointer, what)| {
                    (member.line_of(&pointer), not_a_schema(&pointer, &what))
                })
            }),
            _ => Err((
                member.line,
                "is neither a table nor the path of a JSON file in quotes".to_owned(),
            )),
        };
        made.map_err(|(line, what)| self.wrong(line, format!("payload_schema: {what}")))
            .ok()
    }
}
