//! The route table: the one source of what can be asked, with what, and what is answered. Routing, the OpenAPI document
//! and the README come from it.
//!
//! A route is one literal in the table of its theme ([`submit`], [`jobs`], [`queues`], [`schedules`], [`watch`]); what it does
//! not say is as in [`Route::PLAIN`]. What it takes and answers is told by [`parameters`] and [`parts`]; a request line is led to it by
//! [`resolve()`].

mod jobs;
mod parameters;
mod parts;
mod queues;
mod resolve;
mod schedules;
mod submit;
mod watch;

use schemars::{Schema, SchemaGenerator};
use tiny_http::Header;

use super::answer::Answer;
use super::exchange::Exchange;
use super::problem::ApiError;
use super::refusal::Refusal;
use super::server::Shared;
pub use parameters::{DURATION, NAME, Parameter};
pub use parts::{Body, Example, Reply, Says};
pub use resolve::{Resolved, resolve};

/// One method of one path.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The method. A `GET` answers `HEAD` as well.
    pub method: &'static str,
    /// The path; `{…}` stands for one segment of it.
    pub path: &'static str,
    /// Its name in other programs: the `operationId`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What stands for each `{…}` of the path, in order.
    pub segments: &'static [Parameter],
    /// The query parameters that it knows.
    pub query: &'static [Parameter],
    /// The request headers that it reads, beyond those of every route.
    pub headers: &'static [Parameter],
    /// The forms of its body, by content type; none: it takes no body.
    pub body: &'static [Body],
    /// What it answers when all is well.
    pub replies: &'static [Reply],
    /// What it refuses, beyond what every route refuses ([`Refusal::ANYWHERE`]).
    pub refusals: &'static [Refusal],
    /// What answers it.
    pub handler: Handler,
}

/// What the handler of a route decides.
pub enum Then {
    /// This is the answer.
    Answer(Answer),
    /// The answer comes later; whoever is called with the exchange sees to it.
    Later(Box<dyn FnOnce(Exchange) + Send>),
}

/// Answers the requests of one route.
pub type Handler = fn(&Shared, &Incoming<'_>) -> Result<Then, ApiError>;

/// Tells the schema of a type to the document that is being written.
pub type Shape = fn(&mut SchemaGenerator) -> Schema;

/// A request as its handler sees it.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// The segments that stand for `{…}` in the path, in order.
    pub segments: Vec<String>,
    /// The query's parameters; known to the route, none of them twice.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: &'a [Header],
    /// The whole body.
    pub body: &'a [u8],
}

impl Incoming<'_> {
    /// The value of a query parameter, if it is there.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Routes that belong together.
#[derive(Debug)]
pub struct Theme {
    /// What they are about, in a word.
    pub name: &'static str,
    /// The same in a sentence.
    pub meaning: &'static str,
    /// The routes.
    pub routes: &'static [Route],
}

/// All routes by theme, in the order in which they are shown.
pub const THEMES: &[Theme] = &[
    Theme {
        name: "submit",
        meaning: "How jobs come in.",
        routes: submit::ROUTES,
    },
    Theme {
        name: "jobs",
        meaning: "How jobs stand, and what can be done to them.",
        routes: jobs::ROUTES,
    },
    Theme {
        name: "queues",
        meaning: "How queues stand, and what can be done to them.",
        routes: queues::ROUTES,
    },
    Theme {
        name: "schedules",
        meaning: "What is submitted at set times.",
        routes: schedules::ROUTES,
    },
    Theme {
        name: "watch",
        meaning: "What a daemon is, and how it is.",
        routes: watch::ROUTES,
    },
];

/// All routes.
pub fn routes() -> impl Iterator<Item = &'static Route> + Clone {
    THEMES.iter().flat_map(|theme| theme.routes)
}

impl Route {
    /// What a route is that does not say otherwise.
    const PLAIN: Self = Self {
        method: "GET",
        path: "",
        name: "",
        summary: "",
        segments: &[],
        query: &[],
        headers: &[],
        body: &[],
        replies: &[],
        refusals: &[],
        handler: |_, _| Err(ApiError::NotImplemented("nothing answers here".to_owned())),
    };
}

/// The table of routes in Markdown, as the README has it.
#[must_use]
pub fn reference_table() -> String {
    let rows = routes().map(|route| {
        let query: Vec<_> = route
            .query
            .iter()
            .map(|p| format!("`?{}=`", p.name))
            .collect();
        format!(
            "| `{} {}` | {} | {} |\n",
            route.method,
            route.path,
            query.join(" "),
            route.summary
        )
    });
    format!(
        "| route | query | what it does |\n| --- | --- | --- |\n{}",
        rows.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_told_apart_and_told_whole() {
        let (mut names, mut lines) = (BTreeSet::new(), BTreeSet::new());
        for route in routes() {
            assert!(
                names.insert(route.name),
                "two routes are named {}",
                route.name
            );
            assert!(
                lines.insert((route.method, route.path)),
                "{} {} stands twice",
                route.method,
                route.path
            );
            assert!(
                route.path.starts_with('/') && route.summary.ends_with('.'),
                "{route:?}"
            );
            assert!(!route.replies.is_empty(), "{} answers nothing", route.name);
            let in_path: Vec<_> = route
                .path
                .split('/')
                .filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            let told: Vec<_> = route.segments.iter().map(|p| p.name).collect();
            assert_eq!(told, in_path, "the segments of {}", route.path);
        }
    }

    #[test]
    fn what_is_refused_everywhere_is_not_said_again() {
        for route in routes() {
            for refusal in route.refusals {
                let again = Refusal::ANYWHERE.iter().any(|r| r.name == refusal.name);
                assert!(!again, "{}: {}", route.name, refusal.name);
            }
        }
    }
}
