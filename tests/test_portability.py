"""Live tests run on every supported server at any address, and ask its profile for anything specific."""

from __future__ import annotations

import ast
from pathlib import Path

HERE = Path(__file__).parent
HELPERS = (
    *(
        f"support/{name}"
        for name in "histories model_classes project query_models row_literals servers sync_and_async".split()
    ),
    "tools/replica",
    "tools/soak",
)
FILES = sorted([*(HERE / "live").glob("*.py"), *(HERE / f"{name}.py" for name in HELPERS)])

ASSUMED = {
    "datacenter1": "ask the fixture data_center; for a LocalCluster take scyllamodel.local.config.DATA_CENTER",
    "SimpleStrategy": "keyspaces with tablets cannot have it: scyllamodel.testing.keyspaces.create makes one",
    "127.0.0.1": "ask the fixture scylla_cluster for its contact_points",
    "release_version": "ScyllaDB calls itself 3.0.8: ask the fixture profile",
    "gossip_info": "ScyllaDB has no such table: scyllamodel.driver.cluster.node_health reads what there is",
    "system_views": "ScyllaDB has no such keyspace",
    "sasi": "ScyllaDB has no such index: ask has_index_class, or mark the test with needs_sasi",
    "compression = {'class'": "ScyllaDB calls it sstable_compression: ask the profile for compression_key",
    "tombstone cells": "only Cassandra's traces say it: mark the test with needs_tracing_of_tombstones",
}
"""What tests must not take for granted, and what to do instead."""

CLOSED = "a port of this machine, on which no server answers"
OWN = "a LocalCluster of the test"
BY_PROFILE = "behind a question to the profile"
ALLOWED = {
    ("test_attacker", "SimpleStrategy"): OWN,
    ("test_bad_input", "127.0.0.1"): CLOSED,
    ("test_bad_input", "SimpleStrategy"): BY_PROFILE,
    ("test_cli", "127.0.0.1"): CLOSED,
    ("test_clauses", "sasi"): BY_PROFILE,
    ("test_connect", "127.0.0.1"): CLOSED,
    ("test_process_exit", "127.0.0.1"): CLOSED,
    ("test_first_requests", "127.0.0.1"): CLOSED,
    ("test_inspect", "sasi"): BY_PROFILE,
    ("test_local_cluster", "SimpleStrategy"): OWN,
    ("test_local_cluster", "release_version"): OWN,
    ("test_no_false_positives", "sasi"): BY_PROFILE,
    ("test_prefork", "127.0.0.1"): CLOSED,
    ("test_reflect", "sasi"): BY_PROFILE,
    ("test_request_errors", "127.0.0.1"): CLOSED,
    ("test_tls", "127.0.0.1"): OWN,
    ("test_tls", "system_views"): OWN,
    ("query_models", "sasi"): "statements that are written and not sent",
    ("servers", "sasi"): BY_PROFILE,
}
"""Allowed uses, by file and word, with the reason."""


def assumptions():
    """The assumptions in the text of a live test, as file and word; docstrings are ignored."""
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        messages = "\n".join(node.value for node in texts if id(node) not in prose).lower()
        yield from ((path.stem, word) for word in ASSUMED if word.lower() in messages)


def test_live_tests_assume_no_server():
    """A name, an address or a message of one server occurs in a live test only if it is listed with a reason."""
    mismatches = {f"{path}: {word!r}": ASSUMED[word] for path, word in assumptions() if (path, word) not in ALLOWED}

    assert {} == mismatches


def test_the_list_of_reasons_is_not_longer_than_needed():
    """Every listed word still occurs in its file."""
    assert [] == sorted(set(ALLOWED) - set(assumptions()))
