"""`score` on many: folder trees with prompts beside the files, shards, the cache, the best of every prompt."""

import json
import os
import random
import shutil
import subprocess
import unittest

import cli
import reader_cases as cases


def read_lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def without_seconds(results):
    return sorted((cli.without_clock(r) for r in results), key=lambda r: json.dumps(r))


class Tree(cli.CliTest):
    def setUp(self):
        super().setUp()
        for i, name in enumerate(["cat/1.png", "cat/2.png", "dog/deep/3", "dog/4.png", "bare/5.png"]):
            self.picture(os.path.join("t", name), shade=30 * i)
        self.write("t/cat/prompt.txt", "a cat\n")
        self.write("t/cat/2.txt", "a second cat")
        self.write("t/dog/prompt.txt", "a dog")
        self.write("t/dog/notes.md", "no medium")
        self.write("t/dog/broken.jpg", "no picture, whatever its name says")

    def test_every_medium_is_a_record_with_the_prompt_beside_it(self):
        out = self.path("scores.jsonl")
        run = self.done("score", *self.JUDGE, self.path("t"), "--out", out, "--json")
        results = read_lines(out)
        self.assertEqual([os.path.relpath(r["id"], self.path("t")) for r in results],
                         ["bare/5.png", "cat/1.png", "cat/2.png", "dog/4.png", "dog/broken.jpg", "dog/deep/3"])
        self.assertEqual([r["prompt"] for r in results], ["", "a cat", "a second cat", "a dog", "a dog", "a dog"])
        self.assertEqual([i for i, r in enumerate(results) if "error" in r], [0, 4])
        for result in results[1:4]:
            self.assertEqual([s["media"] for s in result["scores"]], [result["id"]])
        self.assertRegex(run.err, r"warning: .*bare/5\.png.*no prompt.*5\.txt")
        self.assertIn("6 records (2 failed, 1 media skipped)", run.err)
        self.assertIn("other files: 1", run.err)
        summary = run.json()
        self.assertEqual((summary["records"], summary["failed"], summary["skipped_media"], summary["unparsed"]), (6, 2, 1, 4))

    def test_lines_for_people_and_json_lines(self):
        shown = self.done("score", *self.JUDGE, self.path("t"))
        self.assertEqual(len(shown.out.splitlines()), 6)
        self.assertIn("dog/4.png", shown.out)
        self.assertEqual(len(self.done("score", *self.JUDGE, self.path("t"), "--json").lines()), 6)

    def test_a_single_file_with_its_prompt(self):
        result = self.done("score", *self.JUDGE, self.path("t/cat/2.png"), "--json").lines()
        self.assertEqual([r["prompt"] for r in result], ["a second cat"])
        self.fails(cli.INPUT, "none of the 1 records", "score", *self.JUDGE, self.path("t/bare/5.png"))
        self.fails(cli.INPUT, ["absent", "no such file"], "score", "--model", "/nowhere", self.path("absent"))

    def test_wrong_use(self):
        tree, records = self.path("t"), self.records("in.jsonl", 1)
        for args, code, phrases in [
            ([tree, "--shard", "0/2"], cli.USAGE, ["--shard", "1/4"]),
            ([tree, "--shard", "two"], cli.USAGE, "--shard"),
            ([tree, "--shard", "1/2", "--best", self.path("b.jsonl")], cli.USAGE, ["--best", "--resume"]),
            (["--prompt", "p", tree + "/cat/1.png", "--shard", "1/2"], cli.USAGE, "--shard"),
            (["--in", records, "--best", self.tmp], cli.RESOURCE, "--best"),
            (["--in", records, "--cache", self.write("file", "x")], cli.RESOURCE, "file"),
            (["--in", records, "--cache", self.path("c"), "--model", "/nowhere"], cli.INPUT, "/nowhere"),
        ]:
            with self.subTest(args=args):
                self.fails(code, phrases, "score", *self.JUDGE, *args)


    def test_a_prompt_that_cannot_be_read_fails_its_folder_alone(self):
        self.write("t/cat/prompt.txt", "x" * (2 << 20))
        out = self.path("scores.jsonl")
        run = self.done("score", *self.JUDGE, self.path("t"), "--out", out)
        results = read_lines(out)
        self.assertEqual(len(results), 6)
        self.assertRegex(results[1]["error"]["message"], r"cat/1\.png: its prompt cannot be read: .*cat/prompt\.txt")
        self.assertEqual([i for i, r in enumerate(results) if "error" in r], [0, 1, 4], "2.png has a text of its own")

    def test_a_folder_that_cannot_be_read_is_named_once(self):
        cases.open_way(self.tmp)
        self.addCleanup(cases.open_way, self.tmp)
        os.chmod(self.path("t/dog/deep"), 0)
        try:
            run = subprocess.run([cli.PROGRAM, "score", *self.JUDGE, self.path("t"), "--json"], env=cli.environment(), capture_output=True,
                                 text=True, **cases.nobody())
        except PermissionError:
            self.skipTest("nobody else may run the program")
        self.assertEqual(run.returncode, 0, run)
        self.assertEqual((run.stderr.count("dog/deep: Permission denied"), run.stderr.count("unreadable folders: 1")), (1, 1), run.stderr)


class Shards(cli.CliTest):
    COUNT = 30

    def setUp(self):
        super().setUp()
        self.source = self.records("in.jsonl", self.COUNT, media=1)
        with open(self.source) as f:
            self.lines = f.read().splitlines()
        self.write("in.jsonl", "\n".join(self.lines + ["rubbish"]) + "\n")

    def score(self, out, *more):
        self.done("score", *self.JUDGE, "--votes", "2", "--seed", "5", "--out", self.path(out), *more)
        return read_lines(self.path(out))

    def test_shards_in_any_order_and_batch_are_the_whole_run(self):
        whole = self.score("whole.jsonl", "--in", self.source)
        shuffled = self.lines + ["rubbish"]
        random.Random(3).shuffle(shuffled)
        other = self.write("other.jsonl", "\n".join(shuffled) + "\n")
        parts = []
        for i, batch in enumerate(["1", "3", "16"], start=1):
            part = self.score(f"part{i}.jsonl", "--in", other, "--shard", f"{i}/3", "--batch-size", batch)
            self.assertGreater(len(part), 3)
            parts += part
        place = lambda results: without_seconds([{k: v for k, v in r.items() if k not in ("line", "error")} for r in results])
        self.assertEqual(place(parts), place(whole), "but for the place of the line that is no record")
        # One file made of the parts is a finished run, for which no model is needed.
        with open(self.path("all.jsonl"), "wb") as out:
            for i in "213":
                with open(self.path(f"part{i}.jsonl"), "rb") as f:
                    out.write(f.read())
        before = os.path.getsize(self.path("all.jsonl"))
        self.done("score", "--model", "/nowhere", "--in", other, "--out", self.path("all.jsonl"), "--resume", "--best", self.path("best.jsonl"))
        self.assertEqual(os.path.getsize(self.path("all.jsonl")), before)

    def test_a_shard_resumes(self):
        command = ["score", *self.JUDGE, "--in", self.source, "--shard", "2/3", "--out", self.path("part.jsonl")]
        self.done(*command)
        with open(self.path("part.jsonl"), "rb") as f:
            whole = f.read()
        with open(self.path("part.jsonl"), "wb") as f:
            f.write(whole[:len(whole) // 2])
        self.done(*command, "--resume")
        with open(self.path("part.jsonl")) as f:
            again = [cli.without_clock(json.loads(line)) for line in f]
        self.assertEqual(again, [cli.without_clock(json.loads(line)) for line in whole.splitlines()])


class Cache(cli.CliTest):
    def setUp(self):
        super().setUp()
        self.source = self.records("in.jsonl", 6, media=2)
        self.cache = self.path("cache")

    def score(self, *more, source=None):
        """The results, and (hits, misses) where there is a cache."""
        out = self.path("out.jsonl")
        if os.path.exists(out):
            os.remove(out)
        run = self.done("score", *self.JUDGE, "--in", source or self.source, "--out", out, "--json", *more)
        cache = run.json().get("cache")
        return [cli.without_clock(r) for r in read_lines(out)], cache and (cache["hits"], cache["misses"]), run

    def test_a_hit_is_what_asking_gives(self):
        plain, none, _ = self.score()
        self.assertIsNone(none)
        first, counts, _ = self.score("--cache", self.cache)
        self.assertEqual(counts, (0, 12))
        again, counts, run = self.score("--cache", self.cache, "--batch-size", "1")
        self.assertEqual(counts, (12, 0))
        self.assertIn("cache: 12 hits, 0 misses", run.err)
        self.assertEqual(plain, first)
        self.assertEqual(plain, again)

    def test_names_do_not_matter_and_contents_do(self):
        before, _, _ = self.score("--cache", self.cache)
        os.mkdir(self.path("moved"))
        for name in os.listdir(self.tmp):
            if name.endswith(".png"):
                shutil.copyfile(self.path(name), self.path("moved", "x" + name))
        with open(self.source) as f:
            lines = [json.loads(line) for line in f]
        for line in lines:
            line["id"] = "other " + line["id"]
            line["media"] = ["moved/x" + m for m in line["media"]]
        moved = self.write("moved.jsonl", "".join(json.dumps(line) + "\n" for line in reversed(lines)))
        after, counts, _ = self.score("--cache", self.cache, source=moved)
        self.assertEqual(counts, (12, 0))
        strip = lambda results: [[{**s, "media": ""} for s in r["scores"]] for r in results]
        self.assertEqual(strip(after)[::-1], strip(before))
        self.picture("moved/xr0-0.png", shade=200)
        _, counts, _ = self.score("--cache", self.cache, source=moved)
        self.assertEqual(counts, (11, 1))

    def test_all_that_decides_a_score_is_in_the_key(self):
        few = self.records("few.jsonl", 2, media=1)
        self.score("--cache", self.cache, source=few)
        flip = lambda raw: raw[:-1] + bytes([raw[-1] ^ 1])
        weights = self.checkpoint("weights", model_safetensors=flip)
        same = shutil.copytree(cli.TINY, self.path("same"))
        for more, expected in [
            (["--votes", "2"], (0, 2)),
            (["--seed", "9"], (0, 2)),
            (["--temperature", "0.7"], (0, 2)),
            (["--max-completion-length", "5"], (0, 2)),
            (["--max-pixels", "1000"], (0, 2)),
            (["--dtype", "bf16"], (0, 2)),
            (["--model", weights], (0, 2)),
            (["--model", same], (2, 0)),
            (["--temperature", "0", "--device", "cpu", "--batch-size", "3"], (2, 0)),
        ]:
            with self.subTest(more=more):
                _, counts, _ = self.score("--cache", self.cache, *more, source=few)
                self.assertEqual(counts, expected)

    def test_a_damaged_entry_is_a_miss_and_mended(self):
        plain, _, _ = self.score("--cache", self.cache)
        path = os.path.join(self.cache, "entries.jsonl")
        with open(path, "rb") as f:
            lines = f.read().splitlines(keepends=True)
        scores = [i for i, line in enumerate(lines) if b'"votes"' in line]
        self.assertEqual(len(scores), 12)
        lines[scores[0]] = lines[scores[0]].replace(b'"unparsed":1', b'"unparsed":2')
        lines[scores[1]] = b"rubbish\n"
        lines[-1] = lines[-1][:-20]  # a writer that was killed
        with open(path, "wb") as f:
            f.write(b"".join(lines))
        again, counts, run = self.score("--cache", self.cache)
        self.assertEqual(counts, (9, 3))
        self.assertIn("damaged", run.err)
        self.assertEqual(again, plain)
        self.assertEqual(self.score("--cache", self.cache)[1], (12, 0))

    def test_programs_share_it(self):
        whole, _, _ = self.score()
        shards = [self.start("score", *self.JUDGE, "--in", self.source, "--cache", self.cache, "--shard", f"{i}/3", "--out", self.path(f"s{i}.jsonl"))
                  for i in (1, 2, 3)]
        for process in shards:
            self.assertEqual(self.finish(process).code, 0)
        again, counts, run = self.score("--cache", self.cache)
        self.assertEqual(counts, (12, 0))
        self.assertNotIn("damaged", run.err)
        self.assertEqual(again, whole)

    def test_a_broken_picture_beside_known_ones(self):
        self.score("--cache", self.cache)
        self.write("r2-1.png", b"no picture")
        results, counts, _ = self.score("--cache", self.cache)
        self.assertEqual(counts, (11, 0))
        self.assertEqual((len(results[2]["scores"]), len(results[2]["skipped"])), (1, 1))


@unittest.skipUnless(os.path.exists(cli.EMBEDDED), "models/embedded has not been trained yet")
class Best(cli.CliTest):
    """With a judge whose answers can be read."""

    def setUp(self):
        super().setUp()
        made = self.done("world", "make", "--items", "6", "--out", self.path("w"), "--json").json()
        self.tree = self.path("tree")
        for i, record in enumerate(read_lines(made["records"])):
            for k, medium in enumerate(record["media"]):
                self.write(f"tree/{i}/prompt.txt", record["prompt"])
                shutil.copyfile(os.path.join(os.path.dirname(made["records"]), medium), self.path("tree", str(i), f"{k}.png"))

    def test_the_best_of_every_prompt_however_they_were_found(self):
        best, out = self.path("best.jsonl"), self.path("out.jsonl")
        self.done("score", self.tree, "--out", out, "--best", best)
        results = read_lines(out)
        by_prompt = {}
        for r in results:
            by_prompt.setdefault(r["prompt"], []).extend(s for s in r["scores"] if s["score"] is not None)
        expected = []
        for prompt in sorted(by_prompt):
            s = min(by_prompt[prompt], key=lambda s: (-s["score"], s["media"]))
            expected.append({"prompt": prompt, "rank": 1, "of": len(by_prompt[prompt]), "score": s["score"], "media": s["media"], "id": s["media"],
                             "thought": s["thought"]})
        self.assertEqual(read_lines(best), expected)
        self.assertGreater(len({s["score"] for scored in by_prompt.values() for s in scored}), 1)
        # From shards, in another order, with a cache and other batches: the same file.
        for i in (1, 2):
            self.done("score", self.tree, "--shard", f"{i}/2", "--batch-size", str(i), "--cache", self.path("c"), "--out", self.path(f"{i}.jsonl"))
        with open(self.path("all.jsonl"), "wb") as all_:
            for i in (2, 1):
                with open(self.path(f"{i}.jsonl"), "rb") as f:
                    all_.write(f.read())
        self.assertEqual(without_seconds(read_lines(self.path("all.jsonl"))), without_seconds(results))
        self.done("score", self.tree, "--out", self.path("all.jsonl"), "--resume", "--best", self.path("again.jsonl"), "--model", "/nowhere")
        with open(best, "rb") as a, open(self.path("again.jsonl"), "rb") as b:
            self.assertEqual(a.read(), b.read())

    def test_the_two_best_and_one_prompt_for_all(self):
        pictures = [os.path.join(self.tree, "0", name) for name in ("0.png", "1.png")]
        self.done("score", "--prompt", "a red circle", *pictures, "--best", self.path("b.jsonl"), "--top", "2")
        lines = read_lines(self.path("b.jsonl"))
        self.assertEqual([(line["rank"], line["of"]) for line in lines], [(1, 2), (2, 2)])
        self.assertGreaterEqual(lines[0]["score"], lines[1]["score"])


if __name__ == "__main__":
    unittest.main()
