"""The operation behind `page`: check the token, load the keys, fetch the rows, make the next token.

In: a query and a token. Out: a `Page`. Nothing is sent before the token is well formed, and no rows are fetched before
a key has verified it.
"""

from __future__ import annotations

from typing import Any, TypeVar

from scyllamodel._numbers import check_integer
from scyllamodel.driver.data.loading import OnError, load_rows
from scyllamodel.driver.data.messages import Execute, Operation
from scyllamodel.driver.data.page_secrets import PageSecrets
from scyllamodel.driver.data.page_tokens import Page, decode_token, make_token, read_token
from scyllamodel.query.checks.arguments import check_select
from scyllamodel.query.select import Select

R = TypeVar("R")


def page(  # noqa: PLR0917 - two callers, which are twins
    query: Select[R],
    keyspace: str,
    size: int,
    token: str | None,
    secrets: PageSecrets,
    internal_keyspaces: tuple[str, ...],
    on_error: OnError | None,
) -> Operation[Page[R]]:
    """Fetch one page of a query.

    Parameters:
        internal_keyspaces: the keyspaces that may hold the internal tables, most likely first.

    Raises:
        InvalidPageToken: the token does not verify; no rows were fetched.
        ConfigurationError: there is no secret to sign with.
    """
    check_select("page", query)
    size = check_integer("size", size, minimum=1)
    compiled = query.compile(keyspace)
    if token is not None:
        decode_token(token)
    keys = yield from secrets.keys(internal_keyspaces)
    paging_state = None if token is None else read_token(compiled, token, keys)
    response = yield Execute(compiled, page_size=size, paging_state=paging_state)
    next_state: Any = response.paging_state if response.has_more_pages else None
    next_token = None if next_state is None else make_token(compiled, next_state, keys)
    return Page(load_rows(compiled.template, response.rows, on_error), next_token)
