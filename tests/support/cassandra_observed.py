"""``data/cassandra-observed.json`` with its abbreviations expanded: the statements and what Cassandra nodes stored."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

from scyllamodel.schema.server.profile import ServerProfile

RELEASES = {"4.0": (4, 0, 19), "4.1": (4, 1, 10), "5.0": (5, 0, 6)}
SERVERS = {release: ServerProfile("cassandra", version) for release, version in RELEASES.items()}

_SHORT = {
    "@C.": "org.apache.cassandra.db.compaction.",
    "@Z.": "org.apache.cassandra.io.compress.",
    "@L.": "org.apache.cassandra.locator.",
    "@M.": "org.apache.cassandra.db.marshal.",
    "@SASI": "org.apache.cassandra.index.sasi.SASIIndex",
    "@SAI": "org.apache.cassandra.index.sai.StorageAttachedIndex",
    "o.a.c.": "org.apache.cassandra.",
    "<NN>": "a IS NOT NULL AND b IS NOT NULL AND c IS NOT NULL",
    "<PK>": "PRIMARY KEY (v, a, b, c)",
    "WITH R1": "WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    "<U1>": "5a1c395e-b41f-11e5-9f22-ba0be0483c18",
    "<U2>": "6a1c395e-b41f-11e5-9f22-ba0be0483c18",
}
_WORDS = {
    "STCS": "SizeTieredCompactionStrategy",
    "LCS": "LeveledCompactionStrategy",
    "TWCS": "TimeWindowCompactionStrategy",
    "UCS": "UnifiedCompactionStrategy",
    "NTS": "NetworkTopologyStrategy",
    "ICS": "IncrementalCompactionStrategy",
    "SS": "SimpleStrategy",
    "CCI": "CREATE CUSTOM INDEX",
    "CI": "CREATE INDEX",
    "CMV": "CREATE MATERIALIZED VIEW",
    "AMV": "ALTER MATERIALIZED VIEW",
    "AT": "ALTER TABLE k.t",
    "AY": "ALTER TYPE k.addr",
    "CT": "CREATE TABLE k.t",
}


def expanded(cql):
    """A part of the file with its abbreviations expanded."""
    if isinstance(cql, str):
        for short, long in _SHORT.items():
            cql = cql.replace(short, long)
        cql = re.sub(r"\bCY ", "CREATE TYPE k.", cql)
        cql = re.sub(r"<(\w)\*(\d+)>", lambda match: match[1] * int(match[2]), cql)
        return re.sub(rf"\b({'|'.join(_WORDS)})\b", lambda match: _WORDS[match[1]], cql)
    if isinstance(cql, list):
        return [expanded(item) for item in cql]
    if isinstance(cql, dict):
        thresholds = {"max_threshold": "32", "min_threshold": "4"} if "+thr" in cql else {}
        return {**{key: expanded(item) for key, item in cql.items() if key != "+thr"}, **thresholds}
    return cql


_ALL = json.loads((Path(__file__).parents[1] / "data" / "cassandra-observed.json").read_text(encoding="utf-8"))


def cases(group, form):
    """Each case of a group that holds ``form``, as ``(release, case, result)`` for every release that answered."""
    for case in map(expanded, _ALL[group]):
        if form in case:
            for key, result in case.items():
                for release in RELEASES if key == "all" else key.split("+"):
                    if release in RELEASES:
                        yield release, case, result


def is_error(result):
    """Whether a result is an error."""
    return isinstance(result, str) and result.startswith("!")


_LITERAL = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^']|'')*') | \$\$(?P<dollars>.*?)\$\$ | (?P<number>-?[\d.]+(?:e-?\d+)?) | (?P<word>\w+)
    | (?P<mark>[{}:,])
    )\s*""",
    re.VERBOSE | re.DOTALL,
)


def literal(cql):
    """The value of a CQL literal: text, number, boolean or a map of these; None for anything else."""
    tokens, at = [], 0
    while at < len(cql):
        match = _LITERAL.match(cql, at)
        if match is None:
            return None
        tokens.append(match)
        at = match.end()
    if not tokens:
        return None
    if tokens[0]["mark"] != "{":
        return _scalar(tokens[0]) if len(tokens) == 1 else None
    content = [token for token in tokens if not token["mark"]]
    return dict(zip(map(_scalar, content[::2]), map(_scalar, content[1::2]), strict=True))


def _scalar(token):
    if token["text"]:
        return token["text"][1:-1].replace("''", "'")
    if token["number"]:
        return int(token["number"]) if token["number"].lstrip("-").isdecimal() else Decimal(token["number"])
    if token["dollars"] is not None:
        return token["dollars"]
    return {"true": True, "false": False}.get(token["word"], token["word"])
