//! Every kind of file is read as Pillow reads it.

use std::fs;

use image::Rgba;
use serde_json::json;

use super::{Studio, apart, picture, pictures};

/// Each picture of the folder, resized to 32 × 24 and written as PNG, against the same by Pillow. The measure is the mean
/// distance of all channels: at most one level of 255, which leaves room for the rounding of two JPEG decoders and two
/// resizers, and for nothing that an eye could see. A wrong colour model, a missed turn or a shift by one pixel is above
/// ten.
#[test]
fn files_of_every_kind_are_read_as_another_program_reads_them() {
    let studio = Studio::new();
    let (mut count, mut lines) = (0, Vec::new());
    for entry in fs::read_dir(pictures()).expect("the pictures") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_str().expect("a name");
        if name == "read" || name == "make.py" {
            continue;
        }
        studio.put_picture(name);
        let target = json!({"path": "out.png", "width": 32, "height": 32});
        let made = studio.make(name, json!([]), target);
        let expected = image::load_from_memory(&picture(&format!("read/{name}.png")));
        let (mean, worst) = apart(&made, &expected.expect("Pillow's"));
        lines.push(format!(
            "{name}: {mean:.3} on average, {worst} at the worst"
        ));
        count += 1;
        assert!(mean <= 1.0 && worst <= 24, "{}", lines.join("\n"));
    }
    assert!(count >= 43, "only {count} pictures were there");
    println!("{}", lines.join("\n"));
}

#[test]
fn the_result_tells_what_was_read() {
    let studio = Studio::new();
    for (name, format, width, height) in [
        ("baseline.jpg", "jpeg", 64, 48),
        ("orientation-6.jpg", "jpeg", 48, 64),
        ("orientation-3.jpg", "jpeg", 64, 48),
        ("deep.png", "png", 64, 48),
        ("frames.gif", "gif", 64, 48),
        ("turned.webp", "webp", 48, 64),
        ("turned.tif", "tiff", 48, 64),
        ("plain.bmp", "bmp", 64, 48),
    ] {
        // What a file is, its content says, not its name.
        studio.put("source.xyz", &picture(name));
        let result = studio.run(json!({
            "source": {"path": "source.xyz"},
            "outputs": [{"path": "out.png", "width": 7}]
        }));
        let expected = json!({"format": format, "width": width, "height": height});
        assert_eq!(result.expect("read")["source"], expected, "{name}");
    }
}

/// A JPEG with an EXIF block written by hand, as a camera that is held in each of the eight ways writes it: the corner
/// that was at the top left of the scene must be there again.
#[test]
fn all_eight_orientations_come_out_upright() {
    let scene = image::RgbImage::from_fn(40, 24, |x, y| match (x < 20, y < 12) {
        (true, true) => image::Rgb([255, 0, 0]),
        (false, true) => image::Rgb([0, 255, 0]),
        (true, false) => image::Rgb([0, 0, 255]),
        (false, false) => image::Rgb([255, 255, 255]),
    });
    let scene = image::DynamicImage::ImageRgb8(scene);
    let studio = Studio::new();
    for (orientation, held) in [
        (1, scene.clone()),
        (2, scene.fliph()),
        (3, scene.rotate180()),
        (4, scene.flipv()),
        (5, scene.rotate90().fliph()),
        (6, scene.rotate270()),
        (7, scene.rotate270().fliph()),
        (8, scene.rotate90()),
    ] {
        let mut file = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, 95);
        encoder
            .add_exif_metadata(&exif(orientation))
            .expect("a block");
        let side = |side: u32| u16::try_from(side).expect("small");
        let (width, height) = (side(held.width()), side(held.height()));
        encoder
            .encode(held.as_bytes(), width, height, jpeg_encoder::ColorType::Rgb)
            .expect("a file");
        studio.put("held.jpg", &file);
        let made = studio.make("held.jpg", json!([]), json!({"path": "out.png"}));
        let (mean, _) = apart(&made, &scene);
        assert!(mean < 3.0, "orientation {orientation}: {mean} apart");
        // Written back, it must not turn again.
        let again = studio.make("held.jpg", json!([]), json!({"path": "out.jpg"}));
        let (mean, _) = apart(&again, &scene);
        assert!(
            mean < 6.0,
            "orientation {orientation} as JPEG: {mean} apart"
        );
        let file = fs::read(studio.path("out.jpg")).expect("a file");
        assert!(!file.windows(4).any(|bytes| bytes == b"Exif"));
    }
}

/// A TIFF block with one entry: tag 0x0112, a short.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    block.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0]);
    block
}

#[test]
fn sixteen_bits_stay_sixteen_where_the_format_has_them() {
    let studio = Studio::new();
    studio.put_picture("deep.png");
    for (path, color) in [
        ("out.png", image::ColorType::Rgb16),
        ("out.tiff", image::ColorType::Rgb16),
        ("out.jpg", image::ColorType::Rgb8),
        ("out.webp", image::ColorType::Rgb8),
        ("out.bmp", image::ColorType::Rgb8),
    ] {
        let made = studio.make("deep.png", json!([]), json!({"path": path, "width": 20}));
        assert_eq!(made.color(), color, "{path}");
    }
}

/// Ink is no light: a CMYK file from a press holds its values turned round (Adobe's way), in both colour models.
#[test]
fn cmyk_files_get_the_colours_of_their_inks() {
    let studio = Studio::new();
    let inks = [
        ([0u8, 0, 0, 0], [255, 255, 255]),
        ([255, 0, 0, 0], [0, 255, 255]),
        ([0, 255, 255, 0], [255, 0, 0]),
        ([0, 0, 0, 255], [0, 0, 0]),
        ([0, 0, 0, 128], [127, 127, 127]),
    ];
    for color in [
        jpeg_encoder::ColorType::Cmyk,
        jpeg_encoder::ColorType::CmykAsYcck,
    ] {
        for (ink, light) in inks {
            let pixels = ink.repeat(16 * 16);
            let mut file = Vec::new();
            jpeg_encoder::Encoder::new(&mut file, 100)
                .encode(&pixels, 16, 16, color)
                .expect("a file");
            studio.put("ink.jpg", &file);
            let made = studio
                .make("ink.jpg", json!([]), json!({"path": "out.png"}))
                .to_rgba8();
            let Rgba([r, g, b, _]) = *made.get_pixel(8, 8);
            let worst = [r, g, b]
                .iter()
                .zip(light)
                .map(|(a, b)| a.abs_diff(b))
                .max();
            assert!(
                worst <= Some(3),
                "{color:?}, ink {ink:?}: {:?} for {light:?}",
                [r, g, b]
            );
        }
    }
}
