"""`tokenize`: text to ids and back, special tokens, and input that is not text."""

import json
import unittest

import cli

SPECIAL = "<|im_start|>user\n<|image_pad|><|im_end|>"


class Tokenize(cli.CliTest):
    def tokenize(self, text, *flags, **kw):
        stdin = "".join(json.dumps(line) + "\n" for line in text)
        return self.done("tokenize", "--model", cli.TINY, *flags, stdin=stdin, **kw).lines()

    def test_round_trip(self):
        texts = ["a red circle", "", " leading and trailing ", "it's déjà vu 🙂 2026!", "tabs\tand\r\nlines\n\n", "中文 и русский", SPECIAL, "\0"]
        ids = self.tokenize(texts)
        self.assertEqual(len(ids), len(texts))
        self.assertEqual([d["text"] for d in self.tokenize(ids, "--decode")], texts)
        self.assertEqual([d["text"] for d in self.tokenize([i["ids"] for i in ids], "--decode")], texts, "bare lists decode, too")

    def test_plain_keeps_special_tokens_as_text(self):
        parsed, plain = self.tokenize([SPECIAL])[0]["ids"], self.tokenize([SPECIAL], "--plain")[0]["ids"]
        with open(f"{cli.TINY}/config.json") as f:
            image = json.load(f)["image_token_id"]
        self.assertEqual((parsed.count(image), plain.count(image)), (1, 0))
        self.assertGreater(len(plain), len(parsed))
        self.assertEqual(self.tokenize([{"ids": plain}], "--decode")[0]["text"], SPECIAL)

    def test_files(self):
        file = self.write("prompt.txt", "a red\ncircle\n")
        ids = self.done("tokenize", "--model", cli.TINY, file).lines()
        self.assertEqual(ids, self.tokenize(["a red\ncircle\n"]))
        back = self.done("tokenize", "--model", cli.TINY, "--decode", self.write("ids.json", json.dumps(ids[0]))).lines()
        self.assertEqual(back, [{"text": "a red\ncircle\n"}])

    def test_invalid_utf8_names_the_byte(self):
        file = self.write("latin1.txt", b"caf\xe9 au lait")
        self.fails(cli.INPUT, ["latin1.txt", "UTF-8", "byte 3"], "tokenize", "--model", cli.TINY, file)

    def test_bad_lines(self):
        for line, phrases in [("a red circle", ["stdin:2", "JSON"]), ('{"text": "a"}', ["stdin:2", "not a JSON string"]), ("12", "stdin:2")]:
            with self.subTest(line=line):
                result = self.fails(cli.INPUT, phrases, "tokenize", "--model", cli.TINY, stdin=f'"fine"\n{line}\n')
                self.assertEqual(len(result.lines()), 1)

    def test_bad_ids(self):
        for ids, phrase in [('{"ids": [999999]}', "999999"), ("[-1]", "-1"), ('["a"]', "stdin:1"), ('{"ids": "a"}', "ids"), ("{}", "ids"),
                            ("[[1]]", "stdin:1"), ("[1.5]", "stdin:1"), ('{"ids": [1.5]}', "stdin:1")]:
            with self.subTest(ids=ids):
                self.fails(cli.INPUT, phrase, "tokenize", "--model", cli.TINY, "--decode", stdin=ids + "\n")

    def test_missing_file(self):
        self.fails(cli.INPUT, "nowhere.txt", "tokenize", "--model", cli.TINY, self.path("nowhere.txt"))


if __name__ == "__main__":
    unittest.main()
