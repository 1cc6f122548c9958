//! A configuration file that a test rewrites under a running daemon, and a gate at which jobs of the type `gate` wait.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::support::children;
use crate::support::wait::{PATIENCE, wait_until};

/// The file and the gate.
pub struct Stage {
    home: TempDir,
    path: String,
}

impl Stage {
    /// A stage whose file says `text`. `GATE` in it stands for the path of the gate.
    pub fn new(text: &str) -> Self {
        let home = children::folder("stage");
        let path = home.path().join("windlass.toml").display().to_string();
        let stage = Self { home, path };
        stage.write(text);
        stage
    }

    /// An entry of the type `gate`, whose jobs wait until the gate is open.
    pub fn gate() -> String {
        "[[type]]\nname = \"gate\"\n\
         command = [\"/bin/sh\", \"-c\", \"touch GATE.reached; until [ -e GATE ]; do sleep 0.02; done\"]\n"
            .to_owned()
    }

    /// Lets the file say something else.
    pub fn write(&self, text: &str) {
        let text = text.replace("GATE", &self.at("gate").display().to_string());
        // Whole or not at all, as careful editors do.
        let fresh = self.at("fresh.toml");
        fs::write(&fresh, text).expect("a file can be written");
        fs::rename(fresh, &self.path).expect("a file can be renamed");
    }

    /// Waits until a job stands at the gate. To be lent to a worker is not enough for that.
    #[track_caller]
    pub fn await_at_gate(&self) {
        wait_until("a job stands at the gate", PATIENCE, || {
            let reached = self.at("gate.reached").exists();
            reached.then_some(()).ok_or("none does")
        });
    }

    /// Opens the gate for good.
    pub fn open_gate(&self) {
        fs::write(self.at("gate"), "").expect("a file can be written");
    }

    /// The setting that names the file.
    pub fn file(&self) -> (&str, &str) {
        ("WINDLASS_CONFIG", &self.path)
    }

    /// Its path, as problems name it.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}
