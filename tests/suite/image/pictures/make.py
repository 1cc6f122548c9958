#!/usr/bin/env python3
"""Makes the pictures of this folder: what Pillow writes in many formats, and what Pillow reads from each.

`python3 -m pip install pillow && python3 tests/suite/image/pictures/make.py`. The files are kept in the repository, so that
the tests need no Pillow. `read/<name>.png` is what Pillow makes of `<name>`: turned as the EXIF orientation says, and
resized to 32 x 24 (24 x 32 if it stands) with Lanczos.
"""
import math
import pathlib
import struct
import zlib

from PIL import Image, ImageCms, ImageOps

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 64, 48


def base():
    """A picture whose corners differ, with soft and hard edges."""
    image = Image.new("RGB", (WIDTH, HEIGHT))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            wave = 0.5 + 0.5 * math.sin(x / 5) * math.cos(y / 7)
            red = 255 * x // (WIDTH - 1)
            green = 255 * y // (HEIGHT - 1)
            blue = int(255 * wave)
            if 8 <= x < 24 and 6 <= y < 14:
                red, green, blue = 220, 40, 30
            if (x - 46) ** 2 + (y - 32) ** 2 < 81:
                red, green, blue = 30, 60, 200
            image.putpixel((x, y), (red, green, blue))
    return image


def alpha():
    return Image.linear_gradient("L").resize((WIDTH, HEIGHT)).point(lambda a: max(0, min(255, 2 * a - 128)))


def deep_png(name, channels):
    """16 bits a channel, which Pillow writes for grey only: the low byte is noise that must not matter much."""
    image = base() if channels == 3 else base().convert("L")
    color = 2 if channels == 3 else 0
    rows = b""
    for y in range(HEIGHT):
        rows += b"\0"
        for x in range(WIDTH):
            pixel = image.getpixel((x, y))
            for value in pixel if channels == 3 else [pixel]:
                rows += struct.pack(">H", value * 256 + (x * 31 + y * 17) % 256)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, color, 0, 0, 0)
    (HERE / name).write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    )
    image.resize((32, 24), Image.LANCZOS).convert("RGBA").save(HERE / "read" / f"{name}.png")


def main():
    (HERE / "read").mkdir(exist_ok=True)
    rgb, grey = base(), base().convert("L")
    rgba, la = rgb.copy(), grey.convert("LA")
    rgba.putalpha(alpha())
    la.putalpha(alpha())
    few = rgb.quantize(32)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    def put(name, image, **how):
        image.save(HERE / name, **how)
        read = ImageOps.exif_transpose(Image.open(HERE / name))
        read.load()
        standing = read.width < read.height
        read = read.convert("I").point(lambda v: v / 256).convert("L") if read.mode.startswith("I") else read
        read = read.convert("RGBA" if "A" in read.mode or "transparency" in read.info else "RGB")
        read.resize((24, 32) if standing else (32, 24), Image.LANCZOS).convert("RGBA").save(HERE / "read" / f"{name}.png")

    put("baseline.jpg", rgb, quality=92, subsampling=0)
    put("subsampled.jpg", rgb, quality=85)
    put("progressive.jpg", rgb, quality=92, progressive=True, subsampling=0)
    put("grey.jpg", grey, quality=92)
    put("cmyk.jpg", rgb.convert("CMYK"), quality=95)
    put("profile.jpg", rgb, quality=85, icc_profile=srgb)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        put(f"orientation-{orientation}.jpg", rgb, quality=92, subsampling=0, exif=exif)
    put("rgb.png", rgb)
    put("rgba.png", rgba, icc_profile=srgb)
    put("grey.png", grey)
    put("grey-alpha.png", la)
    put("palette.png", few)
    put("palette-transparent.png", few, transparency=3)
    put("two.png", grey.convert("1", dither=Image.Dither.NONE))
    deep_png("deep.png", 3)
    deep_png("deep-grey.png", 1)
    put("palette.gif", few)
    put("transparent.gif", few, transparency=3)
    put("frames.gif", few, save_all=True, append_images=[few.rotate(180)])
    put("lossy.webp", rgb, quality=90)
    put("lossless.webp", rgb, lossless=True)
    put("alpha.webp", rgba, lossless=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    put("turned.webp", rgb, lossless=True, exif=exif)
    put("plain.tif", rgb)
    put("lzw.tif", rgb, compression="tiff_lzw")
    put("deflate.tif", rgba, compression="tiff_adobe_deflate")
    put("packbits.tif", grey, compression="packbits")
    put("cmyk.tif", rgb.convert("CMYK"))
    put("palette.tif", few)
    put("palette-lzw.tif", few, compression="tiff_lzw")
    put("two.tif", grey.convert("1", dither=Image.Dither.NONE))
    put("deep.tif", Image.frombytes("I;16", (WIDTH, HEIGHT), b"".join(struct.pack("<H", v * 257) for v in grey.tobytes())))
    put("jpeg.tif", rgb, compression="jpeg")
    put("turned.tif", rgb, tiffinfo={0x0112: 6})
    put("plain.bmp", rgb)
    put("palette.bmp", few)
    put("grey.bmp", grey)


main()
