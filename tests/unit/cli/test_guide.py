"""The guide in the terminal, and shell completion."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from scyllamodel.cli import main
from scyllamodel.cli.commands.completion import completion_script
from scyllamodel.cli.commands.guide import topics
from scyllamodel.cli.definitions import COMMANDS
from scyllamodel.cli.parser import completions
from support import readme

PAGES = [page.stem for page in readme.GUIDE if page.stem != "index"]


def test_every_page_is_in_the_index():
    """The index lists each page once, by title."""
    titles = {page.stem: page.read_text(encoding="utf-8").split("\n", 1)[0] for page in readme.GUIDE}

    assert sorted(PAGES) == sorted(topics())
    assert {name: f"# {topic.title}" for name, topic in topics().items()} == {name: titles[name] for name in topics()}


def test_every_page_is_in_readme():
    """README links to every page of the guide."""
    links = re.findall(r"\(scyllamodel/guide/([a-z-]+)\.md\)", readme.README.read_text(encoding="utf-8"))

    assert set(PAGES) == set(links)


def test_topics_are_listed(capsys):
    """Without a topic, each topic is listed on a line, grouped by the parts of the guide."""
    assert 0 == main(["guide"])
    lines = capsys.readouterr().out.splitlines()

    assert PAGES == sorted(line.split()[0] for line in lines if line.startswith("  "))
    assert "Read and write" in lines
    assert [] == [line for line in lines if len(line) > 100]


@pytest.mark.parametrize("topic", ["models", "models.md", "Multi_Tenancy"])
def test_a_topic_is_printed_as_it_is(capsys, topic):
    """A page is printed as the Markdown that ships with the package, however its name is spelled."""
    assert 0 == main(["guide", topic])
    name = topic.lower().removesuffix(".md").replace("_", "-")
    page = Path(readme.GUIDE[0].parent, f"{name}.md").read_text(encoding="utf-8")

    assert page == capsys.readouterr().out


def test_a_topic_as_a_document(capsys):
    """With --json a page is a document with its text, and the list of topics contains no texts."""
    main(["guide", "types", "--json"])
    (topic,) = json.loads(capsys.readouterr().out)["topics"]
    main(["guide", "--json"])
    entries = json.loads(capsys.readouterr().out)["topics"]

    assert ("types", True) == (topic["name"], topic["text"].startswith("# Types\n"))
    assert (list(topics()), False) == ([each["name"] for each in entries], any("text" in each for each in entries))


@pytest.mark.parametrize(
    ("topic", "advice"),
    [
        ("model", "Did you mean models"),
        ("tenants", "Did you mean multi-tenancy?"),
        ("Multi", "Did you mean multi-tenancy?"),
        ("kubernetes", "Did you mean deploying?"),
        ("serial_consistency", "Did you mean querying"),
        ("default consistency", "Did you mean querying?"),
        ("roolback", "Did you mean rollback?"),
        ("xyzzy", "List all topics with: scyllamodel guide"),
    ],
)
def test_an_unknown_topic_is_answered_with_near_ones(capsys, topic, advice):
    """The exit code is 64, and topics with a similar name or with the word in their summary or text are suggested."""
    assert 64 == main(["guide", topic])
    assert advice in capsys.readouterr().err


def completed(*arguments):
    """What bash suggests for the last of these words."""
    script = completion_script(completions(COMMANDS))
    output = (
        f"COMP_WORDS=({' '.join(arguments)} ''); COMP_CWORD={len(arguments) - 1}; _scyllamodel; echo ${{COMPREPLY[@]}}"
    )
    result = subprocess.run(["bash", "-c", script + output], capture_output=True, text=True, check=True)
    return result.stdout.split()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["scyllamodel", "mi"], ["migrate"]),
        (["scyllamodel", "guide", "sy"], ["syncing"]),
        (["scyllamodel", "guide", "--j"], ["--json"]),
        (["scyllamodel", "explain", "TY10"], [f"TY10{number}" for number in range(1, 10)]),
        (["scyllamodel", "plan", "--create"], ["--create-keyspace"]),
        (["scyllamodel", "local", "st"], ["start", "stop", "status"]),
        (["scyllamodel", "plan", "--repo", "shop.d"], []),
    ],
)
def test_bash_completes_commands_topics_and_options(arguments, expected):
    """The script suggests commands first, then the arguments and options of the command."""
    assert expected == completed(*arguments)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_is_printed(capsys, shell):
    """The command prints the script; the one for zsh loads the emulation of bash completion first."""
    assert 0 == main(["completion", shell])
    printed = capsys.readouterr().out

    assert printed.endswith(completion_script(completions(COMMANDS)))
    assert ("zsh" == shell) == printed.startswith("autoload -U +X bashcompinit")


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("a null in a column", "reading-old-rows"),
        ("None in a column", "models"),
        ("unknown enum values", "reading-old-rows"),
        ("which code drops", "schema-changes"),
        ("JSON schemas", "command-line"),
        ("200 tenants", "multi-tenancy"),
        ("validators", "models"),
        ("converters", "models"),
        ("__attrs_post_init__", "models"),
        ("comments", "models"),
        ("emptying", "testing"),
        ("xdist", "testing"),
        ("without a server", "testing"),
        ("trio", "web-frameworks"),
        ("password from a file", "configuration"),
        ("Prometheus", "monitoring"),
        ("JSON logs", "monitoring"),
        ("init container", "deploying"),
        ("typed columns", "querying"),
        ("raw()", "querying"),
        ("default consistency", "querying"),
        ("protocols", "typing"),
        ("ruff", "typing"),
        ("rollback", "rollback"),
    ],
)
def test_a_question_finds_its_page(words, page):
    """The page that answers a frequent question has its keywords in the summary or in a heading."""
    topic = topics()[page]

    assert words.lower() in f"{topic.description()} {topic.headings()}".lower()
