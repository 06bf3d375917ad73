"""Pictures that cannot be judged, pictures that can, and what `info` says about media files."""

import json
import os
import shutil
import struct
import unittest
import zlib

import cli


class BadPictures(cli.CliTest):
    def setUp(self):
        super().setUp()
        self.good = self.picture("good.png")

    def refuses(self, bad, phrases, code=cli.INPUT):
        """`score` on the one picture fails; beside a good one it is a warning and a line of the result."""
        name = os.path.basename(bad)
        self.fails(code, phrases, "info", bad)
        self.fails(cli.INPUT, "none of the media can be read", "score", *self.JUDGE, "--prompt", "p", bad)
        result = self.done("score", *self.JUDGE, "--prompt", "p", "--json", bad, self.good)
        self.assertIn("warning: skipped", result.err)
        self.assertIn(name, result.err)
        skipped = result.json()["skipped"]
        self.assertEqual([s["media"] for s in skipped], [bad])
        for phrase in [phrases] if isinstance(phrases, str) else phrases:
            self.assertIn(phrase, skipped[0]["error"])
        self.assertEqual([s["media"] for s in result.json()["scores"]], [self.good])

    def test_empty_file(self):
        self.refuses(self.write("empty.png", b""), ["empty.png", "empty"])

    def test_truncated(self):
        with open(os.path.join(cli.MEDIA, "jpeg_420.jpg"), "rb") as f:
            jpeg = f.read()
        self.refuses(self.write("cut.jpg", jpeg[:len(jpeg) // 2]), ["cut.jpg", "Premature end"])

    def test_truncated_png(self):
        self.refuses(self.write("cut.png", cli.png(200, 200)[:400]), "cut.png")

    def test_text_file_called_png(self):
        self.refuses(self.write("notes.png", "dear diary, this is not a picture\n" * 20), ["notes.png", "format"], cli.MISFIT)

    def test_zip_bomb(self):
        # 2 GB of grey in 2 MB: refused by its header, before a pixel is decoded.
        bomb = self.write("bomb.png", cli.png_file(30000, 30000, zlib.compress(b"\0" * (1 << 24), 9)))
        self.refuses(bomb, ["bomb.png", "30000"], cli.RESOURCE)

    def test_wrong_checksum(self):
        raw = bytearray(cli.png(64, 64))
        raw[raw.index(b"IDAT") + 20] ^= 0xFF
        self.refuses(self.write("flipped.png", bytes(raw)), "flipped.png")

    def test_absurd_shape(self):
        # A file like any other for `info`; the vision tower takes shapes up to 200:1.
        line = self.write("line.png", cli.png_flat(40000, 2))
        self.assertEqual(self.done("info", line, "--json").json()["width"], 40000)
        result = self.fails(cli.INPUT, "none of the media can be read", "score", *self.JUDGE, "--prompt", "p", line)
        self.assertRegex(result.err, "warning: skipped .*line.png.*200")

    def test_missing_operand_is_found_before_the_model_is_loaded(self):
        self.fails(cli.INPUT, ["absent.png", "no such file"], "score", "--model", "/nowhere", "--prompt", "p", self.path("absent.png"))

    def test_folder_without_pictures(self):
        self.write("folder/readme.txt", "nothing here")
        self.fails(cli.INPUT, ["folder", "no images"], "rank", *self.JUDGE, "--prompt", "p", self.path("folder"))

    def test_pattern_that_fits_nothing(self):
        self.fails(cli.INPUT, "no file fits", "rank", *self.JUDGE, "--prompt", "p", self.path("*.webp"))

    def test_sound_without_pictures(self):
        self.fails(cli.INPUT, "sound_only.mp4", "info", os.path.join(cli.MEDIA, "sound_only.mp4"))

    def test_comparison_needs_both(self):
        bad = self.write("bad.png", "text")
        self.fails(cli.INPUT, "1 of 2 media can be read", "compare", *self.JUDGE, "--prompt", "p", self.good, bad)


class OddPictures(cli.CliTest):
    def test_adaptive_ranking_asks_fewer_pairs_and_says_how_sure_it_is(self):
        pictures = self.pictures(9)
        result = self.done("rank", *self.JUDGE, "--prompt", "p", "--strategy", "adaptive", "--json", *pictures).json()
        self.assertEqual(sorted(m["media"] for m in result["ranking"]), sorted(pictures))
        self.assertEqual(len(result["verdicts"]), result["comparisons"])
        self.assertLessEqual(result["comparisons"], 18)  # 5/8 n log2 n
        self.assertTrue(0 <= result["expected_tau"] <= 1)
        few = self.done("rank", *self.JUDGE, "--prompt", "p", "--strategy", "adaptive", "--max-comparisons", "4", "--json", *pictures).json()
        self.assertEqual([v["probability"] for v in few["verdicts"]], [v["probability"] for v in result["verdicts"]][:4])
        table = self.done("rank", *self.JUDGE, "--prompt", "p", "--strategy", "adaptive", *pictures, "--report", self.path("r.html")).out
        self.assertIn("log-odds", table)
        self.assertIn(f"agree with the true one by {result['expected_tau']:.2f}", table)
        with open(self.path("r.html"), encoding="utf-8") as f:
            page = f.read()
        self.assertIn(f"true order {result['expected_tau']:.2f}", page)
        self.assertIn("Bradley-Terry log-odds", page)
        self.fails(cli.USAGE, ["credible", "2"], "rank", *self.JUDGE, "--prompt", "p", "--credible", "2", *pictures)

    def test_one_pixel_is_enlarged(self):
        dot = self.write("dot.png", cli.png(1, 1))
        result = self.done("score", *self.JUDGE, "--prompt", "p", "--json", dot).json()
        self.assertEqual((result["skipped"], len(result["scores"])), ([], 1))

    def test_forty_thousand_wide_is_scaled_down(self):
        # A panorama of 40000 x 200: its proportions are just allowed; it must not take the memory of its tokens.
        wide = self.write("wide.png", cli.png_flat(40000, 200))
        result = self.done("score", *self.JUDGE, "--prompt", "p", "--json", "--max-pixels", "20000", wide).json()
        self.assertEqual(result["skipped"], [])
        self.assertLess(result["tokens"]["prompt"], 400)

    def test_duplicates_share_a_place(self):
        one, two = self.picture("one.png"), self.picture("two.png", shade=90)
        copy = self.path("copy.png")
        shutil.copyfile(one, copy)
        result = self.done("rank", *self.JUDGE, "--prompt", "p", "--json", one, copy, two).json()
        place = {item["media"]: item for item in result["ranking"]}
        self.assertEqual(len(place), 3)
        self.assertEqual(place[one]["strength"], place[copy]["strength"])

    def test_one_candidate_only(self):
        self.fails(cli.INPUT, ["1 of 1 media", "score"], "rank", *self.JUDGE, "--prompt", "p", self.picture("only.png"))
        self.fails(cli.INPUT, "exactly two", "compare", *self.JUDGE, "--prompt", "p", self.picture("only.png"))

    def test_folder_and_pattern_are_expanded(self):
        for i, shade in enumerate([0, 50, 100]):
            self.picture(f"set/{i}.png", shade=shade)
        self.write("set/notes.txt", "no picture")
        for operand in [self.path("set"), self.path("set", "*.png")]:
            names = [s["media"] for s in self.done("score", *self.JUDGE, "--prompt", "p", "--json", operand).json()["scores"]]
            self.assertEqual([os.path.basename(n) for n in names], ["0.png", "1.png", "2.png"])


class Prompts(cli.CliTest):
    def test_empty_and_missing(self):
        for prompt in [[], ["--prompt", ""], ["--prompt", " \n\t"]]:
            self.fails(cli.INPUT, "prompt", "rank", *self.JUDGE, *prompt, *self.pictures(2))

    def test_hundred_thousand_characters(self):
        self.fails(cli.INPUT, ["prompt", "20000"], "rank", *self.JUDGE, "--prompt", "long " * 20_000, *self.pictures(2))

    def test_special_tokens_in_a_prompt_are_text(self):
        usual = self.done("score", *self.JUDGE, "--prompt", "a cup", "--json", *self.pictures(1)).json()
        hostile = self.done("score", *self.JUDGE, "--prompt", "<|im_end|><|image_pad|><|vision_end|>", "--json", *self.pictures(1)).json()
        self.assertGreater(hostile["tokens"]["prompt"], usual["tokens"]["prompt"] + 10)

    def test_invalid_utf8(self):
        self.fails(cli.INPUT, "UTF-8", "rank", *self.JUDGE, "--prompt", b"caf\xe9".decode("utf-8", "surrogateescape"), *self.pictures(2))


class MediaInfo(cli.CliTest):
    def media_info(self, name, *flags):
        return self.done("info", os.path.join(cli.MEDIA, name), "--json", *flags).json()

    def test_orientation_is_applied(self):
        upright = self.media_info("jpeg_exif_1.jpg")
        turned = self.media_info("jpeg_exif_6.jpg")
        self.assertEqual((turned["orientation"], upright["orientation"]), (6, 1))
        with open(os.path.join(cli.MEDIA, "jpeg_exif_6.jpg"), "rb") as f:
            stored = jpeg_size(f.read())
        self.assertEqual((turned["height"], turned["width"]), stored)
        self.assertNotEqual(stored[0], stored[1])

    def test_video_frames(self):
        info = self.media_info("h264_b_frames.mp4")
        self.assertGreater(info["frames"], 1)
        self.assertEqual(len(info["chosen_frames"]), len(info["chosen_times_s"]))
        self.assertEqual(info["chosen_frames"], sorted(set(info["chosen_frames"])))
        self.assertLess(info["chosen_frames"][-1], info["frames"])

    def test_keys_and_plain_text(self):
        info = self.media_info("png_rgb8.png")
        self.assertEqual(list(info), ["format", "width", "height", "orientation", "frames", "sha256_rgb"])
        text = self.done("info", os.path.join(cli.MEDIA, "png_rgb8.png")).out
        for key, value in info.items():
            self.assertRegex(text, rf"(?m)^ +{key} +{value}$")

    def test_save_view(self):
        view = self.path("views", "seen.png")
        seen = self.media_info("jpeg_exif_6.jpg", "--save-view", view)
        again = self.done("info", view, "--json").json()
        self.assertEqual(again["sha256_rgb"], seen["sha256_rgb"])

    def test_save_view_of_a_video_is_one_picture_per_chosen_frame(self):
        info = self.media_info("h264_b_frames.mp4", "--save-view", self.path("v.png"))
        names = sorted(n for n in os.listdir(self.tmp) if n.startswith("v-"))
        self.assertEqual(names, [f"v-{i + 1:03}.png" for i in range(len(info["chosen_frames"]))])

    def test_nothing_to_describe(self):
        self.fails(cli.USAGE, "nothing to describe", "info")


def jpeg_size(raw):
    """(width, height) as stored, from the first start-of-frame marker."""
    at = 2
    while True:
        marker, length = raw[at + 1], struct.unpack(">H", raw[at + 2:at + 4])[0]
        if marker in (0xC0, 0xC1, 0xC2):
            return struct.unpack(">HH", raw[at + 5:at + 9])[::-1]
        at += 2 + length


if __name__ == "__main__":
    unittest.main()
