"""The reader's own project, played: a folder with a package of models that is edited and imported again.

*In*: the source of `scyllamodel.demo.shop`. *Out*: an importable package ``shop`` in a folder of its own, whose models
change as they would under a developer's hands. The tour needs two states of one class, and a process that shows both
must not hold two classes for one table: so the module is edited and reloaded, as development servers do.
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
    """One line more, or one line changed, in the models.

    Attributes:
        line: the line as it is.
        replacement: what takes its place.
    """

    line: str
    replacement: str

    def apply(self, source: str) -> str:
        """The source after the edit.

        Raises:
            ValueError: the line is not there exactly once.
        """
        if source.count(self.line) != 1:
            raise ValueError(f"{self.line!r} stands {source.count(self.line)} times in the models, not once")
        return source.replace(self.line, self.replacement)

    def diff_lines(self) -> list[str]:
        """The edit as a reader knows it from a diff."""
        lines = difflib.ndiff(self.line.splitlines(), self.replacement.splitlines())
        return [line.rstrip() for line in lines if line[0] in "+-"]


JOINED: Final = "    joined: Column[datetime] = column()"
STARS: Final = "    stars: Column[cql.TinyInt] = column()"

POINTS: Final = Edit(JOINED, f"{JOINED}\n    points: Column[cql.Int | None] = column(default=None)")
"""Customers collect points: one column more, which every server can add at any time."""

HALF_STARS: Final = Edit(STARS, "    stars: Column[float] = column()")
"""Half stars: another type for a column that has rows already, which CQL cannot do."""


class Project:
    """A folder with the package ``shop``, importable inside the ``with`` block and gone after it."""

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
        """Edit the file with the models and import it again."""
        self._write(edit.apply(self.models.read_text(encoding="utf-8")))
        return importlib.reload(sys.modules[MODELS])

    def undo(self, edit: Edit) -> ModuleType:
        """Take an edit back."""
        return self.edit(Edit(edit.replacement, edit.line))

    def _write(self, source: str) -> None:
        self.models.write_text(source, encoding="utf-8")
        # A second edit within the clock tick of the first would find the cached bytecode still good.
        shutil.rmtree(self.models.parent / "__pycache__", ignore_errors=True)
        importlib.invalidate_caches()
