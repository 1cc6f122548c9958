//! The profile of a picture's colours (ICC), which goes into what is made of it.

use image::DynamicImage;

/// Largest profile that is kept; those of cameras and screens have some kilobytes, those of presses up to two megabytes.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// A profile of RGB or grey.
#[derive(Debug)]
pub(super) struct Profile {
    bytes: Vec<u8>,
    colours: bool,
}

impl Profile {
    /// Reads a profile. One that speaks of other colours than a decoded picture can have, as that of a CMYK file, is `None`.
    pub(super) fn read(bytes: Vec<u8>) -> Option<Self> {
        let colours = match bytes.get(16..20)? {
            b"RGB " => true,
            b"GRAY" => false,
            _ => return None,
        };
        (bytes.len() <= BYTES_MAX).then_some(Self { bytes, colours })
    }

    /// The profile itself, if it speaks of the colours that `image` has: a picture that lost its colours lost their
    /// profile.
    pub(super) fn of(&self, image: &DynamicImage) -> Option<&[u8]> {
        (image.color().has_color() == self.colours).then_some(&self.bytes)
    }
}
