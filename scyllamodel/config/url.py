"""Parses a repo URL: ``scylla://user:pw@h1,h2:9042/shop?local_dc=dc1&models=shop.models&tls=1``.

*In*: a URL. *Out*: `RepoSettings`. `urllib.parse.urlsplit` is not used, since it does not support several hosts, and
its errors quote parts of the text, which may be parts of a password. Errors of this module quote only known setting
names, since any other part may belong to a password if a host or a separator is missing.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from scyllamodel._identifiers import name_problem
from scyllamodel.config.settings import COMPRESSIONS, RepoSettings, Secret, choices_hint, node_address
from scyllamodel.errors import ConfigurationError

SCHEMES: Final = ("scylla", "cassandra")
EXAMPLE: Final = "scylla://user:password@host1,host2:9042/keyspace?local_dc=dc1&models=shop.models"


def is_url(text: str) -> bool:
    """Return whether a text is a URL rather than ``module:attribute``."""
    return "://" in text


def settings_from_url(url: str) -> RepoSettings:
    """Parse the settings of a URL.

    User, password, keyspace and values may contain percent-escapes. An IPv6 host is written in brackets. A host without
    a port has the port of the last host.

    >>> settings_from_url("scylla://h1,h2:9043/shop?models=shop.models").nodes
    ('h1:9043', 'h2:9043')

    Raises:
        ConfigurationError: the URL is not valid, or a setting in it is unknown or not valid; no password is quoted.
    """
    scheme, _, remainder = url.partition("://")
    if scheme.lower() not in SCHEMES:
        raise _url_error(f"it starts with neither {' nor '.join(f'{scheme_name}://' for scheme_name in SCHEMES)}")
    netloc, path, query = _split(remainder)
    login, _, hosts = netloc.rpartition("@")
    username, password = _login(login)
    nodes, keyspace = _hosts(hosts), _keyspace(path)
    return RepoSettings(nodes=nodes, keyspace=keyspace, username=username, password=password, **_query(query))


def check_url(text: str, source: str) -> str:
    """Return the text if it is a URL.

    Parameters:
        source: origin of the text, for the error.

    Raises:
        ConfigurationError: the text is not a URL; it is not quoted, since it may contain a password.
    """
    if is_url(text):
        return text
    raise ConfigurationError(f"{source} is not a URL. Write it like {EXAMPLE}", setting="url")


def read_url_file(path: str, source: str) -> str:
    """Read a URL from a file.

    Raises:
        ConfigurationError: the file cannot be read, or does not contain a URL.
    """
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")  # a decoding error would contain the password
    except OSError as error:
        raise ConfigurationError(f"{source}: {path} cannot be read: {error.strerror}.", setting="url") from error
    if "\ufffd" in text:
        raise ConfigurationError(f"{source}: {path} is not UTF-8 text.", setting="url")
    return check_url(text.strip(), source)


def _url_error(reason: str, setting: str = "url") -> ConfigurationError:
    return ConfigurationError(f"the URL of a repo cannot be used: {reason}. Write it like {EXAMPLE}", setting=setting)


def _split(remainder: str) -> tuple[str, str, str]:
    """Split the part after the scheme into login and hosts, path, and query."""
    authority, _, query = remainder.partition("?")
    netloc, _, path = authority.partition("/")
    # After the hosts, an "@" can only come from a password with an unescaped / or ?.
    if "@" in path or "@" in query or "#" in remainder:
        raise _url_error("one of the characters @ / ? # is misplaced; in a password write %40 %2F %3F %23")
    return netloc, path, query


def _login(login: str) -> tuple[str | None, Secret | None]:
    if not login:
        return None, None
    username, colon, password = login.partition(":")
    return unquote(username), Secret(unquote(password)) if colon else None


def _hosts(hosts: str) -> tuple[str, ...]:
    """Return the hosts with ports; a host without one has that of the last host, as in URLs of other databases."""
    names = [host for host in hosts.split(",") if host]
    if not names:
        raise _url_error("it has no host", "nodes")
    if not all(map(_is_node, names)):
        raise _url_error("a host in it is not host or host:port; user and password must be followed by @", "nodes")
    last_address = names[-1].rpartition("]")[2]
    port = last_address.rpartition(":")[2] if ":" in last_address else ""
    return tuple(host if not port or ":" in host.rpartition("]")[2] else f"{host}:{port}" for host in names)


def _is_node(host: str) -> bool:
    try:
        node_address(host)
    except ConfigurationError:
        return False
    return True


def _keyspace(path: str) -> str:
    keyspace = unquote(path.rstrip("/"))
    if not keyspace:
        raise _url_error("it has no keyspace after the hosts", "keyspace")
    if name_problem(keyspace, "keyspace"):
        raise _url_error("the path after the hosts is not a keyspace name", "keyspace")
    return keyspace


def _parse_bool(text: str) -> bool:
    """Parse a boolean.

    Raises:
        ValueError: the text is not a boolean.
    """
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"{text!r} must be 1 or 0")


def _parse_compression(text: str) -> bool | str:
    if text in COMPRESSIONS:
        return text
    try:
        return _parse_bool(text)
    except ValueError:
        raise ValueError(f"{text!r} must be {', '.join(COMPRESSIONS)}, 1 or 0") from None


def _parse_tls(text: str) -> ssl.SSLContext | None:
    return ssl.create_default_context() if _parse_bool(text) else None


_PARAMETERS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "name": ("name", str),
    "local_dc": ("local_dc", str),
    "models": ("models", str),
    "tls": ("ssl_context", _parse_tls),
    "tls_ca": ("tls_ca", str),
    "tls_cert": ("tls_cert", str),
    "tls_key": ("tls_key", str),
    "tablets": ("tablets", _parse_bool),
    "durable_writes": ("durable_writes", _parse_bool),
    "create_keyspace": ("create_keyspace", _parse_bool),
    "ledger_keyspace": ("ledger_keyspace", str),
    "application_role": ("application_role", str),
    "consistency": ("consistency", str),
    "serial_consistency": ("serial_consistency", str),
    "request_timeout": ("request_timeout", float),
    "page_secret": ("page_secret", str),
    "fast_path": ("fast_path", _parse_bool),
    "compression": ("compression", _parse_compression),
}


def _query(query: str) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for pair in filter(None, query.split("&")):
        key, _, text = pair.partition("=")
        if key not in _PARAMETERS:
            raise _url_error(f"it has an unknown setting{choices_hint(key, _PARAMETERS)}")
        setting, convert = _PARAMETERS[key]
        if setting in settings:
            raise _url_error(f"{key!r} occurs in it twice", key)
        try:
            settings[setting] = convert(unquote(text))
        except ValueError as error:
            raise _url_error(f"{key}: {error}", key) from None
    return _with_files(settings)


def _with_files(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings; TLS files imply ``tls=1``."""
    files = [setting for setting in settings if setting.startswith("tls_")]
    if files and settings.pop("ssl_context", True) is None:
        raise _url_error(f"tls=0 and {files[0]} contradict each other", files[0])
    return settings
