//! When schedules fire: the next instants, of a stored one or of an expression.

use schemars::JsonSchema;
use serde::Serialize;

use super::{name_of, refusal, with_book};
use crate::api::answer::Answer;
use crate::api::checks::{Checks, instant, whole};
use crate::api::problem::ApiError;
use crate::api::routes::{Incoming, Then};
use crate::api::server::Shared;
use crate::api::view::Instant;
use crate::job::Timestamp;
use crate::schedule::cron::{Cron, Rule, TimeZone};

/// How many fires are told when nobody says how many.
const COUNT: usize = 10;

/// The most fires that are told at once.
pub const COUNT_MAX: usize = 1_000;

/// The instants at which something fires.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Fires {
    /// In order; fewer than were asked for when there are no more.
    fires: Vec<Instant>,
}

impl Fires {
    /// The fires of `rule`, counted from `created_at`.
    fn of(rule: &Rule, created_at: Timestamp, (count, from): (usize, Timestamp)) -> Then {
        let fires = rule.fires(from, created_at).take(count);
        let fires = fires.map(|fire| Instant(fire.at)).collect();
        Then::Answer(Answer::json(200, &Self { fires }))
    }
}

/// Answers `GET /schedules/{name}/preview`.
///
/// # Errors
///
/// 400, 404, 503.
pub fn of_schedule(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let mut checks = Checks::of(incoming);
    let span = span(&mut checks, shared);
    checks.finish().map_err(ApiError::Malformed)?;
    let name = name_of(incoming);
    let shown =
        with_book(shared, |book| book.get(name)).map_err(|err| refusal(shared, name, err))?;
    let rule = &shown.kept.definition.rule;
    Ok(Fires::of(rule, shown.entry.created_at, span))
}

/// Answers `GET /cron/preview`. `@every` counts from `from`.
///
/// # Errors
///
/// 400.
pub fn of_expression(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let mut checks = Checks::of(incoming);
    let cron = checks.needed("cron", "*/5%20*%20*%20*%20*", |text| {
        Cron::parse(text).map_err(|err| format!("is wrong: {err}"))
    });
    let zone = checks.value("time_zone", |text| {
        TimeZone::parse(text).map_err(|err| format!("is wrong: {err}"))
    });
    let span = span(&mut checks, shared);
    checks.finish().map_err(ApiError::Malformed)?;
    let fires = cron.map(|cron| {
        let zone = zone.unwrap_or_default();
        Fires::of(&Rule { cron, zone }, span.1, span)
    });
    // Had there been no expression, it would have been refused.
    fires.ok_or_else(|| ApiError::Internal("no expression".to_owned()))
}

/// How many fires are asked for, and after which instant.
fn span(checks: &mut Checks<'_>, shared: &Shared) -> (usize, Timestamp) {
    let count = checks.value("count", |text| {
        whole(text, COUNT_MAX).ok_or_else(|| format!("is no whole number from 1 to {COUNT_MAX}"))
    });
    let from = checks.value("from", instant);
    (
        count.unwrap_or(COUNT),
        from.unwrap_or_else(|| shared.services.queue.now()),
    )
}
