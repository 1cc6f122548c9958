//! What systemd is told; silent where there is no systemd.

use sd_notify::NotifyState;

/// The door to the service manager.
#[derive(Debug, Clone, Copy, Default)]
pub struct Notify;

impl Notify {
    /// The daemon serves; also the end of a reload, well or not.
    pub fn ready(self, status: &str) {
        tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// The daemon reads its configuration again, until it is [`Notify::ready`].
    pub fn reloading(self) {
        // Without the time, systemd (from 253 on) takes the reload for failed and ends the service.
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(err) => log::debug!("the service manager is not told of the reload: {err}"),
        }
    }

    /// The daemon is about to end.
    pub fn stopping(self, status: &str) {
        tell(&[NotifyState::Stopping, NotifyState::Status(status)]);
    }

    /// What `systemctl status` shows.
    pub fn status(self, status: &str) {
        tell(&[NotifyState::Status(status)]);
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(err) = sd_notify::notify(states) {
        log::debug!("the service manager could not be told: {err}");
    }
}
