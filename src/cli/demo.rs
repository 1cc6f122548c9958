//! `windlass demo`: one real job of each kind, through a daemon of its own in a throw-away folder.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::Client;
use super::{Exit, complain, dev, print};
use crate::config::Config;
use crate::daemon::Daemon;
use crate::handlers;

/// How long a job of the demonstration may take; each takes far less.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the demonstration.
pub(super) fn run() -> Exit {
    let folder = match tempfile::Builder::new().prefix("windlass-demo-").tempdir() {
        Ok(folder) => folder,
        Err(err) => {
            complain(&format_args!("cannot make a temporary folder: {err}"));
            return Exit::Failed;
        }
    };
    match show(folder.path()) {
        Ok(()) => Exit::Fine,
        Err(problem) => {
            complain(&problem);
            Exit::Failed
        }
    }
}

fn show(folder: &Path) -> Result<(), String> {
    let config = Config {
        api_addr: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..dev::embedded(folder)
    };
    let registry = handlers::builtin(&config)?;
    let daemon = Daemon::start(config, registry).map_err(|err| err.to_string())?;
    say(&format!(
        "A daemon of its own serves on http://{}, with no server beside it.\n",
        daemon.addr()
    ));
    let shown = submit_all(daemon.addr()).and_then(|()| show_mail(&folder.join("mail")));
    let cut = daemon.stop();
    shown?;
    if cut > 0 {
        return Err(format!(
            "{cut} jobs were not finished when the daemon stopped"
        ));
    }
    say(
        "\nStopped, and nothing was left over. Next: `windlass dev` keeps a daemon up for your own jobs.",
    );
    Ok(())
}

fn submit_all(addr: SocketAddr) -> Result<(), String> {
    let jobs = [
        json!({"type": "email", "payload": {
            "to": "user@example.com", "subject": "Hello", "body": "This is a sample email."}}),
        json!({"type": "noop", "payload": {}}),
    ];
    let client = Client::new(addr, PATIENCE + Duration::from_secs(5));
    jobs.iter().try_for_each(|job| submit(&client, job))
}

/// Submits one job and follows it to its end.
fn submit(client: &Client, job: &Value) -> Result<(), String> {
    say(&format!("\nPOST /submit {job}"));
    let accepted = client.post("/submit", job)?;
    say(&format!("  {} {}", accepted.status, accepted.body));
    let id = accepted.body["id"]
        .as_str()
        .ok_or("the daemon did not accept the job")?;
    let ended = client
        .get(&format!("/jobs/{id}?wait={}s", PATIENCE.as_secs()))?
        .body;
    say(&format!(
        "GET /jobs/{id}\n  {} on attempt {}: {}",
        ended["state"], ended["attempt"], ended["result"]
    ));
    if ended["state"] == "succeeded" {
        Ok(())
    } else {
        Err(format!("the job did not succeed: {ended}"))
    }
}

fn show_mail(folder: &Path) -> Result<(), String> {
    let unreadable = |err| format!("cannot read the caught mail in {}: {err}", folder.display());
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let text = fs::read_to_string(&path).map_err(unreadable)?;
        say(&format!("\nThe mail, caught as {}:", path.display()));
        text.lines().for_each(|line| say(&format!("  {line}")));
    }
    Ok(())
}

fn say(line: &str) {
    // Whoever closed standard output does not want to be told; the exit code tells all the same.
    print(&format!("{line}\n"));
}
