//! What comes in from outside: under which licence, and who needs whom.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::{none, root};

/// The licences under which others' code may come in.
const LICENCES: &[&str] = &[
    "MIT",
    // MIT without the duty to name anybody.
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "BSL-1.0",
    "Unicode-3.0",
    "IJG",
];

/// Packages by name, each with its licence.
type Licences = BTreeMap<String, String>;

/// Packages by name, each with those that need it.
type Users = BTreeMap<String, BTreeSet<String>>;

/// What cargo links into the program on this system, tests apart.
fn packages() -> (Licences, Users) {
    let arguments = [
        "tree",
        "--locked",
        "--offline",
        "--edges=normal,build",
        "--prefix=depth",
        "--format= {p}|{l}|",
    ];
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    let (mut licences, mut users) = (Licences::new(), Users::new());
    // `2 name v1.0.0|MIT|`: the one that needs it is the last line before with a depth of 1.
    let mut above: Vec<String> = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (depth, rest) = line.split_once(' ').expect("a depth");
        let mut parts = rest.split('|');
        let package = parts.next().unwrap_or_default();
        let name = package.split(' ').next().unwrap_or_default().to_owned();
        above.truncate(depth.parse().expect("a number"));
        if let Some(user) = above.last() {
            users.entry(name.clone()).or_default().insert(user.clone());
        }
        let licence = parts.next().unwrap_or_default().to_owned();
        licences.insert(name.clone(), licence);
        above.push(name);
    }
    (licences, users)
}

/// No async runtime but the one inside the PostgreSQL client, and one provider of TLS.
#[test]
fn tokio_stays_below_postgres_and_ring_is_the_only_provider() {
    let (_, users) = packages();
    let inside = [
        "postgres",
        "tokio-postgres",
        "tokio-postgres-rustls",
        "tokio-rustls",
        "tokio-util",
    ];
    let at_the_door = ["windlass", "r2d2_postgres"];
    for package in ["tokio", "tokio-postgres", "tokio-rustls", "tokio-util"] {
        for user in &users[package] {
            assert!(inside.contains(&user.as_str()), "{user} needs {package}");
        }
    }
    for package in ["postgres", "tokio-postgres-rustls"] {
        for user in &users[package] {
            let fits = inside.contains(&user.as_str()) || at_the_door.contains(&user.as_str());
            assert!(fits, "{user} needs {package}");
        }
    }
    assert!(users.contains_key("ring"), "the list is not empty");
    for refused in ["aws-lc-rs", "openssl", "openssl-sys", "native-tls"] {
        assert_eq!(users.get(refused), None, "{refused} is refused");
    }
}

/// Whether an SPDX expression can be met with the allowed licences alone.
fn is_met(expression: &str) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let joined = spaced.replace(" WITH ", "\u{a0}WITH\u{a0}");
    let words: Vec<String> = joined
        .split(' ')
        .filter(|w| !w.is_empty())
        .map(|w| w.replace('\u{a0}', " "))
        .collect();
    let mut at = 0;
    any_of(&words, &mut at) && at == words.len()
}

fn any_of(words: &[String], at: &mut usize) -> bool {
    let mut met = all_of(words, at);
    while words.get(*at).is_some_and(|w| w == "OR") {
        *at += 1;
        met |= all_of(words, at);
    }
    met
}

fn all_of(words: &[String], at: &mut usize) -> bool {
    let mut met = true;
    loop {
        let word = words.get(*at).map_or("", String::as_str);
        *at += 1;
        if word == "(" {
            met &= any_of(words, at);
            *at += 1;
        } else {
            met &= LICENCES.contains(&word);
        }
        if words.get(*at).is_none_or(|w| w != "AND") {
            return met;
        }
        *at += 1;
    }
}

#[test]
fn what_comes_in_has_a_licence_that_lets_it() {
    assert!(is_met("(MIT OR GPL-3.0) AND Unicode-3.0") && is_met("MIT/Apache-2.0"));
    assert!(!is_met("MIT AND GPL-3.0") && !is_met("GPL-3.0") && !is_met(""));
    assert!(is_met("Apache-2.0 WITH LLVM-exception OR GPL-3.0"));
    let (packages, _) = packages();
    assert!(packages.len() > 50, "the list is not empty");
    let wrong = packages.iter().filter(|(_, licence)| !is_met(licence));
    let wrong = wrong.map(|(package, licence)| format!("{package}: `{licence}`"));
    none("licences are of the allowed list", wrong.collect());
}
