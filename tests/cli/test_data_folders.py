"""What shows only in whole folders of public data: twins, splits, ids, archives in parts, leaks, labels that nobody gave."""

import gzip
import json
import os
import shutil
import unittest

import cli
import reader_cases as cases

SETS = os.path.join(cli.ROOT, "tests/data/datasets")


def fixture(*names):
    return os.path.join(SETS, *names)


class Folders(cli.CliTest):
    def inspect(self, *args):
        return self.done("data", "inspect", *args, "--json").json()

    def write_all(self, files):
        for name, data in files.items():
            self.write(name, data)

    def lay(self, places):
        """{place in the folder: fixture}"""
        shutil.rmtree(self.path("set"), ignore_errors=True)
        for place, source in places.items():
            os.makedirs(os.path.dirname(self.path("set", place)), exist_ok=True)
            shutil.copyfile(fixture(source), self.path("set", place))
        return self.path("set")

    def test_imagerewarddb_as_published_is_read_once(self):
        report = self.inspect(fixture("irdb_metadata"))
        self.assertEqual((report["records"], report["repeated_ids"], report["media"]["missing"], report["media"]["in_archives"]), (4, 0, 0, 5))

    def test_a_split_is_a_whole_name_before_it_is_a_word(self):
        def split(name):
            return self.inspect(self.path("set"), "--split", name)["records"]
        genai = fixture("genai")
        self.assertEqual([self.inspect(genai, "--split", s)["records"] for s in ("test", "test_v1", "image_generation")], [2, 4, 6])
        self.assertEqual(self.inspect(genai)["splits"], ["test", "test_v1"])
        a, b = "pickapic/data/train-00000-of-00002.parquet", "rapidata/votes.parquet"
        self.lay({"data/test-00000-of-00003-0123abcd.parquet": a, "data/test_unique-00000-of-00001.parquet": b, "data/validation_unique.parquet": b})
        self.assertEqual((split("test"), split("test_unique"), split("validation_unique"), split("validation")), (4, 3, 3, 3))
        self.assertEqual(self.inspect(self.path("set"))["splits"], ["test", "test_unique", "validation_unique"])
        self.lay({"train_aes.json": "hpdv3/train.json", "test_tf.json": "mixed/test.json"})
        self.assertEqual((split("train_aes"), split("train"), split("test_tf")), (12, 12, 2))
        self.fails(cli.INPUT, ["the split \"dev\"", "choose test, train"], "data", "inspect", self.path("set"), "--split", "dev")
        self.lay({"train_0001.parquet": b, "train_0002.parquet": b, "regression.parquet": "visionreward/pairs.parquet"})
        self.assertEqual((split("train"), split("regression")), (6, 4))

    def test_has_label_counts_outside_training_only(self):
        a = "pickapic/data/train-00000-of-00002.parquet"
        for name, none in (("train", 0), ("validation", 1)):
            self.assertEqual(self.inspect(self.lay({name + "-00000-of-00001.parquet": a}))["labels"]["none"], none, name)

    def test_ids_do_not_repeat(self):
        self.assertEqual(self.inspect(fixture("hf"))["repeated_ids"], 0)
        self.lay({"image_a/test.parquet": "rapidata/votes.parquet", "image_b/test.parquet": "rapidata/weighted.parquet"})
        self.assertEqual(self.inspect(self.path("set"))["repeated_ids"], 0)
        row = {"image_path": "a.png", "prompt_id": "p", "prompt": "x", "rank": 1}
        self.write("apart.json", json.dumps([row, {**row, "rank": 2}, {**row, "prompt_id": "q"}, row, {**row, "rank": 2}, row | {"prompt_id": "r"}]))
        report = self.inspect(self.path("apart.json"), "--check", "none")
        self.assertEqual((report["records"], report["repeated_ids"]), (4, 0))
        self.assertEqual(report["notes"]["prompts whose rows are not together (several records)"], 1)

    def test_rows_before_the_first_good_one_are_bad_lines(self):
        good = {"human_preference": [1, 0], "prompt": "p", "file_path": ["a.png", "b.png"]}
        self.write_all({"set/a.json": json.dumps([{"prompt": "x"}, "word", good, {**good, "late": 1}, good]), "set/b.json": json.dumps([good]),
                        "set/c.json": json.dumps([{"who": k} for k in range(250)]), "set/a.png": cases.picture(1), "set/b.png": cases.picture(2)})
        report = self.inspect(self.path("set"))
        self.assertEqual((report["records"], report["bad"], report["unknown_columns"]), (4, 2, ["late"]))
        self.assertIn("250 rows", report["left_out"][self.path("set/c.json")])

    def test_json_as_python_writes_it(self):
        good = {"path1": "a.png", "path2": "b.png", "prompt": "a NaN, \"Infinity\"", "choice_dist": [9, 1], "confidence": float("nan")}
        broken = json.dumps([good, good, good]).replace('"prompt"', '"prompt" oops', 2).replace('"prompt" oops', '"prompt"', 1)
        lines = json.dumps(good) + "\n" + json.dumps({**good, "prompt": "y"}) + "\n"
        for name, text, records, bad in (("nan.json", json.dumps([good, {**good, "confidence": float("-inf")}]), 2, 0), ("broken.json", broken, 2, 1),
                                         ("lines.json", lines, 2, 0), ("nan.jsonl", lines, 2, 0)):
            report = self.inspect(self.write(name, text), "--check", "none")
            self.assertEqual((report["records"], report["bad"], report["formats"]), (records, bad, ["hpdv3"]), name)

    def test_own_records_name_their_unknown_keys(self):
        row = {"id": "1", "prompt": "p", "media": ["a.png"]}
        report = self.inspect(self.write("own.jsonl", json.dumps(row) + "\n" + json.dumps({**row, "note": 1}) + "\n"), "--check", "none")
        self.assertEqual((report["records"], report["unknown_columns"], report["repeated_ids"]), (2, ["note"], 1))
        self.assertEqual(report["files"], {self.path("own.jsonl"): 2})

    def test_choice_dist_that_is_none(self):
        row = {"path1": "a.png", "path2": "b.png", "prompt": "p"}
        report = self.inspect(self.write("h.json", json.dumps([{**row, "choice_dist": d} for d in ("9:1", {"a": 9}, ["9", "1"], None, [9, 1])])))
        self.assertEqual((report["records"], report["bad"]), (5, 0))
        self.assertEqual(report["notes"]["choice_dist is no list of numbers (order taken)"], 3)

    def test_pictures_of_the_task_are_counted(self):
        for name, n in (("genai_edition", 1), ("mmrb2", 1)):
            self.assertEqual(self.inspect(fixture(name))["notes"]["source picture not shown (the answers alone are compared)"], n, name)

    def test_parts_by_number(self):
        s = cases.Set(next(r for r in cases.READERS if r.title == "hpdv3"))
        whole = gzip.compress(cases.packed(s.files), mtime=0)
        size = len(whole) // 12 + 1
        self.write("set/all.json", cases.text_of(s))
        for k in range(12):
            self.write(f"set/images.tar.gz.{k}", whole[k * size:(k + 1) * size])
        self.assertEqual(self.inspect(self.path("set"))["media"]["in_archives"], 12)
        os.remove(self.path("set/images.tar.gz.10"))
        report = self.inspect(self.path("set"))
        self.assertIn("images.tar.gz.10 is missing", report["problems"][0])

    def test_leaks_show_in_archives(self):
        copied = shutil.copytree(fixture("hpdv3"), self.path("again"))
        leak = self.inspect(fixture("hpdv3"), "--against", copied)["leak"]
        self.assertEqual((leak["prompts"], leak["media"], leak["records"]), (12, 23, 12))
        leak = self.inspect(fixture("hpdv3"), "--against", copied, "--check", "none")["leak"]
        self.assertEqual(leak["media"], 23)

    def test_the_same_picture_twice_in_an_archive_is_a_duplicate(self):
        rows = [{"human_preference": [1, 0], "prompt": "p", "file_path": pair} for pair in (["1.png", "2.png"], ["3.png", "4.png"])]
        pictures = {f"{n}.png": cases.picture(n % 2) for n in (1, 2, 3, 4)}
        self.write_all({"set/train.json": json.dumps(rows), "set/images.tar": cases.packed(pictures)})
        report = self.inspect(self.path("set"))
        self.assertEqual((report["duplicate_records"], report["media"]["distinct"]), (1, 2))

    def test_a_path_says_what_is_read_of_it(self):
        self.assertEqual(self.inspect(fixture("genai") + "[split=test_v1]")["records"], 4)
        self.assertEqual(self.inspect(fixture("videoalign/test.csv") + "[aspect=TA]")["tied_pairs"], 4)
        self.fails(cli.USAGE, ["there is no \"side\"", "split=train"], "data", "inspect", fixture("genai") + "[side=left]")
        mix = f"{fixture('videoalign/test.csv')}[aspect=TA] * 1 + {fixture('hf')}[split=test] * 1"
        self.done("train", "grpo", "--model", cli.TINY, "--data", mix, "--output-dir", self.path("run"), "--max-steps", "1", "--num-generations", "2",
                  "--per-device-train-batch-size", "2", "--gradient-accumulation-steps", "1", "--max-completion-length", "4", "--eval-steps", "0")
        with open(self.path("run/data/records.jsonl")) as f:
            records = [json.loads(line) for line in f]
        self.assertEqual(len(records), 7)
        self.assertEqual(len({r["id"] for r in records}), 7)
        self.assertTrue(all(r["prompt"].startswith("test ") for r in records if "hf" in r["id"] or "data-" in r["id"]))


if __name__ == "__main__":
    unittest.main()
