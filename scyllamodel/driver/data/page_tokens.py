"""Page tokens: the opaque text that asks for the next page.

In: a query, the keyspace, the driver's paging state, the keys of the repo. Out: a token for a client to send back: a
version, a tag, and, encrypted, a digest of the query with its values and keyspace, and the paging state. A paging state
contains the key of the last row, and the server trusts it: it is neither shown to a client nor accepted from one unless
the tag proves that this service made it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar

import attrs

from scyllamodel.driver.data.binding.canonical_encoding import canonical_values
from scyllamodel.errors import InvalidPageToken
from scyllamodel.query.statement import CompiledStatement

R = TypeVar("R")

VERSION: Final = 3
MAX_TOKEN_LENGTH: Final = 256 * 1024
"""Maximum characters of a page token: a paging state holds one key, whose parts have 64 KiB each."""

_DIGEST_SIZE: Final = 12
_TAG_SIZE: Final = 16
_HEADER_SIZE: Final = 1 + _TAG_SIZE


@attrs.frozen
class Page(Generic[R]):
    """One page of a query.

    Attributes:
        items: the rows.
        token: asks for the next page; None after the last one.
    """

    items: list[R]
    token: str | None


@attrs.frozen(repr=False)
class PageKey:
    """The signing key and the encryption key derived from one secret.

    A token is encrypted with a stream derived from the key and the tag of its content (a synthetic initialization
    vector, as in RFC 5297), so no random number is needed and two contents never share a stream.
    """

    signing: bytes
    encrypting: bytes

    @classmethod
    def from_secret(cls, secret: bytes) -> PageKey:
        """Derive the keys from a secret."""
        return cls(
            *(hmac.digest(secret, b"scyllamodel page token, " + purpose, "sha256") for purpose in (b"sign", b"encrypt"))
        )

    def seal(self, body: bytes) -> bytes:
        """Encrypt the content, with its tag in front."""
        tag = self._tag(body)
        return tag + self._xor(body, tag)

    def open(self, sealed: bytes) -> bytes | None:
        """Return the content, or None if another key made it or it was changed."""
        tag = sealed[:_TAG_SIZE]
        body = self._xor(sealed[_TAG_SIZE:], tag)
        return body if hmac.compare_digest(tag, self._tag(body)) else None

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self.signing, bytes([VERSION]) + body, "sha256")[:_TAG_SIZE]

    def _xor(self, data: bytes, tag: bytes) -> bytes:
        stream = hashlib.shake_256(self.encrypting + tag).digest(len(data))
        return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")


def make_token(compiled: CompiledStatement[Any], paging_state: bytes, keys: Sequence[PageKey]) -> str:
    """Make the token for the page after this paging state, signed by the first key."""
    sealed = keys[0].seal(_digest(compiled) + paging_state)
    return base64.urlsafe_b64encode(bytes([VERSION]) + sealed).rstrip(b"=").decode()


def read_token(
    compiled: CompiledStatement[Any], token: str, keys: Sequence[PageKey], *, max_length: int = MAX_TOKEN_LENGTH
) -> bytes:
    """Verify a token and return its paging state.

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
    """Decode the content of a token of this version, without verifying it.

    Raises:
        InvalidPageToken: not a token of this version.
    """
    try:
        if len(token) > max_length:
            raise InvalidPageToken("Not a page token: it is too long.")
        data = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, AttributeError, TypeError) as error:  # not text, not base64, or a wrong length
        if isinstance(error, InvalidPageToken):
            raise
        raise InvalidPageToken("Not a page token: it cannot be decoded.") from error
    if len(data) <= _HEADER_SIZE + _DIGEST_SIZE:
        raise InvalidPageToken("Not a page token: it is too short.")
    if data[0] != VERSION:
        raise InvalidPageToken(
            f"This page token has version {data[0]}; this program reads version {VERSION}: start with the first page."
        )
    return data[1:]


def _digest(compiled: CompiledStatement[Any]) -> bytes:
    """Return the digest of the text and the values; the text contains the keyspace."""
    text = compiled.template.cql.encode() + b"\0" + canonical_values(compiled)
    return hashlib.blake2b(text, digest_size=_DIGEST_SIZE).digest()
