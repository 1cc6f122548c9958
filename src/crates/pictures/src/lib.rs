//! The codecs and the resizer that the `image` jobs of Windlass use, without type parameters.
//!
//! In the crates below, almost everything is generic over readers, writers and pixels, so it is compiled where it is
//! called: thousands of functions, more than all of Windlass has. Here it is called, so here it is compiled, once; and
//! optimised, in test builds too, without which a picture takes seconds.

mod color;
mod encode;
mod packed;
mod resize;

use std::io::Cursor;

use image::codecs::tiff::TiffDecoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, ImageResult, Limits};

pub use color::to_srgb;
pub use encode::{JpegColor, encode, jpeg};
pub use resize::{divide_alpha, multiply_alpha, resize, resize_bands};

/// A decoder of `bytes`, which takes at most `memory_max` bytes beside the picture. It has read the header only.
///
/// # Errors
///
/// The header is wrong, or cut off, or of a kind that cannot be read.
pub fn decoder(
    bytes: &[u8],
    format: ImageFormat,
    memory_max: u64,
) -> ImageResult<Box<dyn ImageDecoder + '_>> {
    if format == ImageFormat::Tiff
        && let Some(packed) = packed::Packed::open(bytes)?
    {
        return Ok(Box::new(packed));
    }
    let bytes = Cursor::new(bytes);
    if format == ImageFormat::Tiff {
        // Under the bounds of the reader, which it reckons from the size of the picture, it would not find the profile
        // of a small one; it begins with bounds of its own.
        return Ok(Box::new(TiffDecoder::new(bytes)?));
    }
    let mut reader = ImageReader::with_format(bytes, format);
    reader.limits(limits(memory_max));
    Ok(Box::new(reader.into_decoder()?))
}

/// Decodes the picture of a [`decoder`].
///
/// # Errors
///
/// The file is corrupt or cut off, or decoding takes more than `memory_max` bytes beside the picture.
pub fn decode(
    mut decoder: Box<dyn ImageDecoder + '_>,
    memory_max: u64,
) -> ImageResult<DynamicImage> {
    decoder.set_limits(limits(memory_max))?;
    DynamicImage::from_decoder(decoder)
}

/// What a decoder may take beside the picture. The picture itself is weighed by its header, since a decoder that is asked
/// for its orientation first does not look at this bound.
fn limits(memory_max: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(memory_max);
    limits
}
