//! The first step: what was written, where, and which of it wins.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::mem;
use std::path::{Path, PathBuf};

use super::entries::Found;
use super::names::{named, named_by_key, named_by_variable};
use super::problem::{Place, Problem, quoted};
use super::schedules::{self, Schedule};
use super::setting::Setting;
use super::sources::{FILE_VARIABLE, Sources};
use super::table::TABLE;
use super::types::{self, JobType};
use super::{dotenv, file, near};

/// Largest source that is read. None comes near; a device or a log named by mistake ends here.
const SOURCE_BYTES_MAX: u64 = 1024 * 1024;

/// A text and where it stands.
#[derive(Debug)]
pub(super) struct Text {
    pub place: Place,
    pub text: String,
}

/// All that was written.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// By setting. `None`: it was written, but not so that it can be used, which is among the problems.
    pub texts: BTreeMap<&'static str, Option<Text>>,
    /// The job types that the file describes.
    pub types: Vec<JobType>,
    /// The schedules that it describes.
    pub schedules: Vec<Schedule>,
    pub problems: Vec<Problem>,
    /// What is odd, though not wrong.
    pub warnings: Vec<Problem>,
}

/// One mention of a setting in one source.
struct Mention {
    setting: &'static Setting,
    /// Whether the text is the path of a file that holds the value.
    by_file: bool,
    place: Place,
    text: Result<String, String>,
}

/// Searches all sources, strongest first.
pub(super) fn gather(sources: &Sources) -> Written {
    let mut written = Written::default();
    let environment = written.environment(sources);
    written.take(environment);
    if let Some(path) = &sources.dot_env
        && let Some(text) = written.read_source(path, false)
    {
        let mentions = written.dot_env(path, &text);
        written.take(mentions);
    }
    if let Some((path, needed)) = file_of(sources)
        && let Some(mut parsed) = written.parsed(&path, needed)
    {
        let mentions = written.file(&path, mem::take(&mut parsed.entries));
        written.take(mentions);
        written.lists(&path, parsed);
    }
    written.credentials(sources);
    written.supervisor(sources);
    written
}

/// Searches for the settings of these names alone, and no further than they are found. What is said of others, right or
/// wrong, is passed over.
pub(super) fn gather_only(sources: &Sources, names: &[&str]) -> Written {
    let (mut written, mut others) = (Written::default(), Written::default());
    let wanted = |mentions: Vec<Mention>| -> Vec<Mention> {
        let mentions = mentions.into_iter();
        let wanted = mentions.filter(|mention| names.contains(&mention.setting.name));
        wanted.collect()
    };
    let is_done = |written: &Written| names.iter().all(|name| written.texts.contains_key(name));
    written.take(wanted(others.environment(sources)));
    if !is_done(&written)
        && let Some(path) = &sources.dot_env
        && let Some(text) = written.read_source(path, false)
    {
        written.take(wanted(others.dot_env(path, &text)));
    }
    if !is_done(&written)
        && let Some((path, needed)) = file_of(sources)
        && let Some(parsed) = written.parsed(&path, needed)
    {
        written.take(wanted(others.file(&path, parsed.entries)));
    }
    written
}

impl Written {
    fn environment(&mut self, sources: &Sources) -> Vec<Mention> {
        let mut mentions = Vec::new();
        for (variable, value) in &sources.environment {
            let Some(variable) = variable.to_str() else {
                continue;
            };
            let Some((setting, by_file)) = named_by_variable(variable) else {
                continue;
            };
            mentions.push(Mention {
                setting,
                by_file,
                place: Place::Environment {
                    variable: variable.to_owned(),
                },
                text: match value.to_str() {
                    Some(text) => Ok(text.to_owned()),
                    None => Err("its value is not UTF-8".to_owned()),
                },
            });
        }
        mentions
    }

    fn dot_env(&mut self, path: &Path, text: &str) -> Vec<Mention> {
        let (entries, faults) = dotenv::parse(text);
        for fault in faults {
            let place = Place::DotEnv {
                path: path.to_owned(),
                line: fault.line,
                variable: String::new(),
            };
            self.problems.push(Problem::new(place, fault.what));
        }
        let mut mentions: Vec<Mention> = Vec::new();
        for entry in entries {
            let place = Place::DotEnv {
                path: path.to_owned(),
                line: entry.line,
                variable: entry.key.clone(),
            };
            let Some((setting, by_file)) = named_by_variable(&entry.key) else {
                // The file is shared with other programs, so a name that is none of ours is no mistake, unless it
                // looks like one.
                if let Some(near) = near::setting(&entry.key).and_then(named) {
                    let what = format!("no setting of windlass; did you mean {}?", near.variable());
                    self.warnings.push(Problem::new(place, what));
                }
                continue;
            };
            let twice = mentions.iter().any(
                |other| matches!(&other.place, Place::DotEnv { variable, .. } if *variable == entry.key),
            );
            mentions.push(Mention {
                setting,
                by_file,
                place,
                text: if twice {
                    Err("stands there a second time; keep one line".to_owned())
                } else {
                    Ok(entry.value)
                },
            });
        }
        mentions
    }

    /// What stands in the file; `None` when it is not there, or cannot be read as TOML (a problem).
    fn parsed(&mut self, path: &Path, needed: bool) -> Option<file::Parsed> {
        let text = self.read_source(path, needed)?;
        match file::parse(&text) {
            Ok(parsed) => Some(parsed),
            Err((line, message)) => {
                let place = Place::File {
                    path: path.to_owned(),
                    line,
                };
                let what = format!("not TOML: {}", message.replace('\n', " "));
                self.problems.push(Problem::new(place, what));
                None
            }
        }
    }

    fn file(&mut self, path: &Path, entries: Vec<file::Entry>) -> Vec<Mention> {
        let place = |line| Place::File {
            path: path.to_owned(),
            line,
        };
        let mut mentions = Vec::new();
        for entry in entries {
            let Some((setting, by_file)) = named_by_key(&entry.key) else {
                let mut what = format!("unknown key {}", quoted(&entry.key));
                if let Some(head) = near::head(&entry.key).filter(|_| entry.is_table) {
                    what.push_str(&format!("; did you mean `[[{head}]]`?"));
                } else if let Some(near) = near::setting(&entry.key) {
                    what.push_str(&format!("; did you mean `{near}`?"));
                }
                self.problems.push(Problem::new(place(entry.line), what));
                continue;
            };
            mentions.push(Mention {
                setting,
                by_file,
                place: place(entry.line),
                text: entry
                    .value
                    .map_err(|what| format!("the value of `{}` {what}", entry.key)),
            });
        }
        mentions
    }

    fn lists(&mut self, path: &Path, parsed: file::Parsed) {
        let mut found = Found {
            path,
            problems: &mut self.problems,
            warnings: &mut self.warnings,
        };
        if let Some(types) = parsed.types {
            self.types = types::read(types, &mut found);
        }
        if let Some(schedules) = parsed.schedules {
            self.schedules = schedules::read(schedules, &mut found);
        }
    }

    /// Lets what one source says of each setting win, unless a stronger source has said something.
    fn take(&mut self, mentions: Vec<Mention>) {
        let mut here: BTreeMap<&str, Vec<Mention>> = BTreeMap::new();
        for mention in mentions {
            here.entry(mention.setting.name).or_default().push(mention);
        }
        for mentions in here.into_values() {
            let name = mentions[0].setting.name;
            if self.texts.contains_key(name) {
                continue;
            }
            let text = match one_of(mentions) {
                Ok(mention) => self.text_of(mention),
                Err(problem) => {
                    self.problems.push(problem);
                    None
                }
            };
            self.texts.insert(name, text);
        }
    }

    fn text_of(&mut self, mention: Mention) -> Option<Text> {
        let text = match mention.text {
            Ok(text) => text,
            Err(what) => {
                self.problems.push(Problem::new(mention.place, what));
                return None;
            }
        };
        if !mention.by_file {
            return Some(Text {
                place: mention.place,
                text,
            });
        }
        let path = PathBuf::from(text);
        match read(&path) {
            Ok(text) => Some(Text {
                place: Place::SecretFile {
                    path,
                    named_by: Box::new(mention.place),
                },
                text: without_line_end(text),
            }),
            Err(err) => {
                let what = format!("cannot read {}: {err}", path.display());
                self.problems.push(Problem::new(mention.place, what));
                None
            }
        }
    }

    /// What systemd hands over with LoadCredential and its like, for secrets that are written nowhere else.
    fn credentials(&mut self, sources: &Sources) {
        let Some(folder) = sources.variable("CREDENTIALS_DIRECTORY") else {
            return;
        };
        for setting in TABLE.iter().filter(|setting| setting.secret) {
            let path = Path::new(folder).join(setting.name);
            let place = Place::Credential { path: path.clone() };
            match read(&path) {
                Err(err) if err.kind() == io::ErrorKind::NotFound => {}
                _ if self.texts.contains_key(setting.name) => self.warnings.push(Problem::new(
                    place,
                    format!(
                        "not used, since `{}` is also written elsewhere",
                        setting.name
                    ),
                )),
                Ok(text) => {
                    let text = without_line_end(text);
                    self.texts.insert(setting.name, Some(Text { place, text }));
                }
                Err(err) => {
                    self.problems
                        .push(Problem::new(place, format!("cannot read it: {err}")));
                    self.texts.insert(setting.name, None);
                }
            }
        }
    }

    /// The runtime folder that systemd made for the service; the first, if it made several.
    fn supervisor(&mut self, sources: &Sources) {
        const VARIABLE: &str = "RUNTIME_DIRECTORY";
        let folder = sources.variable(VARIABLE).and_then(|value| value.to_str());
        if let Some(folder) = folder.and_then(|folders| folders.split(':').next()) {
            self.texts.entry("runtime_dir").or_insert_with(|| {
                Some(Text {
                    place: Place::Environment {
                        variable: VARIABLE.to_owned(),
                    },
                    text: folder.to_owned(),
                })
            });
        }
    }

    /// The text of a source; `None` when it is not there (a problem if it is `needed`) or cannot be read (a problem).
    fn read_source(&mut self, path: &Path, needed: bool) -> Option<String> {
        match read(path) {
            Ok(text) => Some(text),
            Err(err) if err.kind() == io::ErrorKind::NotFound && !needed => None,
            Err(err) => {
                let place = Place::Path {
                    path: path.to_owned(),
                };
                self.problems
                    .push(Problem::new(place, format!("cannot read it: {err}")));
                None
            }
        }
    }
}

/// The configuration file to read, and whether it must be there.
fn file_of(sources: &Sources) -> Option<(PathBuf, bool)> {
    if let Some(path) = &sources.file {
        return Some((path.clone(), true));
    }
    match sources.environment.get(std::ffi::OsStr::new(FILE_VARIABLE)) {
        Some(path) if path.is_empty() => None,
        Some(path) => Some((PathBuf::from(path), true)),
        None => sources.default_file.clone().map(|path| (path, false)),
    }
}

/// The one mention that counts among those of one source, which may say the same thing in two spellings.
fn one_of(mentions: Vec<Mention>) -> Result<Mention, Problem> {
    let mut mentions = mentions.into_iter();
    let Some(first) = mentions.next() else {
        return Err(Problem::new(Place::Default, "written nowhere"));
    };
    for other in mentions {
        if other.by_file != first.by_file {
            let what = format!(
                "`{}` is given both as a value and as a file (see {}); keep one",
                other.setting.name, first.place
            );
            return Err(Problem::new(other.place, what));
        }
        match (&first.text, other.text) {
            (_, Err(what)) => return Err(Problem::new(other.place, what)),
            (Ok(one), Ok(two)) if *one != two => {
                let what = format!(
                    "differs from {}, which is the same setting; keep one",
                    first.place
                );
                return Err(Problem::new(other.place, what));
            }
            _ => {}
        }
    }
    Ok(first)
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let mut file = File::open(path)?.take(SOURCE_BYTES_MAX + 1);
    file.read_to_string(&mut text)?;
    if text.len() as u64 > SOURCE_BYTES_MAX {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

fn without_line_end(mut text: String) -> String {
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    text
}
