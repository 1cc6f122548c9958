//! Colours of one profile (ICC) become those of sRGB.

use image::DynamicImage;
use moxcms::{CmsError, ColorProfile, Layout, Transform8BitExecutor, TransformOptions};
use rayon::prelude::*;
use std::sync::Arc;

/// Samples that are converted at a time.
const PART: usize = 1 << 16;

/// The picture with 8 bits a sample, and its colours, which `profile` says the meaning of, as sRGB has them.
///
/// # Errors
///
/// The profile cannot be read, or not be used for a picture of this kind.
pub fn to_srgb(image: &DynamicImage, profile: &[u8]) -> Result<DynamicImage, String> {
    let color = image.color();
    converted(image, profile)
        .map_err(|err| format!("a profile does not go with a picture of {color:?}: {err}"))
}

fn converted(image: &DynamicImage, profile: &[u8]) -> Result<DynamicImage, CmsError> {
    let profile = ColorProfile::new_from_slice(profile)?;
    let transform = |from: Layout, to: Layout| {
        let srgb = ColorProfile::new_srgb();
        profile.create_transform_8bit(from, &srgb, to, TransformOptions::default())
    };
    let color = image.color();
    Ok(match (color.has_color(), color.has_alpha()) {
        (true, false) => {
            let mut image = image.to_rgb8();
            in_parts(&transform(Layout::Rgb, Layout::Rgb)?, &mut image, 3)?;
            DynamicImage::ImageRgb8(image)
        }
        (true, true) => {
            let mut image = image.to_rgba8();
            in_parts(&transform(Layout::Rgba, Layout::Rgba)?, &mut image, 4)?;
            DynamicImage::ImageRgba8(image)
        }
        (false, alpha) => {
            // There are only so many greys, and their colours are grey.
            let every: Vec<u8> = (0..=u8::MAX).collect();
            let mut colours = vec![0; 3 * every.len()];
            transform(Layout::Gray, Layout::Rgb)?.transform(&every, &mut colours)?;
            let greys = colours.as_chunks::<3>().0;
            let grey = |sample: &mut u8| *sample = greys[usize::from(*sample)][1];
            if alpha {
                let mut image = image.to_luma_alpha8();
                image.iter_mut().step_by(2).for_each(grey);
                DynamicImage::ImageLumaA8(image)
            } else {
                let mut image = image.to_luma8();
                image.iter_mut().for_each(grey);
                DynamicImage::ImageLuma8(image)
            }
        }
    })
}

/// Converts pixels of so many samples in place, or rather through a small buffer.
fn in_parts(
    transform: &Arc<Transform8BitExecutor>,
    samples: &mut [u8],
    channels: usize,
) -> Result<(), CmsError> {
    samples
        .par_chunks_mut(PART * channels)
        .try_for_each_init(Vec::new, |before, part| {
            before.clear();
            before.extend_from_slice(part);
            transform.transform(before, part)
        })
}
