//! Rules about the sources themselves: who imports whom, what stays fenced, how long files are, what comes in from
//! outside ([`packages`]). What reviewers would otherwise have to remember.

mod packages;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of a file of ours. One that grows beyond has two ideas in it.
const LINES_MAX: usize = 400;

/// Which folder each driver crate may be named in (and the rest of the house may not).
const FENCES: &[(&str, &[&str])] = &[
    ("redis", &["src/queue/redis/"]),
    ("postgres", &["src/storage/postgres/"]),
    ("tokio_postgres", &["src/storage/postgres/"]),
    ("r2d2", &["src/storage/postgres/"]),
    ("r2d2_postgres", &["src/storage/postgres/"]),
    (
        "rusqlite",
        &[
            "src/sqlite/",
            "src/queue/sqlite/",
            "src/storage/sqlite/",
            "src/handlers/data/",
        ],
    ),
    ("tiny_http", &["src/api/"]),
    ("lettre", &["src/handlers/email/"]),
    ("cap_std", &["src/handlers/files/"]),
    ("windlass_schemas", &["src/config/types/"]),
    ("windlass_pictures", &["src/handlers/image/"]),
    ("rayon", &["src/handlers/image/"]),
    ("ctrlc", &["src/cli/"]),
    ("clap", &["src/cli/"]),
    ("chrono_tz", &["src/schedule/cron/"]),
    ("clap_complete", &["src/cli/"]),
    ("indicatif", &["src/cli/"]),
    ("anstream", &["src/cli/"]),
    ("anstyle", &["src/cli/"]),
];

/// What lies at the top of the repository; anything else wants a better place.
const TOP: &[&str] = &[
    ".ci",
    ".clippy.toml",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "config",
    "migrations",
    "src",
    "systemd",
    "tests",
];

/// What may lie there on somebody's machine.
const TOP_UNTRACKED: &[&str] = &[".git", "target", ".env", ".windlass"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below these folders with one of these endings: path from the root, and text.
fn sources(folders: &[&str], endings: &[&str]) -> BTreeMap<String, String> {
    let mut waiting: Vec<PathBuf> = folders.iter().map(|f| root().join(f)).collect();
    let mut found = BTreeMap::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository can be read") {
            let path = entry.expect("an entry can be read").path();
            let ending = path
                .extension()
                .and_then(|e| e.to_str())
                .unwrap_or_default();
            if path.is_dir() {
                waiting.push(path);
            } else if endings.contains(&ending) {
                let name = path.strip_prefix(root()).expect("below the root");
                let text = fs::read_to_string(&path).expect("sources are text");
                found.insert(name.to_str().expect("plain names").to_owned(), text);
            }
        }
    }
    found
}

/// The lines that are not comments, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The words that stand before a `::` and begin a path there, with what stood before them on the line.
fn path_heads(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("::").filter_map(|(at, _)| {
        let head = &line[..at];
        let begin = head
            .rfind(|c: char| !c.is_alphanumeric() && c != '_')
            .map_or(0, |i| i + 1);
        (!head[..begin].ends_with("::") && begin < at).then(|| &head[begin..])
    })
}

#[track_caller]
fn none(what: &str, wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
}

/// The ranks, as the map in the crate's documentation gives them.
fn ranks() -> HashMap<String, String> {
    let map = fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs can be read");
    let rows = map.lines().filter_map(|line| line.strip_prefix("//! | "));
    let mut ranks = HashMap::new();
    for row in rows {
        let mut cells = row.split(" | ");
        let (rank, modules) = (cells.next().unwrap_or(""), cells.next().unwrap_or(""));
        for module in modules.split(", ") {
            let module = module.trim_matches(['[', ']', '`']).trim_end_matches(".rs");
            ranks.insert(module.to_owned(), rank.to_owned());
        }
    }
    ranks
}

#[test]
fn imports_point_down() {
    let ranks = ranks();
    let mut wrong = Vec::new();
    for (file, text) in sources(&["src"], &["rs"]) {
        let module = file["src/".len()..]
            .split(['/', '.'])
            .next()
            .expect("a name");
        let Some(rank) = ranks.get(module) else {
            // `crates` are crates of their own: the compiler itself keeps them from importing ours.
            if !["lib", "crates"].contains(&module) {
                wrong.push(format!(
                    "{file}: `{module}` is not on the map in src/lib.rs"
                ));
            }
            continue;
        };
        for (number, line) in code(&text) {
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + "crate::".len()..];
                let other = rest
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next();
                let other = other.unwrap_or_default();
                if other != module && ranks.get(other).is_some_and(|r| r >= rank) {
                    wrong.push(format!(
                        "{file}:{number}: {module} [{rank}] imports {other}"
                    ));
                }
            }
        }
    }
    none("modules import from lower ranks only", wrong);
}

#[test]
fn drivers_stay_behind_their_fences() {
    let mut wrong = Vec::new();
    let mut ours = sources(&["src"], &["rs"]);
    ours.retain(|file, _| !file.starts_with("src/crates/"));
    for (file, text) in ours {
        for (number, line) in code(&text) {
            for head in path_heads(line) {
                let fence = FENCES.iter().find(|(name, _)| *name == head);
                if fence.is_some_and(|(_, inside)| !inside.iter().any(|f| file.starts_with(f))) {
                    wrong.push(format!("{file}:{number}: {}", line.trim()));
                }
            }
        }
    }
    none("driver crates are named behind their fences only", wrong);
}

#[test]
fn files_are_short() {
    let all = sources(&["src", "tests", "migrations"], &["rs", "lua", "sql"]);
    let long = all.iter().filter_map(|(file, text)| {
        let lines = text.lines().count();
        (lines > LINES_MAX).then(|| format!("{file}: {lines} lines"))
    });
    none("files have at most 400 lines", long.collect());
}

#[test]
fn every_file_says_what_it_is() {
    let mut wrong = Vec::new();
    for (file, text) in sources(&["src", "tests", "migrations"], &["rs", "lua", "sql"]) {
        let name = file.rsplit('/').next().expect("a name");
        let header: String = text.lines().filter(|l| l.starts_with("--")).collect();
        let fits = match name.rsplit('.').next() {
            Some("rs") => text.starts_with("//! "),
            Some("lua") => {
                header.starts_with(&format!("-- {name}: "))
                    && (!text.contains("KEYS[") || header.contains("KEYS"))
                    && (!text.contains("ARGV[") || header.contains("ARGV"))
            }
            _ => header.starts_with("-- "),
        };
        if !fits {
            wrong.push(file);
        }
    }
    none(
        "each file begins with what it is for (scripts: with their KEYS and ARGV)",
        wrong,
    );
}

#[test]
fn no_test_is_left_out_and_no_lint_is_silenced_without_a_word() {
    let mut wrong = Vec::new();
    // Written so that this line does not find itself.
    let marks = [
        concat!("#[", "ignore"),
        concat!("#[", "allow("),
        concat!("#![", "allow("),
    ];
    for (file, text) in sources(&["src", "tests"], &["rs"]) {
        for (number, line) in code(&text) {
            if marks.iter().any(|mark| line.contains(mark)) {
                wrong.push(format!("{file}:{number}: {}", line.trim()));
            }
        }
    }
    none(
        "no ignored tests, and `expect` with a reason instead of `allow`",
        wrong,
    );
}

/// `Q1`, `S6`, … as they stand in a text.
fn promises(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let number = |w: &&str| w.len() > 1 && w[1..].bytes().all(|b| b.is_ascii_digit());
    words
        .filter(|w| w.starts_with(['Q', 'S']))
        .filter(number)
        .map(str::to_owned)
        .collect()
}

fn comments(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_promise_is_tested_and_every_test_names_a_promise() {
    let all = sources(
        &["src/queue", "src/storage", "tests/suite/contract"],
        &["rs"],
    );
    let promised: BTreeSet<String> = ["src/queue/mod.rs", "src/storage/mod.rs"]
        .iter()
        .flat_map(|file| all[*file].lines())
        .filter_map(|line| line.strip_prefix("//! - **")?.split("**").next())
        .map(str::to_owned)
        .collect();
    assert_eq!(promised.len(), 15 + 7, "{promised:?}");
    let mut tested = BTreeSet::new();
    let mut wrong = Vec::new();
    for (file, text) in all
        .iter()
        .filter(|(file, _)| file.starts_with("tests/suite/contract/"))
    {
        // The comment on each test, not what the header of the file says of all.
        for item in text.split("\n\n").filter(|item| item.contains("\npub fn ")) {
            let named = promises(&comments(item));
            if named.is_empty() {
                let name = item
                    .lines()
                    .find(|l| l.starts_with("pub fn "))
                    .unwrap_or("");
                wrong.push(format!("{file}: {name} names no promise"));
            }
            tested.extend(named);
        }
    }
    none(
        "each test of the contract says which promise it tests",
        wrong,
    );
    assert_eq!(tested, promised, "tested (left) is promised (right)");
    let everywhere = sources(&["src", "tests"], &["rs"]);
    for (file, text) in everywhere
        .iter()
        .filter(|(file, _)| !file.ends_with("tidy.rs"))
    {
        let unknown: Vec<_> = promises(&comments(text))
            .difference(&promised)
            .cloned()
            .collect();
        assert!(
            unknown.is_empty(),
            "{file} names {unknown:?}, which nobody promised"
        );
    }
}

#[test]
fn the_top_of_the_repository_is_tidy() {
    let found: BTreeSet<String> = fs::read_dir(root())
        .expect("the repository can be read")
        .map(|entry| entry.expect("an entry can be read").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| !TOP_UNTRACKED.contains(&name.as_str()))
        .collect();
    let expected: BTreeSet<String> = TOP.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(found, expected);
}
