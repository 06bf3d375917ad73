"""Records in, results out: streaming, bad records among good ones, full disks, Ctrl-C and --resume."""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import unittest

import cli


def without_seconds(lines):
    return re.sub(r'"seconds":[0-9.e-]+', "", lines)


class Records(cli.CliTest):
    def judge(self, command="compare", *more):
        return [command, *self.JUDGE, *more]

    def test_results_in_input_order_with_documented_keys(self):
        records = self.records("in.jsonl", 5)
        results = self.done(*self.judge(), "--in", records).lines()
        self.assertEqual([r["id"] for r in results], [f"item {i}" for i in range(5)])
        for result in results:
            self.assertEqual(list(result), ["id", "prompt", "media", "choice", "probability", "consistent", "tie", "unparsed", "votes",
                                            "tokens", "seconds", "skipped"])
            self.assertEqual([vote["order"] for vote in result["votes"]], ["12", "21"])
            for vote in result["votes"]:
                self.assertFalse(vote["parsed"])
                self.assertIn("problem", vote)

    def test_a_result_does_not_depend_on_its_batch_or_order(self):
        records = self.records("in.jsonl", 4)
        with open(records) as f:
            lines = f.read().splitlines()
        self.write("reversed.jsonl", "\n".join(lines[::-1]) + "\n")
        sampled = ["--votes", "2", "--seed", "3"]
        together = self.done(*self.judge(), *sampled, "--in", records).lines()
        alone = self.done(*self.judge(), *sampled, "--batch-size", "1", "--in", self.path("reversed.jsonl")).lines()
        self.assertEqual(cli.without_clock(together), cli.without_clock(alone[::-1]))

    def test_identical_seeds_give_identical_output(self):
        records = self.records("in.jsonl", 2)
        runs = [cli.without_clock(self.done(*self.judge(), "--votes", "2", "--seed", seed, "--in", records).lines()) for seed in "778"]
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])

    def test_bad_lines_and_bad_pictures_are_results_and_the_rest_goes_on(self):
        self.picture("good.png")
        self.picture("other.png", shade=80)
        self.write("bad.png", "this is text")
        bomb = self.write("bomb.png", cli.png_file(30000, 30000, b"x"))
        lines = [
            {"id": "fine", "prompt": "p", "media": ["good.png", "other.png"]},
            {"id": "corrupt", "prompt": "p", "media": ["good.png", "bad.png"]},
            "{this is not JSON",
            {"id": "bomb", "prompt": "p", "media": ["bomb.png", "good.png"]},
            {"id": "absent", "prompt": "p", "media": ["good.png", "nowhere.png"]},
            {"id": "speechless", "prompt": "", "media": ["good.png", "other.png"]},
            {"prompt": "p", "media": "good.png"},
            {"id": "again", "prompt": "p", "media": ["other.png", "good.png"]},
        ]
        records = self.write("in.jsonl", "\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines) + "\n")
        run = self.done(*self.judge(), "--in", records, "--out", self.path("out.jsonl"))
        with open(self.path("out.jsonl")) as f:
            results = [json.loads(line) for line in f]
        self.assertEqual([r.get("id") for r in results], ["fine", "corrupt", None, "bomb", "absent", "speechless", None, "again"])
        self.assertEqual([i for i, r in enumerate(results) if "error" in r], [1, 2, 3, 4, 5, 6])
        self.assertEqual((results[2]["line"], results[6]["line"]), (3, 7))
        self.assertIn("bad.png", results[1]["skipped"][0]["media"])
        self.assertEqual(results[3]["skipped"][0]["media"], bomb)
        self.assertEqual(results[1]["error"]["code"], "invalid_input")
        self.assertIn("8 comparisons (6 failed, 3 media skipped)", run.err)
        self.assertEqual(run.out, "")
        again = self.done(*self.judge(), "--in", records, "--out", self.path("out.jsonl"), "--resume")
        self.assertIn("8 comparisons (6 failed, 3 media skipped)", again.err)

    def test_ranking_goes_on_without_a_corrupt_picture(self):
        self.pictures(3)
        self.write("bad.png", "text")
        records = self.write("in.jsonl", json.dumps({"id": "a", "prompt": "p", "media": ["p0.png", "bad.png", "p1.png", "p2.png"]}))
        result = self.done(*self.judge("rank"), "--in", records).lines()[0]
        self.assertEqual(len(result["ranking"]), 3)
        self.assertEqual([os.path.basename(s["media"]) for s in result["skipped"]], ["bad.png"])

    def test_all_records_failed_is_an_error(self):
        records = self.write("in.jsonl", "nonsense\n" * 3)
        result = self.fails(cli.INPUT, ["in.jsonl", "none of the 3 records"], *self.judge(), "--in", records)
        self.assertEqual([r["line"] for r in result.lines()], [1, 2, 3])

    def test_empty_input_is_no_error(self):
        self.assertEqual(self.done(*self.judge(), "--in", self.write("in.jsonl", "")).out, "")

    def test_missing_input_and_contradicting_flags(self):
        self.fails(cli.INPUT, "nowhere.jsonl", *self.judge(), "--in", self.path("nowhere.jsonl"))
        self.fails(cli.USAGE, "--in", *self.judge(), "--in", self.records("in.jsonl", 1), "--prompt", "p")
        self.fails(cli.USAGE, "--resume", *self.judge(), "--in", self.path("in.jsonl"), "--resume")
        self.fails(cli.USAGE, "nothing to judge", *self.judge())
        self.fails(cli.USAGE, "same vote", *self.judge(), "--prompt", "p", "--votes", "2", "--temperature", "0", *self.pictures(2))

    def test_unknown_keys_are_named_once(self):
        self.pictures(2)
        line = json.dumps({"id": "a", "prompt": "p", "media": ["p0.png", "p1.png"], "colour": "red"})
        result = self.done(*self.judge(), "--in", self.write("in.jsonl", f"{line}\n{line}\n"))
        self.assertEqual(result.err.count("colour"), 1)
        self.assertEqual(len(result.lines()), 2)

    def test_videos_as_frames(self):
        self.pictures(4)
        video = {"frames": [f"p{i}.png" for i in range(4)], "fps": 2}
        line = json.dumps({"id": "a", "prompt": "p", "media": [video, {**video, "frames": video["frames"][::-1]}]})
        result = self.done(*self.judge(), "--in", self.write("in.jsonl", line)).lines()[0]
        self.assertEqual((len(result["media"]), result["skipped"]), (2, []))


class Streaming(cli.CliTest):
    def test_standard_input(self):
        records = self.records("in.jsonl", 3)
        with open(records, "rb") as f:
            piped = self.done("compare", *self.JUDGE, "--in", "-", stdin=f.read())
        self.assertEqual([r["id"] for r in piped.lines()], ["item 0", "item 1", "item 2"])

    def test_a_pipe_that_has_a_name(self):
        # `--in <(…)` of a shell: it can be read once only.
        self.assertEqual(len(self.piped(self.records("in.jsonl", 3), "compare", *self.JUDGE)), 3)

    def test_results_come_while_the_input_is_still_open(self):
        records = self.records("in.jsonl", 2)
        with open(records, "rb") as f:
            first, second = f.read().splitlines(keepends=True)
        process = self.start("score", *self.JUDGE, "--in", "-", "--batch-size", "1", stdin=subprocess.PIPE)
        for line, name in [(first, "item 0"), (second, "item 1")]:
            process.stdin.write(line)
            process.stdin.flush()
            self.assertTrue(select.select([process.stdout], [], [], 60)[0], "no answer while the input was open")
            self.assertEqual(json.loads(process.stdout.readline())["id"], name)
        process.stdin.close()
        self.assertEqual(process.wait(60), 0)

    def test_a_reader_that_leaves(self):
        # `beholder … | head -1`: the pipe breaks; an error that says so, no crash by signal.
        process = self.start("score", *self.JUDGE, "--in", self.records("in.jsonl", 3), "--batch-size", "1")
        process.stdout.close()  # before anything was written
        err = process.stderr.read().decode()
        self.assertEqual(process.wait(60), cli.RESOURCE, err)
        self.assertIn("standard output", err)


class Outputs(cli.CliTest):
    def compare(self, *more):
        return ["compare", *self.JUDGE, "--prompt", "p", *self.pictures(2), *more]

    def test_out_of_one_comparison(self):
        self.done(*self.compare("--out", self.path("out.jsonl")))
        with open(self.path("out.jsonl")) as f:
            self.assertEqual(json.loads(f.read())["prompt"], "p")

    def test_existing_results_are_not_overwritten(self):
        records, out = self.records("in.jsonl", 2), self.write("out.jsonl", '{"id":"kept"}\n')
        self.fails(cli.USAGE, ["out.jsonl", "--resume"], "compare", *self.JUDGE, "--in", records, "--out", out)
        with open(out) as f:
            self.assertEqual(f.read(), '{"id":"kept"}\n')

    def test_a_run_is_not_continued_by_another(self):
        records, out = self.records("in.jsonl", 3), self.path("out.jsonl")
        other = shutil.copytree(cli.TINY, self.path("other"))
        with open(os.path.join(other, "config.json"), "a") as f:
            f.write("\n")
        for command, changes in [("compare", [["--votes", "3"], ["--no-both-orders"], ["--fps", "2"], ["--model", other]]),
                                 ("score", [["--votes", "3"], ["--seed", "4"], ["--max-completion-length", "5"]]),
                                 ("rank", [["--strategy", "listwise"], ["--tau", "2"]])]:
            args = [command, *self.JUDGE, "--in", records, "--out", out]
            self.done(*args)
            with open(out) as f:
                whole = f.read()
            with open(out, "w") as f:
                f.write(whole.splitlines(keepends=True)[0])
            for change in changes:
                self.fails(cli.USAGE, "made with another", *args, "--resume", *change)
            self.done(*args, "--resume", "--batch-size", "3")
            with open(out) as f:
                self.assertEqual(without_seconds(f.read()), without_seconds(whole))
            os.remove(out + ".settings")
            self.assertIn("is not known", self.done(*args, "--resume").err)
            os.remove(out)

    def test_unwritable_output(self):
        # Root may write anywhere, but not below a file.
        self.write("file", "x")
        self.fails(cli.RESOURCE, ["file/out.jsonl", "opened"], *self.compare("--out", self.path("file", "out.jsonl")))
        self.fails(cli.RESOURCE, ["file/view.png"], "info", self.picture("p.png"), "--save-view", self.path("file", "view.png"))
        self.fails(cli.RESOURCE, ["file"], "world", "make", "--items", "1", "--out", self.path("file", "world"))

    def test_disk_full(self):
        self.fails(cli.RESOURCE, ["/dev/full", "No space left"], *self.compare("--out", "/dev/full"))
        self.fails(cli.RESOURCE, ["/dev/full", "No space left"], "compare", *self.JUDGE, "--in", self.records("in.jsonl", 1),
                   "--out", "/dev/full")

    def test_standard_output_full(self):
        for more in [["--json"], []]:
            with self.subTest(more=more), open("/dev/full", "wb") as full:
                process = self.start(*self.compare(*more), stdout=full)
                err = process.stderr.read().decode()
                self.assertEqual(process.wait(60), cli.RESOURCE, err)
                self.assertIn("No space left", err)


class StopAndResume(cli.CliTest):
    COUNT = 24

    def setUp(self):
        super().setUp()
        self.source = self.records("in.jsonl", self.COUNT)
        self.out = self.path("out.jsonl")
        self.command = ["compare", *self.JUDGE, "--votes", "2", "--batch-size", "2", "--in", self.source, "--out"]

    def stop_in_the_middle(self, what):
        for _ in range(5):  # a run that was done before the signal came is thrown away
            process = self.start(*self.command, self.out)
            cli.wait_until(lambda: os.path.exists(self.out) and os.path.getsize(self.out) > 2000, what="no results")
            process.send_signal(what)
            result = self.finish(process, *self.command, self.out)
            with open(self.out, "rb") as f:
                raw = f.read()
            if raw.count(b"\n") < self.COUNT:
                return result, raw
            os.remove(self.out)
        self.fail("the run was never caught in the middle")

    def uninterrupted(self):
        whole = self.path("whole.jsonl")
        self.done(*self.command, whole)
        with open(whole) as f:
            return [cli.without_clock(json.loads(line)) for line in f]

    def resumed(self):
        result = self.done(*self.command, self.out, "--resume")
        with open(self.out) as f:
            return result, [cli.without_clock(json.loads(line)) for line in f]

    def test_ctrl_c_leaves_whole_lines_and_resume_completes_them(self):
        stopped, raw = self.stop_in_the_middle(signal.SIGINT)
        self.check_failure(stopped, cli.INTERRUPTED, ["stopped on request", "records are in", "--resume"])
        self.assertTrue(raw.endswith(b"\n"))
        before = [json.loads(line)["id"] for line in raw.splitlines()]
        self.assertEqual(before, [f"item {i}" for i in range(len(before))])
        _, results = self.resumed()
        self.assertEqual(results, self.uninterrupted())

    def test_kill_and_a_half_written_line(self):
        _, raw = self.stop_in_the_middle(signal.SIGKILL)
        with open(self.out, "ab") as f:
            f.write(b'{"id":"item 2')
        result, results = self.resumed()
        self.assertIn("half-written", result.err)
        self.assertEqual([r["id"] for r in results], [f"item {i}" for i in range(self.COUNT)])

    def test_resume_of_a_finished_run_changes_nothing(self):
        self.done(*self.command, self.out)
        with open(self.out, "rb") as f:
            before = f.read()
        self.resumed()
        with open(self.out, "rb") as f:
            self.assertEqual(f.read(), before)

    def test_resume_onto_something_else(self):
        self.write("out.jsonl", "dear diary\n")
        self.fails(cli.INPUT, "out.jsonl:1", *self.command, self.out, "--resume")
        with open(self.out) as f:
            self.assertEqual(f.read(), "dear diary\n")

    def test_files_that_are_no_results_are_not_cut(self):
        # The last line of a stopped run may be half a line, and is dropped. Nothing else may be.
        with open(self.source, "rb") as f:
            records = f.read().rstrip(b"\n")
        both = self.write("both.jsonl", records)
        self.fails(cli.USAGE, ["both.jsonl", "--out"], "compare", *self.JUDGE, "--in", both, "--out", os.path.join(self.tmp, ".", "both.jsonl"),
                   "--resume")
        notes = self.write("notes.txt", "dear diary")
        self.fails(cli.INPUT, "notes.txt:1", *self.command, notes, "--resume")
        for path, content in [(both, records), (notes, b"dear diary")]:
            with open(path, "rb") as f:
                self.assertEqual(f.read(), content)

    def test_ctrl_c_during_one_comparison(self):
        pictures = self.pictures(2)
        process = self.start("compare", "--model", cli.TINY, "--max-completion-length", "20000", "--votes", "64", "--json",
                             "--prompt", "p", *pictures)
        cli.wait_until(lambda: cli.handles_ctrl_c(process))
        process.send_signal(signal.SIGINT)
        result = self.finish(process)
        self.check_failure(result, cli.INTERRUPTED, "stopped on request")
        self.assertEqual(result.out, "")


if __name__ == "__main__":
    unittest.main()
