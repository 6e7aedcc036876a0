"""One Cassandra node: start, stop, kill, pause, resume.

*In*: a `NodeConfig` and its command line. *Out*: a server that responds, or an error that ends with its log.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from scyllamodel._backoff import Backoff, poll
from scyllamodel.local import wire
from scyllamodel.local.config import NodeConfig, cassandra_yaml, logback_xml
from scyllamodel.local.errors import LocalServerError
from scyllamodel.local.folders import PRIVATE_FILE_MODE, private_folder, write_atomically
from scyllamodel.local.process import SupervisedProcess
from scyllamodel.local.process import start as start_process

_BACKOFF: Final = Backoff(0.1, 0.1)
"""Seconds between connection attempts."""

_STOP_TIMEOUT = 60.0
"""Seconds for a clean stop, which flushes the tables, before the node is killed."""

_MAX_LINE_LENGTH = 400


@attrs.define(eq=False, repr=False)
class Node:
    """One server process of a `LocalCluster`, returned by ``cluster.node(1)``.

    Attributes:
        config: its configuration.
        login: user name and password of the readiness check; None without a login.
        startup_timeout: seconds that a start may take.
    """

    config: NodeConfig
    login: tuple[str, str] | None
    startup_timeout: float
    _command: Callable[[NodeConfig], list[str]]
    _process: SupervisedProcess | None = None
    _paused: bool = False

    def __repr__(self) -> str:
        state = "paused" if self._paused else f"pid {self.pid}" if self.is_running else "down"
        return f"<Node {self.config.number} of Cassandra {self.config.version} at {self.contact_point}, {state}>"

    @property
    def contact_point(self) -> str:
        """CQL address, as ``ip:port``."""
        return f"{self.config.address}:{self.config.native_port}"

    @property
    def pid(self) -> int | None:
        """Process id of Java; None if it is not running."""
        return self._process.pid if self._process is not None and self.is_running else None

    @property
    def is_running(self) -> bool:
        """Whether its process is alive, paused or not."""
        return self._process is not None and self._process.is_running

    def start(self) -> None:
        """Start the node and wait until it responds to a query; a running node is left unchanged.

        Raises:
            LocalServerError: it exited, or did not respond within `startup_timeout`; the message ends with its log.
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
        """Stop it cleanly: it informs its peers and flushes its tables; after a minute it is killed."""
        if self._process is None:
            return
        self.resume()
        self._process.send(signal.SIGTERM)
        self._process.wait(_STOP_TIMEOUT)
        self._end()

    def kill(self) -> None:
        """Kill it with SIGKILL, as a power failure would, and wait until it has exited; its data stays."""
        if self._process is not None:
            self._process.send(signal.SIGKILL)
        self._end()

    def restart(self) -> None:
        """Stop it cleanly and start it with the same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it with SIGSTOP until `resume`: connections stay open and receive no response."""
        if self._process is not None and self.is_running:
            self._process.send(signal.SIGSTOP)
            self._paused = True

    def resume(self) -> None:
        """Resume a paused node."""
        if self._process is not None and self._paused:
            self._process.send(signal.SIGCONT)
        self._paused = False

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of its log, after those of Java's output."""
        return "\n".join(
            part for part in (_log_tail(self.config.console, lines), _log_tail(self.config.log, lines)) if part
        )

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
        self._process, self._paused = None, False

    def _write_files(self) -> None:
        folder = self.config.folder
        private_folder(folder)
        (folder / "tmp").mkdir(exist_ok=True)
        write_atomically(folder / "cassandra.yaml", cassandra_yaml(self.config).encode(), mode=PRIVATE_FILE_MODE)
        write_atomically(folder / "logback.xml", logback_xml(self.config).encode())
        for log in (self.config.console, self.config.log):
            log.unlink(missing_ok=True)  # `log_tail` must not show an earlier run

    def _wait_until_up(self) -> None:
        is_decided = poll(
            lambda: self._is_responsive() or not self.is_running,
            until=bool,
            timeout=self.startup_timeout,
            backoff=_BACKOFF,
        )
        if not self.is_running:
            raise self._startup_error("exited while it started")
        if not is_decided:
            raise self._startup_error(f"did not respond within {self.startup_timeout:g} s")

    def _is_responsive(self) -> bool:
        try:
            return bool(self.query("SELECT schema_version FROM system.local"))
        except wire.LoginRefused:
            # The role `cassandra` is created shortly after the port opens. If it never is, or has another password, a
            # request for a login is the only possible response.
            return self.login is None
        except (OSError, LocalServerError):
            return False

    def query(self, cql: str) -> list[list[bytes | None]]:
        """Execute a query without a driver, and return the raw cells of each row.

        Raises:
            OSError: the node does not listen, or does not respond within 5 seconds.
            LocalServerError: the node responded with an error.
        """
        with wire.connect(self.config.address, self.config.native_port, self.login) as client:
            return client.query(cql)

    def _startup_error(self, reason: str) -> LocalServerError:
        tail = self.log_tail()
        indented = "\n".join(f"  {line}" for line in tail.splitlines()) or "  (no log)"
        message = (
            f"Node {self.config.number} of Cassandra {self.config.version} {reason}. Its log ends with:\n{indented}"
        )
        return LocalServerError(message, log_tail=tail)


def _truncate(line: str) -> str:
    """Truncate a long line of a log; servers print all their settings in one line."""
    return line if len(line) <= _MAX_LINE_LENGTH else f"{line[:_MAX_LINE_LENGTH]} …\n"


def _log_tail(log: Path, lines: int) -> str:
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return "".join(_truncate(line) for line in deque(file, maxlen=lines)).rstrip()
    except FileNotFoundError:
        return ""
