"""`train generator`, `generate` and `train mpo`: a tiny generator trained, asked, aligned; resumed runs; input that does not fit."""

import json
import os
import shutil
import signal
import unittest

import cli

CONFIG = """
max_steps = 3
per_device_train_batch_size = 2
logging_steps = 1
save_steps = 1
eval_steps = 3
eval_examples = 4
sample_prompts = 1
sample_steps = 1
seed = 5

""" + cli.TINY_GENERATOR + "%s\n"
VIDEO = "num_frames = 8\nfps = 4\ntemporal_patch = 4"


class GeneratorTest(cli.CliTest):
    def train(self, out, init=""):
        return ["train", "generator", "--config", self.write(out + ".toml", CONFIG % init), "--output-dir", self.path(out)]

    def generator(self, name="g", init=""):
        self.done(*self.train(name, init))
        return self.path(name, "final")

    def generate(self, model, out, *more):
        return ["generate", "--model", model, "--steps", "2", "--out", self.path(out), *more]

    def content(self, *names):
        with open(self.path(*names), "rb") as f:
            return f.read()

    def lines(self, *names):
        return [json.loads(line) for line in self.content(*names).decode().splitlines()]

    def pairs(self, samples):
        """The first sample of each prompt is the better one."""
        records = [{"id": r["id"], "prompt": r["prompt"], "media": r["media"][:2], "target": {"pair": 1}} for r in self.lines(samples, "candidates.jsonl")]
        return self.write(f"{samples}/pairs.jsonl", "".join(json.dumps(r) + "\n" for r in records))


class Training(GeneratorTest):
    def test_a_stopped_run_ends_with_the_bytes_of_a_whole_one(self):
        whole = self.done(*self.train("whole"), "--json").json()
        self.assertEqual((whole["step"], whole["interrupted"], whole["final"]), (3, False, self.path("whole", "final")))
        process = self.start(*self.train("cut"))
        cli.wait_until(lambda: os.path.exists(self.path("cut", "step-1")) or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        self.finish(process)
        self.done(*self.train("cut"))
        for name in ["model.safetensors", "config.json", "tokenizer.json"]:
            self.assertEqual(self.content("cut", "final", name), self.content("whole", "final", name), name)
        self.assertEqual([cli.without_clock(m) for m in self.lines("cut", "metrics.jsonl")], [cli.without_clock(m) for m in self.lines("whole", "metrics.jsonl")])
        self.assertTrue(os.path.exists(self.path("whole", "samples", "step-000003.png")))
        card = self.content("whole", "final", "README.md").decode()
        self.assertIn("validation loss", card)
        self.assertNotIn(self.tmp, card)

    def test_a_generator_of_videos_begins_as_one_of_pictures(self):
        pictures = self.generator("pictures")
        begin = f'from = "{pictures}"\n' + VIDEO
        videos = self.generator("videos", begin)
        with open(os.path.join(videos, "config.json")) as f:
            config = json.load(f)
        self.assertEqual((config["num_frames"], config["fps"], config["hidden_size"]), (8, 4, 16))
        self.assertEqual(self.content("videos", "final", "tokenizer.json"), self.content("pictures", "final", "tokenizer.json"))
        card = self.content("videos", "final", "README.md").decode()
        self.assertIn("Flow matching from the generator of pictures", card)
        self.assertNotIn(self.tmp, card)
        self.done(*self.generate(videos, "clips", "--prompt", "a red circle"))
        self.fails(cli.USAGE, "init.from", *self.train("both", begin), "--model", pictures)
        self.fails(cli.USAGE, "makes videos itself", *self.train("again", f'from = "{videos}"\n' + VIDEO))
        self.fails(cli.USAGE, "init.num_frames", *self.train("still", f'from = "{pictures}"'))
        self.fails(cli.INPUT, "nowhere", *self.train("none", f'from = "{self.path("nowhere")}"\n' + VIDEO))

    def test_what_cannot_be_trained_is_refused(self):
        for change, phrase in [(["--init.patch-size", "7"], "does not divide image_size 64"), (["--init.image-size", "32"], "embedded world"),
                               (["--data", "x.jsonl", "--eval-steps", "0"], "tokenizer only knows"), (["--init.num-frames", "4"], "frames per second")]:
            with self.subTest(change=change):
                self.fails(cli.USAGE, phrase, *self.train("bad"), *change)


class Generating(GeneratorTest):
    def test_a_sample_is_a_function_of_prompt_and_seed(self):
        model = self.generator()
        made = self.done(*self.generate(model, "a", "--prompt", "a red circle", "--num", "3", "--json")).json()
        self.assertEqual((made["made"], made["kept"], made["prompts"], made["bad_prompts"]), (3, 0, 1, 0))
        prompts = self.write("prompts.txt", "three blue stars\n\na red circle\nthree blue stars\n" + "zebra " * 40 + "\n")
        more = self.done(*self.generate(model, "b", "--prompts", prompts, "--num", "1", "--seed", "1", "--json"))
        self.assertEqual((more.json()["made"], more.json()["bad_prompts"], more.json()["repeated_prompts"]), (2, 1, 1))
        self.assertIn("zebra", more.err)
        a, b = self.lines("a", "samples.jsonl"), self.lines("b", "samples.jsonl")
        self.assertEqual([s["meta"]["seed"] for s in a], [0, 1, 2])
        self.assertEqual(self.content("a", a[1]["media"][0]), self.content("b", b[1]["media"][0]))
        self.assertNotEqual(self.content("a", a[1]["media"][0]), self.content("a", a[2]["media"][0]))
        self.assertEqual(self.lines("a", "candidates.jsonl")[0]["media"], [s["media"][0] for s in a])
        self.assertFalse(os.path.exists(self.path("b", "candidates.jsonl")))

    def test_the_same_command_makes_what_is_missing(self):
        model = self.generator()
        command = self.generate(model, "a", "--prompt", "a red circle", "--num", "2", "--json")
        self.done(*command)
        lost = self.path("a", self.lines("a", "samples.jsonl")[1]["media"][0])
        before = self.content(lost)
        os.remove(lost)
        again = self.done(*command).json()
        self.assertEqual((again["made"], again["kept"]), (1, 1))
        self.assertEqual(self.content(lost), before)
        self.fails(cli.INPUT, "other settings", *command, "--guidance", "3")

    def test_videos(self):
        model = self.generator("v", VIDEO)
        for kind in ["webp", "mp4"]:
            made = self.run_program(*self.generate(model, kind, "--prompt", "a red circle", "--format", kind))
            if kind == "mp4" and "no video library" in made.err:
                continue
            self.assertEqual(made.code, 0, made)
            info = self.done("info", self.path(kind, self.lines(kind, "samples.jsonl")[0]["media"][0]), "--json").json()
            self.assertEqual((info["width"], info["height"], info["frames"]), (64, 64, 8))
        self.fails(cli.USAGE, "cannot hold a video", *self.generate(model, "x", "--prompt", "p", "--format", "png"))

    def test_what_does_not_fit_is_refused(self):
        model = self.generator()
        self.fails(cli.USAGE, "nothing was asked for", *self.generate(model, "a"))
        self.fails(cli.USAGE, "no folder was named", "generate", "--model", model, "--prompt", "a red circle")
        self.fails(cli.INPUT, "tokens", *self.generate(model, "a", "--prompt", "zebra " * 40))
        self.fails(cli.INPUT, "no prompt", *self.generate(model, "a", "--prompts", self.write("empty.txt", "\n")))
        self.fails(cli.MISFIT, "qwen2_5_vl", *self.generate(cli.TINY, "a", "--prompt", "a red circle"))
        self.fails(cli.INPUT, "no-such", *self.generate(self.path("no-such"), "a", "--prompt", "a red circle"))
        broken = self.path("broken")
        shutil.copytree(model, broken)
        tensors = cli.read_safetensors(os.path.join(model, "model.safetensors"))
        del tensors["patch_embed.bias"]
        self.write("broken/model.safetensors", cli.write_safetensors(tensors))
        self.fails(cli.MISFIT, "patch_embed.bias is missing", *self.generate(broken, "a", "--prompt", "a red circle"))


class Aligning(GeneratorTest):
    def test_pairs_move_the_generator(self):
        model = self.generator()
        self.done(*self.generate(model, "samples", "--prompts", self.write("p.txt", "a red circle\ntwo blue stars\n"), "--num", "2"))
        pairs = self.pairs("samples")
        command = ["train", "mpo", "--model", model, "--data", pairs, "--max-steps", "3", "--warmup-steps", "0", "--save-steps", "1", "--logging-steps", "1",
                   "--per-device-train-batch-size", "2", "--learning-rate", "1e-3"]
        done = self.done(*command, "--output-dir", self.path("whole"), "--json").json()
        self.assertEqual((done["step"], done["skipped"]), (3, 0))
        metrics = self.lines("whole", "metrics.jsonl")
        self.assertAlmostEqual(metrics[0]["loss"], 0.693147, places=4)
        self.assertLess(metrics[2]["loss"], metrics[0]["loss"])
        self.assertTrue({"accuracy", "margin", "chosen", "rejected"} <= set(metrics[0]))
        self.done(*self.generate(self.path("whole", "final"), "after", "--prompt", "a red circle"))
        process = self.start(*command, "--output-dir", self.path("cut"))
        cli.wait_until(lambda: os.path.exists(self.path("cut", "step-1")) or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        self.finish(process)
        self.done(*command, "--output-dir", self.path("cut"))
        self.assertEqual(self.content("cut", "final", "model.safetensors"), self.content("whole", "final", "model.safetensors"))
        self.fails(cli.USAGE, "another beta", *command, "--output-dir", self.path("cut"), "--beta", "7")

    def test_pairs_that_cannot_be_used(self):
        model = self.generator()
        ties = self.write("ties.jsonl", json.dumps({"id": "1", "prompt": "p", "media": ["a.png", "b.png"], "target": {"pair": 0.5}}) + "\n")
        command = ["train", "mpo", "--model", model, "--output-dir", self.path("run")]
        self.fails(cli.INPUT, "no record can be trained on", *command, "--data", ties)
        lost = self.write("lost.jsonl", json.dumps({"id": "1", "prompt": "a red circle", "media": ["a.png", "b.png"], "target": {"pair": 1}}) + "\n")
        self.fails(cli.INPUT, "no example of its batch can be used", *command, "--data", lost)
        self.fails(cli.USAGE, "data", *command)


if __name__ == "__main__":
    unittest.main()
