//! The HTTP client of all webhooks: kept connections, TLS by the host's certificates, and no way into private networks by
//! name.
//!
//! A URL that holds an address itself, or `localhost`, says that this address is meant, private or not. Any other name is
//! looked up for every new connection, and addresses of private networks among the answers are passed over: whoever
//! rules the name must not be able to turn jobs against the machines around us. No proxy is used.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use ureq::http::{HeaderMap, StatusCode, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Connector, NextTimeout, RustlsConnector, TcpConnector};
use ureq::{Agent, Error};

use super::breakable::Breakables;
use crate::config::{Action, Config};

/// Posts, over connections that are kept for the next.
pub(in crate::handlers) struct Client {
    agent: Agent,
    body_max: usize,
}

/// An answer.
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// As much of the body as is looked at; `None` when there is more of it, or it broke off.
    pub body: Option<Vec<u8>>,
}

/// Why there is no answer.
pub(super) enum Trouble {
    /// None came in time.
    Late,
    /// Something else, in words.
    Other(String),
}

impl Client {
    /// A client for the webhooks of `config`.
    ///
    /// # Errors
    ///
    /// One of them is https, and there are no certificates on this host to check servers against.
    pub(in crate::handlers) fn new(config: &Config) -> Result<Self, String> {
        let found = rustls_native_certs::load_native_certs();
        let certs: Vec<_> = found
            .certs
            .iter()
            .map(|cert| Certificate::from_der(cert).to_owned())
            .collect();
        let secure = |action: &Action| matches!(action, Action::Webhook { url, .. } if url.scheme() == "https");
        if certs.is_empty()
            && let Some(entry) = config.types.iter().find(|entry| secure(&entry.action))
        {
            return Err(format!(
                "{}: the type `{}` needs the certificates of this host for https, and there are none: install \
                 ca-certificates",
                entry.place, entry.name
            ));
        }
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::new_with_certs(&certs))
            .build();
        let settings = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_idle_connections(config.worker_count)
            .max_idle_connections_per_host(config.worker_count)
            .user_agent(concat!("windlass/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: Agent::with_parts(
                settings,
                TcpConnector::default()
                    .chain(Breakables)
                    .chain(RustlsConnector::default()),
                Careful(DefaultResolver::default()),
            ),
            body_max: config.result_max,
        })
    }

    /// Posts JSON, and answers within `limit` or not at all.
    pub(super) fn post(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: &str,
        limit: Duration,
    ) -> Result<Answer, Trouble> {
        let mut request = self
            .agent
            .post(url)
            .config()
            .timeout_global(Some(limit))
            .build()
            .header("Content-Type", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.send(body).map_err(trouble)?;
        let (parts, mut body) = response.into_parts();
        let mut bytes = Vec::new();
        let most = self.body_max as u64 + 1;
        let read = body.as_reader().take(most).read_to_end(&mut bytes);
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: read
                .is_ok_and(|length| length <= self.body_max)
                .then_some(bytes),
        })
    }
}

fn trouble(err: Error) -> Trouble {
    match err {
        Error::Timeout(_) => Trouble::Late,
        Error::HostNotFound => Trouble::Other("its name is not known".to_owned()),
        err => Trouble::Other(err.to_string()),
    }
}

/// Looks names up, and passes over the addresses of private networks.
#[derive(Debug, Default)]
struct Careful<R = DefaultResolver>(R);

impl<R: Resolver> Resolver for Careful<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        if uri.host().is_some_and(says_it_itself) {
            return Ok(found);
        }
        let mut public = self.empty();
        for address in found.iter().filter(|address| is_public(address.ip())) {
            public.push(*address);
        }
        match (public.is_empty(), found.first()) {
            (true, Some(first)) => Err(Error::Other(
                format!(
                    "its name leads to {}, which is no public address, and to no other; write the address itself \
                     into the entry's url if it is meant",
                    first.ip()
                )
                .into(),
            )),
            _ => Ok(public),
        }
    }
}

/// Whether a URL's host leaves no doubt which address is meant.
fn says_it_itself(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

/// Whether an address is one of the open network.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = (a, b, c) == (192, 0, 0);
    let benchmarks = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || a >= 224
        || shared
        || protocols
        || benchmarks
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let [.., w, x, y, z] = address.octets();
    let inner = Ipv4Addr::new(w, x, y, z);
    // 64:ff9b::/96 and 2002::/16 are roads to IPv4 addresses; the second holds it further ahead.
    if (a, b) == (0x64, 0xff9b) {
        return is_public_v4(inner);
    }
    // 2000::/3 is all that is given out; in it, 2001::/23 and 2001:db8::/32 are not, and 2002::/16 is as good as dead.
    a & 0xe000 == 0x2000 && !(a == 0x2001 && (b < 0x200 || b == 0xdb8)) && a != 0x2002
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::{SocketAddr, TcpListener};

    use super::*;

    #[test]
    fn addresses_of_private_networks_are_told_from_public_ones() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2001:db8::1",
            "2002:a00:1::",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    /// Knows one address for every name.
    #[derive(Debug)]
    struct Fixed(SocketAddr);

    impl Resolver for Fixed {
        fn resolve(
            &self,
            _: &Uri,
            _: &ureq::config::Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, Error> {
            let mut found = self.empty();
            found.push(self.0);
            Ok(found)
        }
    }

    /// A listener waits at the address to which all names lead; nobody connects.
    #[test]
    fn a_name_that_leads_to_a_private_address_leads_nowhere() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let here = Fixed(listener.local_addr().unwrap());
        let settings = Agent::config_builder().proxy(None).build();
        let agent = Agent::with_parts(
            settings,
            ureq::unversioned::transport::DefaultConnector::new(),
            Careful(here),
        );
        let err = agent
            .post("http://internal.example/")
            .send("1")
            .unwrap_err();
        let told = err.to_string();
        assert!(
            told.contains("leads to 127.0.0.1, which is no public address"),
            "{told}"
        );
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn only_an_address_or_localhost_says_itself_what_is_meant() {
        for host in ["10.0.0.1", "[::1]", "localhost", "LOCALHOST"] {
            assert!(says_it_itself(host), "{host}");
        }
        for host in ["localhost.example.com", "internal", "10.0.0.1.nip.io"] {
            assert!(!says_it_itself(host), "{host}");
        }
    }
}
