//! Speaks HTTP with a daemon, as the commands for people and programs do.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

/// A connection to a daemon's API.
pub(super) struct Client {
    agent: Agent,
    base: String,
}

/// An answer of the API.
pub(super) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The document.
    pub body: Value,
}

impl Client {
    /// A client of the daemon at `addr`, each of whose requests is answered within `timeout` or fails.
    pub fn new(addr: SocketAddr, timeout: Duration) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(timeout))
            .build();
        Self {
            agent: config.into(),
            base: format!("http://{addr}"),
        }
    }

    /// Posts a document.
    pub fn post(&self, path: &str, document: &Value) -> Result<Answer, String> {
        let response = self
            .agent
            .post(self.url(path))
            .header("Content-Type", "application/json")
            .send(document.to_string());
        self.answer(path, response)
    }

    /// Asks for a document.
    pub fn get(&self, path: &str) -> Result<Answer, String> {
        let response = self.agent.get(self.url(path)).call();
        self.answer(path, response)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn answer(
        &self,
        path: &str,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Answer, String> {
        let failed =
            |err: &dyn std::fmt::Display| format!("{}{path} did not answer: {err}", self.base);
        let mut response = response.map_err(|err| failed(&err))?;
        let text = response
            .body_mut()
            .read_to_string()
            .map_err(|err| failed(&err))?;
        let body =
            serde_json::from_str(&text).map_err(|err| failed(&format_args!("not JSON: {err}")))?;
        Ok(Answer {
            status: response.status().as_u16(),
            body,
        })
    }
}
