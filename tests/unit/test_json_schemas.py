"""The published JSON Schemas, and the documents that commands print."""

from __future__ import annotations

from datetime import datetime, timezone
from uuid import UUID

import attrs
import pytest
from jsonschema import Draft202012Validator

from scyllamodel.cli.commands.explain import code_explanations
from scyllamodel.cli.commands.guide import guide_document, topics
from scyllamodel.cli.output import error_document
from scyllamodel.errors import ImpossibleChange, NoModelsFound
from scyllamodel.local.background import ClusterStatus as LocalStatus
from scyllamodel.local.background import NodeStatus
from scyllamodel.release.backfill import BackfillReport
from scyllamodel.release.backfill.report import FailedRow
from scyllamodel.release.engine.results import CheckResult, KeyspaceResult, MigrationResult
from scyllamodel.release.ledger import LedgerStep, Migration
from scyllamodel.release.schema_diff import SchemaDiff
from scyllamodel.release.status import LockHolder, Status, history_dict
from scyllamodel.release.wait import WaitResult
from scyllamodel.schema.apply import StepResult
from scyllamodel.schema.compare.comparison_report import compare_schemas
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.expand_contract import ExpandContractPlan, Stage
from scyllamodel.schema.export.facts_json import facts_document
from scyllamodel.schema.export.grants import GrantTables, grants
from scyllamodel.schema.export.snapshot import snapshot_document
from scyllamodel.schema.facts.objects import (
    FrozenMap,
    Index,
    Keyspace,
    KeyspaceFacts,
    SchemaFacts,
    Table,
    TableColumn,
    View,
)
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.cql_types import Native
from support.json_schemas import SCHEMAS, faults

KEY = TableColumn("id", Native("uuid"), "partition_key")
NAME = TableColumn("name", Native("text"))
REPLICATION = FrozenMap({"class": "NetworkTopologyStrategy", "dc1": "1"})
DESIRED = KeyspaceFacts("shop", tables=[Table("orders", [KEY, NAME], indexes=[Index("by_name", "name")])])
LIVE = KeyspaceFacts("shop", Keyspace("shop", REPLICATION), tables=[Table("orders", [KEY]), Table("old", [KEY])])
PLAN = make_plan(DESIRED, LIVE, ServerProfile())
REFUSED = make_plan(DESIRED, KeyspaceFacts("shop", tables=[Table("orders", [NAME])]), ServerProfile())
DIAGNOSTIC = Diagnostic("KS102", "warn", "shop", "one copy", "write replication=")

DOCUMENTS = {
    "plan": [PLAN.to_dict(), REFUSED.to_dict()],
    "expand_contract": [
        ExpandContractPlan(
            "shop.orders.id", (DIAGNOSTIC,), (Stage("expand", "why", "x = 1", ("SELECT 1",), ("ls",)),)
        ).to_dict()
    ],
    "backfill": [
        BackfillReport("a -> b", False, 1, 2, 30, 20, 9, 1, (FailedRow("id=1", "no"),), 0.5, dry_run=True).to_dict()
    ],
    "result": [
        MigrationResult(
            "applied", PLAN, (StepResult(1, "applied", 1, 41), StepResult(2, "failed", 2, 3, "no"))
        ).to_dict(),
        MigrationResult("planned", PLAN).to_dict(),
    ],
    "check": [
        CheckResult(False, PLAN).to_dict(),
        CheckResult(True, make_plan(DESIRED, DESIRED, ServerProfile())).to_dict(),
    ],
    "grants": [
        {
            "format": 1,
            "kind": "grants",
            "role": "r",
            "keyspace": "k",
            "internal_keyspace": "l",
            "guess": guess,
            "grants": [
                grant.to_dict() for grant in grants("k", "r", GrantTables(tables=(("k", "t"),)), ledger_keyspace="l")
            ],
        }
        for guess in (None, "no server answers")
    ],
    "snapshot": [snapshot_document({"default": ("shop", SchemaFacts([DESIRED]))}), snapshot_document({})],
    "diff": [
        SchemaDiff("live", "models", compare_schemas(SchemaFacts([LIVE]), SchemaFacts([DESIRED]))).to_dict(),
        SchemaDiff("empty", "empty").to_dict(),
    ],
    "wait": [WaitResult("agreed", met=True).to_dict(), WaitResult("in-sync", met=False, plan=PLAN).to_dict()],
    "keyspace": [KeyspaceResult("shop", True, REPLICATION, (DIAGNOSTIC,)).to_dict()],
    "status": [
        Status("shop/default").to_dict(),
        Status(
            "shop/default", 1, "running", "x", LockHolder(UUID(int=1), "h", 1, "sync", 0.5, 1, 2), None, (DIAGNOSTIC,)
        ).to_dict(),
    ],
    "unlock": [
        {"format": 1, "kind": "unlock", "keyspace": "shop", "taken_from": None},
        {
            "format": 1,
            "kind": "unlock",
            "keyspace": "shop",
            "taken_from": LockHolder(UUID(int=1), "h", 1, "sync", 0.5, 1, 2).to_dict(),
        },
    ],
    "history": [
        history_dict("shop/default", []),
        history_dict(
            "shop/default",
            [
                Migration("shop/default", 1),
                Migration(
                    "shop/default",
                    2,
                    models=["shop"],
                    started_at=datetime(2026, 1, 1, tzinfo=timezone.utc),
                    run_id=UUID(int=1),
                    steps=(LedgerStep("shop/default", 2, 1),),
                ),
            ],
        ),
    ],
    "inspect": [
        facts_document(
            SchemaFacts([KeyspaceFacts("shop", Keyspace("shop", REPLICATION), views=[View("v", [KEY], base="t")])])
        ),
        facts_document(SchemaFacts([DESIRED])),
    ],
    "lint": [{"format": 1, "kind": "lint", "resources": ["shop.models.Order"], "diagnostics": [DIAGNOSTIC.to_dict()]}],
    "local": [
        {"format": 1, "kind": "local", **status.to_dict()}
        for status in (
            LocalStatus(is_running=False),
            LocalStatus(
                is_running=True,
                version="5.0.9",
                nodes=(
                    NodeStatus("127.0.0.1:9042", 17, is_up=True),
                    NodeStatus("127.0.0.2:9042", 18, is_up=False, problem="its process exited"),
                ),
                heap_mb=400,
                since=datetime(2026, 1, 1, tzinfo=timezone.utc),
                log="/tmp/cluster.log",
            ),
        )
    ],
    "guide": [guide_document(topics().values()), guide_document([topics()["models"]], text="# Models")],
    "codes": [
        {
            "format": 1,
            "kind": "codes",
            "codes": [attrs.asdict(explanation) for explanation in code_explanations().values()],
        }
    ],
    "error": [
        error_document(NoModelsFound("nothing there", packages=["shop"])),
        error_document(ImpossibleChange("refused", refusals=REFUSED.refusals)),
        error_document(ZeroDivisionError("a defect of this package")),
    ],
    "list": [{"format": 1, "kind": "list", "items": [{"repo": "audit", "keyspace": "shop", "answer": PLAN.to_dict()}]}],
}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_schema_is_a_schema(kind):
    """Each schema is a valid JSON Schema, and can be looked up under its name."""
    Draft202012Validator.check_schema(SCHEMAS[kind])

    assert (f"{kind}.schema.json", kind) == (SCHEMAS[kind]["$id"], SCHEMAS[kind]["properties"]["kind"]["const"])


@pytest.mark.parametrize(("kind", "document"), [(kind, item) for kind, all_ in DOCUMENTS.items() for item in all_])
def test_what_is_printed_is_valid(kind, document):
    """Each printed document is valid under the schema of its kind."""
    assert (kind, []) == (document["kind"], faults(document))


def test_every_kind_is_tried():
    """Each published schema has a document that is checked against it."""
    assert SCHEMAS.keys() == DOCUMENTS.keys()


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_a_schema_refuses_a_document_that_lacks_its_fields(kind):
    """A document with only its header fields is invalid under each schema."""
    validator = Draft202012Validator(SCHEMAS[kind])

    assert not validator.is_valid({"format": 1, "kind": kind})
