//! Tests of the module above.

use proptest::prelude::*;

use super::*;

#[test]
fn numbers_keep_to_their_bounds() {
    assert_eq!(number("1", 1..=1024), Ok(1));
    assert_eq!(number("1024", 1..=1024), Ok(1024));
    assert_eq!(number("0", 1..=1024), Err("is below 1".to_owned()));
    assert_eq!(number("1025", 1..=1024), Err("is above 1024".to_owned()));
    assert_eq!(
        number("99999999999999999999999", 1..=1024_u16),
        Err("is above 1024".to_owned())
    );
    for text in ["", "-1", "+1", "1.0", "1e3", " 1", "0x10", "ten"] {
        assert_eq!(
            number(text, 1..=1024),
            Err("is not a whole number from 1 to 1024".to_owned()),
            "{text}"
        );
    }
}

#[test]
fn sizes_have_units() {
    let bounds = 1024..=1 << 30;
    for (text, bytes) in [
        ("1024", 1024),
        ("64KiB", 65_536),
        ("1MiB", 1 << 20),
        ("1GiB", 1 << 30),
    ] {
        assert_eq!(size(text, bounds.clone()), Ok(bytes), "{text}");
    }
    for text in ["", "KiB", "1MB", "1 MiB", "1mib", "1.5MiB", "-1"] {
        assert_eq!(size(text, bounds.clone()), Err(not_a_size()), "{text}");
    }
    assert_eq!(
        size("1023", bounds.clone()),
        Err("is below 1KiB".to_owned())
    );
    assert_eq!(
        size("2GiB", bounds.clone()),
        Err("is above 1GiB".to_owned())
    );
    assert_eq!(
        size("99999999999999999999GiB", bounds),
        Err("is above 1GiB".to_owned())
    );
}

#[test]
fn queues_stand_by_weight_or_in_strict_order() {
    let by_weight = queues("critical:6, default:3,low:1").unwrap();
    assert!(!by_weight.strict);
    let weights: Vec<u32> = by_weight.list.iter().map(|entry| entry.weight).collect();
    assert_eq!(weights, [6, 3, 1]);
    assert!(queues("critical,default,low").unwrap().strict);
    assert!(!queues("default").unwrap().strict);
    assert!(!queues("default:7").unwrap().strict);
    for (text, word) in [
        ("", "queue"),
        ("a,,b", "queue"),
        ("a:1,b", "weight"),
        ("a:0", "below 1"),
        ("a:1001", "above 1000"),
        ("a:x", "whole number"),
        ("a:1:2", "whole number"),
        ("a,a", "twice"),
        ("-a", "not a name"),
        ("a b", "not a name"),
    ] {
        let err = queues(text).unwrap_err();
        assert!(err.contains(word), "{text}: {err}");
    }
    let many = vec!["q"; 257].join(",");
    assert!(queues(&many).unwrap_err().contains("more than 256"));
}

#[test]
fn limits_name_each_queue_once() {
    let read = limits("image=2, email=10").unwrap();
    assert_eq!(shown_limits(&read), "email=10,image=2");
    assert!(limits("").unwrap().is_empty());
    for (text, word) in [
        ("image", "QUEUE=NUMBER"),
        ("image=2,", "QUEUE=NUMBER"),
        ("image:2", "QUEUE=NUMBER"),
        ("image=0", "below 1"),
        ("image=2,image=3", "twice"),
        ("=2", "not a name"),
    ] {
        let err = limits(text).unwrap_err();
        assert!(err.contains(word), "{text}: {err}");
    }
}

#[test]
fn the_api_stays_on_loopback_while_there_are_no_tokens() {
    for text in [
        "127.0.0.1:8080",
        "127.9.9.9:0",
        "[::1]:8080",
        "localhost:80",
        "[::ffff:127.0.0.1]:1",
    ] {
        assert!(api_addr(text).is_ok(), "{text}");
    }
    for text in [
        "0.0.0.0:8080",
        "[::]:8080",
        "192.168.1.2:8080",
        "[::ffff:10.0.0.1]:1",
    ] {
        assert!(api_addr(text).unwrap_err().contains("tokens"), "{text}");
    }
    for text in [
        "",
        "8080",
        ":8080",
        "127.0.0.1",
        "example.com:80",
        "127.0.0.1:99999",
    ] {
        assert!(
            api_addr(text).unwrap_err().contains("127.0.0.1:8080"),
            "{text}"
        );
    }
}

#[test]
fn a_choice_names_the_near_word() {
    let choices = [("redis", 1), ("embedded", 2)];
    assert_eq!(choice("embedded", &choices), Ok(2));
    assert_eq!(
        choice("embeded", &choices),
        Err("is none of redis, embedded; did you mean `embedded`?".to_owned())
    );
    assert_eq!(
        choice("sqlite", &choices),
        Err("is none of redis, embedded".to_owned())
    );
}

#[test]
fn a_node_may_be_named_like_an_address_but_not_like_a_path() {
    for text in ["worker-3", "host.example.com:8080", "a"] {
        assert!(node(text).is_ok(), "{text}");
    }
    for text in ["", ".", "../x", "a/b", "[::1]:8080", "é", &"x".repeat(129)] {
        assert!(node(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn queues_that_are_shown_read_the_same(
        names in prop::collection::btree_set("[a-zA-Z0-9][a-zA-Z0-9_.-]{0,10}", 1..8),
        weights in prop::collection::vec(1..=WEIGHT_MAX, 8),
        strict in any::<bool>(),
    ) {
        let strict = strict && names.len() > 1;
        let list = names.into_iter().zip(weights);
        let list = list
            .map(|(queue, weight)| QueueWeight { queue, weight: if strict { 1 } else { weight } })
            .collect();
        let written = Queues { list, strict };
        prop_assert_eq!(queues(&shown_queues(&written)), Ok(written));
    }

    #[test]
    fn limits_that_are_shown_read_the_same(
        written in prop::collection::btree_map("[a-z0-9][a-z0-9_.-]{0,10}", 1..=LIMIT_MAX, 0..8),
    ) {
        prop_assert_eq!(limits(&shown_limits(&written)), Ok(written));
    }

    #[test]
    fn sizes_that_are_shown_read_the_same(bytes in 0..=1_usize << 40) {
        prop_assert_eq!(size(&shown_size(bytes), 0..=1 << 40), Ok(bytes));
    }
}
