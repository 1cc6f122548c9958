//! A picture gets another size.
//!
//! The library resizes in one direction at a time, by code that it has for each kind of pixel, each pair of views of a
//! picture and each of thirty constants: all of it together takes minutes to compile. Down a picture, pixels are nothing
//! but samples in rows, whatever their kind; and along its rows it goes when it is laid on its side. So here it is asked
//! for one direction and one kind of pixel only, of 8 or of 16 bits.
//!
//! ```text
//!   rows of the source ─▶ × alpha ─▶ down ─▶ turned ─▶ down ─▶ turned back ─▶ ÷ alpha ─▶ some rows of the result
//! ```
//!
//! Some rows of the result at a time: each such band is made by itself, several on several threads, and what lies between
//! the steps is as small as a band. A source with alpha, which is copied, comes in strips besides.

use std::borrow::Cow;
use std::ops::Range;

use bytemuck::Pod;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x2, U8x4, U16, U16x2, U16x4};
use fast_image_resize::{CropBox, MulDiv, PixelTrait, ResizeOptions, Resizer};
use image::DynamicImage;
use rayon::prelude::*;

/// Bands of a picture: enough to keep as many threads busy. Their number does not depend on that of the threads, so a
/// picture comes out the same on every machine.
const BANDS: usize = 16;

/// Fewest and most rows of a band, unless the picture has fewer.
const BAND_ROWS: (usize, usize) = (16, 256);

/// Most pixels of a strip of the source that is copied because it has alpha.
const STRIP_PIXELS: usize = 1 << 18;

/// How far Lanczos3 looks to each side, in pixels of the smaller picture.
const SUPPORT: f64 = 3.0;

/// Pixels along each side of the squares in which a picture is turned: two of them fit into the fastest cache.
const TILE: usize = 32;

/// The picture in another size (Lanczos3), on the threads of the rayon pool in which this is called. With `cover`, what does
/// not fit the new proportions is cut off evenly; without, it is stretched.
///
/// # Errors
///
/// Its samples are floating point numbers.
pub fn resize(
    image: &DynamicImage,
    (width, height): (u32, u32),
    cover: bool,
) -> Result<DynamicImage, String> {
    let mut resized = DynamicImage::new(width, height, image.color());
    let from = Extent::new(image.width(), image.height());
    let work = Work::new(from, Extent::new(width, height), cover);
    match (image, &mut resized) {
        (DynamicImage::ImageLuma8(from), DynamicImage::ImageLuma8(to)) => {
            work.run::<u8, 1>(from, to)
        }
        (DynamicImage::ImageLumaA8(from), DynamicImage::ImageLumaA8(to)) => {
            work.run::<u8, 2>(from, to)
        }
        (DynamicImage::ImageRgb8(from), DynamicImage::ImageRgb8(to)) => work.run::<u8, 3>(from, to),
        (DynamicImage::ImageRgba8(from), DynamicImage::ImageRgba8(to)) => {
            work.run::<u8, 4>(from, to)
        }
        (DynamicImage::ImageLuma16(from), DynamicImage::ImageLuma16(to)) => {
            work.run::<u16, 1>(from, to)
        }
        (DynamicImage::ImageLumaA16(from), DynamicImage::ImageLumaA16(to)) => {
            work.run::<u16, 2>(from, to)
        }
        (DynamicImage::ImageRgb16(from), DynamicImage::ImageRgb16(to)) => {
            work.run::<u16, 3>(from, to)
        }
        (DynamicImage::ImageRgba16(from), DynamicImage::ImageRgba16(to)) => {
            work.run::<u16, 4>(from, to)
        }
        _ => Err(format!("{:?} is not resized", image.color())),
    }?;
    Ok(resized)
}

/// Into how many bands [`resize`] cuts its work, and the most bytes that it takes for one of them. It has at most as many
/// in hand as there are threads. `pixel_bytes` tells the kind of the pixels.
#[must_use]
pub fn resize_bands(from: (u32, u32), to: (u32, u32), pixel_bytes: u64) -> (u64, u64) {
    let [from, to] = [from, to].map(|(width, height)| (u64::from(width), u64::from(height)));
    let rows = band_rows(to.1 as usize) as u64;
    let between = 2 * rows * (from.0 + to.0);
    let has_alpha = pixel_bytes.is_power_of_two() && pixel_bytes > 1;
    let copied = if has_alpha {
        from.1.max(STRIP_PIXELS as u64)
    } else {
        0
    };
    (to.1.div_ceil(rows), (between + copied) * pixel_bytes)
}

/// Multiplies the colours of a picture with its alpha, so that its pixels can be mixed.
///
/// # Errors
///
/// It has no alpha.
pub fn multiply_alpha(image: &mut DynamicImage) -> Result<(), String> {
    weigh(image, Weighing::Multiply)
}

/// Divides the colours of a picture by its alpha: undoes [`multiply_alpha`].
///
/// # Errors
///
/// It has no alpha.
pub fn divide_alpha(image: &mut DynamicImage) -> Result<(), String> {
    weigh(image, Weighing::Divide)
}

fn weigh(image: &mut DynamicImage, weighing: Weighing) -> Result<(), String> {
    match image {
        DynamicImage::ImageLumaA8(samples) => u8::weigh::<2>(samples, weighing),
        DynamicImage::ImageRgba8(samples) => u8::weigh::<4>(samples, weighing),
        DynamicImage::ImageLumaA16(samples) => u16::weigh::<2>(samples, weighing),
        DynamicImage::ImageRgba16(samples) => u16::weigh::<4>(samples, weighing),
        _ => Err(format!("{:?} has no alpha", image.color())),
    }
}

fn band_rows(height: usize) -> usize {
    let rows = height.div_ceil(BANDS).clamp(BAND_ROWS.0, BAND_ROWS.1);
    rows.min(height)
}

/// A width and a height in pixels.
#[derive(Debug, Clone, Copy)]
struct Extent {
    width: usize,
    height: usize,
}

impl Extent {
    fn new(width: u32, height: u32) -> Self {
        Self {
            width: width as usize,
            height: height as usize,
        }
    }
}

/// From which part of a picture another is made.
#[derive(Debug)]
struct Work {
    from: Extent,
    to: Extent,
    part: CropBox,
}

impl Work {
    fn new(from: Extent, to: Extent, cover: bool) -> Self {
        let part = if cover {
            let (from, to) = (
                (from.width as u32, from.height as u32),
                (to.width as u32, to.height as u32),
            );
            CropBox::fit_src_into_dst_size(from.0, from.1, to.0, to.1, None)
        } else {
            CropBox {
                left: 0.0,
                top: 0.0,
                width: from.width as f64,
                height: from.height as f64,
            }
        };
        Self { from, to, part }
    }

    /// Makes all of the result, whose pixels have `C` samples.
    fn run<S: Sample, const C: usize>(&self, from: &[S], to: &mut [S]) -> Result<(), String> {
        let rows = band_rows(self.to.height);
        to.par_chunks_mut(rows * self.to.width * C)
            .enumerate()
            .try_for_each(|(index, band)| self.band::<S, C>(from, index * rows, band))
    }

    /// Makes some rows of the result, from the row `first` on.
    fn band<S: Sample, const C: usize>(
        &self,
        from: &[S],
        first: usize,
        band: &mut [S],
    ) -> Result<(), String> {
        let rows = band.len() / (self.to.width * C);
        let scale = self.part.height / self.to.height as f64;
        let (top, height) = (self.part.top + first as f64 * scale, rows as f64 * scale);
        let margin = SUPPORT * scale.max(1.0) + 1.0;
        let begin = (top - margin).max(0.0) as usize;
        let end = ((top + height + margin) as usize + 1).min(self.from.height);
        let part = (top - begin as f64, height);
        let mut lying = vec![S::default(); rows * self.from.width * C];
        for left in (0..self.from.width).step_by(self.strip(C, end - begin)) {
            let right = (left + self.strip(C, end - begin)).min(self.from.width);
            let strip = self.source::<S, C>(from, begin..end, left..right)?;
            let mut upright = vec![S::default(); rows * (right - left) * C];
            down(&strip, (right - left) * C, part, &mut upright)?;
            let lying = &mut lying[left * rows * C..right * rows * C];
            turn(
                pixels::<S, C>(&upright),
                right - left,
                pixels_mut::<S, C>(lying),
            );
        }
        let mut resized = vec![S::default(); band.len()];
        down(
            &lying,
            rows * C,
            (self.part.left, self.part.width),
            &mut resized,
        )?;
        drop(lying);
        turn(pixels::<S, C>(&resized), rows, pixels_mut::<S, C>(band));
        if has_alpha(C) {
            S::weigh::<C>(band, Weighing::Divide)?;
        }
        Ok(())
    }

    /// How many columns are worked on at a time, if it takes so many rows of the source: all of them, unless alpha makes
    /// copies necessary.
    fn strip(&self, samples: usize, rows: usize) -> usize {
        if has_alpha(samples) {
            (STRIP_PIXELS / rows).clamp(1, self.from.width)
        } else {
            self.from.width
        }
    }

    /// A part of the source, its colours weighed by their alpha.
    fn source<'a, S: Sample, const C: usize>(
        &self,
        from: &'a [S],
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Cow<'a, [S]>, String> {
        let row = self.from.width * C;
        let whole = &from[rows.start * row..rows.end * row];
        if !has_alpha(C) {
            return Ok(Cow::Borrowed(whole));
        }
        let rows = whole.chunks_exact(row);
        let parts = rows.flat_map(|row| &row[columns.start * C..columns.end * C]);
        let mut part: Vec<S> = parts.copied().collect();
        S::weigh::<C>(&mut part, Weighing::Multiply)?;
        Ok(Cow::Owned(part))
    }
}

fn pixels<S, const C: usize>(samples: &[S]) -> &[[S; C]] {
    samples.as_chunks().0
}

fn pixels_mut<S, const C: usize>(samples: &mut [S]) -> &mut [[S; C]] {
    samples.as_chunks_mut().0
}

fn has_alpha(samples: usize) -> bool {
    samples.is_multiple_of(2)
}

/// What is done with the colours of pixels, by their alpha.
#[derive(Debug, Clone, Copy)]
enum Weighing {
    Multiply,
    Divide,
}

/// A sample of a pixel.
trait Sample: Pod + Default + Send + Sync {
    /// What the library calls it when it is alone.
    type Bare: PixelTrait;

    /// Weighs the colours of pixels that have `C` samples, the last of them alpha.
    fn weigh<const C: usize>(samples: &mut [Self], weighing: Weighing) -> Result<(), String>;
}

impl Sample for u8 {
    type Bare = U8;

    fn weigh<const C: usize>(samples: &mut [Self], weighing: Weighing) -> Result<(), String> {
        match C {
            2 => weighed::<U8x2>(samples, weighing),
            _ => weighed::<U8x4>(samples, weighing),
        }
    }
}

impl Sample for u16 {
    type Bare = U16;

    fn weigh<const C: usize>(samples: &mut [Self], weighing: Weighing) -> Result<(), String> {
        let bytes = bytemuck::cast_slice_mut(samples);
        match C {
            2 => weighed::<U16x2>(bytes, weighing),
            _ => weighed::<U16x4>(bytes, weighing),
        }
    }
}

fn weighed<P: PixelTrait>(bytes: &mut [u8], weighing: Weighing) -> Result<(), String> {
    let pixels = side(bytes.len() / P::size())?;
    let mut line = TypedImage::<P>::from_buffer(pixels, 1, bytes).map_err(|err| err.to_string())?;
    let done = match weighing {
        Weighing::Multiply => MulDiv::new().multiply_alpha_inplace_typed(&mut line),
        Weighing::Divide => MulDiv::new().divide_alpha_inplace_typed(&mut line),
    };
    done.map_err(|err| err.to_string())
}

/// Makes rows of `row` samples each out of those of another picture: of the part that begins at `top` and has `height`.
fn down<S: Sample>(
    from: &[S],
    row: usize,
    (top, height): (f64, f64),
    to: &mut [S],
) -> Result<(), String> {
    let rows = [from.len(), to.len()].map(|length| side(length / row));
    let [from_rows, to_rows] = rows;
    let (width, from_rows, to_rows) = (side(row)?, from_rows?, to_rows?);
    // Rounded, the part may end a hair below the picture.
    let height = height.min(f64::from(from_rows) - top);
    let options = ResizeOptions::new()
        .use_alpha(false)
        .crop(0.0, top, f64::from(width), height);
    let (from, to) = (bytemuck::cast_slice(from), bytemuck::cast_slice_mut(to));
    let from = TypedImageRef::<S::Bare>::from_buffer(width, from_rows, from)
        .map_err(|err| err.to_string())?;
    let mut to =
        TypedImage::<S::Bare>::from_buffer(width, to_rows, to).map_err(|err| err.to_string())?;
    Resizer::new()
        .resize_typed(&from, &mut to, &options)
        .map_err(|err| err.to_string())
}

fn side(length: usize) -> Result<u32, String> {
    u32::try_from(length).map_err(|_| "the picture is too large".to_owned())
}

/// Lays a picture of `width` pixels a row on its side: rows become columns.
fn turn<P: Copy>(from: &[P], width: usize, to: &mut [P]) {
    let height = from.len() / width;
    for top in (0..height).step_by(TILE) {
        let bottom = (top + TILE).min(height);
        for left in (0..width).step_by(TILE) {
            for x in left..(left + TILE).min(width) {
                let column = from[top * width + x..].iter().step_by(width);
                let row = &mut to[x * height + top..x * height + bottom];
                for (to, from) in row.iter_mut().zip(column) {
                    *to = *from;
                }
            }
        }
    }
}
