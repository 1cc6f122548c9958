//! Who may ask: no web page may submit jobs through its visitor's browser.
//!
//! While no tokens are set the API listens on loopback alone, but a browser on the same host reaches loopback too. A page
//! betrays itself by its `Origin`, or, where its own name was pointed at loopback, by its `Host`.

use std::net::IpAddr;

use tiny_http::{HTTPVersion, Header};

use super::exchange::header;
use super::problem::ApiError;

/// Refuses a request that may come from a web page.
///
/// # Errors
///
/// 403 for a `Host` that is no loopback name or an `Origin` that is not our own; 400 where HTTP/1.1 lacks its `Host`.
pub fn check(version: &HTTPVersion, headers: &[Header]) -> Result<(), ApiError> {
    if headers.iter().filter(|h| h.field.equiv("Host")).count() > 1 {
        return Err(ApiError::Malformed(
            "the Host header stands twice".to_owned(),
        ));
    }
    let Some(host) = header(headers, "Host") else {
        if *version >= HTTPVersion(1, 1) {
            return Err(ApiError::Malformed(
                "HTTP/1.1 needs a Host header".to_owned(),
            ));
        }
        return no_origin(headers, None);
    };
    if !is_loopback(host) {
        return Err(ApiError::Forbidden(
            "the Host header names no loopback address; use 127.0.0.1, [::1] or localhost"
                .to_owned(),
        ));
    }
    no_origin(headers, Some(host))
}

fn no_origin(headers: &[Header], host: Option<&str>) -> Result<(), ApiError> {
    let Some(origin) = header(headers, "Origin") else {
        return Ok(());
    };
    let own = |host: &str| {
        origin
            .split_once("://")
            .is_some_and(|(scheme, rest)| scheme == "http" && rest.eq_ignore_ascii_case(host))
    };
    if host.is_some_and(own) {
        return Ok(());
    }
    Err(ApiError::Forbidden(
        "requests from web pages of other origins are not allowed".to_owned(),
    ))
}

/// Whether a Host header, with or without a port, names this host by a loopback name.
fn is_loopback(host: &str) -> bool {
    let name = if let Some(rest) = host.strip_prefix('[') {
        match rest.split_once(']') {
            Some((name, port)) if port.is_empty() || is_port(port) => name,
            _ => return false,
        }
    } else {
        match host.find(':') {
            Some(at) if is_port(&host[at..]) => &host[..at],
            Some(_) => return false,
            None => host,
        }
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .is_some_and(|digits| digits.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(headers: &[(&str, &str)]) -> u16 {
        let headers: Vec<Header> = headers
            .iter()
            .map(|(name, value)| Header::from_bytes(*name, *value).expect("a header"))
            .collect();
        check(&HTTPVersion(1, 1), &headers).map_or_else(|err| err.problem().status, |()| 200)
    }

    #[test]
    fn loopback_names_pass_and_others_do_not() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.1.2.3",
            "[::1]:8080",
            "[::1]",
            "app.localhost:80",
        ] {
            assert_eq!(status(&[("Host", host)]), 200, "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com:8080",
            "10.0.0.1",
            "[::2]",
            "127.0.0.1:x",
            "127.0.0.1@evil.com",
            "",
            "::1",
        ] {
            assert_eq!(status(&[("Host", host)]), 403, "{host}");
        }
        assert_eq!(status(&[]), 400);
        assert_eq!(status(&[("Host", "localhost"), ("Host", "localhost")]), 400);
    }

    #[test]
    fn a_page_of_another_origin_is_refused() {
        let host = ("Host", "localhost:8080");
        assert_eq!(status(&[host, ("Origin", "http://localhost:8080")]), 200);
        for origin in [
            "http://evil.com",
            "null",
            "https://localhost:8080",
            "http://localhost:3000",
            "",
        ] {
            assert_eq!(status(&[host, ("Origin", origin)]), 403, "{origin}");
        }
    }
}
