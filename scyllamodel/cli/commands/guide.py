"""The commands guide and completion.

*In*: the Markdown files of the package, and the parsers of all commands. *Out*: a list of topics, a page, or a script
for a shell.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, Final

import attrs

from scyllamodel.cli import options
from scyllamodel.cli.console import Console
from scyllamodel.cli.exit_codes import DONE, UsageError
from scyllamodel.cli.parser import Command, completions

_LINE: Final = re.compile(
    r"^(?:## (?P<part>.+)|- \[(?P<title>.+)\]\((?P<name>.+)\.md\): (?P<summary>.+))$", re.MULTILINE
)
"""A line of the index: the heading of a part, or a page."""

_BASH: Final = """\
_scyllamodel() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} words=
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{commands}"
    else
        case ${{COMP_WORDS[1]}} in
{cases}
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _scyllamodel scyllamodel
"""
_ZSH: Final = "autoload -U +X bashcompinit && bashcompinit\n"


@attrs.frozen
class Topic:
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
    return (files("scyllamodel") / "guide" / f"{name}.md").read_text(encoding="utf-8")


def _guide_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "topic", nargs="?", metavar="TOPIC", help="a topic such as models; without it, all topics are listed"
    )
    options.add_output(parser)


def _guide(settings: argparse.Namespace, console: Console) -> int:
    known = topics()
    if settings.topic is None:
        console.document(guide_document(known.values()))
        console.page(_listed(known))
        return DONE
    topic = _chosen(settings.topic, known)
    console.document(guide_document([topic], text=topic.text()))
    console.page(topic.text().rstrip("\n"))
    return DONE


def _chosen(word: str, known: Mapping[str, Topic]) -> Topic:
    """Return the topic with this name.

    Raises:
        UsageError: the topic does not exist; the message lists similar ones.
    """
    name = word.lower().removesuffix(".md").replace("_", "-")
    if name in known:
        return known[name]
    near = _about(word.lower(), known.values()) or difflib.get_close_matches(name, known, 3, 0.5)
    advice = f"Did you mean {' or '.join(near)}?" if near else "List all topics with: scyllamodel guide"
    raise UsageError(f"The guide has no topic {word!r}. {advice}", topics=near)


def _about(word: str, known: Iterable[Topic]) -> list[str]:
    """Return the topics with a word in name, title or summary, else the three whose pages contain it most often."""
    names = [topic.name for topic in known if word in f"{topic.name} {topic.title} {topic.summary}".lower()]
    if names:
        return names
    times = {topic.name: topic.text().lower().count(word) for topic in known}
    return sorted(filter(times.get, times), key=lambda name: -times[name])[:3]


def guide_document(found: Iterable[Topic], **more: str) -> dict[str, Any]:
    """Return topics as a JSON document with the schema ``guide.schema.json``; ``text=`` adds the text of a page."""
    return {"format": 1, "kind": "guide", "topics": [{**attrs.asdict(topic), **more} for topic in found]}


def _listed(known: Mapping[str, Topic]) -> str:
    lines: list[str] = []
    part = None
    for topic in known.values():
        if topic.part != part:
            part = topic.part
            lines += ["", part] if lines else [part]
        lines.append(f"  {topic.name:<23} {topic.summary}")
    return "\n".join([*lines, "", "scyllamodel guide TOPIC prints a page."])


def _completion_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=["bash", "zsh"], help="the shell")
    parser.set_defaults(verbosity=0)


def _completion(settings: argparse.Namespace, console: Console) -> int:
    script = completion_script(completions(settings.commands))
    console.script((_ZSH if settings.shell == "zsh" else "") + script.rstrip("\n"))
    return DONE


def completion_script(words: Mapping[str, Iterable[str]]) -> str:
    """Return a bash script that completes commands and the words of each command."""
    cases = "\n".join(f'            {name}) words="{" ".join(known)}" ;;' for name, known in words.items())
    return _BASH.format(commands=" ".join(words), cases=cases)


COMMANDS: Final = (
    Command(
        "guide",
        "print a page of the guide, or list its topics",
        _guide,
        _guide_options,
        "The pages are Markdown files of the package, and describe the installed version.",
        ("scyllamodel guide", "scyllamodel guide models", "scyllamodel guide deploying | less"),
        imports=False,
        values=topics,
    ),
    Command(
        "completion",
        "print a script that completes commands, options and topics in a shell",
        _completion,
        _completion_options,
        "Load it with: source <(scyllamodel completion bash), or write it to a file that the shell reads when\n"
        "it starts.",
        ("scyllamodel completion bash", "scyllamodel completion zsh"),
        imports=False,
    ),
)
