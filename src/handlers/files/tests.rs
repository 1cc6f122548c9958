//! Paths that stay and paths that try to leave, files that are whole and files that never were.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::FileRoot;
use crate::config::Config;
use crate::handlers::Failure;
use crate::job::ErrorKind;
use crate::threads::spawn;

/// A folder with `root` and, beside it, what no job may see.
fn house() -> (tempfile::TempDir, FileRoot) {
    let house = tempfile::tempdir().expect("a folder");
    fs::create_dir(house.path().join("root")).expect("made");
    fs::write(house.path().join("secret"), "outside").expect("written");
    let root = root(&house.path().join("root"));
    (house, root)
}

fn root(folder: &Path) -> FileRoot {
    FileRoot::new(&Config {
        file_root: Some(folder.to_owned()),
        ..Config::default()
    })
    .expect("a root")
}

fn text(root: &FileRoot, path: &str) -> Result<String, Failure> {
    let mut text = String::new();
    root.open(path)?.read_to_string(&mut text).expect("text");
    Ok(text)
}

fn put(root: &FileRoot, path: &str, text: &str) -> Result<u64, Failure> {
    let mut file = root.create(path)?;
    file.write_all(text.as_bytes()).expect("written");
    file.commit()
}

#[track_caller]
fn refused<T>(answer: Result<T, Failure>, kind: ErrorKind, words: &str) {
    let error = answer.err().expect("refused").error().clone();
    assert_eq!(error.kind, kind, "{}", error.message);
    assert!(error.message.contains(words), "{}", error.message);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string())
        .collect::<Result<_, _>>()
        .expect("names");
    names.sort();
    names
}

#[test]
fn a_file_is_written_and_read_again_and_its_folders_are_made() {
    let (house, root) = house();
    assert_eq!(put(&root, "a/b/c.txt", "first").expect("written"), 5);
    assert_eq!(put(&root, "a/b/c.txt", "second").expect("written"), 6);
    assert_eq!(text(&root, "./a/b/c.txt").expect("read"), "second");
    let absolute = house.path().join("root/a/b/c.txt");
    assert_eq!(
        text(&root, &absolute.display().to_string()).expect("read"),
        "second"
    );
    assert_eq!(names(&house.path().join("root/a/b")), ["c.txt"]);
}

#[test]
fn what_is_not_committed_leaves_nothing_and_changes_nothing() {
    let (house, root) = house();
    put(&root, "a.txt", "as it was").expect("written");
    let mut file = root.create("a.txt").expect("begun");
    file.write_all(b"half").expect("written");
    drop(file);
    assert_eq!(names(&house.path().join("root")), ["a.txt"]);
    assert_eq!(text(&root, "a.txt").expect("read"), "as it was");
}

/// A process that is killed drops nothing: what it was writing has no name yet, so nobody sees it.
#[test]
fn a_file_whose_writer_is_killed_was_never_there() {
    let (house, root) = house();
    let mut file = root.create("a.txt").expect("begun");
    file.write_all(b"half").expect("written");
    std::mem::forget(file);
    assert_eq!(names(&house.path().join("root")), [""; 0]);
}

/// As on a file system that knows no files without a name.
#[test]
fn a_file_with_a_temporary_name_loses_it_one_way_or_the_other() {
    let (house, root) = house();
    for commit in [true, false] {
        let mut file = root.create("a.txt").expect("begun");
        file.name_now();
        file.write_all(b"named").expect("written");
        assert!(names(&house.path().join("root"))[0].starts_with(".windlass-"));
        if commit {
            file.commit().expect("in its place");
        } else {
            drop(file);
        }
        assert_eq!(names(&house.path().join("root")), ["a.txt"]);
    }
}

#[test]
fn the_door_refuses_what_no_path_can_be() {
    let (house, root) = house();
    for (path, words) in [
        ("", "empty"),
        ("a\0b", "U+0000"),
        ("../secret", "`..`"),
        ("a/../../secret", "`..`"),
        ("/etc/passwd", "outside of FILEROOT"),
        ("/", "outside of FILEROOT"),
        (".", "folder"),
        ("a/", "folder"),
        ("a/.", "folder"),
        (&"a".repeat(5000), "at most 4096"),
        (
            &format!("{}/root/../secret", house.path().display()),
            "`..`",
        ),
        (&format!("{}/rootless", house.path().display()), "outside"),
        (&format!("{}/root", house.path().display()), "folder"),
    ] {
        let found = root.check(path).expect_err(path);
        assert!(found.contains(words), "{path:?}: {found}");
        refused(root.open(path), ErrorKind::Permanent, words);
        refused(root.create(path), ErrorKind::Permanent, words);
    }
    for path in ["a", "a/b", "./a", "a..b/...", "ä\n.txt", "-"] {
        assert_eq!(root.check(path), Ok(()), "{path:?}");
    }
}

#[test]
fn links_that_lead_out_are_refused_and_links_inside_work() {
    let (house, root) = house();
    let inside = |name: &str| house.path().join("root").join(name);
    put(&root, "dir/real.txt", "inside").expect("written");
    symlink("dir/real.txt", inside("good")).expect("a link");
    symlink("dir", inside("gooddir")).expect("a link");
    symlink("../secret", inside("relative")).expect("a link");
    symlink(house.path().join("secret"), inside("absolute")).expect("a link");
    symlink("relative", inside("chain")).expect("a link");
    symlink("..", inside("up")).expect("a link");
    symlink("/", inside("slash")).expect("a link");
    symlink("round", inside("round")).expect("a link");
    assert_eq!(text(&root, "good").expect("read"), "inside");
    assert_eq!(text(&root, "gooddir/real.txt").expect("read"), "inside");
    for path in [
        "relative",
        "absolute",
        "chain",
        "up/secret",
        "slash/etc/passwd",
    ] {
        refused(
            text(&root, path),
            ErrorKind::Permanent,
            "outside of FILEROOT",
        );
    }
    for path in ["up/new", "slash/tmp/new", "up/new/deep"] {
        refused(
            root.create(path),
            ErrorKind::Permanent,
            "outside of FILEROOT",
        );
    }
    refused(text(&root, "round"), ErrorKind::Permanent, "circle");
    // A target that is a link is replaced, not followed.
    put(&root, "relative", "new").expect("written");
    assert_eq!(text(&root, "relative").expect("read"), "new");
    let secret = fs::read_to_string(house.path().join("secret")).expect("read");
    assert_eq!(secret, "outside");
    assert_eq!(names(house.path()), ["root", "secret"]);
}

/// A thread swaps a folder for a link that leads outside, to and fro, while files are read and written through it.
#[test]
fn a_link_that_is_swapped_in_between_gains_nothing() {
    let (house, root) = house();
    let at = |name: &str| house.path().join("root").join(name);
    fs::write(house.path().join("file"), "outside").expect("written");
    put(&root, "folder/file", "inside").expect("written");
    let done = AtomicBool::new(false);
    let (mut inside, mut escapes) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            symlink("..", at("link")).expect("a link");
            while !done.load(Ordering::Relaxed) {
                // Exchanged in one step, so there is a file to be found at every moment.
                let (a, b) = (at("folder"), at("link"));
                let cwd = rustix::fs::CWD;
                rustix::fs::renameat_with(cwd, a, cwd, b, rustix::fs::RenameFlags::EXCHANGE)
                    .expect("exchanged");
            }
        });
        for round in 0..4_000 {
            match text(&root, "folder/file") {
                Ok(text) => {
                    assert_eq!(text, "inside");
                    inside += 1;
                }
                Err(_) => escapes += 1,
            }
            if round % 20 == 0 {
                drop(put(&root, "folder/out", "new"));
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(inside > 0 && escapes > 0, "{inside} and {escapes}");
    assert_eq!(names(house.path()), ["file", "root", "secret"]);
}

#[test]
fn what_is_no_file_is_refused_for_good() {
    let (house, root) = house();
    put(&root, "dir/file", "x").expect("written");
    let pipe = house.path().join("root/pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .expect("a pipe");
    refused(root.open("missing"), ErrorKind::Permanent, "no such file");
    refused(root.open("dir"), ErrorKind::Permanent, "not a regular file");
    refused(
        root.open("pipe"),
        ErrorKind::Permanent,
        "not a regular file",
    );
    refused(root.open("dir/file/x"), ErrorKind::Permanent, "no folder");
    refused(root.create("dir"), ErrorKind::Permanent, "it is a folder");
    refused(root.create("dir/file/x"), ErrorKind::Permanent, "no folder");
    let long = "n".repeat(300);
    refused(root.open(&long), ErrorKind::Permanent, "too long");
}

/// What is somebody's to mend is tried again; what is wrong with the path itself is not.
#[test]
fn trouble_with_the_disk_is_tried_again() {
    use rustix::io::Errno;
    let told = |errno: Errno| {
        let failure = super::trouble("written", "a.png", &errno.into());
        (failure.error().kind, failure.error().message.clone())
    };
    for errno in [
        Errno::NOSPC,
        Errno::DQUOT,
        Errno::FBIG,
        Errno::IO,
        Errno::ROFS,
        Errno::ACCESS,
        Errno::STALE,
        Errno::MFILE,
    ] {
        let (kind, message) = told(errno);
        assert_eq!(kind, ErrorKind::Failed, "{message}");
        assert!(
            message.starts_with("`a.png` cannot be written: "),
            "{message}"
        );
    }
    for errno in [
        Errno::NOENT,
        Errno::NOTDIR,
        Errno::ISDIR,
        Errno::LOOP,
        Errno::NAMETOOLONG,
    ] {
        let (kind, message) = told(errno);
        assert_eq!(kind, ErrorKind::Permanent, "{message}");
    }
}

#[test]
fn without_a_root_the_door_says_so_and_the_job_is_kept_for_others() {
    let root = FileRoot::new(&Config::default()).expect("none");
    assert!(root.check("a").expect_err("unset").contains("FILEROOT"));
    refused(root.open("a"), ErrorKind::Failed, "FILEROOT is not set");
    refused(root.create("a"), ErrorKind::Failed, "FILEROOT is not set");
}

#[test]
fn a_root_that_is_not_there_yet_is_waited_for() {
    let house = tempfile::tempdir().expect("a folder");
    let folder = house.path().join("later");
    let root = root(&folder);
    assert_eq!(root.check("a"), Ok(()));
    refused(put(&root, "a", "x"), ErrorKind::Failed, "FILEROOT");
    fs::create_dir(&folder).expect("made");
    put(&root, "a", "x").expect("written");
}

#[test]
fn many_writers_of_one_target_each_write_a_whole_file() {
    let (house, root) = house();
    let writers: Vec<_> = (0..4)
        .map(|i| {
            let (root, line) = (root.clone(), format!("{i}").repeat(10_000));
            spawn("writer", move || {
                for _ in 0..20 {
                    put(&root, "one", &line).expect("written");
                }
            })
            .expect("a thread")
        })
        .collect();
    for writer in writers {
        writer.join().expect("no panic");
    }
    let text = text(&root, "one").expect("read");
    assert_eq!(text.len(), 10_000);
    assert_eq!(text, text[..1].repeat(10_000));
    assert_eq!(names(&house.path().join("root")), ["one"]);
}
