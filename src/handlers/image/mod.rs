//! `image`: one picture is read, worked on, and written in several sizes and formats.
//!
//! ```text
//!   payload ──check──▶ Order ──source──▶ headers ──plan──▶ sizes, memory ─┬▶ decode ─▶ operations ─┬▶ resize ─▶ encode ─▶ file
//!                                                      wait for a share ──┘                        ├▶ ...
//! ```
//!
//! Everything that can be known is known before a pixel is decoded: `plan` reckons the size of each output and the most
//! memory that the job will use, from the headers alone. What is too large is refused there, and what is bearable waits
//! until the memory that all image jobs share has room for it.
//!
//! The work is done on a pool of as many threads as the machine has cores, at a lower priority than everything else: any
//! number of image jobs leave the workers free to start other jobs at once.

mod check;
mod encode;
mod gate;
mod operations;
mod outputs;
mod pace;
mod payload;
mod plan;
mod profile;
mod source;
mod webp;

use std::sync::Arc;
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::files::FileRoot;
use super::{Context, Failure, Handler, Wrong};
use crate::config::Config;
use check::{Order, Source};
use gate::Gate;
use outputs::Written;
use pace::Pace;
use plan::Plan;
use source::Undecoded;

pub use payload::{
    Axis, Fit, ImageFormat, ImageMade, ImageOperation, ImageOutput, ImagePayload, ImageRead,
    ImageSource, ImageTarget,
};

/// Most bytes of all picture files that one job reads.
const FILES_BYTES_MAX: usize = 128 * 1024 * 1024;

/// How far the threads of the pool stand back behind those of the daemon, wherever that stands.
const NICENESS: i32 = 5;

/// Works on pictures.
pub struct Image {
    files: FileRoot,
    pool: ThreadPool,
    threads: usize,
    /// Places for jobs: as many as threads, so that the pool takes up no job before it can work on it.
    places: Arc<Gate>,
    memory: Arc<Gate>,
}

impl Image {
    /// A handler whose files lie beneath `config.file_root`, with a pool of its own.
    ///
    /// # Errors
    ///
    /// FILEROOT is wrong, or the system has no room for the threads.
    pub fn new(config: &Config) -> Result<Self, String> {
        let threads = available_parallelism().map_or(1, usize::from);
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|number| format!("image-{number}"))
            .start_handler(|_| {
                // Without it the jobs beside are slower to start, and nothing else is lost.
                if let Err(err) = stand_back() {
                    log::debug!("a thread for images keeps its priority: {err}");
                }
            })
            .build()
            .map_err(|err| format!("threads for images: {err}"))?;
        Ok(Self {
            files: FileRoot::new(config)?,
            pool,
            threads,
            places: Gate::new(threads as u64),
            memory: Gate::new(plan::BYTES_MAX),
        })
    }

    /// Reads the headers of all pictures: of the source, and of the overlays.
    fn open(&self, order: &mut Order) -> Result<(Undecoded, Vec<Undecoded>), Failure> {
        let mut left = FILES_BYTES_MAX;
        let mut read = |path: &str| {
            let bytes = self.files.read(path, left)?;
            left -= bytes.len();
            Undecoded::open(&format!("`{path}`"), bytes)
        };
        let source = match &mut order.source {
            Source::Path(path) => read(path)?,
            Source::Bytes(bytes) => {
                Undecoded::open("the picture in `base64`", std::mem::take(bytes))?
            }
        };
        let overlays = order
            .operations
            .iter()
            .filter_map(|operation| match operation {
                ImageOperation::Overlay { path, .. } => Some(read(path)),
                _ => None,
            });
        Ok((source, overlays.collect::<Result<_, _>>()?))
    }

    /// Does the job up to files that are whole, and not yet in their places.
    fn work(&self, mut order: Order, pace: &Pace) -> Result<(ImageRead, Vec<Written>), Failure> {
        let _place = self.places.take(1, pace)?;
        let (mut source, overlays) = self.open(&mut order)?;
        let plan = Plan::new(
            &source,
            &overlays,
            &order.operations,
            &order.targets,
            self.threads,
        )?;
        let read = ImageRead {
            format: source.format,
            width: source.size.width,
            height: source.size.height,
        };
        let _memory = self.memory.take(plan.bytes, pace)?;
        let written = self.pool.install(|| {
            let profile = source.take_profile();
            let image = source.decode()?;
            pace.step("decoded")?;
            let image = operations::apply(image, &order.operations, overlays, pace)?;
            outputs::make(
                &image,
                profile.as_ref(),
                &order.targets,
                &plan.outputs,
                &self.files,
                pace,
            )
        })?;
        Ok((read, written))
    }
}

/// Lowers the priority of the present thread (the system's "process" is a thread here).
fn stand_back() -> rustix::io::Result<()> {
    let present = rustix::process::getpriority_process(None)?;
    rustix::process::setpriority_process(None, present + NICENESS)
}

impl Handler for Image {
    const TYPE: &'static str = "image";
    type Payload = ImagePayload;
    type Output = ImageOutput;

    fn check(&self, payload: &ImagePayload) -> Result<(), Vec<Wrong>> {
        check::read(payload, &self.files).map(drop)
    }

    fn run(&self, payload: ImagePayload, context: &Context) -> Result<ImageOutput, Failure> {
        self.files.needed()?;
        let order = check::read(&payload, &self.files).map_err(|wrong| {
            let wrong: Vec<_> = wrong
                .iter()
                .map(|w| format!("`{}`: {}", w.pointer, w.detail))
                .collect();
            Failure::permanent(format!("the job cannot be done: {}", wrong.join("; ")))
        })?;
        drop(payload);
        let pace = Pace::new(context, 1 + order.operations.len() + order.targets.len());
        let (source, written) = self.work(order, &pace)?;
        let outputs = written.into_iter().map(Written::commit);
        Ok(ImageOutput {
            source,
            outputs: outputs.collect::<Result<_, _>>()?,
        })
    }
}
