"""`train grpo` as a user meets it: what a run leaves, a killed run, and input that cannot work."""

import json
import os
import re
import resource
import signal
import unittest

import cli

STEPS = 4
SMALL = ["--num-generations", "2", "--per-device-train-batch-size", "4", "--max-completion-length", "96", "--max-steps", str(STEPS),
         "--logging-steps", "1", "--save-steps", "1", "--learning-rate", "1e-4"]
CLOCK = ("time", "step_time", "tokens_per_second", "time/rollout", "time/rewards", "time/listener", "time/update", "memory/peak_rss_gb")


class GrpoTest(cli.CliTest):
    def train(self, out, *more):
        return ["train", "grpo", *SMALL, "--output-dir", self.path(out), *more]

    def content(self, *names):
        with open(self.path(*names), "rb") as f:
            return f.read()

    def metrics(self, out):
        return [cli.without_clock(json.loads(line), CLOCK) for line in self.content(out, "metrics.jsonl").decode().splitlines()]


class Runs(GrpoTest):
    def test_a_shipped_model_is_found_from_anywhere(self):
        recipe = os.path.join(cli.ROOT, "recipes/soft.toml")
        self.done("train", "grpo", "--config", recipe, "--max-steps", 1, "--warmup-steps", 0, "--eval-steps", 0, "--per-device-train-batch-size", 4,
                  "--output-dir", self.path("out"))
        with open(self.path("out", "run.json")) as f:
            self.assertEqual(os.path.basename(json.load(f)["config"]["model"]), "cold-start")

    def test_a_run_leaves_a_judge_its_numbers_and_its_completions(self):
        result = self.done(*self.train("run", "--eval-steps", "2", "--eval-items", "8"), "--json").json()
        self.assertEqual((result["step"], result["interrupted"], result["skipped"]), (STEPS, False, 0))
        trained = [m for m in self.metrics("run") if "reward" in m]
        self.assertEqual([m["step"] for m in trained], list(range(1, STEPS + 1)))
        for name in ["rewards/format/mean", "rewards/soft/std", "frac_reward_zero_std", "completions/clipped_ratio", "entropy", "grad_norm",
                     "sampling/sampling_logp_difference/max", "clip_ratio/low_mean", "clip_ratio/region_mean", "num_tokens"]:
            self.assertIn(name, trained[0])
        self.assertEqual([m["step"] for m in self.metrics("run") if "eval_accuracy" in m], [0, 2, 4])
        lines = self.content("run", "completions", "step-000001.jsonl").decode().splitlines()
        self.assertEqual(len(lines), 4)
        one = json.loads(lines[0])
        self.assertEqual(set(one["rewards"]), {"format", "soft"})
        self.assertTrue(one["completion"].startswith("<think>"))
        self.done("report", self.path("run"))
        with open(self.path("run", "report.html")) as f:
            page = f.read()
        last = json.loads(self.content("run", "completions", "step-000004.jsonl").decode().splitlines()[0])
        for part in ["frac_reward_zero_std", last["prompt"], "data:image/png;base64"]:
            self.assertTrue(part in page, part)  # the page is too long for a message
        for folder in ["final", "best"]:
            info = self.done("info", self.path("run", folder), "--json").json()
            self.assertEqual((info["missing"], info["unknown"], info["misshaped"]), ([], [], []))
        self.assert_no_leftovers()

    def test_killed_runs_end_with_the_bytes_of_an_uninterrupted_one(self):
        def train(out):
            return self.train(out, "--eval-steps", "1", "--eval-items", "8")

        self.done(*train("whole"))
        written = os.listdir(self.path("whole", "completions"))
        self.assertEqual(len(written), STEPS)
        for out in ["early", "late"]:
            with self.subTest(out=out):
                self.kill_somewhere(out, STEPS, *train(out), seconds=1 if out == "late" else 0.1)
                self.done(*train(out))
                self.assertEqual(sorted(os.listdir(self.path(out, "completions"))), sorted(written))
                for names in [("final", "model.safetensors"), ("best", "model.safetensors"), *(("completions", name) for name in written)]:
                    self.assertTrue(self.content(out, *names) == self.content("whole", *names), names)  # too long for a message
                self.assertEqual(self.metrics(out), self.metrics("whole"))
                self.assert_no_leftovers()
        self.fails(cli.USAGE, ["learning_rate", "another"], *train("late"), "--learning-rate", "1e-5")

    def test_a_run_that_is_asked_to_stop_ends_with_a_checkpoint_of_its_step(self):
        args = self.train("run", "--max-steps", "500", "--save-steps", "500")
        metrics = self.path("run", "metrics.jsonl")
        process = self.start(*args)
        cli.wait_until(lambda: process.poll() is not None or (os.path.exists(metrics) and os.path.getsize(metrics) > 0))
        process.send_signal(signal.SIGTERM)
        stopped = self.finish(process, *args)
        self.assertEqual(stopped.code, 0, stopped)
        step = self.metrics("run")[-1]["step"]
        self.assertIn(f"stopped after step {step}; the same command goes on", stopped.out)
        self.assertEqual(self.checkpoints("run"), [step])
        self.assertFalse(os.path.exists(self.path("run", "final")))
        self.assertEqual(self.done("info", self.path("run", f"step-{step}"), "--json").json()["missing"], [])

    def test_out_of_memory_says_what_to_lower_and_keeps_the_checkpoint(self):
        args = self.train("run")
        args[args.index("--max-steps") + 1] = "500"
        process = self.start(*args)
        cli.wait_until(lambda: process.poll() is not None or os.path.isdir(self.path("run", "step-1")))
        resource.prlimit(process.pid, resource.RLIMIT_AS, (1 << 20, 1 << 20))  # from now on every new page is refused
        result = self.finish(process, *args)
        self.check_failure(result, cli.RESOURCE, ["out of memory", "4 examples", "the checkpoint of step", "--gradient-checkpointing",
                                                  "--per-device-train-batch-size 2 --gradient-accumulation-steps 2"])
        kept = re.search(r"checkpoint of step (\d+) is kept", result.err).group(1)
        info = self.done("info", self.path("run", "step-" + kept), "--json").json()
        self.assertEqual(info["missing"], [])

    def test_an_adapter_is_trained_killed_resumed_and_used(self):
        lora = ["--use-peft", "--lora-r", "4", "--gradient-checkpointing", "--learning-rate", "1e-2"]
        self.done(*self.train("whole", *lora, "--eval-steps", "2", "--eval-items", "4"))
        process = self.start(*self.train("cut", *lora))
        cli.wait_until(lambda: process.poll() is not None or os.path.isdir(self.path("cut", "step-1")))
        process.kill()
        process.wait()
        self.done(*self.train("cut", *lora))
        self.assertEqual(self.content("cut", "final", "adapter_model.safetensors"), self.content("whole", "final", "adapter_model.safetensors"))
        for folder in ["final", "best", "step-4"]:
            self.assertFalse(os.path.exists(self.path("whole", folder, "model.safetensors")))
            info = self.done("info", self.path("whole", folder), "--json").json()
            self.assertEqual((info["missing"], info["adapter"]["r"], info["adapter"]["modules"]), ([], 4, 28))
        a, b = self.pictures(2)
        ask = ["compare", "--prompt", "one red circle", "--votes", "1", "--json", a, b]
        judged = self.done(*ask, "--model", self.path("whole", "final")).json()
        self.assertNotEqual(judged, self.done(*ask).json(), "the adapter does nothing")
        self.fails(cli.USAGE, ["is itself an adapter", "start from its base"], *self.train("on", *lora, "--model", self.path("whole", "final")))
        self.fails(cli.USAGE, ["q_prog", "choose from", "q_proj"], *self.train("typo", *lora, "--lora-target-modules", "q_prog"))
        config = self.path("whole", "final", "adapter_config.json")
        with open(config) as f:
            text = json.load(f)
        self.write("whole/final/adapter_config.json", json.dumps({**text, "base_model_name_or_path": "/gone"}))
        self.fails(cli.INPUT, ["/gone", "set base_model_name_or_path"], "rank", "--prompt", "x", "--model", self.path("whole", "final"), a, b)

    def test_records_and_a_reward_of_ones_own(self):
        a, b = self.pictures(2)
        lines = [{"id": str(i), "prompt": "one red circle", "media": [a, b], "target": {"pair": 1}} for i in range(3)]
        lines.append({"id": "ranked", "prompt": "one red circle", "media": [a, b], "target": {"ranking": [2, 1]}})
        lines.append({"id": "no target", "prompt": "one red circle", "media": [a, b]})
        lines.append({"id": "gone", "prompt": "one red circle", "media": [a, self.path("gone.png")], "target": {"pair": 1}})
        data = self.write("data.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        result = self.done(*self.train("run", "--data", data, "--reward-funcs", "format", "--reward-command", "sed s/.*/0.5/"), "--json")
        self.assertEqual(result.json()["step"], STEPS)
        self.assertGreater(result.json()["skipped"], 0)
        self.assertIn("gone.png", result.err)
        self.assertIn('no "target"', result.err)
        for step in self.metrics("run"):
            self.assertAlmostEqual(step["rewards/command/mean"], 0.5 * step["rewards/format/mean"], msg="0 where the completion cannot be read")
        self.done(*self.train("free", "--data", data, "--reward-funcs", "format", "--reward-command", "sed s/.*/0.5/", "--no-gate-on-format"))
        self.assertEqual([step["rewards/command/mean"] for step in self.metrics("free")], [0.5] * STEPS)


class BadInput(GrpoTest):
    def test_settings_that_cannot_work(self):
        for more, phrases in [
            (["--num-generations", "3"], ["4 completions are not whole groups of 3", "choose num_generations from 2, 4"]),
            (["--reward-funcs", "format,wit"], ["no reward \"wit\"", "select"]),
            (["--reward-funcs", "listener"], ["listener", "name a checkpoint"]),
            (["--reward-funcs", "soft", "--reward-weights", "1,2"], ["2 weights for 1 rewards"]),
            (["--learning-rte", "1"], ["learning-rte", "learning-rate"]),
        ]:
            with self.subTest(more=more):
                self.fails(cli.USAGE, phrases, *self.train("never", *more))
        recipe = self.write("recipe.toml", "num_generation = 4\n")
        self.fails(cli.USAGE, ["num_generation", "num_generations", "recipe.toml:1"], *self.train("never", "--config", recipe))
        self.assertFalse(os.path.exists(self.path("never")))

    def test_data_and_listeners_that_cannot_be_used(self):
        data = self.write("data.jsonl", json.dumps({"id": "1", "prompt": "p", "media": self.pictures(2)}) + "\n")
        self.fails(cli.INPUT, ["data.jsonl", "no record can be learned from", "target"], *self.train("a", "--data", data))
        os.mkdir(self.path("empty"))
        self.fails(cli.INPUT, "config.json", *self.train("b", "--reward-funcs", "format,listener", "--listener", self.path("empty")))

    def test_a_reward_that_fails_ends_the_run_by_its_name(self):
        for command, phrase in [("exit 3", "ended with status 3"), ("echo nan", "not a number"), ("true", "0 numbers for 4"),
                                ("sleep 60", "did not finish within 0.5 s")]:
            with self.subTest(command=command):
                self.fails(cli.INPUT, ["reward_command", phrase],
                           *self.train("run", "--reward-command", command, "--reward-command-timeout", "0.5"))

    def test_a_page_of_a_folder_that_is_no_run(self):
        self.fails(cli.INPUT, "metrics.jsonl", "report", self.path("nowhere"))
        self.fails(cli.USAGE, "one run", "report")

    def test_one_run_in_a_folder(self):
        process = self.start(*self.train("run", "--max-steps", "500", "--save-steps", "500"))
        cli.wait_until(lambda: os.path.exists(self.path("run", "metrics.jsonl")))
        second = self.run_program(*self.train("run", "--max-steps", "500"))
        self.assertEqual(second.code, cli.USAGE, second)
        self.assertIn("another process", second.err)
        process.kill()
        process.wait()


if __name__ == "__main__":
    unittest.main()
