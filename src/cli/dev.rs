//! `windlass dev`: everything in one process, kept under `./.windlass`, mail caught as files.

use std::io;
use std::path::Path;

use super::{Exit, OwnTypes, complain, host, load, print, registry};
use crate::config::{Config, Secret, Sources};
use crate::logging;

/// Where `dev` keeps everything.
const FOLDER: &str = ".windlass";

/// Runs a daemon for trying things out. Settings that were written somewhere hold here, too; only defaults differ.
pub(super) fn run(mut sources: Sources, own: OwnTypes<'_>) -> Exit {
    let folder =
        match std::path::absolute(FOLDER).and_then(|folder| prepare(&folder).map(|()| folder)) {
            Ok(folder) => folder,
            Err(err) => {
                complain(&format_args!("cannot use the folder ./{FOLDER}: {err}"));
                return Exit::Failed;
            }
        };
    sources.defaults = embedded(&folder);
    let config = match load(&sources) {
        Ok(loaded) => loaded.config,
        Err(exit) => return exit,
    };
    if let Err(err) = logging::start(config.log_level, config.log_format) {
        complain(&err);
        return Exit::Failed;
    }
    let registry = match registry(&config, own) {
        Ok(registry) => registry,
        Err(exit) => return exit,
    };
    host::run(config, registry, Some(&sources), |daemon| {
        let addr = daemon.addr();
        print(&format!(
            "windlass dev: http://{addr}, everything under {}\n\
             Try: curl -d '{{\"type\":\"sleep\",\"payload\":{{\"seconds\":1}}}}' -H 'Content-Type: application/json' 'http://{addr}/submit?wait=5s'\n",
            folder.display()
        ));
    })
}

/// The defaults of a daemon that keeps everything beneath `folder` and needs nothing else.
pub(super) fn embedded(folder: &Path) -> Config {
    let mail = folder.join("mail");
    Config {
        smtp_url: Some(Secret::new(format!("file://{}", mail.display()))),
        mail_from: Some("windlass@localhost".to_owned()),
        file_root: Some(folder.join("files")),
        ..Config::embedded(folder)
    }
}

/// Makes the folder, and in it the one for files of jobs; what lies there is nobody's business but ours, so version
/// control is told to pass it over.
fn prepare(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder.join("files"))?;
    std::fs::write(folder.join(".gitignore"), "*\n")
}
