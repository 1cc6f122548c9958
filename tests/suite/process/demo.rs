//! `windlass demo`, as a new user runs it: no server, no PATH, no HOME.

use std::process::Command;

#[test]
fn one_job_of_each_kind_runs_to_its_end() {
    let output = Command::new(env!("CARGO_BIN_EXE_windlass"))
        .arg("demo")
        .env_clear()
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    for kind in ["email", "image", "data", "count-bytes"] {
        assert!(
            text.contains(&format!("\"type\":\"{kind}\"")),
            "no {kind}: {text}"
        );
    }
    assert_eq!(
        text.matches("\"succeeded\" on attempt 1").count(),
        4,
        "{text}"
    );
    // What came out of each: the mail, the pictures' sizes, the sums, the count.
    for came_out in [
        "This is a sample email.",
        "\"width\":160",
        "Grace,100",
        "\"bytes\":29",
    ] {
        assert!(text.contains(came_out), "no `{came_out}`: {text}");
    }
}
