//! Names of jobs, and of one lending of a job to a worker.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// The name of a job: a UUIDv7 (RFC 9562, section 5.7) minted on the engine's clock.
///
/// The twelve bits after the version hold the microseconds within the millisecond (the RFC's method 3), so that
/// [`JobId::created_at`] gives back the exact microsecond, and ids sort by creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

impl JobId {
    /// The id of a job created at `now`, made unique by `random`.
    ///
    /// 16 of the random bits are kept zero: they are the room into which [`JobId::nth`] counts.
    #[must_use]
    pub fn mint(now: Timestamp, random: u64) -> Self {
        let micros = u64::try_from(now.as_micros()).unwrap_or(0);
        let (millis, rest) = (micros / 1000, micros % 1000);
        let high = (millis << 16) | 0x7000 | rest;
        let low = (0b10 << 62) | (random & (u64::MAX >> 2) & !Self::ROOM);
        Self(Uuid::from_u64_pair(high, low))
    }

    /// The id of the job at `index` (below 65,536) of a batch whose first id is `self`: same instant, sorted in batch
    /// order.
    #[must_use]
    pub fn nth(self, index: usize) -> Self {
        let (high, low) = self.0.as_u64_pair();
        // One hexadecimal digit of the index to every second digit of the id. Lua as its authors ship it hashes every second
        // character of a text of this length, counted from the end, so that counting in the others makes chains of equal
        // hashes; Redis' own copy (7.0.15) hashes all of them.
        let digit = |k: usize| ((index >> (4 * k)) as u64 & 0xf) << (8 * k);
        Self(Uuid::from_u64_pair(
            high,
            low | digit(0) | digit(1) | digit(2) | digit(3),
        ))
    }

    /// The bits into which a batch counts.
    const ROOM: u64 = 0x0f0f_0f0f;

    /// When the job was created, on the engine's clock.
    #[must_use]
    pub fn created_at(self) -> Timestamp {
        let (high, _) = self.0.as_u64_pair();
        let micros = (high >> 16) * 1000 + (high & 0x0fff);
        Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// The id as a bare UUID, as storage keeps it.
    #[must_use]
    pub fn as_uuid(self) -> Uuid {
        self.0
    }

    /// The job id with the bits of `uuid`; storage gives back what it was given.
    #[must_use]
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl JsonSchema for JobId {
    fn schema_name() -> Cow<'static, str> {
        "JobId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The id of a job: a UUID of version 7 in lower case; ids sort by creation.",
            "type": "string",
            "format": "uuid",
            "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$",
        })
    }
}

/// The text is not a job id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a job id: a UUID of version 7 in lower case is expected")]
pub struct NotAJobId(pub String);

impl FromStr for JobId {
    type Err = NotAJobId;

    fn from_str(text: &str) -> Result<Self, NotAJobId> {
        match Uuid::try_parse(text) {
            // Only the one canonical form: an id is also a key in Redis, where `A` and `a` differ.
            Ok(uuid) if uuid.get_version_num() == 7 && uuid.to_string() == text => Ok(Self(uuid)),
            _ => Err(NotAJobId(text.to_owned())),
        }
    }
}

/// One lending of a job: no two lendings of a job share a number, so a late worker cannot touch its successor's.
///
/// Written `id:n`. The number rises each time the job goes back to any line, whether or not that counts as a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The job.
    pub id: JobId,
    /// Which lending of it, from 1.
    pub n: u64,
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.id, self.n)
    }
}

/// The text is not a ticket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a ticket: `<job id>:<number>` is expected")]
pub struct NotATicket(pub String);

impl FromStr for Ticket {
    type Err = NotATicket;

    fn from_str(text: &str) -> Result<Self, NotATicket> {
        let parse = || {
            let (id, n) = text.split_once(':')?;
            Some(Self {
                id: id.parse().ok()?,
                n: n.parse().ok()?,
            })
        };
        parse().ok_or_else(|| NotATicket(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_tells_its_microsecond_and_survives_its_text(micros in 0i64..(1i64 << 48) * 1000, random: u64) {
            let id = JobId::mint(Timestamp::from_micros(micros), random);
            prop_assert_eq!(id.created_at().as_micros(), micros);
            prop_assert_eq!(id.to_string().parse::<JobId>(), Ok(id));
            prop_assert_eq!(id.as_uuid().get_version_num(), 7);
        }

        #[test]
        fn ids_sort_by_creation_then_by_place_in_the_batch(a in 0i64..1 << 50, step in 1i64..1 << 40, r: u64, s: u64, i in 0usize..65_535) {
            let first = JobId::mint(Timestamp::from_micros(a), r);
            prop_assert_eq!(first.nth(0), first);
            prop_assert!(first.nth(i) < first.nth(i + 1));
            prop_assert!(first.nth(i) < JobId::mint(Timestamp::from_micros(a + step), s));
            prop_assert_eq!(first.nth(i).created_at(), first.created_at());
        }

        #[test]
        fn a_ticket_survives_its_text(random: u64, n: u64) {
            let ticket = Ticket { id: JobId::mint(Timestamp::from_micros(1), random), n };
            prop_assert_eq!(ticket.to_string().parse::<Ticket>(), Ok(ticket));
        }
    }

    #[test]
    fn only_the_canonical_form_of_version_seven_is_an_id() {
        let id = JobId::mint(Timestamp::from_micros(1_700_000_000_000_000), 0xabcdef).to_string();
        for wrong in [
            id.to_uppercase(),
            id.replace('-', ""),
            format!("{{{id}}}"),
            id.replacen("-7", "-4", 1),
            String::new(),
        ] {
            assert!(wrong.parse::<JobId>().is_err(), "{wrong} was accepted");
        }
    }
}
