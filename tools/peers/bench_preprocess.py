"""Pictures to patches, on one thread: Pillow and the published processor beside build/preprocess_bench on the same files.

  python bench_preprocess.py --bench build/preprocess_bench --out r.json [--count 40 --rounds 7]

The files are JPEGs of made-up scenes (gradients, shapes, noise; 4:2:0, quality 90) in the sizes that generators write. Both sides read the file,
decode, resize and cut it into float32 patches; the two take turns, round by round, and the ratio is that of the medians. Every
picture's patches must be the same bytes, or the script fails.
"""
import argparse, hashlib, json, os, statistics, subprocess, tempfile, time

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import PIL
import torch
import transformers
from PIL import Image
from transformers import Qwen2VLImageProcessor

torch.set_num_threads(1)
SIZES = [(512, 512), (768, 512), (1024, 1024), (1280, 720)]


def scene(rng, width, height):
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack([128 + 100 * np.sin(x / rng.uniform(20, 200) + c) * np.cos(y / rng.uniform(20, 200)) for c in range(3)], -1)
    for _ in range(12):
        cx, cy, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(10, 120)
        picture[(x - cx) ** 2 + (y - cy) ** 2 < r * r] = rng.uniform(0, 255, 3)
    return Image.fromarray(np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8))


def peer_round(processor, paths, hashes):
    start = time.perf_counter()
    for path in paths:
        with Image.open(path) as image:
            values = processor(images=image.convert("RGB"), return_tensors="pt")["pixel_values"]
        if hashes is not None:
            hashes.append(hashlib.sha256(np.ascontiguousarray(values.numpy()).tobytes()).hexdigest())
    return time.perf_counter() - start


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--bench", required=True)
    a.add_argument("--count", type=int, default=40)
    a.add_argument("--rounds", type=int, default=7)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--out")
    args = a.parse_args()
    rng = np.random.default_rng(args.seed)
    processor = Qwen2VLImageProcessor(min_pixels=56 * 56, max_pixels=28 * 28 * 1280)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i in range(args.count):
            paths.append(os.path.join(folder, f"{i}.jpg"))
            scene(rng, *SIZES[i % len(SIZES)]).save(paths[-1], quality=90)
        peer_hashes, peer, ours = [], [], []
        peer_round(processor, paths, peer_hashes)
        ours_run = lambda: json.loads(subprocess.run([args.bench, "1", *paths], check=True, stdout=subprocess.PIPE).stdout)
        if ours_run()["sha256"] != peer_hashes:
            raise SystemExit("the patches differ")
        for _ in range(args.rounds):
            peer.append(peer_round(processor, paths, None))
            ours.append(ours_run()["seconds"][0])
    result = {"versions": {"Pillow": PIL.__version__, "transformers": transformers.__version__, "torch": torch.__version__},
              "pictures": args.count, "sizes": SIZES, "bit_equal": True,
              "peer_seconds": peer, "seconds": ours, "load": os.getloadavg()[0],
              "peer_images_per_second": args.count / statistics.median(peer), "images_per_second": args.count / statistics.median(ours),
              "ratio": statistics.median(peer) / statistics.median(ours)}
    text = json.dumps(result, indent=1)
    print(text)
    if args.out:
        with open(args.out, "w") as f:
            f.write(text + "\n")


main()
