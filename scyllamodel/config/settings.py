"""Settings of a repo: an immutable, validated value that hides its password.

*In*: the keywords of `scyllamodel.Repo`. *Out*: `RepoSettings`, or a `ConfigurationError` that names the setting.
Objects of the driver (TLS context, policies, profiles) are passed through unchanged.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from itertools import chain
from types import ModuleType
from typing import Any, Final, NoReturn, cast

import attrs

from scyllamodel._identifiers import companion_keyspace, name_problem
from scyllamodel._numbers import check_seconds
from scyllamodel._text import closest
from scyllamodel.errors import ConfigurationError
from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.facts.replication import replication_map, strategy_fault

PORT: Final = 9042
"""Default port of CQL servers."""

CONSISTENCY_LEVELS: Final = (
    "ANY ONE TWO THREE QUORUM ALL LOCAL_QUORUM EACH_QUORUM SERIAL LOCAL_SERIAL LOCAL_ONE".split()
)
"""The names of the native protocol specification (section 3, ``[consistency]``), each at the index of its number."""

COMPRESSIONS: Final = ("lz4", "snappy")
"""The algorithms of the native protocol (section 5, ``COMPRESSION`` of STARTUP)."""

_REPLICATION: Final = 'Write {"class": "NetworkTopologyStrategy", "dc1": 3}.'
_TYPES: Final[Mapping[str, tuple[type | tuple[type, ...], str]]] = {
    **dict.fromkeys(("name", "keyspace", "ledger_keyspace", "application_role", "local_dc", "username"), (str, "text")),
    **dict.fromkeys(("tls_ca", "tls_cert", "tls_key"), (str, "the path of a file")),
    **dict.fromkeys(
        ("tablets", "durable_writes", "create_keyspace", "trace_queries", "fast_path"), (bool, "True or False")
    ),
    **dict.fromkeys(("request_timeout", "slow_query"), ((int, float), "a number of seconds")),
}
_SERIAL_LEVELS: Final = ("SERIAL", "LOCAL_SERIAL")
_HOST: Final = re.compile(r"[A-Za-z0-9_.:-]+", re.ASCII)


class Secret:
    """A password that only `reveal` returns: not ``repr``, ``str``, ``format`` or `pickle`.

    >>> Secret("hunter2")
    Secret('***')
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """Return the password."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.__value == other.reveal()

    def __hash__(self) -> int:
        return hash(self.__value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a password cannot be pickled; configure the settings in the other process")


def choices_hint(name: str, known: Iterable[str]) -> str:
    """Return the nearest known name as a suggestion for an error, or all known names if none is near.

    >>> choices_hint("local_cd", ["local_dc", "name"]), choices_hint("zzz", ["b", "a"])
    (" (did you mean 'local_dc'?)", ' (there are: a, b)')
    """
    choices = sorted(known)
    nearest = closest(name, choices, cutoff=0.7)
    return f" (there are: {', '.join(choices)})" if nearest is None else f" (did you mean {nearest!r}?)"


def node_text(host: str, port: int) -> str:
    """Return a node as text, as in settings and messages.

    >>> node_text("10.0.0.1", 9042), node_text("::1", 9043)
    ('10.0.0.1:9042', '[::1]:9043')
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def node_address(node: str) -> tuple[str, int]:
    """Return host and port of a node; the default port is 9042.

    >>> node_address("db1"), node_address("10.0.0.1:9043"), node_address("[::1]:9043"), node_address("::1")
    (('db1', 9042), ('10.0.0.1', 9043), ('::1', 9043), ('::1', 9042))

    Raises:
        ConfigurationError: the host is missing, or the port is not a number from 1 to 65535.
    """
    host, bracket, port_text = node[1:].partition("]") if node.startswith("[") else ("", "", "")
    if not bracket:
        # More than one colon outside brackets is an IPv6 address, which cannot have a port without brackets.
        host, port_text = (
            (node, "") if node.count(":") > 1 else (node.partition(":")[0], "".join(node.partition(":")[1:]))
        )
    port = port_text[1:] if port_text.startswith(":") else str(PORT) if not port_text else "?"
    if not _HOST.fullmatch(host) or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ConfigurationError(
            f"nodes: {node!r} is not a server address. Write host or host:port, such as '10.0.0.1:9042' or "
            "'[::1]:9042'.",
            setting="nodes",
        )
    return host, int(port)


def _as_texts(value: Any, setting: str) -> tuple[str, ...]:
    """Convert a list of texts, or one text with commas; a module is replaced by its name."""
    if isinstance(value, ModuleType):
        return (value.__name__,)
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if not isinstance(value, Iterable):
        raise ConfigurationError(f"{setting}= must be a list of texts, got {value!r}.", setting=setting)
    parts = cast("Iterable[object]", value)
    return tuple(part.__name__ if isinstance(part, ModuleType) else str(part).strip() for part in parts)


def _nodes(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(node_text(*node_address(node)) for node in _as_texts(value, "nodes")))


def _models(value: Any) -> tuple[str, ...]:
    return _as_texts(value, "models")


def _replication(value: Any) -> FrozenMap | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"replication= must be a map, got {value!r}. {_REPLICATION}", setting="replication")
    return replication_map(cast("Mapping[object, object]", value))


def _level(value: str | int | None) -> str | None:
    """Convert a consistency level, given by name or by the driver's number."""
    if isinstance(value, int) and 0 <= value < len(CONSISTENCY_LEVELS):
        return CONSISTENCY_LEVELS[value]
    return None if value is None else str(value).upper()


def _secret(value: Any, setting: str) -> Secret | None:
    if value is None or isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise ConfigurationError(f"{setting}= must be text, and the given value is not.", setting=setting)
    return Secret(value)


def _password(value: Any) -> Secret | None:
    return _secret(value, "password")


MIN_PAGE_SECRET_LENGTH: Final = 16
"""Minimum length of a page secret in characters: as many bits as the signature of a token."""

_SECRET_ADVICE: Final = "Create one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"  # noqa: S105


def page_secrets(value: Any, setting: str = "page_secret") -> tuple[Secret, ...]:
    """Convert the secrets of page tokens: the first one signs, all of them verify.

    >>> page_secrets("the-new-secret-of-march, the-old-secret-of-february")
    (Secret('***'), Secret('***'))

    Parameters:
        value: a secret, several separated by commas, or a list of secrets; None and an empty list mean none.
        setting: name of the setting in errors.

    Raises:
        ConfigurationError: one of them is empty or too short; none is quoted.
    """
    if value is None:
        return ()
    if not isinstance(value, (str, Secret, list, tuple)):
        raise ConfigurationError(f"{setting}= must be text or a list of texts.", setting=setting)
    values = cast("Iterable[object]", [value] if isinstance(value, (str, Secret)) else value)
    secrets = [secret for value in values for secret in _split_secrets(value, setting)]
    if any(len(secret.reveal()) < MIN_PAGE_SECRET_LENGTH for secret in secrets):
        raise ConfigurationError(
            f"{setting}: a page secret has at least {MIN_PAGE_SECRET_LENGTH} characters; a shorter one could be "
            f"guessed from a token. {_SECRET_ADVICE}",
            setting=setting,
        )
    return tuple(secrets)


def _split_secrets(text: object, setting: str) -> Iterable[Secret]:
    secret = _secret(text, setting)
    return (Secret(part.strip()) for part in ("" if secret is None else secret.reveal()).split(","))


def _path(value: Any) -> Any:
    """Convert a path to text."""
    return os.fspath(cast("os.PathLike[str]", value)) if isinstance(value, os.PathLike) else value


_HIDDEN_FIELD: Final[Mapping[str, Any]] = {"default": None, "repr": False, "eq": False}


@attrs.frozen(kw_only=True)
class RepoSettings:
    """Settings of a repo; `scyllamodel.Repo` describes the keywords.

    Raises:
        ConfigurationError: a setting is missing or not valid; ``setting`` is its name.
    """

    name: str = "default"
    keyspace: str = ""
    nodes: tuple[str, ...] = attrs.field(default=(), converter=_nodes)
    models: tuple[str, ...] = attrs.field(default=(), converter=_models)
    replication: FrozenMap | None = attrs.field(default=None, converter=_replication)
    local_dc: str | None = None
    username: str | None = None
    password: Secret | None = attrs.field(default=None, converter=_password, repr=False)
    ssl_context: Any = attrs.field(**_HIDDEN_FIELD)
    tls_ca: str | None = attrs.field(default=None, converter=_path)
    tls_cert: str | None = attrs.field(default=None, converter=_path)
    tls_key: str | None = attrs.field(default=None, converter=_path)
    tablets: bool | None = None
    durable_writes: bool = True
    consistency: str | None = attrs.field(default=None, converter=_level)
    serial_consistency: str | None = attrs.field(default=None, converter=_level)
    execution_profiles: Mapping[Any, Any] | None = attrs.field(**_HIDDEN_FIELD)
    request_timeout: float | None = None
    create_keyspace: bool = False
    ledger_keyspace: str | None = None
    application_role: str | None = None
    load_balancing_policy: Any = attrs.field(**_HIDDEN_FIELD)
    retry_policy: Any = attrs.field(**_HIDDEN_FIELD)
    speculative_execution_policy: Any = attrs.field(**_HIDDEN_FIELD)
    naive_datetimes: str | None = None
    slow_query: float | None = None
    trace_queries: bool = False
    on_query: Any = attrs.field(**_HIDDEN_FIELD)
    fast_path: bool = True
    compression: bool | str | None = None
    page_secret: tuple[Secret, ...] = attrs.field(default=(), converter=page_secrets, repr=False)
    borrowed: bool = False
    """Whether the application provides its own driver session, so that nodes and driver settings do not apply."""

    @property
    def uses_tls(self) -> bool:
        """Whether connections use TLS."""
        return any(value is not None for value in (self.ssl_context, self.tls_ca, self.tls_cert))

    @property
    def internal_keyspaces(self) -> tuple[str, ...]:
        """Keyspaces that may contain the internal tables: lock, ledger, page secret.

        This is ``ledger_keyspace=`` if it is set. If not, it is the keyspace of the repo, or its companion if the
        server has no lightweight transactions in keyspaces with tablets.
        """
        ledger_keyspace = self.ledger_keyspace
        return (ledger_keyspace,) if ledger_keyspace else (self.keyspace, companion_keyspace(self.keyspace))

    def __attrs_post_init__(self) -> None:
        faults = (self._type_faults, self._identity_faults, self._connection_faults, self._level_faults)
        for setting, fault in chain.from_iterable(find() for find in faults):
            raise ConfigurationError(f"repo {self.name!r}: {fault}", setting=setting, repo=self.name)

    def _type_faults(self) -> Iterable[tuple[str, str]]:
        """Yield values of wrong types: a text such as "no" would count as true, and others would fail later."""
        for setting, (types, what) in _TYPES.items():
            value = getattr(self, setting)
            if value is not None and not isinstance(value, types):
                yield setting, f"{setting}= must be {what}, got {value!r}."
        if self.compression not in (None, True, False, *COMPRESSIONS):
            yield "compression", f"compression= must be True, False, 'lz4' or 'snappy', got {self.compression!r}."
        if isinstance(self.ssl_context, (bool, str, Mapping)):
            yield "ssl_context", "ssl_context= must be an ssl.SSLContext, such as ssl.create_default_context()."

    def _identity_faults(self) -> Iterable[tuple[str, str]]:
        if not self.name:
            yield "name", "a repo needs a name; remove name= to use 'default'."
        if not self.keyspace:
            yield "keyspace", 'keyspace= is missing. Write keyspace="shop", or scylla://host/shop in a URL.'
        elif fault := name_problem(self.keyspace, "keyspace"):
            yield "keyspace", f"{fault}."
        if self.ledger_keyspace is not None and (fault := name_problem(self.ledger_keyspace, "keyspace")):
            yield "ledger_keyspace", f"{fault}."
        if self.application_role is not None and not self.application_role.strip():
            yield "application_role", "application_role= is empty; set it to the name of a role."
        if self.replication is not None and "class" not in self.replication:
            yield "replication", 'the map has no "class". ' + _REPLICATION
        elif self.replication is not None and (fault := strategy_fault(self.replication["class"])):
            yield "replication", f"{fault} {_REPLICATION}"
        for package in self.models:
            if not all(part.isidentifier() for part in package.split(".")):
                yield "models", f"{package!r} is not a package name. Write a dotted name, such as 'shop.models'."

    def _connection_faults(self) -> Iterable[tuple[str, str]]:
        if self.borrowed:
            yield from self._session_faults()
        elif not self.nodes:
            yield "nodes", 'nodes= is missing. Write nodes=["10.0.0.1:9042"], or pass a session=.'
        if (self.username is None) != (self.password is None):
            missing = "password" if self.password is None else "username"
            yield missing, f"a username and a password are needed together, and the {missing} is missing."
        yield from self._tls_faults()
        if self.naive_datetimes not in (None, "utc"):
            yield "naive_datetimes", f"naive_datetimes= must be 'utc' or None, got {self.naive_datetimes!r}."
        yield from self._time_faults()

    def _tls_faults(self) -> Iterable[tuple[str, str]]:
        if self.tls_key is not None and self.tls_cert is None:
            yield "tls_cert", "tls_key= needs tls_cert=, the certificate that the key belongs to."
        if self.ssl_context is not None and (self.tls_ca or self.tls_cert):
            yield "ssl_context", "ssl_context= cannot be combined with tls_ca= or tls_cert=. Remove one of them."

    def _time_faults(self) -> Iterable[tuple[str, str]]:
        for setting, allow_zero in (("request_timeout", False), ("slow_query", True)):
            value = getattr(self, setting)
            try:
                if value is not None:
                    check_seconds(setting, value, allow_zero=allow_zero)
            except ValueError as error:
                yield setting, f"{error}."

    def _session_faults(self) -> Iterable[tuple[str, str]]:
        """Yield connection settings beside a session=, which would have no effect."""
        for setting in _CONNECTION_SETTINGS:
            if getattr(self, setting) not in (None, ()):
                yield setting, f"{setting}= has no effect with session=. Remove one of them."

    def _level_faults(self) -> Iterable[tuple[str, str]]:
        for setting, levels in (("consistency", CONSISTENCY_LEVELS), ("serial_consistency", _SERIAL_LEVELS)):
            level = getattr(self, setting)
            if level is not None and level not in levels:
                yield setting, f"{setting}= is {level!r}, which is not a valid level{choices_hint(level, levels)}."
        if self.consistency == "ANY":
            yield (
                "consistency",
                "ANY cannot be used for reads. Write 'ONE' here, and .consistency('ANY') on single writes.",
            )


_CONNECTION_SETTINGS: Final = (
    "nodes", "local_dc", "username", "password", "ssl_context", "tls_ca", "tls_cert", "tls_key", "execution_profiles",
    "load_balancing_policy", "retry_policy", "speculative_execution_policy", "compression",
)  # fmt: skip
