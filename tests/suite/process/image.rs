//! Pictures all the way: over HTTP into the program, and out of it into FILEROOT.

use std::fs;
use std::io::Cursor;
use std::thread::available_parallelism;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use image::{GenericImageView, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::image::bombs;
use crate::support::daemon::Daemon;
use crate::support::wait::{PATIENCE, wait_until};

/// A daemon on one file, with a folder for its files.
fn daemon() -> (tempfile::TempDir, Daemon) {
    let root = tempfile::tempdir().expect("a folder");
    let daemon = Daemon::embedded(&[("FILEROOT", &root.path().display().to_string())]);
    (root, daemon)
}

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(width, height, |x, y| {
        let byte = |value: u32| u8::try_from(value % 256).expect("a byte");
        Rgb([byte(x), byte(y), byte(x * y / 64)])
    });
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).expect("a file");
    file.into_inner()
}

fn submit(daemon: &Daemon, job: &Value) -> String {
    let answer = daemon.post("/submit", job).expect(202).json();
    answer["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_picture_goes_in_over_http_and_comes_out_as_files() {
    let (root, daemon) = daemon();
    let source = STANDARD.encode(picture(40, 30, ImageFormat::Png));
    let outputs =
        json!([{"path": "out/small.jpg", "width": 20}, {"path": "out/same.webp", "quality": 90}]);
    let payload = json!({"source": {"base64": source}, "outputs": outputs});
    let id = submit(&daemon, &json!({"type": "image", "payload": payload}));
    let job = daemon.await_state(&id, "succeeded");
    assert_eq!(
        job["result"]["source"],
        json!({"format": "png", "width": 40, "height": 30})
    );
    for (i, (path, size)) in [("out/small.jpg", (20, 15)), ("out/same.webp", (40, 30))]
        .into_iter()
        .enumerate()
    {
        let bytes = fs::read(root.path().join(path)).expect("a file");
        assert_eq!(job["result"]["outputs"][i]["bytes"], bytes.len());
        let opened = image::load_from_memory(&bytes).expect("a picture");
        assert_eq!(opened.dimensions(), size);
    }
}

#[test]
fn the_door_refuses_paths_that_leave_fileroot_and_all_paths_without_one() {
    let (_root, daemon) = daemon();
    let without = Daemon::embedded(&[]);
    for (daemon, path, words) in [
        (&daemon, "../out.png", "`..`"),
        (&daemon, "/etc/out.png", "outside of FILEROOT"),
        (&without, "out.png", "FILEROOT is not set"),
    ] {
        let payload = json!({"source": {"base64": ""}, "outputs": [{"path": path}]});
        let answer = daemon.post("/submit", &json!({"type": "image", "payload": payload}));
        let text = answer.expect(422).text();
        assert!(text.contains("/payload/outputs/0/path"), "{text}");
        assert!(text.contains(words), "{text}");
    }
}

/// The most memory that the daemon has had, in MiB.
fn peak(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: u64 = kib.expect("the peak").trim().parse().expect("a number");
    kib >> 10
}

/// Of every format: 50,000 × 50,000 pixels, gigabytes in less than 200 bytes, a profile that unpacks to half a gigabyte.
#[test]
fn bombs_are_dead_at_once_with_their_reason_and_take_no_memory() {
    let (root, daemon) = daemon();
    let run = |bytes: &[u8]| {
        fs::write(root.path().join("bomb"), bytes).expect("written");
        let payload = json!({"source": {"path": "bomb"}, "outputs": [{"path": "out.png"}]});
        submit(&daemon, &json!({"type": "image", "payload": payload}))
    };
    // What comes with the first picture, whatever it is.
    let fine = run(&picture(8, 8, ImageFormat::Png));
    daemon.await_state(&fine, "succeeded");
    fs::remove_file(root.path().join("out.png")).expect("it was made");
    let before = peak(&daemon);
    for (name, bytes) in bombs::claims_beyond_the_bounds() {
        let job = daemon.await_state(&run(&bytes), "dead");
        assert_eq!(job["error"]["kind"], "permanent", "{name}");
        let message = job["error"]["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("`bomb`"), "{name}: {message}");
        assert_eq!(job["attempts"].as_array().map(Vec::len), Some(1));
        assert_eq!(fs::read_dir(root.path()).expect("a folder").count(), 1);
    }
    let nothing = run(&bombs::png_with_a_profile_of_nothing());
    wait_until("the profile is refused or left out", PATIENCE, || {
        let job = daemon.get(&format!("/jobs/{nothing}")).expect(200).json();
        match job["ended_at"].is_string() {
            true => Ok(()),
            false => Err(job.to_string()),
        }
    });
    let after = peak(&daemon);
    println!("peak {before} MiB before, {after} MiB after");
    assert!(
        after < before + 96,
        "{before} MiB before, {after} MiB after"
    );
}

/// Between two of the 32 operations, of which each takes a good part of a second.
#[test]
fn a_job_that_is_cancelled_stops_in_the_middle_of_the_work() {
    let (root, daemon) = daemon();
    fs::write(
        root.path().join("in.bmp"),
        picture(2000, 1500, ImageFormat::Bmp),
    )
    .expect("written");
    let operations = vec![json!({"op": "sharpen", "sigma": 10}); 32];
    let payload = json!({
        "source": {"path": "in.bmp"}, "operations": operations, "outputs": [{"path": "out.png"}]
    });
    let id = submit(&daemon, &json!({"type": "image", "payload": payload}));
    let done = wait_until("two steps are done", PATIENCE, || {
        let job = daemon.get(&format!("/jobs/{id}")).expect(200).json();
        match job["progress"]["done"].as_u64() {
            Some(done) if done >= 2 => Ok(done),
            _ => Err(job.to_string()),
        }
    });
    assert!(
        done < 30,
        "{done} steps were done before anybody could look"
    );
    daemon
        .post(&format!("/jobs/{id}/cancel"), &json!({}))
        .expect(202);
    let job = daemon.await_state(&id, "cancelled");
    assert_eq!(job["attempts"][0]["outcome"], "cancelled", "{job}");
    assert_eq!(fs::read_dir(root.path()).expect("a folder").count(), 1);
    // What it held of the pool and of the memory is free again.
    let payload =
        json!({"source": {"path": "in.bmp"}, "outputs": [{"path": "out.png", "width": 8}]});
    let next = submit(&daemon, &json!({"type": "image", "payload": payload}));
    daemon.await_state(&next, "succeeded");
}

/// A thread of the daemon: its nice value, and how many ticks it has run.
struct Thread {
    name: String,
    nice: i32,
    ticks: u64,
}

fn threads(daemon: &Daemon) -> Vec<Thread> {
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.pid())).expect("it runs");
    let read = |task: std::io::Result<fs::DirEntry>| {
        // A thread may end between the listing and the look.
        let stat = fs::read_to_string(task.ok()?.path().join("stat")).ok()?;
        let (head, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |field: usize| fields.get(field)?.parse::<u64>().ok();
        Some(Thread {
            name: head.split_once('(')?.1.to_owned(),
            nice: fields.get(16)?.parse().ok()?,
            ticks: ticks(11)? + ticks(12)?,
        })
    };
    tasks.filter_map(read).collect()
}

/// While pictures become four large files each, on all cores, small jobs start as ever: the threads of the pictures, all of
/// which work, stand back behind the others.
///
/// How long small jobs wait says little on a machine that is busy with other tests, so the bound is one that jobs which had
/// to wait for a picture would miss on any machine: a quarter of the time that a picture takes there.
#[test]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
fn small_jobs_start_at_once_beside_large_pictures() {
    const SMALL: usize = 30;
    let (root, daemon) = daemon();
    fs::write(
        root.path().join("in.jpg"),
        picture(1500, 1000, ImageFormat::Jpeg),
    )
    .expect("written");
    let outputs: Vec<_> = (0..4)
        .map(|i| json!({"path": format!("{i}.jpg"), "width": 6000 - i * 200, "enlarge": true}))
        .collect();
    let payload = json!({"source": {"path": "in.jpg"}, "outputs": outputs});
    let large = || submit(&daemon, &json!({"type": "image", "payload": payload}));
    let instant = |value: &Value| -> DateTime<Utc> {
        let text = value.as_str().expect("an instant");
        text.parse().expect("RFC 3339")
    };
    let (mut waits, mut takes) = (Vec::new(), Vec::new());
    while waits.len() < SMALL {
        let id = large();
        let began = instant(&daemon.await_state(&id, "running")["started_at"]);
        let mut small = Vec::new();
        let ended = loop {
            let noop = submit(&daemon, &json!({"type": "noop", "payload": {}}));
            small.push(daemon.await_state(&noop, "succeeded"));
            let job = daemon.get(&format!("/jobs/{id}")).expect(200).json();
            if job["ended_at"].is_string() {
                break instant(&job["ended_at"]);
            }
        };
        takes.push((ended - began).num_milliseconds());
        for job in small {
            let (submitted, started) = (instant(&job["created_at"]), instant(&job["started_at"]));
            // Those that were there while the picture was.
            if submitted < ended {
                waits.push((started - submitted).num_milliseconds());
            }
        }
    }
    let threads = threads(&daemon);
    let nice = |prefix: &str| {
        let named = threads
            .iter()
            .filter(|thread| thread.name.starts_with(prefix));
        named.map(|thread| thread.nice).collect::<Vec<_>>()
    };
    let others = nice("worker-")[0];
    let pictures = nice("image-");
    assert_eq!(
        pictures,
        vec![(others + 5).min(19); available_parallelism().expect("known").get()]
    );
    let ticks: Vec<u64> = threads
        .iter()
        .filter(|thread| thread.name.starts_with("image-"))
        .map(|thread| thread.ticks)
        .collect();
    let (least, all) = (ticks.iter().min().expect("one"), ticks.iter().sum::<u64>());
    waits.sort();
    takes.sort();
    let (half, most) = (waits[waits.len() / 2], waits[waits.len() * 9 / 10]);
    println!(
        "{} noop jobs waited {half} ms (half of them at most), {most} ms (nine of ten) beside pictures of {takes:?} ms; \
         the threads of the pictures ran {ticks:?} ticks",
        waits.len()
    );
    assert!(
        least * 4 * ticks.len() as u64 >= all,
        "not all threads worked: {ticks:?}"
    );
    let bound = takes[takes.len() / 2] / 4;
    assert!(
        most <= bound,
        "{most} ms, and a picture takes {takes:?} ms: {waits:?}"
    );
}
