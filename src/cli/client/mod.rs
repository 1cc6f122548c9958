//! Speaks HTTP with a daemon: the one place from which the commands make requests.
//!
//! - [`address`]: where the daemon is. [`trouble`]: why there is no answer, or one that says no.
//!
//! Every request ends within its time. What a daemon may ask of its clients beyond that (a token) has its place in
//! [`Client::run`], through which every request goes.

pub(super) mod address;
pub(super) mod trouble;

use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use ureq::http::{HeaderMap, Request, Response, StatusCode};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, AsSendBody, Body};

use address::Address;
use trouble::{Refusal, Trouble};

/// How long a daemon may take to answer what it answers at once: long enough for one whose host is out of breath.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take to reach the daemon's host.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// The largest answer that is read: a job whose payload and result are as large as any may be, and then some.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What stands for itself in a segment of a path (RFC 3986, "unreserved"); all else is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A connection to a daemon's API.
pub(super) struct Client {
    agent: Agent,
    address: Address,
}

/// An answer that says yes.
pub(super) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The document as it came; empty where there is none.
    pub text: String,
    base: String,
}

/// One request.
pub(super) struct Asked<'a> {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Option<&'a str>,
    patience: Duration,
}

impl<'a> Asked<'a> {
    /// A request for what stands at these segments of a path.
    pub fn new(method: &'static str, segments: &[&str]) -> Self {
        let encoded = segments
            .iter()
            .map(|segment| format!("/{}", utf8_percent_encode(segment, ENCODED)));
        Self {
            method,
            target: encoded.collect(),
            headers: Vec::new(),
            body: None,
            patience: PATIENCE,
        }
    }

    /// A request that only reads.
    pub fn get(segments: &[&str]) -> Self {
        Self::new("GET", segments)
    }

    /// A request that does something.
    pub fn post(segments: &[&str]) -> Self {
        Self::new("POST", segments)
    }

    /// Adds a parameter to the query.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let mark = if self.target.contains('?') { '&' } else { '?' };
        let value = utf8_percent_encode(value, ENCODED);
        self.target.push_str(&format!("{mark}{name}={value}"));
        self
    }

    /// Adds a parameter to the query, if there is one.
    pub fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Asks the daemon to answer when the job has ended, or after `wait`.
    pub fn waiting(mut self, wait: Duration) -> Self {
        self.patience += wait;
        self.with("wait", &format!("{}ms", wait.as_millis()))
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends JSON along.
    pub fn body(self, json: &'a str) -> Self {
        let mut asked = self.header("Content-Type", "application/json");
        asked.body = Some(json);
        asked
    }
}

impl Client {
    /// A client of the daemon at `address`.
    ///
    /// # Errors
    ///
    /// The address is https, and this host has no certificates to check servers against.
    pub fn new(address: Address) -> Result<Self, String> {
        let mut settings = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(CONNECT_PATIENCE))
            .user_agent(concat!("windlass/", env!("CARGO_PKG_VERSION")));
        if address.is_https() {
            settings = settings.tls_config(tls()?);
        }
        Ok(Self {
            agent: settings.build().into(),
            address,
        })
    }

    /// Makes a request. One that only reads is made again if the connection breaks, once.
    ///
    /// # Errors
    ///
    /// There is no answer, or it says no.
    pub fn ask(&self, asked: &Asked<'_>) -> Result<Answer, Trouble> {
        match self.send(asked) {
            Err(Trouble::Broken { .. }) if asked.method == "GET" => self.send(asked),
            answered => answered,
        }
    }

    fn send(&self, asked: &Asked<'_>) -> Result<Answer, Trouble> {
        let trouble = |err| Trouble::of(err, &self.address, asked.patience);
        let mut request = Request::builder()
            .method(asked.method)
            .uri(format!("{}{}", self.address.base, asked.target));
        for (name, value) in &asked.headers {
            request = request.header(*name, value);
        }
        // A POST without a document says so with a Content-Length of 0; the other methods say nothing.
        let mut response = match asked.body.or((asked.method == "POST").then_some("")) {
            Some(body) => self.run(request.body(body), asked.patience),
            None => self.run(request.body(()), asked.patience),
        }
        .map_err(trouble)?;
        let text = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_string()
            .map_err(trouble)?;
        let base = self.address.base.clone();
        let status = response.status();
        if status.is_success() {
            let status = status.as_u16();
            return Ok(Answer { status, text, base });
        }
        Err(
            match Refusal::read(status.as_u16(), text, retry_after(response.headers())) {
                Ok(refusal) => Trouble::Refused(Box::new(refusal)),
                Err(text) => Trouble::strange(&base, status_words(status), &text),
            },
        )
    }

    /// Sends any request of ours.
    fn run<S: AsSendBody>(
        &self,
        request: Result<Request<S>, ureq::http::Error>,
        patience: Duration,
    ) -> Result<Response<Body>, ureq::Error> {
        let request = self
            .agent
            .configure_request(request?)
            .timeout_global(Some(patience))
            .build();
        self.agent.run(request)
    }
}

impl Answer {
    /// What the document says.
    ///
    /// # Errors
    ///
    /// It is not what a daemon answers.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Trouble> {
        serde_json::from_str(&self.text).map_err(|err| self.strange(&err.to_string()))
    }

    /// What is wrong with an answer that cannot be understood.
    pub fn strange(&self, what: &str) -> Trouble {
        Trouble::strange(&self.base, format!("{} ({what})", self.status), &self.text)
    }
}

/// TLS by the one provider, with the certificates of this host.
fn tls() -> Result<TlsConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    let certs: Vec<_> = found
        .certs
        .iter()
        .map(|cert| Certificate::from_der(cert).to_owned())
        .collect();
    if certs.is_empty() {
        return Err(
            "https needs the certificates of this host, and there are none: install ca-certificates"
                .to_owned(),
        );
    }
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&certs))
        .build())
}

/// `502 Bad Gateway`
fn status_words(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or_default();
    format!("{} {reason}", status.as_u16()).trim().to_owned()
}

/// After how long the daemon wants to be asked again.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get("Retry-After")?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_asked_for_can_leave_its_place_in_the_target() {
        let asked = Asked::get(&["jobs", "../x?y=1&z#", "ä b"]).with("tag", "a=b&c d");
        assert_eq!(
            asked.target,
            "/jobs/..%2Fx%3Fy%3D1%26z%23/%C3%A4%20b?tag=a%3Db%26c%20d"
        );
        let asked = Asked::get(&["jobs"]).with("a", "1").with_some("b", None);
        let asked = asked.waiting(Duration::from_secs(2));
        assert_eq!(asked.target, "/jobs?a=1&wait=2000ms");
        assert_eq!(asked.patience, PATIENCE + Duration::from_secs(2));
    }
}
