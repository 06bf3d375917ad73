"""Every family of checkpoints goes through the commands: here Qwen3-VL, whose names, positions and videos differ from the others'."""

import json
import os
import shutil
import subprocess
import sys
import unittest

import cli
from test_trace import CASES_CLOSE, Cases

QWEN2 = os.path.join(cli.ROOT, "tests/data/vlm/tiny_qwen2vl")
QWEN3 = os.path.join(cli.ROOT, "tests/data/vlm/tiny_qwen3vl")  # 0.4 M random weights
VIDEOS = [{"frames": ["p0.png", "p1.png", "p2.png", "p0.png"], "fps": 2}, {"frames": ["p2.png", "p1.png", "p0.png"], "fps": 1}]


class Grown(cli.CliTest):
    def test_twice_the_layers_say_the_same(self):
        grown = self.path("grown")
        subprocess.run([sys.executable, os.path.join(cli.ROOT, "tools/grow_checkpoint.py"), cli.EMBEDDED, grown], check=True)
        small, large = (self.done("info", model, "--json").json() for model in (cli.EMBEDDED, grown))
        self.assertGreater(large["parameters"], 1.4 * small["parameters"])
        pictures = self.pictures(2)
        answers = [self.done("compare", "--model", model, "--prompt", "a red circle", "--json", *pictures).json() for model in (cli.EMBEDDED, grown)]
        self.assertEqual(answers[0]["votes"][0]["thought"], answers[1]["votes"][0]["thought"])
        self.assertAlmostEqual(answers[0]["probability"], answers[1]["probability"], places=6)


class Listeners(cli.CliTest):
    """The embedded judge is trained; who listens is of another family, and sees the pictures its own way."""

    def train(self, listener):
        return ["train", "grpo", "--num-generations", "2", "--per-device-train-batch-size", "4", "--max-completion-length", "96", "--max-steps", "1",
                "--logging-steps", "1", "--reward-funcs", "format,soft,listener", "--listener", listener, "--output-dir", self.path("run")]

    def test_another_family_listens(self):
        heard = []
        for listener in [QWEN2, QWEN3]:
            self.done(*self.train(listener))
            with open(self.path("run", "metrics.jsonl")) as f:
                metrics = json.loads(f.read())
            self.assertIn("contradiction", metrics)
            with open(self.path("run", "completions", "step-000001.jsonl")) as f:
                lines = [json.loads(line) for line in f]
            heard.append([line["listener"] for line in lines if line["parsed"]])
            self.assertGreater(len(heard[-1]), 0)
            self.assertTrue(all(0 < p < 1 for p in heard[-1]), heard)
            self.assertAlmostEqual(metrics["rewards/listener/mean"], sum(line["rewards"]["listener"] for line in lines) / len(lines), places=6)
            shutil.rmtree(self.path("run"))
        self.assertNotEqual(*heard, "they are different models")

    def test_a_tokenizer_without_a_token_for_an_index_is_refused(self):
        def without_1(raw):
            tokenizer = json.loads(raw)
            words = tokenizer["model"]["vocab"]
            words["\u00ff\u00ff"] = words.pop("1")
            return json.dumps(tokenizer).encode()

        listener = self.checkpoint("listener", tokenizer_json=without_1)
        result = self.run_program(*self.train(listener))
        self.assertEqual(result.code, cli.INPUT, result)
        self.assertIn(f"error: {listener}: the vocabulary has no token for the byte 0x31", result.err)  # "1"
        self.assertFalse(os.path.exists(self.path("run", "metrics.jsonl")))


class Qwen3VL(Cases):
    MODEL = QWEN3
    JUDGE = ["--model", QWEN3, "--max-completion-length", "4"]

    def test_info(self):
        info = self.done("info", QWEN3, "--json").json()
        self.assertEqual(info["family"], "qwen3_vl")
        tensors = cli.read_safetensors(os.path.join(QWEN3, "model.safetensors"))
        self.assertEqual(info["tensors"], len(tensors))
        self.assertGreater(info["vision_parameters"], 0)

    def test_the_reference_numbers(self):
        self.compare_with_the_reference(["pair_mixed", "video_odd_5_fps1"], [*CASES_CLOSE, "deepstack_image_0", "deepstack_video_1"])

    def test_pictures_and_videos_are_judged(self):
        self.pictures(3)
        records = [{"id": "i", "prompt": "a cup", "media": ["p0.png", "p1.png"]}, {"id": "v", "prompt": "a cup", "media": VIDEOS}]
        file = self.write("both.jsonl", "".join(json.dumps(r) + "\n" for r in records))
        for command in ["compare", "score", "rank"]:
            rows = self.done(command, *self.JUDGE, "--in", file).lines()
            self.assertEqual([r["id"] for r in rows], ["i", "v"], command)
            self.assertEqual([r for r in rows if "error" in r], [], command)

    def train(self, kind, run, *more):
        self.pictures(3)
        lines = [{"id": str(i), "prompt": f"cup {i}", "media": media, "target": {"ranking": [1, 2]}, "completion": "<think>fine</think><answer>1</answer>"}
                 for i, media in enumerate([["p0.png", "p1.png"], VIDEOS])]
        data = self.write("train.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        self.done("train", kind, "--model", QWEN3, "--data", data, "--max-steps", "1", "--per-device-train-batch-size", "2",
                  "--logging-steps", "1", "--output-dir", self.path(run), *more)
        return self.path(run, "final")

    def test_fine_tuned_weights_keep_the_published_names(self):
        final = self.train("sft", "run")
        stored = cli.read_safetensors(os.path.join(QWEN3, "model.safetensors"))
        made = cli.read_safetensors(os.path.join(final, "model.safetensors"))
        self.assertEqual(sorted(made), sorted(stored))
        moved = [name for name in stored if made[name][2] != stored[name][2]]
        for part in ["deepstack_merger_list.1.", "pos_embed", "q_norm", "merger.norm", "embed_tokens"]:
            self.assertTrue(any(part in name for name in moved), f"{part} was not trained")
        self.assertEqual(self.done("info", final, "--json").json()["family"], "qwen3_vl")
        self.done("compare", "--model", final, "--max-completion-length", "4", "--prompt", "a cup", *self.pictures(2))

    def test_an_adapter_by_reinforcement_learning(self):
        final = self.train("grpo", "run", "--use-peft", "--num-generations", "2", "--gradient-accumulation-steps", "1",
                           "--max-completion-length", "4", "--eval-steps", "0", "--gradient-checkpointing")
        adapter = cli.read_safetensors(os.path.join(final, "adapter_model.safetensors"))
        self.assertTrue(all(name.startswith("base_model.model.model.language_model.layers.") for name in adapter), sorted(adapter)[:3])
        self.done("compare", "--model", final, "--max-completion-length", "4", "--prompt", "a cup", *self.pictures(2))

    def test_experts_are_refused_by_name(self):
        with open(os.path.join(QWEN3, "config.json")) as f:
            config = json.load(f)
        config.update(model_type="qwen3_vl_moe", architectures=["Qwen3VLMoeForConditionalGeneration"])
        self.write("moe/config.json", json.dumps(config))
        self.fails(cli.MISFIT, ["Qwen3VLMoeForConditionalGeneration is not supported", "Qwen3VLForConditionalGeneration (qwen3_vl)"],
                   "info", self.path("moe"))


if __name__ == "__main__":
    unittest.main()
