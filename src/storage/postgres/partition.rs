//! One partition a UTC day of creation: made when a day is met, dropped when nothing in it is worth keeping.
//!
//! A partition is created alone and then attached: `CREATE … PARTITION OF` and a DEFAULT partition would both lock out
//! those who read and write `jobs`. It goes by `DETACH … CONCURRENTLY` and a `DROP` of what is then a table of its own: a
//! DROP that waits for readers of `jobs` would block every lookup that comes after it.
//!
//! A job that ends very late may be stored into a day while that day goes. So a detached day is looked at once more, when
//! nobody can write to it, and attached again if there is something in it to keep.

use chrono::{DateTime, NaiveDate, Utc};
use log::info;
use postgres::types::Type;
use postgres::{Client, Transaction};
use uuid::Uuid;

use super::instant;
use super::pool::Fault;
use crate::job::{JobId, Timestamp};

/// Held by whoever creates, attaches or drops a partition, for one transaction.
const PARTITIONS_LOCK: i64 = 0x7769_6e64_0002;

/// Held by the one host that forgets old days at present, as long as it is at it.
const RETENTION_LOCK: i64 = 0x7769_6e64_0003;

const DAY_MILLIS: u64 = 24 * 3600 * 1000;

/// The largest number of milliseconds that an id can hold.
const MILLIS_MAX: u64 = (1 << 48) - 1;

/// A UTC day, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Day(u32);

impl Day {
    /// The day in which the job was created, by its id.
    pub fn of(id: JobId) -> Self {
        let millis = id.as_uuid().as_u64_pair().0 >> 16;
        Self(u32::try_from(millis / DAY_MILLIS).unwrap_or(u32::MAX))
    }

    /// The name of its partition: `jobs_20261124`.
    fn table(self) -> String {
        let date = NaiveDate::from_epoch_days(i32::try_from(self.0).unwrap_or(i32::MAX));
        // An id's 48 bits end in the year 10889, which the calendar knows.
        date.map_or_else(String::new, |date| {
            date.format("jobs_%Y%m%d").to_string().replace('+', "")
        })
    }

    /// The day whose partition has this name.
    fn from_table(name: &str) -> Option<Self> {
        let digits = name.strip_prefix("jobs_")?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (year, rest) = digits.split_at_checked(digits.len().checked_sub(4)?)?;
        let date = NaiveDate::from_ymd_opt(
            year.parse().ok()?,
            rest[..2].parse().ok()?,
            rest[2..].parse().ok()?,
        )?;
        u32::try_from(date.to_epoch_days()).ok().map(Self)
    }

    /// `FROM … TO …` of its ids. Every id there can be lies in some day: the last one has no end.
    fn bounds(self) -> String {
        let lowest = |day: u64| Uuid::from_u64_pair((day * DAY_MILLIS) << 16, 0);
        let from = lowest(u64::from(self.0));
        let next = u64::from(self.0) + 1;
        if next * DAY_MILLIS > MILLIS_MAX {
            format!("FROM ('{from}') TO (MAXVALUE)")
        } else {
            format!("FROM ('{from}') TO ('{}')", lowest(next))
        }
    }

    /// Whether all of it lies before `instant`.
    fn is_before(self, instant: Timestamp) -> bool {
        let end = (i64::from(self.0) + 1) * DAY_MILLIS as i64 * 1000;
        end <= instant.as_micros()
    }
}

/// How a day's table stands to `jobs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Absent,
    /// A table of its own: created and not yet attached, or detached and not yet dropped.
    Alone,
    /// A DETACH was interrupted: nobody sees its rows, and nobody can store to it.
    Leaving,
    Attached,
}

/// Makes sure that records of `day` can be stored.
pub(super) fn make(client: &mut Client, day: Day) -> Result<(), Fault> {
    let mut work = client.transaction()?;
    lock(&mut work)?;
    make_locked(&mut work, day)?;
    work.commit()?;
    Ok(())
}

fn make_locked(work: &mut Transaction<'_>, day: Day) -> Result<(), Fault> {
    let (schema, table) = (schema(work)?, day.table());
    let standing = standing(work, &table)?;
    if standing == Standing::Attached {
        return Ok(());
    }
    if standing == Standing::Absent {
        work.batch_execute(&format!(
            "CREATE TABLE {schema}.{table} (LIKE {schema}.jobs INCLUDING DEFAULTS INCLUDING CONSTRAINTS \
             INCLUDING INDEXES INCLUDING STORAGE)"
        ))?;
    }
    if standing == Standing::Leaving {
        work.batch_execute(&format!(
            "ALTER TABLE {schema}.jobs DETACH PARTITION {schema}.{table} FINALIZE"
        ))?;
    }
    work.batch_execute(&format!(
        "ALTER TABLE {schema}.jobs ATTACH PARTITION {schema}.{table} FOR VALUES {}",
        day.bounds()
    ))?;
    Ok(())
}

/// Forgets the oldest day that lies wholly before `cutoff` and in which nothing ended since; tells whether one went.
pub(super) fn drop_one(client: &mut Client, cutoff: Timestamp) -> Result<bool, Fault> {
    let locked: bool = client
        .query_typed_one(
            "SELECT pg_try_advisory_lock($1)",
            &[(&RETENTION_LOCK, Type::INT8)],
        )?
        .get(0);
    if !locked {
        // Another host is at it, and will be through before we are missed.
        return Ok(false);
    }
    let gone = drop_first(client, cutoff);
    let unlocked = client.execute_typed(
        "SELECT pg_advisory_unlock($1)",
        &[(&RETENTION_LOCK, Type::INT8)],
    );
    let gone = gone?;
    unlocked?;
    Ok(gone)
}

fn drop_first(client: &mut Client, cutoff: Timestamp) -> Result<bool, Fault> {
    let mut work = client.transaction()?;
    let schema = schema(&mut work)?;
    let days = days(&mut work)?;
    work.commit()?;
    for (day, standing) in days.into_iter().filter(|(day, _)| day.is_before(cutoff)) {
        let table = day.table();
        if standing == Standing::Attached {
            let mut look = client.transaction()?;
            let keep = has_ended_since(&mut look, &schema, &table, cutoff)?;
            look.commit()?;
            if keep {
                continue;
            }
            // Outside of any transaction: it commits in the middle, and waits for the readers that still see the day.
            client.batch_execute(&format!(
                "ALTER TABLE {schema}.jobs DETACH PARTITION {schema}.{table} CONCURRENTLY"
            ))?;
        }
        if drop_detached(client, &schema, day, cutoff)? {
            info!(
                "PostgreSQL: forgot the jobs of {table}, all of which ended before the history kept"
            );
            return Ok(true);
        }
    }
    Ok(false)
}

fn drop_detached(
    client: &mut Client,
    schema: &str,
    day: Day,
    cutoff: Timestamp,
) -> Result<bool, Fault> {
    let table = day.table();
    let mut work = client.transaction()?;
    work.batch_execute("SET LOCAL lock_timeout = '1s'")?;
    lock(&mut work)?;
    match standing(&mut work, &table)? {
        Standing::Alone => {}
        Standing::Leaving => work.batch_execute(&format!(
            "ALTER TABLE {schema}.jobs DETACH PARTITION {schema}.{table} FINALIZE"
        ))?,
        // A late job was stored meanwhile, and its storing attached the day again.
        Standing::Attached | Standing::Absent => return Ok(false),
    }
    work.batch_execute(&format!(
        "LOCK TABLE {schema}.{table} IN ACCESS EXCLUSIVE MODE"
    ))?;
    let keep = has_ended_since(&mut work, schema, &table, cutoff)?;
    if keep {
        make_locked(&mut work, day)?;
    } else {
        work.batch_execute(&format!("DROP TABLE {schema}.{table}"))?;
    }
    work.commit()?;
    Ok(!keep)
}

fn has_ended_since(
    work: &mut Transaction<'_>,
    schema: &str,
    table: &str,
    cutoff: Timestamp,
) -> Result<bool, Fault> {
    let cutoff: DateTime<Utc> = instant::clamped(cutoff);
    let row = work.query_typed_one(
        &format!("SELECT EXISTS (SELECT FROM {schema}.{table} WHERE ended_at >= $1)"),
        &[(&cutoff, Type::TIMESTAMPTZ)],
    )?;
    Ok(row.get(0))
}

fn lock(work: &mut Transaction<'_>) -> Result<(), Fault> {
    work.execute_typed(
        "SELECT pg_advisory_xact_lock($1)",
        &[(&PARTITIONS_LOCK, Type::INT8)],
    )?;
    Ok(())
}

/// The schema in which `jobs` lies, quoted: a new table must not land in another one of the search path.
fn schema(work: &mut Transaction<'_>) -> Result<String, Fault> {
    let row = work.query_typed_one(
        "SELECT quote_ident(n.nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.oid = 'jobs'::regclass",
        &[],
    )?;
    Ok(row.get(0))
}

/// All tables beside `jobs` that are named like one of its days, oldest first.
fn days(work: &mut Transaction<'_>) -> Result<Vec<(Day, Standing)>, Fault> {
    let rows = work.query_typed(
        "SELECT c.relname::text, i.inhdetachpending FROM pg_class c \
         LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = 'jobs'::regclass \
         WHERE c.relkind = 'r' AND c.relname ~ '^jobs_[0-9]{8,9}$' \
         AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'jobs'::regclass)",
        &[],
    )?;
    let mut days: Vec<_> = rows
        .iter()
        .filter_map(|row| Some((Day::from_table(row.get(0))?, standing_of(row.get(1)))))
        .collect();
    days.sort_by_key(|(day, _)| *day);
    Ok(days)
}

fn standing(work: &mut Transaction<'_>, table: &str) -> Result<Standing, Fault> {
    let row = work.query_typed_opt(
        "SELECT i.inhdetachpending FROM pg_class c \
         LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = 'jobs'::regclass \
         WHERE c.relkind = 'r' AND c.relname = $1::text \
         AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'jobs'::regclass)",
        &[(&table, Type::TEXT)],
    )?;
    Ok(row.map_or(Standing::Absent, |row| standing_of(row.get(0))))
}

fn standing_of(detach_pending: Option<bool>) -> Standing {
    match detach_pending {
        None => Standing::Alone,
        Some(true) => Standing::Leaving,
        Some(false) => Standing::Attached,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_id_lies_within_the_bounds_of_its_day(high: u64, low: u64) {
            let id = Uuid::from_u64_pair(high, low);
            let day = Day::of(JobId::from_uuid(id));
            let bounds = day.bounds();
            let mut ends = bounds.split('\'').skip(1).step_by(2).map(|text| text.parse::<Uuid>().expect("a UUID"));
            prop_assert!(ends.next().expect("a lower bound") <= id);
            prop_assert!(ends.next().is_none_or(|upper| id < upper), "{}", bounds);
        }

        #[test]
        fn a_day_is_known_by_its_table(high: u64) {
            let day = Day::of(JobId::from_uuid(Uuid::from_u64_pair(high, 0)));
            prop_assert_eq!(Day::from_table(&day.table()), Some(day));
        }
    }

    #[test]
    fn the_first_and_the_last_day_are_named_and_bounded() {
        let first = Day::of(JobId::from_uuid(Uuid::nil()));
        assert_eq!(first.table(), "jobs_19700101");
        let last = Day::of(JobId::from_uuid(Uuid::max()));
        assert_eq!(last.table(), "jobs_108890802");
        assert!(last.bounds().ends_with("TO (MAXVALUE)"));
    }

    #[test]
    fn other_tables_are_no_days() {
        for name in ["jobs", "jobs_", "jobs_by_tag", "jobs_20261399", "jobs_1é11"] {
            assert_eq!(Day::from_table(name), None, "{name}");
        }
    }

    #[test]
    fn a_day_is_over_at_midnight() {
        let day = Day(1);
        let midnight = 2 * DAY_MILLIS as i64 * 1000;
        assert!(day.is_before(Timestamp::from_micros(midnight)));
        assert!(!day.is_before(Timestamp::from_micros(midnight - 1)));
    }
}
