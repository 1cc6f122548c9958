//! Addresses of servers: enough of a check to find slips before anything starts. Whether somebody listens there is
//! found out by connecting.

use super::Secret;
use super::parse::no_control;

type Parsed<T> = Result<T, String>;

/// `host:port`, or a URL with one of the schemes that the Redis engine speaks.
pub(super) fn redis(text: &str) -> Parsed<Secret> {
    const FORMS: &str = "write `host:port`, or a URL like `redis://user:password@host:6379/0`, \
                         `rediss://host:6380` or `unix:///run/redis/redis.sock`";
    no_blank(text)?;
    match text.split_once("://") {
        Some(("redis" | "rediss", rest)) => {
            if text.ends_with("#insecure") {
                return Err(
                    "ends in `#insecure`, which would let anybody pose as the server; \
                            leave that out"
                        .to_owned(),
                );
            }
            // A password may hold anything up to the last `@`.
            let address = rest.rsplit_once('@').map_or(rest, |(_, address)| address);
            let address = address.split(['?', '#']).next().unwrap_or_default();
            let (host, database) = address.split_once('/').unwrap_or((address, ""));
            host_and_port(host, false).map_err(|err| format!("{err}; {FORMS}"))?;
            if database.bytes().any(|byte| !byte.is_ascii_digit()) {
                return Err(format!("names a database that is no number; {FORMS}"));
            }
        }
        Some(("unix", path)) if path.starts_with('/') && path.len() > 1 => {}
        Some(("unix", _)) => return Err(format!("has no absolute path; {FORMS}")),
        Some(_) => return Err(format!("has a scheme that is none of ours; {FORMS}")),
        None => host_and_port(text, true).map_err(|err| format!("{err}; {FORMS}"))?,
    }
    Ok(Secret::new(text))
}

/// A URL of PostgreSQL.
pub(super) fn postgres(text: &str) -> Parsed<Secret> {
    const FORMS: &str = "write a URL like `postgres://user:password@host:5432/database` or \
                         `postgres:///database?host=/run/postgresql`";
    no_blank(text)?;
    match text.split_once("://") {
        Some(("postgres" | "postgresql", _)) => Ok(Secret::new(text)),
        Some(_) => Err(format!("has a scheme that is none of ours; {FORMS}")),
        None => Err(format!("is not a URL; {FORMS}")),
    }
}

/// A mail server, or a folder.
pub(super) fn smtp(text: &str) -> Parsed<Secret> {
    const FORMS: &str = "write a URL like `smtp://host:25`, `smtps://user:password@host` or \
                         `smtp://host:587?tls=required`, or `file:///folder` to write mails there";
    no_blank(text)?;
    match text.split_once("://") {
        Some(("smtp" | "smtps", rest)) => {
            let address = rest.rsplit_once('@').map_or(rest, |(_, address)| address);
            let host = address.split(['/', '?', '#']).next().unwrap_or_default();
            host_and_port(host, false).map_err(|err| format!("{err}; {FORMS}"))?;
        }
        Some(("file", path)) if path.starts_with('/') && path.len() > 1 => {}
        Some(("file", _)) => return Err(format!("has no absolute path; {FORMS}")),
        Some(_) => return Err(format!("has a scheme that is none of ours; {FORMS}")),
        None => return Err(format!("is not a URL; {FORMS}")),
    }
    Ok(Secret::new(text))
}

/// A sender: `a@b` or `Name <a@b>`. The e-mail handler reads it in full.
pub(super) fn sender(text: &str) -> Parsed<String> {
    no_control(text)?;
    let address = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => text,
    };
    match address.rsplit_once('@') {
        Some((user, host)) if !user.is_empty() && !host.is_empty() && !address.contains(' ') => {
            Ok(text.to_owned())
        }
        _ => Err("is not an address; write it like `jobs@example.com` or \
                  `Jobs <jobs@example.com>`"
            .to_owned()),
    }
}

fn host_and_port(text: &str, port_needed: bool) -> Parsed<()> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest
            .split_once(']')
            .ok_or("has a `[` that is not closed behind its address")?;
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err("has no IPv6 address between `[` and `]`".to_owned());
        }
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => return Err("has something other than `:port` behind the `]`".to_owned()),
        }
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    if host.is_empty() {
        return Err("has no host".to_owned());
    }
    match port {
        Some(port) if !matches!(port.parse::<u16>(), Ok(1..)) => {
            Err("has a port that is no number from 1 to 65535".to_owned())
        }
        None if port_needed => Err("has no port".to_owned()),
        _ => Ok(()),
    }
}

fn no_blank(text: &str) -> Parsed<()> {
    no_control(text)?;
    if text.contains(' ') {
        return Err("holds a blank; in a password of a URL, write it as `%20`".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_that_servers_have_are_taken() {
        for text in [
            "127.0.0.1:6379",
            "redis.internal:6380",
            "[::1]:6379",
            "redis://h",
            "redis://h:1/2",
            "redis://:p@h",
            "redis://user:p@ss/w?rd@h:6379/0",
            "rediss://h:6380",
            "unix:///run/redis.sock?db=2",
            "redis://[::1]:6379/1",
        ] {
            assert_eq!(
                redis(text).map(|s| s.reveal().to_owned()),
                Ok(text.to_owned())
            );
        }
        for text in [
            "postgres:///windlass?host=/run/postgresql",
            "postgresql://u:p@h:5432/db",
        ] {
            assert!(postgres(text).is_ok(), "{text}");
        }
        for text in [
            "smtp://localhost:25",
            "smtps://u:p@mail.example.com",
            "file:///var/mail",
            "smtp://h:587?tls=required",
            "smtp://h/?tls=opportunistic",
        ] {
            assert!(smtp(text).is_ok(), "{text}");
        }
        for text in ["jobs@example.com", "Jobs <jobs@example.com>"] {
            assert!(sender(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn slips_are_found_and_told_without_the_text() {
        for (check, texts) in [
            (
                redis as fn(&str) -> Parsed<Secret>,
                &[
                    "localhost",
                    ":6379",
                    "h:0",
                    "h:65536",
                    "h:x",
                    "http://h:1",
                    "redis://",
                    "redis://h/x",
                    "unix://relative",
                    "unix:///",
                    "[::1:6379",
                    "[x]:1",
                    "[::1]x",
                    "rediss://h#insecure",
                    "h h:1",
                    "redis://h\n",
                ][..],
            ),
            (
                postgres,
                &["", "host=h dbname=x", "mysql://h/x", "h:5432"][..],
            ),
            (
                smtp,
                &[
                    "",
                    "mail.example.com",
                    "http://h",
                    "file://relative",
                    "smtp://",
                    "smtp://h:x",
                ][..],
            ),
        ] {
            for text in texts {
                let err = check(text).unwrap_err();
                assert!(!err.is_empty());
            }
        }
        for text in [
            "",
            "jobs",
            "@example.com",
            "jobs@",
            "Jobs <jobs@example.com",
            "a b@c",
        ] {
            assert!(sender(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_reason_to_panic(text in "(redis|unix|smtp|file|postgres)?(://)?([\\[\\]:/?#@a1]|.){0,20}") {
            for check in [redis, postgres, smtp] {
                if let Err(err) = check(&text) {
                    prop_assert!(!err.is_empty());
                }
            }
            drop(sender(&text));
        }
    }
}
