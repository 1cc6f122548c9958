//! The Python environment of the suite: other implementations to compare with. See `tests/requirements.txt`.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The folder of the repository.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A command that runs the environment's interpreter, in the folder of the repository; add a script or `-m` and a module.
///
/// # Panics
///
/// When there is no such environment and none can be made, with the reason.
pub fn python() -> Command {
    static INTERPRETER: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new(INTERPRETER.get_or_init(interpreter));
    // Neither what the user has set up for Python nor bytecode beside our sources.
    command.arg("-I").arg("-B").current_dir(ROOT);
    command
}

/// Where the interpreter lies; `tests/python` makes what is missing.
fn interpreter() -> PathBuf {
    let made = Command::new(format!("{ROOT}/tests/python"))
        .stdin(Stdio::null())
        .output()
        .expect("tests/python can be run; it needs bash");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(
        made.status.success(),
        "no Python environment for the tests:\n{said}"
    );
    let path = String::from_utf8(made.stdout).expect("a path in UTF-8");
    PathBuf::from(path.trim_end())
}
