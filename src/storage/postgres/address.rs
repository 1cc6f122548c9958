//! From the text of DATABASEURL to a connection's settings, with the limits that every connection of ours has.
//!
//! The driver knows only some values of `sslmode` and none of the files that go with it, so all `ssl…` options are taken
//! out of the URL first. Where no sslmode is written, a server on this host is spoken to in plain and any other by
//! `verify-full`: silence must not mean an encryption that anybody can stand in the middle of.

use std::net::IpAddr;
use std::time::Duration;

use postgres::Config;
use postgres::config::{Host, SslMode};

use super::tls::{self, Verify};
use crate::storage::StorageError;

/// Where a server without `host` is looked for, as its own programs do.
const SOCKET_FOLDER: &str = "/run/postgresql";

/// Limits of the server's own on what we ask of it, in milliseconds: they end a query whose asker has long given up. No
/// just-in-time compilation: it costs more than any of our queries, which touch few rows of many partitions.
const SERVER_LIMITS: &str = "-c statement_timeout=30000 -c lock_timeout=5000 \
                             -c idle_in_transaction_session_timeout=60000 -c jit=off";

/// How to reach the server.
pub(super) struct Address {
    /// The driver's settings.
    pub config: Config,
    /// TLS, used if the settings say so.
    pub tls: rustls::ClientConfig,
}

/// What the URL says of TLS.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ssl {
    mode: Option<String>,
    root_cert: Option<String>,
    cert: Option<String>,
    key: Option<String>,
}

/// Reads DATABASEURL.
///
/// # Errors
///
/// [`StorageError::Unfit`]: what is wrong with it; never with the password in it.
pub(super) fn parse(url: &str) -> Result<Address, StorageError> {
    let unfit = |reason: String| StorageError::Unfit {
        reason: format!("DATABASEURL {reason}"),
    };
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(unfit(
            "must be a URL like postgres://user:password@host:5432/database".to_owned(),
        ));
    }
    let (url, ssl) = split_ssl(url).map_err(unfit)?;
    let mut config: Config = url.parse().map_err(|error| {
        unfit(format!(
            "is no URL of PostgreSQL: {}",
            wrong_part(&url, &error)
        ))
    })?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        config.host_path(SOCKET_FOLDER);
    }
    let verify = choose(&mut config, &ssl).map_err(unfit)?;
    let tls = tls::client(
        verify,
        ssl.root_cert.as_deref(),
        ssl.cert.as_deref().zip(ssl.key.as_deref()),
    )
    .map_err(unfit)?;
    limit(&mut config);
    Ok(Address { config, tls })
}

/// Sets what the URL left open. Nothing that waits on the network waits for ever, except for a server that accepts and
/// stays silent: only [`crate::storage::bounded`] helps against that.
fn limit(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(30));
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_idle(Duration::from_secs(30));
        config.keepalives_interval(Duration::from_secs(10));
        config.keepalives_retries(3);
    }
    if config.get_application_name().is_none() {
        config.application_name("windlass");
    }
    // The later setting wins, so what the URL says may differ from ours.
    let options = match config.get_options() {
        Some(written) => format!("{SERVER_LIMITS} {written}"),
        None => SERVER_LIMITS.to_owned(),
    };
    config.options(&options);
}

/// Takes the `ssl…` options out of the URL.
fn split_ssl(url: &str) -> Result<(String, Ssl), String> {
    let mut ssl = Ssl::default();
    let Some(at) = query_start(url) else {
        return Ok((url.to_owned(), ssl));
    };
    let (base, query) = (&url[..at], &url[at + 1..]);
    let mut rest = Vec::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        let place = match key {
            "sslmode" => &mut ssl.mode,
            "sslrootcert" => &mut ssl.root_cert,
            "sslcert" => &mut ssl.cert,
            "sslkey" => &mut ssl.key,
            _ => {
                rest.push(option);
                continue;
            }
        };
        *place = Some(decode(value).ok_or_else(|| format!("has a {key} that is not text"))?);
    }
    if ssl.cert.is_some() != ssl.key.is_some() {
        return Err("has only one of sslcert and sslkey; they go together".to_owned());
    }
    let query = if rest.is_empty() { "" } else { "?" };
    Ok((format!("{base}{query}{}", rest.join("&")), ssl))
}

/// Where the options begin. A user or password may hold a `?`, so it is looked for behind the first `@`, as the driver does.
fn query_start(url: &str) -> Option<usize> {
    let from = url.find('@').unwrap_or(0);
    url[from..].find('?').map(|at| from + at)
}

/// What the driver did not understand, without quoting what may be a piece of the password.
fn wrong_part(url: &str, error: &postgres::Error) -> String {
    let misplaced = query_start(url).is_some_and(|at| url[at..].contains('@'));
    match std::error::Error::source(error) {
        Some(source) if !misplaced => source.to_string(),
        _ => "an `@`, `:`, `/` or `?` within user or password must be written as %40, %3A, %2F or %3F"
            .to_owned(),
    }
}

fn choose(config: &mut Config, ssl: &Ssl) -> Result<Verify, String> {
    let unix = |host: &Host| matches!(host, Host::Unix(_));
    let hosts = config.get_hosts();
    // No TLS over a socket of this host, whatever is written: PostgreSQL's own programs ignore it there, too.
    let plain = !hosts.is_empty() && hosts.iter().all(unix);
    let (mode, verify) = match ssl.mode.as_deref() {
        _ if plain => (SslMode::Disable, Verify::Full),
        None if is_local(config) => (SslMode::Disable, Verify::Full),
        Some("disable") => (SslMode::Disable, Verify::Full),
        Some("allow" | "prefer") => (SslMode::Prefer, Verify::Nothing),
        // With a root certificate given, `require` checks it, as PostgreSQL's own programs do.
        Some("require") if ssl.root_cert.is_none() => (SslMode::Require, Verify::Nothing),
        Some("require" | "verify-ca") => (SslMode::Require, Verify::Chain),
        None | Some("verify-full") => (SslMode::Require, Verify::Full),
        Some(_) => {
            return Err(
                "has an unknown sslmode; known: disable, allow, prefer, require, verify-ca, verify-full"
                    .to_owned(),
            );
        }
    };
    config.ssl_mode(mode);
    Ok(verify)
}

/// Whether every host that is named is this one.
fn is_local(config: &Config) -> bool {
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
    });
    hosts && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// `text` with its %xx resolved; `None` if that is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        let hex = (first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        match hex {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => bytes.push(first),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(url: &str) -> (SslMode, Verify) {
        let (url, ssl) = split_ssl(url).expect("a good URL");
        let mut config: Config = url.parse().expect("a good URL");
        let verify = choose(&mut config, &ssl).expect("a known mode");
        (config.get_ssl_mode(), verify)
    }

    fn refused(url: &str) -> String {
        match parse(url) {
            Ok(_) => panic!("{url} was taken"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn silence_means_plain_here_and_verify_full_elsewhere() {
        let plain = SslMode::Disable;
        assert_eq!(chosen("postgres://u@localhost/d").0, plain);
        assert_eq!(chosen("postgres://u@127.0.0.1:5433/d").0, plain);
        assert_eq!(chosen("postgres://u@[::1]/d").0, plain);
        assert_eq!(chosen("postgres:///d?host=/run/postgresql").0, plain);
        let full = (SslMode::Require, Verify::Full);
        assert_eq!(chosen("postgres://u@db.example/d"), full);
        assert_eq!(chosen("postgres://u@localhost,db.example/d"), full);
    }

    #[test]
    fn each_sslmode_means_what_postgresql_says() {
        let remote = |mode: &str| chosen(&format!("postgres://u@db.example/d?sslmode={mode}"));
        assert_eq!(remote("disable").0, SslMode::Disable);
        assert_eq!(remote("prefer"), (SslMode::Prefer, Verify::Nothing));
        assert_eq!(remote("allow"), (SslMode::Prefer, Verify::Nothing));
        assert_eq!(remote("require"), (SslMode::Require, Verify::Nothing));
        assert_eq!(
            remote("require&sslrootcert=/etc/ca.pem"),
            (SslMode::Require, Verify::Chain)
        );
        assert_eq!(remote("verify-ca"), (SslMode::Require, Verify::Chain));
        assert_eq!(remote("verify-full"), (SslMode::Require, Verify::Full));
        let here = chosen("postgres://u@localhost/d?sslmode=verify-full");
        assert_eq!(here, (SslMode::Require, Verify::Full));
        let socket = chosen("postgres:///d?host=/run/postgresql&sslmode=require");
        assert_eq!(socket.0, SslMode::Disable);
        assert!(refused("postgres://u@h/d?sslmode=maybe").contains("verify-full"));
    }

    #[test]
    fn ssl_options_are_taken_out_and_the_others_stay() {
        let (url, ssl) = split_ssl(
            "postgres://u:a?b@h/d?sslrootcert=%2Fetc%2Fca%20x.pem&connect_timeout=3&sslmode=verify-ca",
        )
        .expect("a good URL");
        assert_eq!(url, "postgres://u:a?b@h/d?connect_timeout=3");
        assert_eq!(ssl.root_cert.as_deref(), Some("/etc/ca x.pem"));
        assert_eq!(ssl.mode.as_deref(), Some("verify-ca"));
        assert!(refused("postgres://u@h/d?sslcert=/c.pem").contains("sslkey"));
        let missing = refused("postgres://u@h/d?sslmode=verify-full&sslrootcert=/not/there.pem");
        assert!(missing.contains("/not/there.pem"), "{missing}");
    }

    #[test]
    fn every_connection_is_limited_and_the_url_may_say_otherwise() {
        let config =
            parse("postgres://u@localhost/d?connect_timeout=1&options=-c%20lock_timeout=9")
                .expect("a good URL")
                .config;
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(1)));
        let options = config.get_options().expect("set");
        assert!(options.contains("statement_timeout=30000"), "{options}");
        assert!(options.ends_with("-c lock_timeout=9"), "{options}");
        let config = parse("postgres:///d").expect("a good URL").config;
        assert!(matches!(&config.get_hosts()[0], Host::Unix(path) if path.ends_with("postgresql")));
    }

    #[test]
    fn a_wrong_url_is_explained_without_its_password() {
        for url in [
            "mysql://u:s3cret@h/d",
            "host=h password=s3cret",
            "postgres://u:s3cret@h:port/d",
            "postgres://u:x@s3cret?s3cret@h/d",
            "postgres://u:s3cret@h/d?unheard_of=1",
            "postgres://u:s3cret@h/d?sslmode=s3cret",
        ] {
            let reason = refused(url);
            assert!(reason.contains("DATABASEURL"), "{reason}");
            assert!(!reason.contains("s3cret"), "{reason}");
        }
        assert!(refused("postgres://u:p@h/d?unheard_of=1").contains("unheard_of"));
    }
}
