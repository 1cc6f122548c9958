//! Every kind of file is read as Pillow reads it.

use std::fs;

use image::Rgba;
use serde_json::{Value, json};

use super::pillow::{look, pictures};
use super::{Studio, apart, picture};

/// The names of all pictures that Pillow made.
fn names() -> Vec<String> {
    let folder = fs::read_dir(pictures()).expect("the pictures");
    let entries = folder.map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<_> = files
        .map(|entry| entry.file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    names
}

/// Every picture, as it is and resized to 32 pixels a side at most, against the same by Pillow. The measure is the mean
/// distance of all channels, each weighed by its alpha: at most one level of 255, which leaves room for the rounding of two
/// JPEG decoders and two resizers, and for nothing that an eye could see. A wrong colour model, a missed turn or a shift by
/// one pixel is above ten. Sizes are the same.
#[test]
fn files_of_every_kind_are_read_as_another_program_reads_them() {
    let studio = Studio::new();
    let mut lines = Vec::new();
    for name in names() {
        studio.put_picture(&name);
        for (kind, target) in [
            ("read", json!({"path": "out.png"})),
            (
                "small",
                json!({"path": "out.png", "width": 32, "height": 32}),
            ),
        ] {
            let made = studio.make(&name, json!([]), target);
            let expected = image::load_from_memory(&picture(&format!("{kind}/{name}.png")));
            let (mean, worst) = apart(&made, &expected.expect("Pillow's"));
            lines.push(format!(
                "{name}, {kind}: {mean:.3} on average, {worst} at the worst"
            ));
            assert!(mean <= 1.0 && worst <= 24, "{}", lines.join("\n"));
        }
    }
    assert!(
        lines.len() >= 2 * 106,
        "only {} pictures were there",
        lines.len() / 2
    );
    println!("{}", lines.join("\n"));
}

const ALPHA: [&str; 5] = [
    "rgba.png",
    "grey-alpha.png",
    "deep-alpha.png",
    "deep-grey-alpha.png",
    "wide-alpha.png",
];

/// Every kind of picture in every format that we write: Pillow opens it, and sees that format, the size that was asked for
/// and the picture that it sees in the source. Over white, since JPEG and BMP have no alpha, and by what the profile says
/// of the colours. The measure is the mean distance as above: up to two levels where a format loses nothing, ten where it
/// is lossy (Pillow's own JPEG of the same quality is five away from the first of them, and dithered ones are worse), twelve
/// in a GIF's 256 colours. A missed turn is at sixty.
#[test]
fn another_program_reads_what_is_written() {
    let studio = Studio::new();
    let (mut asked, mut expected) = (Vec::new(), Vec::new());
    for source in [
        "rgb.png",
        "rgba.png",
        "grey.png",
        "grey-alpha.png",
        "deep.png",
        "deep-alpha.png",
        "deep-grey.png",
        "deep-grey-alpha.png",
        "palette.gif",
        "cmyk.jpg",
        "orientation-6.jpg",
        "wide.png",
        "wide-alpha.png",
        "bright-grey.png",
    ] {
        studio.put_picture(source);
        for (format, ending, worst) in [
            ("JPEG", "jpg", 10.0),
            ("PNG", "png", 2.0),
            ("WEBP", "webp", 10.0),
            ("GIF", "gif", 12.0),
            ("TIFF", "tif", 2.0),
            ("BMP", "bmp", 2.0),
        ] {
            let path = format!("{source}.{ending}");
            let target = json!({"path": path, "width": 40});
            let run = json!({"source": {"path": source}, "outputs": [target, {"path": format!("whole-{path}")}]});
            let result = studio.run(run).expect("made");
            let whole = studio.path(&format!("whole-{path}"));
            asked.push(json!(studio.path(&path)));
            let as_seen = studio.path(source);
            asked.push(json!([whole, as_seen]));
            expected.push((source, path, format, result["outputs"][0].clone(), worst));
        }
    }
    let mut said = look(&Value::from(asked)).into_iter();
    for (source, path, format, made, worst) in expected {
        let (file, alike) = (
            said.next().expect("the file"),
            said.next().expect("compared"),
        );
        assert_eq!(file["format"], format, "{path}");
        assert_eq!(
            file["size"],
            json!([made["width"], made["height"]]),
            "{path}"
        );
        println!("{path}: {file} {alike}");
        // A GIF has no faint pixels, so over white it is another picture.
        let faint = format == "GIF" && ALPHA.contains(&source);
        let mean = alike["mean"].as_f64().expect("a number");
        assert!(faint || mean <= worst, "{path}: {alike}");
    }
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
        ("orientation-5.webp", "webp", 48, 64),
        ("orientation-8.tif", "tiff", 48, 64),
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
