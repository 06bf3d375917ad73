"""Trainings of several processes, for the tests of them."""

import json
import socket
import subprocess

import cli

CLOCK = ("time", "step_time", "tokens_per_second", "questions_per_second", "time/rollout", "time/rewards", "time/listener", "time/update", "time/exchange", "exchange/hidden",
         "memory/peak_rss_gb",
         # differences of rounding, which rounding changes
         "sampling/sampling_logp_difference/mean", "sampling/sampling_logp_difference/max")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class RanksTest(cli.CliTest):
    """The batch of an update is 8 completions, or examples, however many ranks share it."""

    def start_ranks(self, ranks, command, out, *more, address="127.0.0.1", inside=lambda rank: []):
        port = free_port()
        processes = []
        for rank in range(ranks):
            env = {"RANK": str(rank), "WORLD_SIZE": str(ranks), "MASTER_ADDR": address, "MASTER_PORT": str(port)}
            args = [*command, "--gradient-accumulation-steps", str(4 // ranks), "--output-dir", self.path(out), *more]
            process = subprocess.Popen([*inside(rank), cli.PROGRAM, *args], env=cli.environment(env), cwd=self.tmp,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
            self.addCleanup(process.stdout.close)
            self.addCleanup(process.stderr.close)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            processes.append(process)
        return processes

    def end(self, processes, timeout=120):
        return [self.finish(p, f"rank {r}", timeout=timeout) for r, p in enumerate(processes)]

    def ranks(self, ranks, command, out, *more, **kw):
        results = self.end(self.start_ranks(ranks, command, out, *more, **kw))
        for result in results:
            self.assertEqual(result.code, 0, result)
        return results

    def metrics(self, out):
        with open(self.path(out, "metrics.jsonl")) as f:
            return [cli.without_clock(json.loads(line), CLOCK) for line in f]

    def assert_same_numbers(self, a, b, tolerance=1e-4):
        a, b = self.metrics(a), self.metrics(b)
        self.assertEqual([sorted(m) for m in a], [sorted(m) for m in b])
        for x, y in zip(a, b):
            for name, value in x.items():
                self.assertAlmostEqual(value, y[name], delta=tolerance * max(1, abs(value)), msg=f"step {x['step']}: {name}")
