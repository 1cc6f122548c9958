//! Pillow, a second implementation: it makes the pictures that the handler reads, and looks at those that it writes.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::python::python;

const SCRIPT: &str = "tests/suite/image/pillow.py";

/// The folder of files of every kind, made by `pillow.py`; kept for the next run, unless the script or its Pillow changes.
pub fn pictures() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let of = [
            include_str!("pillow.py"),
            include_str!("../../requirements.txt"),
        ]
        .concat();
        let stamp: String = Sha256::digest(of)
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pictures-{stamp}"));
        if !folder.exists() {
            make(&folder);
        }
        folder
    })
}

/// Another test process may be making it at the same time: who is first gives it its name.
fn make(folder: &Path) {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let fresh = tempfile::Builder::new()
        .prefix("pictures-new-")
        .tempdir_in(home)
        .expect("room in the target folder");
    run(script().arg("make").arg(fresh.path()), "");
    if let Err(err) = fs::rename(fresh.path(), folder) {
        assert!(folder.exists(), "{err}");
    }
}

/// What Pillow says of files: see `pillow.py`.
pub fn look(asked: &Value) -> Vec<Value> {
    let said = run(script().arg("look"), &asked.to_string());
    serde_json::from_str(&said).expect("a list")
}

fn script() -> Command {
    let mut command = python();
    command.args(["-W", "ignore", SCRIPT]);
    command
}

fn run(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the interpreter runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "pillow.py: {trouble}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
