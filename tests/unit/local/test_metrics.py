from __future__ import annotations

import pytest

from pipeline.errors import BadInput
from pipeline.local.metrics import MetricReader

LOSS = {"Name": "validation:loss", "Regex": r'"loss": ([0-9.eE+-]+|nan)'}


def test_the_last_value_of_each_metric_counts() -> None:
    reader = MetricReader([LOSS, {"Name": "speed", "Regex": r"speed=(\d+)"}])
    for line in ('{"loss": 2.5}', "speed=10", '{"loss": 1.5e-1}', "nothing"):
        reader.read(line)
    assert {row["MetricName"]: row["Value"] for row in reader.final()} == {"validation:loss": 0.15, "speed": 10}


def test_a_metric_that_was_never_seen_or_is_no_number_is_left_out() -> None:
    reader = MetricReader([LOSS])
    reader.read('{"loss": nan}')
    assert reader.final() == []


def test_a_group_that_did_not_take_part_is_passed_over() -> None:
    reader = MetricReader([{"Name": "loss", "Regex": r"loss=(\d+)?"}])
    reader.read("loss=none")
    assert reader.final() == []


@pytest.mark.parametrize(("regex", "message"), [("loss=([", "cannot be read"), ("loss=.*", "no group")])
def test_an_expression_that_cannot_find_a_number_is_refused(regex: str, message: str) -> None:
    with pytest.raises(BadInput, match=f"metric loss {message}|metric loss has {message}"):
        MetricReader([{"Name": "loss", "Regex": regex}])
