"""The engine behind the global step: one question, asked of one column of hashes at a time.

Daft answers it, natively on this machine or on a Ray cluster. What comes back is sorted here, so the answer does not
depend on the engine, its threads or its nodes. A question reads two columns and so needs the same memory for each of
the 32: 1.1 GB at six million rows, where one plan over all columns took 7.3 GB at four.
Of four ways to ask it, the lowest row of each value as a window took the least: 1.2 CPU seconds at six million rows,
a group-by that lists rows 1.5 to 3, a row number as a window 40.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from steps.job import Refused
from steps.prepare.settle.groups import Groups, grouped

# Read when Daft and Ray are imported. A preparation reports to nobody and draws no bars into the step's events.
QUIET = {
    "DAFT_ANALYTICS_ENABLED": "0",
    "DO_NOT_TRACK": "true",
    "DAFT_PROGRESS_BAR": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
PATTERN_SIGNS = re.compile(
    r"[\\*?\[\]{}]"
)  # Daft takes a path for a pattern; a backslash before one of these ends that


class Engine(Protocol):
    """Finds equal values in a column over many files."""

    def groups(self, files: Sequence[Path], column: str) -> Groups:
        """All groups of rows with an equal value in `column`; `files` have a column `row`. A row alone is no group."""
        ...


class DaftEngine:
    """Daft, with the runner that this process has chosen."""

    def groups(self, files: Sequence[Path], column: str) -> Groups:
        """See `Engine.groups`. On a cluster every node must see the files under the same absolute path."""
        import daft

        row, first = daft.col("row"), daft.col("first")
        table = (
            daft.read_parquet([PATTERN_SIGNS.sub(r"\\\g<0>", str(path.resolve())) for path in files])
            .select("row", column)
            .with_column("first", row.min().over(daft.Window().partition_by(column)))
            .where(first != row)
            .select("row", "first")
            .to_arrow()
        )
        return grouped(table.column("row").to_numpy(), table.column("first").to_numpy())


_chosen: str | None = None


def open_engine(name: str) -> Engine:
    """The engine: "native" for this machine, "ray" for the cluster that RAY_ADDRESS names, else one started here.

    A process can have one of them only. Raises Refused when it already has the other, and when Ray is not installed.
    """
    global _chosen  # noqa: PLW0603  Daft's runner is one per process too
    if name not in ("native", "ray"):
        raise Refused(f"engine {name!r} is not known; choose native or ray")
    if _chosen not in (None, name):
        raise Refused(f"this process already uses the {_chosen} engine; start another process for {name}")
    if _chosen is None:
        os.environ.update(QUIET)
        import daft

        if name == "native":
            daft.set_runner_native()
        else:
            try:
                import ray
            except ImportError as error:
                raise Refused('the ray engine needs Ray: install "asusu[cluster]"') from error
            if not ray.is_initialized():
                ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False)
            daft.set_runner_ray(noop_if_initialized=True)
        _chosen = name
    return DaftEngine()
