//! Files that claim far more than they hold.

use serde_json::{Value, json};
use windlass::job::ErrorKind;

use super::{Studio, dead, picture};

/// The checksum of PNG.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc: u32, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fn png_head(width: u32, height: u32, depth: u8, color: u8) -> Vec<u8> {
    let mut head = b"IHDR".to_vec();
    head.extend_from_slice(&width.to_be_bytes());
    head.extend_from_slice(&height.to_be_bytes());
    head.extend_from_slice(&[depth, color, 0, 0, 0]);
    let sum = crc(&head).to_be_bytes();
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\x0d",
        head.as_slice(),
        &sum,
        b"\0\0\0\0IDAT\x35\xaf\x06\x1e",
    ]
    .concat()
}

fn bmp_head(width: i32, height: i32) -> Vec<u8> {
    let mut file = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    file.extend_from_slice(&width.to_le_bytes());
    file.extend_from_slice(&height.to_le_bytes());
    file.extend_from_slice(b"\x01\0\x18\0");
    file.resize(200, 0);
    file
}

fn gif_head(width: u16, height: u16) -> Vec<u8> {
    let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
    let frame = [b",\0\0\0\0".as_slice(), &sides, b"\0\x02\0;"].concat();
    [
        b"GIF89a",
        sides.as_slice(),
        b"\x80\0\0\0\0\0\xff\xff\xff",
        &frame,
    ]
    .concat()
}

/// A JPEG of three colours, with a frame and a scan that has next to nothing in it.
fn jpeg_head(width: u16, height: u16) -> Vec<u8> {
    let sides = [height.to_be_bytes(), width.to_be_bytes()].concat();
    [
        b"\xff\xd8\xff\xdb\0\x43\0".as_slice(),
        &[1; 64],
        b"\xff\xc0\0\x11\x08",
        &sides,
        b"\x03\x01\x11\0\x02\x11\0\x03\x11\0",
        b"\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\x3f\0\0\xff\xd9",
    ]
    .concat()
}

/// A lossless WebP.
fn webp_head(width: u32, height: u32) -> Vec<u8> {
    let sides = ((width - 1) | (height - 1) << 14).to_le_bytes();
    let picture = [b"VP8L\x05\0\0\0\x2f".as_slice(), &sides, b"\0"].concat();
    riff(&picture)
}

/// A WebP of the extended kind, whose canvas has other sides than the picture in it.
fn webp_canvas(width: u32, height: u32) -> Vec<u8> {
    let mut chunks = b"VP8X\x0a\0\0\0\0\0\0\0".to_vec();
    for side in [width, height] {
        chunks.extend_from_slice(&(side - 1).to_le_bytes()[..3]);
    }
    chunks.extend_from_slice(&webp_head(1, 1)[12..]);
    riff(&chunks)
}

fn riff(chunks: &[u8]) -> Vec<u8> {
    let length = u32::try_from(4 + chunks.len()).expect("short");
    [b"RIFF", length.to_le_bytes().as_slice(), b"WEBP", chunks].concat()
}

/// A TIFF of one strip, stored as it is, that claims to have so many bytes.
fn tiff_head(width: u32, height: u32, strip: u32) -> Vec<u8> {
    let entries: [(u16, u16, u32); 9] = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8 << 16),
        (259, 3, 1 << 16),
        (262, 3, 1 << 16),
        (273, 4, 8),
        (277, 3, 1 << 16),
        (278, 4, height),
        (279, 4, strip),
    ];
    let mut file = b"MM\0\x2a\0\0\0\x08\0\x09".to_vec();
    for (tag, kind, value) in entries {
        file.extend_from_slice(&tag.to_be_bytes());
        file.extend_from_slice(&kind.to_be_bytes());
        file.extend_from_slice(&1u32.to_be_bytes());
        file.extend_from_slice(&value.to_be_bytes());
    }
    file.extend_from_slice(&[0; 4]);
    file
}

/// A PNG of eight pixels a side whose profile is half a gigabyte of nothing, in half a megabyte.
pub fn png_with_a_profile_of_nothing() -> Vec<u8> {
    let mut file = picture("rgb.png");
    let mut bits = Bits::default();
    // The head of zlib, and of the last block, which is in the fixed code: one zero, then matches of 258 bytes (285) with
    // what lies one byte back (0), and the end (256). Codes have their highest bit first.
    bits.put(0x78 | 0x9c << 8, 16);
    bits.put(0b011, 3);
    bits.put(0x30u32.reverse_bits() >> 24, 8);
    for _ in 0..(512 << 20) / 258 {
        bits.put(0b1100_0101u32.reverse_bits() >> 24, 8);
        bits.put(0, 5);
    }
    bits.put(0, 7);
    let mut chunk = b"iCCPnothing\0\0".to_vec();
    chunk.extend_from_slice(&bits.bytes());
    let length = u32::try_from(chunk.len() - 4).expect("short").to_be_bytes();
    let sum = crc(&chunk).to_be_bytes();
    let chunk = [length.as_slice(), &chunk, &sum].concat();
    // After the head, before the data.
    file.splice(33..33, chunk);
    file
}

/// Bits from the lowest of each byte on.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    left: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.left |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.left.to_le_bytes()[0]);
            self.left >>= 8;
            self.count -= 8;
        }
    }

    fn bytes(mut self) -> Vec<u8> {
        self.put(0, 7);
        self.bytes
    }
}

/// Files that claim more than is taken in, of every format: 50,000 pixels a side, or a gigabyte or more in less than 200
/// bytes.
pub fn claims_beyond_the_bounds() -> Vec<(&'static str, Vec<u8>)> {
    let bombs = vec![
        ("50,000 × 50,000 as PNG", png_head(50_000, 50_000, 8, 2)),
        ("1 GB of 16 bits as PNG", png_head(12_000, 12_000, 16, 6)),
        ("the largest PNG", png_head(0x7fff_ffff, 0x7fff_ffff, 8, 6)),
        ("50,000 × 50,000 as BMP", bmp_head(50_000, 50_000)),
        ("1 GB as BMP", bmp_head(18_918, 18_918)),
        ("the largest BMP", bmp_head(i32::MAX, i32::MAX)),
        ("50,000 × 50,000 as GIF", gif_head(50_000, 50_000)),
        ("1 GB as GIF", gif_head(16_384, 16_384)),
        ("50,000 × 50,000 as JPEG", jpeg_head(50_000, 50_000)),
        ("1 GB as JPEG", jpeg_head(18_918, 18_918)),
        ("50,000 × 50,000 as TIFF", tiff_head(50_000, 50_000, 100)),
        ("1 GB as TIFF", tiff_head(32_768, 32_768, 100)),
        ("1 GB as WebP", webp_head(16_383, 16_383)),
        ("50,000 × 50,000 as WebP", webp_canvas(50_000, 50_000)),
    ];
    assert!(bombs.iter().all(|(_, bytes)| bytes.len() <= 200));
    bombs
}

/// Claims that are within the bounds, and nothing behind them.
pub fn claims_without_content() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("PNG", png_head(9_000, 9_000, 8, 2)),
        ("BMP", bmp_head(9_000, 9_000)),
        ("GIF", gif_head(9_000, 9_000)),
        ("JPEG", jpeg_head(9_000, 9_000)),
        ("TIFF", tiff_head(9_000, 9_000, 1_000_000_000)),
        ("WebP", webp_head(9_000, 9_000)),
    ]
}

fn job(source: &str) -> Value {
    json!({"source": {"path": source}, "outputs": [{"path": "one.png"}, {"path": "two.jpg", "width": 8}]})
}

/// How much memory that takes is measured by `process::image`, in a process where nothing else goes on.
#[test]
fn bombs_are_refused_by_their_headers() {
    let studio = Studio::new();
    for (name, bytes) in claims_beyond_the_bounds() {
        studio.put("bomb", &bytes);
        let failure = studio.run(job("bomb")).expect_err(name);
        let error = failure.error();
        assert_eq!(
            error.kind,
            ErrorKind::Permanent,
            "{name}: {}",
            error.message
        );
        let told = ["large", "more than the 100000000", "corrupt"];
        assert!(
            told.iter().any(|words| error.message.contains(words)),
            "{name}: {}",
            error.message
        );
        assert_eq!(studio.names(), ["bomb"], "{name}");
    }
}

#[test]
fn claims_without_content_are_dead() {
    let studio = Studio::new();
    for (name, bytes) in claims_without_content() {
        studio.put("claim", &bytes);
        dead(studio.run(job("claim")), "`claim`");
        assert_eq!(studio.names(), ["claim"], "{name}");
    }
}
