"""Faults of a chaos run: a separate process with the proxies, and with the nodes if they are started here.

``python tests/tools/chaos_faults.py SEED (--scylla HOST:PORT | --nodes N [--version V])`` prints one line of JSON with
where to connect. Its standard input accepts ``go`` (inject random faults), ``calm`` (pass everything; confirmed when
all nodes are up), ``cut`` (close all connections) and ``end``. Each fault is printed as a line of JSON. It is a process
so that its threads, sockets and memory are not counted as those of the run, and are not forked.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import attrs

from node_loss import GatedCluster
from scyllamodel.local import LocalCluster
from scyllamodel.testing.fault_proxy import FaultProxy
from scyllamodel.testing.frames import Request


@attrs.define(eq=False)
class Target:
    """A node with the proxy in front of it.

    Attributes:
        node: None if the server must not be paused.
        cluster: the cluster if it has three nodes, one of which may be killed; else None.
    """

    gate: FaultProxy
    node: Any = None
    number: int = 1
    cluster: GatedCluster | None = None

    def proxy(self) -> FaultProxy:
        """The current proxy; a node that was killed gets another one."""
        return self.gate if self.cluster is None else self.cluster.gates[self.number]


def silence(target: Target, rng: random.Random) -> None:
    """Pass nothing with connections open, and then everything."""
    target.proxy().black_hole()
    time.sleep(rng.choice([0.05, 0.3, 1.0, 3.0]))


def long_silence(target: Target, rng: random.Random) -> None:
    """Pass nothing for longer than any request timeout of a run."""
    target.proxy().black_hole()
    time.sleep(rng.uniform(11, 14))


def cut(target: Target, rng: random.Random) -> None:
    """Close all connections, perhaps several times."""
    for _ in range(rng.choice([1, 1, 3])):
        target.proxy().cut()
        time.sleep(rng.uniform(0, 0.2))


def reset(target: Target, rng: random.Random) -> None:
    """Reset all connections."""
    del rng
    target.proxy().reset()


def lost_answers(target: Target, rng: random.Random) -> None:
    """Break the connection instead of sending the response of an executed statement."""
    target.proxy().cut_answers(rng.randint(1, 5))
    time.sleep(0.3)


def lost_requests(target: Target, rng: random.Random) -> None:
    """Break the connection before a statement reaches the server."""
    target.proxy().cut_requests(rng.randint(1, 5))
    time.sleep(0.3)


def swallowed(target: Target, rng: random.Random) -> None:
    """Drop responses on connections that stay open, including those to PREPARE."""
    target.proxy().swallow_answers(rng.randint(1, 30))
    target.proxy().swallow_answers(rng.randint(0, 3), when=is_prepare)
    time.sleep(rng.uniform(0.3, 1))


def slow(target: Target, rng: random.Random) -> None:
    """Delay responses."""
    target.proxy().delay(rng.choice([0.02, 0.1, 0.6]))
    time.sleep(rng.uniform(0.5, 2))


def paused(target: Target, rng: random.Random) -> None:
    """Pause the node, and resume it."""
    target.node.pause()
    time.sleep(rng.choice([0.2, 1.0, 3.0]))


def killed(target: Target, rng: random.Random) -> None:
    """Kill the node, and restart it with its data."""
    assert target.cluster is not None
    target.cluster.kill(target.number)
    time.sleep(rng.uniform(1, 8))


def is_prepare(request: Request) -> bool:
    """Whether a request is a PREPARE."""
    return request.kind == "PREPARE"


Fault = Callable[[Target, random.Random], None]
ANYWHERE: Final[tuple[Fault, ...]] = (silence, cut, reset, lost_answers, lost_requests, swallowed, slow)
OURS: Final[tuple[Fault, ...]] = (paused,)
SEVERAL: Final[tuple[Fault, ...]] = (killed,)
RARE: Final[tuple[Fault, ...]] = (long_silence,)


class Breaker:
    """Injects one fault after another, in rounds in which each kind occurs once."""

    def __init__(self, targets: list[Target], rng: random.Random) -> None:
        self._targets, self._rng = targets, rng
        self._going, self._ended = threading.Event(), threading.Event()
        self._calm = threading.Lock()
        self.counts: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def go(self) -> None:
        """Start, or continue after `calm`."""
        self._going.set()

    def calm(self) -> None:
        """End the current fault, and wait until all nodes are up."""
        self._going.clear()
        with self._calm:
            pass

    def _kinds(self) -> list[Fault]:
        kinds = list(ANYWHERE)
        if self._targets[0].node is not None:
            kinds += OURS
        if self._targets[0].cluster is not None:
            kinds += SEVERAL
        self._rng.shuffle(kinds)
        return kinds

    def _run(self) -> None:
        kinds, rounds = self._kinds(), 0
        while True:
            self._going.wait()
            with self._calm:
                if self._going.is_set():
                    self._break(kinds.pop())
            time.sleep(self._rng.uniform(0.1, 1.0))
            if not kinds:
                kinds, rounds = self._kinds(), rounds + 1
                kinds += RARE if rounds % 5 == 0 else ()

    def _break(self, fault: Fault) -> None:
        target = self._rng.choice(self._targets)
        start = time.monotonic()
        try:
            fault(target, self._rng)
        finally:
            self._heal(target)
        self.counts[fault.__name__] += 1
        say({"fault": fault.__name__, "node": target.number, "seconds": round(time.monotonic() - start, 2)})

    def _heal(self, target: Target) -> None:
        if target.cluster is not None:
            target.cluster.heal(target.number)
        elif target.node is not None:
            target.node.resume()
        target.proxy().heal()
        target.proxy().requests.clear()


def say(what: Any) -> None:
    """Print one line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def serve(targets: list[Target], direct: list[str], rng: random.Random) -> None:
    """Print the addresses of the nodes, and follow the commands of the run."""
    say({"nodes": [target.proxy().address for target in targets], "direct": direct})
    breaker = Breaker(targets, rng)
    for line in sys.stdin:
        command = line.strip()
        if command == "end":
            return
        if command == "go":
            breaker.go()
        elif command == "cut":
            for target in targets:
                target.proxy().cut()
        else:
            breaker.calm()
            say({"calm": breaker.counts})


def main() -> None:
    """Start the nodes and proxies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed")
    parser.add_argument("--scylla")
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--version", default="5.0")
    options = parser.parse_args()
    rng = random.Random(f"{options.seed} faults")
    if options.scylla is not None:
        with FaultProxy(options.scylla) as gate:
            serve([Target(gate)], [options.scylla], rng)
    elif options.nodes == 1:
        with LocalCluster(version=options.version) as cluster, FaultProxy(cluster.contact_points[0]) as gate:
            serve([Target(gate, cluster.node(1))], cluster.contact_points, rng)
    else:
        with GatedCluster(options.version) as gated:
            targets = [Target(gate, gated.node(number), number, gated) for number, gate in gated.gates.items()]
            serve(targets, gated.contact_points, rng)


@attrs.define(eq=False)
class Faults:
    """The process, as a run sees it.

    Attributes:
        nodes: the addresses of the proxies.
        direct: the addresses of the nodes, for the final checks.
        counts: the number of faults of each kind; set by `calm`.
        last: the latest fault, for messages.
    """

    process: subprocess.Popen[str]
    nodes: list[str] = attrs.field(factory=list)
    direct: list[str] = attrs.field(factory=list)
    counts: dict[str, int] = attrs.field(factory=dict)
    last: str = "none"
    _calm: threading.Event = attrs.field(factory=threading.Event)

    @classmethod
    def start(cls, seed: int, *arguments: str) -> Faults:
        """Start the process, and wait until the nodes are up."""
        command = [sys.executable, __file__, str(seed), *arguments]
        process = cls(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        first = json.loads(process.process.stdout.readline() or "{}")
        if not first:
            raise RuntimeError("nothing to break could be started; see above")
        process.nodes, process.direct = first["nodes"], first["direct"]
        threading.Thread(target=process._read, name="chaos-faults", daemon=True).start()
        return process

    def _read(self) -> None:
        for line in self.process.stdout:
            document = json.loads(line)
            if "calm" in document:
                self.counts = document["calm"]
                self._calm.set()
            else:
                self.last = f"{document['fault']} of node {document['node']}, {document['seconds']} s"
                self.counts[document["fault"]] = self.counts.get(document["fault"], 0) + 1

    def go(self) -> None:
        """Start injecting faults."""
        self._say("go")

    def calm(self, timeout: float = 180.0) -> bool:
        """End the faults, and wait until all nodes are well."""
        self._calm.clear()
        self._say("calm")
        return self._calm.wait(timeout)

    def cut(self) -> None:
        """Close all connections, with the requests whose responses were dropped."""
        self._say("cut")

    def end(self) -> None:
        """End the process and everything that it started."""
        self._say("end")
        try:
            self.process.wait(60)
        finally:
            self.process.kill()

    def _say(self, command: str) -> None:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()


if __name__ == "__main__":
    main()
