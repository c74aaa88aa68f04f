"""A plan is complete: what is deployed and its changes give what would be deployed, whatever was edited."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.definition import read
from pipeline.errors import BadInput
from pipeline.plan import compare
from pipeline.plan.leaves import ABSENT, Item, Named, Order, differences, named, same
from tests.unit.plan.editing import account_text

TEXT = account_text()
RAW = json.loads(TEXT)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text(max_size=5), st.just({}), st.just([])
)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Place of every scalar and every empty container."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not items and path:
        yield path
    for key, item in items:
        yield from leaves(item, (*path, key))


def holders(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Place of everything that can be taken out of a list or a map."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from holders(item, (*path, key))


SMALL = {"Parameters": RAW["Parameters"][:4], "Steps": [RAW["Steps"][index] for index in (1, 5, 7)]}


LEAVES = list(leaves(SMALL))
PLACES = list(holders(SMALL))


def at(raw: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        raw = raw[part]
    return raw


def patched(before: Any, after: Any) -> Any:
    """What the differences make of `before`."""
    result: Any = {"": copy.deepcopy(named(before))}
    for found in differences(before, after):
        if found.path and isinstance(found.path[-1], Order):
            continue
        *inner, last = ("", *found.path)
        place, held = result, {}
        for part in inner:
            held, place = place, place[part]
        if place == [] and isinstance(last, Item):  # a list that gets its first name
            place = held[inner[-1]] = Named()
        if found.after is ABSENT:
            place[last] = ABSENT
        elif isinstance(place, list) and isinstance(last, int) and last == len(place):
            place.append(found.after)
        else:
            place[last] = found.after
    return tidy(result[""])


def whole(raw: Any) -> Any:
    return tidy(named(raw))


def tidy(value: Any) -> Any:
    """Without what is absent; a list of names that has lost them all is an empty list."""
    if isinstance(value, dict):
        kept = {key: tidy(item) for key, item in value.items() if item is not ABSENT}
        return [] if isinstance(value, Named) and not kept else kept
    return [tidy(item) for item in value if item is not ABSENT] if isinstance(value, list) else value


def test_a_definition_against_itself_has_an_empty_plan() -> None:
    assert compare(read(TEXT), read(TEXT)).empty


def test_another_spelling_of_the_same_json_is_no_difference() -> None:
    shuffled = json.dumps(json.loads(TEXT.replace("100.0", "100")), sort_keys=True)
    assert shuffled != TEXT
    assert compare(read(TEXT), read(shuffled)).empty


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_changed_leaf_is_listed(data: st.DataObject) -> None:
    raw = copy.deepcopy(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(LEAVES))
        at(raw, path[:-1])[path[-1]] = data.draw(VALUES)
    assert same(patched(SMALL, raw), whole(raw))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_everything_taken_out_or_put_in_is_listed(data: st.DataObject) -> None:
    raw = copy.deepcopy(SMALL)
    path = data.draw(st.sampled_from(PLACES))
    del at(raw, path[:-1])[path[-1]]
    assert same(patched(SMALL, raw), whole(raw))
    assert same(patched(raw, SMALL), whole(SMALL))


def test_a_step_put_in_front_does_not_make_the_others_look_changed() -> None:
    raw = copy.deepcopy(RAW)
    raw["Steps"].insert(0, {**raw["Steps"][0], "Name": "Greeting"})
    changes = compare(read(TEXT), read(json.dumps(raw))).changes
    assert [change.where for change in changes] == ["Steps.Greeting"]


def test_another_order_of_the_steps_is_told_as_such() -> None:
    raw = copy.deepcopy(RAW)
    raw["Steps"].reverse()
    changes = compare(read(TEXT), read(json.dumps(raw))).changes
    assert [change.text for change in changes] == ["the order of Steps is another"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_can_be_read_can_be_planned_in_words(data: st.DataObject) -> None:
    raw = copy.deepcopy(SMALL)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(LEAVES))
        at(raw, path[:-1])[path[-1]] = data.draw(VALUES)
    try:
        after = read(json.dumps(raw))
    except BadInput:
        return
    found = compare(read(json.dumps(SMALL)), after)
    assert found.empty == same(SMALL, raw)
    assert all(change.text for change in found.changes)
