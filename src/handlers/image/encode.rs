//! A picture becomes the bytes of a file.

use std::borrow::Cow;

use image::{DynamicImage, GrayImage, RgbImage};
use windlass_pictures::JpegColor;

use super::operations::is_deep;
use super::payload::ImageFormat;
use super::profile::Profile;
use super::webp;

/// Writes a picture in a format; `quality`, from 1 to 100, means something for JPEG and WebP. The profile goes with it
/// where the file has room for one. Where it has none, its colours are taken for those of sRGB: so that is what it gets.
///
/// # Errors
///
/// Why the encoder cannot do it: a fault of ours, since the size was looked at before.
pub(super) fn encode(
    image: Cow<'_, DynamicImage>,
    format: ImageFormat,
    quality: u8,
    profile: Option<&Profile>,
) -> Result<Vec<u8>, String> {
    let icc = profile.and_then(|profile| profile.of(&image));
    let srgb = match icc {
        // One that cannot be used had no effect on how the source was seen either.
        Some(icc) if !holds_profile(&image, format) => windlass_pictures::to_srgb(&image, icc).ok(),
        _ => None,
    };
    let (image, icc) = match srgb {
        Some(image) => (Cow::Owned(image), None),
        None if holds_profile(&image, format) => (image, icc),
        None => (image, None),
    };
    match format {
        ImageFormat::Jpeg => jpeg(image, quality, icc),
        ImageFormat::Webp => webp::encode(image, quality, icc),
        other => {
            let icc = icc.map(<[u8]>::to_vec);
            windlass_pictures::encode(&image, other.codec(), icc).map_err(|err| err.to_string())
        }
    }
}

/// Whether a file has room for the profile of a picture. Some formats write grey as colours, with which a profile of grey
/// does not go.
fn holds_profile(image: &DynamicImage, format: ImageFormat) -> bool {
    let color = image.color();
    match format {
        ImageFormat::Jpeg | ImageFormat::Png => true,
        ImageFormat::Tiff => color.has_color() || !color.has_alpha(),
        ImageFormat::Webp => color.has_color(),
        ImageFormat::Gif | ImageFormat::Bmp => false,
    }
}

fn jpeg(image: Cow<'_, DynamicImage>, quality: u8, icc: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let image = on_white(image);
    let color = match *image {
        DynamicImage::ImageLuma8(_) => JpegColor::Grey,
        _ => JpegColor::Rgb,
    };
    let size = (image.width(), image.height());
    windlass_pictures::jpeg(image.as_bytes(), size, color, quality, icc)
}

/// The picture with 8 bits a channel and without alpha: where it is transparent, white shows.
fn on_white(image: Cow<'_, DynamicImage>) -> Cow<'_, DynamicImage> {
    let over_white = |sample: u8, alpha: u8| {
        let sum = u32::from(sample) * u32::from(alpha) + 255 * (255 - u32::from(alpha));
        u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
    };
    let (width, height) = (image.width(), image.height());
    let opaque = match (image.color().has_color(), image.color().has_alpha()) {
        (_, false) if !is_deep(&image) => return image,
        (false, false) => DynamicImage::ImageLuma8(image.to_luma8()),
        (true, false) => DynamicImage::ImageRgb8(image.to_rgb8()),
        (false, true) => {
            let image = image.to_luma_alpha8();
            let (pixels, _) = image.as_chunks::<2>();
            let grey = pixels.iter().map(|[l, a]| over_white(*l, *a)).collect();
            let grey = GrayImage::from_raw(width, height, grey);
            DynamicImage::ImageLuma8(grey.unwrap_or_default())
        }
        (true, true) => {
            let image = image.to_rgba8();
            let (pixels, _) = image.as_chunks::<4>();
            let rgb = pixels
                .iter()
                .flat_map(|[r, g, b, a]| [r, g, b].map(|c| over_white(*c, *a)))
                .collect();
            let rgb = RgbImage::from_raw(width, height, rgb);
            DynamicImage::ImageRgb8(rgb.unwrap_or_default())
        }
    };
    Cow::Owned(opaque)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{LumaA, Rgba, RgbaImage};

    #[test]
    fn what_is_transparent_becomes_white() {
        for (pixel, expected) in [
            ([255, 0, 0, 0], [255, 255, 255]),
            ([255, 0, 0, 255], [255, 0, 0]),
            ([0, 0, 0, 128], [127, 127, 127]),
        ] {
            let image = RgbaImage::from_pixel(1, 1, Rgba(pixel));
            let image = on_white(Cow::Owned(DynamicImage::ImageRgba8(image)));
            assert_eq!(image.as_bytes(), expected);
        }
        let grey = image::GrayAlphaImage::from_pixel(1, 1, LumaA([0, 51]));
        let grey = on_white(Cow::Owned(DynamicImage::ImageLumaA8(grey)));
        assert_eq!(grey.as_bytes(), [204]);
    }
}
