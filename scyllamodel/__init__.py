"""Keep ScyllaDB and Cassandra schemas in sync with attrs model classes, and read and write rows through them.

The names that can be imported from here are public, with `scyllamodel.types`, `scyllamodel.functions`,
`scyllamodel.errors`, `scyllamodel.testing` and `scyllamodel.local`; every other module is internal and may change in
any release. ``__all__`` lists those that application code writes: a star import brings `Model` and `select`, but not
`Plan` or `status`, which programs may have themselves. Names are loaded on first use: a program that only declares
models never imports the driver, and one that never migrates never imports the planner.

Data flow::

    model classes ---> desired facts --+
                                       +--> diff --> changes --> rules --> plan --> apply --> server
    system_schema ---> live facts -----+                                    |         |
                                                                          lock      ledger

    select(), insert() ... --> template --> prepared, bound --> rows --> instances
    (query/)                                (driver/data/)

Floors, from the bottom; a module imports from lower floors and its own (``tests/test_floors.py``):

    types, errors, and the private modules of this folder
    schema.facts, schema.server, schema.diagnostics
    schema.changes, schema.options, schema.diff, schema.rules, model
    schema.plan, query, discovery
    schema.apply, schema.expand_contract, config
    driver: session, then cluster and data, then the repos
    release
    local, testing, demo, cli

To follow a migration, read ``release/engine/migration_run.py``, ``planning.py`` and ``cluster_view.py`` beside it,
``model/desired_schema.py``, ``schema/diff/schema_diff.py``, ``schema/rules/evaluation.py``, ``schema/plan/planner.py``
and ``schema/apply/attempt.py``, in this order. To follow a read, read ``query/instances.py``,
``driver/data/read_api.py``, ``operations.py`` and ``requests.py`` beside it, and ``model/_codegen.py``, which generates
the functions that make instances of rows.

Where to look:
    what two indexes have in common: ``schema/compare/indexes.py``; the changes of indexes: ``schema/diff/indexes.py``.
    a lost answer: ``schema/apply/attempt.py`` for a plan, ``driver/outcomes.py`` for what an error means,
        ``query/instance_writes.py`` for a row.
    a row as an instance: ``model/_codegen.py``, called by ``driver/data/loading.py``.
    a new option, rule, type, kind of change or server: ``guide/contributing.md`` lists the files to change.
    the tests of a part, such as rollback: ``tests/README.md``.

Glossary:
    resource: a model or view class that is bound to a repo.
    repo: one keyspace on one cluster, the models of it, and a connection.
    facts: the description of a keyspace as immutable values, read from classes (desired) or from a server (live).
    change: one difference between the live and the desired facts, which can be written as CQL, described and undone.
    rule: a check of a change, which permits it, warns of it, or refuses it with a code such as DS103.
    plan: the ordered steps that make the live schema the desired one.
    coordinator: the one node that receives all schema statements of all processes.
    lock: a row that one process holds while it changes a keyspace; its fencing token rises with each holder.
    ledger: the tables that record which versions changed the schema, by which steps, and how they ended.
    scope: one keyspace and repo name, to which versions belong.
    template: the CQL text of a statement with its markers, prepared once for all values.
    operation: a generator that yields messages and receives responses, run by a thread or by an event loop.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from scyllamodel import errors as errors
    from scyllamodel import types as types
    from scyllamodel._public import Model
    from scyllamodel.driver.async_repo import AsyncRepo
    from scyllamodel.driver.configured import configured_repos
    from scyllamodel.driver.data.bulk_report import BulkReport as BulkReport
    from scyllamodel.driver.data.instrumentation import QueryEvent as QueryEvent
    from scyllamodel.driver.data.page_tokens import Page as Page
    from scyllamodel.driver.repo import Repo
    from scyllamodel.errors import (
        BackfillFailed,
        BuildTimeout,
        BulkWriteError,
        ConcurrentWrite,
        ConfigurationError,
        ConnectionFailed,
        DestructiveChangeRefused,
        DiscoveryError,
        DuplicateTable,
        ForeignVersion,
        ImpossibleChange,
        IntrospectionError,
        InvalidPageToken,
        IrreversibleStep,
        KeyspaceError,
        LedgerError,
        LoadError,
        LockLost,
        LockTimeout,
        ModelDefinitionError,
        MultipleReposFailed,
        MultipleResultsFound,
        NoModelsFound,
        NotFound,
        OutOfSync,
        PermissionDenied,
        QueryNotSupported,
        RequestFailed,
        RequestRefused,
        RequestTimeout,
        SchemaDisagreement,
        ScyllaModelError,
        ServiceUnavailable,
        StalePlan,
        StepFailed,
        SupersededModels,
        TypeMismatch,
        UnknownColumn,
        UnknownOutcome,
        UnknownRepo,
        UnknownVersion,
    )
    from scyllamodel.model.column import Column
    from scyllamodel.model.fields import clustering_key, column, partition_key
    from scyllamodel.model.index import Index
    from scyllamodel.model.user_type import UserType
    from scyllamodel.model.view import MaterializedView
    from scyllamodel.query import functions as functions
    from scyllamodel.query.delete import delete
    from scyllamodel.query.insert import insert
    from scyllamodel.query.results import LWTResult
    from scyllamodel.query.results import PartialRow as PartialRow
    from scyllamodel.query.selection import select
    from scyllamodel.query.statement import Statement
    from scyllamodel.query.update import update
    from scyllamodel.release.aio import backfill_async as backfill_async
    from scyllamodel.release.aio import baseline_async as baseline_async
    from scyllamodel.release.aio import check_async as check_async
    from scyllamodel.release.aio import contract_async as contract_async
    from scyllamodel.release.aio import create_keyspace_async, migrate_all_async, migrate_async, rollback_async
    from scyllamodel.release.aio import diff_async as diff_async
    from scyllamodel.release.aio import expand_async as expand_async
    from scyllamodel.release.aio import history_async as history_async
    from scyllamodel.release.aio import inspect_async as inspect_async
    from scyllamodel.release.aio import plan_async as plan_async
    from scyllamodel.release.aio import resolve_async as resolve_async
    from scyllamodel.release.aio import snapshot_async as snapshot_async
    from scyllamodel.release.aio import status_async as status_async
    from scyllamodel.release.aio import unlock_async as unlock_async
    from scyllamodel.release.aio import wait_async as wait_async
    from scyllamodel.release.backfill import BackfillProgress as BackfillProgress
    from scyllamodel.release.backfill import BackfillReport as BackfillReport
    from scyllamodel.release.backfill import backfill as backfill
    from scyllamodel.release.contract import contract as contract
    from scyllamodel.release.create_keyspace import create_keyspace
    from scyllamodel.release.engine.models import find_resources
    from scyllamodel.release.engine.raw_steps import RawStep as RawStep
    from scyllamodel.release.engine.results import CheckResult as CheckResult
    from scyllamodel.release.engine.results import KeyspaceResult as KeyspaceResult
    from scyllamodel.release.engine.results import LockUse as LockUse
    from scyllamodel.release.engine.results import MigrationResult as MigrationResult
    from scyllamodel.release.expand import expand as expand
    from scyllamodel.release.ledger import LedgerStep as LedgerStep
    from scyllamodel.release.ledger import Migration as Migration
    from scyllamodel.release.migrate import migrate, migrate_all
    from scyllamodel.release.plan_check import check as check
    from scyllamodel.release.plan_check import inspect as inspect
    from scyllamodel.release.plan_check import plan as plan
    from scyllamodel.release.recovery import baseline as baseline
    from scyllamodel.release.recovery import resolve as resolve
    from scyllamodel.release.recovery import unlock as unlock
    from scyllamodel.release.rollback import rollback
    from scyllamodel.release.schema_diff import SchemaDiff as SchemaDiff
    from scyllamodel.release.schema_diff import diff as diff
    from scyllamodel.release.schema_diff import snapshot as snapshot
    from scyllamodel.release.status import LockHolder as LockHolder
    from scyllamodel.release.status import Status as Status
    from scyllamodel.release.status import history as history
    from scyllamodel.release.status import status as status
    from scyllamodel.release.wait import WaitResult as WaitResult
    from scyllamodel.release.wait import wait as wait
    from scyllamodel.schema.apply import Event as Event
    from scyllamodel.schema.diagnostics import Diagnostic as Diagnostic
    from scyllamodel.schema.expand_contract import ExpandContractPlan as ExpandContractPlan
    from scyllamodel.schema.expand_contract import Stage as Stage
    from scyllamodel.schema.options import DOCSTRING, TableOptions
    from scyllamodel.schema.plan import Plan as Plan

__all__ = [  # noqa: RUF022 - sorted as `sorted` does
    "AsyncRepo",
    "BackfillFailed",
    "BuildTimeout",
    "BulkWriteError",
    "Column",
    "ConcurrentWrite",
    "ConfigurationError",
    "ConnectionFailed",
    "DOCSTRING",
    "DestructiveChangeRefused",
    "DiscoveryError",
    "DuplicateTable",
    "ForeignVersion",
    "ImpossibleChange",
    "Index",
    "IntrospectionError",
    "InvalidPageToken",
    "IrreversibleStep",
    "KeyspaceError",
    "LWTResult",
    "LedgerError",
    "LoadError",
    "LockLost",
    "LockTimeout",
    "MaterializedView",
    "Model",
    "ModelDefinitionError",
    "MultipleReposFailed",
    "MultipleResultsFound",
    "NoModelsFound",
    "NotFound",
    "OutOfSync",
    "PermissionDenied",
    "QueryNotSupported",
    "Repo",
    "RequestFailed",
    "RequestRefused",
    "RequestTimeout",
    "SchemaDisagreement",
    "ScyllaModelError",
    "ServiceUnavailable",
    "StalePlan",
    "Statement",
    "StepFailed",
    "SupersededModels",
    "TableOptions",
    "TypeMismatch",
    "UnknownColumn",
    "UnknownOutcome",
    "UnknownRepo",
    "UnknownVersion",
    "UserType",
    "clustering_key",
    "column",
    "configured_repos",
    "create_keyspace",
    "create_keyspace_async",
    "delete",
    "find_resources",
    "insert",
    "migrate",
    "migrate_all",
    "migrate_all_async",
    "migrate_async",
    "partition_key",
    "rollback",
    "rollback_async",
    "select",
    "update",
]

_HOMES: Final = {
    "scyllamodel._public": "Model",
    "scyllamodel.driver.configured": "configured_repos",
    "scyllamodel.driver.data.page_tokens": "Page",
    "scyllamodel.driver.data.bulk_report": "BulkReport",
    "scyllamodel.driver.async_repo": "AsyncRepo",
    "scyllamodel.driver.repo": "Repo",
    "scyllamodel.driver.data.instrumentation": "QueryEvent",
    "scyllamodel.errors": """
        BackfillFailed BuildTimeout BulkWriteError ConcurrentWrite
        ConfigurationError ConnectionFailed DestructiveChangeRefused
        DiscoveryError DuplicateTable ForeignVersion ImpossibleChange IntrospectionError InvalidPageToken
        IrreversibleStep KeyspaceError LedgerError LoadError LockLost LockTimeout ModelDefinitionError
        MultipleReposFailed MultipleResultsFound NoModelsFound NotFound OutOfSync PermissionDenied QueryNotSupported
        RequestFailed RequestRefused RequestTimeout SchemaDisagreement ScyllaModelError ServiceUnavailable StalePlan
        StepFailed SupersededModels TypeMismatch UnknownColumn UnknownOutcome UnknownRepo UnknownVersion
    """,
    "scyllamodel.model.column": "Column",
    "scyllamodel.model.fields": "clustering_key column partition_key",
    "scyllamodel.model.index": "Index",
    "scyllamodel.model.user_type": "UserType",
    "scyllamodel.model.view": "MaterializedView",
    "scyllamodel.query.delete": "delete",
    "scyllamodel.query.insert": "insert",
    "scyllamodel.query.results": "LWTResult PartialRow",
    "scyllamodel.query.selection": "select",
    "scyllamodel.query.statement": "Statement",
    "scyllamodel.query.update": "update",
    "scyllamodel.release.contract": "contract",
    "scyllamodel.release.create_keyspace": "create_keyspace",
    "scyllamodel.release.engine.models": "find_resources",
    "scyllamodel.release.engine.raw_steps": "RawStep",
    "scyllamodel.release.engine.results": "CheckResult KeyspaceResult LockUse MigrationResult",
    "scyllamodel.release.ledger": "LedgerStep Migration",
    "scyllamodel.release.migrate": "migrate migrate_all",
    "scyllamodel.release.plan_check": "check inspect plan",
    "scyllamodel.release.recovery": "baseline resolve unlock",
    "scyllamodel.release.rollback": "rollback",
    "scyllamodel.release.status": "LockHolder Status history status",
    "scyllamodel.release.aio": """
        backfill_async baseline_async check_async contract_async create_keyspace_async diff_async expand_async
        history_async inspect_async migrate_all_async migrate_async plan_async resolve_async rollback_async
        snapshot_async status_async unlock_async wait_async
    """,
    "scyllamodel.release.backfill": "BackfillProgress BackfillReport backfill",
    "scyllamodel.release.expand": "expand",
    "scyllamodel.release.schema_diff": "SchemaDiff diff snapshot",
    "scyllamodel.release.wait": "WaitResult wait",
    "scyllamodel.schema.apply": "Event",
    "scyllamodel.schema.expand_contract": "ExpandContractPlan Stage",
    "scyllamodel.schema.diagnostics": "Diagnostic",
    "scyllamodel.schema.options": "DOCSTRING TableOptions",
    "scyllamodel.schema.plan": "Plan",
}
"""The modules of the public names."""

_HOME: Final = {name: home for home, names in _HOMES.items() for name in names.split()}
_MODULES: Final = {"errors": "errors", "functions": "query.functions", "types": "types"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{_MODULES[name]}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_MODULES})
