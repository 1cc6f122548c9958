//! A picture becomes the bytes of a file.

use std::borrow::Cow;
use std::io::Cursor;

use image::codecs::bmp::BmpEncoder;
use image::codecs::gif::GifEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::tiff::TiffEncoder;
use image::error::{ImageFormatHint, UnsupportedError, UnsupportedErrorKind};
use image::{DynamicImage, ImageEncoder, ImageError, ImageFormat, ImageResult};

/// Writes a picture as PNG, TIFF, GIF or BMP, with the profile of its colours where the format has room for one: GIF and
/// BMP have none. In a GIF, pixels are there or not: half their alpha decides.
///
/// # Errors
///
/// Any other format; a size that the format does not hold.
pub fn encode(
    image: &DynamicImage,
    format: ImageFormat,
    profile: Option<Vec<u8>>,
) -> ImageResult<Vec<u8>> {
    let mut file = Cursor::new(Vec::new());
    match format {
        ImageFormat::Png => write(image, PngEncoder::new(&mut file), profile)?,
        ImageFormat::Tiff => write(&not_grey_alpha(image), TiffEncoder::new(&mut file), profile)?,
        ImageFormat::Gif => write(&hard(image), GifEncoder::new(&mut file), None)?,
        ImageFormat::Bmp if image.color().has_alpha() => {
            write(&in_colours(image), BmpEncoder::new(&mut file), None)?;
        }
        ImageFormat::Bmp => write(image, BmpEncoder::new(&mut file), None)?,
        other => {
            let hint = ImageFormatHint::Exact(other);
            let kind = UnsupportedErrorKind::Format(hint.clone());
            let error = UnsupportedError::from_format_and_kind(hint, kind);
            return Err(ImageError::Unsupported(error));
        }
    }
    Ok(file.into_inner())
}

/// The picture in 8 bits of red, green, blue and, if it has it, an alpha of all or nothing. The encoder of GIF would take
/// the faintest pixel for a whole one.
fn hard(image: &DynamicImage) -> Cow<'_, DynamicImage> {
    let mut image = in_colours(image);
    if image.color().has_alpha()
        && let DynamicImage::ImageRgba8(pixels) = image.to_mut()
    {
        for pixel in pixels.pixels_mut() {
            pixel[3] = if pixel[3] < 128 { 0 } else { u8::MAX };
        }
    }
    image
}

/// The picture in 8 bits of red, green, blue and, if it has it, alpha. The encoder of GIF takes nothing else, and that of
/// BMP forgets the alpha of greys.
fn in_colours(image: &DynamicImage) -> Cow<'_, DynamicImage> {
    match image {
        DynamicImage::ImageRgb8(_) | DynamicImage::ImageRgba8(_) => Cow::Borrowed(image),
        _ if image.color().has_alpha() => Cow::Owned(DynamicImage::ImageRgba8(image.to_rgba8())),
        _ => Cow::Owned(DynamicImage::ImageRgb8(image.to_rgb8())),
    }
}

/// The picture in colours, if it is one of grey and alpha, which the encoder of TIFF does not take.
fn not_grey_alpha(image: &DynamicImage) -> Cow<'_, DynamicImage> {
    match image {
        DynamicImage::ImageLumaA8(_) => Cow::Owned(DynamicImage::ImageRgba8(image.to_rgba8())),
        DynamicImage::ImageLumaA16(_) => Cow::Owned(DynamicImage::ImageRgba16(image.to_rgba16())),
        _ => Cow::Borrowed(image),
    }
}

fn write(
    image: &DynamicImage,
    mut encoder: impl ImageEncoder,
    profile: Option<Vec<u8>>,
) -> ImageResult<()> {
    if let Some(profile) = profile {
        encoder
            .set_icc_profile(profile)
            .map_err(ImageError::Unsupported)?;
    }
    image.write_with_encoder(encoder)
}

/// What the samples of a JPEG are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JpegColor {
    /// One of grey a pixel.
    Grey,
    /// Red, green and blue.
    Rgb,
}

/// Writes samples of 8 bits as a JPEG, with the profile of their colours; `quality` is from 1 to 100.
///
/// # Errors
///
/// More than 65,535 pixels a side, or not as many samples as the size needs.
pub fn jpeg(
    samples: &[u8],
    (width, height): (u32, u32),
    color: JpegColor,
    quality: u8,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, String> {
    let side = |side: u32| u16::try_from(side).map_err(|err| err.to_string());
    let (width, height) = (side(width)?, side(height)?);
    let color = match color {
        JpegColor::Grey => jpeg_encoder::ColorType::Luma,
        JpegColor::Rgb => jpeg_encoder::ColorType::Rgb,
    };
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, quality);
    // As libjpeg does; one pixel in four alone would make coloured edges ragged.
    encoder.set_chroma_subsampling_method(jpeg_encoder::ChromaSubsamplingMethod::Average);
    if let Some(profile) = profile {
        encoder
            .add_icc_profile(profile)
            .map_err(|err| err.to_string())?;
    }
    encoder
        .encode(samples, width, height, color)
        .map_err(|err| err.to_string())?;
    Ok(bytes)
}
