//! No daemon, another server, wrong settings, and readers that go away.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::operator::{fine, run_at, shell};
use crate::support::children;
use crate::support::daemon::{Daemon, free_addr, program, run};
use crate::support::hooks::{Hooks, Reply};
use crate::support::smtp::authority;

#[test]
fn whoever_finds_no_daemon_is_told_what_to_do() {
    let addr = free_addr();
    let ran = run_at(addr.port(), &["jobs", "show", "x"], "");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    let expected = format!(
        "windlass: no daemon answers at http://{addr} (connection refused)
  is it running? `systemctl status windlass` tells, `windlass dev` starts one for trying things out
  is it elsewhere? that address is from: APIADDR in the environment; set APIADDR, or give --addr HOST:PORT
"
    );
    assert_eq!(ran.err, expected);
}

#[test]
fn the_address_is_the_daemons_own_setting_and_the_command_line_comes_first() {
    let daemon = Daemon::embedded(&[]);
    let addr = daemon.addr().to_string();
    // The daemon's other settings may be wrong, or for others' eyes only: they are not looked at.
    let settings = [
        ("APIADDR", addr.as_str()),
        ("WINDLASS_CONFIG", ""),
        ("WORKERCOUNT", "x"),
        ("DATABASEURLFILE", "/no"),
    ];
    assert_eq!(run(&["types"], &settings).code, 0);
    let nowhere = [("APIADDR", "127.0.0.1:1"), ("WINDLASS_CONFIG", "")];
    assert_eq!(run(&["types"], &nowhere).code, 1);
    assert_eq!(run(&["types", "--addr", &addr], &nowhere).code, 0);
    assert_eq!(
        run(&["types", "--addr", &format!("http://{addr}/")], &nowhere).code,
        0
    );
    // A proxy is for the world outside.
    let proxied = [
        ("APIADDR", addr.as_str()),
        ("WINDLASS_CONFIG", ""),
        ("http_proxy", "http://127.0.0.1:1"),
    ];
    assert_eq!(run(&["types"], &proxied).code, 0);
    let folder = children::folder("config");
    let file = folder.path().join("windlass.toml");
    std::fs::write(
        &file,
        format!("api_addr = \"{addr}\"\nfloor = \"is wrong\"\n"),
    )
    .expect("a file");
    let file = file.to_str().expect("a plain path");
    assert_eq!(run(&["types", "--config", file], &[]).code, 0);
    for (settings, arguments, code, words) in [
        (
            &[("APIADDR", "here"), ("WINDLASS_CONFIG", "")][..],
            &["types"][..],
            78,
            "APIADDR in the environment",
        ),
        (
            &[("WINDLASS_CONFIG", "/no/such.toml")],
            &["types"],
            78,
            "/no/such.toml: cannot read it",
        ),
        (
            &[("APIADDR", "127.0.0.1:0"), ("WINDLASS_CONFIG", "")],
            &["types"],
            2,
            "leaves the port to chance",
        ),
        (
            &[],
            &["types", "--addr", "localhost"],
            2,
            "there is no port",
        ),
    ] {
        let ran = run(arguments, settings);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(words), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn another_server_in_its_place_is_told_from_a_daemon() {
    let server = Hooks::start(|_, _| {
        Reply::Say(
            "502 Bad Gateway",
            &["Content-Type: text/html"],
            "<html>\n<h1>Bad\u{1b}[2J</h1>",
        )
    });
    let ran = run_at(server.port(), &["types"], "");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    let told = "does not speak as a daemon of this version does: 502 Bad Gateway: <html>\n";
    assert!(ran.err.contains(told), "{}", ran.err);
    let server = Hooks::start(|_, _| Reply::Say("200 OK", &[], "hello"));
    let ran = run_at(server.port(), &["types"], "");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("hello"), "{}", ran.err);
    // A redirect is not followed: it would lead to somebody who was not meant.
    let server = Hooks::start(|_, _| Reply::Say("301 Moved", &["Location: /login"], ""));
    assert!(
        run_at(server.port(), &["types"], "")
            .err
            .contains("301 Moved Permanently")
    );
    assert_eq!(server.requests("/login").len(), 0);
}

#[test]
fn a_daemon_that_says_nothing_is_given_up() {
    let server = Hooks::start(|_, _| Reply::Hang);
    let began = Instant::now();
    let ran = run_at(server.port(), &["jobs", "show", "x"], "");
    assert!(began.elapsed() >= Duration::from_secs(30));
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("did not answer within 30s"), "{}", ran.err);
    assert_eq!(server.requests("/jobs/x").len(), 1);
}

#[test]
fn a_connection_that_breaks_is_tried_once_more_by_what_only_reads() {
    let server = Hooks::start(|_, n| match n {
        1 => Reply::Leave,
        _ => Reply::Say("200 OK", &[], "{\"types\":[]}"),
    });
    assert_eq!(run_at(server.port(), &["types"], "").code, 0);
    let server = Hooks::start(|_, _| Reply::Leave);
    let ran = run_at(server.port(), &["jobs", "cancel", "x"], "");
    assert_eq!(ran.code, 1);
    assert_eq!(
        server.requests("/jobs/x/cancel").len(),
        1,
        "it may have been done"
    );
    assert!(ran.err.contains("broke before it answered"), "{}", ran.err);
}

#[test]
fn a_reader_that_goes_away_and_closed_streams_are_no_failure() {
    let daemon = Daemon::embedded(&[]);
    for line in [
        "{ $windlass types --json; echo code $? >&2; } | true",
        "{ $windlass types --json; echo code $? >&2; } <&-",
        "{ $windlass types --json >&-; echo code $? >&2; }",
    ] {
        let ran = shell(&daemon, line);
        assert_eq!(ran.err, "code 0\n", "{line}");
    }
    let ran = shell(&daemon, "$windlass types --json >/dev/full");
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("cannot write to standard output"),
        "{}",
        ran.err
    );
    // The jobs are no less wanted when nobody reads what became of them.
    let ran = shell(
        &daemon,
        "set -o pipefail; printf '{\"type\":\"noop\"}\\n%.0s' {1..3000} | $windlass submit --ndjson --json | head -1",
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("3000 accepted, 0 refused"), "{}", ran.err);
    assert_eq!(ran.out.lines().count(), 1);
}

#[test]
fn an_interrupt_ends_it_at_once() {
    let server = Hooks::start(|_, _| Reply::Hang);
    let home = children::folder("interrupt");
    let arguments = ["jobs", "show", "x", "--wait", "1h"].map(str::to_owned);
    let addr = format!("127.0.0.1:{}", server.port());
    let mut child = children::start(None, "KILL", program(), &arguments, |command| {
        command
            .env_clear()
            .env("APIADDR", addr)
            .env("WINDLASS_CONFIG", "")
            .current_dir(home.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
    })
    .expect("it starts");
    crate::support::wait::wait_until(
        "it waits for the answer",
        crate::support::wait::PATIENCE,
        || {
            let asked = server.requests("/jobs/x?wait=60000ms").len();
            if asked == 1 { Ok(()) } else { Err(asked) }
        },
    );
    children::signal(&child, Signal::INT);
    let status = child.wait().expect("it ends");
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
}

#[test]
fn completions_are_what_their_shells_read() {
    let daemon = Daemon::embedded(&[]);
    for (shell_name, mark) in [
        ("bash", "complete -F _windlass"),
        ("zsh", "#compdef windlass"),
        ("fish", "complete -c windlass"),
    ] {
        assert!(
            fine(&daemon, &["completions", shell_name]).contains(mark),
            "{shell_name}"
        );
    }
    // As bash itself completes with it.
    let line = "source <($windlass completions bash); COMP_WORDS=(windlass jobs ca); COMP_CWORD=2; _windlass windlass ca jobs; \
                echo \"${COMPREPLY[@]}\"";
    let ran = shell(&daemon, line);
    assert_eq!((ran.code, ran.out.trim()), (0, "cancel"), "{}", ran.err);
    assert_eq!(run(&["completions", "tcsh"], &[]).code, 2);
}

#[test]
fn a_daemon_behind_https_is_reached_if_it_is_vouched_for() {
    let server = Hooks::start_encrypted(|_, _| Reply::Say("200 OK", &[], "{\"types\":[]}"));
    let addr = format!("https://localhost:{}", server.port());
    let authority = authority().display().to_string();
    let trusting = [
        ("WINDLASS_CONFIG", ""),
        ("SSL_CERT_FILE", authority.as_str()),
    ];
    let ran = run(&["types", "--addr", &addr], &trusting);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    // Whoever trusts only this host's own authorities does not trust it.
    let ran = run(&["types", "--addr", &addr], &[("WINDLASS_CONFIG", "")]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("certificate"), "{}", ran.err);
}
