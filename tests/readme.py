"""README and the pages of the guide: their sessions without a server, and those on one, as doctests."""

from __future__ import annotations

import doctest
import re
import sys
import types
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
GUIDE = sorted((ROOT / "scyllamodel" / "guide").glob("*.md"))
PAGES = [README, *GUIDE]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_BLOCK = re.compile(r"(<!-- live -->\n)?```pycon\n(.*?)```", re.DOTALL)


def sessions(page=README, *, live):
    """The text of a page's sessions, in order, without or with those that need a server."""
    return [text for mark, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if live or not mark]


def has_live(page):
    """Whether a page has sessions that need a server."""
    return any(mark for mark, _ in _BLOCK.findall(page.read_text(encoding="utf-8")))


def run(texts, **names):
    """Run sessions one after the other in one module; returns doctest's report of what differed, empty for nothing."""
    module = types.ModuleType("readme_sessions")
    vars(module).update(names)
    sys.modules[module.__name__] = module
    report: list[str] = []
    try:
        test = doctest.DocTestParser().get_doctest("\n".join(texts), {}, "README", str(README), 0)
        test.globs = vars(module)
        doctest.DocTestRunner(optionflags=OPTIONS, verbose=False).run(test, out=report.append, clear_globs=False)
    finally:
        del sys.modules[module.__name__]
    return "".join(report)
