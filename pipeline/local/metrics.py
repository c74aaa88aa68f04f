"""MetricDefinitions: regular expressions over what a training job prints, and the last number each one found."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.errors import BadInput
from pipeline.local import describe


def compile_metrics(definitions: Iterable[Mapping[str, str]]) -> dict[str, re.Pattern[str]]:
    """The expressions by metric name. Raises BadInput for one that is not a regular expression with a group."""
    patterns = {}
    for row in definitions:
        try:
            pattern = re.compile(row["Regex"])
        except re.error as error:
            raise BadInput(f"the Regex {row['Regex']!r} of metric {row['Name']} cannot be read: {error}") from error
        if not pattern.groups:
            raise BadInput(f"the Regex {row['Regex']!r} of metric {row['Name']} has no group around its number")
        patterns[row["Name"]] = pattern
    return patterns


class MetricReader:
    """Collects metrics line by line."""

    def __init__(self, definitions: Iterable[Mapping[str, str]]) -> None:
        self._patterns = compile_metrics(definitions)
        self._last: dict[str, dict[str, Any]] = {}

    def read(self, line: str) -> None:
        """Look for every metric in one line; a match that is not a finite number is passed over."""
        for name, pattern in self._patterns.items():
            for match in pattern.finditer(line):
                try:
                    value = float(match[1])
                except (TypeError, ValueError):
                    continue
                if math.isfinite(value):
                    self._last[name] = {"MetricName": name, "Value": value, "Timestamp": describe.now()}

    def final(self) -> list[dict[str, Any]]:
        """As DescribeTrainingJob's FinalMetricDataList: the last value of each metric that was seen."""
        return list(self._last.values())
