//! A disk without room, for the files of jobs: no half file, and another attempt when there is room again.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use crate::support::daemon::Daemon;

/// Files of the daemon may have so many bytes from now on, those that it writes and those of its database. (To the code
/// that writes, this is as a full disk; filling a disk takes a disk of one's own, and so root.)
fn limit_files(daemon: &Daemon, bytes: Option<u64>) {
    let pid = Pid::from_raw(daemon.pid().cast_signed()).expect("a process");
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(Some(pid), Resource::Fsize, limit).expect("it is our own process");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    names.sort();
    names
}

/// A job of each kind that writes files, each with a small file before the one that has no room.
fn jobs() -> [Value; 2] {
    let select = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000) \
                  SELECT i, 'a text that is of no use to anybody' AS t FROM n";
    [
        json!({"type": "image", "payload": {"source": {"path": "in.png"}, "outputs": [
            {"path": "small.png"},
            {"path": "large.bmp", "width": 2000, "enlarge": true}
        ]}}),
        json!({"type": "data", "payload": {"outputs": [
            {"select": "SELECT 1 AS one", "to": {"path": "small.csv"}},
            {"select": select, "to": {"path": "large.csv"}}
        ]}}),
    ]
}

#[test]
fn without_room_no_file_appears_and_with_room_all_of_them_do() {
    let root = tempfile::tempdir().expect("a folder");
    let daemon = Daemon::embedded(&[("FILEROOT", &root.path().display().to_string())]);
    image::RgbImage::from_pixel(40, 40, image::Rgb([9, 90, 200]))
        .save(root.path().join("in.png"))
        .expect("written");
    fs::write(root.path().join("large.csv"), "as it was").expect("written");
    for job in jobs() {
        limit_files(&daemon, Some(4 << 20));
        let before = names(root.path());
        let mut job = job;
        job["backoff"] = json!({"base": "1s"});
        let id = daemon.submit(&job);
        let waiting = daemon.await_state(&id, "retrying");
        let message = waiting["error"]["message"].as_str().expect("a reason");
        assert!(message.contains("`large."), "{message}");
        assert!(
            message.contains("cannot be written: File too large"),
            "{message}"
        );
        assert_eq!(names(root.path()), before, "{message}");
        let kept = fs::read_to_string(root.path().join("large.csv")).expect("there");
        assert_eq!(kept, "as it was");
        limit_files(&daemon, None);
        let done = daemon.await_state(&id, "succeeded");
        assert!(done["attempt"].as_u64() > Some(1), "{done}");
    }
    assert_eq!(
        names(root.path()),
        ["in.png", "large.bmp", "large.csv", "small.csv", "small.png"]
    );
    assert!(
        fs::metadata(root.path().join("large.bmp"))
            .expect("made")
            .len()
            > 4 << 20
    );
    assert!(
        fs::metadata(root.path().join("large.csv"))
            .expect("made")
            .len()
            > 4 << 20
    );
}
