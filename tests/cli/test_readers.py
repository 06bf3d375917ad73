"""Every reader of public data with everything that can be wrong at once: exact counts of `data inspect` (sets and faults: reader_cases.py)."""

import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import unittest
import zipfile

import cli
import reader_cases as cases
from reader_cases import packed

STORED = zipfile.ZipFile(os.path.join(cli.ROOT, "tests/data/datasets/readers.zip"))


class ReaderTest(cli.CliTest):
    def put(self, reader, files, table):
        """The set as it lies on a disk; of the zip everything is inside, in a folder of its name."""
        shutil.rmtree(self.path("set"), ignore_errors=True)
        if reader.file.endswith(".zip"):
            files = {reader.file: packed({"train_1/" + name: data for name, data in {**files, "train_1.json": table}.items()}, "zip")}
        else:
            files = {**files, reader.file: table}
        for name, data in files.items():
            self.write("set/" + name, data)
        return files

    def expect(self, reader, what, changes, *args, left_out=None):
        """The counts of good records but for `changes` (sums), in a fresh process; returns its peak in MB. `left_out`: why one table is."""
        usual = {"records": cases.ROWS, "bad": 0, "missing": 0, "unreadable": 0, "duplicates": 0, "repeated_ids": 0, "ties": 0, "none": 0, "unknown": [],
                 "refused": 0, "in_archives": 0}
        for key, value in changes.items():
            usual[key] += value
        usual["none"] += usual["records"] if reader.label == "none" else 0
        with open(self.path("report.json"), "wb") as out, open(self.path("errors"), "wb") as err:
            process = subprocess.Popen([cli.PROGRAM, "data", "inspect", self.path("set"), "--json", *args], env=cli.environment(), stdout=out, stderr=err)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        with open(self.path("errors")) as err:
            self.assertEqual(process.returncode, 0, f"{reader.title} {what}: {err.read()}")
        with open(self.path("report.json")) as out:
            report = json.load(out)
        self.assertEqual(cases.counts(report), usual, f"{reader.title} {what}: {report['problems']}")
        self.assertEqual(report["formats"], [reader.name], reader.title)
        self.assertTrue(left_out is None or left_out in report["left_out"].values(), report["left_out"])
        return usage.ru_maxrss / 1024


def table_of(reader, s, name):
    return STORED.read(f"{reader.title}/{name}") if reader.binary else cases.text_of(s).encode()


def make_reader_test(reader):
    """The class of one reader's tests."""
    zipped = reader.file.endswith(".zip")

    def few(self):
        """The peak of a small set with every fault, an empty table beside it."""
        s, changes = cases.with_faults(reader)
        self.put(reader, s.files, table_of(reader, s, "faults"))
        empty = table_of(reader, cases.Set(reader, 0), "empty")
        self.write("set/empty/" + reader.file, packed({"train_2.json": empty}, "zip") if zipped else empty)
        if zipped:
            changes["in_archives"] = len(s.files)
        return self.expect(reader, "faults", changes, left_out="is empty")

    def test_truncated(self):
        s = cases.Set(reader)
        data = table_of(reader, s, "good")
        whole = self.put(reader, s.files, data)[reader.file]
        if reader.file.endswith(".parquet"):
            self.write("set/" + reader.file, data[:-100])
            self.fails(cli.INPUT, reader.file, "data", "inspect", self.path("set"))
        elif zipped:
            self.write("set/" + reader.file, whole[:len(whole) // 2])
            self.fails(cli.INPUT, "hold no file of records", "data", "inspect", self.path("set"))
        elif reader.file.endswith(".arrow"):
            self.write("set/" + reader.file, data[:-300])
            self.expect(reader, "truncated", {"records": -3, "bad": 1})  # the second batch
        else:
            self.write("set/" + reader.file, data[:data.rindex(b"prompt 5") + 4])
            ranked = reader.name == "imagerewarddb"  # a prompt's first picture stands before the cut
            self.expect(reader, "truncated", {"bad": 1, "none": 1} if ranked else {"records": -1, "bad": 1})

    def test_archives(self):
        """Half of the media in a zip, half in a tar that is cut inside its last member; each has a member that leads out."""
        s = cases.Set(reader)
        names = sorted(s.files)
        tar = packed({"../evil.png": b"x", **{name: s.files[name] for name in names[::2]}})
        with tarfile.open(fileobj=io.BytesIO(tar)) as members:
            end = max(member.offset_data for member in members.getmembers()) + 100
        self.put(reader, {"one.tar": tar[:end], "two.zip": packed({**{name: s.files[name] for name in names[1::2]}, "a/../../evil.png": b"x"}, "zip")},
                 table_of(reader, s, "good"))
        self.expect(reader, "archives", {"refused": 2, "in_archives": len(names) - 1, "missing": 1, "unreadable": 1})
        self.assertFalse(os.path.exists(self.path("evil.png")))

    def test_faults_and_many(self):
        peak = few(self)
        s = cases.Set(reader)
        if reader.file.endswith(".arrow"):  # the schema, then the same batch again and again
            data = STORED.read(f"{reader.title}/many")
            schema = 8 + struct.unpack("<i", data[4:8])[0]
            data = data[:schema] + data[schema:-8] * (cases.MANY // 100) + data[-8:]
        else:
            data = STORED.read(f"{reader.title}/many") if reader.binary else cases.many_text(reader).encode()
        self.put(reader, cases.Set(reader, 1).files, data)
        records = cases.MANY // len(s.records[0])
        again = records - 2
        changes = {"records": records - cases.ROWS, "duplicates": again, "repeated_ids": again * cases.has_own_id(s)}
        if zipped:
            changes["missing"] = 2 * records  # --check none does not look into archives
        most = self.expect(reader, "many", changes, "--check", "none")
        held = len(data) / 1e6 if zipped else 0  # a list inside an archive
        self.assertLess(most - peak, 48 + held, f"{reader.title}: MB for {cases.MANY} rows")

    tests = [test_faults_and_many, test_truncated] + ([] if reader.cell or zipped else [test_archives])
    return type("Reader_" + reader.title.replace("-", "_").replace(" ", "_"), (ReaderTest,), {test.__name__: test for test in tests})


for one in cases.READERS:
    made = make_reader_test(one)
    made.__module__ = __name__
    setattr(sys.modules[__name__], made.__name__, made)
del made


if __name__ == "__main__":
    unittest.main()
