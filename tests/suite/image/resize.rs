//! Resizing, bare: against Lanczos' formula written out, for every kind of pixel.

use image::{ColorType, DynamicImage};

/// The weights of the pixels from `begin` on for the pixel `at` of `to` that `from` pixels become; the part that begins at
/// `begin` and has `length` becomes all of it.
fn weights(from: usize, (begin, length): (f64, f64), to: usize, at: usize) -> Vec<(usize, f64)> {
    let scale = length / to as f64;
    let (stretch, middle) = (scale.max(1.0), begin + (at as f64 + 0.5) * scale);
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { x.sin() / x };
    let lanczos = |x: f64| {
        if x.abs() < 3.0 {
            sinc(std::f64::consts::PI * x) * sinc(std::f64::consts::PI * x / 3.0)
        } else {
            0.0
        }
    };
    let weights: Vec<_> = (0..from)
        .map(|x| (x, lanczos((x as f64 + 0.5 - middle) / stretch)))
        .filter(|(_, weight)| *weight != 0.0)
        .collect();
    let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
    weights
        .into_iter()
        .map(|(x, weight)| (x, weight / sum))
        .collect()
}

/// Samples from 0 to 1, `channels` a pixel, the last of an even number of them alpha.
struct Plain {
    size: (usize, usize),
    channels: usize,
    samples: Vec<f64>,
}

impl Plain {
    fn of(image: &DynamicImage) -> Self {
        let deep = image.color().bytes_per_pixel() > image.color().channel_count();
        let samples = if deep {
            let pairs = image.as_bytes().as_chunks::<2>().0;
            pairs
                .iter()
                .map(|b| f64::from(u16::from_ne_bytes(*b)) / 65_535.0)
                .collect()
        } else {
            image
                .as_bytes()
                .iter()
                .map(|b| f64::from(*b) / 255.0)
                .collect()
        };
        Self {
            size: (image.width() as usize, image.height() as usize),
            channels: usize::from(image.color().channel_count()),
            samples,
        }
    }

    fn at(&self, x: usize, y: usize) -> Vec<f64> {
        let begin = (y * self.size.0 + x) * self.channels;
        self.samples[begin..begin + self.channels].to_vec()
    }

    /// A pixel as it is seen: its colours weighed by its alpha.
    fn seen(&self, x: usize, y: usize) -> Vec<f64> {
        let mut pixel = self.at(x, y);
        if let [colours @ .., alpha] = pixel.as_mut_slice()
            && self.channels.is_multiple_of(2)
        {
            colours.iter_mut().for_each(|colour| *colour *= *alpha);
        }
        pixel
    }

    /// One pixel of the picture in another size, by the formula, as it is seen.
    fn resized(&self, to: (usize, usize), part: [(f64, f64); 2], x: usize, y: usize) -> Vec<f64> {
        let mut sum = vec![0.0; self.channels];
        for (from_y, by_y) in weights(self.size.1, part[1], to.1, y) {
            for (from_x, by_x) in weights(self.size.0, part[0], to.0, x) {
                for (sum, sample) in sum.iter_mut().zip(self.seen(from_x, from_y)) {
                    *sum += sample * by_x * by_y;
                }
            }
        }
        sum.iter().map(|sample| sample.clamp(0.0, 1.0)).collect()
    }
}

/// A soft pattern with some edges in it.
fn pattern(color: ColorType, (width, height): (u32, u32)) -> DynamicImage {
    let mut image = DynamicImage::new(width, height, color);
    let wave = |x: u32, y: u32, c: u32| {
        let phase = f64::from(x) * 0.11 + f64::from(y) * 0.07 * f64::from(c + 1) + f64::from(c);
        0.5 + 0.25 * phase.sin()
            + if (x / 9 + y / 7).is_multiple_of(2) {
                0.2
            } else {
                -0.1
            }
    };
    let channels = u32::from(color.channel_count());
    let samples = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| (0..channels).map(move |c| (x, y, c))));
    let samples: Vec<f64> = samples.map(|(x, y, c)| wave(x, y, c)).collect();
    let eight = || samples.iter().map(|s| (s * 255.0).round() as u8).collect();
    let sixteen = || {
        samples
            .iter()
            .map(|s| (s * 65_535.0).round() as u16)
            .collect()
    };
    macro_rules! fill {
        ($kind:ident, $bits:ident) => {
            if let DynamicImage::$kind(buffer) = &mut image {
                let samples: Vec<_> = $bits();
                buffer.copy_from_slice(&samples);
            }
        };
    }
    fill!(ImageLuma8, eight);
    fill!(ImageLumaA8, eight);
    fill!(ImageRgb8, eight);
    fill!(ImageRgba8, eight);
    fill!(ImageLuma16, sixteen);
    fill!(ImageLumaA16, sixteen);
    fill!(ImageRgb16, sixteen);
    fill!(ImageRgba16, sixteen);
    image
}

const KINDS: [ColorType; 8] = [
    ColorType::L8,
    ColorType::La8,
    ColorType::Rgb8,
    ColorType::Rgba8,
    ColorType::L16,
    ColorType::La16,
    ColorType::Rgb16,
    ColorType::Rgba16,
];

/// Smaller, larger, squeezed, over the borders of the bands in which the work is done: no sample is further from the
/// formula than two levels of 255, or three with alpha, where it is rounded twice more.
#[test]
fn every_kind_of_pixel_is_resized_as_the_formula_says() {
    let from = (90, 70);
    for color in KINDS {
        let image = pattern(color, from);
        let plain = Plain::of(&image);
        for (to, cover) in [
            ((45, 35), false),
            ((31, 64), false),
            ((7, 3), false),
            ((90, 20), false),
            ((20, 70), false),
            ((120, 95), false),
            ((40, 40), true),
            ((64, 20), true),
            ((1, 1), false),
        ] {
            let resized = windlass_pictures::resize(&image, to, cover).expect("resized");
            assert_eq!(
                (resized.color(), resized.width(), resized.height()),
                (color, to.0, to.1)
            );
            let whole = [f64::from(from.0), f64::from(from.1)];
            let ratio = f64::from(to.0) / f64::from(to.1);
            let kept = if cover {
                [
                    whole[0].min(whole[1] * ratio),
                    whole[1].min(whole[0] / ratio),
                ]
            } else {
                whole
            };
            let part = [0, 1].map(|i| ((whole[i] - kept[i]) / 2.0, kept[i]));
            let ours = Plain::of(&resized);
            let to = (to.0 as usize, to.1 as usize);
            let levels = if color.has_alpha() { 3.0 } else { 2.0 };
            for (x, y) in (0..to.1).flat_map(|y| (0..to.0).map(move |x| (x, y))) {
                let expected = plain.resized(to, part, x, y);
                for (ours, expected) in ours.seen(x, y).iter().zip(&expected) {
                    let apart = (ours - expected).abs() * 255.0;
                    assert!(
                        apart <= levels,
                        "{color:?} to {to:?}, cover {cover}, at {x}, {y}: {apart} levels apart"
                    );
                }
            }
        }
    }
}

/// On one thread and on four, in the same bands: the same picture.
#[test]
fn a_picture_comes_out_the_same_on_every_machine() {
    let image = pattern(ColorType::Rgba8, (300, 400));
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads");
        pool.install(|| windlass_pictures::resize(&image, (250, 350), false).expect("resized"))
    };
    assert!(on(1) == on(4));
}
