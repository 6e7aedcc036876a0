"""An importable package of models that the tour edits and reloads.

*In*: the source of `scyllamodel.demo.shop`. *Out*: an importable package ``shop`` in a temporary folder. The tour shows
two states of one class, and one process must not have two classes for one table, so the module is edited and reloaded,
as development servers do.
"""

from __future__ import annotations

import difflib
import importlib
import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Final

import attrs
from typing_extensions import Self

PACKAGE: Final = "shop"
MODELS: Final = f"{PACKAGE}.models"


@attrs.frozen
class Edit:
    """A line that is replaced in the models.

    Attributes:
        line: the present line.
        replacement: the line or lines that replace it.
    """

    line: str
    replacement: str

    def apply(self, source: str) -> str:
        """Return the source after the edit.

        Raises:
            ValueError: the line does not occur exactly once.
        """
        if source.count(self.line) != 1:
            raise ValueError(f"{self.line!r} occurs {source.count(self.line)} times in the models, not once")
        return source.replace(self.line, self.replacement)

    def diff_lines(self) -> list[str]:
        """Return the edit as lines of a diff."""
        lines = difflib.ndiff(self.line.splitlines(), self.replacement.splitlines())
        return [line.rstrip() for line in lines if line[0] in "+-"]


JOINED: Final = "    joined: Column[datetime] = column()"
STARS: Final = "    stars: Column[cql.TinyInt] = column()"

POINTS: Final = Edit(JOINED, f"{JOINED}\n    points: Column[cql.Int | None] = column(default=None)")
"""Adds a column, which every server can do at any time."""

HALF_STARS: Final = Edit(STARS, "    stars: Column[float] = column()")
"""Changes the type of an existing column, which CQL cannot do."""


class Project:
    """A folder with the package ``shop``, importable inside the ``with`` block and deleted after it."""

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="scyllamodel-demo-")
        self.folder = Path(self._temporary.name)
        package = self.folder / PACKAGE
        package.mkdir()
        (package / "__init__.py").write_text('"""An online shop."""\n', encoding="utf-8")
        self.models = package / "models.py"
        self._write(files("scyllamodel.demo").joinpath("shop.py").read_text(encoding="utf-8"))

    def __enter__(self) -> Self:
        sys.path.insert(0, str(self.folder))
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        sys.path.remove(str(self.folder))
        for name in (MODELS, PACKAGE):
            sys.modules.pop(name, None)
        self._temporary.cleanup()

    def edit(self, edit: Edit) -> ModuleType:
        """Edit the file with the models and reload it."""
        self._write(edit.apply(self.models.read_text(encoding="utf-8")))
        return importlib.reload(sys.modules[MODELS])

    def undo(self, edit: Edit) -> ModuleType:
        """Revert an edit."""
        return self.edit(Edit(edit.replacement, edit.line))

    def _write(self, source: str) -> None:
        self.models.write_text(source, encoding="utf-8")
        # The cached bytecode would still be valid for a second edit within one clock tick.
        shutil.rmtree(self.models.parent / "__pycache__", ignore_errors=True)
        importlib.invalidate_caches()
