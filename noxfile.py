"""Every check of the project, one session each; ``nox --list`` shows them, plain ``nox`` runs those that CI runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import nox

nox.options.sessions = ["lint", "typing", "tests", "live", "slow_path", "chaos_short", "older", "docs", "build"]
nox.options.error_on_missing_interpreters = False
nox.options.stop_on_first_error = False

PYPROJECT: Final = nox.project.load_toml("pyproject.toml")
PYTHONS: Final = nox.project.python_versions(PYPROJECT)
SERVERS: Final = ("5.0", "4.1", "4.0")
PYTEST: Final = ("pytest", "--timeout=300")
"""A test that hangs fails after 300 seconds and shows where each thread stands."""
WORKERS: Final = ("-n", "2", "--dist", "loadfile")
"""The tests of a file run in one of two processes."""
LIVE: Final = (*PYTEST, "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", "--durations=30", "-m", "live")
"""Live tests share a server, for which most of them wait. Files run in the order of their names: by default, those with
few tests, such as those that start three nodes, would all run at the end, and at once."""
DATA: Final = tuple(
    f"tests/live/test_{name}.py"
    for name in (
        "asyncio_bulk", "asyncio_cancellation", "batches", "bulk", "connect", "data_faults", "fast_path",
        "non_blocking_sends", "page_values", "prefork", "process_exit", "request_errors", "single_writes", "tls",
        "unreadable_rows", "value_machine", "values",
    )
)  # fmt: skip
"""The live tests of how requests are sent, and of what they read and write."""
SHORT: Final = ("tests/live/test_migrate.py", "tests/live/test_random_schemas.py", "tests/live/test_values.py")


def _groups(*names: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(PYPROJECT, *names)


def _install(session: nox.Session, *extras: str, groups: tuple[str, ...] = ("test",)) -> None:
    """Install the package as its wheel, as users get it, never as a source tree."""
    session.install(f".[{','.join(extras)}]" if extras else ".", *_groups(*groups))


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    session.install(*_groups("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def typing(session: nox.Session) -> None:
    """Run mypy and pyright, both strict, on the package and this file, then the tests of the typing itself."""
    _install(session, "cli", "testing", groups=("test", "typing"))
    session.run("mypy")
    session.run("pyright", "--pythonpath", str(Path(session.bin) / "python"))
    session.run("pytest", "tests/test_typing.py", "-m", "checkers", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Tests that need no server; they run in seconds."""
    _install(session, "cli", "testing")
    session.run(*PYTEST, *WORKERS, "-m", "not live and not checkers", *session.posargs)


@nox.session(python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """Run the tests that need no server on every supported Python that is installed here."""
    _install(session, "cli", "testing")
    session.run(*PYTEST, "-m", "not live and not checkers", *session.posargs)


@nox.session
def live(session: nox.Session) -> None:
    """Tests on a real Cassandra 5.0, downloaded and started automatically; ``-- --scylla HOST`` uses another server."""
    _install(session, "cli", "testing")
    session.run(*LIVE, *session.posargs)


@nox.session
def slow_path(session: nox.Session) -> None:
    """Run the live tests of requests with `Repo(fast_path=False)`; ``-- tests/live`` runs all."""
    _install(session, "cli", "testing")
    session.run(*LIVE, "--slow-path", *(session.posargs or DATA))


@nox.session
def oldest_driver(session: nox.Session) -> None:
    """Run the tests without a server, and the live ones of requests, on the oldest driver that is supported."""
    _install(session, "cli", "testing")
    (driver,) = (text for text in PYPROJECT["project"]["dependencies"] if text.startswith("scylla-driver>="))
    session.install(driver.replace(">=", "=="))
    session.run(*PYTEST, *WORKERS, "-m", "not live and not checkers")
    session.run(*LIVE, *(session.posargs or (name for name in DATA if "fast_path" not in name)))


@nox.session
def older(session: nox.Session) -> None:
    """Run the tests of migrating, types and random schemas on the older servers; ``matrix`` runs all there."""
    _install(session, "cli", "testing")
    for server in SERVERS[1:]:
        session.run(*LIVE, f"--cassandra-version={server}", *SHORT, *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Kill, stop and cut off replicas for long, then random schemas; a failure prints the seed that replays it."""
    _install(session, "cli", "testing")
    session.run("python", "tests/tools/soak.py", *session.posargs)
    session.run("pytest", "tests/live/test_random_schemas.py", "--hypothesis-profile=soak")


@nox.session
def chaos(session: nox.Session) -> None:
    """Calls of every kind while connections, nodes, loops and processes break; ten minutes each on one and three nodes.

    Arguments choose less: ``nox -s chaos -- --seconds 60 --nodes 1 --seed 7``.
    """
    _install(session, "cli", "testing")
    session.run("python", "tests/tools/chaos.py", *session.posargs)


@nox.session
def chaos_short(session: nox.Session) -> None:
    """Ninety seconds of the chaos run on one node, with nothing beside it: it measures how late requests end."""
    _install(session, "cli", "testing")
    session.run("python", "tests/tools/chaos.py", "--nodes", "1", "--seconds", "90", *session.posargs)


@nox.session
def request_soak(session: nox.Session) -> None:
    """Send a million mixed requests; arguments say where: ``nox -s request_soak -- --scylla HOST:PORT``."""
    _install(session, "cli", "testing")
    session.run("python", "tests/tools/request_soak.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Read 100,000 damaged tokens, plans, lock files, ledger rows and schema rows each; failures can be replayed."""
    _install(session, "cli", "testing")
    session.run("python", "tests/tools/fuzz.py", *session.posargs)


@nox.session
@nox.parametrize("server", SERVERS)
def matrix(session: nox.Session, server: str) -> None:
    """Run the live tests on every supported Cassandra."""
    _install(session, "cli", "testing")
    session.run(*LIVE, f"--cassandra-version={server}", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Branch coverage of the unit and the live tests together."""
    _install(session, "cli", "testing", groups=("test", "coverage"))
    for markers in ("not live and not checkers", "live"):
        session.run("coverage", "run", "-m", "pytest", "-m", markers, *session.posargs)
    session.run("coverage", "combine")
    session.run("coverage", "report")


@nox.session
def mutants(session: nox.Session) -> None:
    """Change rules and comparators in one place at a time; the unit tests must notice 95 %. An hour for all groups.

    Arguments choose groups or modules: ``nox -s mutants -- tracking driver/binder``.
    """
    _install(session, "cli", "testing")
    session.run("python", "tests/tools/mutants.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Print every benchmark as a ratio within one run, and write the figures as JSON; wants a quiet machine."""
    _install(session, "cli", "testing", groups=("bench",))
    for package in _groups("yardsticks"):
        wheel = ("install", "--quiet", "--only-binary=:all:", package)
        session.run("python", "-m", "pip", *wheel, success_codes=(0, 1))  # without a wheel it is left out
    session.run("python", "-m", "benchmarks", *session.posargs, env={**os.environ, "PYTHONPATH": "."})


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site of README, the guide and the API reference; a broken link or an undocumented name fails.

    Open ``index.html`` in the folder that it prints.
    """
    _install(session, "cli", groups=("docs",))
    target = Path(session.create_tmp()) / "docs"
    session.run("python", ".docs/build.py", str(target))
    session.log(f"The site is in {target / 'site'}")


@nox.session
def build(session: nox.Session) -> None:
    """Build wheel and sdist, and look whether the wheel holds what it should."""
    session.install(*_groups("build"))
    target = Path(session.create_tmp()) / "dist"
    session.run("python", "-m", "build", "--outdir", str(target))
    (wheel,) = target.glob("*.whl")
    session.install("--force-reinstall", str(wheel))
    session.chdir(session.create_tmp())
    session.run("python", "-c", "import scyllamodel; print(scyllamodel.__all__)")
    session.run("scyllamodel", "--version")
