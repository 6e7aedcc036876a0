"""What `page` does, as a flow: look at the token, know the keys, ask for the rows, make the next token.

*In*: a query, a token. *Out*: a `Page`. A token is looked at before anything is sent, and the rows are asked for only
once a key has proved it.
"""

from __future__ import annotations

from typing import Any, TypeVar

from scyllamodel._numbers import check_integer
from scyllamodel.driver.flows import Ask, Flow
from scyllamodel.driver.loading import OnError, load_rows
from scyllamodel.driver.page_secrets import PageSecrets
from scyllamodel.driver.pages import Page, decoded, make_token, read_token
from scyllamodel.query.misuse import check_select
from scyllamodel.query.select import Select

R = TypeVar("R")


def page(  # noqa: PLR0917 - two callers, which are twins
    query: Select[R],
    keyspace: str,
    size: int,
    token: str | None,
    secrets: PageSecrets,
    internal: tuple[str, ...],
    on_error: OnError | None,
) -> Flow[Page[R]]:
    """One page of a query.

    Parameters:
        internal: the keyspaces that may hold the internal tables, the likeliest first.

    Raises:
        InvalidPageToken: the token does not verify; no row was asked for.
        ConfigurationError: there is no secret to sign with.
    """
    check_select("page", query)
    size = check_integer("size", size, least=1)
    compiled = query.compile(keyspace)
    if token is not None:
        decoded(token)
    keys = yield from secrets.keys(internal)
    state = None if token is None else read_token(compiled, token, keys)
    answer = yield Ask(compiled, size=size, state=state)
    left: Any = answer.state if answer.more else None
    following = None if left is None else make_token(compiled, left, keys)
    return Page(load_rows(compiled.shape, answer.rows, on_error), following)
