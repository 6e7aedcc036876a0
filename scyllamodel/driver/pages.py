"""Pages, and the opaque text by which the next one is asked for.

*In*: a query, the keyspace, where the driver's page ended, the keys of the repo. *Out*: a token to hand to a client and
take back: a version, a tag, and, encrypted, a digest of the query with its values and keyspace and the driver's paging
state. A paging state holds the key of the last row and is read by the server as it comes, so it is neither shown to a
client nor taken from one unless the tag proves that this service made it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar

import attrs

from scyllamodel.driver.canonical import canonical_values
from scyllamodel.errors import InvalidPageToken
from scyllamodel.query.statement import Compiled

R = TypeVar("R")

VERSION: Final = 3
MAX_TOKEN_LENGTH: Final = 256 * 1024
"""Characters of a page token, at most: a paging state holds one key, whose parts have 64 KiB each."""

_DIGEST_SIZE: Final = 12
_TAG_SIZE: Final = 16
_HEADER_SIZE: Final = 1 + _TAG_SIZE


@attrs.frozen
class Page(Generic[R]):
    """Some rows of a query.

    Attributes:
        items: the rows.
        token: asks for the next page; None after the last one.
    """

    items: list[R]
    token: str | None


@attrs.frozen(repr=False)
class PageKey:
    """The keys that one secret gives: one that signs, one that encrypts.

    A token is encrypted with a stream that the key and the tag of its content determine (a synthetic initialization
    vector, as in RFC 5297), so no random number is needed and two contents never share a stream.
    """

    signing: bytes
    encrypting: bytes

    @classmethod
    def from_secret(cls, secret: bytes) -> PageKey:
        """The keys of a secret."""
        return cls(
            *(hmac.digest(secret, b"scyllamodel page token, " + purpose, "sha256") for purpose in (b"sign", b"encrypt"))
        )

    def seal(self, body: bytes) -> bytes:
        """The content behind its tag, encrypted."""
        tag = self._tag(body)
        return tag + self._xor(body, tag)

    def open(self, sealed: bytes) -> bytes | None:
        """The content; None where another key made it, or it was changed."""
        tag = sealed[:_TAG_SIZE]
        body = self._xor(sealed[_TAG_SIZE:], tag)
        return body if hmac.compare_digest(tag, self._tag(body)) else None

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self.signing, bytes([VERSION]) + body, "sha256")[:_TAG_SIZE]

    def _xor(self, data: bytes, tag: bytes) -> bytes:
        stream = hashlib.shake_256(self.encrypting + tag).digest(len(data))
        return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")


def make_token(compiled: Compiled[Any], paging_state: bytes, keys: Sequence[PageKey]) -> str:
    """The text that asks for what comes after this state, by the first of these keys."""
    sealed = keys[0].seal(_digest(compiled) + paging_state)
    return base64.urlsafe_b64encode(bytes([VERSION]) + sealed).rstrip(b"=").decode()


def read_token(
    compiled: Compiled[Any], token: str, keys: Sequence[PageKey], *, max_length: int = MAX_TOKEN_LENGTH
) -> bytes:
    """The driver's state of a token.

    Raises:
        InvalidPageToken: it was made for another query or keyspace, by another version, or with another secret, or it
            was changed.
    """
    sealed = decode_token(token, max_length=max_length)
    body = next((body for key in keys if (body := key.open(sealed)) is not None), None)
    if body is None:
        raise InvalidPageToken(
            "This page token was not signed with the secret of this repo, or it was changed: start with the first page."
        )
    if not hmac.compare_digest(body[:_DIGEST_SIZE], _digest(compiled)):
        raise InvalidPageToken(
            "This page token was made for another query, other values or another keyspace: start with its first page."
        )
    return body[_DIGEST_SIZE:]


def decode_token(token: str, *, max_length: int = MAX_TOKEN_LENGTH) -> bytes:
    """What stands behind the version of a token, which no key proved yet.

    Raises:
        InvalidPageToken: it cannot be a token of this version.
    """
    try:
        if len(token) > max_length:
            raise InvalidPageToken("This is no page token: it is too long.")
        data = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, AttributeError, TypeError) as error:  # not text; letters that are not of base64; another length
        if isinstance(error, InvalidPageToken):
            raise
        raise InvalidPageToken("This is no page token: it cannot be decoded.") from error
    if len(data) <= _HEADER_SIZE + _DIGEST_SIZE:
        raise InvalidPageToken("This is no page token: it is too short.")
    if data[0] != VERSION:
        raise InvalidPageToken(
            f"This page token is of version {data[0]}, and this program reads {VERSION}: start with the first page."
        )
    return data[1:]


def _digest(compiled: Compiled[Any]) -> bytes:
    """Of the text and the bytes of the values; the keyspace is in the text."""
    text = compiled.shape.cql.encode() + b"\0" + canonical_values(compiled)
    return hashlib.blake2b(text, digest_size=_DIGEST_SIZE).digest()
