"""Every way to break a module by one change: which nodes of its source count, and what can be done to each.

Comes in: a module's path. Goes out: `Mutant` values, and the changed source of one of them.
"""

from __future__ import annotations

import ast
import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "scyllamodel" / "schema"
ROLLBACK = ROOT / "scyllamodel" / "release" / "rollback"


class Mutant(NamedTuple):
    """One change of one module."""

    module: Path
    line: int
    what: str
    at: int
    number: int

    @property
    def name_of_module(self) -> str:
        """The name by which the module is imported."""
        return ".".join(self.module.relative_to(ROOT).with_suffix("").parts)

    @property
    def name(self) -> str:
        """Where and what, for people."""
        return f"{self.module.relative_to(ROOT)}:{self.line} {self.what}"

    @property
    def key(self) -> str:
        """The identity of a mutation without its line, which moves."""
        return f"{self.module.relative_to(SCHEMA if self.module.is_relative_to(SCHEMA) else ROOT)} {self.what}"


_SWAPS: dict[type, type] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_NAMES = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list"}
_NOTHING = ast.parse("()", mode="eval").body
_CODE = re.compile(r"[A-Z]{2}\d{3}")


def edits(node: ast.AST) -> Iterator[tuple[str, Callable[[Any], ast.AST]]]:  # noqa: C901, PLR0912 - a table of cases
    """What can be done to a node: in words, and as a function from a copy of it to what stands there then."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _SWAPS:
            yield f"{_op(op)} -> {_op(_SWAPS[type(op)]())}", _swapped("ops", _SWAPS[type(op)])
        case ast.BoolOp(op=op):
            yield f"{_op(op)} -> {_op(_SWAPS[type(op)]())}", _swapped("op", _SWAPS[type(op)])
        case ast.BinOp(op=op) if type(op) in _SWAPS and not _is_text(node):
            yield f"{_op(op)} -> {_op(_SWAPS[type(op)]())}", _swapped("op", _SWAPS[type(op)])
        case ast.UnaryOp(op=ast.Not()):
            yield "without not", lambda node: node.operand
        case ast.Yield(value=ast.expr()) | ast.YieldFrom():
            yield "yields nothing", lambda _: ast.YieldFrom(value=copy.deepcopy(_NOTHING))
        case ast.Constant(value=bool(value)):
            yield f"{value} -> {not value}", lambda node: ast.Constant(not node.value)
        case ast.Constant(value=int(value)):
            yield f"{value} -> {value + 1}", lambda node: ast.Constant(node.value + 1)
        case ast.Constant(value=str(value)) if _CODE.fullmatch(value):
            yield f"{value!r} changed", lambda node: ast.Constant(node.value + "X")
        case (
            ast.Tuple(elts=[_, _, *_], ctx=ast.Load())
            | ast.List(elts=[_, _, *_], ctx=ast.Load())
            | ast.Set(elts=[_, _, *_])
        ):
            for at in (0, -1):
                yield f"without element {at}", _without("elts", at)
        case ast.Dict(keys=[_, *_]):
            yield "without the first item", lambda node: ast.Dict(node.keys[1:], node.values[1:])
        case ast.Call(func=ast.Name(id=name), args=[_, *_]) if name in _NAMES:
            yield f"{name} -> {_NAMES[name]}", _renamed
        case ast.Call(func=ast.Attribute(attr="lower" | "upper" | "strip" | "casefold"), args=[]):
            yield f"without {node.func.attr}()", lambda node: node.func.value
        case _:
            return


def _op(node: ast.AST) -> str:
    return type(node).__name__


def _is_text(node: ast.BinOp) -> bool:
    return any(isinstance(side, (ast.JoinedStr, ast.Tuple, ast.List)) for side in (node.left, node.right))


def _swapped(field: str, to: type) -> Callable[[Any], ast.AST]:
    def edit(node: Any) -> ast.AST:
        setattr(node, field, [to()] if field == "ops" else to())
        return node  # type: ignore[no-any-return]

    return edit


def _without(field: str, at: int) -> Callable[[Any], ast.AST]:
    def edit(node: Any) -> ast.AST:
        getattr(node, field).pop(at)
        return node  # type: ignore[no-any-return]

    return edit


def _renamed(call: ast.Call) -> ast.AST:
    call.func.id = _NAMES[call.func.id]  # type: ignore[attr-defined]
    return call


class _Sites(ast.NodeVisitor):
    """The nodes that count: no annotations, docstrings, messages, raises, and nothing for checkers alone."""

    def __init__(self) -> None:
        self.found: list[ast.AST] = []

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, (ast.JoinedStr, ast.Raise, ast.Assert, ast.Import, ast.ImportFrom)) or _is_apart(node):
            return
        self.found.append(node)
        for name, value in ast.iter_fields(node):
            if name in (
                "annotation",
                "returns",
                "decorator_list",
                "type_params",
                "keywords" if _is_error(node) else "",
            ):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    self.visit(child)


def _is_apart(node: ast.AST) -> bool:  # noqa: PLR0911 - one return for each case
    match node:
        case ast.Expr(value=ast.Constant()):
            return True  # a docstring
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.keyword(arg="strict"):
            return True
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
            return True
        case ast.Call(func=ast.Name(id="TypeVar" | "cast" | "getattr" | "isinstance")):
            return True
        case ast.Subscript(value=ast.Name(id="Callable" | "Mapping" | "dict" | "list" | "tuple" | "frozenset")):
            return True
        case _:
            return False


def _is_error(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error")


def mutants(module: Path) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    sites = _Sites()
    sites.visit(tree)
    counts: Counter[str] = Counter()
    for index, node in enumerate(sites.found):
        for number, (what, _) in enumerate(edits(node)):
            text = f"{what} in {ast.unparse(node)[:70]!r}"
            counts[text] += 1
            text += f" #{counts[text]}" if counts[text] > 1 else ""
            yield Mutant(module, getattr(node, "lineno", 0), text, index, number)


def changed(mutant: Mutant) -> ast.Module:
    """The source of the module with that one change."""
    tree = ast.parse(mutant.module.read_text(encoding="utf-8"))
    sites = _Sites()
    sites.visit(tree)
    target = sites.found[mutant.at]
    new = list(edits(target))[mutant.number][1](copy.deepcopy(target))
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(item is target for item in value):
                value[[item is target for item in value].index(True)] = new
    return ast.fix_missing_locations(tree)
