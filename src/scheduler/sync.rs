//! The schedules of the file become entries of the calendar.
//!
//! Daemons with the same file do not fight: who finds an entry as its file has it, leaves it alone. Whether it is enabled
//! is changed only when the file says something else than it said before, so what an operator paused stays paused.

use crate::config::{Listed as _, Schedule};
use crate::elsewhere::Elsewhere;
use crate::job::draft::Rules;
use crate::queue::{Change, ENTRIES_MAX, Engine, Entry, Put, QueueError};
use crate::schedule::{Kept, Source};
use crate::terms::Present;

use super::rounds::refusal;

/// Brings the calendar into line with the file of these terms, and tells of entries that no file names any more.
///
/// # Errors
///
/// The queue cannot be reached, or others change the same entry all the time: call again.
pub(super) fn sync(
    queue: &dyn Engine,
    present: &Present,
    elsewhere: &Elsewhere,
) -> Result<(), QueueError> {
    let entries = queue.entries()?;
    for schedule in &present.config.schedules {
        let known = entries.iter().find(|entry| entry.name == schedule.name);
        put(queue, schedule, known.cloned())?;
        warn_of_job(queue, schedule, present, elsewhere);
    }
    for entry in entries {
        let of_file = Kept::of_text(&entry.definition).is_ok_and(|k| k.source == Source::File);
        if of_file && !elsewhere.is_in_a_file(&entry.name, present)? {
            log::warn!(
                "schedule {}: no file names it any more; it is kept, and does not fire (DELETE /schedules/{0} removes it)",
                entry.name
            );
        }
    }
    Ok(())
}

fn put(
    queue: &dyn Engine,
    schedule: &Schedule,
    mut known: Option<Entry>,
) -> Result<(), QueueError> {
    let kept = Kept {
        source: Source::File,
        definition: schedule.definition.clone(),
    };
    let text = kept.to_text();
    loop {
        if known.as_ref().is_some_and(|entry| entry.definition == text) {
            return Ok(());
        }
        let change = change(schedule, known.as_ref(), &text);
        match queue.put(&schedule.name, &change)? {
            Put::Done => {
                let what = if known.is_some() { "changed" } else { "added" };
                log::info!(
                    "schedule {}: {what}, as {} says",
                    schedule.name,
                    schedule.place()
                );
                return Ok(());
            }
            Put::TooMany => {
                log::error!(
                    "schedule {}: not added, for there are {ENTRIES_MAX} schedules already",
                    schedule.name
                );
                return Ok(());
            }
            // Another daemon, or the API, was quicker.
            Put::Conflict => known = queue.entry(&schedule.name)?,
        }
    }
}

fn change<'a>(schedule: &Schedule, known: Option<&Entry>, text: &'a str) -> Change<'a> {
    let new = &schedule.definition;
    let old = known.map(|entry| (entry, Kept::of_text(&entry.definition)));
    let (enabled, afresh) = match &old {
        Some((entry, Ok(old))) => {
            if old.source == Source::Api {
                log::warn!(
                    "schedule {}: it was made by the API, and belongs to the file from now on",
                    schedule.name
                );
            }
            let says_the_same = old.source == Source::File && old.definition.enabled == new.enabled;
            let enabled = if says_the_same {
                entry.enabled
            } else {
                new.enabled
            };
            let fires_anew = !old.definition.fires_like(new) || (enabled && !entry.enabled);
            (enabled, fires_anew)
        }
        Some((_, Err(_))) | None => (new.enabled, true),
    };
    Change {
        revision: known.map(|entry| entry.revision),
        definition: text,
        enabled,
        afresh,
    }
}

/// Says so at once when the job of a schedule would be refused at its ticks, such as that nobody runs its type.
fn warn_of_job(queue: &dyn Engine, schedule: &Schedule, present: &Present, elsewhere: &Elsewhere) {
    let rules = Rules {
        payload_max: present.config.payload_max,
        max_retries: present.config.max_retries,
        types: &elsewhere.beside(present),
        now: queue.now(),
    };
    let mut wrongs = Vec::new();
    if let Ok(None) = schedule.definition.draft(&rules, &mut wrongs) {
        log::warn!(
            "schedule {}: while that is so, its ticks pass without a job: {}",
            schedule.name,
            refusal(&wrongs)
        );
    }
}
