"""`trace`: the numbers of the reference implementation, and cases that are wrong."""

import json
import math
import os
import unittest

import cli

CASES_CLOSE = ["logits", "vision_image", "vision_video"]
EQUAL = ["input_ids", "position_ids", "image_grid_thw", "video_grid_thw", "second_per_grid_ts", "greedy_ids"]


class Cases(cli.CliTest):
    """Cases of the fixtures, traced with MODEL and held to what is stored beside it."""

    MODEL = cli.TINY

    def cases(self, *names):
        with open(os.path.join(cli.CASES, "cases.json")) as f:
            wanted = [case for case in json.load(f) if case["name"] in names]
        for case in wanted:  # the list lies in a folder of its own: pictures by full path
            for message in case["messages"]:
                for part in message["content"] if isinstance(message["content"], list) else []:
                    if "path" in part:
                        part["path"] = os.path.join(cli.CASES, part["path"])
                    if "frames" in part:
                        part["frames"] = [os.path.join(cli.CASES, f) for f in part["frames"]]
        return self.write("cases.json", json.dumps(wanted))

    def trace(self, cases):
        return ["trace", "--model", self.MODEL, "--cases", cases, "--dump", self.path("ours")]

    def compare_with_the_reference(self, names, close):
        made = self.done(*self.trace(self.cases(*names)), "--json").json()
        self.assertEqual(sorted(m["name"] for m in made), sorted(names))
        for name in names:
            ours = cli.read_safetensors(self.path("ours", f"{name}.safetensors"))
            stored = cli.read_safetensors(os.path.join(self.MODEL, f"{name}.safetensors"))
            compared = 0
            for tensor, (dtype, shape, raw) in stored.items():
                if tensor in EQUAL:
                    self.assertEqual(ours[tensor], (dtype, shape, raw), f"{name} {tensor}")
                elif tensor in close:
                    self.assertEqual((ours[tensor][0], ours[tensor][1][1:]), (dtype, shape[1:]), f"{name} {tensor}")
                    made = cli.rows(ours[tensor], cli.numbers(stored[f"{tensor}_rows"]))  # fixtures keep some rows only
                    self.assert_close(made, cli.numbers(stored[tensor]), f"{name} {tensor}")
                compared += tensor in EQUAL or tensor in close
            self.assertGreaterEqual(compared, 5, sorted(stored))
            self.assertIn("logits", stored)

    def assert_close(self, ours, theirs, what):
        """Within 2e-4 of the spread of the values: the tolerance beside the fixtures."""
        mean = math.fsum(theirs) / len(theirs)
        spread = math.sqrt(math.fsum((x - mean) ** 2 for x in theirs) / len(theirs))
        self.assertEqual(len(ours), len(theirs))
        worst = max(abs(a - b) for a, b in zip(ours, theirs))
        self.assertLess(worst, 2e-4 * spread, what)


class Trace(Cases):
    def test_the_reference_numbers(self):
        self.compare_with_the_reference(["wide_300x200", "image_and_video"], CASES_CLOSE)

    @unittest.skipUnless(os.path.exists(cli.EMBEDDED), "models/embedded has not been trained yet")
    def test_rounded_weights_change_the_logits_a_little(self):
        cases, logits = self.cases("text_only"), {}
        for bits in ("none", "int8", "int4"):
            out = self.path(bits)
            self.done("trace", "--model", cli.EMBEDDED, "--cases", cases, "--dump", out, "--quantize", bits, "--max-new-tokens", "1")
            logits[bits] = cli.numbers(cli.read_safetensors(os.path.join(out, "text_only.safetensors"))["logits"])
        size = math.hypot(*logits["none"])
        off = {bits: math.dist(logits["none"], logits[bits]) / size for bits in ("int8", "int4")}
        self.assertTrue(0 < off["int8"] < 0.02 < off["int4"] < 0.3, off)
        self.fails(cli.USAGE, "int3", "trace", "--model", cli.EMBEDDED, "--cases", cases, "--dump", self.path("x"), "--quantize", "int3")

    def test_wrong_cases(self):
        picture = self.picture("p.png")
        for case, phrases in [
            ({"messages": []}, "name"),
            ({"name": "../out", "messages": []}, "../out"),
            ({"name": "a"}, "messages"),
            ({"name": "a", "messages": [{"role": "user"}]}, "content"),
            ({"name": "a", "messages": [{"content": "x"}]}, "role"),
            ({"name": "a", "messages": ["x"]}, "role"),
            ({"name": "a", "messages": [{"role": "user", "content": 3}]}, "content"),
            ({"name": "a", "messages": [{"role": "user", "content": [3]}]}, "type"),
            ({"name": "a", "messages": [{"role": "user", "content": [{"type": "sound"}]}]}, "sound"),
            ({"name": "a", "messages": [{"role": "user", "content": [{"type": "image", "path": "nowhere.png"}]}]}, "nowhere.png"),
            ({"name": "a", "messages": [{"role": "user", "content": [{"type": "video", "frames": []}]}]}, "frames"),
            ({"name": "a", "messages": [{"role": "user", "content": [{"type": "video", "frames": [picture], "fps": 0}]}]}, "fps"),
            ({"name": "a", "messages": [{"role": "user", "content": "x"}], "input_ids": []}, "input_ids"),
            ({"name": "a", "messages": [{"role": "user", "content": "x"}], "input_ids": [-5, 99999999]}, "-5"),
            ({"name": "a", "messages": [{"role": "user", "content": "x"}], "max_new_tokens": -3}, "max_new_tokens"),
            ("x", "name"),
        ]:
            with self.subTest(case=case):
                self.fails(cli.INPUT, phrases, *self.trace(self.write("cases.json", json.dumps([case]))))

    def test_wrong_lists(self):
        self.fails(cli.INPUT, "nowhere.json", *self.trace(self.path("nowhere.json")))
        self.fails(cli.INPUT, "list of cases", *self.trace(self.write("cases.json", "{}")))
        self.fails(cli.USAGE, "--dump", "trace", "--model", cli.TINY)

    def test_unwritable_dump(self):
        self.write("ours", "a file")
        self.fails(cli.RESOURCE, "ours", *self.trace(self.cases("text_only")))


if __name__ == "__main__":
    unittest.main()
