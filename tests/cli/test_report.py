"""`--report`: one page that needs nothing else, whatever the prompts and file names say, and that is whole or not there."""

import html.parser
import json
import os
import unittest

import cli

HOSTILE = '"><script>alert(1)</script><img src=http://example.com/x onerror=alert(2)>'


class Page(html.parser.HTMLParser):
    """Elements with their attributes, the text outside scripts and styles, and whether every element is closed."""

    VOID = {"meta", "img", "br", "hr", "input", "link", "path", "line", "rect", "circle", "use", "polyline", "polygon"}

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.open = [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        if self.open[-1:] != [tag]:
            raise AssertionError(f"</{tag}> closes {self.open[-3:]}")
        self.open.pop()

    def handle_data(self, data):
        if self.open[-1:] not in (["script"], ["style"]):
            self.text += data


class Report(cli.CliTest):
    def page(self, path):
        with open(path, encoding="utf-8") as f:
            page = Page(f.read())
        self.assertEqual(page.open, [], "elements left open")
        return page

    def harmless(self, page):
        """Nothing is fetched, and nothing but the page's own script runs."""
        for tag, attributes in page.elements:
            for name, value in attributes.items():
                self.assertFalse(name.startswith("on"), (tag, attributes))
                if name in ("src", "href", "xlink:href", "action", "data"):
                    self.assertRegex(value, r"^(data:image/|#)", tag)
        policy = [a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
        self.assertTrue(policy and policy[0].startswith("default-src 'none'"), policy)
        self.assertLessEqual(sum(tag == "script" for tag, _ in page.elements), 1)

    def test_every_command_writes_one(self):
        for command in ["rank", "compare", "score"]:
            with self.subTest(command=command):
                out = self.path(f"{command}.html")
                result = self.done(command, *self.JUDGE, "--prompt", "seven <green> cups", "--report", out, *self.pictures(2))
                self.assertIn(out, result.err)
                page = self.page(out)
                self.harmless(page)
                self.assertIn("seven <green> cups", page.text)
                self.assertGreaterEqual(sum(tag == "img" and a["src"].startswith("data:image/") for tag, a in page.elements), 2)

    def test_hostile_prompts_and_names(self):
        for name in ["a<b>&'.png", "quote\".png"]:
            self.picture(name, shade=len(name))
        line = json.dumps({"id": HOSTILE, "prompt": HOSTILE, "media": ["a<b>&'.png", "quote\".png"]})
        broken = json.dumps({"id": "x", "prompt": HOSTILE, "media": ["<script>.png", "quote\".png"]})
        records = self.write("in.jsonl", f"{line}\n{broken}\n")
        self.done("compare", *self.JUDGE, "--in", records, "--report", self.path("r.html"))
        page = self.page(self.path("r.html"))
        self.harmless(page)
        self.assertIn(HOSTILE, page.text)

    def test_a_bad_place_is_found_before_the_work(self):
        self.write("file", "x")
        for place in [self.path("file", "r.html"), self.tmp]:
            self.fails(cli.RESOURCE, place, "rank", "--model", "/nowhere", "--prompt", "p", "--report", place, *self.pictures(2))

    def test_disk_full(self):
        disk = self.small_disk(12)
        report, out = os.path.join(disk, "r.html"), self.path("out.jsonl")
        self.fails(cli.RESOURCE, ["r.html", "No space left"], "compare", *self.JUDGE, "--prompt", "p", "--report", report, "--out", out,
                   *self.pictures(2))
        self.assertEqual(os.listdir(disk), [])
        with open(out) as f:
            self.assertEqual(json.loads(f.read())["prompt"], "p", "the result itself was kept")

    def test_an_old_report_survives_a_full_disk(self):
        disk = self.small_disk(12)
        report = os.path.join(disk, "r.html")
        with open(report, "w") as f:
            f.write("yesterday's")
        self.fails(cli.RESOURCE, "No space left", "score", *self.JUDGE, "--prompt", "p", "--report", report, *self.pictures(1))
        with open(report) as f:
            self.assertEqual(f.read(), "yesterday's")


if __name__ == "__main__":
    unittest.main()
