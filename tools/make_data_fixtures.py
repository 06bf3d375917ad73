#!/usr/bin/env python3
"""Writes small data sets in the published formats, and what is in them, for src/data.

    python tools/make_data_fixtures.py tests/data/datasets        # pyarrow 26, Pillow 13

expected.json: per set the records as they should be read, {"prompt", "media": [sha256 or path], "q" or "ranking"}; a pair of a set
whose first picture always wins has "any_order". Everything is drawn from one seed; the pictures are 16 x 16 px.
"""
import csv, gzip, hashlib, io, json, os, random, shutil, sys, tarfile, zipfile

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests/cli"))
import reader_cases

OUT = sys.argv[1] if len(sys.argv) > 1 else "tests/data/datasets"
EXPECTED = {}


def picture(n, kind="JPEG"):
    """A 16 x 16 picture of its own for every n."""
    rng = random.Random(n)
    im = Image.new("RGB", (16, 16), tuple(rng.randrange(256) for _ in range(3)))
    im.paste(tuple(rng.randrange(256) for _ in range(3)), (rng.randrange(8), rng.randrange(8), 12, 12))
    out = io.BytesIO()
    im.save(out, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return out.getvalue()


def clip(n):
    """Two frames: an animated GIF is a video."""
    frames = [Image.open(io.BytesIO(picture(n + k))).convert("P") for k in (0, 500)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=500)
    return out.getvalue()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def write(name, data):
    path = os.path.join(OUT, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return data


def write_json(name, value):
    write(name, json.dumps(value, ensure_ascii=False))


def parquet(name, columns, **options):
    path = os.path.join(OUT, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    pq.write_table(pa.table(columns), path, **options)


def expect(name, *records):
    EXPECTED.setdefault(name, []).extend(records)


IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def images(rows):
    return pa.array(rows, IMAGE)


# ---------------------------------------------------------------- Pick-a-Pic
def pickapic_columns(rows):
    """rows: (caption, jpg_0, jpg_1, label_0, label_1, has_label)"""
    n = len(rows)
    col = lambda k: [r[k] for r in rows]
    return {
        "are_different": pa.array([True] * n), "best_image_uid": pa.array(["tie" if r[3] == 0.5 else "u" for r in rows]),
        "caption": pa.array(col(0)), "created_at": pa.array([1_600_000_000_000_000_000] * n, pa.timestamp("ns")),
        "has_label": pa.array(col(5)), "image_0_uid": pa.array([f"{i}-0" for i in range(n)]), "image_0_url": pa.array(["http://gone/0"] * n),
        "image_1_uid": pa.array([f"{i}-1" for i in range(n)]), "image_1_url": pa.array(["http://gone/1"] * n),
        "jpg_0": pa.array(col(1), pa.binary()), "jpg_1": pa.array(col(2), pa.binary()), "label_0": pa.array(col(3), pa.float64()),
        "label_1": pa.array(col(4), pa.float64()), "model_0": pa.array(["m"] * n), "model_1": pa.array(["m"] * n),
        "ranking_id": pa.array(range(n), pa.int64()), "user_id": pa.array(range(n), pa.int64()),
        "num_example_per_prompt": pa.array([1] * n, pa.int64()), "__index_level_0__": pa.array(range(n), pa.int64()),
    }


def pickapic():
    a = [picture(i) for i in range(12)]
    rows = [("a red cup", a[0], a[1], 1.0, 0.0, True), ("a blue box", a[2], a[3], 0.0, 1.0, True), ("a tie", a[4], a[5], 0.5, 0.5, True),
            ("nobody said", a[6], a[7], 1.0, 0.0, False), ("no picture", None, a[8], 1.0, 0.0, True),
            ("a cut one", a[9][:200], a[10], 1.0, 0.0, True), ("a red cup", a[0], a[1], 1.0, 0.0, True)]
    parquet("pickapic/data/train-00000-of-00002.parquet", pickapic_columns(rows[:4]), row_group_size=2)
    parquet("pickapic/data/train-00001-of-00002.parquet", pickapic_columns(rows[4:]))
    for caption, left, right, q, _, _ in rows:
        if left is not None:  # has_label is false: without a label, but not in a training split
            expect("pickapic", {"prompt": caption, "media": [sha(left), sha(right)], "q": q})
    many = [(f"prompt {i % 100}", a[0], a[1], 1.0, 0.0, True) for i in range(100_000)]
    columns = {k: v for k, v in pickapic_columns(many).items() if k in ("caption", "jpg_0", "jpg_1", "label_0", "label_1", "has_label")}
    parquet("many/many.parquet", columns, compression="zstd", compression_level=19, row_group_size=100_000)


# ---------------------------------------------------------------- ImageReward, ImageRewardDB
def imagereward():
    items = []
    for i, ranking in enumerate([[1, 2, 5, 3], [1, 1, 2], [2, 1]]):
        paths = [f"part-{i}/images/{k:04}/x{k}.webp" for k in range(len(ranking))]
        shas = [sha(write("imagereward/test_images/" + p, picture(100 + 10 * i + k, "WEBP"))) for k, p in enumerate(paths)]
        items.append({"id": f"{i:06}-0000", "prompt": f"scene {i} é", "generations": paths, "ranking": ranking})
        expect("imagereward", {"prompt": f"scene {i} é", "media": shas, "ranking": ranking})
    items.append({"id": "gone", "prompt": "a missing one", "generations": ["part-9/a.webp", "part-0/images/0000/x0.webp"], "ranking": [2, 1]})
    expect("imagereward", {"prompt": "a missing one", "media": ["part-9/a.webp", EXPECTED["imagereward"][0]["media"][0]], "ranking": [2, 1]})
    write_json("imagereward/test.json", items)


def imagerewarddb():
    """One part unpacked, one still in its zip with its list inside."""
    rows = {1: [], 2: []}
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as z:
        for part in (1, 2):
            for prompt, ranks in enumerate([[1, 3, 3], [2, 1]]):
                shas = []
                for k, rank in enumerate(ranks):
                    name, data = f"p{prompt}-{k}.webp", picture(200 + 100 * part + 10 * prompt + k, "WEBP")
                    shas.append(sha(data))
                    rows[part].append({"image_path": f"images/train/train_{part}/{name}", "prompt_id": f"{part}-{prompt}",
                                       "prompt": f"part {part} prompt {prompt}", "classification": "People", "image_amount_in_total": len(ranks),
                                       "rank": rank, "overall_rating": 8 - rank, "image_text_alignment_rating": 5, "fidelity_rating": 6})
                    if part == 1:
                        write(f"imagerewarddb/images/train/train_1/{name}", data)
                    else:
                        z.writestr(zipfile.ZipInfo(name), data)
                expect("imagerewarddb", {"prompt": f"part {part} prompt {prompt}", "media": shas, "ranking": ranks})
        z.writestr(zipfile.ZipInfo("train_2.json"), json.dumps(rows[2]))
    write_json("imagerewarddb/images/train/train_1/train_1.json", rows[1])
    write("imagerewarddb/images/train/train_2.zip", zipped.getvalue())
    everything = rows[1] + rows[2]
    parquet("irdb_metadata/metadata-train.parquet", {k: [r[k] for r in everything] for k in everything[0]})
    for name in os.listdir(os.path.join(OUT, "imagerewarddb/images/train/train_1")):
        if name.endswith(".webp"):
            with open(os.path.join(OUT, "imagerewarddb/images/train/train_1", name), "rb") as f:
                write("irdb_metadata/images/train/train_1/" + name, f.read())
    write_json("irdb_metadata/images/train/train_1/train_1.json", rows[1])
    nested = io.BytesIO()  # as published: a zip a part, its list and a folder of its name inside
    with zipfile.ZipFile(zipped) as old, zipfile.ZipFile(nested, "w", zipfile.ZIP_DEFLATED) as z:
        for name in old.namelist():
            z.writestr(zipfile.ZipInfo("train_2/" + name), old.read(name))
    write("irdb_metadata/images/train/train_2.zip", nested.getvalue())
    expect("irdb_metadata", *EXPECTED["imagerewarddb"])


# ---------------------------------------------------------------- HPDv2, HPDv3
def hpdv2():
    data = [write(f"hpdv2/train/{i}.jpg", picture(400 + i)) for i in range(4)]
    write_json("hpdv2/train.json", [{"human_preference": [1, 0], "prompt": "one", "file_path": ["0.jpg", "1.jpg"]},
                                    {"human_preference": [0, 1], "prompt": "two", "file_path": ["2.jpg", "3.jpg"]}])
    expect("hpdv2 train", {"prompt": "one", "media": [sha(data[0]), sha(data[1])], "q": 1.0},
           {"prompt": "two", "media": [sha(data[2]), sha(data[3])], "q": 0.0})
    data = [write(f"hpdv2/test/{i}.jpg", picture(410 + i)) for i in range(3)]
    write_json("hpdv2/test.json", [{"prompt": "three", "image_path": ["0.jpg", "1.jpg", "2.jpg"], "rank": [2, 0, 1],
                                    "raw_annotations": [{"rank": [3, 1, 2], "user_hash": "h"}]}])
    write_json("hpdv2/benchmark/anime.json", ["a prompt", "another"])
    expect("hpdv2 test", {"prompt": "three", "media": [sha(d) for d in data], "ranking": [3, 1, 2]})


def add_member(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def hpdv3():
    rows, packed = [], io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for i in range(12):
            good, other = picture(500 + 2 * i), picture(501 + 2 * i)
            if i == 5:
                other = other[:150]
            for name, data in ((f"{i}-w.jpg", good), (f"{i}-l.jpg", other)):
                if i != 7 or name != "7-l.jpg":
                    add_member(tar, "images/" + name, data)
            votes = [[15, 4], [19, 0], [1, 18], None][i % 4]
            rows.append({"path1": f"images/{i}-w.jpg", "path2": f"images/{i}-l.jpg", "prompt": f"hp {i}", "choice_dist": votes,
                         "confidence": 0.97, "model1": "win", "model2": "lose"})
            q = 15 / 19 if i % 4 == 0 else 1.0
            expect("hpdv3", {"prompt": f"hp {i}", "media": [sha(good), "images/7-l.jpg" if i == 7 else sha(other)], "q": q, "any_order": True})
    data = gzip.compress(packed.getvalue(), mtime=0)
    half = len(data) // 2
    write("hpdv3/images.tar.gz.aa", data[:half])
    write("hpdv3/images.tar.gz.ab", data[half:])
    write_json("hpdv3/train.json", rows)


# ---------------------------------------------------------------- Rapidata, `datasets` on disk
def rapidata():
    a = [picture(600 + i) for i in range(6)]
    left, right = [{"bytes": a[i], "path": f"{i}.jpg"} for i in (0, 2, 4)], [{"bytes": a[i], "path": None} for i in (1, 3, 5)]
    parquet("rapidata/votes.parquet", {"prompt": ["v0", "v1", "v2"], "image1": images(left), "image2": images(right),
            "votes_image1": pa.array([7, 0, 0]), "votes_image2": pa.array([3, 10, 0]), "model1": ["m"] * 3, "model2": ["n"] * 3,
            "detailed_results": ["{}"] * 3, "a_new_column": [1, 2, 3]})
    expect("rapidata votes", {"prompt": "v0", "media": [sha(a[0]), sha(a[1])], "q": 0.7, "votes": 10},
           {"prompt": "v1", "media": [sha(a[2]), sha(a[3])], "q": 0.0, "votes": 10}, {"prompt": "v2", "media": [sha(a[4]), sha(a[5])]})
    weighted = {"prompt": ["w0", "w1", "w2"], "image1": images(left), "image2": images(right)}
    for aspect, values in (("preference", [0.8, 0.5, 0.3]), ("coherence", [0.1, 0.5, 0.9]), ("alignment", [0.6, 0.5, 0.5])):
        weighted[f"weighted_results_image1_{aspect}"] = values
        weighted[f"weighted_results_image2_{aspect}"] = [0.3 if aspect == "preference" and v == 0.3 else 1 - v for v in values]
    parquet("rapidata/weighted.parquet", weighted)
    shares = [("w0", 0.8, 0), ("w1", 0.5, 2), ("w2", 0.5, 4)]  # 0.3 and 0.3 do not sum to 1: scaled
    expect("rapidata weighted", *[{"prompt": p, "media": [sha(a[k]), sha(a[k + 1])], "q": q} for p, q, k in shares])
    for split in ("train", "test"):
        folder = f"hf/{split}"
        table = pa.table({**weighted, "prompt": [f"{split} {p}" for p in weighted["prompt"]]})
        os.makedirs(os.path.join(OUT, folder), exist_ok=True)
        with pa.OSFile(os.path.join(OUT, folder, "data-00000-of-00001.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table, max_chunksize=2)
        write_json(folder + "/state.json", {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": split})
        write_json(folder + "/dataset_info.json", {"features": {}})
        expect("hf " + split, *[{"prompt": f"{split} {p}", "media": [sha(a[k]), sha(a[k + 1])], "q": q} for p, q, k in shares])
    write_json("hf/dataset_dict.json", {"splits": ["train", "test"]})


# ---------------------------------------------------------------- VisionRewardDB, GenAI-Bench
def visionreward():
    a = [picture(700 + i) for i in range(2)]
    annotation = pa.array([{"symmetry": 1, "hands": -4}, {"symmetry": 0, "hands": 1}], pa.struct([("symmetry", pa.int64()), ("hands", pa.int64())]))
    common = {"internal_id": ["i0", "i1"], "prompt": ["x", "y"], "url": ["", ""], "annotation": annotation,
              "meta_result": pa.array([[1, 0, 1], [0, 0, 1]], pa.list_(pa.int64())), "meta_mask": pa.array([[1, 1, 0], [1, 1, 1]], pa.list_(pa.int64()))}
    parquet("visionreward/image.parquet", {"image": images([{"bytes": d, "path": "p.jpg"} for d in a]), **common})
    expect("visionreward image", {"prompt": "x", "media": [sha(a[0])], "meta": {"meta_result": [1, 0, 1], "meta_mask": [1, 1, 0]}},
           {"prompt": "y", "media": [sha(a[1])], "meta": {"meta_result": [0, 0, 1], "meta_mask": [1, 1, 1]}})
    videos = [write(f"visionreward/videos/{i}.gif", clip(710 + i)) for i in range(2)]
    parquet("visionreward/video.parquet", {"video_path": ["videos/0.gif", "videos/1.gif"], **common, "prompt": ["r", "r"]})
    expect("visionreward video", {"prompt": "r", "media": [sha(videos[0])]}, {"prompt": "r", "media": [sha(videos[1])]})
    answers = ["video_1", "Video 2", "tie", "perhaps"]
    parquet("visionreward/pairs.parquet", {"internal_id": ["0", "1", "2", "3"], "prompt": ["r"] * 4, "standard_answer": answers,
            "video1_path": ["videos/0.gif"] * 4, "video2_path": ["videos/1.gif"] * 4})
    expect("visionreward pairs", *[{"prompt": "r", "media": [sha(v) for v in videos], "q": q} for q in (1.0, 0.0, 0.5)],
           {"prompt": "r", "media": [sha(v) for v in videos]})


def genai():
    a = [picture(800 + i) for i in range(8)]
    votes, shares = ["leftvote", "rightvote", "tievote", "bothbad_vote"], [1.0, 0.0, 0.5, 0.5]
    left, right = images([{"bytes": d, "path": None} for d in a[:4]]), images([{"bytes": d, "path": None} for d in a[4:]])
    for split, n in (("test", 2), ("test_v1", 4)):
        parquet(f"genai/image_generation/{split}-00000-of-00001.parquet", {"prompt": [f"{split} g"] * n, "left_model": ["l"] * n,
                "left_image": left[:n], "right_model": ["r"] * n, "right_image": right[:n], "vote_type": votes[:n]})
        expect("genai " + split, *[{"prompt": f"{split} g", "media": [sha(a[i]), sha(a[4 + i])], "q": shares[i]} for i in range(n)])
    parquet("genai_edition/test.parquet", {"source_prompt": ["s"], "target_prompt": ["t"], "instruct_prompt": ["make it red"], "source_image": left[:1],
            "left_model": ["l"], "left_output_image": left[1:2], "right_model": ["r"], "right_output_image": right[1:2], "vote_type": ["leftvote"]})
    expect("genai edition", {"prompt": "make it red", "media": [sha(a[1]), sha(a[5])], "q": 1.0})
    videos = [write(f"genai_video/{n}.gif", clip(820 + i)) for i, n in enumerate(("a", "b"))]
    parquet("genai_video/test.parquet", {"prompt": ["run"], "left_model": ["l"], "left_video": ["a.gif"], "right_model": ["r"],
            "right_video": ["b.gif"], "vote_type": ["rightvote"]})
    write_json("genai_video/copy.json", [{"id": "c", "prompt": "walk", "video_left": "a.gif", "video_right": "b.gif", "vote_type": "tievote"}])
    expect("genai video", {"prompt": "walk", "media": [sha(v) for v in videos], "q": 0.5}, {"prompt": "run", "media": [sha(v) for v in videos], "q": 0.0})


# ---------------------------------------------------------------- VideoAlign, MMRB2, UnifiedReward-Think
def others():
    videos = [write(f"videoalign/{n}.gif", clip(840 + i)) for i, n in enumerate("ab")]
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow("path_A,path_B,prompt,VQ,MQ,TA,Overall,fps_A,num_frames_A,fps_B,num_frames_B".split(","))
    for prompt, overall in (('a "quoted", long\nprompt', "A"), ("second", "B"), ("third", "same"), ("fourth", "")):
        rows.writerow(["a.gif", "b.gif", prompt, "B", "A", "same", overall, 2, 2, 2, 2])
        q = {"A": 1.0, "B": 0.0, "same": 0.5, "": None}[overall]
        expect("videoalign", {"prompt": prompt, "media": [sha(v) for v in videos], **({} if q is None else {"q": q})})
    write("videoalign/test.csv", out.getvalue())
    a = [write(f"mmrb2/{i}.jpg", picture(850 + i)) for i in range(3)]
    pair = lambda i, chosen, extra: {"id": i, "prompt_source": "s", "prompt_content": [["text", "draw a cat"]] + extra, "chosen": chosen,
                                     "response_a": {"model_name": "x", "response_content": [["image", "0.jpg"]]},
                                     "response_b": {"model_name": "y", "response_content": [["text", "here"], ["image", "1.jpg"]]},
                                     "human_annotations": [1, -1, 1]}
    bad = pair("m2", "A", [])
    bad["response_a"]["response_content"] = [["text", "only words"]]
    write_json("mmrb2/mmrb2.json", {"version": 2, "pairs": [pair("m0", "B", []), pair("m1", "A", [["image", "2.jpg"]]), bad]})
    expect("mmrb2", *[{"prompt": "draw a cat", "media": [sha(a[0]), sha(a[1])], "q": q} for q in (0.0, 1.0)])
    u = [write(f"unified/{i}.jpg", picture(860 + i)) for i in range(2)]
    ask = "Compare.\n<image>\n<image>\nYour task is:\nText Caption: [a green tree]"
    write_json("unified/sft.json", [{"conversations": [{"from": "human", "value": ask},
               {"from": "gpt", "value": "<think>seen</think>\n<answer>Image 2 is better</answer>"}], "images": ["0.jpg", "1.jpg"]}])
    write_json("unified/grpo.json", [{"problem": ask, "solution": "Image 1 is better", "images": ["0.jpg", "1.jpg"]}])
    shas = [sha(d) for d in u]
    expect("unified", {"prompt": "a green tree", "media": shas, "q": 1.0},
           {"prompt": "a green tree", "media": shas, "q": 0.0, "completion": "<think>seen</think>\n<answer>2</answer>"})


# ---------------------------------------------------------------- what somebody will meet one day
def hostile():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("../evil.jpg", "/abs.jpg", "a/../../evil.jpg", "./fine/ok.jpg"):
            add_member(tar, name, picture(900))
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    write("hostile/escape.tar", out.getvalue())
    write_json("hostile/list.json", [{"human_preference": [1, 0], "prompt": "p", "file_path": ["escape/fine/ok.jpg", "fine/ok.jpg"]}])
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for i in range(12):
            add_member(tar, f"images/{i}.jpg", picture(910 + i))
    write("truncated/images.tar", out.getvalue()[:11_000])
    write_json("truncated/train.json", [{"path1": "images/0.jpg", "path2": "images/11.jpg", "prompt": "p"},
                                        {"path1": "images/0.jpg", "path2": "images/1.jpg", "prompt": "p"}])
    write_json("mixed/test.json", [
        {"human_preference": [1, 0], "prompt": "good", "file_path": ["a.jpg", "b.jpg"]},
        {"human_preference": "left", "prompt": "words for numbers", "file_path": ["a.jpg", "b.jpg"]},
        {"human_preference": [1, 0], "prompt": 7, "file_path": ["a.jpg", "b.jpg"]},
        {"human_preference": [1, 0], "prompt": None, "file_path": ["a.jpg", "b.jpg"]},
        {"human_preference": [1, 0], "prompt": "no list", "file_path": "a.jpg"}, "not an object",
        {"human_preference": [-1, 2], "prompt": "below 0", "file_path": ["a.jpg", "b.jpg"]}])
    write("empty/zero.json", "")
    write("empty/none.json", "[]")
    parquet("empty/none.parquet", {k: v[:0] for k, v in pickapic_columns([("p", b"", b"", 1.0, 0.0, True)]).items()})
    parquet("strange/strange.parquet", {"question": ["?"], "answer": ["!"]})


# ---------------------------------------------------------------- every reader with everything that can be wrong (tests/cli/test_readers.py)
def readers():
    kinds = {"rank": pa.int64(), "votes_image1": pa.int64(), "votes_image2": pa.int64(), "label_0": pa.float64(), "label_1": pa.float64()}

    def write_table(rows, columns, name):
        columns = list(dict.fromkeys([*columns, *(key for row in rows for key in row)]))
        def column(key):
            values = [row.get(key) for row in rows]
            known = IMAGE if "image" in key and any(isinstance(v, dict) for v in values) else kinds.get(key)
            return pa.array(values, known or (pa.string() if all(v is None for v in values) else None))
        table, out = pa.table({key: column(key) for key in columns}), io.BytesIO()
        if name.endswith(".parquet"):
            pq.write_table(table, out, compression="zstd", row_group_size=100_000)
        else:
            with pa.ipc.new_stream(out, table.schema) as stream:
                stream.write_table(table, max_chunksize=3 if len(rows) < 100 else 100)
        return out.getvalue()

    write("readers.zip", reader_cases.stored_tables(write_table))


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    for make in (pickapic, imagereward, imagerewarddb, hpdv2, hpdv3, rapidata, visionreward, genai, others, hostile, readers):
        make()
    write_json("expected.json", EXPECTED)
