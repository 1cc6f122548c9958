//! What comes out: sizes, formats, operations, and what the result says of them.

use std::fs;
use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::tiff::TiffDecoder;
use image::codecs::webp::WebPDecoder;
use image::{
    DynamicImage, GenericImageView, ImageDecoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Studio, apart, picture};

fn png(image: DynamicImage) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, ImageFormat::Png).expect("a file");
    file.into_inner()
}

#[test]
fn several_outputs_are_what_the_result_says() {
    let studio = Studio::new();
    studio.put_picture("baseline.jpg");
    let outputs = [
        (
            json!({"path": "a/b/inside.jpg", "width": 32, "height": 32}),
            (32, 24),
            ImageFormat::Jpeg,
        ),
        (
            json!({"path": "cover.png", "width": 20, "height": 20, "fit": "cover"}),
            (20, 20),
            ImageFormat::Png,
        ),
        (
            json!({"path": "fill.webp", "width": 10, "height": 30, "fit": "fill", "quality": 60}),
            (10, 30),
            ImageFormat::WebP,
        ),
        (json!({"path": "same.gif"}), (64, 48), ImageFormat::Gif),
        (
            json!({"path": "narrow.tiff", "width": 16}),
            (16, 12),
            ImageFormat::Tiff,
        ),
        (
            json!({"path": "low.bmp", "height": 12}),
            (16, 12),
            ImageFormat::Bmp,
        ),
        (
            json!({"path": "small.jpeg", "width": 640}),
            (64, 48),
            ImageFormat::Jpeg,
        ),
        (
            json!({"path": "large.jpg", "width": 640, "enlarge": true}),
            (640, 480),
            ImageFormat::Jpeg,
        ),
        (
            json!({"path": "named", "width": 8, "format": "jpg"}),
            (8, 6),
            ImageFormat::Jpeg,
        ),
    ];
    let targets: Vec<_> = outputs.iter().map(|(target, ..)| target.clone()).collect();
    let result = studio
        .run(json!({"source": {"path": "baseline.jpg"}, "outputs": targets}))
        .expect("made");
    let made = result["outputs"].as_array().expect("a list");
    assert_eq!(made.len(), outputs.len());
    for (made, (target, (width, height), format)) in made.iter().zip(outputs) {
        let path = target["path"].as_str().expect("a path");
        let bytes = fs::read(studio.path(path)).expect("a file");
        assert_eq!(
            image::guess_format(&bytes).expect("a format"),
            format,
            "{path}"
        );
        let opened = studio.open(path);
        assert_eq!(opened.dimensions(), (width, height), "{path}");
        let sha256: String = Sha256::digest(&bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let name = format!("{format:?}").to_lowercase();
        let expected = json!({"path": path, "format": name, "width": width, "height": height, "bytes": bytes.len(), "sha256": sha256});
        assert_eq!(*made, expected);
    }
}

#[test]
fn a_picture_may_come_in_the_payload() {
    let studio = Studio::new();
    let source = STANDARD.encode(picture("rgb.png"));
    let result =
        studio.run(json!({"source": {"base64": source}, "outputs": [{"path": "out.png"}]}));
    assert_eq!(result.expect("made")["source"]["format"], "png");
    let same = image::load_from_memory(&picture("rgb.png")).expect("a picture");
    assert_eq!(apart(&studio.open("out.png"), &same), (0.0, 0));
}

/// The resizing itself, against the one of the `image` crate: the mean distance is below half a level.
#[test]
fn resizing_is_that_of_lanczos() {
    let studio = Studio::new();
    studio.put_picture("rgba.png");
    let source = image::load_from_memory(&picture("rgb.png")).expect("a picture");
    studio.put_picture("rgb.png");
    for (width, height) in [(32, 24), (17, 13), (100, 75), (64, 20)] {
        let target = json!({"path": "out.png", "width": width, "height": height, "fit": "fill"});
        let made = studio.make("rgb.png", json!([]), target);
        let other = source.resize_exact(width, height, image::imageops::FilterType::Lanczos3);
        let (mean, worst) = apart(&made, &other);
        assert!(
            mean < 0.5 && worst < 10,
            "{width} × {height}: {mean} on average, {worst} at the worst"
        );
    }
}

#[test]
fn cover_cuts_off_evenly() {
    let studio = Studio::new();
    // Three fields, of which the middle one remains.
    let image = RgbImage::from_fn(90, 30, |x, _| {
        Rgb([[255, 0, 0], [0, 255, 0], [0, 0, 255]][x as usize / 30])
    });
    studio.put("fields.png", &png(DynamicImage::ImageRgb8(image)));
    let target = json!({"path": "out.png", "width": 30, "height": 30, "fit": "cover"});
    let made = studio.make("fields.png", json!([]), target).to_rgb8();
    assert!(made.pixels().all(|pixel| *pixel == Rgb([0, 255, 0])));
}

/// Operations against the same by the `image` crate, or reckoned by hand.
#[test]
fn operations_are_done_in_order() {
    let studio = Studio::new();
    studio.put_picture("rgb.png");
    let source = image::load_from_memory(&picture("rgb.png")).expect("a picture");
    let crop = json!({"op": "crop", "x": 8, "y": 4, "width": 30, "height": 20});
    let turned = json!({"op": "rotate", "degrees": 90});
    for (operations, expected) in [
        (json!([crop]), source.crop_imm(8, 4, 30, 20)),
        (json!([turned]), source.rotate90()),
        (
            json!([{"op": "rotate", "degrees": 180}]),
            source.rotate180(),
        ),
        (
            json!([{"op": "rotate", "degrees": 270}]),
            source.rotate270(),
        ),
        (
            json!([{"op": "flip", "axis": "horizontal"}]),
            source.fliph(),
        ),
        (json!([{"op": "flip", "axis": "vertical"}]), source.flipv()),
        (json!([{"op": "grayscale"}]), source.grayscale()),
        (json!([{"op": "blur", "sigma": 2.5}]), source.blur(2.5)),
        (json!([{"op": "blur", "sigma": 20}]), source.fast_blur(20.0)),
        (
            json!([{"op": "sharpen", "sigma": 1.5, "threshold": 3}]),
            source.unsharpen(1.5, 3),
        ),
        (
            json!([crop, turned]),
            source.crop_imm(8, 4, 30, 20).rotate90(),
        ),
        (
            json!([turned, crop]),
            source.rotate90().crop_imm(8, 4, 30, 20),
        ),
        (json!([]), source.clone()),
    ] {
        let made = studio.make("rgb.png", operations.clone(), json!({"path": "out.png"}));
        assert_eq!(apart(&made, &expected), (0.0, 0), "{operations}");
    }
}

#[test]
fn a_mark_is_laid_over_every_output() {
    let studio = Studio::new();
    studio.put_picture("baseline.jpg");
    let mark = RgbaImage::from_fn(10, 10, |x, _| {
        Rgba([255, 255, 255, if x < 5 { 255 } else { 0 }])
    });
    studio.put("mark.png", &png(DynamicImage::ImageRgba8(mark)));
    let plain = studio
        .make("baseline.jpg", json!([]), json!({"path": "plain.png"}))
        .to_rgb8();
    let over = json!([{"op": "overlay", "path": "mark.png", "x": 50, "y": -5, "opacity": 0.5}]);
    let made = studio
        .make("baseline.jpg", over, json!({"path": "out.png"}))
        .to_rgb8();
    for (x, y, pixel) in made.enumerate_pixels() {
        let under = plain.get_pixel(x, y).0;
        let marked = (50..55).contains(&x) && y < 5;
        let expected = under.map(|c| {
            if marked {
                (f32::from(c) * 0.5 + 127.5).round() as u8
            } else {
                c
            }
        });
        assert_eq!(pixel.0, expected, "at {x}, {y}");
    }
}

#[test]
fn what_is_transparent_becomes_white_in_a_jpeg_and_stays_so_elsewhere() {
    let studio = Studio::new();
    let clear = RgbaImage::from_pixel(16, 16, Rgba([255, 0, 0, 0]));
    studio.put("clear.png", &png(DynamicImage::ImageRgba8(clear)));
    let jpeg = studio
        .make("clear.png", json!([]), json!({"path": "out.jpg"}))
        .to_rgb8();
    assert!(jpeg.pixels().all(|pixel| pixel.0.iter().all(|c| *c >= 254)));
    for path in ["out.png", "out.webp", "out.tif", "out.gif"] {
        let made = studio
            .make("clear.png", json!([]), json!({"path": path}))
            .to_rgba8();
        assert!(made.pixels().all(|pixel| pixel[3] == 0), "{path}");
    }
}

/// A pixel of a GIF is there or not.
#[test]
fn half_the_alpha_decides_in_a_gif() {
    let studio = Studio::new();
    let faint = RgbaImage::from_fn(16, 16, |x, _| Rgba([200, 30, 60, x as u8 * 17]));
    studio.put("faint.png", &png(DynamicImage::ImageRgba8(faint)));
    let made = studio
        .make("faint.png", json!([]), json!({"path": "out.gif"}))
        .to_rgba8();
    for (x, _, pixel) in made.enumerate_pixels() {
        let expected = if x * 17 < 128 { 0 } else { 255 };
        assert_eq!(pixel[3], expected, "at {x}");
    }
}

#[test]
fn quality_means_something_for_jpeg_and_webp() {
    let studio = Studio::new();
    studio.put_picture("rgb.png");
    let size = |path: &str, quality: Option<u8>| {
        let mut target = json!({"path": path, "width": 320, "enlarge": true});
        if let Some(quality) = quality {
            target["quality"] = json!(quality);
        }
        studio.make("rgb.png", json!([]), target);
        fs::metadata(studio.path(path)).expect("a file").len()
    };
    for path in ["out.jpg", "out.webp"] {
        let (low, middle, high) = (size(path, Some(20)), size(path, None), size(path, Some(95)));
        assert!(
            low < middle && middle < high,
            "{path}: {low}, {middle}, {high}"
        );
    }
}

/// The profile of the colours goes along where there is room for one, and not where it would be wrong.
#[test]
fn the_profile_of_the_colours_goes_along() {
    let studio = Studio::new();
    // Not under the bounds of the general reader, which hide the profile of a small TIFF.
    let profile = |bytes: &[u8]| -> Option<Vec<u8>> {
        let file = Cursor::new(bytes);
        let read = match image::guess_format(bytes).expect("a format") {
            ImageFormat::Jpeg => JpegDecoder::new(file).expect("a JPEG").icc_profile(),
            ImageFormat::Png => PngDecoder::new(file).expect("a PNG").icc_profile(),
            ImageFormat::WebP => WebPDecoder::new(file).expect("a WebP").icc_profile(),
            _ => TiffDecoder::new(file).expect("a TIFF").icc_profile(),
        };
        read.expect("read")
    };
    for source in ["profile.jpg", "rgba.png"] {
        studio.put_picture(source);
        let expected = profile(&picture(source));
        assert!(expected.is_some());
        for path in ["out.jpg", "out.png", "out.webp", "out.tif"] {
            studio.make(source, json!([]), json!({"path": path, "width": 32}));
            let made = fs::read(studio.path(path)).expect("a file");
            assert_eq!(profile(&made), expected, "{source} as {path}");
            studio.make(path, json!([]), json!({"path": "again.jpg"}));
            let again = fs::read(studio.path("again.jpg")).expect("a file");
            assert_eq!(profile(&again), expected, "{source} as {path}, and again");
        }
        studio.make(
            source,
            json!([{"op": "grayscale"}]),
            json!({"path": "grey.png"}),
        );
        assert_eq!(
            profile(&fs::read(studio.path("grey.png")).expect("a file")),
            None
        );
    }
}

#[test]
fn the_door_names_every_wrong_field() {
    let studio = Studio::new();
    let found = studio.check(json!({
        "source": {},
        "operations": [
            {"op": "crop", "x": 0, "y": 0, "width": 0, "height": 1},
            {"op": "rotate", "degrees": 45},
            {"op": "blur", "sigma": 0},
            {"op": "sharpen", "sigma": 11},
            {"op": "overlay", "path": "../mark.png"},
            {"op": "overlay", "path": "mark.png", "opacity": 1.5},
            {"op": "grayscale"}
        ],
        "outputs": [
            {"path": "/etc/out.png"},
            {"path": "out.xyz"},
            {"path": "out.png", "width": 0, "height": 70_000},
            {"path": "a.png", "quality": 50},
            {"path": "a.jpg", "quality": 0},
            {"path": "a.jpg"}
        ]
    }));
    let pointers: Vec<_> = found.iter().map(|wrong| wrong.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/source",
            "/operations/0/width",
            "/operations/1/degrees",
            "/operations/2/sigma",
            "/operations/3/sigma",
            "/operations/4/path",
            "/operations/5/opacity",
            "/outputs/0/path",
            "/outputs/1/format",
            "/outputs/2/width",
            "/outputs/2/height",
            "/outputs/3/quality",
            "/outputs/4/quality",
            "/outputs/5/path",
        ]
    );
    let pointer = |source: Value, outputs: Value| {
        let found = studio.check(json!({"source": source, "outputs": outputs}));
        found
            .into_iter()
            .map(|wrong| wrong.pointer)
            .collect::<Vec<_>>()
    };
    let fine = json!([{"path": "a.png"}]);
    assert_eq!(
        pointer(json!({"path": "a", "base64": ""}), fine.clone()),
        ["/source"]
    );
    assert_eq!(
        pointer(json!({"base64": "?"}), fine.clone()),
        ["/source/base64"]
    );
    assert_eq!(pointer(json!({"path": ""}), fine.clone()), ["/source/path"]);
    assert_eq!(pointer(json!({"path": "a"}), json!([])), ["/outputs"]);
    let many: Vec<_> = (0..33)
        .map(|i| json!({"path": format!("{i}.png")}))
        .collect();
    assert_eq!(pointer(json!({"path": "a"}), json!(many)), ["/outputs"]);
    assert_eq!(pointer(json!({"path": "a"}), fine), [""; 0]);
    let unknown = json!({"source": {"path": "a"}, "operations": [{"op": "grayscale", "x": 1}], "outputs": []});
    let unknown = serde_json::from_value::<windlass::handlers::image::ImagePayload>(unknown);
    assert!(unknown.is_err_and(|err| err.to_string().contains("unknown field `x`")));
}
