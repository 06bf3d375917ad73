"""Training in several processes: the numbers of one, a rank that dies or hangs, another number of ranks, torchrun, two hosts."""

import json
import os
import shutil
import signal
import subprocess
import unittest

import cli
from ranks import RanksTest, free_port

GRPO = ["train", "grpo", "--num-generations", "2", "--per-device-train-batch-size", "2", "--max-completion-length", "96", "--logging-steps", "1",
        "--save-steps", "1", "--learning-rate", "1e-4", "--eval-items", "64"]
SFT = ["train", "sft", "--model", cli.EMBEDDED, "--per-device-train-batch-size", "2", "--logging-steps", "1", "--save-steps", "1",
       "--learning-rate", "1e-4", "--eval-examples", "16"]


class Numbers(RanksTest):
    def test_grpo_has_the_numbers_of_one_rank_with_two_and_four(self):
        more = ["--max-steps", "2", "--eval-steps", "2"]
        for ranks in [1, 2, 4]:
            results = self.ranks(ranks, GRPO, f"r{ranks}", *more, "--json")
            self.assertEqual([bool(r.out) for r in results], [True] + [False] * (ranks - 1), "rank 0 speaks")
        for ranks in [2, 4]:
            self.assert_same_numbers("r1", f"r{ranks}")
        with open(self.path("r4", "completions", "step-000001.jsonl")) as f:
            self.assertEqual(len(f.readlines()), 8)
        info = self.done("info", self.path("r4", "final"), "--json").json()
        self.assertEqual((info["missing"], info["unknown"], info["misshaped"]), ([], [], []))
        self.assert_no_leftovers()

    def test_sft_has_the_numbers_of_one_rank_with_two_and_four(self):
        for ranks in [1, 2, 4]:
            self.ranks(ranks, SFT, f"r{ranks}", "--max-steps", "3", "--eval-steps", "3")
        for ranks in [2, 4]:
            self.assert_same_numbers("r1", f"r{ranks}")

    def test_sft_of_a_fresh_model_has_the_numbers_of_one_rank_with_two(self):
        for ranks in [1, 2]:
            self.ranks(ranks, [*SFT[:2], *SFT[4:]], f"r{ranks}", "--max-steps", "2", "--init.hidden-size", "64", "--init.num-hidden-layers", "1")
        self.assert_same_numbers("r1", "r2")

    def test_the_same_numbers_with_an_adapter_with_layers_computed_twice_and_in_bf16(self):
        # A weight that differs in its last bit may round to another bfloat16.
        for name, flags, tolerance in [("peft", ["--use-peft"], 1e-4), ("twice", ["--gradient-checkpointing"], 1e-4), ("bf16", ["--bf16"], 1e-3)]:
            with self.subTest(name):
                for ranks in [1, 2]:
                    self.ranks(ranks, SFT, f"{name}{ranks}", "--max-steps", "3", *flags)
                self.assert_same_numbers(f"{name}1", f"{name}2", tolerance)

    def test_what_waiting_for_other_ranks_cost_is_logged(self):
        for ranks in [1, 2]:
            self.ranks(ranks, SFT, f"r{ranks}", "--max-steps", "2", "--eval-steps", "2")
        with open(self.path("r2", "metrics.jsonl")) as f:
            lines = [json.loads(line) for line in f]
        self.assertEqual(["time/exchange" in m for m in lines], ["grad_norm" in m for m in lines])
        for line in filter(lambda m: "grad_norm" in m, lines):
            self.assertGreater(line["time/exchange"], 0)
            self.assertTrue(0 <= line["exchange/hidden"] <= 1, line)
        with open(self.path("r1", "metrics.jsonl")) as f:
            self.assertNotIn("exchange", f.read(), "one rank exchanges nothing")

    def test_a_run_goes_on_with_another_number_of_ranks(self):
        more = ["--max-steps", "4"]
        self.ranks(1, GRPO, "whole", *more)
        processes = self.start_ranks(2, GRPO, "parts", *more)
        cli.wait_until(lambda: processes[0].poll() is not None or os.path.isdir(self.path("parts", "step-1")))
        processes[1].send_signal(signal.SIGTERM)  # one is enough: they stop together
        for result in self.end(processes):
            self.assertEqual(result.code, 0, result)
        self.ranks(4, GRPO, "parts", *more)
        self.assert_same_numbers("whole", "parts")


class Faults(RanksTest):
    def test_a_killed_rank_ends_the_others_and_is_named(self):
        processes = self.start_ranks(3, GRPO, "run", "--max-steps", "50", "--per-device-train-batch-size", "4")
        cli.wait_until(lambda: processes[0].poll() is not None or os.path.isdir(self.path("run", "step-1")))
        processes[1].kill()
        results = self.end(processes, timeout=60)
        for rank in [0, 2]:
            self.assertEqual(results[rank].code, cli.RESOURCE, results[rank])
            self.assertIn("rank 1 (", results[rank].err)
            self.assertIn("died", results[rank].err)
            self.assertNotIn("frame #", results[rank].err, "a stack trace tells a user nothing")
        again = self.start_ranks(3, GRPO, "run", "--max-steps", "50", "--per-device-train-batch-size", "4")
        cli.wait_until(lambda: again[0].poll() is not None or os.path.isdir(self.path("run", "step-4")))
        again[2].send_signal(signal.SIGTERM)
        for result in self.end(again):
            self.assertEqual(result.code, 0, result)

    def test_a_stopped_rank_ends_the_others_within_the_time_limit(self):
        processes = self.start_ranks(2, GRPO, "run", "--max-steps", "50", "--ddp-timeout", "4")
        cli.wait_until(lambda: processes[0].poll() is not None or os.path.isdir(self.path("run", "step-1")))
        processes[1].send_signal(signal.SIGSTOP)
        result = self.finish(processes[0], "rank 0", timeout=30)
        self.assertEqual(result.code, cli.RESOURCE, result)
        self.assertIn("rank 1 (", result.err)
        processes[1].send_signal(signal.SIGCONT)
        other = self.finish(processes[1], "rank 1", timeout=60)
        self.assertEqual(other.code, cli.RESOURCE, other)

    def test_a_stopped_rank_0_ends_the_others_and_is_named(self):
        # Rank 0 keeps what the ranks meet at; it answers no more, and nobody may wait for it.
        processes = self.start_ranks(3, GRPO, "run", "--max-steps", "50", "--per-device-train-batch-size", "4", "--ddp-timeout", "8")
        cli.wait_until(lambda: processes[0].poll() is not None or os.path.isdir(self.path("run", "step-1")))
        processes[0].send_signal(signal.SIGSTOP)
        for rank in [1, 2]:
            result = self.finish(processes[rank], f"rank {rank}", timeout=40)
            self.assertEqual(result.code, cli.RESOURCE, result)
            self.assertIn("rank 0 (", result.err)
            self.assertIn("does not answer", result.err)
        processes[0].send_signal(signal.SIGCONT)
        result = self.finish(processes[0], "rank 0", timeout=60)
        self.assertEqual(result.code, cli.RESOURCE, result)
        self.assertRegex(result.err, r"rank 0 \(.*was itself stopped for \d+ s")

    def test_a_killed_rank_0_ends_the_others_and_is_named(self):
        processes = self.start_ranks(3, GRPO, "run", "--max-steps", "50", "--per-device-train-batch-size", "4")
        cli.wait_until(lambda: processes[0].poll() is not None or os.path.isdir(self.path("run", "step-1")))
        processes[0].kill()
        for result in self.end(processes, timeout=60)[1:]:
            self.assertEqual(result.code, cli.RESOURCE, result)
            self.assertIn("rank 0 (", result.err)
            self.assertNotIn("frame #", result.err)

    def test_a_rank_that_hangs_in_its_own_work_is_named_and_ended(self):
        hang = f'if [ "$RANK" = 1 ]; then echo $$ > {self.path("pid")}; exec sleep 300 2>/dev/null; fi; while read -r line; do echo 0; done'
        processes = self.start_ranks(2, GRPO, "run", "--max-steps", "5", "--ddp-timeout", "8", "--reward-command", hang)
        try:
            results = self.end(processes, timeout=60)
        finally:
            with open(self.path("pid")) as f:
                os.kill(int(f.read()), signal.SIGKILL)
        for result in results:
            self.assertEqual(result.code, cli.RESOURCE, result)
            self.assertIn("rank 1 (", result.err)
            self.assertIn("hangs in its own work", result.err)

    def test_a_rank_with_an_error_of_its_own_tells_the_others(self):
        # Rank 1's reward fails.
        command = 'if [ "$RANK" = 1 ]; then echo broken >&2; exit 7; fi; while read -r line; do echo 0; done'
        results = self.end(self.start_ranks(2, GRPO, "run", "--max-steps", "5", "--reward-command", command), timeout=60)
        self.assertNotEqual(results[1].code, 0)
        self.assertEqual(results[0].code, cli.RESOURCE, results[0])
        self.assertIn("rank 1 (", results[0].err)
        self.assertIn("7", results[0].err)

    def test_what_a_launcher_says_half(self):
        run = [*GRPO, "--output-dir", self.path("run")]
        self.fails(cli.USAGE, "RANK", *run, env={"WORLD_SIZE": "2"})
        self.fails(cli.USAGE, "MASTER_ADDR", *run, env={"WORLD_SIZE": "2", "RANK": "1"})
        here = {"WORLD_SIZE": "3", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
        self.fails(cli.RESOURCE, ["1, 2", "ddp_timeout"], *run, "--ddp-timeout", "1", env=here)
        self.fails(cli.USAGE, "one process", "align", "recipe.toml", env=here)

    def test_every_rank_writes_a_profile_of_its_own(self):
        torchrun = {"WORLD_SIZE": "2", "RANK": "1", "MASTER_ADDR": "a"}
        slurm = {"SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "2", "SLURM_STEP_NODELIST": "a"}
        for env, name in [({}, "p.json"), (torchrun, "p.json.rank1"), (slurm, "p.json.rank2")]:
            self.done("info", cli.TINY, "--profile", self.path("p.json"), env=env)
            self.assertTrue(os.path.exists(self.path(name)), name)


class Torchrun(RanksTest):
    def setUp(self):
        super().setUp()
        beside = os.path.join(cli.ROOT, ".venv/bin/torchrun")
        self.torchrun = beside if os.path.exists(beside) else shutil.which("torchrun")
        if not self.torchrun:
            self.skipTest("there is no torchrun here: neither in .venv nor in PATH")

    def worker(self, agent, rank):
        """The agent's process of this rank, while there is one."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as f:
                    parent = int(f.read().rpartition(")")[2].split()[1])
                with open(f"/proc/{pid}/environ", "rb") as f:
                    if parent == agent and f"RANK={rank}".encode() in f.read().split(b"\0"):
                        return int(pid)
            except OSError:  # it has ended
                pass

    def test_a_killed_worker_is_started_again_and_the_run_goes_on(self):
        steps = 6
        args = ["--gradient-accumulation-steps", "2", "--max-steps", steps, "--output-dir", self.path("run")]
        command = [self.torchrun, "--no-python", "--nproc-per-node", "2", "--max-restarts", "1", "--master-port", free_port(), cli.PROGRAM, *GRPO, *args]
        agent = subprocess.Popen(list(map(str, command)), env=cli.environment(), cwd=self.tmp, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        self.addCleanup(agent.kill)
        self.addCleanup(agent.terminate)  # it ends its workers
        cli.wait_until(lambda: agent.poll() is not None or os.path.isdir(self.path("run", "step-1")), seconds=120)
        os.kill(self.worker(agent.pid, 1), signal.SIGKILL)
        result = self.finish(agent, "torchrun", timeout=180)
        self.assertEqual(result.code, 0, result)
        self.assertIn("resumed", result.err)
        self.assertEqual([m["step"] for m in self.metrics("run") if "grad_norm" in m], list(range(1, steps + 1)))
        self.assertTrue(os.path.isdir(self.path("run", "final")))
        self.ranks(1, GRPO, "one", "--max-steps", str(steps))
        self.assert_same_numbers("one", "run")


class Hosts(RanksTest):
    """Two network namespaces joined by a cable are two hosts, as far as sockets know."""

    def setUp(self):
        super().setUp()
        tag = f"b{os.getpid() % 10000}"
        self.names = [f"{tag}x", f"{tag}y"]
        for name in self.names:
            self.addCleanup(subprocess.run, ["ip", "netns", "del", name], capture_output=True)
        commands = [f"netns add {n}" for n in self.names] + [f"link add {tag}0 netns {self.names[0]} type veth peer name {tag}1 netns {self.names[1]}"]
        for i, name in enumerate(self.names):
            commands += [f"-n {name} addr add 10.77.7.{i + 1}/24 dev {tag}{i}", f"-n {name} link set {tag}{i} up", f"-n {name} link set lo up"]
        for command in commands:
            try:
                made = subprocess.run(["ip", *command.split()], capture_output=True)
            except FileNotFoundError:
                self.skipTest("there is no `ip` here")
            if made.returncode != 0:
                self.skipTest(f"no network namespaces here: {made.stderr.decode().strip()}")

    def test_two_hosts_have_the_numbers_of_one(self):
        self.ranks(1, GRPO, "one", "--max-steps", "2")
        self.ranks(2, GRPO, "two", "--max-steps", "2", address="10.77.7.1", inside=lambda rank: ["ip", "netns", "exec", self.names[rank]])
        self.assert_same_numbers("one", "two")


if __name__ == "__main__":
    unittest.main()
