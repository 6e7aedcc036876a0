"""Keeps ScyllaDB and Cassandra schemas in step with attrs model classes.

The names below are loaded on first use: a program that only declares models never loads the driver, and one that never
syncs never loads the planner.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from scyllamodel import errors as errors
    from scyllamodel import types as types
    from scyllamodel._public import Model
    from scyllamodel.driver.async_repo import AsyncRepo
    from scyllamodel.driver.bulk_report import BulkReport
    from scyllamodel.driver.configured import configured_repos
    from scyllamodel.driver.pages import Page
    from scyllamodel.driver.repo import Repo
    from scyllamodel.driver.watch import QueryEvent
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
    from scyllamodel.model.declare import clustering_key, column, partition_key
    from scyllamodel.model.index import Index
    from scyllamodel.model.usertype import UserType
    from scyllamodel.model.view import MaterializedView
    from scyllamodel.query import functions as functions
    from scyllamodel.query.delete import delete
    from scyllamodel.query.insert import insert
    from scyllamodel.query.results import LWTResult, PartialRow
    from scyllamodel.query.selection import select
    from scyllamodel.query.statement import Statement
    from scyllamodel.query.update import update
    from scyllamodel.release import (
        CheckResult,
        KeyspaceResult,
        LedgerStep,
        LockHolder,
        LockUse,
        Migration,
        MigrationResult,
        RawStep,
        Status,
        baseline,
        check,
        contract,
        create_keyspace,
        find_resources,
        history,
        inspect,
        migrate,
        migrate_all,
        plan,
        resolve,
        rollback,
        status,
        unlock,
    )
    from scyllamodel.release.awaited import (
        backfill_async,
        baseline_async,
        check_async,
        contract_async,
        create_keyspace_async,
        diff_async,
        expand_async,
        history_async,
        inspect_async,
        migrate_all_async,
        migrate_async,
        plan_async,
        resolve_async,
        rollback_async,
        snapshot_async,
        status_async,
        unlock_async,
        wait_async,
    )
    from scyllamodel.release.backfill import BackfillProgress, BackfillReport, backfill
    from scyllamodel.release.expand import expand
    from scyllamodel.release.sources import SchemaDiff, diff, snapshot
    from scyllamodel.release.waiting import WaitResult, wait
    from scyllamodel.schema.apply import Event
    from scyllamodel.schema.course import ExpandContractPlan, Stage
    from scyllamodel.schema.diagnostics import Diagnostic
    from scyllamodel.schema.options import DOCSTRING, TableOptions
    from scyllamodel.schema.plan import Plan

__all__ = [  # noqa: RUF022 - sorted as `sorted` does
    "AsyncRepo",
    "BackfillFailed",
    "BackfillProgress",
    "BackfillReport",
    "BuildTimeout",
    "BulkReport",
    "BulkWriteError",
    "CheckResult",
    "Column",
    "ConcurrentWrite",
    "ConfigurationError",
    "ConnectionFailed",
    "DOCSTRING",
    "DestructiveChangeRefused",
    "Diagnostic",
    "DiscoveryError",
    "DuplicateTable",
    "Event",
    "ExpandContractPlan",
    "ForeignVersion",
    "ImpossibleChange",
    "Index",
    "IntrospectionError",
    "InvalidPageToken",
    "IrreversibleStep",
    "KeyspaceError",
    "KeyspaceResult",
    "LWTResult",
    "LedgerError",
    "LedgerStep",
    "LoadError",
    "LockHolder",
    "LockLost",
    "LockTimeout",
    "LockUse",
    "MaterializedView",
    "Migration",
    "MigrationResult",
    "Model",
    "ModelDefinitionError",
    "MultipleReposFailed",
    "MultipleResultsFound",
    "NoModelsFound",
    "NotFound",
    "OutOfSync",
    "Page",
    "PartialRow",
    "PermissionDenied",
    "Plan",
    "QueryEvent",
    "QueryNotSupported",
    "RawStep",
    "Repo",
    "RequestFailed",
    "RequestRefused",
    "RequestTimeout",
    "SchemaDiff",
    "SchemaDisagreement",
    "ScyllaModelError",
    "ServiceUnavailable",
    "Stage",
    "StalePlan",
    "Statement",
    "Status",
    "StepFailed",
    "SupersededModels",
    "TableOptions",
    "TypeMismatch",
    "UnknownColumn",
    "UnknownOutcome",
    "UnknownRepo",
    "UnknownVersion",
    "UserType",
    "WaitResult",
    "backfill",
    "backfill_async",
    "baseline",
    "baseline_async",
    "check",
    "check_async",
    "clustering_key",
    "column",
    "configured_repos",
    "contract",
    "contract_async",
    "create_keyspace",
    "create_keyspace_async",
    "delete",
    "diff",
    "diff_async",
    "expand",
    "expand_async",
    "find_resources",
    "history",
    "history_async",
    "insert",
    "inspect",
    "inspect_async",
    "migrate",
    "migrate_all",
    "migrate_all_async",
    "migrate_async",
    "partition_key",
    "plan",
    "plan_async",
    "resolve",
    "resolve_async",
    "rollback",
    "rollback_async",
    "select",
    "snapshot",
    "snapshot_async",
    "status",
    "status_async",
    "unlock",
    "unlock_async",
    "update",
    "wait",
    "wait_async",
]

_HOMES: Final = {
    "scyllamodel._public": "Model",
    "scyllamodel.driver.configured": "configured_repos",
    "scyllamodel.driver.pages": "Page",
    "scyllamodel.driver.bulk_report": "BulkReport",
    "scyllamodel.driver.async_repo": "AsyncRepo",
    "scyllamodel.driver.repo": "Repo",
    "scyllamodel.driver.watch": "QueryEvent",
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
    "scyllamodel.model.declare": "clustering_key column partition_key",
    "scyllamodel.model.index": "Index",
    "scyllamodel.model.usertype": "UserType",
    "scyllamodel.model.view": "MaterializedView",
    "scyllamodel.query.delete": "delete",
    "scyllamodel.query.insert": "insert",
    "scyllamodel.query.results": "LWTResult PartialRow",
    "scyllamodel.query.selection": "select",
    "scyllamodel.query.statement": "Statement",
    "scyllamodel.query.update": "update",
    "scyllamodel.release": """
        CheckResult KeyspaceResult LedgerStep LockHolder LockUse Migration MigrationResult RawStep Status baseline
        check contract create_keyspace find_resources history inspect migrate migrate_all plan resolve rollback
        status unlock
    """,
    "scyllamodel.release.awaited": """
        backfill_async baseline_async check_async contract_async create_keyspace_async diff_async expand_async
        history_async inspect_async migrate_all_async migrate_async plan_async resolve_async rollback_async
        snapshot_async status_async unlock_async wait_async
    """,
    "scyllamodel.release.backfill": "BackfillProgress BackfillReport backfill",
    "scyllamodel.release.expand": "expand",
    "scyllamodel.release.sources": "SchemaDiff diff snapshot",
    "scyllamodel.release.waiting": "WaitResult wait",
    "scyllamodel.schema.apply": "Event",
    "scyllamodel.schema.course": "ExpandContractPlan Stage",
    "scyllamodel.schema.diagnostics": "Diagnostic",
    "scyllamodel.schema.options": "DOCSTRING TableOptions",
    "scyllamodel.schema.plan": "Plan",
}
"""The module of each public name."""

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
    return sorted({*globals(), *__all__})
