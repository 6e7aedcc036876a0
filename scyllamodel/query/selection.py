"""The `select` function, with an overload for each number of columns.

In: a model, or columns and functions. Out: a `Select` whose row type is known to type checkers.

>>> select(Order.placed, Order.total).where(Order.shop == 7).limit(20).cql
'SELECT placed, total FROM orders WHERE shop = ? LIMIT ?'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from scyllamodel.model.expression import Expression as Ex
from scyllamodel.query.functions import is_model
from scyllamodel.query.select import Select

if TYPE_CHECKING:
    from scyllamodel.model.base import Model
    from scyllamodel.model.view import MaterializedView

Row = TypeVar("Row", bound="Model | MaterializedView")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")
H = TypeVar("H")
J = TypeVar("J")
K = TypeVar("K")
M = TypeVar("M")
N = TypeVar("N")
P = TypeVar("P")
Q = TypeVar("Q")
R = TypeVar("R")
S = TypeVar("S")


class MoreThanSixteenColumns:
    """The result type of a select with more columns than checkers can type, so that they report each use of it."""


# fmt: off
@overload
def select(model: type[Row], /) -> Select[Row]: ...
@overload
def select(a: Ex[A], /) -> Select[tuple[A]]: ...
@overload
def select(a: Ex[A], b: Ex[B], /) -> Select[tuple[A, B]]: ...
@overload
def select(a: Ex[A], b: Ex[B], c: Ex[C], /) -> Select[tuple[A, B, C]]: ...
@overload
def select(a: Ex[A], b: Ex[B], c: Ex[C], d: Ex[D], /) -> Select[tuple[A, B, C, D]]: ...
@overload
def select(a: Ex[A], b: Ex[B], c: Ex[C], d: Ex[D], e: Ex[E], /) -> Select[tuple[A, B, C, D, E]]: ...
@overload
def select(a: Ex[A], b: Ex[B], c: Ex[C], d: Ex[D], e: Ex[E], f: Ex[F], /) -> Select[tuple[A, B, C, D, E, F]]: ...
@overload
def select(
    a: Ex[A], b: Ex[B], c: Ex[C], d: Ex[D], e: Ex[E], f: Ex[F], g: Ex[G], /,
) -> Select[tuple[A, B, C, D, E, F, G]]: ...
@overload
def select(
    a: Ex[A], b: Ex[B], c: Ex[C], d: Ex[D], e: Ex[E], f: Ex[F], g: Ex[G], h: Ex[H], /,
) -> Select[tuple[A, B, C, D, E, F, G, H]]: ...
@overload
def select(
    a: Ex[A], b: Ex[B], c: Ex[C], d: Ex[D], e: Ex[E], f: Ex[F], g: Ex[G], h: Ex[H],
    j: Ex[J], /,
) -> Select[tuple[A, B, C, D, E, F, G, H, J]]: ...
@overload
def select(
    a: Ex[A], b: Ex[B], c: Ex[C], d: Ex[D], e: Ex[E], f: Ex[F], g: Ex[G], h: Ex[H],
    j: Ex[J], k: Ex[K], /,
) -> Select[tuple[A, B, C, D, E, F, G, H, J, K]]: ...
@overload
def select(
    a: Ex[A], b: Ex[B], c: Ex[C], d: Ex[D], e: Ex[E], f: Ex[F], g: Ex[G], h: Ex[H],
    j: Ex[J], k: Ex[K], m: Ex[M], /,
) -> Select[tuple[A, B, C, D, E, F, G, H, J, K, M]]: ...
@overload
def select(
    a: Ex[A], b: Ex[B], c: Ex[C], d: Ex[D], e: Ex[E], f: Ex[F], g: Ex[G], h: Ex[H],
    j: Ex[J], k: Ex[K], m: Ex[M], n: Ex[N], /,
) -> Select[tuple[A, B, C, D, E, F, G, H, J, K, M, N]]: ...
@overload
def select(
    a: Ex[A], b: Ex[B], c: Ex[C], d: Ex[D], e: Ex[E], f: Ex[F], g: Ex[G], h: Ex[H],
    j: Ex[J], k: Ex[K], m: Ex[M], n: Ex[N], p: Ex[P], /,
) -> Select[tuple[A, B, C, D, E, F, G, H, J, K, M, N, P]]: ...
@overload
def select(
    a: Ex[A], b: Ex[B], c: Ex[C], d: Ex[D], e: Ex[E], f: Ex[F], g: Ex[G], h: Ex[H],
    j: Ex[J], k: Ex[K], m: Ex[M], n: Ex[N], p: Ex[P], q: Ex[Q], /,
) -> Select[tuple[A, B, C, D, E, F, G, H, J, K, M, N, P, Q]]: ...
@overload
def select(
    a: Ex[A], b: Ex[B], c: Ex[C], d: Ex[D], e: Ex[E], f: Ex[F], g: Ex[G], h: Ex[H],
    j: Ex[J], k: Ex[K], m: Ex[M], n: Ex[N], p: Ex[P], q: Ex[Q], r: Ex[R], /,
) -> Select[tuple[A, B, C, D, E, F, G, H, J, K, M, N, P, Q, R]]: ...
@overload
def select(
    a: Ex[A], b: Ex[B], c: Ex[C], d: Ex[D], e: Ex[E], f: Ex[F], g: Ex[G], h: Ex[H],
    j: Ex[J], k: Ex[K], m: Ex[M], n: Ex[N], p: Ex[P], q: Ex[Q], r: Ex[R], s: Ex[S], /,
) -> Select[tuple[A, B, C, D, E, F, G, H, J, K, M, N, P, Q, R, S]]: ...
@overload
def select(  # pyright: ignore[reportOverlappingOverload] - intended, so that checkers report it
    _1: Ex[Any], _2: Ex[Any], _3: Ex[Any], _4: Ex[Any], _5: Ex[Any], _6: Ex[Any],
    _7: Ex[Any], _8: Ex[Any], _9: Ex[Any], _10: Ex[Any], _11: Ex[Any], _12: Ex[Any],
    _13: Ex[Any], _14: Ex[Any], _15: Ex[Any], _16: Ex[Any], _17: Ex[Any],
    _18: Ex[Any] = ..., _19: Ex[Any] = ..., _20: Ex[Any] = ..., _21: Ex[Any] = ..., _22: Ex[Any] = ...,
    _23: Ex[Any] = ..., _24: Ex[Any] = ..., _25: Ex[Any] = ..., _26: Ex[Any] = ..., _27: Ex[Any] = ...,
    _28: Ex[Any] = ..., _29: Ex[Any] = ..., _30: Ex[Any] = ..., _31: Ex[Any] = ..., _32: Ex[Any] = ...,
    _33: Ex[Any] = ..., _34: Ex[Any] = ..., _35: Ex[Any] = ..., _36: Ex[Any] = ..., _37: Ex[Any] = ...,
    _38: Ex[Any] = ..., _39: Ex[Any] = ..., _40: Ex[Any] = ..., /,
) -> MoreThanSixteenColumns: ...
@overload
def select(*expressions: Ex[Any]) -> Select[tuple[Any, ...]]: ...
# fmt: on
def select(*what: Any) -> Any:
    """Read rows of a model as instances, or columns, their elements and fields, and functions as tuples.

    >>> select(Order).where(Order.shop == 7, Order.placed > 3).order_by(Order.placed.desc()).limit(10).values
    (7, 3, 10)

    Rows are typed up to sixteen columns. With more, type checkers report the first use of the result as
    `MoreThanSixteenColumns`: select the model, or unpack a list, ``select(*columns)``, whose rows are plain tuples.

    Raises:
        TypeError: an argument is neither a model nor an expression.
    """
    if len(what) == 1 and is_model(what[0]):
        return Select[Any](what[0])
    if not what or any(isinstance(item, type) for item in what):
        raise TypeError("select() takes one model, or columns and functions: select(Order), select(Order.total)")
    return Select[Any](None, tuple(what))
