//! The threads that serve: they take requests from tiny_http, have their bodies read, and lead them to their route.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use tiny_http::{Request, Server};

use super::Services;
use super::body::Limits;
use super::doorway::Doorway;
use super::exchange::Exchange;
use super::openapi::Page;
use super::origin;
use super::problem::ApiError;
use super::routes::{self, Incoming, Resolved, Then};
use super::submitter::{Desk, Told};
use super::waiters::Waiters;
use crate::elsewhere::Elsewhere;

/// How long the body of one request may take to come.
const BODY_TIME: Duration = Duration::from_secs(30);

/// What all threads of the API share.
pub struct Shared {
    /// What the API stands on.
    pub services: Arc<Services>,
    /// What all requests share while they are under way.
    pub doorway: Arc<Doorway>,
    /// Where submissions go in.
    pub submitter: Desk,
    /// Where requests wait for the end of a job.
    pub waiters: Waiters,
    /// What other daemons say of themselves.
    pub elsewhere: Elsewhere,
    /// The OpenAPI document, once somebody has asked for it.
    pub openapi: Mutex<Option<Page>>,
    /// How many requests came so far.
    pub arrived: AtomicU64,
    stopping: AtomicBool,
}

impl Shared {
    /// What all threads of an API share.
    #[must_use]
    pub fn new(
        services: Arc<Services>,
        doorway: Arc<Doorway>,
        submitter: Desk,
        waiters: Waiters,
    ) -> Self {
        Self {
            elsewhere: Elsewhere::new(Arc::clone(&services.queue), &services.node),
            services,
            doorway,
            submitter,
            waiters,
            openapi: Mutex::default(),
            arrived: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
        }
    }

    /// Whether the daemon is stopping.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Notes that the daemon is stopping: what comes from now on is refused.
    pub fn set_stopping(&self) {
        self.stopping.store(true, Ordering::Release);
    }
}

/// Takes requests until `unblock`; each call of that ends one such thread, after all requests that came before it.
///
/// One thread takes at a time: the requests of one connection must enter the doorway in the order in which they came. Were
/// the second to enter first, it would wait for the first to be answered, which would stand in line behind it.
///
/// # Errors
///
/// The listener's error, after which tiny_http accepts nobody any more.
pub fn take_requests(shared: &Arc<Shared>, server: &Mutex<Arc<Server>>) -> Result<(), String> {
    loop {
        let taken = {
            let server = server.lock().unwrap_or_else(PoisonError::into_inner);
            server.recv().map(|request| enter(shared, request))
        };
        match taken {
            Ok(Some(exchange)) => dispatch(shared, exchange),
            Ok(None) => {}
            Err(_) if shared.is_stopping() => return Ok(()),
            Err(err) => return Err(format!("the API's listener failed: {err}")),
        }
    }
}

/// Serves requests whose predecessor on the same connection has been answered, until `quit` and none is left.
pub fn take_followers(shared: &Arc<Shared>, followers: &Receiver<Exchange>, quit: &Receiver<()>) {
    loop {
        crossbeam_channel::select! {
            recv(followers) -> exchange => match exchange {
                Ok(exchange) => dispatch(shared, exchange),
                Err(_) => return,
            },
            recv(quit) -> _ => {
                while let Ok(exchange) = followers.try_recv() {
                    dispatch(shared, exchange);
                }
                return;
            }
        }
    }
}

/// Tells submissions how they ended, which answers their requests; until the submitter has ended.
pub fn answer_submissions(told: &Receiver<Vec<Told>>) {
    for batch in told {
        for (reply, outcome) in batch {
            guarded(|| reply(outcome));
        }
    }
}

/// Lets a request in; `None` while another of its connection is under way.
fn enter(shared: &Shared, request: Request) -> Option<Exchange> {
    shared.arrived.fetch_add(1, Ordering::Relaxed);
    let exchange = Exchange::new(request, Arc::clone(&shared.doorway));
    shared.doorway.enter(exchange)
}

/// Serves a request here, or on an extra thread when its body may keep us waiting.
fn dispatch(shared: &Arc<Shared>, exchange: Exchange) {
    if !exchange.is_slow() {
        return serve(shared, exchange);
    }
    if !shared.doorway.has_room() {
        let busy = ApiError::Busy("too many large bodies at once; try again".to_owned());
        return exchange.refuse(&busy);
    }
    let aside = Arc::clone(shared);
    shared.doorway.aside(move || serve(&aside, exchange));
}

fn serve(shared: &Arc<Shared>, exchange: Exchange) {
    // A panic drops the exchange, which answers 500; the thread lives on.
    guarded(|| lead(shared, exchange));
}

fn guarded(run: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(run)).is_err() {
        log::error!("a request made the API panic; it was answered with 500");
    }
}

/// Reads the body, finds the route, and has it answered.
fn lead(shared: &Arc<Shared>, mut exchange: Exchange) {
    let limits = Limits {
        body_max: shared.services.terms.present().config.body_max,
        time: BODY_TIME,
    };
    let then = exchange
        .read_body(limits)
        .and_then(|body| decide(shared, &exchange, &body));
    match then {
        Ok(Then::Answer(answer)) => exchange.answer(answer),
        Ok(Then::Later(later)) => later(exchange),
        Err(error) => exchange.refuse(&error),
    }
}

fn decide(shared: &Shared, exchange: &Exchange, body: &[u8]) -> Result<Then, ApiError> {
    let request = exchange.request();
    origin::check(request.http_version(), request.headers())?;
    let (route, segments, query) = match routes::resolve(request.method(), request.url())? {
        Resolved::Route(route, segments, query) => (route, segments, query),
        Resolved::Answer(answer) => return Ok(Then::Answer(answer)),
    };
    if route.body.is_empty() && !is_nothing(body) {
        let detail = format!(
            "{} {} takes no body; leave it out",
            route.method, route.path
        );
        return Err(ApiError::Malformed(detail));
    }
    let incoming = Incoming {
        segments,
        query,
        headers: request.headers(),
        body,
    };
    (route.handler)(shared, &incoming)
}

/// Whether a body says nothing: it is empty, or the empty object that some clients send with every POST.
fn is_nothing(body: &[u8]) -> bool {
    let text = body.trim_ascii();
    text.is_empty() || text == b"{}"
}

/// A token that every thread of the API holds while it lives: when the last is dropped, all have ended.
pub type Alive = Sender<()>;
