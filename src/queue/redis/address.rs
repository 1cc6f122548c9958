//! Where Redis is: from the text of REDISADDR to what the driver connects to.

use std::time::Duration;

use ::redis::{ConnectionInfo, IntoConnectionInfo};

use crate::queue::QueueError;

/// Until when sent bytes must be acknowledged; a peer that vanished is noticed then.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

/// Reads `host:port`, or a `redis://`, `rediss://` or `unix://` URL with user, password and database if need be.
///
/// # Errors
///
/// [`QueueError::Unfit`] with what is wrong. The text itself is not repeated: it may hold a password.
pub(super) fn parse(addr: &str) -> Result<ConnectionInfo, QueueError> {
    let unfit = |reason: &str| QueueError::Unfit {
        reason: format!(
            "the address of Redis {reason}; host:port is expected, or a redis://, rediss:// or unix:// URL"
        ),
    };
    if addr.contains('#') {
        // The driver would take `#insecure` as leave to accept any certificate.
        return Err(unfit("has a part after `#`, which means nothing here"));
    }
    let url = match addr.split_once("://") {
        Some(("redis" | "rediss" | "unix" | "redis+unix", rest)) if !rest.is_empty() => {
            addr.to_owned()
        }
        Some(_) => return Err(unfit("has a scheme that is not known")),
        None => {
            let port = addr.rsplit_once(':').map(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0)
            });
            if port != Some(true) || addr.contains(['/', '@', '?']) {
                return Err(unfit("is not host:port"));
            }
            format!("redis://{addr}")
        }
    };
    let info = url
        .into_connection_info()
        .map_err(|err| unfit(&format!("cannot be read ({err})")))?;
    let tcp = info
        .tcp_settings()
        .clone()
        .set_nodelay(true)
        .set_user_timeout(UNACKNOWLEDGED_MAX);
    // Two round trips less for each new connection.
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    Ok(info.set_tcp_settings(tcp).set_redis_settings(settings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::redis::ConnectionAddr;

    #[test]
    fn each_way_to_write_an_address_is_understood() {
        let plain = parse("10.1.2.3:7000").expect("host:port");
        assert_eq!(
            *plain.addr(),
            ConnectionAddr::Tcp("10.1.2.3".to_owned(), 7000)
        );
        assert!(parse("[::1]:6379").is_ok());
        let full = parse("redis://ann:pa%24s@host:1/3").expect("a URL");
        assert_eq!(full.redis_settings().username(), Some("ann"));
        assert_eq!(full.redis_settings().password(), Some("pa$s"));
        assert_eq!(full.redis_settings().db(), 3);
        let unix = parse("unix:///run/redis.sock?db=2&pass=x").expect("a socket");
        assert_eq!(*unix.addr(), ConnectionAddr::Unix("/run/redis.sock".into()));
        assert_eq!(unix.redis_settings().db(), 2);
        let tls = parse("rediss://host:6380").expect("TLS");
        assert!(matches!(
            tls.addr(),
            ConnectionAddr::TcpTls {
                insecure: false,
                ..
            }
        ));
    }

    #[test]
    fn a_wrong_address_is_refused_without_repeating_it() {
        for wrong in [
            "",
            "host",
            "host:",
            ":6379",
            "host:0",
            "host:99999",
            "http://host:1",
            "redis://",
            "redis://host/x",
            "rediss://secret@host:1/#insecure",
            "secret@host:1",
        ] {
            let err = parse(wrong).expect_err(wrong).to_string();
            assert!(err.contains("host:port is expected"), "{wrong}: {err}");
            assert!(!err.contains("secret"), "{err}");
        }
    }
}
