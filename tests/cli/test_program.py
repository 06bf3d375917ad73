"""The frame around every command: help, wrong flags, config files, machine-readable output, terminals."""

import json
import os
import pty
import select
import unittest

import cli

COMMANDS = ["rank", "compare", "score", "eval", "eval compare", "eval leaderboard", "train sft", "world make", "world eval", "info", "tokenize", "trace"]


class Help(cli.CliTest):
    def test_every_command_explains_itself(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                text = self.done(*command.split(), "--help").out
                self.assertIn(f"Usage: beholder {command}", text)
                self.assertIn("--config FILE", text)
                self.assertRegex(text, rf"Examples:\n(.*\n)?.*beholder {command}")

    def test_defaults_are_shown(self):
        for command, flag, default in [("rank", "--strategy", "pairs"), ("score", "--batch-size", "16"), ("world make", "--items", "64"),
                                       ("train sft", "--lr-scheduler-type", "cosine"), ("trace", "--max-new-tokens", "16")]:
            self.assertRegex(self.done(*command.split(), "--help").out, rf"{flag} [^\n]*(\n +)?[^\n]*\[{default}\]")

    def test_the_program_lists_its_commands(self):
        text = self.done("--help").out
        for command in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {command.split()[0]} ")
        self.assertRegex(self.done("--version").out, r"^beholder \d+\.\d+\.\d+\n$")


class Profile(cli.CliTest):
    def test_a_profile_says_where_the_time_went(self):
        self.done("rank", "--model", cli.TINY, "--max-completion-length", "8", "--prompt", "p", "--profile", self.path("p.json"), *self.pictures(2))
        with open(self.path("p.json")) as f:
            events = json.load(f)["traceEvents"]
        self.assertLessEqual({"load judge", "load weights", "read media", "prefill", "vision tower", "decode a token", "draw tokens"}, {e["name"] for e in events})
        within = {e["name"]: e for e in events}
        judge, weights = within["load judge"], within["load weights"]
        self.assertLessEqual(judge["ts"], weights["ts"])
        self.assertGreaterEqual(judge["ts"] + judge["dur"], weights["ts"] + weights["dur"])
        self.fails(cli.RESOURCE, "--profile", "rank", "--model", cli.TINY, "--prompt", "p", "--profile", self.path("p0.png", "p.json"), *self.pictures(2))


class Flags(cli.CliTest):
    def test_unknown_flag_with_nearest_name(self):
        for command, typed, meant in [("rank", "--promt", "--prompt"), ("score", "--batchsize", "--batch-size"),
                                      ("train sft", "--learning-rat", "--learning-rate"), ("world make", "--split-name=x", "--split"),
                                      ("trace", "--max_new_token", "--max-new-tokens")]:
            with self.subTest(typed=typed):
                self.fails(cli.USAGE, [typed.split("=")[0].replace("_", "-"), f"did you mean {meant}?"], *command.split(), typed)

    def test_unknown_command_with_nearest_name(self):
        for typed, meant in [("rnak", "rank"), ("world mke", "world make"), ("trian sft", "train sft"), ("infos a.png", "info")]:
            self.fails(cli.USAGE, f"did you mean {meant}?", *typed.split())
        self.fails(cli.USAGE, "see: beholder train --help", "train")
        self.fails(cli.USAGE, "see: beholder --help")

    def test_wrong_values(self):
        for flag, value, phrases in [("--votes", "many", ["--votes", "whole number"]), ("--votes", "0", ["--votes", "1 to 1024"]),
                                     ("--votes", "1.5", "whole number"), ("--temperature", "nan", "--temperature"),
                                     ("--strategy", "best", ["--strategy", "pairs, adaptive, anchors, listwise"]),
                                     ("--device", "tpu", ["--device", "tpu"]), ("--dtype", "int3", ["--dtype", "int3"]),
                                     ("--seed", "99999999999999999999", "--seed")]:
            with self.subTest(flag=flag, value=value):
                self.fails(cli.USAGE, phrases, "rank", *self.JUDGE, "--prompt", "p", flag, value, *self.pictures(2))

    def test_a_device_that_is_not_there(self):
        self.fails(cli.RESOURCE, "cuda:77", "score", *self.JUDGE, "--prompt", "p", "--device", "cuda:77", *self.pictures(1))

    def test_a_flag_without_its_value(self):
        self.fails(cli.USAGE, "--prompt", "rank", "--prompt")

    def test_underscores_and_dashes_are_the_same(self):
        results = [self.done("score", "--model", cli.TINY, flag, "4", "--prompt", "p", "--json", *self.pictures(1)).json()
                   for flag in ["--max-completion-length", "--max_completion_length"]]
        self.assertEqual(cli.without_clock(results[0]), cli.without_clock(results[1]))

    def test_file_names_that_look_like_flags(self):
        self.picture("--odd.png")
        result = self.done("score", *self.JUDGE, "--prompt", "p", "--json", "--", "--odd.png").json()
        self.assertEqual(result["scores"][0]["media"], "--odd.png")


class ConfigFiles(cli.CliTest):
    def config(self, text):
        return self.write("run.toml", text)

    def rank(self, text, *flags):
        return ["rank", "--config", self.config(text), *flags, *self.pictures(2)]

    def test_values_are_used_and_flags_win(self):
        text = f'model = "{cli.TINY}"\nmax_completion_length = 4\nprompt = "from the file"\nvotes = 2\n'
        result = self.done(*self.rank(text, "--json")).json()
        self.assertEqual((result["prompt"], result["votes"]), ("from the file", 2))
        result = self.done(*self.rank(text, "--json", "--votes", "1")).json()
        self.assertEqual((result["prompt"], result["votes"]), ("from the file", 1))

    def test_unknown_key_with_line_and_nearest_name(self):
        self.fails(cli.USAGE, ["run.toml:3", '"promt"', 'did you mean "prompt"?'], *self.rank('# judge\nvotes = 2\npromt = "x"\n'))
        self.fails(cli.USAGE, ["run.toml:2", '"init.hiden_size"', "init.hidden_size"], "train", "sft", "--config",
                   self.config("[init]\nhiden_size = 64\n"))

    def test_wrong_types(self):
        for text, phrases in [('votes = "2"', ["run.toml:1", "whole number"]), ("votes = 2.5", "whole number"), ("votes = 5000", "1 to 1024"),
                              ("both_orders = 1", "true or false"), ("prompt = 3", "quotes"), ('strategy = "best"', "pairs, adaptive, anchors"),
                              ("votes =", "run.toml:1"), ("votes = 1\nvotes = 2\n", "run.toml:2")]:
            with self.subTest(text=text):
                self.fails(cli.USAGE, phrases, *self.rank(text))

    def test_missing_file(self):
        self.fails(cli.INPUT, "nowhere.toml", "rank", "--config", self.path("nowhere.toml"), *self.pictures(2))


class MachineOutput(cli.CliTest):
    def test_documented_keys(self):
        usual = ["prompt", "skipped", "tokens", "seconds"]
        keys = {"rank": ["ranking", "comparisons", "strategy", "votes", "both_orders", "verdicts", "unparsed"],
                "compare": ["media", "choice", "probability", "consistent", "tie", "unparsed", "votes"], "score": ["scores"]}
        for command, own in keys.items():
            with self.subTest(command=command):
                result = self.done(command, *self.JUDGE, "--prompt", "p", "--json", *self.pictures(2))
                self.assertEqual(len(result.out.splitlines()), 1)
                self.assertEqual(set(result.json()), set(usual + own))
                self.assertEqual(set(result.json()["tokens"]), {"prompt", "completion"})
        item = self.done("rank", *self.JUDGE, "--prompt", "p", "--json", *self.pictures(2)).json()["ranking"][0]
        self.assertEqual(list(item), ["rank", "media", "strength", "interval", "reason"])

    def test_strategies_and_answers(self):
        for more in [["--strategy", "anchors", "--anchors", "2"], ["--strategy", "listwise"], ["--answer", "select"], ["--answer", "score"],
                     ["--no-both-orders"], ["--both-orders=false"]]:
            with self.subTest(more=more):
                result = self.done("rank", *self.JUDGE, "--prompt", "p", "--json", *more, *self.pictures(3)).json()
                self.assertEqual(len(result["ranking"]), 3)
                if more[0] == "--strategy":
                    self.assertEqual(result["strategy"], more[1])
        self.assertFalse(result["both_orders"])

    def test_awkward_names_survive(self):
        name = 'täst "quoted" \\ 🙂\n.png'
        file = self.picture(name)
        result = self.done("score", *self.JUDGE, "--prompt", 'p "q" \u0001', "--json", file).json()
        self.assertEqual((result["scores"][0]["media"], result["prompt"]), (file, 'p "q" \u0001'))


class Terminals(cli.CliTest):
    def on_terminal(self, *args, env=None):
        """Runs with stdout and stderr on a terminal; what it shows."""
        leader, follower = pty.openpty()
        self.addCleanup(os.close, leader)
        process = cli.subprocess.Popen([cli.PROGRAM, *args], stdin=follower, stdout=follower, stderr=follower,
                                       env=cli.environment(env), cwd=self.tmp)
        os.close(follower)
        shown = b""
        while True:
            try:
                ready = select.select([leader], [], [], 60)[0]
                block = os.read(leader, 65536) if ready else b""
            except OSError:  # the last writer is gone
                break
            if not block:
                break
            shown += block
        self.assertEqual(process.wait(60), 0, shown)
        return shown

    def table(self):
        return ["rank", *self.JUDGE, "--prompt", "p", *self.pictures(2)]

    def test_no_terminal_no_control_codes(self):
        result = self.done(*self.table())
        self.assertNotIn("\x1b", result.out + result.err)
        self.assertNotIn("\r", result.out + result.err)
        self.assertEqual(result.err, "")

    def test_a_terminal_has_colour_unless_told_not_to(self):
        self.assertIn(b"\x1b[3", self.on_terminal(*self.table()))
        self.assertNotRegex(self.on_terminal(*self.table(), env={"NO_COLOR": "1"}), rb"\x1b\[\d*m")

    def test_plain_letters_where_the_locale_has_no_others(self):
        out = self.done(*self.table(), env={"LC_ALL": "C"}).out
        self.assertTrue(out.isascii(), out)

    def test_hostile_names_reach_no_terminal(self):
        bad = self.write("a\x1b[2Jb.png", "text")
        result = self.done("score", *self.JUDGE, "--prompt", "p", self.picture("c\x1b[31m.png"), bad)
        self.assertNotIn("\x1b", result.out)
        self.assertNotIn("\x1b", result.err)

    def test_quiet(self):
        records = self.records("in.jsonl", 1)
        self.assertEqual(self.done("score", *self.JUDGE, "--quiet", "--in", records).err, "")
        self.assertIn("1 records", self.done("score", *self.JUDGE, "--in", records).err)


class EmbeddedJudge(cli.CliTest):
    def test_without_it_the_message_says_where_it_was_looked_for(self):
        result = self.fails(cli.INPUT, [f"{self.path('none')}/embedded", "--model"], "rank", "--prompt", "p", *self.pictures(2),
                            env={"BEHOLDER_MODELS": self.path("none")}) if not os.path.exists(cli.EMBEDDED) else None
        if result is None:
            self.skipTest("models/embedded is there, and found beside the program")

    def test_the_program_finds_it_through_the_environment(self):
        os.makedirs(self.path("models"))
        os.symlink(cli.TINY, self.path("models", "embedded"))
        result = self.done("score", "--max-completion-length", "4", "--prompt", "p", "--json", *self.pictures(1),
                           env={"BEHOLDER_MODELS": self.path("models")})
        self.assertEqual(len(json.loads(result.out)["scores"]), 1)


if __name__ == "__main__":
    unittest.main()
