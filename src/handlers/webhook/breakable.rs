//! Connections that are let go of when the job that waits on them is cancelled.
//!
//! The client knows deadlines but no cancels, and its connections go from job to job. So the job of the present thread is
//! kept where its connection finds it, and who waits for bytes looks up now and then.

use std::cell::RefCell;
use std::io;
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, Transport, time,
};

use crate::handlers::Context;

/// How often who waits looks whether the job is still wanted.
const LOOK: Duration = Duration::from_millis(100);

thread_local! {
    static JOB: RefCell<Option<Context>> = const { RefCell::new(None) };
}

/// Does `work`, in which every connection that waits is let go of as soon as the job of `context` is cancelled.
pub(super) fn while_wanted<T>(context: &Context, work: impl FnOnce() -> T) -> T {
    /// Forgets the job also if the work panics.
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            JOB.set(None);
        }
    }
    JOB.set(Some(context.clone()));
    let _forget = Forget;
    work()
}

fn is_cancelled() -> bool {
    JOB.with_borrow(|job| job.as_ref().is_some_and(Context::cancelled))
}

/// Makes the connections of the connector before it breakable.
#[derive(Debug)]
pub(super) struct Breakables;

impl<In: Transport> Connector<In> for Breakables {
    type Out = Breakable<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(Breakable))
    }
}

/// A connection that is let go of.
#[derive(Debug)]
pub(super) struct Breakable<In>(In);

impl<In: Transport> Transport for Breakable<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        // Not by pieces of time: what was sent before one ends cannot be told. A server that does not even read is rare.
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let began = Instant::now();
        loop {
            let left = timeout.after.saturating_sub(began.elapsed());
            let look = NextTimeout {
                after: time::Duration::Exact(left.min(LOOK)),
                ..timeout
            };
            match self.0.await_input(look) {
                Err(Error::Timeout(_)) if is_cancelled() => {
                    return Err(Error::Io(io::ErrorKind::ConnectionAborted.into()));
                }
                Err(Error::Timeout(_)) if left > LOOK => {}
                other => return other,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}
