//! `windlass demo`: one real job of each kind, through a daemon of its own in a throw-away folder.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::client::address::Address;
use super::client::{Asked, Client};
use super::{Exit, complain, dev, host, print};
use crate::config::{Action, Config, JobType, Place};
use crate::daemon::Daemon;
use crate::handlers;

/// How long a job of the demonstration may take; each takes far less.
const PATIENCE: Duration = Duration::from_secs(30);

/// The options of `windlass demo`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Keep the daemon up afterwards, until Ctrl-C.
    #[arg(long)]
    keep: bool,
}

/// Runs the demonstration.
pub(super) fn run(options: &Options) -> Exit {
    let folder = match tempfile::Builder::new().prefix("windlass-demo-").tempdir() {
        Ok(folder) => folder,
        Err(err) => {
            complain(&format_args!("cannot make a temporary folder: {err}"));
            return Exit::Failed;
        }
    };
    match show(folder.path(), options.keep) {
        Ok(exit) => exit,
        Err(problem) => {
            complain(&problem);
            Exit::Failed
        }
    }
}

fn show(folder: &Path, keep: bool) -> Result<Exit, String> {
    let files = folder.join("files");
    fs::create_dir(&files)
        .and_then(|()| fs::write(files.join("picture.bmp"), picture()))
        .and_then(|()| fs::write(files.join("orders.csv"), ORDERS))
        .map_err(|err| format!("cannot write the demonstration's files: {err}"))?;
    let config = Config {
        api_addr: SocketAddr::from(([127, 0, 0, 1], 0)),
        types: vec![counting()],
        ..dev::embedded(folder)
    };
    let registry = handlers::builtin(&config)?;
    if keep {
        let mut shown = Ok(());
        let exit = host::run(config, registry, None, |daemon| {
            shown = follow_all(daemon.addr(), folder, &files);
            say(&format!(
                "\nThe daemon stays on http://{}; Ctrl-C ends it.",
                daemon.addr()
            ));
        });
        return shown.map(|()| exit);
    }
    let daemon = Daemon::start(config, registry).map_err(|err| err.to_string())?;
    let shown = follow_all(daemon.addr(), folder, &files);
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
    Ok(Exit::Fine)
}

/// Submits one job of each kind, follows it to its end, and shows what came of it.
fn follow_all(addr: SocketAddr, folder: &Path, files: &Path) -> Result<(), String> {
    say(&format!(
        "A daemon of its own serves on http://{addr}, with no server beside it."
    ));
    let client = Client::new(Address::of(addr))?;
    for job in jobs() {
        follow(&client, &job)?;
    }
    for path in caught(&folder.join("mail"))?
        .iter()
        .chain([&files.join("totals.csv")])
    {
        let text = fs::read_to_string(path)
            .map_err(|err| format!("cannot read {}: {err}", path.display()))?;
        say(&format!("\n{}:", path.display()));
        text.lines().for_each(|line| say(&format!("  {line}")));
    }
    Ok(())
}

fn jobs() -> [Value; 4] {
    [
        json!({"type": "email", "payload": {
            "to": "user@example.com", "subject": "Hello", "body": "This is a sample email."}}),
        json!({"type": "image", "payload": {
            "source": {"path": "picture.bmp"},
            "outputs": [{"path": "small.jpg", "width": 160}, {"path": "square.webp", "width": 64, "height": 64, "fit": "cover"}]}}),
        json!({"type": "data", "payload": {
            "inputs": {"orders": {"path": "orders.csv"}},
            "steps": ["CREATE TABLE totals AS SELECT customer, sum(amount) AS total FROM orders GROUP BY customer"],
            "outputs": [
                {"select": "SELECT * FROM totals ORDER BY total DESC", "to": {"path": "totals.csv"}},
                {"select": "SELECT count(*) AS customers FROM totals", "to": {"result": "counts"}}]}}),
        json!({"type": "count-bytes", "payload": {"text": "to be or not to be"}}),
    ]
}

/// Submits one job and follows it to its end.
fn follow(client: &Client, job: &Value) -> Result<(), String> {
    say(&format!("\nPOST /submit {job}"));
    let answer = client.ask(&Asked::post(&["submit"]).body(&job.to_string()));
    let answer = answer.map_err(|trouble| trouble.to_string())?;
    say(&format!("  {} {}", answer.status, answer.text));
    let accepted: Value = answer.read().map_err(|trouble| trouble.to_string())?;
    let id = accepted["id"].as_str().unwrap_or_default();
    let answer = client.ask(&Asked::get(&["jobs", id]).waiting(PATIENCE));
    let ended = answer.and_then(|answer| answer.read::<Value>());
    let ended = ended.map_err(|trouble| trouble.to_string())?;
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

/// The mails that were caught as files.
fn caught(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |err| format!("cannot read the caught mail in {}: {err}", folder.display());
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(unreadable))
        .collect()
}

/// A type without Rust, as a `[[type]]` entry of the configuration describes one.
fn counting() -> JobType {
    let script = "wc -c | { read -r bytes; echo counted >&2; echo \"{\\\"bytes\\\": $bytes}\"; }";
    JobType {
        name: "count-bytes".to_owned(),
        place: Place::Default,
        action: Action::Command {
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            directory: PathBuf::from("/"),
        },
        payload_schema: None,
        timeout: None,
        queue: None,
    }
}

/// What the pipeline reads.
const ORDERS: &str =
    "order,customer,amount\n1,Ada,12.50\n2,Grace,99.00\n3,Ada,7.25\n4,Edsger,31.00\n5,Grace,1.00\n";

/// A picture of 320 by 200 points, as an uncompressed BMP (BITMAPINFOHEADER, 24 bits, rows from the bottom up).
fn picture() -> Vec<u8> {
    const WIDTH: u32 = 320;
    const HEIGHT: u32 = 200;
    const HEAD: u32 = 54;
    let pixels = WIDTH * HEIGHT * 3; // a row is a multiple of four bytes as it is
    let mut bmp = b"BM".to_vec();
    let head = [
        HEAD + pixels,
        0,
        HEAD,
        40,
        WIDTH,
        HEIGHT,
        1 | 24 << 16,
        0,
        pixels,
        2835,
        2835,
        0,
        0,
    ];
    bmp.extend(head.iter().flat_map(|word| word.to_le_bytes()));
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let shade = |value: u32, max: u32| u8::try_from(value * 255 / max).unwrap_or(u8::MAX);
            bmp.extend([shade(x, WIDTH), shade(y, HEIGHT), shade((x * y) % 997, 997)]);
        }
    }
    bmp
}

fn say(line: &str) {
    // Whoever closed standard output does not want to be told; the exit code tells all the same.
    print(&format!("{line}\n"));
}
