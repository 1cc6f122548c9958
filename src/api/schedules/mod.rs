//! Schedules: `PUT`, `GET`, `DELETE` and `run`; [`preview`] tells when they fire, [`view`] shows them, [`schema`] tells
//! programs what one may be.

mod preview;
mod schema;
mod view;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::Answer;
use super::problem::ApiError;
use super::routes::{Incoming, Then};
use super::server::Shared;
use super::submit::{accepted, json_body, with_rules};
use crate::job::is_name;
use crate::near::near;
use crate::schedule::Definition;
use crate::scheduler::book::{Book, BookError};

pub use preview::{COUNT_MAX, Fires, of_expression, of_schedule};
pub use schema::NewSchedule;
pub use view::{ScheduleView, ScheduleViews};

/// Answers `GET /schedules`.
///
/// # Errors
///
/// 503.
pub fn list(shared: &Shared, _: &Incoming<'_>) -> Result<Then, ApiError> {
    let all = with_book(shared, |book| book.all()).map_err(|err| refusal(shared, "", err))?;
    let now = shared.services.queue.now();
    let schedules = all.iter().map(|one| ScheduleView::of(one, now)).collect();
    Ok(Then::Answer(Answer::json(
        200,
        &ScheduleViews { schedules },
    )))
}

/// Answers `GET /schedules/{name}`.
///
/// # Errors
///
/// 404, 503.
pub fn get(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    shown(shared, name_of(incoming), 200).map(Then::Answer)
}

/// Answers `PUT /schedules/{name}`: 201 when it is new, 200 when it is changed.
///
/// # Errors
///
/// 400, 404 for a change of `enabled` alone of what is not there, 409 for one that belongs to a file, 415, 422, 429, 503.
pub fn put(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let name = name_of(incoming);
    if !is_name(name) {
        return Err(ApiError::Malformed(format!(
            "`{}` cannot name a schedule: 1 to 64 of a-z A-Z 0-9 _ . -, beginning with a letter or digit",
            name.chars().take(64).collect::<String>()
        )));
    }
    let body = json_body(incoming)?;
    if let Some(enabled) = enabled_alone(body) {
        with_book(shared, |book| book.enable(name, enabled))
            .map_err(|err| refusal(shared, name, err))?;
        return shown(shared, name, 200).map(Then::Answer);
    }
    let definition = definition(shared, body)?;
    let is_new = with_book(shared, |book| book.put(name, &definition))
        .map_err(|err| refusal(shared, name, err))?;
    if is_new {
        let answer = shown(shared, name, 201)?;
        return Ok(Then::Answer(
            answer.with("Location", &format!("/schedules/{name}")),
        ));
    }
    shown(shared, name, 200).map(Then::Answer)
}

/// Answers `DELETE /schedules/{name}`.
///
/// # Errors
///
/// 404, 409 for one that belongs to a file, 503.
pub fn delete(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let name = name_of(incoming);
    with_book(shared, |book| book.remove(name)).map_err(|err| refusal(shared, name, err))?;
    Ok(Then::Answer(Answer::empty(204)))
}

/// Answers `POST /schedules/{name}/run`.
///
/// # Errors
///
/// 404, 409 while its last job lives and it must not overlap or its job is refused now, 503.
pub fn run(shared: &Shared, incoming: &Incoming<'_>) -> Result<Then, ApiError> {
    let name = name_of(incoming);
    let (job, what) =
        with_book(shared, |book| book.run(name)).map_err(|err| refusal(shared, name, err))?;
    let (_, receipts) = accepted(&shared.services, &[what], vec![job.queue.clone()]);
    let answer = match receipts.first() {
        Some(receipt) => Answer::json(202, receipt),
        None => Answer::empty(202),
    };
    Ok(Then::Answer(
        answer.with("Location", &format!("/jobs/{}", what.id())),
    ))
}

/// Looks into the calendar on the terms of now.
fn with_book<T>(shared: &Shared, run: impl FnOnce(&Book<'_>) -> T) -> T {
    let services = &shared.services;
    run(&Book {
        queue: &*services.queue,
        present: &services.terms.present(),
        elsewhere: &shared.elsewhere,
    })
}

/// The answer that shows a schedule.
fn shown(shared: &Shared, name: &str, status: u16) -> Result<Answer, ApiError> {
    let found =
        with_book(shared, |book| book.get(name)).map_err(|err| refusal(shared, name, err))?;
    let view = ScheduleView::of(&found, shared.services.queue.now());
    Ok(Answer::json(status, &view))
}

/// The schedule that the path names.
fn name_of<'a>(incoming: &'a Incoming<'_>) -> &'a str {
    incoming.segments.first().map_or("", String::as_str)
}

/// `enabled`, when it is all that the body says: then the rest stays as it is.
fn enabled_alone(body: &RawValue) -> Option<bool> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Switch {
        enabled: bool,
    }
    // An array would be read as well, its first item for the first member.
    let object = Some(body.get()).filter(|json| json.starts_with('{'));
    let switch = serde_json::from_str::<Switch>(object?);
    switch.ok().map(|switch| switch.enabled)
}

/// The schedule in a body, all that is wrong with it at once.
fn definition(shared: &Shared, body: &RawValue) -> Result<Definition, ApiError> {
    let mut wrongs = Vec::new();
    let read = with_rules(shared, |rules| Definition::read(body, rules, &mut wrongs))?;
    read.ok_or_else(|| ApiError::of_wrongs(wrongs))
}

/// What `GET`, `DELETE` and their like are answered with when it cannot be done.
fn refusal(shared: &Shared, name: &str, err: BookError) -> ApiError {
    match err {
        BookError::NotThere => not_there(shared, name),
        BookError::OfFile | BookError::StillLive(_) | BookError::JobRefused(_) => {
            ApiError::Conflict(format!("schedule {name}: {err}"))
        }
        BookError::TooMany => ApiError::TooMany(err.to_string()),
        BookError::Busy => ApiError::Busy(err.to_string()),
        BookError::Unreadable(_) => ApiError::Internal(format!("schedule {name}: {err}")),
        BookError::Queue(err) => err.into(),
        BookError::Unknown(id, err) => ApiError::OutcomeUnknown(vec![id], err.to_string()),
    }
}

/// 404, with the near name of one that is there.
fn not_there(shared: &Shared, name: &str) -> ApiError {
    let entries = shared.services.queue.entries().unwrap_or_default();
    let names = entries.iter().map(|entry| entry.name.as_str());
    let hint = near(name, names).map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    ApiError::NotFound(format!("there is no schedule `{shown}`{hint}"))
}
