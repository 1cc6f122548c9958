//! Pictures all the way: over HTTP into the program, and out of it into FILEROOT.

use std::fs;
use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use image::{GenericImageView, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::support::daemon::Daemon;

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

#[test]
fn a_bomb_is_dead_at_once_with_its_reason() {
    let (root, daemon) = daemon();
    let mut bytes = picture(8, 8, ImageFormat::Bmp);
    bytes[18..26].copy_from_slice(&[0x50, 0xc3, 0, 0, 0x50, 0xc3, 0, 0]);
    fs::write(root.path().join("bomb.bmp"), bytes).expect("written");
    let payload = json!({"source": {"path": "bomb.bmp"}, "outputs": [{"path": "out.png"}]});
    let id = submit(&daemon, &json!({"type": "image", "payload": payload}));
    let job = daemon.await_state(&id, "dead");
    assert_eq!(job["error"]["kind"], "permanent");
    let message = job["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("50000 × 50000 pixels"), "{message}");
    assert_eq!(job["attempts"].as_array().map(Vec::len), Some(1));
    assert_eq!(fs::read_dir(root.path()).expect("a folder").count(), 1);
}

/// While a picture of 12 million pixels becomes four files on all cores, small jobs start as ever: the pool of the
/// pictures stands back behind the workers. The bound leaves room for a machine that is busy with other tests.
#[test]
fn small_jobs_start_at_once_beside_large_pictures() {
    let (root, daemon) = daemon();
    fs::write(
        root.path().join("large.jpg"),
        picture(4000, 3000, ImageFormat::Jpeg),
    )
    .expect("written");
    let outputs: Vec<_> = (0..4)
        .map(|i| json!({"path": format!("{i}.jpg"), "width": 3000 - i * 500}))
        .collect();
    let payload = json!({"source": {"path": "large.jpg"}, "outputs": outputs});
    let large = submit(&daemon, &json!({"type": "image", "payload": payload}));
    daemon.await_state(&large, "running");
    let instant = |value: &Value| -> DateTime<Utc> {
        value
            .as_str()
            .expect("an instant")
            .parse()
            .expect("RFC 3339")
    };
    let mut waits = Vec::new();
    for _ in 0..20 {
        let noop = submit(&daemon, &json!({"type": "noop", "payload": {}}));
        let job = daemon.await_state(&noop, "succeeded");
        waits.push((instant(&job["started_at"]) - instant(&job["created_at"])).num_microseconds());
    }
    let job = daemon.await_state(&large, "succeeded");
    assert_eq!(job["result"]["outputs"].as_array().map(Vec::len), Some(4));
    waits.sort();
    let median = waits[waits.len() / 2].expect("short");
    println!("noop jobs beside a large picture waited {median} µs (median of {waits:?})");
    assert!(median < 100_000, "{median} µs");
}
