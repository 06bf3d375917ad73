"""What every command-line test needs: running the built program as a user does, and making small pictures and checkpoints.

The program is $BEHOLDER (ctest sets it), else build*/bin/beholder, the newest one. Standard library only.
"""

import glob
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TINY = os.path.join(ROOT, "tests/data/vlm/tiny")  # a Qwen2.5-VL of 0.2 M random weights: its answers cannot be read
CASES = os.path.join(ROOT, "tests/data/vlm/cases")
MEDIA = os.path.join(ROOT, "tests/data/media")
EMBEDDED = os.path.join(ROOT, "models/embedded")

# A checklist with an alignment question and two others: three weights.
SMALL_LIST = """
title = "Small"
media = "image"
[[dimension]]
name = "Content"
[[dimension.sub]]
name = "prompt"
alignment = "Does it show [[prompt]]?"
[[dimension]]
name = "Look"
[[dimension.sub]]
name = "sharp"
levels = [["crisp", "Is it crisp?"], ["sharp", "Is it sharp?"]]
"""

# The end of a `train generator` recipe: the smallest one.
TINY_GENERATOR = """
[init]
patch_size = 16
hidden_size = 16
intermediate_size = 16
num_hidden_layers = 1
num_attention_heads = 2
text_hidden_size = 8
text_num_hidden_layers = 1
text_num_attention_heads = 2
"""

USAGE, INPUT, MISFIT, RESOURCE, INTERRUPTED = 2, 3, 4, 5, 130


def find_program():
    if "BEHOLDER" in os.environ:
        return os.environ["BEHOLDER"]
    built = glob.glob(os.path.join(ROOT, "build*/bin/beholder"))
    if not built:
        raise SystemExit("no program to test: build the target `beholder`, or set BEHOLDER to it")
    return max(built, key=os.path.getmtime)


PROGRAM = find_program()


def environment(extra=None):
    """One thread (ctest runs files side by side), no locale surprises, nothing of the user's models."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("BEHOLDER", "HF_"))}
    env.update({"OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"})
    env.update(extra or {})
    return env


class Result:
    def __init__(self, args, code, out, err):
        self.args, self.code = args, code
        self.raw_out = out
        self.out, self.err = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.raw_out.decode("utf-8"))

    def lines(self):
        return [json.loads(line) for line in self.raw_out.decode("utf-8").splitlines()]

    def __str__(self):
        shown = " ".join(a if len(a) < 80 else a[:80] + "…" for a in self.args)
        return f"\n$ beholder {shown}\nexit {self.code}\n--- stdout\n{self.out[-2000:]}\n--- stderr\n{self.err[-2000:]}"


class CliTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="beholder-cli-")
        self.addCleanup(folder.cleanup)
        self.tmp = folder.name

    def path(self, *names):
        return os.path.join(self.tmp, *names)

    # ---- running

    def run_program(self, *args, stdin=b"", env=None, timeout=120, cwd=None):
        args = [str(a) for a in args]
        if isinstance(stdin, str):
            stdin = stdin.encode()
        done = subprocess.run([PROGRAM, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=environment(env), timeout=timeout, cwd=cwd or self.tmp)
        return Result(args, done.returncode, done.stdout, done.stderr)

    def start(self, *args, **streams):
        """A running program, killed at the latest when the test ends."""
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **streams}
        process = subprocess.Popen([PROGRAM, *map(str, args)], env=environment(), cwd=self.tmp, **streams)

        def end():
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in [process.stdin, process.stdout, process.stderr]:
                if stream and not stream.closed:
                    stream.close()
        self.addCleanup(end)
        return process

    def finish(self, process, *args, timeout=120):
        out, err = process.communicate(timeout=timeout)
        return Result([str(a) for a in args], process.returncode, out or b"", err or b"")

    def done(self, *args, **kw):
        result = self.run_program(*args, **kw)
        self.assertEqual(result.code, 0, result)
        return result

    def fails(self, code, phrases, *args, **kw):
        """The program ends with `code` and one error line that holds every phrase; it neither crashes nor blames itself."""
        result = self.run_program(*args, **kw)
        self.check_failure(result, code, phrases)
        return result

    def check_failure(self, result, code, phrases):
        self.assertEqual(result.code, code, result)
        errors = [line for line in result.err.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(errors), 1, result)
        for phrase in [phrases] if isinstance(phrases, str) else phrases:
            self.assertIn(phrase, errors[0], result)
        self.assertRegex(errors[0], r"\([^()]+.*\)$| wants ", f"does not say how to mend it{result}")
        self.assertIsNone(re.search(r"[\x00-\x08\x0b-\x1f\x7f]", result.err), f"control characters{result}")
        self.assert_no_leftovers()

    def assert_no_leftovers(self):
        left = [os.path.join(d, f) for d, _, files in os.walk(self.tmp) for f in files if ".tmp." in f]
        self.assertEqual(left, [], "half-written files were left behind")

    def small_disk(self, kilobytes):
        """A folder that holds so much and no more."""
        disk = self.path("disk")
        os.makedirs(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk], capture_output=True).returncode != 0:
            self.skipTest("a small disk can only be mounted by root")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        return disk

    # ---- training

    def checkpoints(self, out):
        folder = self.path(out)
        return sorted(int(n[5:]) for n in os.listdir(folder) if n.startswith("step-") and n[5:].isdigit()) if os.path.isdir(folder) else []

    def kill_somewhere(self, out, steps, *args, seconds=0.05):
        """SIGKILL at a random moment, within `seconds` of a random checkpoint, of a training of `steps` that writes one a step into `out`;
        a run that was too quick is thrown away."""
        dice = random.Random(out)
        for _ in range(20):
            process = self.start(*args)
            step = dice.randint(1, steps - 2)
            wait_until(lambda: process.poll() is not None or any(s >= step for s in self.checkpoints(out)))
            time.sleep(seconds * dice.random())
            process.kill()
            process.wait()
            if not os.path.exists(self.path(out, "final")) and self.checkpoints(out)[-1] < steps:
                return
            shutil.rmtree(self.path(out))
        self.fail("the run was never caught in the middle")

    # ---- judging with the tiny checkpoint

    def piped(self, records, *args):
        """The lines that a program writes whose --in is a pipe with this file's content."""
        read, write = os.pipe()
        with open(records, "rb") as source, open(write, "wb") as into:
            into.write(source.read())  # fits the pipe
        process = self.start(*args, "--in", f"/dev/fd/{read}", pass_fds=[read])
        os.close(read)
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, err.decode())
        return [json.loads(line) for line in out.splitlines()]

    JUDGE = ["--model", TINY, "--max-completion-length", "4"]

    def write(self, name, content):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb" if isinstance(content, bytes) else "w") as f:
            f.write(content)
        return path

    def picture(self, name, width=56, height=56, shade=0):
        return self.write(name, png(width, height, shade))

    def pictures(self, count):
        return [self.picture(f"p{i}.png", shade=20 * i) for i in range(count)]

    def records(self, name, count, media=2):
        """A JSONL file of `count` records, each with pictures of its own; returns its path."""
        lines = []
        for i in range(count):
            files = [os.path.basename(self.picture(f"r{i}-{k}.png", shade=7 * i + 90 * k)) for k in range(media)]
            lines.append(json.dumps({"id": f"item {i}", "prompt": f"picture number {i}", "media": files}))
        return self.write(name, "\n".join(lines) + "\n")

    def checkpoint(self, name="model", **changes):
        """A copy of the tiny checkpoint. `changes` maps file names (with _ for .) to bytes, to a function old -> new, or None."""
        folder = self.path(name)
        os.makedirs(folder)
        for file in ["config.json", "generation_config.json", "model.safetensors", "preprocessor_config.json",
                     "tokenizer.json", "tokenizer_config.json"]:
            change = changes.get(file.replace(".", "_"), b"keep")
            if change is None:
                continue
            target = os.path.join(folder, file)
            if change == b"keep":
                shutil.copyfile(os.path.join(TINY, file), target)
                continue
            if callable(change):
                with open(os.path.join(TINY, file), "rb") as f:
                    change = change(f.read())
            with open(target, "wb") as f:
                f.write(change)
        return folder


def wait_until(condition, seconds=60, what="nothing happened"):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} for {seconds} s")
        time.sleep(0.01)


def handles_ctrl_c(process):
    """Whether the program has come far enough to handle SIGINT itself."""
    with open(f"/proc/{process.pid}/status") as f:
        caught = next(line for line in f if line.startswith("SigCgt"))
    return int(caught.split()[1], 16) >> (signal.SIGINT - 1) & 1


def without_clock(value, names=("seconds", "time", "step_time", "tokens_per_second", "memory/peak_rss_gb")):
    """JSON without the fields that measure time."""
    if isinstance(value, dict):
        return {k: without_clock(v, names) for k, v in value.items() if k not in names}
    if isinstance(value, list):
        return [without_clock(v, names) for v in value]
    return value


# ---- PNG

def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_file(width, height, compressed):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", compressed) + png_chunk(b"IEND", b"")


def png(width, height, shade=0):
    """A colour gradient; different shades are different pictures."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes(((shade + 255 * x // width) % 256, (shade + 255 * y // height) % 256, shade % 256))
    return png_file(width, height, zlib.compress(bytes(rows)))


def png_flat(width, height):
    """Grey; fast also for enormous sizes."""
    packer = zlib.compressobj(9)
    row = b"\0" + b"\x80" * (3 * width)
    return png_file(width, height, b"".join(packer.compress(row) for _ in range(height)) + packer.flush())


# ---- safetensors

LETTERS = {"F32": "f", "I64": "q", "U8": "B", "I32": "i"}


def safetensors_file(header, data=b""):
    """`header`: JSON text, or an object."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def read_safetensors(path_or_bytes):
    """{name: (dtype, shape, bytes)}"""
    raw = path_or_bytes
    if not isinstance(raw, bytes):
        with open(raw, "rb") as f:
            raw = f.read()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    begin = 8 + size
    return {name: (t["dtype"], t["shape"], raw[begin + t["data_offsets"][0]:begin + t["data_offsets"][1]])
            for name, t in header.items()}


def write_safetensors(tensors):
    header, data = {}, b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    return safetensors_file(header, data)


def numbers(tensor):
    dtype, _, raw = tensor
    return struct.unpack(f"<{len(raw) // struct.calcsize(LETTERS[dtype])}{LETTERS[dtype]}", raw)


def rows(tensor, indices):
    """Numbers of some rows of a matrix."""
    width, values = tensor[1][1], numbers(tensor)
    return [x for i in indices for x in values[i * width:(i + 1) * width]]
