//! The image handler on pictures that Pillow wrote, on its own, and on files that are none.
//!
//! Most pictures are made by Pillow as the tests begin, and what comes out is looked at by Pillow: see [`pillow`].

pub mod bombs;
mod pillow;
mod read;
mod resize;
mod trouble;
mod write;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use image::DynamicImage;
use serde_json::{Value, json};
use windlass::config::Config;
use windlass::handlers::image::{Image, ImagePayload};
use windlass::handlers::{Context, Failure, Handler, Wrong};
use windlass::job::{ErrorKind, JobId, Timestamp};

/// A handler and the folder beneath which its files lie.
pub(crate) struct Studio {
    folder: tempfile::TempDir,
    image: Image,
}

impl Studio {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config {
            file_root: Some(folder.path().to_owned()),
            ..Config::default()
        };
        let image = Image::new(&config).expect("an image handler");
        Self { folder, image }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("written");
    }

    /// Puts one of the pictures that Pillow wrote into the folder.
    fn put_picture(&self, name: &str) {
        self.put(name, &picture(name));
    }

    fn check(&self, payload: Value) -> Vec<Wrong> {
        let payload: ImagePayload = serde_json::from_value(payload).expect("the right types");
        self.image.check(&payload).err().unwrap_or_default()
    }

    fn run(&self, payload: Value) -> Result<Value, Failure> {
        self.run_in(payload, &context(Duration::from_secs(60)))
    }

    fn run_in(&self, payload: Value, context: &Context) -> Result<Value, Failure> {
        let payload: ImagePayload = serde_json::from_value(payload).expect("the right types");
        let output = self.image.run(payload, context)?;
        Ok(serde_json::to_value(output).expect("JSON"))
    }

    /// Makes `target` of `source`, after `operations`.
    #[track_caller]
    fn make(&self, source: &str, operations: Value, target: Value) -> DynamicImage {
        let path = target["path"].as_str().expect("a path").to_owned();
        self.run(
            json!({"source": {"path": source}, "operations": operations, "outputs": [target]}),
        )
        .expect("made");
        self.open(&path)
    }

    #[track_caller]
    fn open(&self, name: &str) -> DynamicImage {
        image::load_from_memory(&fs::read(self.path(name)).expect("a file")).expect("a picture")
    }

    /// The names of all files and folders there.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.folder.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string())
            .collect::<Result<_, _>>()
            .expect("names");
        names.sort();
        names
    }
}

fn context(limit: Duration) -> Context {
    let id = JobId::mint(Timestamp::from_micros(1_764_000_000_000_000), 7);
    Context::new(id, 1, Instant::now() + limit)
}

/// A file that Pillow wrote.
fn picture(name: &str) -> Vec<u8> {
    fs::read(pillow::pictures().join(name)).expect("one of the pictures")
}

/// How far two pictures are apart, in levels of 0 to 255 over all channels, each weighed by its alpha: on average, and at
/// the worst.
#[track_caller]
fn apart(a: &DynamicImage, b: &DynamicImage) -> (f64, u8) {
    let (a, b) = (a.to_rgba8(), b.to_rgba8());
    assert_eq!(a.dimensions(), b.dimensions());
    let seen = |pixel: &image::Rgba<u8>| {
        let [r, g, b, alpha] = pixel.0;
        let weighed = |c: u8| u8::try_from(u16::from(c) * u16::from(alpha) / 255).expect("a byte");
        [weighed(r), weighed(g), weighed(b), alpha]
    };
    let differences: Vec<u8> = a
        .pixels()
        .zip(b.pixels())
        .flat_map(|(a, b)| {
            let (a, b) = (seen(a), seen(b));
            [0, 1, 2, 3].map(|channel| a[channel].abs_diff(b[channel]))
        })
        .collect();
    let sum: f64 = differences.iter().map(|d| f64::from(*d)).sum();
    let worst = differences.iter().max().copied().unwrap_or(0);
    (sum / differences.len() as f64, worst)
}

#[track_caller]
fn dead(answer: Result<Value, Failure>, words: &str) {
    let failure = answer.expect_err(words);
    let error = failure.error();
    assert_eq!(error.kind, ErrorKind::Permanent, "{}", error.message);
    assert!(error.message.contains(words), "{}", error.message);
}
