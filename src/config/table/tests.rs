//! Tests of the module above.

use proptest::prelude::*;

use super::*;
use crate::config::Config;

#[test]
fn every_default_and_every_example_can_be_written() {
    for setting in &TABLE {
        let mut config = Config::default();
        let default = setting.default_text();
        if !default.is_empty() || setting.optional {
            assert_eq!(
                (setting.set)(&mut config, &default),
                Ok(()),
                "{}",
                setting.name
            );
        }
        assert_eq!(config, Config::default(), "{}", setting.name);
        assert_eq!(
            (setting.set)(&mut config, setting.example),
            Ok(()),
            "{}",
            setting.name
        );
        assert_ne!(
            config,
            Config::default(),
            "{}: its example is its default",
            setting.name
        );
    }
}

#[test]
fn every_setting_sets_a_field_of_its_own() {
    let mut config = Config::default();
    for (n, setting) in TABLE.iter().enumerate() {
        (setting.set)(&mut config, setting.example).unwrap();
        for (m, other) in TABLE.iter().enumerate() {
            let changed = (other.show)(&config) != other.default_text();
            assert_eq!(changed, m <= n, "{} after {}", other.name, setting.name);
        }
    }
}

#[test]
fn no_two_settings_share_a_variable() {
    let mut names: Vec<String> = TABLE
        .iter()
        .flat_map(|setting| {
            let mut names = vec![setting.variable(), setting.long_variable()];
            names.dedup();
            if setting.secret {
                names.push(format!("{}FILE", setting.variable()));
                names.push(format!("{}_FILE", setting.long_variable()));
            }
            names
        })
        .collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}

proptest! {
    #[test]
    fn what_is_taken_is_shown_so_that_it_reads_the_same(
        which in 0..TABLE.len(),
        text in "([0-9]{1,6}(ms|s|m|h|d|KiB|MiB)?|[a-z]{1,5}[:=][0-9]{1,3}(,[a-z]{1,5}[:=][0-9]{1,3})?|(redis|postgres|smtp|file)://[a-z/:@]{0,9}|[ -~]{0,20}|.{0,10})",
    ) {
        let setting = &TABLE[which];
        let mut config = Config::default();
        if (setting.set)(&mut config, &text).is_ok() {
            let shown = (setting.show)(&config);
            let mut again = Config::default();
            prop_assert_eq!((setting.set)(&mut again, &shown), Ok(()), "{}: {}", setting.name, shown);
            prop_assert_eq!(again, config);
        } else {
            prop_assert_eq!(config, Config::default(), "a refused text changes nothing");
        }
    }
}
