//! What went wrong, and at which step, becomes what the job answers.

use std::fmt;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::response::{Response, Severity};

use super::connection::Trouble;
use crate::handlers::Failure;

/// The least delay after a refusal that is not for good: greylisting wants to see us again, but not at once.
const REFUSED_DELAY: Duration = Duration::from_secs(5 * 60);

/// The most delay after a refusal that is not for good.
const REFUSED_DELAY_MAX: Duration = Duration::from_secs(60 * 60);

/// What servers answer to whom they do not know (RFC 4954, 6): the daemon's settings are wrong, not the mail.
const LOGIN_NEEDED: [u16; 4] = [530, 534, 535, 538];

/// What was being done when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    Connect,
    Hello,
    Encrypt,
    Login,
    Sender(&'a Address),
    Recipient(&'a Address),
    Data,
    End,
}

impl Step<'_> {
    /// Whether it was about the mail; before that, it was about us, and another mail would have fared no better.
    fn concerns_the_mail(self) -> bool {
        matches!(
            self,
            Self::Sender(_) | Self::Recipient(_) | Self::Data | Self::End
        )
    }
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("the connection"),
            Self::Hello => f.write_str("the greeting"),
            Self::Encrypt => f.write_str("the encryption"),
            Self::Login => f.write_str("the user and password of SMTPURL"),
            Self::Sender(address) => write!(f, "the sender {address}"),
            Self::Recipient(address) => write!(f, "the recipient {address}"),
            Self::Data | Self::End => f.write_str("the text of the mail"),
        }
    }
}

/// A step and what went wrong with it.
pub(super) struct Stumble<'a>(pub(super) Step<'a>, pub(super) Trouble);

/// What goes wrong in `step`.
pub(super) fn at<'a>(step: Step<'a>) -> impl FnOnce(Trouble) -> Stumble<'a> {
    move |trouble| Stumble(step, trouble)
}

impl Stumble<'_> {
    /// What the job answers when its attempt of this number stumbled so; `server` is the host and port.
    pub(super) fn failure(self, server: &str, attempt: u32) -> Failure {
        let Self(step, trouble) = self;
        match trouble {
            Trouble::Cancelled => Failure::cancelled(),
            Trouble::Unfit(why) => Failure::permanent(format!("{server}: {why}")),
            Trouble::Refused(reply) => {
                let said = format!("{server} refused {step}: {}", shown(&reply));
                let for_good = reply.code().severity == Severity::PermanentNegativeCompletion;
                // A server that wants a login says so only when it is named a sender.
                let login = LOGIN_NEEDED.iter().any(|&code| reply.has_code(code));
                if for_good && step.concerns_the_mail() && !login {
                    Failure::permanent(said)
                } else {
                    Failure::retry_in(delay(attempt, fastrand::f64()), said)
                }
            }
            Trouble::Broken(err) => {
                let unknown = if step == Step::End {
                    "; it may have taken the mail all the same: the repeat bears the same Message-ID"
                } else {
                    ""
                };
                Failure::retry(format!("{server}, at {step}: {err}{unknown}"))
            }
        }
    }
}

/// How long to wait after the refusal of the attempt with this number: from 5 minutes, doubled each time, up to an hour,
/// and up to a fifth more, so that mails refused together do not come back together.
fn delay(attempt: u32, jitter: f64) -> Duration {
    let doubled = REFUSED_DELAY.saturating_mul(1 << attempt.saturating_sub(1).min(10));
    doubled.min(REFUSED_DELAY_MAX).mul_f64(1.0 + jitter / 5.0)
}

/// A reply in one line.
pub(super) fn shown(reply: &Response) -> String {
    let text: Vec<_> = reply.message().filter(|line| !line.is_empty()).collect();
    format!("{} {}", reply.code(), text.join(" "))
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_from_five_minutes_to_an_hour_and_spread() {
        let minutes = |attempt, jitter| delay(attempt, jitter).as_secs() / 60;
        let seen: Vec<_> = (1..=7).map(|attempt| minutes(attempt, 0.0)).collect();
        assert_eq!(seen, [5, 10, 20, 40, 60, 60, 60]);
        assert_eq!(minutes(1, 1.0), 6);
        assert_eq!(minutes(u32::MAX, 0.0), 60);
    }
}
