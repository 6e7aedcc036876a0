"""Rebuild existing schemas: ``python tests/tools/rebuild.py FILE.cql [FILE.cql …]``.

Each file's CQL creates a keyspace on a real node. Models are generated from it: a strict check against it names only
what the generated module lists as left out, and an empty keyspace migrated to these models has the same rows in
``system_schema``. The script that `inspect --format cql` prints creates the same rows too, with nothing left out.
Options that servers no longer take are left out, and the keyspaces that a file names are replaced. A statement that the
node refuses is printed, and is not part of the schema.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from cassandra import AlreadyExists, InvalidRequest
from cassandra.protocol import ConfigurationException, SyntaxException

from scyllamodel import Repo, check, inspect, migrate, plan
from scyllamodel.local import LocalCluster
from scyllamodel.local.config import DATA_CENTER
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.schema.ddl import keyspace_script
from scyllamodel.schema.export.models.module import module_source
from scyllamodel.schema.export.models.unsupported import unsupported_by_models
from scyllamodel.schema.export.unsupported import Unsupported, missing_from_script

SETTINGS = {
    "sasi_indexes_enabled": True,
    "materialized_views_enabled": True,
    "dynamic_data_masking_enabled": True,
    "user_defined_functions_enabled": True,
    "drop_compact_storage_enabled": True,
}
PIECE = re.compile(
    r"""(?P<comment>--[^\n]*|//[^\n]*|/\*.*?\*/)|(?P<end>;)|(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|\$\$.*?\$\$|.)""",
    re.DOTALL,
)
OLD = re.compile(r"\s+(?:WITH|AND)\s+(?:dclocal_)?read_repair_chance\s*=\s*[\d.]+", re.IGNORECASE)
TABLES = (
    "tables", "columns", "types", "indexes", "views", "column_masks", "functions", "aggregates", "triggers",
    "dropped_columns",
)  # fmt: skip
"""Of ``system_schema``; those that a server lacks have no rows."""
OURS = "scyllamodel_"


def statements(text: str, keyspace: str) -> list[str]:
    """The schema statements of a file, applied to our keyspace."""
    text = re.sub(r"\$\{keyspace\}\.|\{\{\.Keyspace\}\}\.", "", text)
    text = re.sub(r"\$\{\w+\}|\{\{[^}]*\}\}", "172800", text)
    values = [""]
    for piece in PIECE.finditer(text):
        if piece["end"]:
            values.append("")
        elif not piece["comment"]:
            values[-1] += piece[0]
    lines = [OLD.sub("", value.strip()) for value in values]
    result = [item for item in lines if re.match("CREATE|ALTER|DROP", item, re.IGNORECASE) and not _is_keyspace(item)]
    return [_qualified(statement, keyspace) for statement in result]


def _is_keyspace(statement: str) -> bool:
    return bool(re.match(r"(?:CREATE|ALTER|DROP)\s+KEYSPACE|USE\s", statement, re.IGNORECASE))


def _qualified(statement: str, keyspace: str) -> str:
    """Rewrite names so that every object is created or altered in our keyspace, whichever the file named."""
    head = re.match(
        r"(?P<verb>(?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?"
        r"(?:TABLE|COLUMNFAMILY|TYPE|FUNCTION|AGGREGATE|MATERIALIZED\s+VIEW)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?)"
        r"(?:\w+\.)?(?P<rest>.*)",
        statement,
        re.IGNORECASE | re.DOTALL,
    )
    if head is not None:
        rest = re.sub(r"\bFROM\s+\w+\.(?=\w)", "FROM ", head["rest"], flags=re.IGNORECASE)
        return f"{head['verb']}{keyspace}.{rest}"
    if re.match(r"DROP\s+INDEX", statement, re.IGNORECASE):
        return re.sub(
            r"(EXISTS\s+|INDEX\s+)(?:\w+\.)?(\w+)\s*$", rf"\g<1>{keyspace}.\2", statement, flags=re.IGNORECASE
        )
    return re.sub(r"\bON\s+(?:\w+\.)?(\w+)\s*\(", rf"ON {keyspace}.\1 (", statement, flags=re.IGNORECASE)


def rows(repo: Repo, keyspace: str) -> dict[str, list[Any]]:
    """Return the rows of ``system_schema`` for a keyspace, without ids, times and the internal tables."""
    results: dict[str, list[Any]] = {}
    for table in TABLES:
        columns = (
            "SELECT column_name FROM system_schema.columns WHERE keyspace_name = 'system_schema' AND table_name = %s"
        )
        names = [row.column_name for row in repo.session.execute(columns, [table])]
        if not names:
            results[table] = []
            continue
        column_names = sorted(set(names) - {"id", "keyspace_name", "base_table_id", "dropped_time", "position_"})
        read = repo.session.execute(
            f"SELECT {', '.join(column_names)} FROM system_schema.{table} WHERE keyspace_name = %s", [keyspace]
        )
        results[table] = sorted(
            repr({name: str(value).replace(keyspace, "K") for name, value in zip(column_names, row, strict=True)})
            for row in read
            if OURS not in str(row)
        )
    return results


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
    """Return what is wrong with the models and the script of a schema; nothing if they create an equal one."""
    live, copy_keyspace, script_of = f"live_{name}", f"again_{name}", f"script_{name}"
    with cluster.repo(live, name=name) as repo:
        migrate_keyspace(repo)
        refusals = applied(repo, live, [statement for text in texts for statement in statements(text, live)])
        facts, server = inspect(repo)[live], ClusterView.connect(repo).server
        source = module_source(facts, server, repo=name)
        module = generated(source, folder)
        original = rows(repo, live)
    left_out = list(unsupported_by_models(facts))
    print(
        f"{name}: {len(facts.tables)} tables, {sum(len(t.columns) for t in facts.tables)} columns, "
        f"{len(facts.types)} types, {sum(len(t.indexes) for t in facts.tables)} indexes, {len(facts.views)} views, "
        f"{sum(c.mask is not None for t in facts.tables for c in t.columns)} masks, {len(facts.functions)} functions, "
        f"{len(facts.aggregates)} aggregates; models leave out {len(left_out)}; the node refused {len(refusals)}"
    )
    print("".join(f"  refused: {' '.join(text.split())[:110]}: {reason}\n" for text, reason in refusals), end="")
    with cluster.repo(live, name=name, models=[module]) as repo:
        mismatches = [f"diff: {text}" for text in plan(repo).cql]
        objects = {f"{live}.{item.name}" for item in left_out}
        mismatches += [f"check: {note}" for note in check(repo, strict=True).notes if note.object not in objects]
    with cluster.repo(copy_keyspace, name=name, models=[module]) as repo:
        migrate(repo, create_keyspace=True)
        mismatches += [f"models: {text}" for text in differences(original, rows(repo, copy_keyspace), left_out)]
    with cluster.repo(script_of, name=name) as repo:
        migrate_keyspace(repo)
        script = [cql.replace(f"{live}.", f"{script_of}.") for cql in keyspace_script(facts, server)[1:]]
        mismatches += [f"script refused: {text}: {reason}" for text, reason in applied(repo, script_of, script)]
        mismatches += [f"script: {text}" for text in differences(original, rows(repo, script_of), [])]
    return mismatches + [f"script leaves out: {item}" for item in missing_from_script(facts)]


def differences(
    original: dict[str, list[Any]], regenerated: dict[str, list[Any]], left_out: list[Unsupported]
) -> list[str]:
    """Rows that only one of two keyspaces has, except those of objects that were left out or columns once dropped."""
    missing = [
        re.compile(rf"'{re.escape(re.split('[(.]', item.name)[-1 if '.' in item.name else 0])}'") for item in left_out
    ]
    functions = ("functions", "aggregates", "triggers") if left_out else ()
    results: list[str] = []
    for table in TABLES:
        if table == "dropped_columns" or table in functions:
            continue
        missing_rows = [
            row
            for row in original[table]
            if row not in regenerated[table] and not any(name.search(row) for name in missing)
        ]
        results += [f"{table} lost: {row}" for row in missing_rows]
        results += [f"{table} new: {row}" for row in regenerated[table] if row not in original[table]]
    return results


def applied(repo: Repo, keyspace: str, value: list[str]) -> list[tuple[str, str]]:
    """Run statements, those with missing dependencies last. Returns those that the node refused, with reasons."""
    repo.session.execute(f"USE {keyspace}")
    while value:
        tried = [(statement, _refusal(repo, statement)) for statement in value]
        refusals = [(statement, reason) for statement, reason in tried if reason]
        if len(refusals) == len(value):
            return refusals
        value = [statement for statement, _ in refusals]
    return []


def _refusal(repo: Repo, statement: str) -> str:
    try:
        repo.session.execute(statement, timeout=120)
    except (AlreadyExists, ConfigurationException, InvalidRequest, SyntaxException) as error:
        return str(error)
    return ""


def migrate_keyspace(repo: Repo) -> None:
    """Create an empty keyspace."""
    replication = f"{{'class': 'NetworkTopologyStrategy', '{DATA_CENTER}': 1}}"
    repo.session.execute(f"CREATE KEYSPACE {repo.keyspace} WITH replication = {replication}", timeout=60)


def main(arguments: list[str]) -> int:
    """Rebuild each file, or several joined by ``+``; returns 1 if something is wrong."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder, LocalCluster(settings=SETTINGS) as cluster:
        for number, argument in enumerate(arguments):
            texts = [Path(path).read_text(encoding="utf-8") for path in argument.split("+")]
            name = re.sub(r"\W", "_", Path(argument.split("+")[0]).stem.lower())[:20] + str(number)
            mismatches = rebuilt(cluster, name, texts, Path(folder))
            failed += bool(mismatches)
            print("\n".join(f"  {line}" for line in mismatches) or "  the same")
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
