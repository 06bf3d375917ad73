"""`train sft`: a run that is killed or stopped ends with the same bytes as one that is not, and nothing is mixed up."""

import json
import os
import shutil
import signal
import unittest

import cli

STEPS = 6
CONFIG = """
max_steps = %(steps)d
per_device_train_batch_size = 2
logging_steps = 1
save_steps = 1
learning_rate = 2e-3
seed = 5

[init]
hidden_size = 32
intermediate_size = 64
num_hidden_layers = 2
num_attention_heads = 2
num_key_value_heads = 1
vision_depth = 2
vision_hidden_size = 32
vision_intermediate_size = 64
vision_num_heads = 2
fullatt_block_indexes = [1]
vocab_size = 512
min_pixels = 1024
max_pixels = 2304

[world]
stage_mix = ["single", "pair"]
stage_steps = [3, 3]
"""


class TrainTest(cli.CliTest):
    def config(self, name="run.toml", steps=STEPS, extra=""):
        return self.write(name, extra + CONFIG % {"steps": steps})

    def train(self, out, *more, config=None):
        return ["train", "sft", "--config", config or self.config(), "--output-dir", self.path(out), *more]

    def content(self, *names):
        with open(self.path(*names), "rb") as f:
            return f.read()

    def metrics(self, out):
        return [cli.without_clock(json.loads(line)) for line in self.content(out, "metrics.jsonl").decode().splitlines()]


class Runs(TrainTest):
    def test_interrupted_runs_end_with_the_bytes_of_an_uninterrupted_one(self):
        whole = self.done(*self.train("whole"), "--json").json()
        self.assertEqual((whole["step"], whole["interrupted"], whole["final"]), (STEPS, False, self.path("whole", "final")))
        self.assertEqual([m["step"] for m in self.metrics("whole")], list(range(1, STEPS + 1)))
        self.assertEqual(self.checkpoints("whole"), [STEPS - 1, STEPS], "save_total_limit = 2")
        for cut in [self.kill, self.stop_after_a_step]:
            with self.subTest(cut=cut.__name__):
                out = cut.__name__
                cut(out)
                self.assertFalse(os.path.exists(self.path(out, "final")))
                self.done(*self.train(out))
                self.assertEqual(self.content(out, "final", "model.safetensors"), self.content("whole", "final", "model.safetensors"))
                self.assertEqual(self.metrics(out), self.metrics("whole"))
                self.assert_no_leftovers()
        self.final_is_a_model(self.path("whole", "final"))

    def kill(self, out):
        self.kill_somewhere(out, STEPS, *self.train(out))

    def stop_after_a_step(self, out):
        metrics = self.path(out, "metrics.jsonl")
        for _ in range(5):  # as above
            process = self.start(*self.train(out, "--save-steps", "100"))
            cli.wait_until(lambda: os.path.exists(metrics) and os.path.getsize(metrics) > 0)
            process.send_signal(signal.SIGINT)
            stopped = self.finish(process)
            self.assertEqual(stopped.code, 0, stopped)
            if not os.path.exists(self.path(out, "final")):
                break
            shutil.rmtree(self.path(out))
        self.assertIn("the same command goes on", stopped.out)
        steps = self.checkpoints(out)
        self.assertEqual(len(steps), 1)
        self.assertIn(f"stopped after step {steps[0]}", stopped.out)
        self.assertEqual(self.metrics(out)[-1]["step"], steps[0])

    def final_is_a_model(self, folder):
        info = self.done("info", folder, "--json").json()
        self.assertEqual((info["missing"], info["unknown"], info["misshaped"]), ([], [], []))
        result = self.done("score", "--model", folder, "--max-completion-length", "4", "--prompt", "p", "--json", self.picture("p.png"))
        self.assertEqual(len(result.json()["scores"]), 1)
        self.assertTrue(os.path.getsize(os.path.join(folder, "README.md")) > 0)

    def test_finished_damaged_and_foreign_folders(self):
        short = self.config("short.toml", steps=2)
        self.done(*self.train("run", config=short))
        model = self.content("run", "final", "model.safetensors")
        record = json.loads(self.content("run", "run.json"))
        self.assertEqual((record["config"]["max_steps"], record["config"]["init"]["hidden_size"], record["seed"]), (2, 32, 5))

        # Again: nothing to do, nothing changed.
        again = self.done(*self.train("run", config=short))
        self.assertIn("2 steps done", again.out)
        self.assertEqual(self.content("run", "final", "model.safetensors"), model)

        # Another configuration in the same folder is refused by the name of what differs.
        self.fails(cli.USAGE, ["learning_rate", "another"], *self.train("run", "--learning-rate", "1e-4", config=short))
        self.fails(cli.USAGE, "already holds", *self.train("run", "--resume-from-checkpoint", "none", config=short))
        self.assertEqual(self.content("run", "final", "model.safetensors"), model)

        # A damaged checkpoint is passed over for the one before it; with none left the run stops.
        for step, left in [(2, 1), (1, 0)]:
            with open(self.path("run", f"step-{step}", "model.safetensors"), "r+b") as f:
                f.seek(-8, os.SEEK_END)
                f.write(b"damaged!")
            if left:
                result = self.done(*self.train("run", config=short))
                self.assertIn("step-2", result.err)
                self.assertEqual(self.content("run", "final", "model.safetensors"), model)
                with open(self.path("run", "step-2", "model.safetensors"), "r+b") as f:
                    f.seek(-8, os.SEEK_END)
                    f.write(b"damaged!")
            else:
                self.fails(cli.INPUT, ["run", "none of its checkpoints"], *self.train("run", config=short))

    def test_two_runs_in_one_folder(self):
        process = self.start(*self.train("run", config=self.config("long.toml", steps=5000)))
        cli.wait_until(lambda: os.path.exists(self.path("run", "metrics.jsonl")))
        result = self.run_program(*self.train("run"))
        self.assertEqual(result.code, cli.USAGE, result)
        self.assertIn("another process is training", result.err)
        process.kill()
        process.wait()


class WrongConfigurations(TrainTest):
    def refuses(self, phrases, *more, code=cli.USAGE):
        self.fails(code, phrases, *self.train("run", *more))
        self.assertFalse(os.path.exists(self.path("run", "final")))

    def test_values(self):
        for more, phrases in [(["--max-steps", "0"], "max_steps"), (["--learning-rate", "-1"], "learning_rate"),
                              (["--learning-rate", "nan"], "learning_rate"), (["--lr-scheduler-type", "step"], ["step", "cosine"]),
                              (["--warmup-steps", "7"], ["warmup_steps", "max_steps"]), (["--init.num-key-value-heads", "3"], "num_key_value_heads"),
                              (["--init.hidden-size", "33"], "hidden_size"), (["--init.fullatt-block-indexes", "9"], "fullatt_block_indexes"),
                              (["--init.min-pixels", "99999"], "min_pixels"), (["--world.stage-steps", "1"], "stage_steps"),
                              (["--world.stage-mix", "single,triple"], ["triple", "pair or vote"]), (["--device", "tpu"], "--device"), (["--adam-beta1", "1"], "adam_beta1")]:
            with self.subTest(more=more):
                self.refuses(phrases, *more)

    def test_data(self):
        self.refuses("model", "--data", "x.jsonl")
        self.refuses(["nowhere.jsonl"], "--model", cli.TINY, "--data", self.path("nowhere.jsonl"), code=cli.INPUT)
        self.refuses("eval_data", "--model", cli.TINY, "--data", "x.jsonl", "--eval-steps", "1")
        unlabelled = self.records("unlabelled.jsonl", 2)
        self.refuses("completion", "--model", cli.TINY, "--data", unlabelled, code=cli.INPUT)

    def test_models(self):
        self.refuses("no such folder", "--model", self.path("nowhere"), code=cli.INPUT)
        broken = self.checkpoint(model_safetensors=lambda raw: raw[:1000])
        self.refuses("model.safetensors", "--model", broken, code=cli.INPUT)

    def test_folders(self):
        self.fails(cli.USAGE, "output_dir", "train", "sft", "--config", self.config(), "--output-dir", "")
        self.write("file", "x")
        self.fails(cli.RESOURCE, "file", "train", "sft", "--config", self.config(), "--output-dir", self.path("file"))
        self.fails(cli.RESOURCE, "file", "train", "sft", "--config", self.config(), "--output-dir", self.path("file", "run"))


class OwnRecords(TrainTest):
    def test_fine_tuning_on_records(self):
        self.pictures(2)
        lines = [{"id": str(i), "prompt": f"cup {i}", "media": ["p0.png", "p1.png"], "completion": f"<think>fine {i}</think><answer>1</answer>"}
                 for i in range(3)]
        data = self.write("train.jsonl", "".join(json.dumps(line) + "\n" for line in lines) + "{broken\n")
        result = self.done("train", "sft", "--model", cli.TINY, "--data", data, "--max-steps", "2", "--per-device-train-batch-size", "2",
                           "--logging-steps", "1", "--output-dir", self.path("run"))
        self.assertIn("train.jsonl:4", result.err)
        losses = [m["loss"] for m in self.metrics("run")]
        self.assertEqual(len(losses), 2)
        self.assertTrue(all(3 < loss < 12 for loss in losses), losses)


if __name__ == "__main__":
    unittest.main()
