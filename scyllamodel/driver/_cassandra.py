"""Every name of the driver that this package uses, with its type.

The driver ships no types. Names loaded here are `Any`, narrowed where they are used; exceptions are typed as
exceptions. Both scylla-driver and cassandra-driver provide the package ``cassandra``.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final

_root: Any = import_module("cassandra")
_cluster: Any = import_module("cassandra.cluster")
_connection: Any = import_module("cassandra.connection")
_policies: Any = import_module("cassandra.policies")
_protocol: Any = import_module("cassandra.protocol")
_query: Any = import_module("cassandra.query")

Cluster: Final[Any] = _cluster.Cluster
Session: Final[Any] = _cluster.Session
ResponseFuture: Final[Any] = _cluster.ResponseFuture
EXEC_PROFILE_DEFAULT: Final[Any] = _cluster.EXEC_PROFILE_DEFAULT
ExecutionProfile: Final[Any] = _cluster.ExecutionProfile
PlainTextAuthProvider: Final[Any] = import_module("cassandra.auth").PlainTextAuthProvider
ConsistencyLevel: Final[Any] = _root.ConsistencyLevel
DCAwareRoundRobinPolicy: Final[Any] = _policies.DCAwareRoundRobinPolicy
FallthroughRetryPolicy: Final[Any] = _policies.FallthroughRetryPolicy
HostDistance: Final[Any] = _policies.HostDistance
LoadBalancingPolicy: Final[Any] = _policies.LoadBalancingPolicy
RetryPolicy: Final[Any] = _policies.RetryPolicy
TokenAwarePolicy: Final[Any] = _policies.TokenAwarePolicy
NoSpeculativeExecutionPolicy: Final[Any] = _policies.NoSpeculativeExecutionPolicy
SimpleStatement: Final[Any] = _query.SimpleStatement
BatchStatement: Final[Any] = _query.BatchStatement
BatchType: Final[Any] = _query.BatchType
BoundStatement: Final[Any] = _query.BoundStatement
FETCH_SIZE_UNSET: Final[Any] = _query.FETCH_SIZE_UNSET
UNSET_VALUE: Final[Any] = _query.UNSET_VALUE
dict_factory: Final[Any] = _query.dict_factory
tuple_factory: Final[Any] = _query.tuple_factory
cqltypes: Final[Any] = import_module("cassandra.cqltypes")
uvint_unpack: Final[Any] = import_module("cassandra.marshal").uvint_unpack
ColDesc: Final[Any] = _policies.ColDesc
ExecuteMessage: Final[Any] = _protocol.ExecuteMessage
PrepareMessage: Final[Any] = _protocol.PrepareMessage
ProtocolHandler: Final[Any] = _protocol.ProtocolHandler
ResultMessage: Final[Any] = _protocol.ResultMessage
read_int: Final[Any] = _protocol.read_int

AlreadyExists: Final[type[Exception]] = _root.AlreadyExists
AuthenticationFailed: Final[type[Exception]] = _root.AuthenticationFailed
ConfigurationException: Final[type[Exception]] = _root.ConfigurationException
DriverException: Final[type[Exception]] = _root.DriverException
InvalidRequest: Final[type[Exception]] = _root.InvalidRequest
OperationTimedOut: Final[type[Exception]] = _root.OperationTimedOut
ServerTimeout: Final[type[Exception]] = _root.Timeout
Unauthorized: Final[type[Exception]] = _root.Unauthorized
Unavailable: Final[type[Exception]] = _root.Unavailable
UnresolvableContactPoints: Final[type[Exception]] = _root.UnresolvableContactPoints
NoHostAvailable: Final[type[Exception]] = _cluster.NoHostAvailable
AVAILABLE_COMPRESSIONS: Final[Any] = _connection.locally_supported_compressions
DriverConnection: Final[Any] = _connection.Connection
HostConnection: Final[Any] = getattr(import_module("cassandra.pool"), "HostConnection", None)
PreparedStatement: Final[Any] = _query.PreparedStatement
DefaultEndPoint: Final[Any] = _connection.DefaultEndPoint
DefaultEndPointFactory: Final[Any] = _connection.DefaultEndPointFactory
ConnectionBusy: Final[type[Exception]] = _connection.ConnectionBusy
NoConnectionsAvailable: Final[type[Exception]] = import_module("cassandra.pool").NoConnectionsAvailable
ConnectionException: Final[type[Exception]] = _connection.ConnectionException
ConnectionShutdown: Final[type[Exception]] = _connection.ConnectionShutdown
ProtocolError: Final[type[Exception]] = _connection.ProtocolError
ProtocolVersionUnsupported: Final[type[Exception]] = _connection.ProtocolVersionUnsupported
ConfigurationMessage: Final[type[Exception]] = _protocol.ConfigurationException
ErrorMessage: Final[type[Exception]] = _protocol.ErrorMessage
IsBootstrapping: Final[type[Exception]] = _protocol.IsBootstrappingErrorMessage
Overloaded: Final[type[Exception]] = _protocol.OverloadedErrorMessage
ProtocolException: Final[type[Exception]] = _protocol.ProtocolException
# scylla-driver only: the servers of cassandra-driver do not limit rates.
RateLimitReached: Final[type[Exception]] = getattr(_root, "RateLimitReached", _protocol.OverloadedErrorMessage)
ServerError: Final[type[Exception]] = _protocol.ServerError
SyntaxException: Final[type[Exception]] = _protocol.SyntaxException


def type_kind(driver_type: Any) -> str:
    """Return the kind of a driver type: ``set``, ``tuple`` and so on, ``vector``, or ``user type``.

    Its ``typename`` is not enough: that of a user type is chosen by the user, and may be ``set``.
    """
    if issubclass(driver_type, cqltypes.UserType):
        return "user type"
    return "vector" if hasattr(driver_type, "vector_size") else str(driver_type.typename)


def subtypes_of(driver_type: Any) -> tuple[Any, ...]:
    """Return the driver types inside a type: of its elements, keys and values, or fields."""
    return (driver_type.subtype,) if type_kind(driver_type) == "vector" else tuple(driver_type.subtypes)


def clusters_to_shut_down() -> set[Any]:
    """Return the clusters that the driver shuts down at the exit of this process, to be changed in place."""
    clusters: set[Any] | None = getattr(_cluster, "_clusters_for_shutdown", None)
    return set() if clusters is None else clusters


def loop_modules() -> list[Any]:
    """Return the loaded driver modules with one event loop per process; the driver recreates asyncio's itself."""
    modules = (sys.modules.get(f"cassandra.io.{name}") for name in ("libevreactor", "asyncorereactor"))
    return [module for module in modules if module is not None]
