"""One small set per reader of public data, and what can be wrong with it: rows as dictionaries, media as files beside them. test_readers.py
writes the text formats itself; tools/make_data_fixtures.py writes the Parquet and Arrow ones into tests/data/datasets/readers.zip."""

import copy
import csv
import io
import json
import os
import struct
import tarfile
import zipfile
import zlib

ROWS = 6  # records of a set
MANY = 100_000  # rows of a large one


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(n):
    """A PNG of 8 x 8 px of its own for every n; written without compression, so the same bytes everywhere."""
    rows = b"".join(b"\0" + bytes((n % 256, 16 * y, 16 * x)[c] for x in range(8) for c in range(3)) for y in range(8))
    return (b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) +
            _chunk(b"IDAT", zlib.compress(rows, 0)) + _chunk(b"IEND", b""))


def packed(members, kind="tar"):
    """An archive of {name: bytes}."""
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as z:
            for name, data in members.items():
                z.writestr(zipfile.ZipInfo(name), data)
    else:
        with tarfile.open(fileobj=out, mode="w") as tar:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def nobody():
    """For subprocess: somebody whom permissions stop, also where root runs the tests."""
    return {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


def open_way(folder):
    """What a test has written below `folder`, for everybody to read."""
    os.chmod(folder, 0o755)
    for place, folders, _ in os.walk(folder):
        for name in folders:
            os.chmod(os.path.join(place, name), 0o755)


def cut(data):
    return data[:len(data) // 2]


class Reader:
    """name: as `data inspect` names the format; file: how its table is called; pair(i, a, b): the rows of a record; a picture is a path, or with
    `cell` what stands in a table. tie, unlabel: change a record's rows; None where the format knows no such thing."""

    def __init__(self, name, file, pair, tie=None, unlabel=None, cell=None, label="pair", media=2, title=None, wrap=None):
        self.name, self.file, self.pair, self.tie, self.unlabel = name, file, pair, tie, unlabel
        self.cell, self.label, self.media, self.title, self.wrap = cell, label, media, title or name, wrap
        self.binary = file.endswith((".parquet", ".arrow"))


class Set:
    def __init__(self, reader, count=ROWS, pictures=None):
        self.reader, self.files, self.records = reader, {}, []
        for i in range(count):
            cells = []
            for k in range(reader.media):
                n = 2 * i + k if pictures is None else pictures[k]
                data, path = picture(n), f"m{n}.png"
                if reader.cell:
                    cells.append(reader.cell(data, path))
                else:
                    cells.append(path)
                    self.files[path] = data
            self.records.append(reader.pair(i, *cells))

    def rows(self):
        return [row for record in self.records for row in record]


# ---- the readers

def _value(column, value):
    def change(record):
        for row in record:
            row[column] = value
    return change


def _image_struct(data, path):
    return {"bytes": data, "path": path}


def _ranked(i, a, b):
    return [{"image_path": path, "prompt_id": f"p{i}", "prompt": f"prompt {i}", "classification": "People", "image_amount_in_total": 2,
             "rank": rank, "overall_rating": 5, "image_text_alignment_rating": 5, "fidelity_rating": 6} for rank, path in ((1, a), (2, b))]


def _mmrb2(i, a, b):
    answer = lambda path: {"model_name": "m", "response_content": [["image", path]]}
    return [{"id": f"m{i}", "prompt_source": "s", "prompt_content": [["text", f"prompt {i}"]], "response_a": answer(a), "response_b": answer(b),
             "chosen": "A", "human_annotations": [1]}]


def _weighted(i, a, b):
    row = {"prompt": f"prompt {i}", "image1": a, "image2": b}
    for aspect in ("preference", "coherence", "alignment"):
        row.update({f"weighted_results_image1_{aspect}": 0.75, f"weighted_results_image2_{aspect}": 0.25})
    return [row]


def _weights(first, second):
    def change(record):
        record[0]["weighted_results_image1_preference"], record[0]["weighted_results_image2_preference"] = first, second
    return change


def _votes(first, second):
    def change(record):
        record[0]["votes_image1"], record[0]["votes_image2"] = first, second
    return change


def _labels(first, second, has):
    def change(record):
        record[0].update({"label_0": first, "label_1": second, "has_label": has})
    return change


def _pickapic(i, a, b):
    return [{"caption": f"prompt {i}", "jpg_0": a, "jpg_1": b, "label_0": 1.0, "label_1": 0.0, "has_label": True, "ranking_id": i}]


ASK = "Compare.\n<image>\n<image>\nText Caption: [prompt {}]"
GENAI = {"left_model": "l", "right_model": "r", "vote_type": "leftvote"}
ANSWERS = {"url": "", "annotation": {"hands": 1}, "meta_result": [1, 0], "meta_mask": [1, 1]}
GENAI_TIE, GENAI_NONE = _value("vote_type", "bothbad_vote"), _value("vote_type", None)

READERS = [
    Reader("imagereward-test", "test.json", lambda i, a, b: [{"id": f"{i}", "prompt": f"prompt {i}", "generations": [a, b], "ranking": [1, 2]}],
           _value("ranking", [1, 1]), _value("ranking", None), label="ranking"),
    Reader("imagerewarddb", "train_1.json", _ranked, _value("rank", 1), label="ranking", title="imagerewarddb json"),
    Reader("imagerewarddb", "metadata-train.parquet", _ranked, _value("rank", 1), label="ranking", title="imagerewarddb parquet"),
    Reader("imagerewarddb", "train_1.zip", _ranked, _value("rank", 1), label="ranking", title="imagerewarddb zip"),
    Reader("hpdv2-train", "train.json", lambda i, a, b: [{"human_preference": [1, 0], "prompt": f"prompt {i}", "file_path": [a, b]}],
           _value("human_preference", [1, 1]), _value("human_preference", None)),
    Reader("hpdv2-test", "test.json", lambda i, a, b: [{"prompt": f"prompt {i}", "image_path": [a, b], "rank": [0, 1], "raw_annotations": []}],
           _value("rank", [1, 1]), _value("rank", None), label="ranking"),
    Reader("hpdv3", "all.json", lambda i, a, b: [{"path1": a, "path2": b, "prompt": f"prompt {i}", "choice_dist": [9, 1], "confidence": 0.9,
                                                  "model1": None, "model2": None}]),
    Reader("pick-a-pic", "validation-00000-of-00001.parquet", _pickapic, _labels(0.5, 0.5, True), _labels(1.0, 0.0, False), lambda data, _: data),
    Reader("rapidata-votes", "train_0001.parquet", lambda i, a, b: [{"prompt": f"prompt {i}", "image1": a, "image2": b, "votes_image1": 3,
                                                                     "votes_image2": 1}], _votes(2, 2), _votes(None, None), _image_struct),
    Reader("rapidata-weighted", "test.parquet", _weighted, _weights(0.5, 0.5), _weights(None, None), _image_struct),
    Reader("rapidata-weighted", "data-00000-of-00001.arrow", _weighted, _weights(0.5, 0.5), _weights(None, None), _image_struct, title="arrow"),
    Reader("visionrewarddb-image", "image.parquet", lambda i, a: [{"image": a, "internal_id": f"i{i}", "prompt": f"prompt {i}", **ANSWERS}],
           cell=_image_struct, label="none", media=1),
    Reader("visionrewarddb-video", "train.parquet", lambda i, a: [{"video_path": a, "internal_id": f"i{i}", "prompt": f"prompt {i}", **ANSWERS}],
           label="none", media=1),
    Reader("visionrewarddb-pairs", "regression.parquet", lambda i, a, b: [{"internal_id": f"i{i}", "prompt": f"prompt {i}",
           "standard_answer": "video_1", "video1_path": a, "video2_path": b}], _value("standard_answer", "tie"), _value("standard_answer", None)),
    Reader("genai-bench-image", "test_v1.parquet", lambda i, a, b: [{"prompt": f"prompt {i}", "left_image": a, "right_image": b, **GENAI}],
           GENAI_TIE, GENAI_NONE, _image_struct),
    Reader("genai-bench-edition", "test.parquet", lambda i, a, b: [{"instruct_prompt": f"prompt {i}", "source_prompt": "s", "target_prompt": "t",
           "source_image": a, "left_output_image": a, "right_output_image": b, **GENAI}], GENAI_TIE, GENAI_NONE, _image_struct),
    Reader("genai-bench-video", "test.parquet", lambda i, a, b: [{"prompt": f"prompt {i}", "left_video": a, "right_video": b, **GENAI}],
           GENAI_TIE, GENAI_NONE),
    Reader("genai-bench-json", "copy.json", lambda i, a, b: [{"id": f"g{i}", "prompt": f"prompt {i}", "video_left": a, "video_right": b,
           "vote_type": "leftvote"}], GENAI_TIE, GENAI_NONE),
    Reader("videoalign", "test.csv", lambda i, a, b: [{"path_A": a, "path_B": b, "prompt": f"prompt {i}", "VQ": "A", "MQ": "B", "TA": "same",
           "Overall": "A", "fps_A": 2, "fps_B": 2}], _value("Overall", "same"), _value("Overall", "")),
    Reader("mmrb2", "mmrb2.json", _mmrb2, _value("chosen", "tie"), _value("chosen", None), wrap="pairs"),
    Reader("unifiedreward-sft", "sft.json", lambda i, a, b: [{"images": [a, b], "conversations": [{"from": "human", "value": ASK.format(i)},
           {"from": "gpt", "value": "<think>t</think>\n<answer>Image 1 is better</answer>"}]}],
           unlabel=lambda record: record[0]["conversations"][1].update(value="<answer>neither</answer>")),
    Reader("unifiedreward-grpo", "grpo.json", lambda i, a, b: [{"problem": ASK.format(i), "solution": "Image 1 is better", "images": [a, b]}],
           unlabel=_value("solution", None)),
    Reader("beholder", "own.jsonl", lambda i, a, b: [{"id": f"o{i}", "prompt": f"prompt {i}", "media": [a, b], "target": {"pair": 1}}],
           _value("target", {"pair": 0.5}), _value("target", None)),
]


def counts(report):
    """What the tests look at of `data inspect --json`."""
    media = report["media"]
    return {"records": report["records"], "bad": report["bad"], "missing": media["missing"], "unreadable": media["unreadable"],
            "duplicates": report["duplicate_records"], "repeated_ids": report["repeated_ids"], "ties": report["tied_pairs"],
            "none": report["labels"]["none"], "unknown": report["unknown_columns"], "refused": media["refused"],
            "in_archives": media["in_archives"]}


# ---- what can be wrong. Each changes a record of its own and returns what `data inspect` then counts more.

def duplicate(s):
    again = copy.deepcopy(s.records[0])
    if s.reader.name == "imagerewarddb":
        _value("prompt_id", "another")(again)
    s.records.append(again)
    return {"records": 1, "duplicates": 1, "repeated_ids": has_own_id(s)}


def _cells(s, i, new):
    """Puts `new` in place of the record's first medium; that it stands in two columns happens (a source picture)."""
    n = s.reader.media * i if s.reader.media == 2 else 2 * i
    for row in s.records[i]:
        for column, value in row.items():
            if value == s.reader.cell(picture(n), f"m{n}.png"):
                row[column] = new and s.reader.cell(new, f"m{n}.png")


def missing(s):
    if s.reader.cell:
        _cells(s, 1, None)
        return {"records": -1, "bad": 1}
    del s.files["m2.png"]
    return {"missing": 1}


def tie(s):
    if s.reader.tie:
        s.reader.tie(s.records[2])
        return {"ties": 1}
    return {}


def unlabelled(s):
    if s.reader.unlabel:
        s.reader.unlabel(s.records[3])
        return {"none": 1}
    return {}


def unknown_column(s):
    s.records[3][0]["surprise"] = 1
    return {"unknown": ["surprise"]}


def corrupt(s):
    if s.reader.cell:
        _cells(s, 4, cut(picture(8)))
    else:
        s.files["m8.png"] = cut(s.files["m8.png"])
    return {"unreadable": 1}


def mixed_types(s):
    """A prompt that is an object, a row that is none: two bad rows beside the good ones. A table of typed columns cannot say such things."""
    if s.reader.binary or s.reader.file.endswith(".csv"):
        return {}
    columns = {"mmrb2": "prompt_content", "unifiedreward-sft": "conversations", "unifiedreward-grpo": "problem"}
    s.records.append([{**s.records[0][0], columns.get(s.reader.name, "prompt"): {"a": 1}}])
    s.records.append(["not an object"])
    return {"bad": 2}


FAULTS = [missing, tie, unlabelled, unknown_column, corrupt, mixed_types, duplicate]


def has_own_id(s):
    return 1 if any(key in s.rows()[0] for key in ("id", "internal_id")) else 0


def with_faults(reader):
    """A set with all of them, and the sums of what they change."""
    s, changes = Set(reader), {}
    for fault in FAULTS:
        for key, value in fault(s).items():
            changes[key] = changes[key] + value if key in changes else value
    return s, changes


def text_of(s):
    """The table of a text format."""
    rows, name = s.rows(), s.reader.file
    if name.endswith(".csv"):
        out = io.StringIO()
        columns = list(dict.fromkeys(key for row in Set(s.reader, 1).rows() + rows for key in row))
        table = csv.DictWriter(out, columns, restval="")
        table.writeheader()
        table.writerows(rows)
        return out.getvalue()
    if name.endswith(".jsonl"):
        return "".join(json.dumps(row) + "\n" for row in rows)
    return json.dumps({"version": 2, s.reader.wrap: rows} if s.reader.wrap else rows)


def many_rows(reader, rows=MANY):
    """So many rows of two records in turn (where a record has two rows, half as many records)."""
    some = Set(reader, 2, (0, 1))
    times = rows // len(some.rows())
    return some, times


def many_text(reader):
    some, times = many_rows(reader)
    text, parts = text_of(some), [json.dumps(row) for row in some.rows()]
    if reader.file.endswith(".csv"):
        head, body = text.split("\n", 1)
        return head + "\n" + body * times
    if reader.file.endswith(".jsonl"):
        return text * times
    inside = ", ".join(parts)
    return text.replace(inside, ", ".join([inside] * times))


def stored_tables(write):
    """The zip of all Parquet and Arrow tables; `write(rows, columns, name)` makes one. Of Arrow 100 rows stand for 100,000: a test repeats them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for reader in (r for r in READERS if r.binary):
            columns = list(Set(reader, 1).rows()[0])
            some, times = many_rows(reader, 100 if reader.file.endswith(".arrow") else MANY)
            for name, rows in (("good", Set(reader).rows()), ("faults", with_faults(reader)[0].rows()), ("empty", []), ("many", some.rows() * times)):
                z.writestr(zipfile.ZipInfo(f"{reader.title}/{name}"), write(rows, columns, reader.file), zipfile.ZIP_DEFLATED)
    return out.getvalue()
