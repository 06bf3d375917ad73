"""Checkpoints that are damaged, hostile, incomplete or do not belong together: every one is refused with its reason."""

import json
import os
import shutil
import struct
import unittest

import cli


def with_config(**changes):
    def change(raw):
        config = json.loads(raw)
        config.update(changes)
        return json.dumps(config).encode()
    return change


def with_tensors(edit):
    """A change of model.safetensors: `edit` may alter {name: (dtype, shape, bytes)} in place."""
    def change(raw):
        tensors = cli.read_safetensors(raw)
        edit(tensors)
        return cli.write_safetensors(tensors)
    return change


def poison(tensors, value=float("nan"), name="model.layers.1.mlp.down_proj.weight"):
    dtype, shape, raw = tensors[name]
    tensors[name] = (dtype, shape, raw[:40] + struct.pack("<f", value) + raw[44:])


class HostileFiles(cli.CliTest):
    """`info FILE.safetensors` checks what every loader checks."""

    ONE = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}

    def refuses(self, phrases, raw, code=cli.INPUT):
        file = self.write("hostile.safetensors", raw)
        self.fails(code, ["hostile.safetensors", *([phrases] if isinstance(phrases, str) else phrases)], "info", file)

    def entry(self, **changes):
        return {"a": {**self.ONE["a"], **changes}}

    def test_a_good_one_passes(self):
        file = self.write("good.safetensors", cli.safetensors_file(self.ONE, b"\0" * 8))
        info = self.done("info", file, "--json").json()
        self.assertEqual(info["tensors"], [{"name": "a", "dtype": "F32", "shape": [2], "bytes": 8}])

    def test_no_header(self):
        self.refuses("too short", b"")
        self.refuses("too short", b"1234567")

    def test_header_length(self):
        self.refuses("header", struct.pack("<Q", 1 << 63) + b"{}")
        self.refuses(["claims 100 bytes", "2 are there"], struct.pack("<Q", 100) + b"{}")

    def test_header_text(self):
        self.refuses("begin", cli.safetensors_file(b" {}"))
        self.refuses("hostile.safetensors", cli.safetensors_file(b'{"a":}'))
        self.refuses("hostile.safetensors", cli.safetensors_file(b'{"a":' * 2000 + b"}" * 2000))

    def test_truncated(self):
        with open(os.path.join(cli.TINY, "model.safetensors"), "rb") as f:
            raw = f.read()
        self.refuses("the file holds", raw[:-100])

    def test_overlap_hole_and_trailing_bytes(self):
        two = {**self.ONE, "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}
        self.refuses(["tensor b", "begins at 4"], cli.safetensors_file(two, b"\0" * 12))
        two["b"]["data_offsets"] = [12, 20]
        self.refuses(["tensor b", "begins at 12"], cli.safetensors_file(two, b"\0" * 20))
        self.refuses("5 bytes follow", cli.safetensors_file(self.ONE, b"\0" * 13))

    def test_duplicate_key(self):
        entry = json.dumps(self.ONE["a"])
        self.refuses('"a"', cli.safetensors_file(f'{{"a":{entry},"a":{entry}}}'.encode(), b"\0" * 8))

    def test_offsets(self):
        for offsets, phrase in [([-8, 0], "unsigned"), ([0, 8.0], "unsigned"), ([8, 0], "before it begins"), ([0], "pair"),
                                (["0", "8"], "unsigned"), ([0, 1 << 62], "offsets hold")]:
            self.refuses(["tensor a", phrase], cli.safetensors_file(self.entry(data_offsets=offsets), b"\0" * 8))

    def test_dtype_and_shape(self):
        self.refuses("F33", cli.safetensors_file(self.entry(dtype="F33"), b"\0" * 8), cli.MISFIT)
        self.refuses("dtype", cli.safetensors_file(self.entry(dtype=32), b"\0" * 8))
        self.refuses("offsets hold 8", cli.safetensors_file(self.entry(shape=[3]), b"\0" * 8))
        self.refuses("unsigned", cli.safetensors_file(self.entry(shape=[-2]), b"\0" * 8))
        self.refuses("overflows", cli.safetensors_file(self.entry(shape=[1 << 40, 1 << 40]), b"\0" * 8))

    def test_metadata(self):
        self.refuses("__metadata__", cli.safetensors_file({"__metadata__": {"a": 1}, **self.ONE}, b"\0" * 8))


class BadCheckpoints(cli.CliTest):
    def refuses(self, code, phrases, folder):
        self.fails(code, phrases, "score", "--model", folder, "--prompt", "p", self.picture("p.png"))

    def test_no_such_folder(self):
        self.refuses(cli.INPUT, ["nowhere", "no such folder"], self.path("nowhere"))

    def test_directory_without_config(self):
        self.refuses(cli.INPUT, ["model", "no config.json"], self.checkpoint(config_json=None))

    def test_file_in_place_of_a_folder(self):
        self.refuses(cli.INPUT, "not a checkpoint", os.path.join(cli.TINY, "model.safetensors"))

    def test_unknown_architecture(self):
        folder = self.checkpoint(config_json=with_config(model_type="llama", architectures=["LlamaForCausalLM"]))
        self.refuses(cli.MISFIT, ["config.json", "Llama"], folder)

    def test_config_is_not_json(self):
        self.refuses(cli.INPUT, "config.json", self.checkpoint(config_json=lambda raw: raw[:200]))

    def test_config_with_absurd_numbers(self):
        for key, value in [("hidden_size", -1), ("num_hidden_layers", 10**12), ("num_attention_heads", 0), ("vocab_size", "many")]:
            with self.subTest(key=key):
                folder = self.checkpoint(f"model-{key}", config_json=with_config(**{key: value}))
                self.refuses(cli.INPUT, ["config.json", key], folder)

    def test_no_weights(self):
        self.refuses(cli.INPUT, "no model.safetensors", self.checkpoint(model_safetensors=None))

    def test_pickled_weights_are_not_read(self):
        folder = self.checkpoint(model_safetensors=None)
        self.write("model/pytorch_model.bin", b"\x80\x04.")
        self.refuses(cli.MISFIT, "pickle", folder)

    def test_truncated_weights(self):
        self.refuses(cli.INPUT, "model.safetensors", self.checkpoint(model_safetensors=lambda raw: raw[:len(raw) // 2]))

    def test_wrong_shape(self):
        def transpose(tensors):
            dtype, shape, raw = tensors["model.layers.0.mlp.up_proj.weight"]
            tensors["model.layers.0.mlp.up_proj.weight"] = (dtype, shape[::-1], raw)
        self.refuses(cli.MISFIT, ["wrong shapes", "model.layers.0.mlp.up_proj.weight"],
                     self.checkpoint(model_safetensors=with_tensors(transpose)))

    def test_missing_and_unexpected_tensor(self):
        def rename(tensors):
            tensors["model.layers.9.input_layernorm.weight"] = tensors.pop("model.layers.0.input_layernorm.weight")
        self.refuses(cli.MISFIT, ["missing tensors: model.layers.0.input_layernorm.weight",
                                  "unexpected tensors: model.layers.9.input_layernorm.weight"],
                     self.checkpoint(model_safetensors=with_tensors(rename)))

    def test_wrong_dtype(self):
        def integers(tensors):
            dtype, shape, raw = tensors["model.norm.weight"]
            tensors["model.norm.weight"] = ("I32", shape, raw)
        self.refuses(cli.MISFIT, ["I32", "model.norm.weight"], self.checkpoint(model_safetensors=with_tensors(integers)))

    def test_tokenizer_larger_than_the_embedding(self):
        def smaller(tensors):
            dtype, shape, raw = tensors["model.embed_tokens.weight"]
            tensors["model.embed_tokens.weight"] = (dtype, [980, shape[1]], raw[:980 * shape[1] * 4])
        def more_tokens(raw):
            tokenizer = json.loads(raw)
            last = max(t["id"] for t in tokenizer["added_tokens"])
            for i in range(1100 - last):
                tokenizer["added_tokens"].append({**tokenizer["added_tokens"][-1], "id": last + 1 + i, "content": f"<|more_{i}|>"})
            return json.dumps(tokenizer).encode()
        self.refuses(cli.MISFIT, ["tokenizer has", "embedding 1024 rows"],
                     self.checkpoint(tokenizer_json=more_tokens, tokenizer_config_json=None))

    def test_no_tokenizer(self):
        self.refuses(cli.INPUT, "no tokenizer.json", self.checkpoint(tokenizer_json=None))

    def test_preprocessor_of_another_model(self):
        self.refuses(cli.MISFIT, "preprocessor_config.json", self.checkpoint(preprocessor_config_json=with_config(patch_size=16)))

    def test_nan_and_infinite_weights(self):
        for value in [float("nan"), float("inf")]:
            with self.subTest(value=value):
                folder = self.checkpoint(f"model-{value}", model_safetensors=with_tensors(lambda t: poison(t, value)))
                pictures = self.pictures(2)
                for command in ["rank", "compare", "score"]:
                    self.fails(cli.INPUT, ["model.layers.1.mlp.down_proj.weight", "NaN"], command, "--model", folder,
                               "--max-completion-length", "2", "--prompt", "p", *pictures)

    def test_scores_that_overflow(self):
        # Finite weights, but activations that are not: nothing can be sampled from such scores, greedily or not.
        def enormous(tensors):
            dtype, shape, raw = tensors["model.norm.weight"]
            tensors["model.norm.weight"] = (dtype, shape, struct.pack("<f", 3e38) * shape[0])
        folder = self.checkpoint(model_safetensors=with_tensors(enormous))
        for votes in ["1", "2"]:
            self.fails(cli.INPUT, ["not numbers", "--dtype"], "score", "--model", folder, "--votes", votes, "--prompt", "p",
                       self.picture("p.png"))


class Shards(cli.CliTest):
    def sharded(self):
        """The tiny checkpoint in two shards."""
        folder = self.checkpoint(model_safetensors=None)
        tensors = cli.read_safetensors(os.path.join(cli.TINY, "model.safetensors"))
        names = sorted(tensors)
        weight_map = {}
        for number, part in enumerate([names[:len(names) // 2], names[len(names) // 2:]], 1):
            file = f"model-{number:05}-of-00002.safetensors"
            self.write(f"model/{file}", cli.write_safetensors({n: tensors[n] for n in part}))
            weight_map.update({n: file for n in part})
        self.index(weight_map)
        return folder, weight_map

    def index(self, weight_map):
        self.write("model/model.safetensors.index.json", json.dumps({"metadata": {"total_size": 0}, "weight_map": weight_map}))

    def score(self, folder):
        return ["score", "--model", folder, "--max-completion-length", "4", "--prompt", "p", self.picture("p.png"), "--json"]

    def test_shards_are_the_same_model(self):
        folder, _ = self.sharded()
        whole = self.done(*self.score(cli.TINY)).json()
        self.assertEqual(cli.without_clock(self.done(*self.score(folder)).json()), cli.without_clock(whole))
        self.assertEqual(self.done("info", folder, "--json").json()["shards"], 2)

    def test_missing_shard(self):
        folder, _ = self.sharded()
        os.remove(self.path("model/model-00002-of-00002.safetensors"))
        self.fails(cli.INPUT, ["model-00002-of-00002.safetensors", "missing"], *self.score(folder))

    def test_index_points_outside(self):
        folder, weight_map = self.sharded()
        shutil.move(self.path("model/model-00002-of-00002.safetensors"), self.path("outside.safetensors"))
        self.index({n: f.replace("model-00002-of-00002", "../outside") for n, f in weight_map.items()})
        self.fails(cli.INPUT, "../outside.safetensors", *self.score(folder))

    def test_index_and_shard_disagree(self):
        folder, weight_map = self.sharded()
        first = min(weight_map)
        self.index({**weight_map, first: "model-00002-of-00002.safetensors"})
        self.fails(cli.INPUT, [first, "index"], *self.score(folder))


class Quantised(cli.CliTest):
    """`--quantize`: fewer bits for the embedded judge's decoder."""

    def test_int8_and_int4_judge_and_say_so(self):
        records = self.done("world", "make", "--items", "1", "--out", self.path("world"), "--json").json()["records"]
        compare = ["compare", "--votes", "1", "--json", "--in", records]
        exact = self.done(*compare).json()
        for form in ["int8", "int4"]:
            judged = self.done(*compare, "--quantize", form).json()
            self.assertEqual(judged.keys(), exact.keys())
            self.assertNotEqual(judged["probability"], exact["probability"], "nothing was rounded")
        self.fails(cli.USAGE, ["int3", "choose none, int8 or int4"], *compare, "--quantize", "int3")


class CheckpointInfo(cli.CliTest):
    def test_keys(self):
        info = self.done("info", cli.TINY, "--json").json()
        for key in ["dir", "family", "parameters", "vision_parameters", "dtypes", "tensors", "bytes", "shards", "vocabulary",
                    "tokenizer_size", "missing", "unknown", "misshaped"]:
            self.assertIn(key, info)
        tensors = cli.read_safetensors(os.path.join(cli.TINY, "model.safetensors"))
        self.assertEqual(info["bytes"], sum(len(raw) for _, _, raw in tensors.values()))
        self.assertEqual((info["tensors"], info["dtypes"]), (len(tensors), {"F32": len(tensors)}))
        self.assertEqual((info["missing"], info["unknown"], info["misshaped"]), ([], [], []))

    def test_what_does_not_fit_is_listed(self):
        def rename(tensors):
            tensors["odd.weight"] = tensors.pop("model.norm.weight")
        info = self.done("info", self.checkpoint(model_safetensors=with_tensors(rename)), "--json").json()
        self.assertEqual((info["missing"], info["unknown"]), (["model.norm.weight"], ["odd.weight"]))

    def test_safetensors_file(self):
        file = os.path.join(cli.TINY, "model.safetensors")
        info = self.done("info", file, "--json").json()
        tensors = cli.read_safetensors(file)
        self.assertEqual({t["name"]: (t["dtype"], t["shape"], t["bytes"]) for t in info["tensors"]},
                         {n: (d, s, len(raw)) for n, (d, s, raw) in tensors.items()})


if __name__ == "__main__":
    unittest.main()
