//! What is done with a picture between reading and writing.

use image::DynamicImage;
use image::metadata::Orientation;

use super::pace::Pace;
use super::payload::{Axis, ImageOperation};
use super::source::Undecoded;
use crate::handlers::Failure;

/// Up to here Gauss' own curve is laid over the pixels; beyond it that would take long, and three boxes come close to it.
const EXACT_SIGMA_MAX: f32 = 6.0;

/// Does the operations, in order; `overlays` are the pictures of those that have one.
///
/// # Errors
///
/// Permanent: an overlay is corrupt. Otherwise as [`Pace::go_on`].
pub(super) fn apply(
    mut image: DynamicImage,
    operations: &[ImageOperation],
    overlays: Vec<Undecoded>,
    pace: &Pace,
) -> Result<DynamicImage, Failure> {
    let mut overlays = overlays.into_iter();
    for operation in operations {
        image = match operation {
            ImageOperation::Overlay { x, y, opacity, .. } => match overlays.next() {
                Some(top) => overlay(image, top.decode()?, (*x, *y), *opacity),
                None => image,
            },
            operation => apply_one(image, operation)?,
        };
        pace.step("operation")?;
    }
    Ok(image)
}

fn apply_one(image: DynamicImage, operation: &ImageOperation) -> Result<DynamicImage, Failure> {
    Ok(match operation {
        ImageOperation::Crop {
            x,
            y,
            width,
            height,
        } => image.crop_imm(*x, *y, *width, *height),
        ImageOperation::Rotate { degrees } => turned(
            image,
            match degrees {
                90 => Orientation::Rotate90,
                180 => Orientation::Rotate180,
                _ => Orientation::Rotate270,
            },
        ),
        ImageOperation::Flip { axis } => turned(
            image,
            match axis {
                Axis::Horizontal => Orientation::FlipHorizontal,
                Axis::Vertical => Orientation::FlipVertical,
            },
        ),
        ImageOperation::Grayscale {} => image.grayscale(),
        ImageOperation::Blur { sigma } if *sigma <= EXACT_SIGMA_MAX => {
            weighed(image, |image| image.blur(*sigma))?
        }
        ImageOperation::Blur { sigma } => weighed(image, |image| image.fast_blur(*sigma))?,
        ImageOperation::Sharpen { sigma, threshold } => {
            let per_step = if is_deep(&image) { 257 } else { 1 };
            let threshold = i32::from(*threshold) * per_step;
            weighed(image, |image| image.unsharpen(*sigma, threshold))?
        }
        ImageOperation::Overlay { .. } => image,
    })
}

/// In place, where the sides stay as they are.
fn turned(mut image: DynamicImage, orientation: Orientation) -> DynamicImage {
    image.apply_orientation(orientation);
    image
}

/// Does something that mixes neighbouring pixels, each weighed by its alpha: what cannot be seen must not shine through.
fn weighed(
    mut image: DynamicImage,
    mix: impl FnOnce(&DynamicImage) -> DynamicImage,
) -> Result<DynamicImage, Failure> {
    if !image.color().has_alpha() {
        return Ok(mix(&image));
    }
    let failed = |err: String| Failure::permanent(format!("alpha cannot be reckoned with: {err}"));
    windlass_pictures::multiply_alpha(&mut image).map_err(failed)?;
    let mut mixed = mix(&image);
    windlass_pictures::divide_alpha(&mut mixed).map_err(failed)?;
    Ok(mixed)
}

/// Lays `top` over a picture, with its upper left corner at a place. The picture keeps its depth, and stays opaque if it
/// was; a grey one takes the colours of `top`.
fn overlay(bottom: DynamicImage, top: DynamicImage, at: (i32, i32), opacity: f32) -> DynamicImage {
    let had_alpha = bottom.color().has_alpha();
    let deep = is_deep(&bottom);
    let mixed = if deep {
        let (mut bottom, top) = (bottom.into_rgba16(), top.into_rgba16());
        let widths = (bottom.width(), top.width());
        blend::<u16>(&mut bottom, &top, widths, at, (opacity, 65_535.0));
        DynamicImage::ImageRgba16(bottom)
    } else {
        let (mut bottom, top) = (bottom.into_rgba8(), top.into_rgba8());
        let widths = (bottom.width(), top.width());
        blend::<u8>(&mut bottom, &top, widths, at, (opacity, 255.0));
        DynamicImage::ImageRgba8(bottom)
    };
    match (had_alpha, deep) {
        (true, _) => mixed,
        (false, true) => DynamicImage::ImageRgb16(mixed.into_rgb16()),
        (false, false) => DynamicImage::ImageRgb8(mixed.into_rgb8()),
    }
}

/// A channel of a pixel.
trait Sample: Copy + Into<f32> {
    /// The nearest one.
    fn nearest(value: f32) -> Self;
}

impl Sample for u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates"
    )]
    fn nearest(value: f32) -> Self {
        value.round() as Self
    }
}

impl Sample for u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates"
    )]
    fn nearest(value: f32) -> Self {
        value.round() as Self
    }
}

/// Blends RGBA pixels over others ("over" of Porter and Duff), where they meet.
fn blend<S: Sample>(
    bottom: &mut [S],
    top: &[S],
    (bottom_width, top_width): (u32, u32),
    (x, y): (i32, i32),
    (opacity, max): (f32, f32),
) {
    let row = |width: u32| {
        usize::try_from(width)
            .unwrap_or(usize::MAX)
            .saturating_mul(4)
    };
    let skip = |at: i32| usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
    // A negative place leaves out the beginning of the upper picture, a positive one that of the lower.
    let (bottom_x, top_x) = if x < 0 { (0, skip(x)) } else { (skip(x), 0) };
    let (bottom_y, top_y) = if y < 0 { (0, skip(y)) } else { (skip(y), 0) };
    let lower = bottom.chunks_exact_mut(row(bottom_width)).skip(bottom_y);
    let upper = top.chunks_exact(row(top_width)).skip(top_y);
    for (lower, upper) in lower.zip(upper) {
        let (lower, _) = lower.as_chunks_mut::<4>();
        let (upper, _) = upper.as_chunks::<4>();
        for (under, over) in lower
            .iter_mut()
            .skip(bottom_x)
            .zip(upper.iter().skip(top_x))
        {
            let covered = over[3].into() / max * opacity;
            let through = under[3].into() / max * (1.0 - covered);
            let alpha = covered + through;
            if alpha <= 0.0 {
                continue;
            }
            for channel in 0..3 {
                let sum = over[channel].into() * covered + under[channel].into() * through;
                under[channel] = S::nearest(sum / alpha);
            }
            under[3] = S::nearest(alpha * max);
        }
    }
}

/// Whether a picture has 16 bits a channel.
pub(super) fn is_deep(image: &DynamicImage) -> bool {
    let color = image.color();
    color.bytes_per_pixel() > color.channel_count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, Luma, Rgb, RgbImage, Rgba, RgbaImage};

    const RED: Rgba<u8> = Rgba([255, 0, 0, 255]);

    fn white(width: u32, height: u32) -> DynamicImage {
        DynamicImage::ImageRgb8(RgbImage::from_pixel(width, height, Rgb([255; 3])))
    }

    #[test]
    fn an_overlay_covers_where_it_lies_and_as_much_as_it_may() {
        let top = DynamicImage::ImageRgba8(RgbaImage::from_pixel(2, 2, RED));
        for (at, covered) in [
            ((0, 0), vec![(0, 0), (1, 0), (0, 1), (1, 1)]),
            ((-1, -1), vec![(0, 0)]),
            ((3, 2), vec![(3, 2)]),
            ((4, 0), vec![]),
            ((i32::MIN, 0), vec![]),
            ((0, i32::MAX), vec![]),
        ] {
            let mixed = overlay(white(4, 3), top.clone(), at, 0.5).into_rgb8();
            for (x, y, pixel) in mixed.enumerate_pixels() {
                let expected = if covered.contains(&(x, y)) {
                    Rgb([255, 128, 128])
                } else {
                    Rgb([255; 3])
                };
                assert_eq!(*pixel, expected, "at {x}, {y} for {at:?}");
            }
        }
    }

    #[test]
    fn an_overlay_keeps_depth_and_alpha_of_what_it_lies_on() {
        let top = DynamicImage::ImageRgba8(RgbaImage::from_pixel(1, 1, RED));
        let deep =
            DynamicImage::ImageRgb16(image::ImageBuffer::from_pixel(1, 1, Rgb([1000u16; 3])));
        let mixed = overlay(deep, top.clone(), (0, 0), 0.0);
        assert_eq!(
            mixed.as_rgb16().expect("deep").get_pixel(0, 0),
            &Rgb([1000; 3])
        );
        let clear = DynamicImage::ImageRgba8(RgbaImage::new(1, 1));
        let mixed = overlay(clear, top.clone(), (0, 0), 0.5);
        assert_eq!(
            mixed.as_rgba8().expect("alpha").get_pixel(0, 0),
            &Rgba([255, 0, 0, 128])
        );
        let grey = DynamicImage::ImageLuma8(GrayImage::from_pixel(1, 1, Luma([7])));
        let mixed = overlay(grey, top, (0, 0), 1.0);
        assert_eq!(
            mixed.as_rgb8().expect("coloured").get_pixel(0, 0),
            &Rgb([255, 0, 0])
        );
    }

    #[test]
    fn what_is_transparent_does_not_shine_through_a_blur() {
        let mut image = RgbaImage::from_pixel(9, 1, Rgba([0, 255, 0, 0]));
        (0..4).for_each(|x| image.put_pixel(x, 0, RED));
        let blurred = apply_one(
            DynamicImage::ImageRgba8(image),
            &ImageOperation::Blur { sigma: 2.0 },
        );
        let blurred = blurred.expect("blurred").into_rgba8();
        let edge = blurred.get_pixel(4, 0);
        assert!(edge[3] > 40 && edge[0] > 250 && edge[1] < 5, "{edge:?}");
    }

    #[test]
    fn the_two_blurs_meet() {
        let image = DynamicImage::ImageLuma8(GrayImage::from_fn(64, 64, |x, y| {
            Luma([if (x / 16 + y / 16) % 2 == 0 { 0 } else { 255 }])
        }));
        let (exact, quick) = (
            image.blur(EXACT_SIGMA_MAX),
            image.fast_blur(EXACT_SIGMA_MAX),
        );
        let worst = exact
            .as_bytes()
            .iter()
            .zip(quick.as_bytes())
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(worst < Some(12), "{worst:?} grey levels apart");
    }
}
