//! The usher sees to it that no connection stays seated with nobody to serve it.
//!
//! tiny_http counts its idle threads before it hands a new connection to one, but the count falls only once the thread has
//! woken: of a burst of connections, more are handed over than there are threads for them. Those that are left are served
//! when some other connection ends, which among clients that keep theirs open may be never (of 32 such clients, 4 to 11
//! were served). A connection that opens and closes at once brings a thread, which then serves one that was left. So the
//! usher makes such connections: often while requests come in, seldom otherwise.
//!
//! This goes when connections are ours from the first byte on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::threads::Stop;

/// How often while requests come in: a burst of 32 clients is seated within a third of a second.
const OFTEN: Duration = Duration::from_millis(10);

/// How often at least.
const SELDOM: Duration = Duration::from_millis(500);

/// How long a connection to ourselves may take; when the backlog is full there is nothing to be gained by waiting.
const CONNECT_TIME: Duration = Duration::from_millis(200);

/// Ushers until `stop`. `arrived` counts the requests so far.
pub fn usher(listener: SocketAddr, arrived: &AtomicU64, stop: &Stop) {
    let door = reachable(listener);
    let (mut pause, mut seen) = (SELDOM, 0);
    while !stop.wait(pause) {
        // A failure means that nobody is accepted at present, which the listener's own thread reports.
        TcpStream::connect_timeout(&door, CONNECT_TIME).ok();
        let now = arrived.load(Ordering::Relaxed);
        pause = if now == seen {
            (pause * 2).min(SELDOM)
        } else {
            OFTEN
        };
        seen = now;
    }
}

/// Where a listener can be reached from its own host; one on all addresses is reached on loopback.
fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(ip, listener.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_reached_on_loopback() {
        for (listener, door) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("127.0.0.2:80", "127.0.0.2:80"),
        ] {
            let listener = listener.parse().expect("an address");
            assert_eq!(reachable(listener).to_string(), door);
        }
    }
}
