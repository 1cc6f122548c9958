//! From a request line to a route: methods, paths, queries; what would do is told where nothing is found.

use tiny_http::Method;

use super::{Route, routes};
use crate::api::answer::Answer;
use crate::api::problem::ApiError;
use crate::near::near;

/// What a request line leads to.
pub enum Resolved {
    /// A route, with the segments of the path and the parameters of the query.
    Route(&'static Route, Vec<String>, Vec<(String, String)>),
    /// An answer that needs no handler.
    Answer(Answer),
}

/// Finds what a request line leads to.
///
/// # Errors
///
/// 404, 405, 501, or 400 for a query that the route does not know.
pub fn resolve(method: &Method, target: &str) -> Result<Resolved, ApiError> {
    let method = method.as_str();
    if !METHODS.contains(&method) && !NOWHERE.contains(&method) {
        return Err(ApiError::NotImplemented(format!(
            "the method `{}` is not done here",
            shorten(method)
        )));
    }
    if target == "*" && method == "OPTIONS" {
        let answer = Answer::empty(200).with("Allow", &METHODS.join(", "));
        return Ok(Resolved::Answer(answer));
    }
    let (path, query) = split_target(target);
    let segments = decode_path(path)?;
    let here: Vec<_> = routes()
        .filter_map(|route| Some((route, matches(route.path, &segments)?)))
        .collect();
    if here.is_empty() {
        return Err(not_found(path));
    }
    let wanted = if method == "HEAD" { "GET" } else { method };
    if let Some((route, segments)) = here.iter().find(|(route, _)| route.method == wanted) {
        let query = parse_query(query, route)?;
        return Ok(Resolved::Route(route, segments.clone(), query));
    }
    let allow = allow(here.iter().map(|(route, _)| route.method));
    if method == "OPTIONS" {
        return Ok(Resolved::Answer(Answer::empty(200).with("Allow", &allow)));
    }
    Err(ApiError::MethodNotAllowed(allow))
}

/// The methods that some path might allow; others are 501.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];

/// Methods of HTTP that no path allows: 405 like any that is known, for a 5xx would look like our fault.
const NOWHERE: [&str; 3] = ["CONNECT", "QUERY", "TRACE"];

fn allow<'a>(methods: impl Iterator<Item = &'a str>) -> String {
    let mut allow: Vec<&str> = Vec::new();
    for method in methods {
        allow.push(method);
        if method == "GET" {
            allow.push("HEAD");
        }
    }
    allow.push("OPTIONS");
    allow.join(", ")
}

fn not_found(path: &str) -> ApiError {
    let known = routes().map(|route| route.path);
    let hint = near(path, known).map_or_else(String::new, |near| format!("; did you mean {near}?"));
    ApiError::NotFound(format!("there is nothing at `{}`{hint}", shorten(path)))
}

/// The segments that `{…}` stands for, if the path is one of the pattern's.
fn matches(pattern: &str, segments: &[String]) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut given = segments.iter();
    for wanted in pattern.split('/').skip(1) {
        let segment = given.next()?;
        if wanted.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            found.push(segment.clone());
        } else if wanted != segment {
            return None;
        }
    }
    given.next().is_none().then_some(found)
}

/// Path and query of a request target, whose absolute form is allowed too.
fn split_target(target: &str) -> (&str, &str) {
    let target = match target.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphabetic()) => {
            rest.find(['/', '?']).map_or("/", |at| &rest[at..])
        }
        _ => target,
    };
    target.split_once('?').unwrap_or((target, ""))
}

fn decode_path(path: &str) -> Result<Vec<String>, ApiError> {
    let Some(path) = path.strip_prefix('/') else {
        return Err(not_found(path));
    };
    path.split('/')
        .map(|segment| decode(segment, false).map_err(of_url))
        .collect()
}

fn of_url(what: &str) -> ApiError {
    ApiError::Malformed(format!("the URL {what}"))
}

fn parse_query(query: &str, route: &Route) -> Result<Vec<(String, String)>, ApiError> {
    let mut found: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name, true).map_err(of_url)?;
        if !route.query.iter().any(|p| p.name == name) {
            return Err(unknown_parameter(&name, route));
        }
        if found.iter().any(|(n, _)| *n == name) {
            return Err(ApiError::Malformed(format!(
                "the query parameter `{name}` stands twice"
            )));
        }
        match decode(value, true) {
            Ok(value) => found.push((name, value)),
            Err(what) => {
                let detail = format!("query parameter `{name}` {what}");
                return Err(ApiError::Malformed(detail));
            }
        }
    }
    Ok(found)
}

fn unknown_parameter(name: &str, route: &Route) -> ApiError {
    let known = || route.query.iter().map(|p| p.name);
    let hint = match near(name, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if route.query.is_empty() => "this path takes none".to_owned(),
        None => format!("known here: {}", known().collect::<Vec<_>>().join(", ")),
    };
    ApiError::Malformed(format!(
        "unknown query parameter `{}`; {hint}",
        shorten(name)
    ))
}

/// Undoes percent-encoding; in a query `+` is a space. Or says what the text does that it must not.
fn decode(text: &str, in_query: bool) -> Result<String, &'static str> {
    if !text.contains(['%', '+']) {
        return Ok(text.to_owned());
    }
    let wrong = || "holds a percent sign that encodes nothing";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit().ok_or_else(wrong)?, digit().ok_or_else(wrong)?);
                u8::try_from(high * 16 + low).map_err(|_| wrong())?
            }
            b'+' if in_query => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8")
}

/// At most 60 characters of what somebody sent, for a message.
fn shorten(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(60)
        .collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: Method, target: &str) -> Result<(&'static str, Vec<String>), ApiError> {
        match resolve(&method, target)? {
            Resolved::Route(route, segments, _) => Ok((route.name, segments)),
            Resolved::Answer(answer) => Ok(("", vec![answer.status.to_string()])),
        }
    }

    fn refusal(method: Method, target: &str) -> (u16, String) {
        let error = route(method, target).expect_err("a refusal");
        let problem = serde_json::to_value(error.problem()).expect("JSON");
        let detail = problem["detail"].as_str().unwrap_or_default().to_owned();
        (error.problem().status, detail)
    }

    #[test]
    fn every_route_is_found_by_its_own_path() {
        for known in routes() {
            let method = known.method.parse().expect("a method");
            let path = known
                .path
                .replace("{id}", "x%2Fy")
                .replace("{name}", "x%2Fy");
            let found = route(method, &path).expect("a route");
            assert_eq!(found.0, known.name);
            assert!(found.1.iter().all(|s| s == "x/y"));
        }
    }

    #[test]
    fn head_goes_where_get_goes_and_options_are_told() {
        assert_eq!(
            route(Method::Head, "/healthz").expect("a route").0,
            "healthz"
        );
        let Ok(Resolved::Answer(answer)) = resolve(&Method::Options, "/jobs/x") else {
            panic!("OPTIONS has an answer of its own");
        };
        let text =
            String::from_utf8_lossy(&answer.bytes("r", false, crate::api::answer::After::Stay))
                .into_owned();
        assert!(
            text.contains("Allow: GET, HEAD, DELETE, OPTIONS\r\n"),
            "{text}"
        );
    }

    #[test]
    fn other_methods_and_paths_are_refused_with_what_would_do() {
        assert_eq!(
            refusal(Method::Get, "/submit"),
            (405, "use one of: POST, OPTIONS".to_owned())
        );
        let named = |name: &str| name.parse::<Method>().expect("a method");
        for known in [Method::Trace, named("QUERY")] {
            assert_eq!(
                refusal(known, "/submit"),
                (405, "use one of: POST, OPTIONS".to_owned())
            );
        }
        assert_eq!(refusal(named("BREW"), "/submit").0, 501);
        let (status, detail) = refusal(Method::Post, "/submitt");
        assert_eq!(status, 404);
        assert!(detail.contains("did you mean /submit?"), "{detail}");
        assert_eq!(refusal(Method::Get, "/jobs/").0, 404);
        assert_eq!(refusal(Method::Get, "/healthz/").0, 404);
    }

    #[test]
    fn unknown_and_doubled_parameters_are_refused() {
        let (status, detail) = refusal(Method::Post, "/submit?wiat=1s");
        assert_eq!(status, 400);
        assert!(detail.contains("did you mean `wait`?"), "{detail}");
        assert_eq!(refusal(Method::Post, "/submit?wait=1&wait=2").0, 400);
        assert_eq!(refusal(Method::Post, "/submit?wait=%zz").0, 400);
        let (_, detail) = refusal(Method::Get, "/healthz?verbose=1");
        assert!(detail.contains("takes none"), "{detail}");
    }

    #[test]
    fn the_absolute_form_of_a_target_leads_to_the_same() {
        assert_eq!(
            route(Method::Get, "http://localhost:80/healthz?")
                .expect("a route")
                .0,
            "healthz"
        );
    }
}
