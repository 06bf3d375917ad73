"""`data inspect`, `data convert`, `data split`, and public data sets given to the commands that judge and train."""

import json
import os
import resource
import subprocess
import unittest

import cli

SETS = os.path.join(cli.ROOT, "tests/data/datasets")


def fixture(*names):
    return os.path.join(SETS, *names)


class Inspect(cli.CliTest):
    def test_counts_as_json(self):
        report = self.done("data", "inspect", fixture("pickapic"), "--json", "--sheet", self.path("sheet.png")).json()
        self.assertEqual((report["formats"], report["records"], report["bad"]), (["pick-a-pic"], 6, 1))
        self.assertEqual((report["tied_pairs"], report["duplicate_records"], report["media"]["unreadable"]), (1, 1, 1))
        info = self.done("info", report["contact_sheet"], "--json").json()
        self.assertEqual((info["format"], info["width"]), ("png", 6 * 160 + 7 * 4))

    def test_plain_text_names_what_is_wrong(self):
        text = self.done("data", "inspect", fixture("hpdv3")).out
        for phrase in ["hpdv3", "12 good, 0 bad", "1 missing, 1 unreadable; 23 in archives", "choice_dist does not agree", "5-l.jpg"]:
            self.assertIn(phrase, text)

    def test_every_fixture_is_known(self):
        for name in sorted(os.listdir(SETS)):
            if name in ("expected.json", "readers.zip", "strange", "many"):
                continue
            report = self.done("data", "inspect", fixture(name), "--json", "--check", "header").json()
            self.assertTrue(report["formats"] or name == "empty", name)

    def test_help_lists_the_formats(self):
        text = self.done("data", "inspect", "--help").out
        for name in ["imagereward-test", "imagerewarddb", "hpdv2-train", "hpdv2-test", "hpdv3", "pick-a-pic", "rapidata-votes",
                     "visionrewarddb-image", "genai-bench-image", "videoalign", "mmrb2", "unifiedreward-sft"]:
            self.assertIn(name, text)

    def test_leak(self):
        report = self.done("data", "inspect", fixture("hpdv2"), "--against", fixture("hpdv2/test.json"), "--json").json()
        self.assertEqual((report["leak"]["prompts"], report["leak"]["media"]), (1, 3))

    def test_errors(self):
        self.fails(cli.INPUT, ["strange.parquet", "question, answer"], "data", "inspect", fixture("strange/strange.parquet"))
        self.fails(cli.INPUT, "no such file", "data", "inspect", self.path("nothing"))
        self.fails(cli.INPUT, "no file of records", "data", "inspect", self.tmp)
        self.fails(cli.USAGE, "0 paths", "data", "inspect")
        self.fails(cli.USAGE, "full, header, none", "data", "inspect", fixture("hpdv2"), "--check", "some")
        with open(fixture("rapidata/votes.parquet"), "rb") as f:
            cut = self.write("cut.parquet", f.read()[:5000])
        self.fails(cli.INPUT, "cut.parquet", "data", "inspect", cut)

    def test_memory_does_not_grow_with_the_rows(self):
        def peak(rows):
            path = self.write(f"{rows}.json", json.dumps([{"human_preference": [1, 0], "prompt": f"p{i % 50}", "file_path": ["a.jpg", "b.jpg"]}
                                                          for i in range(rows)]))
            report = self.done("data", "inspect", path, "--check", "none", "--json").json()
            self.assertEqual((report["records"], report["media"]["missing"]), (rows, 2 * rows))
            return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        few = peak(1000)
        self.assertLess(peak(100_000) - few, 40, "MB")


class Convert(cli.CliTest):
    def convert(self, source, *more):
        return self.done("data", "convert", source, "--out", self.path("out"), "--json", *more).json()

    def read(self, name="out/records.jsonl"):
        with open(self.path(name)) as f:
            return [json.loads(line) for line in f]

    def test_pictures_become_files(self):
        done = self.convert(fixture("pickapic"))
        self.assertEqual((done["written"], done["left_out"], done["media_written"], done["media_kept"]), (5, 2, 8, 2))
        for record in self.read():
            for medium in record["media"]:
                self.assertTrue(os.path.isfile(self.path("out", medium)), medium)
        problems = self.read("out/left_out.jsonl")
        self.assertIn("jpg_0", problems[0]["error"])
        again = self.convert(fixture("pickapic"))
        self.assertEqual((again["written"], again["media_written"]), (5, 0))

    def test_rankings_as_pairs_without_ties(self):
        done = self.convert(fixture("imagereward/test.json"), "--pairs", "--drop-ties")
        self.assertEqual((done["written"], done["ties_dropped"], done["left_out"]), (6 + 2 + 1, 1, 1))
        self.assertEqual({r["target"]["pair"] for r in self.read()}, {0.0, 1.0})

    def test_a_split_of_a_folder(self):
        self.assertEqual(self.convert(fixture("hf"), "--split", "test")["written"], 3)
        both = self.run_program("data", "convert", fixture("hf"), "--out", self.path("both"), "--json")
        self.assertEqual(both.json()["written"], 6)
        self.assertIn("several splits", both.err)

    def test_shuffled_by_seed(self):
        order = []
        for seed in (1, 1, 2):
            self.convert(fixture("hpdv3"), "--shuffle", "--seed", seed)
            order.append([r["id"] for r in self.read()])
        self.assertEqual(order[0], order[1])
        self.assertNotEqual(order[0], order[2])

    def test_nothing_usable(self):
        self.fails(cli.INPUT, ["none of", "no such file"], "data", "convert", self.write("t.json", json.dumps(
            [{"human_preference": [1, 0], "prompt": "p", "file_path": ["a.jpg", "b.jpg"]}])), "--out", self.path("o"))
        self.assertFalse(os.path.exists(self.path("o/records.jsonl")))
        self.fails(cli.USAGE, "--out", "data", "convert", fixture("hpdv2"))

    def test_a_full_disk(self):
        disk = self.small_disk(16)
        self.fails(cli.RESOURCE, "disk", "data", "convert", fixture("genai"), "--out", os.path.join(disk, "o"))


class Split(cli.CliTest):
    def test_parts_and_their_leak(self):
        records = self.records("r.jsonl", 40)
        done = self.done("data", "split", records, "--out", self.path("p"), "--validation", "0.2", "--test", "0.2", "--json").json()
        self.assertEqual(sum(part["records"] for part in done["parts"].values()), 40)
        self.assertEqual(done["leak"], {"prompts": 0, "media": 0})
        leak = self.done("data", "inspect", self.path("p/train.jsonl"), "--against", self.path("p/test.jsonl"), "--json").json()["leak"]
        self.assertEqual((leak["prompts"], leak["media"]), (0, 0))

    def test_too_few(self):
        self.fails(cli.INPUT, "too few prompts", "data", "split", self.records("r.jsonl", 1), "--out", self.path("p"))


class Use(cli.CliTest):
    """Public data sets where records are read."""

    def test_compare_reads_parquet(self):
        results = self.done("compare", *self.JUDGE, "--in", fixture("rapidata/votes.parquet")).lines()
        self.assertEqual([r["prompt"] for r in results], ["v0", "v1", "v2"])
        self.assertTrue(all("probability" in r for r in results))

    def test_training_takes_a_mixture(self):
        mix = f"{fixture('rapidata/votes.parquet')} * 1 + {fixture('unified/grpo.json')} * 1"
        run = ["train", "grpo", "--model", cli.TINY, "--data", mix, "--output-dir", self.path("run"), "--max-steps", "1", "--num-generations", "2",
               "--per-device-train-batch-size", "2", "--gradient-accumulation-steps", "1", "--max-completion-length", "4", "--eval-steps", "0"]
        self.done(*run)
        with open(self.path("run/data/records.jsonl")) as f:
            records = [json.loads(line) for line in f]
        self.assertEqual(len(records), 4)
        self.assertEqual(sum(r["prompt"] == "a green tree" for r in records), 2)


if __name__ == "__main__":
    unittest.main()
