#!/usr/bin/env python3
"""Writes the reference files of src/media: pictures and videos of every kind, and what Pillow and transformers make of them.

    python tools/oracle_media.py tests/data/media        # Pillow 13, transformers 4.57, numpy, torch, PyAV

expected.json holds the versions, per picture the size and the SHA-256 of Pillow's exif_transpose + convert("RGB") pixels, and the
hashes of resize, smart_resize and Qwen2VLImageProcessor results on pictures that both sides compute from one formula.
"""
import hashlib, io, json, math, os, random, struct, sys, zlib

import numpy as np
from PIL import Image, ImageOps, features


def synth(w, h, seed):
    """The picture that media_test.cc computes too: ramps, blocks and noise in 32-bit integer arithmetic."""
    y, x, c = np.meshgrid(np.arange(h, dtype=np.uint32), np.arange(w, dtype=np.uint32), np.arange(3, dtype=np.uint32), indexing="ij")
    n = x * np.uint32(374761393) + y * np.uint32(668265263) + c * np.uint32(2246822519) + np.uint32(seed * 3266489917 % 2**32)
    n = (n ^ (n >> np.uint32(13))) * np.uint32(1274126177)
    v = x * (3 + c) + y * (5 + 2 * c) + ((x // 7 + y // 5 + c) % 3) * 60 + (n >> np.uint32(27))
    return Image.fromarray((v & 255).astype(np.uint8), "RGB")


def smooth(w, h, mode="RGB"):
    """Like a photo: what lossy codecs are made for."""
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    a = np.stack([127 + 100 * np.sin(x / (5 + 2 * c) + y / (9 - 2 * c) + c) for c in range(3)], -1)
    a[h // 4 : h // 2, w // 3 : w // 2] = (230, 40, 60)
    im = Image.fromarray(np.clip(a, 0, 255).astype(np.uint8), "RGB")
    if mode == "RGBA":
        im.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, w).astype(np.uint8), (h, 1))))
        return im
    return im.convert(mode)


def sha(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


# ---------------------------------------------------------------- PNG kinds that Pillow does not write
def png(samples, bits, colour, interlace=False, extra=b""):
    """samples: [h, w, channels] integers of `bits` bits; colour: PNG colour type."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    def rows(a):
        out = b""
        for row in a:
            flat = row.reshape(-1)
            if bits == 16:
                out += b"\0" + flat.astype(">u2").tobytes()
            elif bits == 8:
                out += b"\0" + flat.astype(np.uint8).tobytes()
            else:
                b = "".join(format(int(v), f"0{bits}b") for v in flat)
                b += "0" * (-len(b) % 8)
                out += b"\0" + bytes(int(b[i : i + 8], 2) for i in range(0, len(b), 8))
        return out

    h, w = samples.shape[:2]
    if interlace:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        parts = [samples[y::dy, x::dx] for y, x, dy, dx in passes]
        data = b"".join(rows(p) for p in parts if p.size)
    else:
        data = rows(samples)
    head = struct.pack(">IIBBBBB", w, h, bits, colour, 0, 0, int(interlace))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def exif(orientation):
    e = Image.Exif()
    e[0x0112] = orientation
    return e.tobytes()


def pictures():
    """name -> bytes"""
    files = {}

    def save(name, im, fmt, **kw):
        b = io.BytesIO()
        im.save(b, fmt, **kw)
        files[name] = b.getvalue()

    rgb = smooth(61, 45)
    for name, sub in (("444", 0), ("422", 1), ("420", 2)):
        save(f"jpeg_{name}.jpg", rgb, "JPEG", quality=85, subsampling=sub)
    save("jpeg_progressive.jpg", rgb, "JPEG", quality=80, progressive=True)
    save("jpeg_restart.jpg", rgb, "JPEG", quality=70, restart_marker_blocks=3)
    save("jpeg_grey.jpg", rgb.convert("L"), "JPEG")
    save("jpeg_rgb.jpg", rgb, "JPEG", keep_rgb=True)
    save("jpeg_cmyk.jpg", rgb.convert("CMYK"), "JPEG", quality=90)
    cmyk = files["jpeg_cmyk.jpg"]
    at = cmyk.find(b"Adobe") - 4
    files["jpeg_cmyk_no_adobe.jpg"] = cmyk[:at] + cmyk[at + 16 :]
    files["jpeg_ycck.jpg"] = cmyk[: at + 15] + b"\2" + cmyk[at + 16 :]  # the transform flag says YCCK
    save("jpeg_1x1.jpg", smooth(1, 1), "JPEG")
    for o in range(1, 9):
        save(f"jpeg_exif_{o}.jpg", smooth(24, 16), "JPEG", quality=75, exif=exif(o))
    e = exif(6)
    swapped = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0" if e[6:8] == b"II" else b"Exif\0\0II\x2a\0\x08\0\0\0\1\0\x12\x01\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
    save("jpeg_exif_other_endian.jpg", smooth(24, 16), "JPEG", quality=75, exif=swapped)

    r = np.random.default_rng(5)
    for bits in (1, 2, 4, 8, 16):
        g = r.integers(0, 2**bits, (13, 19, 1))
        files[f"png_grey{bits}.png"] = png(g, bits, 0)
        files[f"png_grey{bits}_interlaced.png"] = png(g, bits, 0, True)
    for bits in (8, 16):
        files[f"png_grey_alpha{bits}.png"] = png(r.integers(0, 2**bits, (13, 19, 2)), bits, 4)
        files[f"png_rgb{bits}.png"] = png(r.integers(0, 2**bits, (13, 19, 3)), bits, 2)
        files[f"png_rgb{bits}_interlaced.png"] = png(r.integers(0, 2**bits, (13, 19, 3)), bits, 2, True)
        files[f"png_rgba{bits}.png"] = png(r.integers(0, 2**bits, (13, 19, 4)), bits, 6)
    for bits in (1, 2, 4, 8):
        n = 2**bits
        palette = png_chunk(b"PLTE", r.integers(0, 256, 3 * n, dtype=np.uint8).tobytes())
        index = r.integers(0, n, (13, 19, 1))
        files[f"png_palette{bits}.png"] = png(index, bits, 3, extra=palette)
        files[f"png_palette{bits}_alpha_interlaced.png"] = png(index, bits, 3, True, palette + png_chunk(b"tRNS", bytes(range(0, n))))
    files["png_rgb_trns.png"] = png(r.integers(0, 3, (13, 19, 3)), 8, 2, extra=png_chunk(b"tRNS", b"\0\1\0\1\0\1"))
    files["png_1x1.png"] = png(np.array([[[1, 2, 3]]]), 8, 2)
    files["png_3x1_interlaced.png"] = png(r.integers(0, 256, (1, 3, 3)), 8, 2, True)
    save("png_exif_8.png", smooth(24, 16), "PNG", exif=exif(8))
    save("png_gamma.png", smooth(24, 16), "PNG", icc_profile=None, pnginfo=None)
    files["png_gamma.png"] = png(np.asarray(smooth(24, 16)), 8, 2, extra=png_chunk(b"gAMA", struct.pack(">I", 100000)))
    save("png_animated.png", smooth(24, 16), "PNG", save_all=True, append_images=[synth(24, 16, 1), synth(24, 16, 2)], duration=500)

    save("webp_lossy.webp", rgb, "WEBP", quality=80)
    save("webp_lossless.webp", synth(31, 22, 3), "WEBP", lossless=True)
    save("webp_alpha.webp", smooth(40, 30, "RGBA"), "WEBP", quality=80)
    save("webp_alpha_lossless.webp", smooth(40, 30, "RGBA"), "WEBP", lossless=True, exact=True)
    save("webp_exif_6.webp", smooth(24, 16), "WEBP", quality=80, exif=exif(6))
    save("webp_animated.webp", smooth(40, 30, "RGBA"), "WEBP", lossless=True, save_all=True, duration=[400, 600, 500, 500],
         append_images=[smooth(40, 30).rotate(90 * i).convert("RGBA") for i in (1, 2, 3)])

    save("gif_palette.gif", rgb.quantize(64), "GIF")
    save("gif_grey.gif", rgb.convert("L"), "GIF")
    save("gif_not_interlaced.gif", rgb.quantize(16), "GIF", interlace=0)
    save("gif_transparent.gif", rgb.quantize(8), "GIF", transparency=3)
    small = bytearray(files["gif_transparent.gif"])
    struct.pack_into("<HH", small, 6, 80, 60)
    comma = small.find(b"\x2c" + b"\0" * 4 + struct.pack("<HH", 61, 45))
    struct.pack_into("<HH", small, comma + 1, 7, 5)
    files["gif_small_frame_transparent.gif"] = bytes(small)
    plain = bytearray(files["gif_palette.gif"])
    comma = plain.find(b"\x2c" + b"\0" * 4 + struct.pack("<HH", 61, 45))
    struct.pack_into("<HH", plain, comma + 1, 30, 20)  # the frame sticks out of the screen
    files["gif_frame_over_the_edge.gif"] = bytes(plain)
    frames = [Image.new("P", (40, 30), i) for i in range(6)]
    for f in frames:
        f.putpalette([v for i in range(6) for v in (40 * i, 255 - 40 * i, 100)])
    frames[0].paste(5, (3, 3, 9, 9))
    save("gif_animated.gif", frames[0], "GIF", save_all=True, append_images=frames[1:], duration=500, loop=0)

    save("avif_420.avif", rgb, "AVIF", quality=70, subsampling="4:2:0")
    save("avif_444.avif", rgb, "AVIF", quality=90, subsampling="4:4:4")
    save("avif_grey.avif", rgb.convert("L"), "AVIF", quality=70)
    save("avif_alpha.avif", smooth(40, 30, "RGBA"), "AVIF", quality=70)
    for o in range(2, 9):
        save(f"avif_exif_{o}.avif", smooth(24, 16), "AVIF", quality=60, exif=exif(o))
    return files


def reference_pixels(name, data):
    im = Image.open(io.BytesIO(data))
    if im.mode.startswith("I;16"):  # Pillow clips at 255 here; ours scales
        v = np.asarray(im).astype(np.int64)
        return np.repeat(((v * 255 + 32895) >> 16).astype(np.uint8)[..., None], 3, -1)
    return np.asarray(ImageOps.exif_transpose(im).convert("RGB"))


def picture_table(files):
    table = {}
    for name, data in sorted(files.items()):
        im = Image.open(io.BytesIO(data))
        pixels = reference_pixels(name, data)
        orientation = im.getexif().get(0x0112, 1)
        table[name] = {"width": pixels.shape[1], "height": pixels.shape[0], "orientation": orientation,
                       "frames": getattr(im, "n_frames", 1), "sha256_rgb": sha(pixels)}
    return table


# ---------------------------------------------------------------- resize and patches
def resize_table():
    r = random.Random(7)
    pairs = [(1, 1, 5, 7), (2, 1, 1, 1), (1, 9, 4, 3), (3, 3, 300, 2), (640, 2, 3, 90), (2, 640, 90, 3), (500, 500, 1, 1), (97, 61, 97, 61),
             (97, 61, 97, 30), (97, 61, 40, 61), (97, 61, 97, 200), (97, 61, 200, 61), (64, 64, 28, 28), (512, 512, 504, 504),
             (300, 200, 308, 196), (57, 431, 56, 420), (640, 31, 644, 28), (1000, 30, 28, 28), (30, 1000, 28, 28), (5, 5, 6, 6), (4, 1, 8, 1),
             (1, 4, 1, 8), (333, 77, 332, 40), (333, 77, 300, 76), (77, 333, 76, 300), (700, 500, 64, 48)]
    while len(pairs) < 70:
        size = lambda: int(2 ** r.uniform(0, 9))
        pairs.append((size(), size(), size(), size()))
    out = []
    for i, (w, h, tw, th) in enumerate(pairs):
        vertical_first = h - th > 0 and h - th > 2 * (w - tw)
        out.append({"from": [w, h], "to": [tw, th], "seed": i, "vertical_first": vertical_first,
                    "sha256": sha(synth(w, h, i).resize((tw, th), Image.BICUBIC))})
    return out


def smart_resize_table():
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

    r, out = random.Random(11), []
    budgets = [(28, 3136, 1003520), (28, 3136, 12845056), (16, 256, 65536), (32, 65536, 16777216)]
    sizes = [(378, 322), (1, 1), (1, 200), (200, 1), (20, 33), (14, 14), (42, 70), (40000, 300), (14, 2800)]
    sizes += [(int(2 ** r.uniform(3, 12)), int(2 ** r.uniform(3, 12))) for _ in range(90)]
    for w, h in sizes:
        for factor, low, high in budgets:
            if max(w, h) / min(w, h) <= 200:
                th, tw = smart_resize(h, w, factor, low, high)
                out.append([w, h, factor, low, high, tw, th])
    return out


def video_size_table():
    """[frames, width, height, least, most, resized width, resized height] with Qwen3-VL's patches."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))
    from common import qwen3_video_resize

    r, out, fit = random.Random(12), [], qwen3_video_resize()
    for n in [2, 3, 4, 5, 7, 16, 25, 768] * 8:
        w, h = int(2 ** r.uniform(5, 12)), int(2 ** r.uniform(5, 12))
        for low, high in [(4096, 25165824), (131072, 786432)]:
            th, tw = fit(n, h, w, 2, 32, low, high)
            out.append([n, w, h, low, high, tw, th])
    return out


def patch_table():
    from transformers import Qwen2VLImageProcessor

    cases = []
    configs = {"qwen2_vl": dict(), "small": dict(patch_size=8, min_pixels=256, max_pixels=16384),
               "qwen3_vl": dict(patch_size=16, min_pixels=1024, max_pixels=200704, image_mean=[0.5] * 3, image_std=[0.5] * 3),
               "merge4_t3": dict(patch_size=6, merge_size=4, temporal_patch_size=3, min_pixels=576, max_pixels=100000)}
    shapes = [(224, 224, 1), (300, 200, 1), (57, 431, 1), (640, 31, 1), (20, 33, 1), (378, 322, 1), (90, 100, 1), (120, 90, 4), (98, 140, 5), (84, 84, 1)]
    for kind, config in configs.items():
        processor = Qwen2VLImageProcessor(**config)
        for w, h, n in shapes:
            frames = [synth(w, h, 100 + i) for i in range(n)]
            if n == 1:
                out = processor.preprocess(images=frames, return_tensors="np")
                values, grid = out["pixel_values"], out["image_grid_thw"][0]
            else:
                out = processor.preprocess(images=None, videos=[frames], return_tensors="np")
                values, grid = out["pixel_values_videos"], out["video_grid_thw"][0]
            assert values.dtype == np.float32
            cases.append({"config": kind, "size": [w, h], "frames": n, "seed": 100, "grid": [int(g) for g in grid],
                          "first": [float(v) for v in values.reshape(-1)[:4]], "sha256": sha(values)})
    return {"configs": configs, "cases": cases}


# ---------------------------------------------------------------- videos
def frame_colour(i):
    """Frame i of every video is plain, with this colour; media_test.cc knows it too."""
    return (40 + 2 * i, 200 - 2 * i, 60 + (i * 29) % 120)


def video(path, codec, fps, frames, options, pix_fmt="yuv420p", size=(64, 48), corner=False, hidden=None):
    """`hidden`: the packet (VP8) whose show_frame bit is cleared."""
    import av

    count = 0

    def mux(out, stream, packet):
        nonlocal count
        if count == hidden:
            raw = bytes(packet)
            copy = av.Packet(bytes([raw[0] & ~0x10]) + raw[1:])
            copy.stream, copy.pts, copy.dts, copy.time_base = stream, packet.pts, packet.dts, packet.time_base
            packet = copy
        count += 1
        out.mux(packet)

    with av.open(path, "w", options={"fflags": "bitexact"}) as out:
        stream = out.add_stream(codec, rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        for i in range(frames):
            a = np.zeros((size[1], size[0], 3), np.uint8)
            a[:] = frame_colour(i)
            if corner:
                a[: size[1] // 2, : size[0] // 2] = 255
            for packet in stream.encode(av.VideoFrame.from_ndarray(a, format="rgb24")):
                mux(out, stream, packet)
        for packet in stream.encode():
            mux(out, stream, packet)


def sound(path):
    import av

    with av.open(path, "w", options={"fflags": "bitexact"}) as out:
        stream = out.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 16000
        for packet in stream.encode(frame):
            out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)


def turned(data, a, b, c, d):
    """The same MP4 with another display matrix in its track header."""
    at = data.find(b"tkhd") + 4 + 40
    fixed = lambda v: struct.pack(">i", v << 16)
    m = fixed(a) + fixed(b) + b"\0" * 4 + fixed(c) + fixed(d) + b"\0" * 4
    assert struct.unpack(">i", data[at : at + 4])[0] == 1 << 16
    return data[:at] + m + data[at + 24 :]


def trimmed(data, first, fps, timescale):
    """The same MP4 with an edit list that starts at frame `first`."""
    at = data.find(b"elst") + 4 + 8
    duration, start = struct.unpack(">Ii", data[at : at + 8])
    return data[:at] + struct.pack(">Ii", duration - 1000 * first // fps, start + timescale * first // fps) + data[at + 8 :]


def videos(folder):
    at = lambda name: os.path.join(folder, name)
    x264 = {"crf": "10", "g": "24", "bf": "2", "movflags": "faststart"}
    video(at("h264_b_frames.mp4"), "libx264", 24, 73, x264)
    video(at("h264_one_frame.mp4"), "libx264", 24, 1, x264)
    video(at("h264_corner.mp4"), "libx264", 8, 4, x264, corner=True)
    video(at("vp9.webm"), "libvpx-vp9", 10, 35, {"crf": "10", "b": "0", "g": "10"})
    video(at("mpeg4.avi"), "mpeg4", 12, 40, {"b": "3000000", "bf": "2"})
    video(at("mjpeg.mov"), "mjpeg", 5, 12, {"b": "3000000"}, "yuvj420p")
    sound(at("sound_only.mp4"))
    video(at("vp8_hidden_frame.webm"), "libvpx", 10, 30, {"crf": "4", "b": "1M", "g": "30", "auto-alt-ref": "0"}, hidden=17)
    data = open(at("h264_b_frames.mp4"), "rb").read()
    timescale = struct.unpack(">I", data[data.find(b"mdhd") + 16 :][:4])[0]
    open(at("h264_trimmed.mp4"), "wb").write(trimmed(data, 30, 24, timescale))
    data = open(at("h264_corner.mp4"), "rb").read()
    for name, m in (("90", (0, 1, -1, 0)), ("180", (-1, 0, 0, -1)), ("270", (0, -1, 1, 0)), ("mirror", (-1, 0, 0, 1))):
        open(at(f"h264_corner_{name}.mp4"), "wb").write(turned(data, *m))


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    files = pictures()
    for name, data in files.items():
        open(os.path.join(folder, name), "wb").write(data)
    videos(folder)
    import av, transformers

    versions = {"pillow": Image.__version__, "libjpeg_turbo": features.version("libjpeg_turbo"), "webp": features.version("webp"),
                "avif": features.version("avif"), "transformers": transformers.__version__, "numpy": np.__version__, "pyav": av.__version__,
                "libavcodec": ".".join(map(str, av.library_versions["libavcodec"]))}
    expected = {"versions": versions, "tolerance": "bit-equal; lossy videos within 12 levels of the colours that were encoded",
                "pictures": picture_table(files), "resize": resize_table(), "smart_resize": smart_resize_table(),
                "video_size": video_size_table(), "patches": patch_table()}
    rows = lambda v: "[\n" + ",\n".join("  " + json.dumps(x) for x in v) + "\n ]"
    parts = [f' "versions": {json.dumps(versions)}', f' "tolerance": {json.dumps(expected["tolerance"])}',
             ' "pictures": {\n' + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in expected["pictures"].items()) + "\n }",
             f' "resize": {rows(expected["resize"])}', f' "smart_resize": {rows(expected["smart_resize"])}', f' "video_size": {rows(expected["video_size"])}',
             f' "patch_configs": {json.dumps(expected["patches"]["configs"])}', f' "patches": {rows(expected["patches"]["cases"])}']
    with open(os.path.join(folder, "expected.json"), "w") as f:
        f.write("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    main()
