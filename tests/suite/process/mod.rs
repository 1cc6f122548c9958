//! The built program with real servers, and everything that is done to programs and servers in real life.
//!
//! - `acts`: jobs run again and queues purged while daemons die.
//! - `config`: what `windlass config` prints, and what it refuses.
//! - `disk`: no room for the files of jobs.
//! - `door`: payloads that are wrong, for every type.
//! - `email`: mails on their way to a mail server.
//! - `image`: pictures all the way, bombs, small jobs beside large ones.
//! - `start`: what is refused, what is waited for.
//! - `stop`: TERM under load, and a second one.
//! - `crash`: daemons that are killed or frozen with jobs in hand.
//! - `outage`: Redis killed, PostgreSQL away, Redis full.
//! - `lists`: what is listed while jobs run and end.
//! - `many`: three daemons on one Redis; a million jobs.
//! - `own`: a program with job types of its own, down to its last thread.
//! - `quiet`: TSTP and CONT.
//! - `reload`: HUP, with a good file and a wrong one, at rest and under load.
//! - `schedules`: three daemons that are killed in turn, schedules of the file and of the API over restarts and reloads.
//! - `schemathesis`: a client that is made from the OpenAPI document alone, and tries what that allows and forbids.
//!
//! Each ends with a balance: accepted, recorded, lost (none), doubled (none). `ledger` keeps the books, `house` the
//! servers. LEASE is short in some of these so that they end soon; retries and crashes are counted as ever.

mod acts;
mod config;
mod crash;
mod demo;
mod disk;
mod door;
mod email;
mod house;
mod image;
mod ledger;
mod lists;
mod many;
mod outage;
mod own;
mod quiet;
mod reload;
mod schedules;
mod schemathesis;
mod stage;
mod start;
mod stop;
