//! An API that has stopped, in a process that lives on for a while: whoever comes is told, until nobody comes any more.

use std::net::TcpStream;
use std::time::Duration;

use super::{House, problem};
use crate::support::http::request;
use crate::support::wait::{PATIENCE, wait_until};

#[test]
fn who_comes_after_the_stop_is_refused_with_a_reason_until_nobody_comes() {
    let mut house = House::open();
    let addr = house.addr();
    let mut kept = house.connect();
    kept.ask("GET /healthz", &[], "").expect(200);
    house.stop(Duration::from_secs(5));

    // Each of them comes within a second of the one before, so nobody finds the door shut.
    for _ in 0..20 {
        let refused = request(addr, "GET", "/healthz", &[], None).expect("an answer");
        assert_eq!(problem(&refused.expect(503)), "stopping");
    }
    let headers = ["Content-Type: application/json", "Content-Length: 15"];
    let refused = kept.ask("POST /submit", &headers, r#"{"type":"noop"}"#);
    assert_eq!(problem(&refused.expect(503)), "stopping");
    assert_eq!(house.waiting(), 0, "what is refused is not enqueued");

    wait_until(
        "the listener is let go",
        PATIENCE,
        || match TcpStream::connect(addr) {
            Ok(_) => Err("it takes connections"),
            Err(_) => Ok(()),
        },
    );
}
