"""Hostile names in generated text are data, so that each language reads back the original."""

from __future__ import annotations

import ast
import html
import re
import shlex
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scyllamodel._cql import code_tokens
from scyllamodel._identifiers import quote, string_literal, unquote
from scyllamodel._text import printable_line
from scyllamodel.schema.ddl import keyspace_script
from scyllamodel.schema.export.literals import (
    mermaid_comment,
    mermaid_label,
    python_set,
    python_text,
    shell_line,
    shell_word,
)
from scyllamodel.schema.export.mermaid import mermaid
from scyllamodel.schema.export.models.module import module_source
from scyllamodel.schema.export.unsupported import Unsupported
from scyllamodel.schema.server.profile import ServerProfile
from support.strategies import HOSTILE, keyspaces, texts

SERVER = ServerProfile("cassandra", (5, 0, 6))
DIRECTIVE = re.compile(r"%%\s*\{")
"""What Mermaid takes for a directive, anywhere in a diagram."""


@given(st.lists(texts))
def test_python_reads_the_same_texts(value):
    """Python literals of printable characters are read as the original texts, with either kind of quotes."""
    assert value == [ast.literal_eval(python_text(text)) for text in value]
    assert set(value) == (ast.literal_eval(python_set(value)) if value else set())
    assert all(printable_line(python_text(text)) == python_text(text) for text in value)


@given(texts)
def test_cql_reads_the_same_name_and_the_same_string(text):
    """A name and a string are each one token of CQL, whatever they contain."""
    (name,) = code_tokens(quote(text))
    (literal,) = code_tokens(string_literal(text))

    assert text == unquote(name.text)
    assert ("string", text) == (literal.kind, literal.text[1:-1].replace("''", "'"))


@given(st.lists(texts.filter(lambda text: printable_line(text) == text), min_size=1))
def test_a_shell_splits_a_line_into_the_same_words(arguments):
    """A shell splits a line into the original words, as `shlex` does, for texts without control characters."""
    assert arguments == shlex.split(shell_line(*arguments))


@pytest.mark.parametrize("word", [*HOSTILE, "a\tb", "\x1b[2J", "\u202ex'", "$(id)", "`id`", "\\", "é\n"])
def test_bash_takes_the_same_word(word):
    """Bash reads the original word, also if it has control characters, which do not break the line."""
    result = subprocess.run(["bash", "-c", f"printf %s {shell_word(word)}"], capture_output=True, check=True)

    assert word.encode() == result.stdout
    assert printable_line(shell_word(word)) == shell_word(word)


def decoded(label):
    """What Mermaid shows for the content of a quoted text."""
    return html.unescape(re.sub(r"#(\d+);", r"&#\1;", re.sub(r"#([a-z]+);", r"&\1;", label)))


@given(texts)
def test_mermaid_shows_the_same_text(text):
    """The text has no quotes, directives or markup, and its entities are decoded to the original."""
    label = mermaid_label(text)

    assert printable_line(text) == decoded(label)
    assert not set('"<>%{}`;') & set(re.sub(r"#\w+;", "", label))
    assert not DIRECTIVE.search(mermaid_comment(text))
    assert "\n" not in mermaid_comment(text)


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(keyspaces())
def test_no_name_steers_a_diagram(facts):
    """Mermaid finds no directive in any name, and columns whose names it cannot show have them in a comment."""
    text = mermaid(facts)
    output = {decoded(match) for match in re.findall(r'"([^"]*)"', text)}
    values = [
        c.name
        for table in facts.tables
        for c in table
        if not re.fullmatch(r"[A-Za-z]([A-Za-z0-9_]*[A-Za-z0-9])?", c.name)
    ]

    assert not DIRECTIVE.search(text)
    assert [] == [name for name in values if not any(printable_line(name) in label for label in output)]


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(keyspaces())
def test_no_generated_module_holds_a_control_character(facts):
    """Neither code nor comments of a generated module contain control characters."""
    text = module_source(facts, SERVER)

    assert text == "\n".join(map(printable_line, text.split("\n")))


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(keyspaces())
def test_each_statement_of_a_script_is_one_statement(facts):
    """Names and options do not close a literal, open a comment or end a statement."""
    for statement in keyspace_script(facts, SERVER):
        values = list(code_tokens(statement))
        assert all(token.text != ";" for token in values)
        assert values[0].text == "CREATE"


@given(texts)
def test_a_comment_on_what_is_left_out_is_one_line_of_plain_ascii(text):
    """A comment about an unsupported object is one line of ASCII in a script, a module and a diagram."""
    line = str(Unsupported("table", text, text))

    assert line.isascii()
    assert printable_line(line) == line
