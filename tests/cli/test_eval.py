"""`eval`: scores and judges under named protocols, stopped and gone on with, compared, and beside published numbers."""

import itertools
import json
import os
import signal
import subprocess
import sys
import unittest

import cli


class Scores(cli.CliTest):
    """Somebody else's numbers: no model, no pictures."""

    RANKINGS = {"big": [1, 2, 3, 3], "small": [1, 2]}

    def data(self, name="data.jsonl", rankings=None):
        lines = [json.dumps({"id": key, "prompt": f"prompt {key}", "media": [f"{key}{i}.png" for i in range(len(ranking))], "target": {"ranking": ranking}})
                 for key, ranking in (rankings or self.RANKINGS).items()]
        return self.write(name, "\n".join(lines) + "\n")

    def scores(self, values, name="scores.jsonl"):
        return self.write(name, "".join(json.dumps({"id": key, "scores": scores}) + "\n" for key, scores in values.items()))

    def evaluate(self, protocol, values, *more):
        return self.done("eval", "--data", self.data(), "--protocol", protocol, "--scores", self.scores(values), "--json", *more).json()

    def test_the_record(self):
        result = self.evaluate("imagereward", {"big": [1, 2, 3, 4], "small": [2, 1]})
        self.assertEqual(list(result)[:8], ["protocol", "value", "interval", "n", "label_ties", "predicted_ties", "unparsed", "missing"])
        self.assertAlmostEqual(result["value"], 1 / 6)
        self.assertEqual((result["n"], result["label_ties"]), (6, 1))

    def test_protocols_differ_on_the_same_numbers(self):
        values = {"big": [1, 2, 3, 4], "small": [2, 1]}
        self.assertAlmostEqual(self.evaluate("imagereward-macro", values)["value"], 1 / 2)
        self.assertAlmostEqual(self.evaluate("hpdv2", values)["value"], 7 / 12)

    def test_the_quirk_of_the_public_script(self):
        data = self.data(rankings={k: [1, 2] for k in "abc"})
        scores = self.scores({"a": [1, 0], "b": [2, 0], "c": [3, 0]})
        values = [self.done("eval", "--data", data, "--protocol", p, "--scores", scores, "--json").json()["value"] for p in ("tau", "tau-videoalign")]
        self.assertEqual(values[0], 1)
        self.assertAlmostEqual(values[1], 2 / 3)

    def test_what_is_not_there_counts_and_is_counted(self):
        scores = self.write("scores.jsonl", '{"id":"small","scores":[1,null]}\nrubbish\n{"id":"nobody","scores":[1,2]}\n')
        result = self.done("eval", "--data", self.data(), "--protocol", "imagereward", "--scores", scores, "--json")
        self.assertIn("scores.jsonl:2", result.err)
        result = result.json()
        self.assertEqual((result["value"], result["n"], result["unparsed"], result["missing"]), (0, 6, 1, 5))
        self.assertEqual((result["bad_scores"], result["unknown_scores"]), (1, 1))

    def test_four_way(self):
        words = ["leftvote", "rightvote", "tievote", "bothbad_vote"]
        q = [1, 0, 0.5, 0.5]
        self.picture("a.png"), self.picture("b.png", shade=9)
        data = self.write("g.jsonl", "".join(json.dumps({"id": str(i), "prompt": f"p{i}", "media": ["a.png", "b.png"], "target": {"pair": q[i]},
                                                         "meta": {"vote_type": words[i]}}) + "\n" for i in range(4)))
        said = self.write("said.jsonl", "".join(json.dumps({"id": str(i), "vote_type": w}) + "\n" for i, w in enumerate(
            ["leftvote", "leftvote", "bothbad_vote", "bothbad_vote"])))
        measure = lambda protocol, scores: self.done("eval", "--data", data, "--protocol", protocol, "--scores", scores, "--json").json()
        for split in ["test_v1", "test"]:
            result = measure(f"genai-bench-4way/{split}", said)
            self.assertEqual((result["value"], result["n"], result["predicted_ties"], result["label_ties"]), (0.5, 4, 2, 2))
            self.assertIn(split, result["rule"])
        self.assertEqual(measure("diff", said)["value"], 0.5)
        self.assertEqual(measure("genai-bench/test", said)["value"], 0.25)
        self.assertEqual(measure("genai-bench-videoscore/test", said)["value"], 0.75)
        numbers = self.scores({"0": [2, 1]}, "numbers.jsonl")
        self.fails(cli.USAGE, ["two scores", "vote_type"], "eval", "--data", data, "--protocol", "genai-bench-4way/test", "--scores", numbers)
        plain = self.labelled_pair()
        self.fails(cli.INPUT, "tievote", "eval", "--data", plain, "--protocol", "genai-bench-4way/test", "--scores", said)

    def labelled_pair(self):
        return self.write("plain.jsonl", json.dumps({"id": "0", "prompt": "p", "media": ["a.png", "b.png"], "target": {"pair": 0.5}}) + "\n")

    def test_table_and_page(self):
        scores = self.scores({"big": [4, 3, 2, 1], "small": [1, 2]})
        shown = self.done("eval", "--data", self.data(), "--protocol", "imagereward", "--scores", scores, "--score-scale", "1", "--report", self.path("r.html"),
                          "--dataset", "ImageReward test")
        for text in ["imagereward of scores.jsonl on ImageReward test", "0.8333", "ECE", "kendall_tau_b", "rank +1"]:
            self.assertIn(text, shown.out)
        with open(self.path("r.html")) as f:
            page = f.read()
        for text in ["Reliability", "The worst errors", "MPS (imscore)"]:
            self.assertIn(text, page)
        self.assertNotIn("HPSv2.1<", page, "that one was measured with another protocol")

    def test_wrong_use(self):
        data, scores = self.data(), self.scores({"big": [1, 2, 3, 4]})
        for args, code, phrases in [
            (["--protocol", "tau", "--scores", scores], cli.USAGE, "--data"),
            (["--data", data, "--scores", scores], cli.USAGE, "--protocol"),
            (["--data", data, "--scores", scores, "--protocol", "taw"], cli.USAGE, ["taw", "tau"]),
            (["--data", data, "--scores", scores, "--protocol", "votes"], cli.USAGE, "--score-scale"),
            (["--data", data, "--protocol", "tau"], cli.USAGE, "--output-dir"),
            (["--data", data, "--protocol", "tau", "--scores", scores, "--model", "x"], cli.USAGE, "--scores"),
            (["--data", self.path("none.jsonl"), "--protocol", "tau", "--scores", scores], cli.INPUT, "none.jsonl"),
            (["--data", data, "--protocol", "tau", "--scores", self.scores({"big": [1, 2]}, "short.jsonl")], cli.INPUT, ["big", "2 scores for 4 media"]),
        ]:
            with self.subTest(args=args):
                self.fails(code, phrases, "eval", *args)

    def keep(self, folder, values, protocol="imagereward", *more):
        self.evaluate(protocol, values, "--output-dir", self.path(folder), "--name", folder, "--dataset", "ImageReward test", *more)
        return self.path(folder)

    def test_compare(self):
        a = self.keep("a", {"big": [1, 2, 3, 4], "small": [2, 1]})
        b = self.keep("b", {"big": [4, 3, 2, 1], "small": [2, 1]})
        result = self.done("eval", "compare", a, b, "--json").json()
        self.assertAlmostEqual(result["difference"], 5 / 6)
        self.assertEqual((result["n"], result["prompts"], result["judges"]), (6, 2, ["a", "b"]))
        self.assertIn("B - A +0.8333", self.done("eval", "compare", a, b).out)
        macro = self.keep("macro", {"big": [1, 2, 3, 4], "small": [2, 1]}, "imagereward-macro")
        self.fails(cli.INPUT, ["protocol", "cannot be compared"], "eval", "compare", a, macro)
        self.fails(cli.USAGE, "two", "eval", "compare", a)
        self.fails(cli.INPUT, "nowhere", "eval", "compare", a, self.path("nowhere"))

    def test_leaderboard(self):
        ours = self.keep("ours", {"big": [4, 3, 2, 1], "small": [2, 1]})
        macro = self.keep("macro", {"big": [4, 3, 2, 1], "small": [2, 1]}, "imagereward-macro")
        board = self.done("eval", "leaderboard", ours, "--json", "--out", self.path("l.html")).json()
        names = {e["name"] for e in board["tables"][0]["entries"]}
        self.assertIn("ours", names)
        self.assertIn("HPSv3", names)
        self.assertNotIn("HPSv2", names, "its number is a mean over prompts")
        self.assertTrue(any(t["protocol"] == "not stated" for t in board["other_protocols"]))
        with open(self.path("l.html")) as f:
            self.assertIn("Not comparable", f.read())
        self.fails(cli.INPUT, "not of one protocol", "eval", "leaderboard", ours, macro)
        self.assertEqual(len(self.done("eval", "leaderboard", ours, macro, "--separate", "--json").json()["tables"]), 2)


class PublicDataSets(cli.CliTest):
    """Which records of a public data set are measured, and what its reader left out."""

    SETS = os.path.join(cli.ROOT, "tests/data/datasets")

    def images(self, folder, *splits):
        """ImageReward's layout: a list for each split, two prompts in each."""
        for split in splits:
            self.write(f"{folder}/{split}.json", json.dumps([
                {"id": f"{split}{i}", "prompt": f"{split} {i}", "generations": [f"{split}{i}-{k}.png" for k in range(2)], "ranking": [1, 2]} for i in range(2)]))
        return self.path(folder)

    def genai(self, name, count=2):
        row = {"video_left": "a.mp4", "video_right": "b.mp4", "left_model": "A", "right_model": "B", "vote_type": "leftvote"}
        return self.write(name, json.dumps([{**row, "id": f"{name} {i}", "prompt": f"{name} {i}"} for i in range(count)]))

    def scores(self, *ids):
        return self.write("scores.jsonl", "".join(json.dumps({"id": key, "scores": [1, 0]}) + "\n" for key in ids))

    def command(self, data, protocol, scores, *more):
        return ["eval", "--data", data, "--protocol", protocol, "--scores", scores, "--json", *more]

    def test_one_split_of_a_folder_that_holds_several(self):
        folder, scores = self.images("set", "test", "validation"), self.scores("test0", "test1")
        self.fails(cli.USAGE, ["several splits", "test", "validation", "--split"], *self.command(folder, "imagereward", scores))
        self.fails(cli.USAGE, ["several splits", "--split"], "eval", *self.JUDGE, "--data", folder, "--protocol", "imagereward", "--output-dir", self.path("out"))
        result = self.done(*self.command(folder, "imagereward", scores, "--split", "test")).json()
        self.assertEqual((result["records"], result["value"], result["missing"]), (2, 1, 0))
        self.assertEqual((result["dataset"], result["settings"]["split"]), ("set test", "test"))
        self.assertEqual(self.done(*self.command(folder + "/", "imagereward", scores, "--split", "validation")).json()["missing"], 2)
        self.fails(cli.INPUT, "dev", *self.command(folder, "imagereward", scores, "--split", "dev"))
        alone = self.done(*self.command(self.images("alone", "test"), "imagereward", scores)).json()
        self.assertEqual((alone["records"], alone["dataset"]), (2, "alone"))

    def test_a_judge_sees_the_split_that_was_chosen(self):
        folder = self.images("set", "test", "train")
        for split, i, k in itertools.product(["test", "train"], range(2), range(2)):
            self.picture(f"set/{split}{i}-{k}.png", shade=40 * i + 90 * k)
        result = self.done("eval", *self.JUDGE, "--data", folder, "--split", "test", "--protocol", "imagereward", "--output-dir", self.path("out"), "--json").json()
        self.assertEqual((result["n"], result["missing"], result["settings"]["split"]), (2, 0, "test"))
        with open(self.path("out", "pairs.jsonl")) as f:
            self.assertEqual(sorted(json.loads(line)["prompt"] for line in f), ["test 0", "test 1"])

    def test_the_split_that_a_protocol_names(self):
        self.genai("g/test.json"), self.genai("g/test_v1.json"), self.genai("v1/test_v1.json")
        folder, scores = self.path("g"), self.scores("g/test.json 0", "g/test_v1.json 0", "v1/test_v1.json 0")
        self.fails(cli.USAGE, ["test", "test_v1"], *self.command(folder, "genai-bench/test", scores))
        for split in ["test", "test_v1"]:
            other = "test_v1" if split == "test" else "test"
            result = self.done(*self.command(folder, f"genai-bench/{split}", scores, "--split", split)).json()
            self.assertEqual((result["records"], result["unknown_scores"]), (2, 2))
            self.fails(cli.USAGE, ["--protocol", split, other], *self.command(folder, f"genai-bench/{split}", scores, "--split", other))
            self.fails(cli.USAGE, ["--protocol", split, other], *self.command(self.path(f"g/{other}.json"), f"genai-bench-videoscore/{split}", scores))
        self.fails(cli.USAGE, ["--protocol", "test_v1"], *self.command(self.path("v1"), "genai-bench/test", scores))
        self.assertEqual(self.done(*self.command(self.path("v1"), "genai-bench/test_v1", scores)).json()["records"], 2)

    def test_aspects_are_data_sets_of_their_own(self):
        data = os.path.join(self.SETS, "rapidata/weighted.parquet")
        scores = self.scores("none")
        names = {self.done(*self.command(data, "diff", scores, *aspect)).json()["dataset"] for aspect in [[], ["--aspect", "alignment"]]}
        self.assertEqual(len(names), 2)

    def test_flags_of_public_sets_are_refused_for_our_own_records(self):
        data = self.write("own.jsonl", '{"id":"0","prompt":"p","media":["a.png","b.png"],"target":{"pair":1}}\n')
        for flag in ["--split", "--aspect", "--format", "--media-root"]:
            self.fails(cli.USAGE, [flag, "our own"], *self.command(data, "diff", self.scores("0"), flag, "x"))

    def test_nothing_is_left_out_without_a_word(self):
        folder = self.images("set", "test")
        with open(self.path("set", "test.json")) as f:
            rows = [{**row, "colour": "red"} for row in json.load(f)]
        for name in itertools.chain(*[row["generations"] for row in rows]):
            self.picture(f"set/{name}")
        self.write("set/test.json", json.dumps(rows))
        self.write("set/other.csv", "a,b\n1,2\n")
        for judge in [["--scores", self.scores("test0")], [*self.JUDGE, "--output-dir", self.path("out")]]:
            with self.subTest(judge=judge[0]):
                done = self.done("eval", "--data", folder, "--protocol", "imagereward", *judge, "--json", "--report", self.path("r.html"))
                data = done.json()["data"]
                self.assertEqual(list(data), ["notes", "left_out", "refused", "unknown_columns"])
                self.assertEqual(data["unknown_columns"], ["colour"])
                self.assertEqual([os.path.basename(file) for file in data["left_out"]], ["other.csv"])
                said = [line for line in done.err.splitlines() if "columns nobody reads" in line]
                self.assertEqual(len(said), 1, done)
                self.assertIn("other.csv", said[0])
                with open(self.path("r.html")) as f:
                    box = f.read().split("Not measured")[1][:1500]
                self.assertIn("colour", box)
                self.assertIn("other.csv", box)

    def test_what_the_reader_notes_is_said(self):
        data = os.path.join(self.SETS, "pickapic")
        done = self.done(*self.command(data, "pickapic", self.scores("none"), "--split", "train"))
        notes = done.json()["data"]["notes"]
        self.assertEqual(list(notes.values()), [1], "of one pair has_label is false")
        self.assertIn(list(notes)[0], done.err)

    def test_pictures_inside_rows_are_shown_and_not_kept(self):
        out = self.path("records")
        folder = os.path.join(self.SETS, "pickapic")
        self.done("data", "convert", folder, "--out", out, "--check", "none")
        with open(os.path.join(out, "records.jsonl")) as f:
            records = [json.loads(line) for line in f]
        scores = self.write("wrong.jsonl", "".join(json.dumps({"id": r["id"], "scores": [0, 1] if r["target"]["pair"] == 1 else [1, 0]}) + "\n" for r in records if "target" in r))
        result = self.done(*self.command(folder, "pickapic", scores, "--report", self.path("r.html"))).json()
        self.assertGreater(len(result["errors"]), 1)
        with open(self.path("r.html")) as f:
            gallery = f.read().split("The worst errors")[1]
        self.assertGreaterEqual(gallery.count('<img src="data:image/png;base64,'), 2 * (len(result["errors"]) - 1), "one of the pictures is cut off")
        self.assertNotIn("no such file", gallery)

    def test_pictures_inside_rows_do_not_fill_the_memory(self):
        """200,000 pictures in 100,000 rows."""
        command = self.command(os.path.join(self.SETS, "many/many.parquet"), "diff", self.scores("x"))
        peak = lambda *more: int(subprocess.run(
            [sys.executable, "-c", "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True); "
             "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)", cli.PROGRAM, *command, *more],
            capture_output=True, check=True, env=cli.environment()).stdout)
        self.assertLess(peak() - peak("--limit", "1000"), 200_000, "kilobytes")


class OfficialSizes(cli.CliTest):
    """A test.json of the official one's sizes: 466 prompts, 2,720 images' worth of pairs: 7,230, of which 6,399 are not tied."""

    def test_pooled_macro_and_inversions(self):
        prompts, ties = [], 831
        for images, count in [(4, 194), (5, 2), (6, 45), (7, 159), (8, 43), (9, 23)]:
            for _ in range(count):
                ranking = list(range(1, images + 1))
                for k in range(1, images, 2):
                    if ties > 0:
                        ranking[k], ties = ranking[k - 1], ties - 1
                key = f"{len(prompts):06}-0000"
                prompts.append({"id": key, "prompt": f"prompt {key}", "generations": [f"images/{key}/{k}.webp" for k in range(images)], "ranking": ranking})
        data = self.write("test.json", json.dumps(prompts))
        # The first 100 prompts (of four images) are ranked backwards, the last 23 (of nine) say the same of all; the others are right.
        says = lambda i, k: k if i < 100 else 0 if i >= len(prompts) - 23 else -k
        scores = self.write("scores.jsonl", "".join(json.dumps({"id": p["id"], "scores": [says(i, k) for k in range(len(p["ranking"]))]}) + "\n" for i, p in enumerate(prompts)))
        untied = [sum(a != b for a, b in itertools.combinations(p["ranking"], 2)) for p in prompts]
        pairs = [len(p["ranking"]) * (len(p["ranking"]) - 1) // 2 for p in prompts]
        self.assertEqual((len(prompts), sum(pairs), sum(untied)), (466, 7230, 6399))
        right = range(100, len(prompts) - 23)
        expected = {
            "imagereward": (sum(untied[i] for i in right) / 6399, 6399),
            "imagereward-macro": (len(right) / 466, 466),
            # backwards: only label ties are no inversions; equal scores stand in the order of the media, which is that of the ranks here
            "hpdv2": ((sum(1 - untied[i] / pairs[i] for i in range(100)) + len(right) + 23) / 466, 466),
        }
        self.assertEqual(len({round(value, 6) for value, _ in expected.values()}), 3)
        for protocol, (value, n) in expected.items():
            result = self.done("eval", "--data", data, "--protocol", protocol, "--scores", scores, "--json").json()
            self.assertAlmostEqual(result["value"], value, places=12, msg=protocol)
            self.assertEqual((result["n"], result["label_ties"], result["prompts"], result["pairs"]), (n, 831, 466, 7230), protocol)


class Judging(cli.CliTest):
    """A model on labelled records. The tiny checkpoint writes nothing readable, so every pair is unparsed and none is left out."""

    def labelled(self, name, count, media=2):
        with open(self.records(name, count, media)) as f:
            lines = [json.loads(line) for line in f]
        for i, line in enumerate(lines):
            line["target"] = {"pair": (i % 5) / 4, "votes": 4} if media == 2 else {"ranking": list(range(1, media + 1))}
        return self.write(name, "".join(json.dumps(line) + "\n" for line in lines))

    def command(self, data, folder, *more):
        return ["eval", *self.JUDGE, "--data", data, "--protocol", "imagereward", "--output-dir", self.path(folder), "--json", *more]

    def verdicts(self, folder):
        with open(self.path(folder, "verdicts.jsonl")) as f:
            return [cli.without_clock(json.loads(line)) for line in f]

    def test_nothing_readable_is_not_nothing(self):
        result = self.done(*self.command(self.labelled("d.jsonl", 3, media=3), "out")).json()
        self.assertEqual((result["value"], result["n"], result["unparsed"]), (0, 9, 9))
        self.assertEqual(result["cost"]["answers"], 18, "both orders")
        for file in ["pairs.jsonl", "settings.json", "verdicts.jsonl", "rows.jsonl", "result.json", "report.html"]:
            self.assertTrue(os.path.exists(self.path("out", file)), file)
        with open(self.path("out", "pairs.jsonl")) as f:
            self.assertNotIn("target", f.read(), "the judge's input carries no label")

    def test_a_broken_picture_is_missing_and_counts(self):
        data = self.labelled("d.jsonl", 3)
        self.write("r0-0.png", b"no picture")
        result = self.done(*self.command(data, "out")).json()
        self.assertEqual((result["n"], result["missing"], result["unparsed"]), (2, 1, 1), "one of three is a label tie")

    def test_a_public_data_set_with_broken_and_absent_pictures_counts_them_all(self):
        set_ = [{"id": str(i), "prompt": f"scene {i}", "generations": [f"{i}-a.png", f"{i}-b.png"], "ranking": [1, 2]} for i in range(4)]
        os.mkdir(self.path("set"))
        for item in set_:
            for k, name in enumerate(item["generations"]):
                self.picture(os.path.join("set", name), shade=k)
        self.write("set/1-a.png", b"no picture")
        os.remove(self.path("set", "2-b.png"))
        self.write("set/test.json", json.dumps(set_))
        result = self.done(*self.command(self.path("set"), "out")).json()
        self.assertEqual((result["n"], result["missing"], result["unparsed"], result["bad_records"]), (4, 2, 2, 0))

    def test_folders_of_other_settings_are_not_mixed(self):
        data = self.labelled("d.jsonl", 2)
        self.done(*self.command(data, "out"))
        self.fails(cli.USAGE, "--resume", *self.command(data, "out"))
        self.fails(cli.USAGE, ["seed", "other"], *self.command(data, "out", "--resume", "--seed", "9"))
        self.fails(cli.USAGE, "other records", *self.command(self.labelled("e.jsonl", 3), "out", "--resume"))
        scores = self.write("s.jsonl", '{"id":"item 0","scores":[1,2]}\n')
        self.fails(cli.USAGE, "verdicts", "eval", "--data", data, "--protocol", "tau", "--scores", scores, "--output-dir", self.path("out"))
        again = self.done(*self.command(data, "out", "--resume", "--protocol", "tau")).json()
        self.assertEqual(again["protocol"], "tau")

    def test_one_order_shuffles_the_sides(self):
        self.done(*self.command(self.labelled("d.jsonl", 12), "out", "--no-both-orders"))
        with open(self.path("out", "pairs.jsonl")) as f:
            first = [json.loads(line)["media"][0] for line in f]
        swapped = sum(path.endswith("-1.png") for path in first)
        self.assertTrue(0 < swapped < 12, swapped)
        self.fails(cli.USAGE, "both orders", *self.command(self.path("d.jsonl"), "o", "--no-both-orders", "--protocol", "mmrb2"))

    def test_shards_together_are_the_whole_evaluation(self):
        data = self.labelled("d.jsonl", 9, media=3)
        sampled = ["--votes", "2", "--seed", "4"]
        whole = self.done(*self.command(data, "whole", *sampled)).json()
        sizes = []
        for i in (2, 1, 3):
            shard = self.done(*self.command(data, "out", *sampled, "--shard", f"{i}/3", "--batch-size", str(i))).json()
            self.assertEqual(shard["shard"], f"{i}/3")
            with open(self.path("out", f"verdicts-{i}-of-3.jsonl")) as f:
                sizes.append(len(f.readlines()))
        self.assertEqual(sum(sizes), 27)
        self.assertGreater(min(sizes), 0)
        self.assertFalse(os.path.exists(self.path("out", "verdicts.jsonl")))
        self.fails(cli.USAGE, "--resume", *self.command(data, "out", *sampled))
        self.fails(cli.USAGE, "--resume", *self.command(data, "out", *sampled, "--shard", "1/3"))
        self.fails(cli.USAGE, "votes", *self.command(data, "out", "--shard", "1/4"))
        merged = self.done(*self.command(data, "out", *sampled, "--resume")).json()
        self.assertEqual(cli.without_clock(merged), cli.without_clock(whole))
        self.assertEqual(self.verdicts("out"), self.verdicts("whole"))

    def test_a_missing_shard_is_asked_when_all_is_put_together(self):
        data = self.labelled("d.jsonl", 8)
        whole = self.done(*self.command(data, "whole")).json()
        self.done(*self.command(data, "out", "--shard", "2/2"))
        with open(self.path("out", "verdicts-2-of-2.jsonl"), "rb+") as f:
            f.truncate(os.path.getsize(f.name) - 10)
        merged = self.done(*self.command(data, "out", "--resume"))
        self.assertIn("no verdicts", merged.err)
        self.assertEqual(cli.without_clock(merged.json()), cli.without_clock(whole))
        self.fails(cli.USAGE, "--shard", *self.command(data, "o", "--shard", "3/2"))
        self.fails(cli.USAGE, "--scores", "eval", "--data", data, "--protocol", "tau", "--scores", self.write("s.jsonl", "{}"), "--shard", "1/2")


@unittest.skipUnless(os.path.exists(cli.EMBEDDED), "models/embedded has not been trained yet")
class EmbeddedJudge(cli.CliTest):
    def test_what_asking_more_buys(self):
        made = self.done("world", "make", "--items", "12", "--out", self.path("w"), "--json").json()
        result = self.done("eval", "--data", made["records"], "--protocol", "votes", "--output-dir", self.path("out"), "--votes", "2", "--json").json()
        curve = {(point["orders"], point["votes"]): point for point in result["cost_curve"]}
        self.assertEqual(list(curve), [(1, 1), (1, 2), (2, 1), (2, 2)])
        self.assertAlmostEqual(curve[2, 2]["brier"]["value"], result["value"], msg="all votes are the verdict itself")
        self.assertAlmostEqual(curve[2, 2]["tokens"] * 12, result["cost"]["prompt_tokens"] + result["cost"]["completion_tokens"])
        self.assertAlmostEqual(curve[2, 1]["tokens"], 2 * curve[1, 1]["tokens"])
        with open(self.path("out", "report.html")) as page:
            self.assertTrue("What asking more buys" in page.read())

    def lines(self, *path):
        with open(self.path(*path)) as f:
            return [cli.without_clock(json.loads(line)) for line in f]

    def test_item_by_item_it_is_what_world_eval_says(self):
        """With the record's first medium shown first, greedy, it is the same question, batched otherwise; --no-both-orders shows some in the other order."""
        for split in ["test", "ood-generator"]:
            with self.subTest(split=split):
                made = self.done("world", "make", "--split", split, "--items", "24", "--out", self.path(split), "--json").json()
                self.done("world", "eval", "--split", split, "--n", "24", "--rows", self.path("rows.jsonl"), "--json")
                rows = self.lines("rows.jsonl")
                evaluate = lambda *more: self.done("eval", "--data", made["records"], "--protocol", "votes", "--json", *more)
                result = evaluate("--output-dir", self.path(f"{split}-both")).json()
                evaluate("--output-dir", self.path(f"{split}-one"), "--no-both-orders")
                both = [{vote["order"]: vote["probability"] for vote in line["votes"]} for line in self.lines(f"{split}-both", "verdicts.jsonl")]
                one = self.lines(f"{split}-one", "verdicts.jsonl")
                self.assertEqual([row["id"] for row in rows], [line["id"] for line in one])
                swapped = 0
                for row, orders, line, pair in zip(rows, both, one, self.lines(f"{split}-both", "pairs.jsonl")):
                    self.assertAlmostEqual(orders["12"], row["p"], delta=1e-4, msg=row["id"])
                    other_side = line["media"] != pair["media"]
                    self.assertAlmostEqual(line["probability"], 1 - orders["21"] if other_side else orders["12"], delta=1e-4, msg=row["id"])
                    swapped += other_side
                self.assertTrue(0 < swapped < 24, swapped)
                self.assertAlmostEqual(result["value"], sum(((o["12"] + o["21"]) / 2 - row["q"]) ** 2 for o, row in zip(both, rows)) / 24, places=6)

    def test_stopped_and_resumed_is_the_uninterrupted_record(self):
        made = self.done("world", "make", "--items", "60", "--out", self.path("w"), "--json").json()
        command = lambda folder, *more: ["eval", "--data", made["records"], "--protocol", "votes", "--votes", "2", "--batch-size", "2", "--output-dir", self.path(folder), "--json", *more]
        whole = self.done(*command("whole")).json()
        lines = lambda folder: self.lines(folder, "verdicts.jsonl")
        self.assertEqual((whole["n"], whole["unparsed"]), (60, 0), "there is something to read")
        process = self.start(*command("out"))
        cli.wait_until(lambda: os.path.exists(self.path("out", "verdicts.jsonl")) and os.path.getsize(self.path("out", "verdicts.jsonl")) > 0, what="no verdicts")
        process.send_signal(signal.SIGINT)
        self.check_failure(self.finish(process), cli.INTERRUPTED, ["stopped on request", "--resume"])
        self.assertTrue(0 < len(lines("out")) < 60, len(lines("out")))
        resumed = self.done(*command("out", "--resume")).json()
        self.assertEqual(cli.without_clock(resumed), cli.without_clock(whole))
        self.assertEqual(lines("out"), lines("whole"))

    def test_a_judge_that_sees(self):
        made = self.done("world", "make", "--items", "24", "--out", self.path("w"), "--json").json()
        result = self.done("eval", "--data", made["records"], "--protocol", "votes", "--output-dir", self.path("out"), "--listener", cli.EMBEDDED, "--json").json()
        self.assertEqual((result["n"], result["unparsed"], result["missing"]), (24, 0, 0))
        self.assertLess(result["value"], 0.25, "better than p = 1/2")
        self.assertEqual(result["metrics"]["contradiction"]["value"], 0, "it is its own listener")
        self.assertTrue(0 <= result["position"]["consistency"]["value"] <= 1)
        self.assertEqual(len(result["calibration"]["bins"]), 15)
        with open(self.path("out", "report.html")) as f:
            self.assertIn("It thought", f.read())


if __name__ == "__main__":
    unittest.main()
