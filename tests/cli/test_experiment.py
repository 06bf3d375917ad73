"""`experiment` as a user meets it: arms trained, measured and compared; stopped and gone on with."""
import json
import os
import signal
import unittest

import cli

RECIPE = """
output_dir = "{out}"
title = "Two arms"
seeds = [1, 2]
[eval]
splits = ["validation"]
n = 6
listener = "base"
[grpo]
max_steps = {steps}
per_device_train_batch_size = 4
num_generations = 2
max_completion_length = 96
learning_rate = 1e-5
save_steps = 1
logging_steps = 1
[[arm]]
name = "cold start"
train = "none"
[[arm]]
name = "soft"
reward_funcs = ["format", "soft"]
"""


class Experiment(cli.CliTest):
    def recipe(self, steps=2):
        path = self.path("recipe.toml")
        with open(path, "w") as f:
            f.write(RECIPE.format(out=self.path("out"), steps=steps))
        return path

    def test_arms_are_trained_measured_and_compared(self):
        comparison = self.done("experiment", self.recipe(), "--jobs", "2", "--json").json()
        cold, soft = comparison["arms"]
        self.assertEqual((soft["seeds"], soft["unfinished"]), ([1, 2], 0))
        one, two = (arm["splits"]["validation"]["verdict_accuracy"] for arm in (cold, soft))
        self.assertAlmostEqual(two["difference"], two["value"] - one["value"])
        self.assertAlmostEqual(two["value"], sum(two["by_seed"]) / 2)
        self.assertEqual(cold["splits"]["validation"]["contradiction"]["value"], 0, "the cold start is its own listener")
        with open(self.path("out", "report.html")) as f:
            self.assertIn("cold start", f.read())
        listed = self.done("experiment", self.recipe(), "--dry-run").out
        self.assertEqual(listed.count("2 of 2 commands done"), 2)
        with open(self.path("out", "soft", "seed-1", "validation.rows.jsonl")) as f:
            rows = [json.loads(line) for line in f]
        self.assertEqual(len(rows), 6)
        self.assertAlmostEqual(sum(r["verdict_accuracy"][0] for r in rows) / 6, two["by_seed"][0])

    def test_a_stopped_experiment_goes_on(self):
        process = self.start("experiment", self.recipe(steps=3))
        cli.wait_until(lambda: os.path.exists(self.path("out", "soft", "seed-1", "train", "metrics.jsonl")))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(120), 0)
        self.assertFalse(os.path.exists(self.path("out", "soft", "seed-2", "validation.json")))
        comparison = self.done("experiment", self.recipe(steps=3), "--json").json()
        self.assertEqual([arm["unfinished"] for arm in comparison["arms"]], [0, 0])
        with open(self.path("out", "soft", "seed-1", "train", "metrics.jsonl")) as f:
            self.assertEqual([json.loads(line)["step"] for line in f], [1, 2, 3])

    def test_recipes_that_cannot_work(self):
        self.fails(cli.USAGE, "one recipe", "experiment")
        self.fails(cli.INPUT, "nowhere.toml", "experiment", "nowhere.toml")
        bad = RECIPE.format(out=self.path("bad"), steps=1)
        for wrong, phrases in [('reward_func = ["format"]', ["arm \"soft\"", "reward_func", "reward_funcs"]),
                               ("reward_funcs = [\"format\"]\nnum_generations = 3", ["arm \"soft\"", "num_generations"])]:
            with self.subTest(wrong=wrong):
                self.write("bad.toml", bad.replace('reward_funcs = ["format", "soft"]', wrong))
                self.fails(cli.USAGE, phrases, "experiment", self.path("bad.toml"))
                self.assertFalse(os.path.exists(self.path("bad")), "told before anything starts")

    def test_an_arm_that_fails_leaves_the_others(self):
        missing = self.path("nowhere")
        self.write("bad.toml", RECIPE.format(out=self.path("bad"), steps=1) + f'listener = "{missing}"\n')
        self.fails(cli.INPUT, ["soft, seed 1", missing], "experiment", self.path("bad.toml"))
        self.assertTrue(os.path.exists(self.path("bad", "cold_start", "seed-0", "validation.json")), "the others go on")

    def test_one_experiment_in_a_folder(self):
        process = self.start("experiment", self.recipe(steps=3))
        cli.wait_until(lambda: os.path.exists(self.path("out", ".lock")))
        self.fails(cli.USAGE, [self.path("out"), "another process"], "experiment", self.recipe(steps=3))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(120), 0)


if __name__ == "__main__":
    unittest.main()
