"""Rows that a role with MODIFY on the internal tables could write, and checks of the commands that meet them."""

from __future__ import annotations

import re
from typing import Any

from scyllamodel import RawStep, check, history, migrate, plan, rollback, status, unlock
from scyllamodel.errors import DestructiveChangeRefused, LedgerError, LockTimeout, ScyllaModelError

MAX = 2**63 - 1
LOCK, MIGRATIONS, STEPS = "scyllamodel_lock", "scyllamodel_migrations", "scyllamodel_steps"
_OWNER = "owner = 00000000-0000-0000-0000-0000000000ff"
_STEP = "scope = {scope} AND version = {head} AND seq = 1"
_DEEP = "[" * 20_000

LOCKS = {
    "the largest epoch": "UPDATE {lock} SET epoch = {max} WHERE {name}",
    "a negative epoch": f"UPDATE {{lock}} SET {_OWNER}, epoch = -5 WHERE {{name}}",
    "the largest beat": f"UPDATE {{lock}} SET {_OWNER}, epoch = 1, beat = {{max}} WHERE {{name}}",
    "a lease of 24 days": f"UPDATE {{lock}} SET {_OWNER}, epoch = 1, lease_ms = 2073600000 WHERE {{name}}",
    "a negative lease": f"UPDATE {{lock}} SET {_OWNER}, epoch = 1, lease_ms = -1 WHERE {{name}}",
    "a long purpose": f"UPDATE {{lock}} SET {_OWNER}, epoch = 1, purpose = '{'x' * 2000}' WHERE {{name}}",
    "a year that Python lacks": f"UPDATE {{lock}} SET {_OWNER}, acquired_at = {{max}} WHERE {{name}}",
    "a holder of the future": f"UPDATE {{lock}} USING TIMESTAMP {{max}} SET {_OWNER}, epoch = 7 WHERE {{name}}",
    "a deletion in the future": "DELETE FROM {lock} USING TIMESTAMP {max} WHERE {name}",
}
"""What can be written into the row of the lock."""

VERSIONS = {
    "the largest version": "INSERT INTO {migrations} (scope, version, status) VALUES ({scope}, {max}, 'applied')",
    "a version of the future": "INSERT INTO {migrations} (scope, version, status) VALUES ({scope}, {max}, 'running') "
    "USING TIMESTAMP {max}",
    "the last version": "INSERT INTO {migrations} (scope, version, status) VALUES ({scope}, 99991231235959, 'applied')",
    "a negative version": "INSERT INTO {migrations} (scope, version, status) VALUES ({scope}, -1, 'applied')",
    "a version without cells": "INSERT INTO {migrations} (scope, version) VALUES ({scope}, {max}) "
    "USING TIMESTAMP {max}",
    "the largest epoch": "UPDATE {migrations} SET epoch = {max} WHERE scope = {scope} AND version = {head}",
    "a negative total": "UPDATE {migrations} SET total = -1 WHERE scope = {scope} AND version = {head}",
    "a year that Python lacks": "UPDATE {migrations} SET started_at = {max} WHERE scope = {scope} AND version = {head}",
    "a version that never ends": "UPDATE {migrations} USING TIMESTAMP {max} SET status = 'running' "
    "WHERE scope = {scope} AND version = {head}",
    "an unknown status": "UPDATE {migrations} SET status = 'x', kind = 'y' WHERE scope = {scope} AND version = {head}",
    "a history deleted in the future": "DELETE FROM {migrations} USING TIMESTAMP {max} WHERE scope = {scope}",
    "a negative step": "INSERT INTO {steps} (scope, version, seq, state) VALUES ({scope}, {head}, -7, 'applied')",
    "a long statement": f"UPDATE {{steps}} SET cql = '{'x' * 5_000_000}' WHERE {_STEP}",
    "a deep change": f"UPDATE {{steps}} SET change = '{_DEEP}' WHERE {_STEP}",
    "a negative duration": f"UPDATE {{steps}} SET duration_ms = -1 WHERE {_STEP}",
    "a step of the future": f"UPDATE {{steps}} USING TIMESTAMP {{max}} SET attempts = -1 WHERE {_STEP}",
}
"""What can be written into the history."""

_ALLOWED = re.compile(r"allow (LG107:\d+)")
_WAY_OUT = re.compile(r"(TRUNCATE \S+|DELETE FROM \S+ (?:USING TIMESTAMP \d+ )?WHERE [^\n]+)")
_counter = iter(range(1, 10**6))


def text(forged: str, repo: Any, head: int) -> str:
    """The statement for the internal tables of a repo."""
    names = {"lock": LOCK, "migrations": MIGRATIONS, "steps": STEPS}
    return forged.format(
        **{name: f"{repo.keyspace}.{table}" for name, table in names.items()},
        scope=f"'{repo.keyspace}/{repo.name}'",
        name=f"name = '{repo.keyspace}'",
        head=head,
        max=MAX,
    )


def commands(repo: Any, table: str) -> dict[str, Any]:
    """Every command of a deploying role, as a call; the migration has a raw step to run."""

    def migrated() -> Any:
        step = RawStep(f"UPDATE {repo.keyspace}.{table} SET note = 'x' WHERE id = {next(_counter)}")
        try:
            return migrate(repo, steps=[step], lock_timeout=3)
        except DestructiveChangeRefused as error:  # rows of the history were deleted, as its errors had advised
            return migrate(repo, steps=[step], lock_timeout=3, allow=set(_ALLOWED.findall(str(error))))

    return {
        "plan": lambda: plan(repo),
        "check": lambda: check(repo, strict=True),
        "status": lambda: status(repo),
        "history": lambda: history(repo, steps=True),
        "rollback": lambda: rollback(repo, 0, dry_run=True, allow={"DS102"}),
        "migrate": migrated,
    }


def refusals(repo: Any, table: str) -> dict[str, ScyllaModelError]:
    """The errors of the commands that fail, by command; an error that is not of this package is raised."""
    results: dict[str, ScyllaModelError] = {}
    for name, call in commands(repo, table).items():
        error = _error_of(call)
        if error is not None:
            results[name] = error
    return results


def _error_of(call: Any) -> ScyllaModelError | None:
    try:
        call()
    except (LedgerError, LockTimeout) as error:
        return error
    return None


def healed(repo: Any, error: ScyllaModelError) -> str:
    """Run the statement that the message advises, and return it."""
    message = str(error)
    if "unlock --force" in message:
        try:
            unlock(repo, force=True)
        except LedgerError as stuck:
            message = str(stuck)
        else:
            return "unlock --force"
    advice = _WAY_OUT.findall(message)
    assert advice, f"no statement in: {message}"
    repo.raw(advice[-1])
    return str(advice[-1])
