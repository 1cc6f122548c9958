//! The headers of Standard Webhooks 1.0.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::SigningKey;
use crate::job::{JobId, Timestamp};

/// Who is calling and when, and with a key the proof: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64.
pub(super) fn headers(
    key: Option<&SigningKey>,
    id: JobId,
    now: Timestamp,
    body: &str,
) -> Vec<(String, String)> {
    let (id, timestamp) = (id.to_string(), (now.as_micros() / 1_000_000).to_string());
    let signature = key.and_then(|key| signature(key.bytes(), &id, &timestamp, body));
    let mut headers = vec![
        ("webhook-id".to_owned(), id),
        ("webhook-timestamp".to_owned(), timestamp),
    ];
    headers.extend(signature.map(|signature| ("webhook-signature".to_owned(), signature)));
    headers
}

fn signature(key: &[u8], id: &str, timestamp: &str, body: &str) -> Option<String> {
    // HMAC takes keys of any length, so there always is a signature.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in [id, ".", timestamp, ".", body] {
        mac.update(part.as_bytes());
    }
    Some(format!(
        "v1,{}",
        STANDARD.encode(mac.finalize().into_bytes())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn the_known_example_is_signed_as_known() {
        let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(
            key.bytes(),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            "{\"test\": 2432232314}",
        );
        assert_eq!(
            signed.as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }
}
