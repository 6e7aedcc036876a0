"""Pages, and the opaque text by which the next one is asked for.

*In*: a query, the keyspace, where the driver's page ended. *Out*: a token to hand to a client and take back: version,
a digest of the query with its values and keyspace, the driver's paging state, and a signature when there is a secret.
A paging state is the server's own business and not safe from tampering; a token of another query is refused here,
where a server would answer it with rows of another partition, or an error of its insides.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Final, Generic, TypeVar

import attrs

from scyllamodel.driver.canonical import canonical_values
from scyllamodel.errors import InvalidPageToken
from scyllamodel.query.statement import Compiled

R = TypeVar("R")

VERSION: Final = 2
_DIGEST: Final = 12
_SIGNATURE: Final = 16
_HEAD: Final = 1 + _DIGEST


@attrs.frozen
class Page(Generic[R]):
    """Some rows of a query.

    Attributes:
        items: the rows.
        token: asks for the next page; None after the last one.
    """

    items: list[R]
    token: str | None


def make_token(compiled: Compiled[Any], state: bytes, secret: bytes | None) -> str:
    """The text that asks for what comes after this state."""
    body = bytes([VERSION]) + _digest(compiled, secret) + state
    return base64.urlsafe_b64encode(body + _signature(body, secret)).rstrip(b"=").decode()


def read_token(compiled: Compiled[Any], token: str, secret: bytes | None) -> bytes:
    """The driver's state of a token.

    Raises:
        InvalidPageToken: it was made for another query or keyspace, by another version, or signed otherwise.
    """
    body = _signed(_decoded(token), secret)
    if body[0] != VERSION:
        raise InvalidPageToken(
            f"This page token is of version {body[0]}, and this program reads {VERSION}: begin anew."
        )
    if not hmac.compare_digest(body[1:_HEAD], _digest(compiled, secret)):
        raise InvalidPageToken(
            "This page token was made for another query, other values or another keyspace: begin with its first page."
        )
    return body[_HEAD:]


def _decoded(token: str) -> bytes:
    try:
        found = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, AttributeError) as error:  # no text; letters that are not of base64; another length
        raise InvalidPageToken("This is no page token: it cannot be decoded.") from error
    if len(found) <= _HEAD:
        raise InvalidPageToken("This is no page token: it is too short.")
    return found


def _signed(found: bytes, secret: bytes | None) -> bytes:
    if secret is None:
        return found
    body, signature = found[:-_SIGNATURE], found[-_SIGNATURE:]
    if len(body) <= _HEAD or not hmac.compare_digest(signature, _signature(body, secret)):
        raise InvalidPageToken("This page token was not signed with the secret of this repo.")
    return body


def _signature(body: bytes, secret: bytes | None) -> bytes:
    return b"" if secret is None else hmac.new(secret, body, hashlib.sha256).digest()[:_SIGNATURE]


def _digest(compiled: Compiled[Any], secret: bytes | None) -> bytes:
    """Of the text and the bytes of the values; the keyspace is in the text.

    With a secret, values cannot be guessed from it either.
    """
    text = compiled.shape.cql.encode() + b"\0" + canonical_values(compiled)
    key = b"" if secret is None else hashlib.sha256(secret).digest()
    return hashlib.blake2b(text, digest_size=_DIGEST, key=key).digest()
