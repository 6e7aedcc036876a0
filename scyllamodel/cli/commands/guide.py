"""The command guide, which prints the pages of the package.

*In*: the Markdown files of the package. *Out*: a list of topics, or a page.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Mapping
from pkgutil import get_data
from typing import Any, Final, NamedTuple

from scyllamodel.cli.console import Console
from scyllamodel.cli.errors import UsageError
from scyllamodel.cli.exit_codes import DONE

_LINE: Final = re.compile(
    r"^(?:## (?P<part>.+)|- \[(?P<title>.+)\]\((?P<name>.+)\.md\): (?P<summary>.+))$", re.MULTILINE
)
"""A line of the index: the heading of a part, or a page."""

_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Topic(NamedTuple):
    """One page of the guide.

    Attributes:
        name: as it is typed.
        part: the part of the guide that it belongs to.
    """

    name: str
    title: str
    summary: str
    part: str

    def text(self) -> str:
        """Return the page as Markdown."""
        return _read(self.name)

    def description(self) -> str:
        """Return name, title and summary."""
        return f"{self.name} {self.title} {self.summary}"

    def headings(self) -> str:
        """Return the headings of the page."""
        return "\n".join(_HEADING.findall(self.text()))


def topics() -> dict[str, Topic]:
    """Return all pages of the guide by name, in the order of the index."""
    topics_by_name: dict[str, Topic] = {}
    part = ""
    for line in _LINE.finditer(_read("index")):
        part = line["part"] or part
        if line["name"]:
            topics_by_name[line["name"]] = Topic(line["name"], line["title"], line["summary"], part)
    return topics_by_name


def _read(name: str) -> str:
    page = get_data("scyllamodel", f"guide/{name}.md")
    if page is None:
        raise FileNotFoundError(f"The loader of the package cannot read guide/{name}.md.")
    return page.decode()


def run_guide(settings: argparse.Namespace, console: Console) -> int:
    """Run the command guide."""
    known = topics()
    if settings.topic is None:
        console.document(guide_document(known.values()))
        console.page(_listed(known))
        return DONE
    topic = _chosen(settings.topic, known)
    console.document(guide_document([topic], text=topic.text()))
    console.page(topic.text().rstrip("\n"))
    return DONE


def _chosen(topic_name: str, known: Mapping[str, Topic]) -> Topic:
    """Return the topic with this name.

    Raises:
        UsageError: the topic does not exist; the message lists similar ones.
    """
    name = topic_name.lower().removesuffix(".md").replace("_", "-")
    if name in known:
        return known[name]
    near = _about(topic_name.lower(), known.values()) or difflib.get_close_matches(name, known, 3, 0.5)
    advice = f"Did you mean {' or '.join(near)}?" if near else "List all topics with: scyllamodel guide"
    raise UsageError(f"The guide has no topic {topic_name!r}. {advice}", topics=near)


def _about(word: str, known: Iterable[Topic]) -> list[str]:
    """Return the topics with a word in name, title or summary, else in a heading, else the three that use it most."""
    for where in (Topic.description, Topic.headings):
        names = [topic.name for topic in known if word in where(topic).lower()]
        if names:
            return names
    times = {topic.name: topic.text().lower().count(word) for topic in known}
    return sorted(filter(times.get, times), key=lambda name: -times[name])[:3]


def guide_document(entries: Iterable[Topic], **more: str) -> dict[str, Any]:
    """Return topics as a JSON document with the schema ``guide.schema.json``; ``text=`` adds the text of a page."""
    return {"format": 1, "kind": "guide", "topics": [{**topic._asdict(), **more} for topic in entries]}


def _listed(known: Mapping[str, Topic]) -> str:
    lines: list[str] = []
    part = None
    for topic in known.values():
        if topic.part != part:
            part = topic.part
            lines += ["", part] if lines else [part]
        lines.append(f"  {topic.name:<23} {topic.summary}")
    return "\n".join([*lines, "", "scyllamodel guide TOPIC prints a page; any other word names the pages about it."])
