"""Explains why no connection was made, in a sentence for each host.

In: the driver's error, and the hosts it knew. Out: one `ConnectionFailed`. No text here contains a password: the
driver's errors have none, and the settings hide theirs.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from scyllamodel._text import printable_line
from scyllamodel.config import RepoSettings
from scyllamodel.config.settings import choices_hint
from scyllamodel.driver._cassandra import (
    AuthenticationFailed,
    ConnectionShutdown,
    OperationTimedOut,
    ProtocolError,
    ProtocolException,
    UnresolvableContactPoints,
)
from scyllamodel.errors import ConnectionFailed


def connection_failed(settings: RepoSettings, error: Exception, hosts: Iterable[Any]) -> ConnectionFailed:
    """Make the error for a connection that could not be made.

    Parameters:
        error: the driver's.
        hosts: the nodes that the driver knew before it gave up.
    """
    reasons = _reasons(settings, error)
    text = _data_centre_reason(settings, hosts) if not reasons else None
    text = text or "; ".join(f"{host}: {reason}" for host, reason in reasons.items()) or f"{_error_text(error)}."
    return ConnectionFailed(
        f"repo {settings.name!r} cannot connect to {', '.join(settings.nodes)}. {text}",
        repo=settings.name,
        nodes=settings.nodes,
        reasons=reasons,
    )


def _reasons(settings: RepoSettings, error: Exception) -> dict[str, str]:
    """Return the reason for each host; empty when the driver gives none."""
    if isinstance(error, UnresolvableContactPoints):
        return dict.fromkeys(settings.nodes, "no address is known for this name. Check the spelling.")
    if isinstance(error, AuthenticationFailed):
        return dict.fromkeys(settings.nodes, _login_reason(settings))
    errors: Any = getattr(error, "errors", None)
    if not isinstance(errors, Mapping):
        return {}
    host_errors = cast("Mapping[Any, Exception]", errors)
    return {str(host): _reason(settings, inner) for host, inner in host_errors.items()}


def _login_reason(settings: RepoSettings) -> str:
    if settings.username is None:
        return "the server requires a password, and the repo has none. Set username= and password=."
    return f"the server refused the password of user {settings.username!r}. Correct username= or password=."


def _reason(settings: RepoSettings, error: Exception) -> str:
    """Return the reason for one host, by the class of its error; other errors are quoted."""
    for classes, text in (
        (AuthenticationFailed, _login_reason(settings)),
        (ConnectionRefusedError, "nothing listens on this port. Is the server running, and is the port right?"),
        ((OperationTimedOut, TimeoutError), "no answer within 2 s. Is it a CQL port, and does a firewall block it?"),
        (socket.gaierror, "no address is known for this name. Check the spelling."),
    ):
        if isinstance(error, classes):
            return text
    # The driver wraps the error of the socket into an error of its own, with the same message.
    if "ssl" in _error_text(error).lower():
        return _tls_reason(str(error))
    if isinstance(error, (ProtocolError, ProtocolException, ConnectionShutdown)):
        return _protocol_reason(settings)
    return f"{_error_text(error)}."


def _tls_reason(message: str) -> str:
    """Say what to do about a failed handshake, by the message of OpenSSL; the check itself is never turned off."""
    mismatch = re.search(r"certificate is not valid for (['\"][^'\"]*['\"])", message)
    if mismatch:
        return (
            f"its certificate is not valid for {mismatch[1]}. Use a name of the certificate in nodes=, or "
            "issue a certificate for this one."
        )
    return next(
        (text for words, text in _TLS_REASONS if any(word in message for word in words)), f"TLS failed: {message}."
    )


_TLS_REASONS: Final = (
    (
        ("self-signed certificate", "self signed certificate", "unable to get local issuer"),
        "its certificate is not signed by a trusted authority. Set tls_ca= to the authority's file.",
    ),
    (
        ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "HANDSHAKE_FAILURE", "UNKNOWN_CA", "EOF occurred"),
        "the server ended the TLS handshake: it requires a client certificate, or another one. Set tls_cert=.",
    ),
    (
        ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "record layer failure"),
        "this port does not use TLS. Is it the TLS port for clients?",
    ),
)
"""Messages of OpenSSL, and their meaning for the user."""


def _protocol_reason(settings: RepoSettings) -> str:
    if settings.uses_tls:
        return "something answers, but not in CQL. Is it the TLS port for clients?"
    return "something answers, but not in CQL. Is the port right? If it requires TLS, set tls_ca=."


def _data_centre_reason(settings: RepoSettings, hosts: Iterable[Any]) -> str | None:
    """Say what to do when a node answered but the policy ignored all: usually the data centre is wrong."""
    data_centres: set[str] = {str(host.datacenter) for host in hosts if host.datacenter}
    if settings.local_dc and data_centres and settings.local_dc not in data_centres:
        suggestion = choices_hint(settings.local_dc, data_centres)
        return f"No node is in data centre {settings.local_dc!r}{suggestion}. Correct local_dc=."
    if not data_centres:
        return None
    if settings.load_balancing_policy or settings.execution_profiles:
        return "A node answered, but the load balancing policy of the settings ignores every node. Correct the policy."
    return (
        "A node answered and named its peers, but none of these could be connected to at the address it gave. "
        "Is its rpc_address (broadcast_rpc_address) reachable from here?"
    )


def _error_text(error: BaseException) -> str:
    return printable_line(f"{type(error).__name__}: {error}".rstrip(". "))
