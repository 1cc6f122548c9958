//! The settings for readers: the rows of the README's table, and the two templates in `config/`.

use std::fmt::Write;

use super::settings::Config;
use super::table::TABLE;

use super::setting::Setting;

/// A file to begin from, with every setting at its default, commented out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// `config/windlass.toml`.
    Toml,
    /// `config/windlass.env`, for systemd's EnvironmentFile.
    Env,
}

impl Config {
    /// Every setting, in the order in which people meet them.
    #[must_use]
    pub fn reference() -> &'static [Setting] {
        &TABLE
    }

    /// The settings as a Markdown table: variable, default, what can be written, meaning.
    #[must_use]
    pub fn reference_table() -> String {
        let mut table =
            String::from("| setting | default | form | meaning |\n| --- | --- | --- | --- |\n");
        for setting in &TABLE {
            let default = match setting.default_text() {
                text if text.is_empty() => "not set".to_owned(),
                text => format!("`{text}`"),
            };
            let row = format!(
                "| `{}` | {default} | {} | {} |\n",
                setting.variable(),
                setting.form,
                setting.meaning
            );
            table.push_str(&row);
        }
        table
    }
}

impl Template {
    /// The text of the file.
    #[must_use]
    pub fn text(self) -> String {
        let mut text = String::from(match self {
            Self::Toml => TOML_HEAD,
            Self::Env => ENV_HEAD,
        });
        for setting in &TABLE {
            let default = setting.default_text();
            let value = if default.is_empty() {
                setting.example
            } else {
                &default
            };
            let unset = if default.is_empty() {
                "# Not set by default; an example:\n"
            } else {
                ""
            };
            let (name, value) = match self {
                Self::Toml => (setting.name.to_owned(), toml_value(value)),
                Self::Env => (setting.variable(), value.to_owned()),
            };
            write_entry(
                &mut text,
                setting,
                unset,
                &format!("{name}{}{value}", self.equals()),
            );
        }
        if matches!(self, Self::Toml) {
            text.push_str(TOML_ENTRIES);
        }
        text
    }

    fn equals(self) -> &'static str {
        match self {
            Self::Toml => " = ",
            Self::Env => "=",
        }
    }
}

const TOML_HEAD: &str = "\
# Settings of windlass. Every line below that begins with `#` and a name shows a default (or, where there is none, an
# example); take the `#` away to change it. The environment and a `.env` file in the working directory are stronger than
# this file. Settings that may hold a password can also be read from a file of their own: `database_url_file`.
# `windlass config` shows what holds, and where it was written.
";

const ENV_HEAD: &str = "\
# Environment of windlass.service: copy this to /etc/windlass/windlass.env. Every line below that begins with `#` and a
# name shows a default (or, where there is none, an example); take the `#` away to change it. Settings that may hold a
# password can also be read from a file (DATABASEURLFILE=/path) or from a systemd credential (see windlass.service).
# `windlass config` shows what holds, and where it was written.
";

/// Entries, which have no defaults: examples with every key but `url`'s.
const TOML_ENTRIES: &str = "
# Job types of your own: a program to run (`command`) or a URL to post to (`url`), as many as you like, after all settings.
# The README tells what the program or the server is given and what its answers mean. An example:
# [[type]]
# name = \"word-count\"
# command = [\"/usr/bin/wc\", \"-w\"]
# directory = \"/\"
# payload_schema = { type = \"string\" }
# timeout = \"10s\"
# queue = \"default\"

# Schedules: a job, as POST /submit takes it, and when it is submitted. The README tells more. An example:
# [[schedule]]
# name = \"nightly-count\"
# cron = \"30 2 * * *\"
# time_zone = \"UTC\"
# catch_up = \"none\"
# overlap = \"allow\"
# enabled = true
# job = { type = \"word-count\", payload = \"to be or not to be\" }
";

fn write_entry(text: &mut String, setting: &Setting, unset: &str, line: &str) {
    let written = write!(
        text,
        "\n# {}\n# Form: {}.\n{unset}#{line}\n",
        setting.meaning, setting.form
    );
    // Writing to a String cannot fail.
    debug_assert!(written.is_ok());
}

/// A number as it is, any other text in quotes.
fn toml_value(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.to_owned()
    } else {
        format!("\"{text}\"")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::sources::Sources;
    use super::*;

    #[test]
    fn the_files_in_config_are_the_templates() {
        for (written, template, command) in [
            (
                include_str!("../../config/windlass.toml"),
                Template::Toml,
                "cargo run -- config --template toml > config/windlass.toml",
            ),
            (
                include_str!("../../config/windlass.env"),
                Template::Env,
                "cargo run -- config --template env > config/windlass.env",
            ),
        ] {
            assert!(
                written == template.text(),
                "the table of settings has changed: {command}"
            );
        }
    }

    /// Takes the `#` off every line that shows a setting.
    fn uncommented(text: &str) -> String {
        text.lines()
            .map(|line| match line.strip_prefix('#') {
                Some(entry) if entry.starts_with(|c: char| c.is_ascii_alphabetic()) => entry,
                _ => line,
            })
            .fold(String::new(), |text, line| text + line + "\n")
    }

    #[test]
    fn the_templates_are_read_as_they_are_and_with_every_line_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let (toml, env) = (
            folder.path().join("windlass.toml"),
            folder.path().join(".env"),
        );
        fs::write(&toml, uncommented(&Template::Toml.text())).unwrap();
        fs::write(&env, uncommented(&Template::Env.text())).unwrap();
        for sources in [
            Sources {
                file: Some(toml),
                ..Sources::none()
            },
            Sources {
                dot_env: Some(env),
                ..Sources::none()
            },
        ] {
            let loaded = Config::load(&sources).unwrap();
            assert_eq!(loaded.warnings, []);
            for (shown, setting) in loaded.shown.iter().zip(&TABLE) {
                assert_ne!(
                    shown.place,
                    super::super::Place::Default,
                    "{}",
                    setting.name
                );
                let text = (setting.show)(&loaded.config);
                let default = setting.default_text();
                let expected = if default.is_empty() {
                    setting.example
                } else {
                    &default
                };
                let mut example = Config::default();
                (setting.set)(&mut example, expected).unwrap();
                assert_eq!(text, (setting.show)(&example), "{}", setting.name);
            }
        }
    }

    #[test]
    fn the_table_for_the_readme_has_a_row_a_setting() {
        let table = Config::reference_table();
        assert_eq!(table.lines().count(), 2 + TABLE.len());
        assert!(table.contains("| `WORKERCOUNT` | `10` | 1 to 1024 threads |"));
        for row in table.lines() {
            assert_eq!(row.matches('|').count(), 5, "{row}");
        }
    }
}
