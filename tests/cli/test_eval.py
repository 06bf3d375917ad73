"""`eval`: scores and judges under named protocols, stopped and gone on with, compared, and beside published numbers."""

import json
import os
import signal
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


class Judging(cli.CliTest):
    """A model on labelled records. The tiny checkpoint writes nothing readable, so every pair is unparsed and none is left out."""

    COUNT = 30

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

    def test_stopped_and_resumed_is_the_uninterrupted_record(self):
        data = self.labelled("d.jsonl", self.COUNT)
        slow = ["--votes", "2", "--batch-size", "2", "--max-completion-length", "48"]
        verdicts = self.path("out", "verdicts.jsonl")
        process = self.start(*self.command(data, "out", *slow))
        cli.wait_until(lambda: os.path.exists(verdicts) and os.path.getsize(verdicts) > 2000, what="no verdicts")
        process.send_signal(signal.SIGINT)
        stopped = self.finish(process)
        if stopped.code == 0:
            self.skipTest("the run was done before the signal came")
        self.check_failure(stopped, cli.INTERRUPTED, ["stopped on request", "--resume"])
        resumed = self.done(*self.command(data, "out", *slow, "--resume")).json()
        whole = self.done(*self.command(data, "whole", *slow)).json()
        self.assertEqual(cli.without_clock(resumed), cli.without_clock(whole))
        self.assertEqual(self.verdicts("out"), self.verdicts("whole"))


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
