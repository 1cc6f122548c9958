"""Pillow beside the image handler.

`make FOLDER` writes files of every format, colour type, depth and orientation into FOLDER, and what Pillow reads from each,
turned as its orientation says, into FOLDER/read/<name>.png: whole, and resized to 32 pixels a side at most with Lanczos
into FOLDER/small/<name>.png. What Pillow cannot write is put together by hand here, and read by Pillow.

`look` opens files with Pillow: [path, ...] comes in as JSON, [{"format", "size", "mode", "profile"}, ...] goes out. With
a second path beside a first, [[path, other], ...], both pictures are compared over white: {"mean", "worst"} in levels of 255.
"""

import io
import json
import math
import pathlib
import struct
import sys
import zlib

from PIL import Image, ImageCms, ImageOps

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
    steep = Image.linear_gradient("L").resize((WIDTH, HEIGHT))
    return steep.point(lambda a: max(0, min(255, 2 * a - 128)))


def wide_gamut():
    """The profile of a screen that shows more than sRGB: its primaries are those of Display P3."""
    def curve(gamma):
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"

    def xyz(*values):
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    text = b"wide"
    tags = [
        (b"desc", b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + bytes(79)),
        (b"cprt", b"text\0\0\0\0none"),
        (b"wtpt", xyz(0.9642, 1.0, 0.8249)),
        (b"rXYZ", xyz(0.51512, 0.2412, -0.00105)),
        (b"gXYZ", xyz(0.29198, 0.69225, 0.04189)),
        (b"bXYZ", xyz(0.1571, 0.06657, 0.78407)),
    ] + [(name, curve(1.8)) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return icc(b"RGB ", tags)


def bright_grey():
    """A profile of grey with another curve than that of sRGB."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(1.2 * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in (0.9642, 1.0, 0.8249))
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"grey" + bytes(80)
    return icc(b"GRAY", [(b"desc", text), (b"cprt", b"text\0\0\0\0none"), (b"wtpt", white), (b"kTRC", curve)])


def icc(space, tags):
    at, table, body = 132 + 12 * len(tags), b"", b""
    for name, data in tags:
        table += struct.pack(">4sII", name, at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D) + bytes(48)
    assert len(head) == 128
    return head + struct.pack(">I", len(tags)) + table + body


def deep_png(image):
    """16 bits a channel, of which Pillow writes grey only; the low byte is noise that must not matter much."""
    rows = b""
    for y in range(HEIGHT):
        rows += b"\0"
        for x in range(WIDTH):
            pixel = image.getpixel((x, y))
            for value in pixel if isinstance(pixel, tuple) else [pixel]:
                rows += struct.pack(">H", value * 256 + (x * 31 + y * 17) % 256)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    color = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}[image.mode]
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, color, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def packed_tiff(image, bits, order, compression, colours=None):
    """A TIFF of several samples a byte, which Pillow reads and does not write; two strips, the second one lower."""
    samples = list(image.getdata())
    if colours is None:
        samples = [v >> (8 - bits) for v in samples]
    rows = []
    for y in range(HEIGHT):
        packed, row = 0, samples[y * WIDTH:(y + 1) * WIDTH]
        for v in row:
            packed = packed << bits | v
        rows.append(packed.to_bytes(WIDTH * bits // 8, "big"))
    strips = [b"".join(rows[:32]), b"".join(rows[32:])]
    if compression == 8:
        strips = [zlib.compress(strip) for strip in strips]
    e = {"II": "<", "MM": ">"}[order]
    data = b"".join(strips)
    end = 8 + len(data)
    places = struct.pack(e + "4I", 8, 8 + len(strips[0]), len(strips[0]), len(strips[1]))
    palette = b""
    if colours is not None:
        each = 1 << bits
        colours = colours + [0] * (3 * each - len(colours))
        palette = struct.pack(f"{e}{3 * each}H", *[colours[3 * i + c] * 257 for c in range(3) for i in range(each)])
    entries = [
        (256, 4, 1, WIDTH), (257, 4, 1, HEIGHT), (258, 3, 1, bits), (259, 3, 1, compression),
        (262, 3, 1, 1 if colours is None else 3), (273, 4, 2, end), (277, 3, 1, 1), (278, 4, 1, 32), (279, 4, 2, end + 8),
    ]
    if palette:
        entries.append((320, 3, len(palette) // 2, end + 16))
    directory = struct.pack(e + "H", len(entries))
    for tag, kind, count, value in entries:
        short = kind == 3 and count == 1
        directory += struct.pack(e + "HHI", tag, kind, count) + struct.pack(e + ("HH" if short else "I"), value, *[0] * short)
    directory += bytes(4)
    head = order.encode() + struct.pack(e + "HI", 42, end + 16 + len(palette))
    return head + data + places + palette + directory


def flat(read):
    """What Pillow read, with 8 bits a channel, in RGBA."""
    if read.mode.startswith("I"):
        read = read.convert("I").point(lambda v: v / 256).convert("L")
    has_alpha = "A" in read.mode or "transparency" in read.info
    return read.convert("RGBA" if has_alpha else "RGB").convert("RGBA")


def make(folder):
    for name in ("read", "small"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rgb = base()
    grey, rgba = rgb.convert("L"), rgb.copy()
    rgba.putalpha(alpha())
    la = grey.convert("LA")
    la.putalpha(alpha())
    few = rgb.quantize(32)
    two = grey.convert("1", dither=Image.Dither.NONE)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    def reference(name, expected=None):
        read = flat(expected or ImageOps.exif_transpose(Image.open(folder / name)))
        read.save(folder / "read" / f"{name}.png")
        size = (24, 32) if read.width < read.height else (32, 24)
        read.resize(size, Image.LANCZOS).save(folder / "small" / f"{name}.png")

    def put(name, image, **how):
        image.save(folder / name, **how)
        reference(name)

    def put_bytes(name, data, expected=None):
        (folder / name).write_bytes(data)
        reference(name, expected)

    put("baseline.jpg", rgb, quality=92, subsampling=0)
    put("subsampled.jpg", rgb, quality=85)
    put("half.jpg", rgb, quality=85, subsampling=1)
    put("progressive.jpg", rgb, quality=92, progressive=True, subsampling=0)
    put("restarts.jpg", rgb, quality=92, subsampling=0, restart_marker_blocks=3)
    put("grey.jpg", grey, quality=92)
    put("grey-progressive.jpg", grey, quality=92, progressive=True)
    put("cmyk.jpg", rgb.convert("CMYK"), quality=95)
    put("profile.jpg", rgb, quality=85, icc_profile=srgb)
    put("rgb.png", rgb)
    put("rgba.png", rgba, icc_profile=srgb)
    put("grey.png", grey)
    put("grey-alpha.png", la)
    put("wide.png", rgb, icc_profile=wide_gamut())
    put("wide-alpha.png", rgba, icc_profile=wide_gamut())
    put("bright-grey.png", grey, icc_profile=bright_grey())
    put("palette.png", few)
    put("palette-transparent.png", few, transparency=3)
    for bits in (1, 2, 4):
        put(f"palette-{bits}.png", rgb.quantize(1 << bits), bits=bits)
    put("two.png", two)
    for name, image in (("", rgb), ("-grey", grey), ("-alpha", rgba), ("-grey-alpha", la)):
        put_bytes(f"deep{name}.png", deep_png(image), image)
    put("palette.gif", few)
    put("not-interlaced.gif", few, interlace=0)
    put("transparent.gif", few, transparency=3)
    put("frames.gif", few, save_all=True, append_images=[few.rotate(180)])
    put("grey.gif", grey)
    put("lossy.webp", rgb, quality=90)
    put("lossless.webp", rgb, lossless=True)
    put("alpha.webp", rgba, lossless=True)
    put("lossy-alpha.webp", rgba, quality=90)
    put("frames.webp", rgb, lossless=True, save_all=True, append_images=[rgb.rotate(180)])
    for kind in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        for name, image in (("rgb", rgb), ("rgba", rgba), ("grey", grey), ("palette", few), ("two", two)):
            put(f"{name}-{kind}.tif", image, compression=kind)
    put("fax.tif", two, compression="group4")
    put("jpeg.tif", rgb, compression="jpeg")
    put("cmyk.tif", rgb.convert("CMYK"))
    put("predicted.tif", rgb, compression="tiff_lzw", tiffinfo={317: 2})
    deep = b"".join(struct.pack("<H", v * 257) for v in grey.tobytes())
    put("deep.tif", Image.frombytes("I;16", (WIDTH, HEIGHT), deep))
    for bits in (2, 4):
        numbers = rgb.quantize(1 << bits)
        for order, compression in (("II", 1), ("MM", 8)):
            put_bytes(f"grey-{bits}-{order}.tif", packed_tiff(grey, bits, order, compression))
            data = packed_tiff(numbers, bits, order, compression, numbers.getpalette())
            put_bytes(f"palette-{bits}-{order}.tif", data)
    put("plain.bmp", rgb)
    put("alpha.bmp", rgba)
    put("palette.bmp", few)
    put("grey.bmp", grey)
    put("two.bmp", two)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        put(f"orientation-{orientation}.jpg", rgb, quality=92, subsampling=0, exif=exif)
        put(f"orientation-{orientation}.png", rgb, exif=exif)
        put(f"orientation-{orientation}.webp", rgb, lossless=True, exif=exif)
        put(f"orientation-{orientation}.tif", rgb, tiffinfo={0x0112: orientation})


def as_srgb(image):
    """The picture with the colours that its profile means."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    profile, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    return ImageCms.profileToProfile(image, profile, srgb, outputMode=mode)


def over_white(path):
    image = as_srgb(ImageOps.exif_transpose(Image.open(path)))
    image.load()
    image = flat(image)
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def look(asked):
    if isinstance(asked, list):
        one, other = (over_white(path) for path in asked)
        if one.size != other.size:
            return {"mean": 255.0, "worst": 255, "sizes": [one.size, other.size]}
        apart = [abs(a - b) for a, b in zip(one.tobytes(), other.tobytes())]
        return {"mean": sum(apart) / len(apart), "worst": max(apart)}
    image = Image.open(asked)
    image.load()
    profile = "icc_profile" in image.info
    return {"format": image.format, "size": image.size, "mode": image.mode, "profile": profile}


if sys.argv[1] == "make":
    make(pathlib.Path(sys.argv[2]))
else:
    print(json.dumps([look(asked) for asked in json.load(sys.stdin)]))
