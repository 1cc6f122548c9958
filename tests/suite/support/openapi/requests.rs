//! Requests that were accepted: the document allows them.

use super::super::http::{Request, Response};
use super::{Document, parse};

impl Document {
    /// A request that was accepted is one that the document allows.
    pub fn check_request(
        &self,
        operation: &str,
        request: &Request<'_>,
        answer: &Response,
    ) -> Result<(), String> {
        let parameters = &self.open.pointer(operation).expect("it was found")["parameters"];
        let find = |place: &str, name: &str| {
            (0..parameters.as_array().map_or(0, Vec::len))
                .map(|i| self.resolve(format!("{operation}/parameters/{i}")))
                .find(|p| {
                    let told = self.open.pointer(p).expect("it is there");
                    told["in"] == place
                        && told["name"]
                            .as_str()
                            .is_some_and(|n| n.eq_ignore_ascii_case(name))
                })
        };
        let query = request
            .target
            .split_once('?')
            .map_or("", |(_, query)| query);
        let given = query.split('&').filter(|pair| !pair.is_empty());
        for (name, value) in given.map(|pair| pair.split_once('=').unwrap_or((pair, ""))) {
            let Some(parameter) = find("query", name) else {
                return Err(format!("the query parameter {name} is not told"));
            };
            self.check_text(&parameter, &decoded(value))
                .map_err(|reason| format!("it was accepted although {name} is wrong: {reason}"))?;
        }
        for (name, value) in request.headers {
            if let Some(parameter) = find("header", name)
                && !name.eq_ignore_ascii_case("x-request-id")
            {
                self.check_text(&parameter, value).map_err(|reason| {
                    format!("it was accepted although {name} is wrong: {reason}")
                })?;
            }
        }
        self.check_body(operation, request, answer)
            .map_err(|reason| format!("its body was accepted although {reason}"))
    }

    fn check_body(
        &self,
        operation: &str,
        request: &Request<'_>,
        answer: &Response,
    ) -> Result<(), String> {
        let body = request.body.unwrap_or_default();
        let content = format!("{operation}/requestBody/content");
        if self.open.pointer(&content).is_none() {
            // The empty object says nothing, and is sent by some clients with every POST.
            return match body.is_empty() || body.trim_ascii() == b"{}" {
                true => Ok(()),
                false => Err("none is told".to_owned()),
            };
        }
        let text = String::from_utf8_lossy(body);
        let header = request
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case("content-type"));
        let media = header.map_or("", |(_, value)| value.split(';').next().unwrap_or_default());
        if media.eq_ignore_ascii_case("application/x-ndjson") {
            let schema = format!("{content}/application~1x-ndjson/x-itemSchema");
            let said = answer.text();
            let given = text.lines().filter(|line| !line.trim().is_empty());
            return given
                .zip(said.lines())
                .filter(|(_, said)| !said.starts_with("{\"error\":"))
                .try_for_each(|(line, _)| self.check_value(&schema, false, &parse(line)?));
        }
        self.check_value(
            &format!("{content}/application~1json/schema"),
            false,
            &parse(&text)?,
        )
    }
}

/// The few escapes that tests write in queries.
fn decoded(text: &str) -> String {
    text.replace("%20", " ")
        .replace("%3A", ":")
        .replace("%2B", "+")
}
