"""Rebuild schemas that nobody here wrote: ``python tests/rebuild.py FILE.cql [FILE.cql …]``.

Each file's CQL makes a keyspace on a real node, our models are generated of it, their diff against it must be empty,
and an empty keyspace made of these models must have the same rows in ``system_schema``. Options that servers no longer
take are left out, and the keyspaces that a file names are replaced.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from cassandra import InvalidRequest

from scyllamodel import Repo, check, inspect, migrate, plan
from scyllamodel.local import LocalCluster
from scyllamodel.release.look import Look
from scyllamodel.schema.source import module_source

SETTINGS = {"sasi_indexes_enabled": True, "materialized_views_enabled": True}
OLD = re.compile(r"\s+(?:WITH|AND)\s+(?:dclocal_)?read_repair_chance\s*=\s*[\d.]+", re.IGNORECASE)
TABLES = (
    "tables", "columns", "types", "indexes", "views", "column_masks", "functions", "aggregates", "triggers",
    "dropped_columns",
)  # fmt: skip
"""Of ``system_schema``; those that a server lacks have no rows."""
OURS = "scyllamodel_"


def statements(text: str, keyspace: str) -> list[str]:
    """The statements of a file, on our keyspace."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
    text = "\n".join(_without_comment(line) for line in text.splitlines())
    text = re.sub(r"\$\{keyspace\}\.|\{\{\.Keyspace\}\}\.", "", text)
    text = re.sub(r"\$\{\w+\}|\{\{[^}]*\}\}", "172800", text)
    found = [statement.strip() for statement in text.split(";")]
    made = [OLD.sub("", statement) for statement in found if statement and not _is_keyspace(statement)]
    return [_qualified(statement, keyspace) for statement in made]


def _without_comment(line: str) -> str:
    outside = re.split(r"(?:--|//)", re.sub(r"'[^']*'", lambda quoted: "\1" * len(quoted[0]), line), maxsplit=1)[0]
    return line[: len(outside)]


def _is_keyspace(statement: str) -> bool:
    return bool(re.match(r"(?:CREATE|ALTER|DROP)\s+KEYSPACE|USE\s", statement, re.IGNORECASE))


def _qualified(statement: str, keyspace: str) -> str:
    """Every object that is made or altered in our keyspace, whichever the file named."""
    head = re.match(
        r"(?P<verb>(?:CREATE|ALTER|DROP)\s+(?:TABLE|TYPE|MATERIALIZED\s+VIEW)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?)"
        r"(?:\w+\.)?(?P<rest>.*)",
        statement,
        re.IGNORECASE | re.DOTALL,
    )
    if head is not None:
        return f"{head['verb']}{keyspace}.{head['rest']}"
    if re.match(r"DROP\s+INDEX", statement, re.IGNORECASE):
        return re.sub(
            r"(EXISTS\s+|INDEX\s+)(?:\w+\.)?(\w+)\s*$", rf"\g<1>{keyspace}.\2", statement, flags=re.IGNORECASE
        )
    return re.sub(r"\bON\s+(?:\w+\.)?(\w+)\s*\(", rf"ON {keyspace}.\1 (", statement, flags=re.IGNORECASE)


def rows(repo: Repo, keyspace: str) -> dict[str, list[Any]]:
    """What ``system_schema`` holds of a keyspace, without ids, times and our own tables."""
    found: dict[str, list[Any]] = {}
    for table in TABLES:
        columns = (
            "SELECT column_name FROM system_schema.columns WHERE keyspace_name = 'system_schema' AND table_name = %s"
        )
        names = [row.column_name for row in repo.session.execute(columns, [table])]
        if not names:
            found[table] = []
            continue
        kept = sorted(set(names) - {"id", "keyspace_name", "base_table_id", "dropped_time", "position_"})
        read = repo.session.execute(
            f"SELECT {', '.join(kept)} FROM system_schema.{table} WHERE keyspace_name = %s", [keyspace]
        )
        found[table] = sorted(
            repr({name: str(value).replace(keyspace, "K") for name, value in zip(kept, row, strict=True)})
            for row in read
            if OURS not in str(row)
        )
    return found


def generated(source: str, folder: Path) -> str:
    """The name of an importable module with this source."""
    name = f"generated_{uuid4().hex}"
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return name


def rebuilt(cluster: LocalCluster, name: str, texts: list[str], folder: Path) -> list[str]:
    """What is wrong with the models of a schema; nothing, if they make the same one."""
    live, again = f"live_{name}", f"again_{name}"
    with cluster.repo(live, name=name) as repo:
        migrate_keyspace(repo)
        applied(repo, live, [statement for text in texts for statement in statements(text, live)])
        facts = inspect(repo)[live]
        module = generated(module_source(facts, Look.at(repo).server, repo=name), folder)
        seen = rows(repo, live)
    print(
        f"{name}: {len(facts.tables)} tables, {sum(len(t.columns) for t in facts.tables)} columns, "
        f"{len(facts.types)} types, {sum(len(t.indexes) for t in facts.tables)} indexes, {len(facts.views)} views"
    )
    with cluster.repo(live, name=name, models=[module]) as repo:
        wrong = [f"diff: {text}" for text in plan(repo).cql]
        found = check(repo, strict=True)
        wrong += [] if found.in_sync else [f"check: {note.text}" for note in found.notes]
    with cluster.repo(again, name=name, models=[module]) as repo:
        migrate(repo, create_keyspace=True)
        made = rows(repo, again)
    for table in TABLES[:-1]:
        wrong += [f"{table} lost: {row}" for row in seen[table] if row not in made[table]]
        wrong += [f"{table} new: {row}" for row in made[table] if row not in seen[table]]
    return wrong


def applied(repo: Repo, keyspace: str, found: list[str]) -> None:
    """Run statements; one that needs what comes later waits for it, as the tools of some projects have it."""
    repo.session.execute(f"USE {keyspace}")
    while found:
        later = [statement for statement in found if not _ran(repo, statement)]
        if len(later) == len(found):
            raise SystemExit(f"unknown types: {later}")
        found = later


def _ran(repo: Repo, statement: str) -> bool:
    try:
        repo.session.execute(statement, timeout=60)
    except InvalidRequest as error:
        if "Unknown type" not in str(error):
            raise
        return False
    return True


def migrate_keyspace(repo: Repo) -> None:
    """An empty keyspace."""
    text = "CREATE KEYSPACE {} WITH replication = {{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}}"
    repo.session.execute(text.format(repo.keyspace))


def main(words: list[str]) -> int:
    """Rebuild each file, or several joined by ``+``; 1 if something is wrong."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder, LocalCluster(settings=SETTINGS) as cluster:
        for number, word in enumerate(words):
            texts = [Path(path).read_text(encoding="utf-8") for path in word.split("+")]
            name = re.sub(r"\W", "_", Path(word.split("+")[0]).stem.lower())[:20] + str(number)
            wrong = rebuilt(cluster, name, texts, Path(folder))
            failed += bool(wrong)
            print("\n".join(f"  {line}" for line in wrong) or "  the same")
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
