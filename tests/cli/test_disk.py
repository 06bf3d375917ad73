"""A disk that fills up in the middle: a clear end, nothing half-written, and going on where there is space again."""

import json
import os
import subprocess
import unittest

import cli
from test_train import CONFIG


class FullDisk(cli.CliTest):
    def grow(self, disk):
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)

    def test_world_make_goes_on(self):
        disk = self.small_disk(24)
        make = ["world", "make", "--items", "3", "--json", "--out"]
        self.fails(cli.RESOURCE, ["disk", "No space left", "free some"], *make, os.path.join(disk, "w"))
        self.grow(disk)
        made = self.done(*make, os.path.join(disk, "w")).json()
        self.assertGreater(made["files_kept"], 0, "what was whole stays")
        self.done(*make, self.path("elsewhere"))
        difference = subprocess.run(["diff", "-r", os.path.join(disk, "w"), self.path("elsewhere")], capture_output=True)
        self.assertEqual((difference.returncode, difference.stdout), (0, b""))

    def test_results_go_on(self):
        disk = self.small_disk(8)
        out = os.path.join(disk, "out.jsonl")
        command = ["compare", *self.JUDGE, "--in", self.records("in.jsonl", 24), "--batch-size", "4", "--out", out]
        self.fails(cli.RESOURCE, ["out.jsonl", "No space left"], *command)
        self.grow(disk)
        self.done(*command, "--resume")
        with open(out) as f:
            self.assertEqual([json.loads(line)["id"] for line in f], [f"item {i}" for i in range(24)])

    def test_training_keeps_its_last_checkpoint(self):
        config = self.write("run.toml", CONFIG % {"steps": 4})
        train = ["train", "sft", "--config", config, "--output-dir"]
        self.done(*train, self.path("whole"))
        base, size = (sum(os.path.getsize(self.path("whole", d, f)) for f in os.listdir(self.path("whole", d))) for d in ["base", "step-4"])
        disk = self.small_disk((base + size * 3 // 2 + (1 << 20)) // 1024)  # one fits with the margin that is kept free, two do not
        run = os.path.join(disk, "run")
        self.fails(cli.RESOURCE, ["run", "free some disk space"], *train, run)
        self.assertEqual([n for n in os.listdir(run) if n.startswith("step-")], ["step-1"])
        self.grow(disk)
        self.done(*train, run)
        models = []
        for name in ["whole", "disk/run"]:
            with open(self.path(name, "final", "model.safetensors"), "rb") as f:
                models.append(f.read())
        self.assertEqual(models[0], models[1])


if __name__ == "__main__":
    unittest.main()
