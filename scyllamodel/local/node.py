"""One node: started, waited for, stopped, killed, paused.

*In*: a `NodeConfig`, and the command line for it. *Out*: a server that answers, or an error that ends with its log. It
knows nothing of other nodes.
"""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import attrs

from scyllamodel.local import wire
from scyllamodel.local.config import NodeConfig, cassandra_yaml, logback_xml
from scyllamodel.local.errors import LocalServerError
from scyllamodel.local.folders import PRIVATE, private_folder, write_whole
from scyllamodel.local.process import Supervised
from scyllamodel.local.process import start as start_process

_LOOK = 0.1
"""Seconds between two tries to connect."""

_STOP_TIMEOUT = 60.0
"""Seconds for a clean stop, which flushes the tables, before the node is killed."""

_LONGEST_LINE = 400


@attrs.define(eq=False, repr=False)
class Node:
    """One server process of a `LocalCluster`, which makes it; ask the cluster for it with ``cluster.node(1)``.

    Attributes:
        config: what it is started with.
        login: name and password for the test whether it is up, or None.
        startup_timeout: seconds that a start may take.
    """

    config: NodeConfig
    login: tuple[str, str] | None
    startup_timeout: float
    _command: Callable[[NodeConfig], list[str]]
    _process: Supervised | None = None
    _paused: bool = False

    def __repr__(self) -> str:
        state = "paused" if self._paused else f"pid {self.pid}" if self.is_running else "down"
        return f"<Node {self.config.number} of Cassandra {self.config.version} at {self.contact_point}, {state}>"

    @property
    def contact_point(self) -> str:
        """Where it listens for CQL, as ``ip:port``."""
        return f"{self.config.address}:{self.config.native_port}"

    @property
    def pid(self) -> int | None:
        """The process id of its Java, or None when it is down."""
        return self._process.pid if self._process is not None and self.is_running else None

    @property
    def is_running(self) -> bool:
        """Whether its process is alive; a paused one is."""
        return self._process is not None and self._process.is_running

    def start(self) -> None:
        """Start it and wait until it answers a query; a node that runs already is left as it is.

        Raises:
            LocalServerError: it ended, or did not answer within `startup_timeout`; the message ends with its log.
        """
        if self.is_running:
            return
        self._write_files()
        self._end()
        self._process = start_process(self._command(self.config), self.config.console)
        try:
            self._wait_until_up()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End it as an operator would: it says good-bye to its peers and flushes; after a minute it is killed."""
        if self._process is None:
            return
        self.resume()
        self._process.send(signal.SIGTERM)
        self._process.wait(_STOP_TIMEOUT)
        self._end()

    def kill(self) -> None:
        """End it with SIGKILL, as a power failure would, and wait until it is gone; its data stays."""
        if self._process is not None:
            self._process.send(signal.SIGKILL)
        self._end()

    def restart(self) -> None:
        """Stop it cleanly and start it with the same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it with SIGSTOP: connections stay open and nothing answers, until `resume`."""
        if self._process is not None and self.is_running:
            self._process.send(signal.SIGSTOP)
            self._paused = True

    def resume(self) -> None:
        """Let a paused node go on."""
        if self._process is not None and self._paused:
            self._process.send(signal.SIGCONT)
        self._paused = False

    def log_tail(self, lines: int = 40) -> str:
        """The last lines of its log, after what Java itself wrote to its output."""
        return "\n".join(part for part in (_tail(self.config.console, lines), _tail(self.config.log, lines)) if part)

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
        self._process, self._paused = None, False

    def _write_files(self) -> None:
        folder = self.config.folder
        private_folder(folder)
        (folder / "tmp").mkdir(exist_ok=True)
        write_whole(folder / "cassandra.yaml", cassandra_yaml(self.config).encode(), mode=PRIVATE)
        write_whole(folder / "logback.xml", logback_xml(self.config).encode())
        for log in (self.config.console, self.config.log):
            log.unlink(missing_ok=True)  # a tail must not show the run before

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + self.startup_timeout
        while not self._answers():
            if not self.is_running:
                raise self._did_not_come_up("ended while it started")
            if time.monotonic() > deadline:
                raise self._did_not_come_up(f"did not answer within {self.startup_timeout:g} s")
            time.sleep(_LOOK)

    def _answers(self) -> bool:
        try:
            return bool(self.query("SELECT schema_version FROM system.local"))
        except wire.RefusedLogin:
            # The role `cassandra` is made shortly after the port opens. Where it never will be, or has another
            # password by now, being asked for one is all the answer there is.
            return self.login is None
        except (OSError, LocalServerError):
            return False

    def query(self, cql: str) -> list[list[bytes | None]]:
        """The raw cells of each row of the answer, read without a driver.

        Raises:
            OSError: it does not listen, or does not answer within 5 seconds.
            LocalServerError: it answered with an error.
        """
        with wire.connected(self.config.address, self.config.native_port, self.login) as client:
            return client.query(cql)

    def _did_not_come_up(self, what: str) -> LocalServerError:
        tail = self.log_tail()
        indented = "\n".join(f"  {line}" for line in tail.splitlines()) or "  (no log)"
        message = f"Node {self.config.number} of Cassandra {self.config.version} {what}. Its log ends so:\n{indented}"
        return LocalServerError(message, log_tail=tail)


def _cut(line: str) -> str:
    """A line of a log without its end, where it is too long to read: servers print all their settings in one."""
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} …\n"


def _tail(log: Path, lines: int) -> str:
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return "".join(_cut(line) for line in deque(file, maxlen=lines)).rstrip()
    except FileNotFoundError:
        return ""
