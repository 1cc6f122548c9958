//! A picture file: what its header says, and, once it is known to be bearable, its pixels.
//!
//! Nothing is decoded before the header has been weighed: a few hundred bytes can claim gigabytes.

mod jpeg;
mod tiff;

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, RgbImage};

use self::jpeg::Look;
use self::tiff::Palette;
use super::payload::ImageFormat;
use super::plan::{BYTES_MAX, PIXELS_MAX, Size};
use super::profile::Profile;
use crate::handlers::Failure;
use crate::threads::panic_message;

/// A picture file whose header has been read.
pub(super) struct Undecoded {
    /// What the job calls it, for errors.
    name: String,
    bytes: Vec<u8>,
    /// What it is, by its content.
    pub(super) format: ImageFormat,
    /// Its size once it is turned as its orientation says.
    pub(super) size: Size,
    /// Bytes of a decoded pixel.
    pub(super) pixel_bytes: u64,
    /// The most bytes that decoding takes, the file's own and those of the picture among them.
    pub(super) peak_bytes: u64,
    orientation: Orientation,
    profile: Option<Profile>,
    /// The colours, if the decoder yields their numbers.
    palette: Option<Palette>,
}

impl Undecoded {
    /// Reads the header of a file that the job calls `name`.
    ///
    /// # Errors
    ///
    /// Permanent: it is no picture, one of a kind that cannot be read, cut off, or too large.
    pub(super) fn open(name: &str, mut bytes: Vec<u8>) -> Result<Self, Failure> {
        let refuse = |reason: &str| Failure::permanent(format!("{name} {reason}"));
        let format = format(&bytes).ok_or_else(|| {
            refuse("is no picture in a format that can be read: JPEG, PNG, GIF, WebP, TIFF or BMP")
        })?;
        let file_bytes = bytes.len() as u64;
        let look = match format {
            ImageFormat::Jpeg => jpeg::look(&bytes),
            _ => Look::default(),
        };
        let palette = match format {
            ImageFormat::Tiff => Palette::take(&mut bytes),
            _ => None,
        };
        // What a decoder keeps of each pixel beside the picture.
        let own_bytes = match format {
            ImageFormat::Jpeg if look.progressive => 8,
            ImageFormat::Webp => 6,
            // Its colours are painted beside it.
            _ if palette.is_some() => 3,
            _ => 1,
        };
        let mut opened = guarded(name, format, || {
            let mut decoder = decoder(format, &bytes)?;
            let (width, height) = decoder.dimensions();
            let pixels = u64::from(width) * u64::from(height);
            let orientation = decoder.orientation()?;
            let profile = decoder.icc_profile()?.and_then(Profile::read);
            Ok(Self {
                name: name.to_owned(),
                bytes: Vec::new(),
                format,
                size: Size::new(width, height),
                pixel_bytes: match palette {
                    Some(_) => 3,
                    None => pixel_bytes(decoder.color_type()),
                },
                // The picture twice, since turning it takes a copy, and so may reading it; the file twice, since some decoders
                // copy it.
                peak_bytes: (decoder.total_bytes().saturating_mul(2))
                    .saturating_add(pixels.saturating_mul(own_bytes))
                    .saturating_add(2 * file_bytes),
                orientation,
                profile,
                palette: None,
            })
        })?;
        let Size { width, height } = opened.size;
        if opened.size.pixels() == 0 {
            return Err(refuse("has no pixels"));
        }
        if opened.size.pixels() > PIXELS_MAX {
            return Err(refuse(&format!(
                "has {width} × {height} pixels by its header, more than the {PIXELS_MAX} that are taken in"
            )));
        }
        if format == ImageFormat::Jpeg && !look.whole {
            return Err(refuse(CUT_OFF));
        }
        if turns_sides(opened.orientation) {
            opened.size = Size::new(height, width);
        }
        opened.palette = palette;
        opened.bytes = bytes;
        Ok(opened)
    }

    /// The profile of its colours.
    pub(super) fn take_profile(&mut self) -> Option<Profile> {
        self.profile.take()
    }

    /// Decodes the pixels, and turns the picture as its orientation says.
    ///
    /// # Errors
    ///
    /// Permanent: it is cut off or corrupt.
    pub(super) fn decode(self) -> Result<DynamicImage, Failure> {
        let Self { name, bytes, .. } = self;
        guarded(&name, self.format, || {
            let decoder = decoder(self.format, &bytes)?;
            let mut image = windlass_pictures::decode(decoder, memory_max(self.format))?;
            drop(bytes);
            if let (Some(palette), DynamicImage::ImageLuma8(numbers)) = (&self.palette, &image) {
                let (width, height) = numbers.dimensions();
                let painted = RgbImage::from_raw(width, height, palette.paint(numbers));
                image = DynamicImage::ImageRgb8(painted.unwrap_or_default());
            }
            image.apply_orientation(self.orientation);
            // Nothing further down reckons with floating point, and no output could hold it.
            Ok(match image {
                DynamicImage::ImageRgb32F(_) => DynamicImage::ImageRgb16(image.into_rgb16()),
                DynamicImage::ImageRgba32F(_) => DynamicImage::ImageRgba16(image.into_rgba16()),
                image => image,
            })
        })
    }
}

/// What a file is, by its first bytes.
fn format(bytes: &[u8]) -> Option<ImageFormat> {
    let codec = image::guess_format(bytes).ok()?;
    ImageFormat::ALL.into_iter().find(|f| f.codec() == codec)
}

fn decoder(format: ImageFormat, bytes: &[u8]) -> Result<Box<dyn ImageDecoder + '_>, ImageError> {
    windlass_pictures::decoder(bytes, format.codec(), memory_max(format))
}

/// What a decoder may take beside the picture.
fn memory_max(format: ImageFormat) -> u64 {
    match format {
        // Of a PNG, only what is compressed in it beside the picture counts: a profile, say, which comes before the header
        // can be weighed.
        ImageFormat::Png => 32 * 1024 * 1024,
        _ => BYTES_MAX,
    }
}

/// Runs a decoder. One that panics over a file would panic again over the same file, so the job must not be tried again.
fn guarded<T>(
    name: &str,
    format: ImageFormat,
    decode: impl FnOnce() -> Result<T, ImageError>,
) -> Result<T, Failure> {
    let reason = match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(decoded)) => return Ok(decoded),
        Ok(Err(err)) => reason(&err),
        Err(panic) => format!("is corrupt: {}", panic_message(panic.as_ref())),
    };
    let kind = format.name();
    Err(Failure::permanent(format!(
        "{name} (a {kind} by its first bytes) {reason}"
    )))
}

fn reason(err: &ImageError) -> String {
    let cut_off = |err: &std::io::Error| err.kind() == std::io::ErrorKind::UnexpectedEof;
    match err {
        ImageError::IoError(err) if cut_off(err) => CUT_OFF.to_owned(),
        ImageError::Limits(_) => "is too large, or claims to be".to_owned(),
        ImageError::Unsupported(err) => format!("is of a kind that cannot be read: {err}"),
        err => format!("is corrupt or cut off: {err}"),
    }
}

const CUT_OFF: &str = "is cut off: it ends before the picture does";

fn pixel_bytes(color: ColorType) -> u64 {
    match color {
        // See the end of `decode`.
        ColorType::Rgb32F => 6,
        ColorType::Rgba32F => 8,
        color => color.bytes_per_pixel().into(),
    }
}

fn turns_sides(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}
