//! Loading as a whole: precedence, places, secrets, and all problems at once.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::config::Secret;

/// A folder with the files that a test writes.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn sources(&self, dot_env: &str, file: &str) -> Sources {
        Sources {
            dot_env: Some(self.write(".env", dot_env)),
            file: Some(self.write("windlass.toml", file)),
            ..Sources::none()
        }
    }

    /// The problems, without the folder's name.
    fn problems(&self, sources: &Sources) -> Vec<String> {
        let here = format!("{}/", self.0.path().display());
        let problems = Config::load(sources).unwrap_err();
        let texts = problems.all().iter().map(Problem::to_string);
        texts.map(|text| text.replace(&here, "")).collect()
    }
}

fn place_of<'a>(loaded: &'a Loaded, setting: &str) -> &'a Place {
    &loaded
        .shown
        .iter()
        .find(|row| row.setting == setting)
        .unwrap()
        .place
}

#[test]
fn the_environment_beats_dot_env_beats_the_file_beats_the_default() {
    let folder = Folder::new();
    let sources = folder
        .sources(
            "MAXRETRIES=2\nWORKER_COUNT=2\nUNKNOWN=1\n",
            "max_retries = 3\nworker_count = 3\nlease = \"30s\"\n",
        )
        .with("MAXRETRIES", "1");
    let loaded = Config::load(&sources).unwrap();
    assert_eq!(loaded.config.max_retries, 1);
    assert_eq!(loaded.config.worker_count, 2);
    assert_eq!(loaded.config.lease.as_secs(), 30);
    assert_eq!(loaded.config.max_crashes, 3);
    let ends = |setting: &str, end: &str| {
        let place = place_of(&loaded, setting).to_string();
        assert!(place.ends_with(end), "{place}");
    };
    ends("max_retries", "MAXRETRIES in the environment");
    ends("worker_count", "/.env line 2");
    ends("lease", "/windlass.toml line 3");
    ends("max_crashes", "default");
}

#[test]
fn with_nothing_written_the_defaults_hold() {
    let loaded = Config::load(&Sources::none()).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert!(loaded.shown.iter().all(|row| row.place == Place::Default));
}

#[test]
fn what_an_embedding_program_sets_holds_where_nothing_is_written() {
    let mut sources = Sources::none().with("WORKERCOUNT", "2");
    sources.defaults.worker_count = 7;
    sources.defaults.max_retries = 7;
    let config = Config::load(&sources).unwrap().config;
    assert_eq!((config.worker_count, config.max_retries), (2, 7));
}

#[test]
fn all_problems_are_told_at_once_each_with_its_place() {
    let folder = Folder::new();
    let sources = folder
        .sources(
            "MAXRETRIES=many\nno line\n",
            "\nworker_cout = 3\nlease = \"20x\"\nbackend = true\n[planets]\n",
        )
        .with("WORKERCOUNT", "0")
        .with("APIADDR", "0.0.0.0:80")
        .with("NAMESPACE", "");
    let problems = folder.problems(&sources);
    let beginnings = [
        ".env line 2: not KEY=VALUE",
        "windlass.toml line 2: unknown key `worker_cout`; did you mean `worker_count`?",
        "windlass.toml line 5: unknown key `planets`",
        "windlass.toml line 4: the value of `backend` is true or false",
        "NAMESPACE in the environment: empty; leave it out for the default",
        "APIADDR in the environment: `0.0.0.0:80` is not a loopback address, and no access tokens",
        "WORKERCOUNT in the environment: `0` is below 1",
        "MAXRETRIES in .env line 1: `many` is not a whole number from 0 to 1000",
        "windlass.toml line 3: lease: `20x` is not a length of time",
    ];
    assert_eq!(problems.len(), beginnings.len(), "{problems:#?}");
    for (problem, beginning) in problems.iter().zip(beginnings) {
        assert!(problem.starts_with(beginning), "{problem}\n{beginning}");
    }
    let whole = Config::load(&sources).unwrap_err().to_string();
    assert!(whole.starts_with("9 problems with the configuration:\n  - "));
}

#[test]
fn two_spellings_may_agree_but_not_differ() {
    let same = Sources::none()
        .with("WORKERCOUNT", "3")
        .with("WORKER_COUNT", "3");
    assert_eq!(Config::load(&same).unwrap().config.worker_count, 3);
    let differ = same.with("WORKER_COUNT", "4");
    assert_eq!(
        Config::load(&differ).unwrap_err().to_string(),
        "1 problem with the configuration:\n  - WORKER_COUNT in the environment: differs from \
         WORKERCOUNT in the environment, which is the same setting; keep one"
    );
}

#[test]
fn a_key_that_stands_twice_in_dot_env_is_a_problem_if_it_is_ours() {
    let folder = Folder::new();
    let sources = folder.sources("OTHER=1\nLEASE=10s\nOTHER=2\nLEASE=10s\n", "");
    assert_eq!(
        folder.problems(&sources),
        ["LEASE in .env line 4: stands there a second time; keep one line"]
    );
}

#[test]
fn a_name_in_dot_env_that_is_near_to_ours_is_warned_of() {
    let folder = Folder::new();
    let sources = folder.sources("WORKERCUONT=3\nworker_count=3\nRAILS_ENV=production\n", "");
    let loaded = Config::load(&sources).unwrap();
    let warnings: Vec<String> = loaded.warnings.iter().map(Problem::to_string).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    for warning in warnings {
        assert!(warning.ends_with("did you mean WORKERCOUNT?"), "{warning}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_told_by_its_first_wrong_line() {
    let folder = Folder::new();
    let problems = folder.problems(&folder.sources("", "lease = \"1s\"\nnode = \n"));
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].starts_with("windlass.toml line 2: not TOML: "),
        "{problems:?}"
    );
}

#[test]
fn which_file_is_read() {
    let folder = Folder::new();
    let named = folder.write("named.toml", "max_retries = 1\n");
    let by_variable = folder.write("variable.toml", "max_retries = 2\n");
    let default = folder.write("default.toml", "max_retries = 3\n");
    let retries = |sources: &Sources| Config::load(sources).unwrap().config.max_retries;
    let sources = Sources {
        default_file: Some(default),
        ..Sources::none()
    };
    assert_eq!(retries(&sources), 3);
    let sources = sources.with("WINDLASS_CONFIG", by_variable);
    assert_eq!(retries(&sources), 2);
    let sources = Sources {
        file: Some(named),
        ..sources
    };
    assert_eq!(retries(&sources), 1);
    let sources = Sources {
        file: None,
        ..sources
    }
    .with("WINDLASS_CONFIG", "");
    assert_eq!(retries(&sources), 5, "an empty variable means: no file");
}

#[test]
fn a_file_that_is_named_must_be_there_and_the_default_one_need_not() {
    let folder = Folder::new();
    let absent = folder.0.path().join("absent.toml");
    let default = Sources {
        default_file: Some(absent.clone()),
        dot_env: Some(folder.0.path().join("absent.env")),
        ..Sources::none()
    };
    assert!(Config::load(&default).is_ok());
    for sources in [
        Sources {
            file: Some(absent.clone()),
            ..Sources::none()
        },
        Sources::none().with("WINDLASS_CONFIG", absent),
    ] {
        let problems = folder.problems(&sources);
        assert!(
            problems[0].starts_with("absent.toml: cannot read it: No such file"),
            "{problems:?}"
        );
    }
}

#[test]
fn a_secret_comes_from_a_file_of_its_own() {
    let folder = Folder::new();
    let secret = folder.write("secret", "redis://:pa$word@h:1\n");
    let expected = Secret::new("redis://:pa$word@h:1");
    let path = secret.display().to_string();
    for sources in [
        Sources::none().with("REDISADDRFILE", &path),
        Sources::none().with("REDIS_ADDR_FILE", &path),
        folder.sources(&format!("REDISADDRFILE={path}"), ""),
        folder.sources("", &format!("redis_addr_file = '{path}'")),
    ] {
        let loaded = Config::load(&sources).unwrap();
        assert_eq!(loaded.config.redis_addr, expected);
        let shown = loaded
            .shown
            .iter()
            .find(|row| row.setting == "redis_addr")
            .unwrap();
        assert_eq!(shown.value.as_deref(), Some("redis://:***@h:1"));
        assert!(
            shown.place.to_string().contains("(named by "),
            "{}",
            shown.place
        );
    }
    let both = Sources::none()
        .with("REDISADDRFILE", &path)
        .with("REDISADDR", "h:1");
    let problems = folder.problems(&both);
    assert!(
        problems[0].contains("both as a value and as a file"),
        "{problems:?}"
    );
    let absent = Sources::none().with("SMTPURLFILE", folder.0.path().join("absent"));
    let problems = folder.problems(&absent);
    assert!(
        problems[0].starts_with("SMTPURLFILE in the environment: cannot read absent: No such file"),
        "{problems:?}"
    );
    // Only secrets have that door: a file of the worker count would be a mistake.
    let none = folder.sources("", "worker_count_file = '/x'");
    assert!(folder.problems(&none)[0].contains("unknown key"));
}

#[test]
fn a_credential_is_read_when_nothing_else_is_written() {
    let folder = Folder::new();
    folder.write("database_url", "postgres://u:p@h/d\n");
    let sources = Sources::none().with("CREDENTIALS_DIRECTORY", folder.0.path());
    let loaded = Config::load(&sources).unwrap();
    assert_eq!(
        loaded.config.database_url,
        Secret::new("postgres://u:p@h/d")
    );
    assert!(
        place_of(&loaded, "database_url")
            .to_string()
            .starts_with("credential ")
    );

    let loaded = Config::load(&sources.with("DATABASEURL", "postgres:///other")).unwrap();
    assert_eq!(loaded.config.database_url, Secret::new("postgres:///other"));
    assert!(
        loaded.warnings[0].what.starts_with("not used"),
        "{:?}",
        loaded.warnings
    );
}

#[test]
fn the_folder_that_systemd_made_is_the_runtime_folder() {
    let sources = Sources::none().with("RUNTIME_DIRECTORY", "/run/windlass:/run/other");
    let config = Config::load(&sources).unwrap().config;
    assert_eq!(config.runtime_dir, Some(PathBuf::from("/run/windlass")));
    let config = Config::load(&sources.with("RUNTIMEDIR", "/x"))
        .unwrap()
        .config;
    assert_eq!(config.runtime_dir, Some(PathBuf::from("/x")));
}

#[test]
fn an_empty_text_takes_back_what_a_weaker_source_set() {
    let folder = Folder::new();
    let sources = folder
        .sources("", "smtp_url = \"smtp://h\"\nlimits = \"a=1\"\n")
        .with("SMTPURL", "")
        .with("LIMITS", "");
    let config = Config::load(&sources).unwrap().config;
    assert_eq!(config.smtp_url, None);
    assert!(config.limits.is_empty());
}

#[test]
fn sources_that_are_no_text_or_too_large_are_problems() {
    let folder = Folder::new();
    let not_text = Sources::none().with("NODE", std::ffi::OsString::from_vec(vec![b'a', 0xff]));
    assert_eq!(
        folder.problems(&not_text),
        ["NODE in the environment: its value is not UTF-8"]
    );
    let large = folder.sources(&"#".repeat(1024 * 1024 + 1), "");
    assert!(folder.problems(&large)[0].contains("larger than 1 MiB"));
    let sources = Sources {
        file: Some(folder.0.path().to_owned()),
        ..Sources::none()
    };
    assert_eq!(
        Config::load(&sources).unwrap_err().all().len(),
        1,
        "a folder is no file"
    );
    fs::write(folder.0.path().join("windlass.toml"), [0xff, 0xfe]).unwrap();
    let sources = Sources {
        file: Some(folder.0.path().join("windlass.toml")),
        ..Sources::none()
    };
    assert!(folder.problems(&sources)[0].contains("UTF-8"));
}

#[test]
fn a_payload_that_no_body_could_carry_is_a_contradiction() {
    let sources = Sources::none().with("BODYMAX", "512KiB");
    let problems = Config::load(&sources).unwrap_err();
    assert!(
        problems
            .to_string()
            .contains("BODYMAX in the environment: payload_max (1048576 bytes) is above"),
        "{problems}"
    );
}

#[test]
fn a_secret_is_in_no_message() {
    for variable in ["REDISADDR", "DATABASEURL", "SMTPURL"] {
        for text in [
            "http://u:SECRET@h",
            "SECRET",
            "redis://u:SECRET@h:x/y z",
            "smtp://:SECRET@:0",
        ] {
            let problems = Config::load(&Sources::none().with(variable, text)).unwrap_err();
            assert!(!problems.to_string().contains("SECRET"), "{problems}");
            assert!(!format!("{problems:?}").contains("SECRET"), "{problems:?}");
        }
    }
    let loaded = Config::load(&Sources::none().with("REDISADDR", "redis://u:SECRET@h")).unwrap();
    assert!(!format!("{loaded:?}").contains("SECRET"), "{loaded:?}");
}

proptest! {
    #[test]
    fn no_text_in_any_source_is_a_reason_to_panic(
        values in prop::collection::btree_map(0..TABLE.len(), "[ -~]{0,12}|.{0,12}", 0..4),
        dot_env in "((WORKERCOUNT|LEASE|X)=.{0,8}\n|.{0,10}\n){0,4}",
        file in "((worker_count|lease|x) = .{0,8}\n|.{0,10}\n){0,4}",
    ) {
        let folder = Folder::new();
        let mut sources = folder.sources(&dot_env, &file);
        for (which, value) in values {
            sources = sources.with(&TABLE[which].variable(), value);
        }
        if let Err(problems) = Config::load(&sources) {
            prop_assert!(!problems.all().is_empty());
            let text = problems.to_string();
            prop_assert_eq!(text.lines().count(), 1 + problems.all().len(), "{}", text);
        }
    }
}
