//! Files that are cut off, corrupt or lie about themselves, paths that lead out, jobs that nobody wants any more.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::{Value, json};
use windlass::job::ErrorKind;

use super::{Studio, context, dead, picture};

fn job(source: &str) -> Value {
    json!({"source": {"path": source}, "outputs": [{"path": "one.png"}, {"path": "two.jpg", "width": 8}]})
}

/// Every kind of file, cut off after each of its bytes: either the job is dead with a reason, or nothing was missing that
/// belongs to the picture.
#[test]
fn a_file_that_is_cut_off_is_dead_wherever_it_ends() {
    let studio = Studio::new();
    for name in [
        "baseline.jpg",
        "progressive.jpg",
        "rgb.png",
        "palette.png",
        "palette.gif",
        "lossy.webp",
        "alpha.webp",
        "lossless.webp",
        "rgb-tiff_lzw.tif",
        "rgb-raw.tif",
        "rgba-tiff_adobe_deflate.tif",
        "plain.bmp",
        "palette.bmp",
    ] {
        let whole = picture(name);
        studio.put("file", &whole);
        studio.run(job("file")).expect(name);
        let expected = fs::read(studio.path("one.png")).expect("made");
        fs::remove_file(studio.path("one.png")).expect("removed");
        fs::remove_file(studio.path("two.jpg")).expect("removed");
        let mut survived = Vec::new();
        for end in (0..whole.len()).filter(|end| end % 7 == 0 || whole.len() - end < 40) {
            studio.put("file", &whole[..end]);
            match studio.run(job("file")) {
                Ok(_) => {
                    let made = fs::read(studio.path("one.png")).expect("made");
                    assert!(
                        made == expected,
                        "{name} cut off at {end} of {} became another picture",
                        whole.len()
                    );
                    fs::remove_file(studio.path("one.png")).expect("removed");
                    fs::remove_file(studio.path("two.jpg")).expect("removed");
                    survived.push(whole.len() - end);
                }
                Err(failure) => {
                    assert_eq!(failure.error().kind, ErrorKind::Permanent, "{failure:?}");
                    assert!(failure.error().message.contains("`file`"), "{failure:?}");
                    assert_eq!(studio.names(), ["file"], "{name} cut off at {end}");
                }
            }
        }
        assert!(
            survived.iter().all(|missing| *missing < 40),
            "{name}: {survived:?} bytes are not needed"
        );
    }
}

/// Bytes are turned at random all over every file: the job ends, it does not panic through, and leaves no half file.
#[test]
fn a_corrupt_file_ends_the_job_one_way_or_the_other() {
    let studio = Studio::new();
    let mut random = fastrand::Rng::with_seed(4711);
    let mut died = 0;
    for name in [
        "baseline.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "rgb.png",
        "deep.png",
        "palette.gif",
        "lossy.webp",
        "lossless.webp",
        "rgb-tiff_lzw.tif",
        "cmyk.tif",
        "plain.bmp",
    ] {
        for _ in 0..40 {
            let mut bytes = picture(name);
            for _ in 0..random.usize(1..6) {
                let at = random.usize(..bytes.len().min(400));
                bytes[at] = random.u8(..);
            }
            studio.put("file", &bytes);
            match studio.run(job("file")) {
                Ok(_) => {
                    fs::remove_file(studio.path("one.png")).expect("removed");
                    fs::remove_file(studio.path("two.jpg")).expect("removed");
                }
                Err(failure) => {
                    assert_eq!(
                        failure.error().kind,
                        ErrorKind::Permanent,
                        "{name}: {failure:?}"
                    );
                    died += 1;
                }
            }
            assert_eq!(studio.names(), ["file"], "{name}");
        }
    }
    assert!(died > 50, "only {died} of 440 were found to be corrupt");
}

#[test]
fn what_is_no_picture_is_dead_and_says_so() {
    let studio = Studio::new();
    for bytes in [
        &b""[..],
        b"%PDF-1.7",
        b"\x00\x01",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ] {
        studio.put("file", bytes);
        dead(
            studio.run(job("file")),
            "is no picture in a format that can be read",
        );
    }
    dead(studio.run(job("missing")), "there is no such file");
    assert_eq!(studio.names(), ["file"]);
}

#[test]
fn outputs_that_no_memory_or_format_could_hold_are_refused_before_the_work() {
    let studio = Studio::new();
    studio.put_picture("rgb.png");
    let one =
        |target: Value| studio.run(json!({"source": {"path": "rgb.png"}, "outputs": [target]}));
    dead(
        one(json!({"path": "a.webp", "width": 20_000, "height": 10, "fit": "fill"})),
        "at most 16383 a side",
    );
    dead(
        one(json!({"path": "a.png", "width": 20_000, "height": 20_000, "fit": "fill"})),
        "100000000",
    );
    dead(
        one(json!({"path": "a.png", "width": 65_535, "enlarge": true})),
        "100000000",
    );
    let outputs: Vec<_> = (0..32)
        .map(
            |i| json!({"path": format!("{i}.png"), "width": 9_900, "height": 9_900, "fit": "fill"}),
        )
        .collect();
    dead(
        studio.run(json!({"source": {"path": "rgb.png"}, "outputs": outputs})),
        "MiB of memory",
    );
    let crop = json!([{"op": "crop", "x": 60, "y": 0, "width": 5, "height": 1}]);
    let job =
        json!({"source": {"path": "rgb.png"}, "operations": crop, "outputs": [{"path": "a.png"}]});
    dead(
        studio.run(job),
        "operation 1: the rectangle of 5 × 1 at 60, 0 does not lie within",
    );
    assert_eq!(studio.names(), ["rgb.png"]);
}

#[test]
fn paths_that_lead_out_are_refused_whatever_they_are_for() {
    let studio = Studio::new();
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("secret.png"), picture("rgb.png")).expect("written");
    symlink(outside.path(), studio.path("link")).expect("a link");
    studio.put_picture("rgb.png");
    dead(studio.run(job("link/secret.png")), "outside of FILEROOT");
    dead(studio.run(job("../secret.png")), "`..`");
    let to = json!({"source": {"path": "rgb.png"}, "outputs": [{"path": "fine.png"}, {"path": "link/out.png"}]});
    dead(studio.run(to), "outside of FILEROOT");
    let over = json!([{"op": "overlay", "path": "link/secret.png"}]);
    let job = json!({"source": {"path": "rgb.png"}, "operations": over, "outputs": [{"path": "fine.png"}]});
    dead(studio.run(job), "outside of FILEROOT");
    assert_eq!(studio.names(), ["link", "rgb.png"]);
    assert_eq!(fs::read_dir(outside.path()).expect("a folder").count(), 1);
}

#[test]
fn one_output_that_fails_leaves_none_and_what_was_there_as_it_was() {
    let studio = Studio::new();
    studio.put_picture("rgb.png");
    studio.put("one.png", b"as it was");
    fs::create_dir(studio.path("two.jpg")).expect("made");
    dead(studio.run(job("rgb.png")), "it is a folder");
    assert_eq!(
        fs::read(studio.path("one.png")).expect("there"),
        b"as it was"
    );
    assert_eq!(studio.names(), ["one.png", "rgb.png", "two.jpg"]);
}

#[test]
fn a_job_whose_deadline_has_passed_stops_before_the_work() {
    let studio = Studio::new();
    studio.put_picture("rgb.png");
    let failure = studio
        .run_in(job("rgb.png"), &context(Duration::ZERO))
        .expect_err("late");
    assert_eq!(failure.error().kind, ErrorKind::Timeout);
    assert_eq!(studio.names(), ["rgb.png"]);
}
