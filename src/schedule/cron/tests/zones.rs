//! The names of zones.

use chrono_tz::TZ_VARIANTS;

use crate::schedule::cron::TimeZone;

#[test]
fn every_zone_of_the_database_is_known_by_its_name() {
    for zone in TZ_VARIANTS {
        let known = TimeZone::parse(zone.name()).unwrap();
        assert_eq!(known.to_string(), zone.name());
    }
    assert_eq!(TimeZone::default(), TimeZone::UTC);
    assert_eq!(TimeZone::UTC.name(), "UTC");
}

#[test]
fn a_slip_other_capitals_or_the_city_alone_find_their_zone() {
    for (written, meant) in [
        ("europe/berlin", "Europe/Berlin"),
        ("EUROPE/BERLIN", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("America/New York", "America/New_York"),
        ("America/NewYork", "America/New_York"),
        ("Asia/Kolkatta", "Asia/Kolkata"),
        ("utc", "UTC"),
    ] {
        let err = TimeZone::parse(written).unwrap_err();
        let message = format!("no time zone is called `{written}`; did you mean `{meant}`?");
        assert_eq!(err.to_string(), message);
    }
}

#[test]
fn what_is_near_to_no_zone_is_told_the_form() {
    for written in ["", "Mars/Olympus_Mons", "+02:00", "CEST"] {
        let err = TimeZone::parse(written).unwrap_err();
        let message = format!(
            "no time zone is called `{written}`; write a name of the IANA database, such as UTC or Europe/Berlin"
        );
        assert_eq!(err.to_string(), message);
    }
    let err = TimeZone::parse(&"x".repeat(1_000_000)).unwrap_err();
    assert!(err.to_string().len() < 200, "{err}");
}
