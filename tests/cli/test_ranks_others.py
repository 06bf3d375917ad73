"""Checklists and generators trained in several processes: the numbers of one, another number of ranks, a rank that dies."""

import json
import os
import shutil
import unittest

import cli
from ranks import RanksTest

CHECKLIST = ["train", "checklist", "--model", cli.EMBEDDED, "--per-device-train-batch-size", "2", "--logging-steps", "1", "--save-steps", "1",
             "--learning-rate", "1e-4", "--questions-per-item", "6", "--eval-items", "70", "--warmup-steps", "1"]
GENERATOR = """
per_device_train_batch_size = 2
logging_steps = 1
save_steps = 1
eval_examples = 6
sample_prompts = 1
sample_steps = 1

""" + cli.TINY_GENERATOR


class Numbers(RanksTest):
    def test_a_checklist_has_the_numbers_of_one_rank_with_two_and_four(self):
        for ranks in [1, 2, 4]:
            self.ranks(ranks, CHECKLIST, f"r{ranks}", "--max-steps", "2", "--eval-steps", "2")
        for ranks in [2, 4]:
            self.assert_same_numbers("r1", f"r{ranks}")
            with open(self.path("r1", "questions.json")) as one, open(self.path(f"r{ranks}", "questions.json")) as more:
                self.assertEqual(one.read(), more.read())
        self.assert_no_leftovers()

    def test_generators_have_the_numbers_of_one_rank_with_two_and_four(self):
        command = ["train", "generator", "--config", self.write("g.toml", GENERATOR), "--max-steps", "3", "--eval-steps", "3"]
        for ranks in [1, 2, 4]:
            self.ranks(ranks, command, f"r{ranks}")
        for ranks in [2, 4]:
            self.assert_same_numbers("r1", f"r{ranks}")
        shutil.copytree(self.path("r1"), self.path("again"), symlinks=True)
        for name in ["step-3", "final"]:
            shutil.rmtree(self.path("again", name))
        self.ranks(2, command, "again")
        self.assert_same_numbers("r1", "again")

    def test_aligning_has_the_numbers_of_one_rank_with_two_and_four(self):
        # Of four ranks each has one of the four pairs of an update, and one of five pairs cannot be used: some rank has nothing to learn from.
        self.done("train", "generator", "--config", self.write("g.toml", GENERATOR), "--max-steps", "3", "--output-dir", self.path("g"))
        model = self.path("g", "final")
        self.done("generate", "--model", model, "--steps", "2", "--prompt", "a red circle", "--num", "6", "--out", self.path("samples"))
        with open(self.path("samples", "candidates.jsonl")) as f:
            media = json.loads(f.read())["media"]
        pairs = [{"id": str(k), "prompt": "a red circle", "media": media[k:k + 2], "target": {"pair": 1}} for k in range(5)]
        pairs[2]["media"] = ["lost.png", "lost.png"]
        data = self.write("samples/pairs.jsonl", "".join(json.dumps(pair) + "\n" for pair in pairs))
        for ranks in [1, 2, 4]:
            results = self.ranks(ranks, ["train", "mpo", "--model", model, "--data", data, "--per-device-train-batch-size", "1", "--logging-steps", "1",
                                         "--warmup-steps", "0", "--learning-rate", "1e-3", "--max-steps", "3"], f"m{ranks}")
            self.assertEqual(["left out 2" in r.err for r in results], [True] + [False] * (ranks - 1), "rank 0 tells")
        for ranks in [2, 4]:
            self.assert_same_numbers("m1", f"m{ranks}")
        self.assertGreater(self.metrics("m1")[-1]["skipped_examples"], 0)


class Faults(RanksTest):
    def test_a_killed_rank_ends_the_others_and_is_named(self):
        command = ["train", "generator", "--config", self.write("g.toml", GENERATOR), "--max-steps", "100000"]
        processes = self.start_ranks(2, command, "run")
        cli.wait_until(lambda: processes[0].poll() is not None or os.path.isdir(self.path("run", "step-1")))
        processes[1].kill()
        result = self.end(processes, timeout=60)[0]
        self.assertEqual(result.code, cli.RESOURCE, result)
        self.assertIn("rank 1 (", result.err)


if __name__ == "__main__":
    unittest.main()
