from __future__ import annotations

import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadInput, StepFailed
from pipeline.local.conditions import all_hold, check_shape, holds

numbers = st.one_of(st.integers(), st.floats(allow_nan=False))
ORDER = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
TRUE = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
FALSE = {"Type": "Equals", "LeftValue": 1, "RightValue": 2}


@given(st.sampled_from(sorted(ORDER)), numbers, numbers)
def test_comparisons_are_those_of_numbers(kind: str, left: float, right: float) -> None:
    assert holds({"Type": kind, "LeftValue": left, "RightValue": right}) == ORDER[kind](left, right)


@given(st.recursive(st.sampled_from([TRUE, FALSE]), lambda inner: st.one_of(
    inner.map(lambda item: {"Type": "Not", "Expression": item}),
    st.tuples(st.sampled_from(["And", "Or"]), st.lists(inner, min_size=1)).map(
        lambda pair: {"Type": pair[0], "Conditions": pair[1]}
    ),
)))  # fmt: skip
def test_not_and_or_nest_as_in_logic(condition: dict[str, Any]) -> None:
    def truth(item: dict[str, Any]) -> bool:
        if item["Type"] == "Not":
            return not truth(item["Expression"])
        if item["Type"] in ("And", "Or"):
            return {"And": all, "Or": any}[item["Type"]](truth(inner) for inner in item["Conditions"])
        return item is TRUE or item == TRUE

    check_shape(condition, "here")
    assert holds(condition) == truth(condition)


def test_in_looks_for_an_equal_value() -> None:
    assert holds({"Type": "In", "QueryValue": "b", "Values": ["a", "b"]})
    assert not holds({"Type": "In", "QueryValue": 3, "Values": [1, 2.0]})


def test_the_conditions_of_a_step_must_all_hold() -> None:
    assert all_hold([TRUE, TRUE])
    assert not all_hold([TRUE, FALSE])


@pytest.mark.parametrize(("left", "right"), [("0.5", 1.6), (1, "1"), (True, 1), (None, 1), ("a", False)])
def test_values_of_different_kinds_are_not_compared(left: Any, right: Any) -> None:
    for kind in ORDER:
        with pytest.raises(StepFailed, match=f"{kind} cannot compare"):
            holds({"Type": kind, "LeftValue": left, "RightValue": right})


def test_a_senseless_comparison_is_found_even_where_the_answer_is_known_without_it() -> None:
    senseless = {"Type": "LessThan", "LeftValue": "a", "RightValue": 1}
    for kind in ("And", "Or"):
        with pytest.raises(StepFailed, match="cannot compare"):
            holds({"Type": kind, "Conditions": [FALSE if kind == "And" else TRUE, senseless]})


def test_true_and_false_have_no_order() -> None:
    with pytest.raises(StepFailed, match="cannot order"):
        holds({"Type": "LessThan", "LeftValue": False, "RightValue": True})


def test_an_unknown_type_and_a_missing_field_are_refused_with_their_place() -> None:
    with pytest.raises(BadInput, match=r"Conditions\[0\].Not\[0\] has the unsupported condition type 'Like'"):
        check_shape({"Type": "Not", "Expression": {"Type": "Like"}}, "Conditions[0]")
    with pytest.raises(BadInput, match="of type In, has no Values"):
        check_shape({"Type": "In", "QueryValue": 1}, "Conditions[0]")
