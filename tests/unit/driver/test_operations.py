"""Reads of several pages ask for the next page before they use the current one."""

from __future__ import annotations

import contextlib

import pytest

from scyllamodel import Column, Model, partition_key, select
from scyllamodel.driver.data import sync_runner
from scyllamodel.driver.data.messages import Execute
from scyllamodel.driver.data.operations import fetch_rows
from scyllamodel.driver.data.sync_runner import stream_rows


class Paged(Model, table="paged"):
    """A table of one column."""

    id: Column[int] = partition_key()


class Pages:
    """A response with some pages of one row each, which records what is done with it."""

    def __init__(self, count):
        self.left, self.calls = count, []

    @property
    def has_more_pages(self):
        return self.left > 1

    def prefetch(self):
        self.calls.append("ask")
        self.left -= 1

    @property
    def rows(self):
        self.calls.append("use")
        return [(len(self.calls),)]


def read_all(pages, _):
    """All rows at once."""
    operation = fetch_rows(select(Paged).whole_table().compile("shop"))
    rows = []

    def run():
        rows.extend((yield from operation))

    running = run()
    next(running)
    with contextlib.suppress(StopIteration):
        while True:
            running.send(pages)
    return rows


def read_one_by_one(pages, monkeypatch):
    """One row after another."""
    monkeypatch.setattr(sync_runner, "send_message", lambda *_: pages)
    return list(stream_rows(None, Execute(select(Paged).whole_table().compile("shop"))))


@pytest.mark.parametrize("read", [read_all, read_one_by_one])
def test_the_next_page_is_asked_for_before_rows_are_decoded(read, monkeypatch):
    """The server fetches a page while the previous one is decoded and loaded."""
    pages = Pages(3)
    rows = read(pages, monkeypatch)

    assert [row.id for row in rows] == [2, 4, 5]
    assert pages.calls == ["ask", "use", "ask", "use", "use"]
