"""Why no connection came about, in a sentence for each host.

*In*: what the driver raised, and the hosts it had learnt of. *Out*: one `ConnectionFailed`. No password is ever part
of a text here: the driver's errors carry none, and the settings hide theirs.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from scyllamodel._text import printable_line
from scyllamodel.config import RepoSettings
from scyllamodel.config.settings import closest
from scyllamodel.driver.names import (
    AuthenticationFailed,
    ConnectionShutdown,
    OperationTimedOut,
    ProtocolError,
    ProtocolException,
    UnresolvableContactPoints,
)
from scyllamodel.errors import ConnectionFailed


def connection_failed(settings: RepoSettings, error: Exception, hosts: Iterable[Any]) -> ConnectionFailed:
    """The error to raise for a connection that did not come about.

    Parameters:
        error: what the driver raised.
        hosts: the nodes that the driver had learnt of before it gave up.
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
    """For each host why it was of no use; empty when the driver does not say."""
    if isinstance(error, UnresolvableContactPoints):
        return dict.fromkeys(settings.nodes, "no address is known for this name. Look for a misspelling.")
    if isinstance(error, AuthenticationFailed):
        return dict.fromkeys(settings.nodes, _login_reason(settings))
    errors: Any = getattr(error, "errors", None)
    if not isinstance(errors, Mapping):
        return {}
    host_errors = cast("Mapping[Any, Exception]", errors)
    return {str(host): _reason(settings, inner) for host, inner in host_errors.items()}


def _login_reason(settings: RepoSettings) -> str:
    if settings.username is None:
        return "the server asks for a password, and the repo has none. Set username= and password=."
    return f"the server refused the password of user {settings.username!r}. Correct username= or password=."


def _reason(settings: RepoSettings, error: Exception) -> str:
    """One host's answer, by the class of the error; what has no row here speaks for itself."""
    for classes, text in (
        (AuthenticationFailed, _login_reason(settings)),
        (ConnectionRefusedError, "nothing listens on this port. Is the server running, and is the port right?"),
        ((OperationTimedOut, TimeoutError), "no answer within 2 s. Is it a CQL port, and does a firewall let you in?"),
        (socket.gaierror, "no address is known for this name. Look for a misspelling."),
    ):
        if isinstance(error, classes):
            return text
    # The driver wraps what the socket raised into an error of its own, with the same words.
    if "ssl" in _error_text(error).lower():
        return _tls_reason(str(error))
    if isinstance(error, (ProtocolError, ProtocolException, ConnectionShutdown)):
        return _protocol_reason(settings)
    return f"{_error_text(error)}."


def _tls_reason(message: str) -> str:
    """What to do about a handshake that failed, by the words of OpenSSL; never to give up the check."""
    mismatch = re.search(r"certificate is not valid for (['\"][^'\"]*['\"])", message)
    if mismatch:
        return (
            f"its certificate is not valid for {mismatch[1]}. Write the name that the certificate holds in nodes=, or "
            "issue a certificate that holds this one."
        )
    return next(
        (text for words, text in _TLS_REASONS if any(word in message for word in words)), f"TLS failed: {message}."
    )


_TLS_REASONS: Final = (
    (
        ("self-signed certificate", "self signed certificate", "unable to get local issuer"),
        "its certificate is not signed by an authority that is trusted here. Set tls_ca= to the authority's file.",
    ),
    (
        ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "HANDSHAKE_FAILURE", "UNKNOWN_CA", "EOF occurred"),
        "the server ended the TLS handshake: it wants a certificate of the client, or another one. Set tls_cert=.",
    ),
    (
        ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "record layer failure"),
        "this port does not speak TLS. Is it the port for clients with TLS?",
    ),
)
"""Words of OpenSSL, and what they mean for the reader of an error."""


def _protocol_reason(settings: RepoSettings) -> str:
    if settings.uses_tls:
        return "something answers, but not in CQL. Is it the port for clients with TLS?"
    return "something answers, but not in CQL. Is the port right? If it speaks only with TLS, set tls_ca=."


def _data_centre_reason(settings: RepoSettings, hosts: Iterable[Any]) -> str | None:
    """What to say when a node answered but the policy let none be used: the data centre is the usual cause."""
    data_centres: set[str] = {str(host.datacenter) for host in hosts if host.datacenter}
    if settings.local_dc and data_centres and settings.local_dc not in data_centres:
        suggestion = closest(settings.local_dc, data_centres)
        return f"No node is in data centre {settings.local_dc!r}{suggestion}. Correct local_dc=."
    if not data_centres:
        return None
    if settings.load_balancing_policy or settings.execution_profiles:
        return (
            "A node answered, but the load balancing policy of the settings sends nothing to any. Correct the policy."
        )
    return (
        "A node answered and named its peers, but none of these could be connected to at the address it gave. "
        "Is its rpc_address (broadcast_rpc_address) reachable from here?"
    )


def _error_text(error: BaseException) -> str:
    return printable_line(f"{type(error).__name__}: {error}".rstrip(". "))
