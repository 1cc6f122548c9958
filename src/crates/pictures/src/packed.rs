//! TIFF pictures of two or four bits a sample, several of which share a byte: the `image` crate refuses them.

use std::io::Cursor;

use image::error::{
    DecodingError, LimitError, LimitErrorKind, UnsupportedError, UnsupportedErrorKind,
};
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageResult, Limits};
use tiff::TiffError;
use tiff::decoder::Decoder;
use tiff::tags::Tag;

/// A decoder that spreads the samples over eight bits.
pub(crate) struct Packed<'a> {
    inner: Decoder<Cursor<&'a [u8]>>,
    size: (u32, u32),
    bits: u8,
}

impl<'a> Packed<'a> {
    /// Reads the header of a file; `None` if it is one of another kind.
    pub(crate) fn open(bytes: &'a [u8]) -> ImageResult<Option<Self>> {
        let mut inner = Decoder::new(Cursor::new(bytes)).map_err(error)?;
        let bits = match inner.colortype().map_err(error)? {
            tiff::ColorType::Gray(bits @ (2 | 4)) => bits,
            _ => return Ok(None),
        };
        let size = inner.dimensions().map_err(error)?;
        Ok(Some(Self { inner, size, bits }))
    }
}

impl ImageDecoder for Packed<'_> {
    fn dimensions(&self) -> (u32, u32) {
        self.size
    }

    fn color_type(&self) -> ColorType {
        ColorType::L8
    }

    fn icc_profile(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.inner.get_tag_u8_vec(Tag::IccProfile).ok())
    }

    fn orientation(&mut self) -> ImageResult<Orientation> {
        let tag = self.inner.find_tag_unsigned(Tag::Orientation);
        let tag: Option<u16> = tag.map_err(error)?;
        let known = tag.and_then(|tag| Orientation::from_exif(u8::try_from(tag).ok()?));
        Ok(known.unwrap_or(Orientation::NoTransforms))
    }

    fn set_limits(&mut self, limits: Limits) -> ImageResult<()> {
        limits.check_dimensions(self.size.0, self.size.1)
    }

    fn read_image(mut self, buffer: &mut [u8]) -> ImageResult<()> {
        let layout = self.inner.image_buffer_layout().map_err(error)?;
        let mut packed = vec![0; layout.len];
        self.inner.read_image_bytes(&mut packed).map_err(error)?;
        let width = self.size.0 as usize;
        let each = 8 / usize::from(self.bits);
        let spread = u8::MAX / (u8::MAX >> (8 - self.bits));
        let rows = packed.chunks_exact(width.div_ceil(each));
        for (row, samples) in rows.zip(buffer.chunks_exact_mut(width)) {
            for (samples, byte) in samples.chunks_mut(each).zip(row) {
                let mut left = *byte;
                for sample in samples {
                    *sample = (left >> (8 - self.bits)) * spread;
                    left <<= self.bits;
                }
            }
        }
        Ok(())
    }

    fn read_image_boxed(self: Box<Self>, buffer: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buffer)
    }
}

fn error(err: TiffError) -> ImageError {
    let format = || ImageFormat::Tiff.into();
    match err {
        TiffError::IoError(err) => ImageError::IoError(err),
        TiffError::LimitsExceeded => {
            ImageError::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory))
        }
        TiffError::UnsupportedError(what) => {
            let kind = UnsupportedErrorKind::GenericFeature(what.to_string());
            ImageError::Unsupported(UnsupportedError::from_format_and_kind(format(), kind))
        }
        err => ImageError::Decoding(DecodingError::new(format(), err)),
    }
}
