"""The model of a chaos run detects lost, duplicated and invented data, and allows unknown outcomes."""

from __future__ import annotations

from functools import partial

import pytest

from chaos_model import Assignments, ChaosModel, Claims, Elements, Total

DOC, LOG, TALLY, SEAT, GUARD = (("docs", 1), ("logs", 1), ("tallies", 1), ("seats", 1), ("guards", 1))


@pytest.fixture
def model():
    """A model with a row of each kind."""
    return ChaosModel(
        {
            "docs": {"x": Assignments, "tags": Assignments},
            "logs": {"entries": Elements, "marks": partial(Elements, ordered=False)},
            "tallies": {"hits": Total},
            "seats": {"claims": Claims},
            "guards": {"x": partial(Assignments, floating=True)},
        }
    )


def doc(x, tags=()):
    """A row as it was read."""
    return {"x": x, "tags": list(tags)}


def test_an_acknowledged_write_that_is_lost_is_found(model):
    """Neither an earlier value nor a missing row is accepted after an acknowledged write."""
    model.begin(DOC, x="a").acknowledge()
    model.begin(DOC, x="b").acknowledge()

    assert [] == model.violations(DOC, doc("b"))
    assert ["('docs', 1).x: holds 'a', and may hold ['b']"] == model.violations(DOC, doc("a"))
    assert ["('docs', 1).x: holds None, and may hold ['b']"] == model.violations(DOC, None)


def test_an_unknown_write_may_be_there_or_not(model):
    """Either value is accepted until a later write is acknowledged, after which the unknown one is an error."""
    model.begin(DOC, x="a").acknowledge()
    model.begin(DOC, x="b")

    assert [[], []] == [model.violations(DOC, doc(value)) for value in "ab"]
    assert not model.is_settled(DOC)

    model.begin(DOC, x="a").acknowledge()
    assert [] == model.violations(DOC, doc("a"))
    assert model.violations(DOC, doc("b"))
    assert model.is_settled(DOC)


def test_a_refused_write_that_is_there_is_found(model):
    """The value of a write that was reported as not applied is an error."""
    model.begin(DOC, x="a").acknowledge()
    model.begin(DOC, x="b").refuse()

    assert model.violations(DOC, doc("b"))


def test_a_value_does_not_change_back_once_another_was_seen(model):
    """Once a read has returned the value of an unknown write, the earlier value is an error."""
    model.begin(DOC, x="a").acknowledge()
    model.begin(DOC, x="b")
    model.begin(DOC, x="c")

    assert [] == model.observe(DOC, doc("b"))
    assert model.violations(DOC, doc("a"))
    assert [] == model.violations(DOC, doc("c"))


def test_an_outcome_that_is_known_after_a_later_value_was_seen_changes_nothing(model):
    """A late acknowledgement does not change an outcome that was observed."""
    first = model.begin(DOC, x="a")
    model.begin(DOC, x="b")
    model.observe(DOC, doc("b"))
    first.acknowledge()
    first.refuse()

    assert [] == model.violations(DOC, doc("b"))
    assert model.violations(DOC, doc("a"))


def test_columns_that_a_write_does_not_touch_stay(model):
    """Each column has its own history, so a write does not affect other columns."""
    model.begin(DOC, x="a", tags=["one"]).acknowledge()
    model.begin(DOC, x="b").acknowledge()

    assert [] == model.violations(DOC, doc("b", ["one"]))
    assert model.violations(DOC, doc("b"))
    assert model.violations(DOC, doc("b", ["one", "one"]))


def test_empty_collections_are_null(model):
    """An empty collection equals a null, as on a server."""
    model.begin(DOC, x="a", tags=[]).acknowledge()

    assert [] == model.violations(DOC, {"x": "a", "tags": None})


def test_a_conditional_write_may_be_applied_late(model):
    """A conditional write without an answer may be applied after a later write."""
    model.begin(GUARD, x="a").acknowledge()
    model.begin(GUARD, x="b")
    model.begin(GUARD, x="c").acknowledge()

    assert [[], []] == [model.observe(GUARD, {"x": value}) for value in "cb"]
    assert model.violations(GUARD, {"x": "a"})


def test_an_append_that_came_twice_is_found(model):
    """An element that was appended once and is found twice is an error, whether or not it was acknowledged."""
    model.begin(LOG, entries="a").acknowledge()
    model.begin(LOG, entries="b")

    for twice in (["a", "a"], ["a", "b", "b"]):
        (text,) = model.violations(LOG, {"entries": twice, "marks": None})
        assert text.endswith("is there 2 times")


def test_appends_may_be_lost_or_late_only_without_an_answer(model):
    """Only an element whose append has no answer may be missing or at another position."""
    for element in "abc":
        write = model.begin(LOG, entries=element)
        if element != "b":
            write.acknowledge()

    for right in ("abc", "acb", "ac"):
        assert [] == model.violations(LOG, {"entries": list(right), "marks": None})
    assert ["('logs', 1).entries: 'c' was acknowledged and is lost"] == model.violations(
        LOG, {"entries": ["a", "b"], "marks": None}
    )


def test_elements_of_one_writer_stand_in_order(model):
    """Elements of one writer must be in order, and those of several writers may be in any order."""
    model.begin(LOG, writer=1, entries="a").acknowledge()
    model.begin(LOG, writer=2, entries="b").acknowledge()
    model.begin(LOG, writer=1, entries="c").acknowledge()

    assert [] == model.violations(LOG, {"entries": ["b", "a", "c"], "marks": None})
    assert model.violations(LOG, {"entries": ["c", "b", "a"], "marks": None})


def test_elements_that_one_writer_sent_side_by_side_stand_in_any_order(model):
    """Elements that one writer sent concurrently may be in any order."""
    writes = [model.begin(LOG, writer=1, entries=element) for element in "ab"]
    for write in writes:
        write.acknowledge()
    model.begin(LOG, writer=1, entries="c").acknowledge()

    assert [] == model.violations(LOG, {"entries": ["b", "a", "c"], "marks": None})
    assert model.violations(LOG, {"entries": ["b", "c", "a"], "marks": None})


def test_elements_that_were_not_written_or_were_refused_are_found(model):
    """Elements that were never written, or were refused, are errors, in a set too."""
    model.begin(LOG, marks="b").acknowledge()
    model.begin(LOG, marks="a").acknowledge()
    model.begin(LOG, marks="c").refuse()

    assert [] == model.violations(LOG, {"entries": None, "marks": {"a", "b"}})
    for extra in "cx":
        assert model.violations(LOG, {"entries": None, "marks": {"a", "b", extra}})


@pytest.mark.parametrize("value", [4, 5, 7, 8])
def test_a_counter_holds_what_was_acknowledged_and_may_hold_what_is_unknown(model, value):
    """With 6 acknowledged, +1 and -1 unknown, and 100 refused, a counter may be from 5 to 7."""
    model.begin(TALLY, hits=2).acknowledge()
    model.begin(TALLY, hits=4).acknowledge()
    model.begin(TALLY, hits=1)
    model.begin(TALLY, hits=-1)
    model.begin(TALLY, hits=100).refuse()

    assert (5 <= value <= 7) == (not model.violations(TALLY, {"hits": value}))


def test_a_counter_without_a_row_is_zero():
    """A counter without a row is accepted if nothing was counted, or only with unknown outcomes."""
    model = ChaosModel({"tallies": {"hits": Total}})
    write = model.begin(TALLY, hits=2)

    assert [] == model.violations(TALLY, None)
    write.acknowledge()
    assert model.violations(TALLY, None)


def test_a_place_has_one_owner(model):
    """A place has at most one owner, which was not refused, and which is the acknowledged one if there is one."""
    first, second, _ = (model.begin(SEAT, claims=(1, token)) for token in "abc")
    second.refuse()

    assert [[], []] == [model.violations(SEAT, {"claims": {(1, token)}}) for token in "ac"]
    assert model.violations(SEAT, {"claims": {(1, "b")}})
    assert ["('seats', 1).claims: place 1 was taken 2 times"] == model.violations(
        SEAT, {"claims": {(1, "a"), (1, "c")}}
    )

    first.acknowledge()
    assert model.violations(SEAT, {"claims": {(1, "c")}})


def test_a_row_that_was_found_right_is_forgotten(model):
    """A row that passed its check is removed from the model, so that memory does not grow in a long run."""
    model.begin(DOC, x="a").acknowledge()
    model.begin(LOG, entries="a").acknowledge()
    model.forget(DOC)

    assert ([], [LOG]) == (model.keys("docs"), model.keys("logs"))
