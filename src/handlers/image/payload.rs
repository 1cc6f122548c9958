//! What a job is given, and what it answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handlers::either::either;

/// A picture and what is to be made of it. First it is turned as its EXIF orientation says, then the operations are done in
/// order, then every output is made of the result.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImagePayload {
    /// The picture.
    pub source: ImageSource,
    /// What is done with it, in order; at most 32.
    #[serde(default)]
    #[schemars(length(max = 32))]
    pub operations: Vec<ImageOperation>,
    /// The files that are made of the result; 1 to 32. They appear when all of them are whole.
    #[schemars(length(min = 1, max = 32))]
    pub outputs: Vec<ImageTarget>,
}

/// Where the picture is: `path` or `base64`. JPEG, PNG, GIF (its first frame), WebP, TIFF and BMP are read, whatever the
/// name says.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = either(("path", "string"), ("base64", "string"))))]
pub struct ImageSource {
    /// A file beneath the daemon's FILEROOT.
    #[schemars(length(min = 1))]
    pub path: Option<String>,
    /// The picture itself in base64 (RFC 4648, with padding).
    pub base64: Option<String>,
}

/// What is done with a picture.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
pub enum ImageOperation {
    /// Keeps a rectangle, which must lie within the picture.
    Crop {
        /// Its left edge.
        x: u32,
        /// Its upper edge.
        y: u32,
        /// Its width.
        #[schemars(range(min = 1))]
        width: u32,
        /// Its height.
        #[schemars(range(min = 1))]
        height: u32,
    },
    /// Turns it clockwise.
    Rotate {
        /// By how much.
        #[schemars(extend("enum" = [90, 180, 270]))]
        degrees: u16,
    },
    /// Mirrors it.
    Flip {
        /// In which direction.
        axis: Axis,
    },
    /// Takes its colours away.
    Grayscale {},
    /// Blurs it (Gauss).
    Blur {
        /// The radius in pixels: above 0, at most 100.
        #[schemars(range(max = 100.0))]
        sigma: f32,
    },
    /// Sharpens it (unsharp mask).
    Sharpen {
        /// The radius in pixels: above 0, at most 10.
        #[schemars(range(max = 10.0))]
        sigma: f32,
        /// How much a pixel must differ from its neighbourhood to be sharpened, from 0 to 255.
        #[serde(default)]
        threshold: u8,
    },
    /// Lays another picture over it.
    Overlay {
        /// A file beneath the daemon's FILEROOT.
        #[schemars(length(min = 1))]
        path: String,
        /// Where its left edge comes; may be negative.
        #[serde(default)]
        x: i32,
        /// Where its upper edge comes; may be negative.
        #[serde(default)]
        y: i32,
        /// How much it covers, from 0 to 1.
        #[serde(default = "opaque")]
        #[schemars(range(min = 0.0, max = 1.0))]
        opacity: f32,
    },
}

fn opaque() -> f32 {
    1.0
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// Left becomes right.
    Horizontal,
    /// Top becomes bottom.
    Vertical,
}

/// A file that is to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageTarget {
    /// Where it will lie, beneath the daemon's FILEROOT; folders on the way are made.
    #[schemars(length(min = 1))]
    pub path: String,
    /// Its width in pixels. With `height` alone it follows from the proportions; without both the size stays.
    #[schemars(range(min = 1, max = 65535))]
    pub width: Option<u32>,
    /// Its height in pixels; see `width`.
    #[schemars(range(min = 1, max = 65535))]
    pub height: Option<u32>,
    /// How the picture fits into width and height.
    #[serde(default)]
    pub fit: Fit,
    /// With `inside`: whether a small picture is enlarged.
    #[serde(default)]
    pub enlarge: bool,
    /// Its format; without it, the one that the path's extension names.
    pub format: Option<ImageFormat>,
    /// How good a JPEG (85 if it is not said) or WebP (80) must be, from 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub quality: Option<u8>,
}

/// How a picture fits into a width and a height.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// As large as fits into both, in its proportions; not enlarged unless `enlarge` says so.
    #[default]
    Inside,
    /// Exactly that size, in its proportions: what is too much is cut off evenly at both sides.
    Cover,
    /// Exactly that size, out of its proportions if need be.
    Fill,
}

/// A format of picture files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// JPEG; what is transparent becomes white.
    #[serde(alias = "jpg")]
    Jpeg,
    /// PNG.
    Png,
    /// WebP, lossy.
    Webp,
    /// GIF, one frame, in 256 colours of sRGB; what is half transparent or more is not there.
    Gif,
    /// TIFF, one page.
    #[serde(alias = "tif")]
    Tiff,
    /// BMP, in the colours of sRGB.
    Bmp,
}

impl ImageFormat {
    /// The format that the extension of a path names.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" | "jfif" => Some(Self::Jpeg),
            "png" => Some(Self::Png),
            "webp" => Some(Self::Webp),
            "gif" => Some(Self::Gif),
            "tif" | "tiff" => Some(Self::Tiff),
            "bmp" => Some(Self::Bmp),
            _ => None,
        }
    }

    /// All of them.
    pub(super) const ALL: [Self; 6] = [
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Gif,
        Self::Tiff,
        Self::Bmp,
    ];

    /// What the library that reads and writes it calls it.
    pub(super) fn codec(self) -> image::ImageFormat {
        match self {
            Self::Jpeg => image::ImageFormat::Jpeg,
            Self::Png => image::ImageFormat::Png,
            Self::Webp => image::ImageFormat::WebP,
            Self::Gif => image::ImageFormat::Gif,
            Self::Tiff => image::ImageFormat::Tiff,
            Self::Bmp => image::ImageFormat::Bmp,
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
            Self::Gif => "GIF",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
        }
    }

    /// The longest side that the format can hold.
    pub(super) fn side_max(self) -> u32 {
        match self {
            Self::Webp => 16_383,
            _ => 65_535,
        }
    }
}

/// What was read and what was made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImageOutput {
    /// The picture.
    pub source: ImageRead,
    /// The files, in the order of the payload.
    pub outputs: Vec<ImageMade>,
}

/// A picture that was read.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImageRead {
    /// What it is, by its content.
    pub format: ImageFormat,
    /// Its width in pixels, turned as its EXIF orientation says.
    pub width: u32,
    /// Its height in pixels, turned as its EXIF orientation says.
    pub height: u32,
}

/// A file that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImageMade {
    /// Where it lies, as the payload says.
    pub path: String,
    /// Its format.
    pub format: ImageFormat,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}
