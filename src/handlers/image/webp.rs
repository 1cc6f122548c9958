//! Lossy WebP, with the profile of its colours: libwebp encodes, but writes no profile, so the file is put together here.
//!
//! ```text
//!   "RIFF" length "WEBP" [ "VP8X" flags, size ] [ "ICCP" profile ] [ "ALPH" alpha ] "VP8 " picture
//! ```

use std::borrow::Cow;

use image::DynamicImage;

/// Flags of the chunk `VP8X`.
const HAS_PROFILE: u8 = 0x20;
const HAS_ALPHA: u8 = 0x10;

pub(super) fn encode(
    image: Cow<'_, DynamicImage>,
    quality: u8,
    icc: Option<&[u8]>,
) -> Result<Vec<u8>, String> {
    let (width, height) = (image.width(), image.height());
    let alpha = image.color().has_alpha();
    let image = match *image {
        DynamicImage::ImageRgb8(_) | DynamicImage::ImageRgba8(_) => image,
        _ if alpha => Cow::Owned(DynamicImage::ImageRgba8(image.to_rgba8())),
        _ => Cow::Owned(DynamicImage::ImageRgb8(image.to_rgb8())),
    };
    let encoder = if alpha {
        webp::Encoder::from_rgba(image.as_bytes(), width, height)
    } else {
        webp::Encoder::from_rgb(image.as_bytes(), width, height)
    };
    let file = encoder
        .encode_simple(false, f32::from(quality))
        .map_err(|err| format!("libwebp: {err:?}"))?;
    match icc {
        None => Ok(file.to_vec()),
        Some(icc) => with_profile(&file, icc, (width, height))
            .ok_or_else(|| "libwebp wrote no WebP".to_owned()),
    }
}

/// The file with a profile in it.
fn with_profile(file: &[u8], icc: &[u8], (width, height): (u32, u32)) -> Option<Vec<u8>> {
    let mut chunks = file.get(12..)?;
    let mut flags = HAS_PROFILE;
    if chunks.starts_with(b"VP8X") {
        flags |= chunks.get(8)?;
        chunks = chunks.get(18..)?;
    }
    if chunks.starts_with(b"ALPH") {
        flags |= HAS_ALPHA;
    }
    let mut head = vec![flags, 0, 0, 0];
    for side in [width, height] {
        head.extend_from_slice(&side.checked_sub(1)?.to_le_bytes()[..3]);
    }
    let mut body = b"WEBP".to_vec();
    for (name, bytes) in [(b"VP8X", head.as_slice()), (b"ICCP", icc)] {
        body.extend_from_slice(name);
        body.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
        body.extend_from_slice(bytes);
        // Chunks begin at even places.
        body.extend_from_slice(&[0][..bytes.len() % 2]);
    }
    body.extend_from_slice(chunks);
    let length = u32::try_from(body.len()).ok()?.to_le_bytes();
    Some([b"RIFF", length.as_slice(), &body].concat())
}
