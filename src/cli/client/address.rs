//! Where the daemon is: at APIADDR, as the daemon itself reads it, or where `--addr` says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::Url;

use crate::config::{Config, Problems, Sources};

/// The address of a daemon's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Address {
    /// What stands before every path: `http://127.0.0.1:8080`.
    pub base: String,
    /// Where it was written, for whoever finds nobody there.
    pub source: String,
}

/// Why there is no address.
#[derive(Debug)]
pub(in crate::cli) enum NoAddress {
    /// What the command line or APIADDR says leads nowhere.
    Useless(String),
    /// The setting is wrong.
    Wrong(Problems),
}

impl Address {
    /// The address that `--addr` gives, or else the settings.
    pub fn find(given: Option<&str>, sources: &Sources) -> Result<Self, NoAddress> {
        if let Some(given) = given {
            let base = base_of(given)
                .map_err(|what| NoAddress::Useless(format!("--addr {given}: {what}")))?;
            let source = "--addr".to_owned();
            return Ok(Self { base, source });
        }
        // What is wrong with the daemon's other settings, or cannot be read by whoever asks, is not this command's matter.
        let loaded = Config::load_only(sources, &["api_addr"]).map_err(NoAddress::Wrong)?;
        let addr = loaded.config.api_addr;
        if addr.port() == 0 {
            return Err(NoAddress::Useless(
                "APIADDR leaves the port to chance; say where the daemon is with --addr HOST:PORT"
                    .to_owned(),
            ));
        }
        let place = loaded
            .shown
            .into_iter()
            .find(|shown| shown.setting == "api_addr");
        let source = place.map_or_else(|| "default".to_owned(), |shown| shown.place.to_string());
        let base = format!("http://{}", reachable(addr));
        Ok(Self { base, source })
    }

    /// The address of a daemon that was started here.
    pub fn of(addr: SocketAddr) -> Self {
        Self {
            base: format!("http://{addr}"),
            source: "its own".to_owned(),
        }
    }

    /// Whether the way there is encrypted.
    pub fn is_https(&self) -> bool {
        self.base.starts_with("https://")
    }
}

/// A daemon that listens on every address of its host is asked on loopback.
fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

/// `host:port`, or a URL without anything behind its path.
fn base_of(given: &str) -> Result<String, String> {
    const FORMS: &str =
        "write it like `127.0.0.1:8080`, `[::1]:8080` or `https://jobs.example.com`";
    let is_url = given.starts_with("http://") || given.starts_with("https://");
    let text = if is_url {
        given.to_owned()
    } else if given.contains("://") {
        return Err(format!("only http and https lead to a daemon; {FORMS}"));
    } else {
        format!("http://{given}")
    };
    let url = Url::parse(&text).map_err(|err| format!("{err}; {FORMS}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("a daemon knows no users; {FORMS}"));
    }
    if url.query().is_some() || url.fragment().is_some() || (!is_url && url.path() != "/") {
        return Err(format!("there is more than an address; {FORMS}"));
    }
    // Of a bare `host`, port 80 would be meant by nobody.
    if !is_url && url.port().is_none() && !given.ends_with(":80") {
        return Err(format!("there is no port; {FORMS}"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (given, base) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("[::1]:9", "http://[::1]:9"),
            ("localhost:80", "http://localhost"),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("https://jobs.example.com", "https://jobs.example.com"),
            ("https://example.com/jobs/", "https://example.com/jobs"),
        ] {
            assert_eq!(base_of(given).as_deref(), Ok(base), "{given}");
        }
        for (given, reason) in [
            ("localhost", "there is no port"),
            ("localhost:99999", "invalid port number"),
            ("", "empty host"),
            ("redis://localhost:1", "only http and https"),
            ("http://me:secret@localhost:1", "no users"),
            ("localhost:1/submit", "more than an address"),
            ("http://localhost:1/?a=b", "more than an address"),
        ] {
            let problem = base_of(given).expect_err(given);
            assert!(problem.contains(reason), "{given}: {problem}");
        }
    }

    #[test]
    fn the_address_is_the_daemons_own_setting_whatever_else_is_wrong() {
        let sources = Sources::none()
            .with("APIADDR", "127.0.0.1:9999")
            .with("WORKERCOUNT", "none")
            .with("DATABASEURLFILE", "/nobody/may/read/this");
        let found = Address::find(None, &sources).expect("an address");
        assert_eq!(found.base, "http://127.0.0.1:9999");
        assert_eq!(found.source, "APIADDR in the environment");
        let found = Address::find(None, &Sources::none()).expect("an address");
        assert_eq!(
            (found.base.as_str(), found.source.as_str()),
            ("http://127.0.0.1:8080", "default")
        );
        let wrong = Sources::none().with("APIADDR", "here");
        assert!(matches!(
            Address::find(None, &wrong),
            Err(NoAddress::Wrong(_))
        ));
        let chance = Sources::none().with("APIADDR", "127.0.0.1:0");
        assert!(matches!(
            Address::find(None, &chance),
            Err(NoAddress::Useless(_))
        ));
        assert!(matches!(
            Address::find(Some("x"), &wrong),
            Err(NoAddress::Useless(_))
        ));
    }
}
