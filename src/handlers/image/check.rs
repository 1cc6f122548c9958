//! What was submitted becomes an order that can be carried out, or a list of what is wrong with it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::payload::{Fit, ImageFormat, ImageOperation, ImagePayload, ImageSource, ImageTarget};
use crate::handlers::Wrong;
use crate::handlers::files::FileRoot;

/// Most operations of one job.
const OPERATIONS_MAX: usize = 32;

/// Most outputs of one job.
const OUTPUTS_MAX: usize = 32;

/// Widest blur; the time it takes does not depend on it.
const BLUR_SIGMA_MAX: f32 = 100.0;

/// Widest sharpening; the time it takes grows with it.
const SHARPEN_SIGMA_MAX: f32 = 10.0;

/// Longest side that any format holds.
const SIDE_MAX: u32 = 65_535;

/// Qualities where an output does not say: what the eye does not tell from more.
const JPEG_QUALITY: u8 = 85;
const WEBP_QUALITY: u8 = 80;

/// A payload with nothing left to go wrong in it but what the pictures themselves say.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) source: Source,
    pub(super) operations: Vec<ImageOperation>,
    pub(super) targets: Vec<Target>,
}

/// Where a picture is.
#[derive(Debug)]
pub(super) enum Source {
    Path(String),
    Bytes(Vec<u8>),
}

/// A file that is to be made.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) path: String,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) fit: Fit,
    pub(super) enlarge: bool,
    pub(super) format: ImageFormat,
    /// From 1 to 100; means something for JPEG and WebP.
    pub(super) quality: u8,
}

/// Reads a payload whose paths lie beneath `files`.
///
/// # Errors
///
/// Every wrong field.
pub(super) fn read(payload: &ImagePayload, files: &FileRoot) -> Result<Order, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let source = source(&payload.source, files, &mut wrong);
    if payload.operations.len() > OPERATIONS_MAX {
        let detail = format!("at most {OPERATIONS_MAX} operations");
        wrong.push(Wrong::new("/operations", detail));
    }
    for (i, operation) in payload.operations.iter().enumerate().take(OPERATIONS_MAX) {
        if let Some((field, detail)) = operation_wrong(operation, files) {
            wrong.push(Wrong::new(format!("/operations/{i}{field}"), detail));
        }
    }
    let targets = targets(&payload.outputs, files, &mut wrong);
    match source {
        Some(source) if wrong.is_empty() => Ok(Order {
            source,
            operations: payload.operations.clone(),
            targets,
        }),
        _ => Err(wrong),
    }
}

fn source(written: &ImageSource, files: &FileRoot, wrong: &mut Vec<Wrong>) -> Option<Source> {
    let (pointer, detail) = match (&written.path, &written.base64) {
        (Some(path), None) => match files.check(path) {
            Ok(()) => return Some(Source::Path(path.clone())),
            Err(detail) => ("/source/path", detail),
        },
        (None, Some(text)) => match STANDARD.decode(text) {
            Ok(bytes) => return Some(Source::Bytes(bytes)),
            Err(err) => ("/source/base64", format!("is not base64 (RFC 4648): {err}")),
        },
        (None, None) => (
            "/source",
            "`path`, a file, or `base64`, the picture itself, is needed".to_owned(),
        ),
        (Some(_), Some(_)) => ("/source", "write `path` or `base64`, not both".to_owned()),
    };
    wrong.push(Wrong::new(pointer, detail));
    None
}

/// The field that is wrong with an operation, and why.
fn operation_wrong(operation: &ImageOperation, files: &FileRoot) -> Option<(&'static str, String)> {
    let sigma_wrong = |sigma: f32, max: f32| {
        let fits = sigma > 0.0 && sigma <= max;
        (!fits).then(|| ("/sigma", format!("must be above 0 and at most {max}")))
    };
    match operation {
        ImageOperation::Crop { width: 0, .. } => Some(("/width", "must be at least 1".to_owned())),
        ImageOperation::Crop { height: 0, .. } => {
            Some(("/height", "must be at least 1".to_owned()))
        }
        ImageOperation::Rotate { degrees } if !matches!(degrees, 90 | 180 | 270) => {
            Some(("/degrees", "must be 90, 180 or 270".to_owned()))
        }
        ImageOperation::Blur { sigma } => sigma_wrong(*sigma, BLUR_SIGMA_MAX),
        ImageOperation::Sharpen { sigma, .. } => sigma_wrong(*sigma, SHARPEN_SIGMA_MAX),
        ImageOperation::Overlay { opacity, .. } if !(0.0..=1.0).contains(opacity) => {
            Some(("/opacity", "must be from 0 to 1".to_owned()))
        }
        ImageOperation::Overlay { path, .. } => {
            files.check(path).err().map(|detail| ("/path", detail))
        }
        _ => None,
    }
}

fn targets(written: &[ImageTarget], files: &FileRoot, wrong: &mut Vec<Wrong>) -> Vec<Target> {
    if written.is_empty() || written.len() > OUTPUTS_MAX {
        let detail = format!("must have 1 to {OUTPUTS_MAX} entries");
        wrong.push(Wrong::new("/outputs", detail));
        return Vec::new();
    }
    let mut targets: Vec<Target> = Vec::new();
    for (i, written) in written.iter().enumerate() {
        let pointer = format!("/outputs/{i}");
        if targets.iter().any(|before| before.path == written.path) {
            let detail = "is the path of another output, too";
            wrong.push(Wrong::new(format!("{pointer}/path"), detail));
        }
        targets.extend(target(written, files, &pointer, wrong));
    }
    targets
}

fn target(
    written: &ImageTarget,
    files: &FileRoot,
    pointer: &str,
    wrong: &mut Vec<Wrong>,
) -> Option<Target> {
    let mut say = |field: &str, detail: String| {
        wrong.push(Wrong::new(format!("{pointer}{field}"), detail));
    };
    if let Err(detail) = files.check(&written.path) {
        say("/path", detail);
    }
    for (field, side) in [("/width", written.width), ("/height", written.height)] {
        if side.is_some_and(|side| side == 0 || side > SIDE_MAX) {
            say(field, format!("must be from 1 to {SIDE_MAX}"));
        }
    }
    let Some(format) = written.format.or(ImageFormat::of_path(&written.path)) else {
        let detail = "is needed, since the extension of the path names none of jpeg, png, webp, gif, tiff and bmp";
        say("/format", detail.to_owned());
        return None;
    };
    let default = match format {
        ImageFormat::Jpeg => Some(JPEG_QUALITY),
        ImageFormat::Webp => Some(WEBP_QUALITY),
        _ => None,
    };
    match (written.quality, default) {
        (Some(_), None) => {
            let detail = format!(
                "means something for JPEG and WebP only, not for {}",
                format.name()
            );
            say("/quality", detail);
        }
        (Some(quality), _) if !(1..=100).contains(&quality) => {
            say("/quality", "must be from 1 to 100".to_owned());
        }
        _ => {}
    }
    Some(Target {
        path: written.path.clone(),
        width: written.width,
        height: written.height,
        fit: written.fit,
        enlarge: written.enlarge,
        format,
        quality: written.quality.or(default).unwrap_or(100),
    })
}
