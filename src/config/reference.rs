//! The settings for readers: the rows of the README's table, and the two templates in `config/`.

use std::fmt::Write;

use super::settings::Config;
use super::table::TABLE;

pub use super::table::Setting;

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
                " Not set by default."
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

fn write_entry(text: &mut String, setting: &Setting, unset: &str, line: &str) {
    let written = write!(
        text,
        "\n# {}{unset}\n# Form: {}.\n#{line}\n",
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
