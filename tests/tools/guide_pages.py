"""The generated pages of the guide: the codes from the catalogue, the command line from its parsers.

``python tests/tools/guide_pages.py`` writes them; a test fails while they are out of date.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from itertools import groupby
from pathlib import Path

from scyllamodel.cli.commands.explain import code_explanations
from scyllamodel.cli.definitions import COMMANDS
from scyllamodel.cli.exit_codes import CONFIGURATION, DESCRIPTIONS, DONE, ERROR, USAGE
from scyllamodel.cli.parser import _build_parser

GUIDE = Path(__file__).parents[2] / "scyllamodel" / "guide"
PARTS = {
    "AL": "Permissions given with allow=",
    "AP": "Applying a plan",
    "BC": "Changes that break older releases, and objects of others",
    "BF": "Backfill",
    "CF": "Configuration",
    "CL": "State of the cluster",
    "CM": "Command line",
    "CN": "Connection",
    "DC": "Discovery of models",
    "DM": "Demo",
    "DS": "Drops",
    "IX": "Indexes",
    "KS": "Keyspaces",
    "LC": "Local servers",
    "LG": "History",
    "MD": "Class bodies of models",
    "MV": "Materialized views",
    "NB": "Hand-written and dangerous statements",
    "NU": "Nulls",
    "OP": "Table options",
    "PK": "Primary keys",
    "PL": "Plans",
    "QY": "Queries and requests",
    "RB": "Rollback",
    "RO": "Roles",
    "SM": "Base and unexpected errors",
    "SY": "Start-up sync",
    "TY": "Types",
    "UD": "User types",
}
CODES = """\
# Codes

What each code of an error, a refusal or a note means. `scyllamodel explain CODE` prints one of them in the terminal.

Codes are stable: scripts and searches can rely on them. This page is generated from the catalogue of the package.
"""
COMMAND_LINE = """\
# Command line

Every command with its options and exit codes. `scyllamodel COMMAND --help` prints the same in the terminal.

This page is generated from the parsers of the commands.

## Output and JSON schemas

Results go to stdout, messages to stderr. With `--json`, stdout has exactly one JSON document, errors included; with
several repos it is a list. The JSON Schemas of all documents ship with the package:

```pycon
>>> import json
>>> from importlib.resources import files
>>> schemas = files("scyllamodel") / "schemas"
>>> json.loads((schemas / "plan.schema.json").read_text())["title"]
'scyllamodel plan'
>>> sorted(file.name.partition(".")[0] for file in schemas.iterdir() if file.name.startswith(("er", "re")))
['error', 'result']

```

Each document has a `kind`, which is the name of its schema, and a `format`, which changes when a reader has to.

## Exit codes

| Code | Meaning |
|---|---|
{exits}

`{always}` are possible for every command; the others are listed with each command.

## Completion

`source <(scyllamodel completion bash)` completes commands, options, topics of the guide and codes in bash;
`source <(scyllamodel completion zsh)` does the same in zsh.

## Shared options
{shared}
"""


def pages() -> dict[Path, str]:
    """The text of each generated page."""
    return {GUIDE / "codes.md": codes_page(), GUIDE / "command-line.md": command_line_page()}


def codes_page():
    """Every code with its meaning, grouped by prefix."""
    lines = [CODES]
    for letters, value in groupby(code_explanations().values(), key=lambda explanation: explanation.code[:2]):
        lines += [f"## {PARTS[letters]}", ""]
        for entry in value:
            heading, sentence = _title_of(entry)
            lines += [f"### {entry.code}: {heading}", "", *filter(None, [sentence]), "", *_texts(letters, entry)]
    return _tidy(lines)


def _title_of(entry):
    """The heading of a code, and the sentence below it; an error is headed by its name."""
    name, colon, rest = entry.title.partition(": ")
    if colon and name.isidentifier():
        return name, _markdown(rest)
    title = rest if colon and name.endswith("class body") else entry.title
    return _markdown(title[0].upper() + title[1:]), ""


def _texts(letters, entry):
    if letters != "MD":
        for paragraph in filter(None, entry.text.split("\n\n")):
            title, colon, rest = paragraph.partition("Example: ")
            yield (
                f"Example: `{rest}`"
                if colon and not title and "`" not in rest
                else _markdown(" ".join(paragraph.split()))
            )
            yield ""


def _markdown(text):
    """Prose of docstrings and of the catalogue, with characters escaped that could form a tag or a placeholder."""
    return re.sub(r"``(.+?)``", r"`\1`", text).replace("<", r"\<")


def command_line_page():
    """Every command with its options."""
    _, parsers = _build_parser(COMMANDS)
    groups = {name: [(_title(group), _rows(group)) for group in _groups(parser)] for name, parser in parsers.items()}
    shared = _shared(key for group in groups.values() for key in group)
    always = ", ".join(str(code) for code in (DONE, ERROR, USAGE, CONFIGURATION))
    exits = "\n".join(f"| {code} | {entry} |" for code, entry in DESCRIPTIONS.items())
    tables = "\n".join(f"\n### {title}\n\n{_table(rows)}" for title, rows in sorted(shared.items()))
    lines = [COMMAND_LINE.format(exits=exits, always=always, shared=tables)]
    for command in COMMANDS:
        lines += _command(command, groups[command.name], shared)
    return _tidy(lines)


def _shared(groups):
    """The titled groups of options that several commands have; of two with one title, the longer one."""
    times = Counter(groups)
    several = sorted((key for key, number in times.items() if number > 1), key=lambda key: len(key[1]))
    return {title: rows for title, rows in several if title not in ("Options", "Arguments")}


def _groups(parser):
    return [group for group in parser._action_groups if _shown(group)]


def _shown(group):
    return [action for action in group._group_actions if not isinstance(action, argparse._HelpAction)]


def _title(group):
    title = {"options": "Options", "optional arguments": "Options", "positional arguments": "Arguments"}
    row = title.get(group.title, group.title.partition(" (")[0])
    return row[0].upper() + row[1:]


def _rows(group):
    return tuple((_spelt(action), action.help.replace("|", r"\|")) for action in _shown(group))


def _spelt(action):
    choices = f"{{{','.join(map(str, action.choices))}}}" if action.choices else ""
    value = "" if action.nargs == 0 else action.metavar or choices or action.dest.upper()
    value = f"[{value}]" if action.nargs == "?" else value
    return " ".join(filter(None, [", ".join(action.option_strings), value]))


def _table(rows):
    return "\n".join(
        ["| Option | Meaning |", "|---|---|", *(f"| `{spelt}` | {description} |" for spelt, description in rows)]
    )


def _command(command, groups, shared):
    yield f"## {command.name}"
    yield f"\n{command.summary[0].upper()}{command.summary[1:]}.\n"
    yield re.sub(r"\n  (\S.*)", r"\n\n    \1", _markdown(command.description)) + "\n"
    for title, rows in groups:
        if shared.get(title) != rows:
            yield f"**{title}**\n\n{_table(rows)}\n"
    common = [title.lower() for title, rows in groups if shared.get(title) == rows]
    if common:
        yield f"[Shared options](#shared-options): {', '.join(common)}.\n"
    codes = "; ".join(f"{code}, {DESCRIPTIONS[code]}" for code in sorted(command.exit_codes))
    if codes:
        yield f"Exit codes: {codes}.\n"
    examples = "\n".join(command.examples)
    yield f"```text\n{examples}\n```\n"


def _tidy(lines):
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
