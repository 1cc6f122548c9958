//! What systemd is told; silent where there is no systemd.

use sd_notify::NotifyState;

/// The door to the service manager.
#[derive(Debug, Clone, Copy, Default)]
pub struct Notify;

impl Notify {
    /// The daemon serves.
    pub fn ready(self, status: &str) {
        tell(&[NotifyState::Ready, NotifyState::Status(status)]);
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
