//! Windlass runs background jobs: give it work, it runs it on a pool of threads, retries what fails, and keeps every
//! result.
//!
//! It is a daemon that programs talk to over HTTP (the README tells of that), and this library, with which a program of
//! your own becomes such a daemon: with job types written in Rust, typed from submitting to result. This page leads from a
//! first program to its operation; [how it is built](#the-road-of-a-job) comes after.
//!
//! # A first program
//!
//! Its `Cargo.toml` names `windlass`, `serde` with `derive`, and `schemars` 1, which writes down for other programs what a
//! job is given; and `tempfile`, since this one keeps nothing.
//!
//! ```
//! use std::net::SocketAddr;
//! use std::time::Duration;
//!
//! use serde::{Deserialize, Serialize};
//! use windlass::config::Config;
//! use windlass::daemon::Daemon;
//! use windlass::handlers::{self, Context, Failure, Handler};
//!
//! /// What a job of the type `divide` is given.
//! #[derive(Serialize, Deserialize, schemars::JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Division {
//!     dividend: i64,
//!     divisor: i64,
//! }
//!
//! /// What it answers.
//! #[derive(Serialize, Deserialize, schemars::JsonSchema)]
//! struct Quotient {
//!     quotient: i64,
//! }
//!
//! struct Divide;
//!
//! impl Handler for Divide {
//!     const TYPE: &'static str = "divide";
//!     type Payload = Division;
//!     type Output = Quotient;
//!
//!     fn run(&self, division: Division, context: &Context) -> Result<Quotient, Failure> {
//!         context.log("dividing");
//!         let quotient = division.dividend.checked_div(division.divisor);
//!         // No other attempt would fare better. For what may pass, such as a network that is away, there is `retry`.
//!         let quotient = quotient.ok_or_else(|| Failure::permanent("there is no such quotient"))?;
//!         Ok(Quotient { quotient })
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let folder = tempfile::tempdir()?;
//!     let config = Config {
//!         api_addr: SocketAddr::from(([127, 0, 0, 1], 0)), // any free port
//!         ..Config::embedded(folder.path())
//!     };
//!     let mut registry = handlers::builtin(&config)?;
//!     registry.add(Divide);
//!     let daemon = Daemon::start(config, registry)?;
//!
//!     let division = Division { dividend: 42, divisor: 6 };
//!     let job = daemon.client().submit(Divide::job(&division))?;
//!     let ended = job.wait(Duration::from_secs(30))?;
//!     assert_eq!(ended.output()?.quotient, 7);
//!
//!     assert_eq!(daemon.stop(), 0); // no job was cut off
//!     Ok(())
//! }
//! ```
//!
//! # Handlers
//!
//! A [`Handler`](handlers::Handler) is a job type: its name, what a job is given, what it answers, and `run`. A payload
//! that does not fit the type is refused when it is submitted, with every wrong field named; what types cannot say, the
//! handler's [`check`](handlers::Handler::check) says. Handlers are values with fields of their own, such as a connection
//! pool, shared by all worker threads.
//!
//! **A job may run twice**: its process may die between the work and the note that it is done. So what `run` does should
//! bear repeating; [`Context::id`](handlers::Context::id) is the same for each attempt, and tells a repeat.
//!
//! [`handlers::builtin`] brings `email`, `image`, `data` and others; [`Registry::new`](handlers::Registry::new) brings none.
//!
//! # Failures
//!
//! `run` answers its output or a [`Failure`](handlers::Failure): [`retry`](handlers::Failure::retry), and the job comes
//! again after its backoff, up to MAXRETRIES times; [`retry_in`](handlers::Failure::retry_in), not before a delay of the
//! handler's choice; [`permanent`](handlers::Failure::permanent), and the job ends as `dead`. A panic is caught and is a
//! failed attempt. Nothing unknown counts as success.
//!
//! # Context
//!
//! The [`Context`](handlers::Context) knows the job's id, the attempt and the deadline, and takes what there is to say:
//! [`log`](handlers::Context::log) lines that stay with the attempt, and [`progress`](handlers::Context::progress) that is
//! shown while it runs. A thread cannot be killed: long work asks [`cancelled`](handlers::Context::cancelled) now and then,
//! gives whatever it waits for [`remaining`](handlers::Context::remaining) as its limit, and pauses by
//! [`wait`](handlers::Context::wait). A handler that overruns its deadline has failed, and its thread is given up.
//!
//! # Testing a handler
//!
//! `run` is a function of a payload and a context, and [`Context::for_tests`](handlers::Context::for_tests) makes one
//! without any daemon; it tells afterwards what was logged, and can play the cancelled job. What needs a queue starts a
//! daemon as above, in a temporary folder.
//!
//! # Settings
//!
//! A [`Config`](config::Config) is a plain struct. [`Config::embedded`](config::Config::embedded) keeps everything in one
//! SQLite file; with [`Backend::Redis`](config::Backend::Redis), several daemons share the work through Redis and
//! PostgreSQL. To let whoever runs your program write the settings, in its environment or a file, read them as `windlass`
//! does, and tell all that is wrong at once:
//!
//! ```no_run
//! use windlass::config::{Config, Sources};
//!
//! let config = match Config::load(&Sources::of_process(None)) {
//!     Ok(loaded) => loaded.config,
//!     Err(problems) => panic!("{problems}"),
//! };
//! ```
//!
//! # Submitting
//!
//! [`Daemon::client`](daemon::Daemon::client) submits and asks without HTTP: see [`client`]. Options of a job, such as its
//! queue, a delay, a unique key, are said on the [`NewJob`](job::NewJob). Other programs submit the same jobs to the HTTP
//! API, on `daemon.addr()`.
//!
//! # Running until a signal
//!
//! The shortest main is that of `windlass` itself, with every command, every signal and systemd, and your types beside its
//! own: [`cli::main_with`].
//!
//! A program that has a main already gives [`Daemon::wait`](daemon::Daemon::wait) a [`Stop`](threads::Stop), and a clone
//! of it to whatever ends the program, here the `ctrlc` crate:
//!
//! ```no_run
//! # use windlass::{config::Config, daemon::{Daemon, Incident}, handlers::Registry, threads::Stop};
//! # fn of_ctrlc(handler: impl FnMut() + 'static) {}
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (config, registry) = (Config::default(), Registry::new());
//! let daemon = Daemon::start(config, registry)?;
//! let stop = Stop::new();
//! let told = stop.clone();
//! of_ctrlc(move || told.stop());
//! let ended = daemon.wait(&stop);
//! daemon.stop(); // running jobs may finish for WORKERTIMEOUT; the rest goes back to the queue
//! ended?; // an incident: exit, and be started anew
//! # Ok(())
//! # }
//! ```
//!
//! [`Daemon::quiet`](daemon::Daemon::quiet) lets it take no more jobs for a while, [`Daemon::reload`](daemon::Daemon::reload)
//! changes what can change while it runs. Log lines go to the `log` crate; [`logging::start`] is Windlass' own logger.
//!
//! # What is stable
//!
//! [`handlers`], [`client`], [`daemon`], [`config`], [`job`], [`cli`]. The other modules are what these are built from; they
//! are public for those who look closer, and for the tests, and change without notice.
//!
//! # The road of a job
//!
//! ```text
//!  POST /submit ─▶ api ──enqueue──▶ queue ◀──fire── scheduler (cron)
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
//! | 1a | `near` | which known name is near to an unknown one |
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
//! | 3b | [`elsewhere`] | what other daemons say of themselves |
//! | 4 | [`worker`] | takes jobs, runs them, settles them |
//! | 4 | `recorder` | moves ended jobs to storage |
//! | 4 | [`scheduler`] | submits the jobs of schedules at their ticks |
//! | 5 | [`api`] | HTTP |
//! | 5a | [`client`] | jobs in and results out, for the program that has the daemon in itself |
//! | 6 | [`daemon`] | opens engines, starts in order, stops in reverse |
//! | 7 | [`cli`] | the commands |
//! | 8 | `main.rs` | hands over to `cli` |
//!
//! Driver crates stay fenced: `redis` in `queue/redis`, `postgres` in `storage/postgres`, `rusqlite` in the SQLite
//! engines and `handlers/data`, `tiny_http` in `api`, `lettre` and `image` in their handlers, `cap_std` in
//! `handlers/files`.
//!
//! Two libraries are generic through and through, so that they are compiled where they are called, which took longer than
//! all of this. They are called in crates of their own, which changes here do not touch: `src/crates/pictures` (codecs and the
//! resizer) and `src/crates/schemas` (the JSON Schema validator).
//!
//! # Invariants
//!
//! The guarantees Q1 to Q15 stand in [`queue`], S1 to S7 in [`storage`]; each is tested by its number on every engine.

pub mod api;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod elsewhere;
pub mod handlers;
pub mod health;
pub mod job;
pub mod logging;
mod near;
pub mod queue;
mod recorder;
pub mod schedule;
pub mod scheduler;
pub mod sqlite;
pub mod storage;
pub mod terms;
pub mod threads;
pub mod worker;
