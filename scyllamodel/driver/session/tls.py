"""TLS: the context of the settings, and the names that certificates are checked against.

In: `RepoSettings`. Out: an `ssl.SSLContext`, and a driver cluster with host names. The driver resolves contact points
and compares certificates with addresses, which few certificates contain; here an address that came from a name in
``nodes=`` is checked by that name (seen on scylla-driver 3.29.12).
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn

from scyllamodel.config import RepoSettings
from scyllamodel.driver._cassandra import Cluster, DefaultEndPoint, DefaultEndPointFactory
from scyllamodel.errors import ConfigurationError


def tls_context(settings: RepoSettings) -> Any:
    """Return the SSL context of the settings, made of their files where they name some; None without TLS.

    Raises:
        ConfigurationError: a file cannot be used; ``setting`` names it.
    """
    if settings.ssl_context is not None or not settings.uses_tls:
        return settings.ssl_context
    _check_files(settings)
    cert, key = settings.tls_cert, settings.tls_key
    context = _load_setting(settings, ("tls_ca",), lambda: ssl.create_default_context(cafile=settings.tls_ca))
    if cert is not None:
        setting_names = ("tls_cert",) if key is None else ("tls_cert", "tls_key")
        _load_setting(settings, setting_names, lambda: context.load_cert_chain(cert, key, _refuse_passphrase))
    return context


def _check_files(settings: RepoSettings) -> None:
    """Read each file, because `ssl` does not say which one is missing."""
    for setting in ("tls_ca", "tls_cert", "tls_key"):
        path = getattr(settings, setting)
        if path is not None:
            _load_setting(settings, (setting,), Path(path).read_bytes)


def _load_setting(settings: RepoSettings, names: Sequence[str], load: Callable[[], Any]) -> Any:
    try:
        return load()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "strerror", None) or str(error)
    files = " and ".join(f"{name}={getattr(settings, name)!r}" for name in names)
    raise ConfigurationError(
        f"repo {settings.name!r}: {files} cannot be used: {reason}.", setting=names[0], repo=settings.name
    )


def _refuse_passphrase() -> NoReturn:
    """Refuse a passphrase prompt of OpenSSL."""
    raise ValueError("the key is encrypted, and no password can be entered. Use a key without a password")


class _NamedEndPoint(DefaultEndPoint):  # type: ignore[misc]
    """An address whose certificate is checked by name; equal to the same address without a name."""

    def __init__(self, address: str, port: int, name: str) -> None:
        DefaultEndPoint.__init__(self, address, port)
        self._name = name

    @property
    def ssl_options(self) -> dict[str, str]:
        return {"server_hostname": self._name}


class NamedEndPointFactory(DefaultEndPointFactory):  # type: ignore[misc]
    """A factory of endpoints, with a name where a configured node has that address.

    Parameters:
        nodes: hosts and ports of the settings; addresses among them are checked as addresses.
        port: for nodes that do not announce one.
    """

    def __init__(self, nodes: Iterable[tuple[str, int]], port: int) -> None:
        DefaultEndPointFactory.__init__(self, port)
        self._hosts = [host for host, _ in nodes]
        self._names: dict[str, str | None] = {host: None for host in self._hosts if _is_address(host)}

    def create(self, row: Any) -> Any:
        """Return the endpoint of a row of ``system.local`` or ``system.peers``."""
        return self.with_name(DefaultEndPointFactory.create(self, row))

    def with_name(self, endpoint: Any) -> Any:
        """Return the endpoint, with the name that resolves to its address, if any."""
        if endpoint.address not in self._names:
            self._resolve()  # a node may have joined under a known name
        name = self._names.setdefault(endpoint.address, None)
        return endpoint if name is None else _NamedEndPoint(endpoint.address, endpoint.port, name)

    def _resolve(self) -> None:
        for host in self._hosts:
            if not _is_address(host):
                for address in _addresses(host):
                    self._names.setdefault(address, host)


def new_cluster(**settings: Any) -> Any:
    """Make a driver cluster that checks the certificates of contact points by name, if the context checks names."""
    context = settings.get("ssl_context")
    if not getattr(context, "check_hostname", False):
        return Cluster(**settings)
    factory = NamedEndPointFactory(settings["contact_points"], settings["port"])
    cluster = _NamedCluster(endpoint_factory=factory, **settings)
    cluster.name_endpoints()
    return cluster


class _NamedCluster(Cluster):  # type: ignore[misc]
    """A cluster with named contact points, also after the driver resolves them again because it lost all nodes."""

    endpoints_resolved: list[Any]

    def name_endpoints(self) -> None:
        self.endpoints_resolved = [self.endpoint_factory.with_name(endpoint) for endpoint in self.endpoints_resolved]

    def _resolve_hostnames(self) -> None:  # scylla-driver has this method, cassandra-driver resolves once
        Cluster._resolve_hostnames(self)  # noqa: SLF001 - overridden here
        self.name_endpoints()


def _addresses(host: str) -> list[str]:
    with contextlib.suppress(OSError):
        return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    return []


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
