"""Keeps ScyllaDB and Cassandra schemas in step with attrs model classes."""

from scyllamodel._public import Model
from scyllamodel.driver.configured import configured_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import (
    ConfigurationError,
    ConnectionFailed,
    DestructiveChangeRefused,
    DiscoveryError,
    DuplicateTable,
    ImpossibleChange,
    IntrospectionError,
    KeyspaceError,
    ModelDefinitionError,
    NoModelsFound,
    SchemaDisagreement,
    ScyllaModelError,
    SeveralFailed,
    StalePlan,
    StepFailed,
    TypeMismatch,
    UnknownColumn,
    UnknownRepo,
)
from scyllamodel.model.column import Column
from scyllamodel.model.declare import clustering_key, column, partition_key
from scyllamodel.model.index import Index
from scyllamodel.model.usertype import UserType
from scyllamodel.model.view import MaterializedView
from scyllamodel.release import (
    CheckResult,
    KeyspaceResult,
    MigrationResult,
    check,
    create_keyspace,
    find_resources,
    inspect,
    migrate,
    migrate_all,
    plan,
)
from scyllamodel.schema.apply import Event
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.options import DOCSTRING, TableOptions
from scyllamodel.schema.plan import Plan

__all__ = [  # noqa: RUF022 - sorted as `sorted` does
    "CheckResult",
    "Column",
    "ConfigurationError",
    "ConnectionFailed",
    "DOCSTRING",
    "DestructiveChangeRefused",
    "Diagnostic",
    "DiscoveryError",
    "DuplicateTable",
    "Event",
    "ImpossibleChange",
    "Index",
    "IntrospectionError",
    "KeyspaceError",
    "KeyspaceResult",
    "MaterializedView",
    "MigrationResult",
    "Model",
    "ModelDefinitionError",
    "NoModelsFound",
    "Plan",
    "Repo",
    "SchemaDisagreement",
    "ScyllaModelError",
    "SeveralFailed",
    "StalePlan",
    "StepFailed",
    "TableOptions",
    "TypeMismatch",
    "UnknownColumn",
    "UnknownRepo",
    "UserType",
    "check",
    "clustering_key",
    "column",
    "configured_repos",
    "create_keyspace",
    "find_resources",
    "inspect",
    "migrate",
    "migrate_all",
    "partition_key",
    "plan",
]
