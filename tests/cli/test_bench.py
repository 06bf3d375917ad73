"""`bench`: the speed of a checkpoint as a table and as JSON, and flags that cannot be measured."""

import json
import os
import subprocess
import sys
import unittest

import cli

FAST = ["--model", cli.TINY, "--image-size", 56, "--max-completion-length", 6, "--repeat", 2]


class Bench(cli.CliTest):
    def test_json_says_what_was_measured(self):
        out = json.loads(self.done("bench", *FAST, "--num-generations", "1,3", "--json").out)
        self.assertEqual([r["num_generations"] for r in out["runs"]], [1, 3])
        self.assertGreater(out["prompt_tokens"], 2 * 4, "both pictures are in the prompt")
        for r in out["runs"]:
            low, high = r["tokens_per_second_range"]
            self.assertTrue(0 < low <= r["tokens_per_second"] <= high)
            keys = (out["prompt_tokens"] + 31) // 32 * 32 + r["num_generations"] * 32  # more or less, by how keys are rounded up
            self.assertTrue(0.3 < r["kv_cache_gb"] * 2**30 / (2 * 2 * 2 * 16 * 4 * keys) < 3, r)
            self.assertAlmostEqual(r["first_token_s"] * r["prompt_tokens_per_second"], out["prompt_tokens"], places=3)
        self.assertGreater(out["peak_rss_gb"], 0.01)
        self.assertEqual(out["peak_device_gb"], 0)

    def test_quantised_and_as_a_table(self):
        out = self.done("bench", *FAST, "--quantize", "int8", "--num-generations", 2).out
        for phrase in ["first token", "tokens/s", "2 pictures of 56 px"]:
            self.assertIn(phrase, out)

    def test_what_cannot_be_measured(self):
        for groups in ["0", "1.5", "1,2000"]:
            self.fails(cli.USAGE, "--num-generations", "bench", *FAST, "--num-generations", groups)
        self.fails(cli.USAGE, "--repeat", "bench", *FAST[:-1], 0)


class Rows(cli.CliTest):
    """bench/run.py, with a build folder of its own in which only the programs are the built ones."""

    def run_rows(self, names, *flags):
        for part in ["bin", "rank_bench"]:
            if not os.path.lexists(self.path(part)):
                os.symlink(os.path.join(os.path.dirname(os.path.dirname(cli.PROGRAM)), part), self.path(part))
        return subprocess.run([sys.executable, os.path.join(cli.ROOT, "bench/run.py"), "--quick", "--rows", names, "--build", self.path(""), "--peers", "none", *flags],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=cli.environment())

    def rows(self, names, *flags):
        done = self.run_rows(names, *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("bench.json")) as f:
            return json.load(f), done.stdout

    def test_what_became_worse_than_the_baseline_is_told(self):
        rows, text = self.rows("P9", "--baseline", self.path("none.json"))
        self.assertNotIn("worse", text)
        pairs, tau = (next(r for r in rows if r["unit"] == unit) for unit in ["pairs", "tau"])
        before = [{**pairs, "ratio": pairs["ratio"] * 2, "measured": "2001-02-03"}, {**tau, "ours": tau["ours"] * 0.9}]
        baseline = self.write("baseline.json", json.dumps({"machine": "m", "rows": before}))
        text = self.rows("P9", "--baseline", baseline)[1]
        self.assertIn(f"worse than the baseline of 2001-02-03: P9 {pairs['case']}", text)
        self.assertEqual(text.count("worse than"), 1, "tau became better")
        self.assertNotIn("worse", self.rows("P9", "--baseline", baseline, "--threshold", "0.6")[1])

    def test_faults_come_before_measuring_and_lose_nothing(self):
        done = self.run_rows("P9,PX")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no row PX", done.stderr)
        self.assertFalse(os.path.exists(self.path("bench.json")))
        self.assertIn("--quick", self.run_rows("P9", "--save-baseline").stderr)
        os.remove(self.path("bin"))
        os.makedirs(self.path("bin"))
        os.symlink("/bin/false", self.path("bin", "beholder"))
        done = self.run_rows("P9,P11")
        self.assertEqual(done.returncode, 1)
        self.assertIn("ended with 1", done.stderr)
        with open(self.path("bench.json")) as f:
            self.assertEqual({r["row"] for r in json.load(f)}, {"P9"})

    def test_rows_are_kept_beside_those_of_another_run(self):
        first, text = self.rows("P9")
        self.assertEqual({r["row"] for r in first}, {"P9"})
        for r in first:
            self.assertLessEqual({"row", "case", "ours", "peer", "peer_name", "ratio", "limit_share", "unit", "peak_rss_gb"}, r.keys())
            if r["unit"] == "pairs":
                self.assertAlmostEqual(r["ratio"], r["peer"] / r["ours"])
            self.assertGreater(r["peak_rss_gb"], 0.001)
            self.assertIn(r["case"], text)
        both, text = self.rows("P11")
        self.assertEqual([r for r in both if r["row"] == "P9"], first)
        self.assertEqual([r["row"] for r in both if r["row"] != "P9"], ["P11"])
        self.assertNotIn("P9", text)


if __name__ == "__main__":
    unittest.main()
