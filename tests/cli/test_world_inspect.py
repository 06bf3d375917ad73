"""`world inspect`: the world's truth read off pixels, in the answers' format of `checklist ask`."""

import json
import os
import shutil
import tempfile
import unittest

import cli

SHARED = ""
WORLD = {"Is nothing missing: [[prompt]]?": "missing object", "Is no colour wrong: [[prompt]]?": "wrong colour",
         "Is no relation wrong: [[prompt]]?": "wrong relation", "Is the count right: [[prompt]]?": "wrong count",
         "Is it sharp?": "blur", "Is it clean?": "noise", "Is each shape whole?": "warp", "Is it steady?": "flicker"}


def setUpModule():
    global SHARED
    SHARED = tempfile.mkdtemp(prefix="beholder-cli-inspect-")
    unittest.addModuleCleanup(shutil.rmtree, SHARED)
    case = cli.CliTest("done")
    case.tmp = SHARED
    case.done("world", "make", "--split", "validation", "--items", "20", "--out", os.path.join(SHARED, "images"))
    case.done("world", "make", "--split", "validation", "--items", "3", "--video", "--out", os.path.join(SHARED, "videos"))


def read_lines(path):
    with open(path) as f:
        return [json.loads(line) for line in f]


class Inspect(cli.CliTest):
    def setUp(self):
        super().setUp()
        self.records = os.path.join(SHARED, "images", "records.jsonl")

    def inspect(self, *more, **kw):
        return self.done("world", "inspect", *more, **kw)

    def questions(self, *more):
        return [q["question"] for q in self.inspect(*more, "--json").json()["questions"]]

    def agreement(self, folder, answers, questions):
        """Share of the faults in truth.jsonl, of those that a question asks for, on which the answers agree."""
        truth = {f"{t['id']}#{k + 1}": m["faults"] for t in read_lines(os.path.join(folder, "truth.jsonl")) for k, m in enumerate(t["media"])}
        right = n = 0
        for line in answers:
            for question, answer in zip(questions, [line["alignment"], *line["answers"]]):
                relation = " of " in line["prompt"] or " above " in line["prompt"] or " below " in line["prompt"]
                counted = not relation and " and " not in line["prompt"]
                fault = WORLD.get(question)
                if fault is None or fault == "wrong relation" and not relation or fault == "wrong count" and not counted:
                    continue
                right += (fault in truth[line["id"]]) == (answer == 0)
                n += 1
        return right / n

    def test_answers_agree_with_the_scenes(self):
        out = self.path("answers.jsonl")
        summary = self.inspect("--in", self.records, "--out", out, "--json").json()
        self.assertEqual((summary["inspected"], summary["failed"], summary["left_out"], summary["repeated"]), (40, 0, 0, 0))
        lines = read_lines(out)
        self.assertEqual(len(lines), 40)
        for line in lines:
            self.assertEqual(set(line), {"id", "prompt", "media", "alignment", "answers"})
            self.assertEqual(len(line["answers"]), 12)
            self.assertTrue({line["alignment"], *line["answers"]} <= {0, 1})
        questions = [q["question"] for q in summary["questions"]]
        self.assertEqual(len(questions), 13)
        self.assertGreater(self.agreement(os.path.join(SHARED, "images"), lines, questions), 0.95)
        sharp = next(q for q in summary["questions"] if q["question"] == "Is it sharp?")
        self.assertEqual(sharp["n"], 40)
        self.assertEqual(sharp["yes"], sum(line["answers"][questions.index("Is it sharp?") - 1] for line in lines))

    def test_videos(self):
        records = os.path.join(SHARED, "videos", "records.jsonl")
        lines = self.inspect("--questions", "world-video", "--in", records).lines()
        self.assertEqual([len(line["answers"]) for line in lines], [13] * 6)
        questions = self.questions("--questions", "world-video", "--in", records)
        self.assertGreater(self.agreement(os.path.join(SHARED, "videos"), lines, questions), 0.9)
        self.assertIn("about images", self.fails(cli.INPUT, "none of the 6", "world", "inspect", "--in", records).err)

    def test_what_follows_reads_the_lines(self):
        out = self.path("answers.jsonl")
        self.inspect("--in", self.records, "--out", out)
        weights = self.write("w.json", json.dumps({"coef": [1] * 11, "intercept": [0]}))
        scores = self.done("checklist", "score", out, "--questions", "world", "--weights", weights, "--json").lines()
        self.assertEqual([s["id"] for s in scores], [line["id"] for line in read_lines(out)])
        self.assertTrue(all(s["unanswered"] == 0 for s in scores))

    def test_stopped_and_resumed_equals_straight(self):
        straight, resumed = self.path("straight.jsonl"), self.path("resumed.jsonl")
        first = self.inspect("--in", self.records, "--out", straight, "--json").json()
        with open(straight, "rb") as f:
            whole = f.read()
        with open(resumed, "wb") as f:
            f.write(whole[: whole.index(b"\n", len(whole) // 2) - 5])
        self.assertEqual(self.inspect("--in", self.records, "--out", resumed, "--resume", "--json").json(), first)
        with open(resumed, "rb") as f:
            self.assertEqual(f.read(), whole)
        self.fails(cli.USAGE, "--resume", "world", "inspect", "--in", self.records, "--out", resumed)

    def test_files_and_a_prompt(self):
        record = read_lines(self.records)[0]
        files = [os.path.join(SHARED, "images", m) for m in record["media"]]
        lines = self.inspect("--prompt", record["prompt"], *files).lines()
        self.assertEqual([line["media"] for line in lines], files)
        expected = [line["answers"] for line in self.inspect("--in", self.records).lines()[:2]]
        self.assertEqual([line["answers"] for line in lines], expected)

    def test_other_prompts_are_left_out_and_bad_files_counted(self):
        good = os.path.join(SHARED, "images", read_lines(self.records)[0]["media"][0])
        lines = [{"id": "cat", "prompt": "a cat", "media": [good]}, {"id": "good", "prompt": "two red stars", "media": [good]},
                 {"id": "same", "prompt": "two red stars", "media": [good]},
                 {"id": "bad", "prompt": "two red stars", "media": [self.write("bad.png", "x")]},
                 {"id": "large", "prompt": "two red stars", "media": [self.picture("large.png", 300, 300)]}]
        records = self.write("records.jsonl", "".join(json.dumps(line) + "\n" for line in lines) + "{broken\n")
        out = self.path("out.jsonl")
        result = self.inspect("--in", records, "--out", out, "--json")
        summary = result.json()
        self.assertEqual((summary["inspected"], summary["failed"], summary["left_out"], summary["repeated"]), (1, 3, 1, 1))
        self.assertEqual([line["id"] for line in read_lines(out)], ["good", "bad", "large", None])
        for phrase in ['"a cat" is none', "bad.png", "256 px", "records.jsonl:6"]:
            self.assertIn(phrase, result.err)
        only_cat = self.write("cat.jsonl", json.dumps(lines[0]) + "\n")
        self.fails(cli.INPUT, "none of the 1", "world", "inspect", "--in", only_cat)

    def test_questions_without_a_known_answer_are_named(self):
        own = self.write("own.txt", "Is it sharp?\nIs it a cat?\n")
        self.fails(cli.MISFIT, ["Is it a cat?", "no answer"], "world", "inspect", "--questions", own, "--in", self.records)
        known = self.write("known.txt", "Is it sharp?\nIs the count right: [[prompt]]?\n")
        self.assertEqual([len(line["answers"]) for line in self.inspect("--questions", known, "--in", self.records).lines()], [2] * 40)

    def test_wrong_use(self):
        self.fails(cli.INPUT, ["--prompt", "a cat"], "world", "inspect", "--prompt", "a cat", os.path.join(SHARED, "images", "media"))
        self.fails(cli.INPUT, ["--prompt", "missing"], "world", "inspect", os.path.join(SHARED, "images", "media"))
        self.fails(cli.USAGE, "nothing to ask", "world", "inspect")
        self.fails(cli.INPUT, "no such file", "world", "inspect", "--in", self.path("none.jsonl"))
        self.fails(cli.USAGE, "same file", "world", "inspect", "--in", self.records, "--out", self.records)


if __name__ == "__main__":
    unittest.main()
