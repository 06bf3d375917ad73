"""`data inspect`, `data convert`, `data split`, and public data sets given to the commands that judge and train."""

import io
import json
import os
import resource
import struct
import subprocess
import unittest
import zipfile

import cli
import reader_cases as cases

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


class Limits(cli.CliTest):
    def peak(self, *args):
        """JSON on stdout, and the most memory of this one process in MB."""
        with open(self.path("report"), "wb") as out:
            process = subprocess.Popen([cli.PROGRAM, *args, "--json"], env=cli.environment(), stdout=out)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, args)
        with open(self.path("report")) as f:
            return json.load(f), usage.ru_maxrss / 1024

    def test_a_record_of_too_many_media_is_left_out(self):
        self.write("set/a.png", cases.picture(1))
        test = [{"id": f"{n}", "prompt": f"p{n}", "generations": ["a.png"] * n, "ranking": [1] * n} for n in (256, 257, 300, 2)]
        rows = [{"image_path": "a.png", "prompt_id": f"{n}", "prompt": f"p{n}", "rank": 1, "image_amount_in_total": n}
                for n in (256, 257, 300, 2, 400) for _ in range(n)]
        for name, table, written in (("test.json", test, ["256", "2"]), ("train_1.json", rows, ["256", "2"])):
            source, out = self.write("set/" + name, json.dumps(table)), self.path("out " + name)
            done = self.done("data", "convert", source, "--out", out, "--check", "header", "--json").json()
            self.assertEqual((done["read"], done["written"], done["left_out"]), (len({r.get("id", r.get("prompt_id")) for r in table}), 2, len(
                {r.get("id", r.get("prompt_id")) for r in table}) - 2))
            self.assertEqual(done["notes"], {}, name)
            with open(os.path.join(out, "records.jsonl")) as f:
                self.assertEqual([json.loads(line)["id"] for line in f], written)
            with open(os.path.join(out, "left_out.jsonl")) as f:
                for line in f:
                    self.assertRegex(json.loads(line)["error"], name + r".*more than 256 media \(split")
            report = self.done("data", "inspect", os.path.join(out, "records.jsonl"), "--json").json()
            self.assertEqual((report["records"], report["bad"]), (2, 0))

    def test_pairs_of_a_long_ranking_are_only_counted(self):
        self.write("a.png", cases.picture(1))
        record = {"id": "1", "prompt": "long " * 4000, "media": ["a.png"] * 256, "target": {"ranking": [1 + k // 2 for k in range(256)]}}
        report, peak = self.peak("data", "inspect", self.write("r.jsonl", json.dumps(record)), "--check", "header")
        self.assertEqual((report["pairs"], report["tied_pairs"], report["soft_pairs"]), (256 * 255 // 2, 128, 0))
        self.assertLess(peak, 300, "MB")  # every pair with its prompt: 650

    def test_a_large_member_is_refused_by_its_header(self):
        def zipped(name, data):
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
                z.writestr(zipfile.ZipInfo("huge.png"), data, zipfile.ZIP_DEFLATED)
                z.writestr(zipfile.ZipInfo("a.png"), cases.picture(1))
            size = struct.pack("<I", len(data))
            self.write(name, out.getvalue().replace(size, struct.pack("<I", 3 << 30)))  # it claims 3 GiB
        self.write("set/t.json", json.dumps([{"human_preference": [1, 0], "prompt": "p", "file_path": ["a.png", "a.png"]}]))
        zipped("set/images.zip", bytes(123_456_789))
        report, peak = self.peak("data", "inspect", self.path("set"))
        self.assertEqual((report["media"]["refused"], report["media"]["in_archives"], report["media"]["missing"]), (1, 1, 0), report["problems"])
        self.assertEqual(report["broken_archives"], [])
        self.assertRegex(report["problems"][0], "huge.png: refused: larger than")
        self.assertLess(peak, 200, "MB")


class Permissions(cli.CliTest):
    def as_nobody(self, *args):
        cases.open_way(self.tmp)
        self.addCleanup(cases.open_way, self.tmp)
        os.chmod(self.path("set/closed"), self.mode)
        try:
            done = subprocess.run([cli.PROGRAM, *args], env=cli.environment(), capture_output=True, **cases.nobody())
        except PermissionError:
            self.skipTest("nobody else may run the program")
        return cli.Result(args, done.returncode, done.stdout, done.stderr)

    def setUp(self):
        super().setUp()
        good = [{"human_preference": [1, 0], "prompt": "p", "file_path": ["a.png", "a.png"]}]
        for place in ("set", "set/closed", "set/open", "set/closed/deep"):
            self.write(place + "/a.png", cases.picture(1))
            self.write(place + "/t.json", json.dumps(good))
        self.write("set/closed/i.zip", cases.packed({"b.png": cases.picture(2)}, "zip"))

    def test_one_folder_is_left_out_by_name(self):
        for self.mode in (0, 0o444):
            run = self.as_nobody("data", "inspect", self.path("set"), "--json")
            self.assertEqual(run.code, 0, run)
            report = run.json()
            self.assertEqual(report["records"], 2, run)
            closed = {path: why for path, why in report["left_out"].items() if path.startswith(self.path("set/closed"))}
            self.assertTrue(closed, run)
            if self.mode == 0:
                self.assertEqual(closed, {self.path("set/closed"): "cannot be read: Permission denied"})

    def test_nothing_but_a_closed_folder(self):
        self.mode = 0
        run = self.as_nobody("data", "inspect", self.path("set/closed"))
        self.check_failure(run, cli.INPUT, self.path("set/closed") + ": Permission denied")
        for name in ("set/t.json", "set/open/t.json"):
            os.remove(self.path(name))
        self.check_failure(self.as_nobody("data", "inspect", self.path("set")), cli.INPUT, ["no file of records", "closed cannot be read: Permission"])

    def test_a_file_in_a_folder_that_cannot_be_listed(self):
        self.mode = 0o111
        run = self.as_nobody("data", "inspect", self.path("set/closed/t.json"), "--json")
        self.assertEqual(run.code, 0, run)
        self.assertEqual((run.json()["records"], run.json()["media"]["missing"]), (1, 0))


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
        self.fails(cli.INPUT, "a mixture is written with spaces", *[arg.replace(" * ", "*").replace(" + ", "+") for arg in run])
        self.done(*run)
        with open(self.path("run/data/records.jsonl")) as f:
            records = [json.loads(line) for line in f]
        self.assertEqual(len(records), 4)
        self.assertEqual(sum(r["prompt"] == "a green tree" for r in records), 2)


if __name__ == "__main__":
    unittest.main()
