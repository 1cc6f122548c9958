//! How large everything will be, before anything is decoded.

use super::check::Target;
use super::payload::{Fit, ImageFormat, ImageOperation};
use super::source::Undecoded;
use crate::handlers::Failure;

/// Most pixels of a picture, read or made: more than any camera's, and some seconds of work.
pub(super) const PIXELS_MAX: u64 = 100_000_000;

/// Most bytes that all image jobs of a daemon use at a time. A job takes its share before it decodes anything, and waits
/// until there is so much; one that needs more than all of it is refused.
pub(super) const BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// A width and a height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Size {
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    pub(super) fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// What a job comes to.
#[derive(Debug)]
pub(super) struct Plan {
    /// The size of each output.
    pub(super) outputs: Vec<Size>,
    /// The most bytes that it uses at a time.
    pub(super) bytes: u64,
}

impl Plan {
    /// Reckons with `threads` outputs that are made at a time; `overlays` are the pictures of the operations that have one.
    ///
    /// # Errors
    ///
    /// Permanent: an operation or an output does not go with the picture's size, or is too large.
    pub(super) fn new(
        source: &Undecoded,
        overlays: &[Undecoded],
        operations: &[ImageOperation],
        targets: &[Target],
        threads: usize,
    ) -> Result<Self, Failure> {
        let mut canvas = Canvas {
            size: source.size,
            pixel_bytes: source.pixel_bytes,
        };
        let mut files: u64 = overlays.iter().map(|overlay| overlay.peak_bytes).sum();
        let mut peak = source.peak_bytes + files;
        let mut overlays = overlays.iter();
        for (i, operation) in operations.iter().enumerate() {
            let before = canvas;
            canvas = canvas
                .after(operation)
                .map_err(|err| Failure::permanent(format!("operation {}: {err}", i + 1)))?;
            let scratch = before.scratch(operation);
            peak = peak.max(before.bytes() + canvas.bytes() + scratch + files);
            if matches!(operation, ImageOperation::Overlay { .. }) {
                files -= overlays.next().map_or(0, |overlay| overlay.peak_bytes);
            }
        }
        let outputs: Vec<_> = targets
            .iter()
            .map(|target| output(canvas.size, target))
            .collect::<Result<_, _>>()?;
        let pairs = outputs.iter().zip(targets);
        let making = pairs.map(|(size, target)| canvas.making(*size, target.format));
        let bands = outputs
            .iter()
            .flat_map(|size| canvas.resizing(*size, threads));
        let together = largest(making, threads) + largest(bands, threads);
        let bytes = peak.max(canvas.bytes() + together);
        if bytes > BYTES_MAX {
            let mib = |bytes: u64| bytes / (1024 * 1024);
            return Err(Failure::permanent(format!(
                "the job needs up to {} MiB of memory, more than the {} MiB that image jobs have: \
                 ask for smaller or fewer outputs, or crop first",
                mib(bytes),
                mib(BYTES_MAX)
            )));
        }
        Ok(Self { outputs, bytes })
    }
}

/// The picture between two operations.
#[derive(Debug, Clone, Copy)]
struct Canvas {
    size: Size,
    pixel_bytes: u64,
}

impl Canvas {
    fn bytes(self) -> u64 {
        self.size.pixels() * self.pixel_bytes
    }

    /// The canvas after an operation.
    fn after(self, operation: &ImageOperation) -> Result<Self, String> {
        let Size { width, height } = self.size;
        let size = match operation {
            ImageOperation::Crop {
                x,
                y,
                width: w,
                height: h,
            } => {
                let inside = |from: u32, length: u32, all: u32| {
                    from.checked_add(length).is_some_and(|end| end <= all)
                };
                if !inside(*x, *w, width) || !inside(*y, *h, height) {
                    return Err(format!(
                        "the rectangle of {w} × {h} at {x}, {y} does not lie within the picture, which has {width} × {height} there"
                    ));
                }
                Size::new(*w, *h)
            }
            ImageOperation::Rotate { degrees: 90 | 270 } => Size::new(height, width),
            _ => self.size,
        };
        let pixel_bytes = match operation {
            // Alpha comes in for a while.
            ImageOperation::Overlay { .. } if self.pixel_bytes.is_multiple_of(2) => 8,
            ImageOperation::Overlay { .. } => 4,
            _ => self.pixel_bytes,
        };
        Ok(Self { size, pixel_bytes })
    }

    /// What an operation takes beside the canvas before and after it.
    fn scratch(self, operation: &ImageOperation) -> u64 {
        let pixels = self.size.pixels();
        match operation {
            ImageOperation::Blur { .. } => 2 * self.bytes(),
            // Its blur reckons with four bytes a channel, twice.
            ImageOperation::Sharpen { .. } => 2 * self.bytes() + 3 * 16 * pixels,
            _ => self.bytes(),
        }
    }

    /// What making an output takes: the resized picture, the picture as the format has it, and the file. libwebp reckons
    /// with a picture of its own.
    fn making(self, size: Size, format: ImageFormat) -> u64 {
        let resized = if size == self.size { 0 } else { size.pixels() };
        let file = match format {
            ImageFormat::Webp => 8,
            _ => self.pixel_bytes,
        };
        (resized + size.pixels()) * self.pixel_bytes + size.pixels() * file
    }

    /// What the bands take in which an output is resized, as many as can be in hand.
    fn resizing(self, size: Size, threads: usize) -> impl Iterator<Item = u64> {
        let sides = |size: Size| (size.width, size.height);
        let (from, to) = (sides(self.size), sides(size));
        let (bands, bytes) = windlass_pictures::resize_bands(from, to, self.pixel_bytes);
        let in_hand = usize::try_from(bands).unwrap_or(usize::MAX).min(threads);
        std::iter::repeat_n(bytes, if size == self.size { 0 } else { in_hand })
    }
}

/// The sum of the `count` largest.
fn largest(amounts: impl Iterator<Item = u64>, count: usize) -> u64 {
    let mut amounts: Vec<_> = amounts.collect();
    amounts.sort_unstable_by_key(|amount| std::cmp::Reverse(*amount));
    amounts.iter().take(count).sum()
}

/// The size of an output.
fn output(canvas: Size, target: &Target) -> Result<Size, Failure> {
    let size = fit(
        canvas,
        target.width,
        target.height,
        target.fit,
        target.enlarge,
    );
    let Size { width, height } = size;
    let side_max = target.format.side_max();
    let refuse = |reason: String| {
        Failure::permanent(format!(
            "output `{}` would have {width} × {height} pixels, {reason}",
            target.path
        ))
    };
    if width.max(height) > side_max {
        let format = target.format.name();
        return Err(refuse(format!(
            "and a {format} has at most {side_max} a side"
        )));
    }
    if size.pixels() > PIXELS_MAX {
        return Err(refuse(format!("more than the {PIXELS_MAX} that are made")));
    }
    Ok(size)
}

/// The size that a picture gets that is to fit into a width and a height.
fn fit(from: Size, width: Option<u32>, height: Option<u32>, fit: Fit, enlarge: bool) -> Size {
    let Size {
        width: w,
        height: h,
    } = from;
    let by_width = |width| Size::new(width, scaled(h, width, w));
    let by_height = |height| Size::new(scaled(w, height, h), height);
    let fitted = match (width, height) {
        (None, None) => return from,
        (Some(width), None) => by_width(width),
        (None, Some(height)) => by_height(height),
        (Some(width), Some(height)) if fit != Fit::Inside => return Size::new(width, height),
        (Some(width), Some(height)) => {
            let narrower = u64::from(width) * u64::from(h) <= u64::from(height) * u64::from(w);
            if narrower {
                by_width(width)
            } else {
                by_height(height)
            }
        }
    };
    let larger = fitted.width > w || fitted.height > h;
    if fit == Fit::Inside && larger && !enlarge {
        from
    } else {
        fitted
    }
}

/// `length × by / of`, rounded, at least 1.
fn scaled(length: u32, by: u32, of: u32) -> u32 {
    let (length, by, of) = (u64::from(length), u64::from(by), u64::from(of));
    let scaled = (2 * length * by + of) / (2 * of);
    u32::try_from(scaled.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_come_out_as_one_would_reckon() {
        let from = Size::new(4000, 3000);
        for (width, height, how, enlarge, expected) in [
            (Some(800), Some(800), Fit::Inside, false, (800, 600)),
            (Some(800), Some(300), Fit::Inside, false, (400, 300)),
            (Some(800), None, Fit::Inside, false, (800, 600)),
            (None, Some(300), Fit::Inside, false, (400, 300)),
            (None, None, Fit::Inside, false, (4000, 3000)),
            (Some(8000), None, Fit::Inside, false, (4000, 3000)),
            (Some(8000), None, Fit::Inside, true, (8000, 6000)),
            (Some(8000), Some(3000), Fit::Inside, true, (4000, 3000)),
            (Some(100), Some(100), Fit::Cover, false, (100, 100)),
            (Some(5000), Some(100), Fit::Fill, false, (5000, 100)),
            (Some(5000), None, Fit::Cover, false, (5000, 3750)),
            (Some(1), None, Fit::Inside, false, (1, 1)),
        ] {
            let size = fit(from, width, height, how, enlarge);
            assert_eq!((size.width, size.height), expected);
        }
        assert_eq!(
            fit(Size::new(10_000, 1), Some(100), None, Fit::Inside, false),
            Size::new(100, 1)
        );
    }

    proptest! {
        #[test]
        fn inside_never_leaves_its_box_and_keeps_proportions(w in 1u32..65_535, h in 1u32..65_535, width in 1u32..65_535, height in 1u32..65_535, enlarge: bool) {
            let from = Size::new(w, h);
            let size = fit(from, Some(width), Some(height), Fit::Inside, enlarge);
            prop_assert!(size.width >= 1 && size.height >= 1);
            if enlarge || w > width || h > height {
                prop_assert!(size.width <= width && size.height <= height);
                prop_assert!(size.width == width || size.height == height);
            } else {
                prop_assert_eq!(size, from);
            }
            // Each side is off by half a pixel at most, or is the single pixel that it cannot do without.
            let off = i128::from(size.width) * i128::from(h) - i128::from(size.height) * i128::from(w);
            let half = i128::from(w.max(h));
            prop_assert!(off.abs() * 2 <= half || size.width == 1 || size.height == 1);
        }
    }
}
