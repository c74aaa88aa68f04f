"""Where the parts of the GPU benchmark run: the model's shape, the lengths, the clock and the file of results."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from steps.job import Refused
from tests.benchmarks.train_lengths import Lengths

Row = dict[str, Any]
SMALL: dict[str, int] = {  # to try the script itself, on any machine
    "vocab_size": 128,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


@dataclass
class Place:
    """One run of the benchmark. `minutes` are for each part: a part that has used them starts nothing new."""

    shape: dict[str, int]
    staged: Path
    lengths: Lengths
    cache: Path
    results: Path
    tiny: bool
    minutes: float
    peak_tflops: float
    cap_gib: float
    rows: list[Row] = field(default_factory=list)
    _part: str = ""
    _until: float = 0.0

    def start(self, part: str) -> None:
        """Rows from now on are of this part, whose minutes begin."""
        self._part, self._until = part, time.monotonic() + 60 * self.minutes

    def has_time(self) -> bool:
        """Whether the part may start another measurement."""
        return time.monotonic() < self._until

    def record(self, **fields: Any) -> Row:
        """Append a row to the file of results at once: what is measured is kept, whatever comes after."""
        row = {"part": self._part, **fields}
        self.rows.append(row)
        self.results.parent.mkdir(parents=True, exist_ok=True)
        with self.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        sys.stderr.write(f"{json.dumps(row)[:300]}\n")
        return row

    def attempt(self, name: str, measure: Callable[[], Row], **fields: Any) -> Row:
        """Record what `measure` returns, or why it could not: a configuration that fails does not end the benchmark."""
        from tests.benchmarks.train_timing import free

        try:
            outcome = measure()
        except torch.OutOfMemoryError as error:
            outcome = {"failed": f"out of memory: {str(error).splitlines()[0]}"}
        except (Refused, ImportError) as error:
            outcome = {"failed": f"not run: {error}"}
        except RuntimeError as error:  # a kernel or a compiler that this machine lacks; the row says so
            outcome = {"failed": f"{type(error).__name__}: {str(error).splitlines()[0][:300]}"}
        free()
        return self.record(name=name, **fields, **outcome)
