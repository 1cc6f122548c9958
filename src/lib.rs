//! Windlass runs background jobs: give it work over HTTP, it runs it on a pool of threads, retries what fails, and keeps
//! every result.
//!
//! # The road of a job
//!
//! ```text
//!  POST /submit ─▶ api ──enqueue──▶ queue
//!                                   │   ▲
//!                           reserve │   │ settle   (the job ends or goes back, and enters the outbox: one atomic step)
//!                                   ▼   │
//!                       poller ─▶ channel ─▶ worker threads ─▶ handler (email, sleep, your own, ...)
//!                                   │
//!                            outbox ▼
//!                                recorder ──▶ storage ──▶ GET /jobs/{id}
//! ```
//!
//! A job is wholly in one place: in the [`queue`] while it lives (its earlier attempts too), in [`storage`] once it has
//! ended and been recorded. Delivery is at least once; the record is exactly once; ended is final.
//!
//! # The map of the house
//!
//! A module imports only from modules of a lower rank (the number, 2a below 2b); a test of the suite checks it.
//!
//! | rank | module | what it is for |
//! | --- | --- | --- |
//! | 1a | [`near`] | which known name is near to an unknown one |
//! | 1b | [`job`] | what a job is, and every decision about it; pure |
//! | 1c | [`schedule`] | what a schedule is, and when it fires; pure |
//! | 2a | [`clock`], [`threads`], [`health`] | time, threads and their end, what is missing at present |
//! | 2b | [`config`] | what the daemon is told |
//! | 2b | [`sqlite`] | the one file that queue and storage of the embedded mode share |
//! | 3 | [`queue`] | where jobs wait and are handed out: Redis, SQLite |
//! | 3 | [`storage`] | where ended jobs are kept: PostgreSQL, SQLite |
//! | 3 | [`handlers`] | what runs jobs, a type each |
//! | 3 | [`logging`] | what the log looks like |
//! | 3a | [`terms`] | which settings and handlers hold at present |
//! | 3b | [`types`] | which job types some daemon runs |
//! | 4 | [`worker`] | takes jobs, runs them, settles them |
//! | 4 | [`recorder`] | moves ended jobs to storage |
//! | 5 | [`api`] | HTTP |
//! | 6 | [`daemon`] | opens engines, starts in order, stops in reverse |
//! | 7 | [`cli`] | the commands |
//! | 8 | `main.rs` | hands over to `cli` |
//!
//! Driver crates stay fenced: `redis` in `queue/redis`, `postgres` in `storage/postgres`, `rusqlite` in the SQLite
//! engines and `handlers/data`, `tiny_http` in `api`, `lettre` and `image` in their handlers, `cap_std` in
//! `handlers/files`.
//!
//! Two libraries are generic through and through, so that they are compiled where they are called, which took longer than
//! all of this. They are called in crates of their own, which changes here do not touch: `crates/pictures` (codecs and the
//! resizer) and `crates/schemas` (the JSON Schema validator).
//!
//! # For embedding programs
//!
//! Stable are [`handlers`], [`daemon`], [`config`] and [`job`]. Where to begin: [`handlers::Handler`] for a job type of
//! your own, [`daemon::Daemon`] to run it.
//!
//! # Invariants
//!
//! The guarantees Q1 to Q15 stand in [`queue`], S1 to S7 in [`storage`]; each is tested by its number on every engine.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod handlers;
pub mod health;
pub mod job;
pub mod logging;
pub mod near;
pub mod queue;
pub mod recorder;
pub mod schedule;
pub mod sqlite;
pub mod storage;
pub mod terms;
pub mod threads;
pub mod types;
pub mod worker;
