from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadInput
from pipeline.local.paths import format_path, parse_path, walk

names = st.text(min_size=1).filter(lambda text: not ("'" in text and '"' in text))
parts = st.lists(st.one_of(names, st.integers(0, 10**6)), min_size=1).map(tuple)


@given(parts)
def test_a_formatted_path_is_read_back(path: tuple[str | int, ...]) -> None:
    assert parse_path(format_path(path)) == path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("a['b c'].d", ("a", "b c", "d")),
        ('a["it\'s"]', ("a", "it's")),
        ("Outputs['splits'].S3Output.S3Uri", ("Outputs", "splits", "S3Output", "S3Uri")),
        ("FinalMetricDataList['validation:loss'].Value", ("FinalMetricDataList", "validation:loss", "Value")),
        ("[1][2]", (1, 2)),
    ],
)
def test_the_grammar_of_the_service(text: str, expected: tuple[str | int, ...]) -> None:
    assert parse_path(text) == expected


@pytest.mark.parametrize("text", ["", ".a", "a.", "a..b", "a[", "a['b'", "a[-1]", "a.[0]", "a['']", "a b", "a[0]b"])
def test_other_text_is_refused_with_what_could_be_written(text: str) -> None:
    with pytest.raises(BadInput, match="path") as error:
        parse_path(text)
    assert "a.b[0].c" in error.value.hint


@given(parts)
def test_walking_finds_the_value_at_the_end_of_a_path(path: tuple[str | int, ...]) -> None:
    path = tuple(part % 3 if isinstance(part, int) else part for part in path)
    value: object = "found"
    for part in reversed(path):
        value = [None] * part + [value] if isinstance(part, int) else {part: value}
    assert walk(value, path, "document") == "found"


@pytest.mark.parametrize("field", ["OutputName", "MetricName", "ChannelName", "InputName"])
def test_a_list_may_be_indexed_by_the_name_of_its_rows(field: str) -> None:
    assert walk({"Rows": [{field: "a", "V": 1}, {field: "b", "V": 2}]}, ("Rows", "b", "V"), "step X") == 2


def test_a_missing_part_is_named_with_what_there_is_instead() -> None:
    document = {"Outputs": [{"OutputName": "splits"}]}
    with pytest.raises(BadInput, match=r"step Prepare has no Outputs\.train; there it has a list of 1: splits"):
        walk(document, ("Outputs", "train"), "step Prepare")
    with pytest.raises(BadInput, match=r"has no Outputs\[1\]"):
        walk(document, ("Outputs", 1), "step Prepare")
    with pytest.raises(BadInput, match="has no Input; there it has Outputs"):
        walk(document, ("Input",), "step Prepare")
