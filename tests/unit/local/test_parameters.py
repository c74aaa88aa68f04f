from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.definition import DeclaredParameter, read
from pipeline.errors import BadInput
from pipeline.local.parameters import cast, to_text, typed_parameters
from tests.unit.local.pipelines import declared

ROWS = [
    declared("Corpus", "String"),
    declared("Size", "String", "small", ["small", "large"]),
    declared("Steps", "Integer", 10),
    declared("Rate", "Float", 1),
    declared("Dry", "Boolean", False),
]


def typed(given: dict[str, str], rows: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return typed_parameters(read(json.dumps({"Parameters": rows or ROWS, "Steps": []})), given)


def test_given_text_is_cast_and_defaults_fill_the_rest() -> None:
    values = typed({"Corpus": "s3://b/c", "Steps": "+7", "Rate": "2e-4", "Dry": "True"})
    assert values == {"Corpus": "s3://b/c", "Size": "small", "Steps": 7, "Rate": 2e-4, "Dry": True}


def test_a_whole_number_as_default_of_a_float_is_a_float() -> None:
    assert repr(typed({"Corpus": "x"})["Rate"]) == "1.0"


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(BadInput) as error:
        typed({"Corpu": "x", "Steps": "1.5", "Rate": "nan", "Dry": "yes", "Size": "huge"})
    message = error.value.message
    assert "Corpu is not a parameter; known: Corpus, Size, Steps, Rate, Dry" in message
    assert "Corpus has no default" in message
    assert "Steps='1.5' is not a whole number" in message
    assert "Rate='nan' is not a number" in message
    assert "Dry='yes' is not true or false" in message
    assert "Size='huge' is not one of small, large" in message


@pytest.mark.parametrize("text", ["", "x" * 1025])
def test_the_service_takes_1_to_1024_characters(text: str) -> None:
    with pytest.raises(BadInput, match="a value has 1 to 1024"):
        typed({"Corpus": text})
    assert typed({"Corpus": "x" * 1024})["Corpus"] == "x" * 1024


@pytest.mark.parametrize("text", ["1_000", " 1", "1 ", "0x10", "inf", "1e999", "--1", "", "ten"])
def test_numbers_that_only_python_would_read_are_refused(text: str) -> None:
    for kind in ("Integer", "Float"):
        with pytest.raises(ValueError, match="Rate"):
            cast(DeclaredParameter("Rate", kind), text)


@pytest.mark.parametrize(
    "row", [declared("X", "Integer", "3"), declared("X", "Float", True), declared("X", "String", "c", ["a", "b"])]
)
def test_a_default_that_is_not_of_its_type_or_choices_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="X"):
        typed({}, [row])


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans()))
def test_text_of_a_value_is_cast_back_to_it(value: float | bool) -> None:
    kind = {bool: "Boolean", int: "Integer", float: "Float"}[type(value)]
    back = cast(DeclaredParameter("X", kind), to_text(value))
    assert (type(back), back) == (type(value), value)
