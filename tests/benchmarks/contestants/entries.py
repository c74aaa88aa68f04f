"""Who runs, how, and how many pairs each one kept."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import ours
from tests.benchmarks.contestants import opusfilter
from tests.benchmarks.contestants.environments import OPUSFILTER, PANDAS, environment
from tests.benchmarks.measure import Measured, run
from tests.benchmarks.vocabulary import CODES

# The rules that all have: empty, undecodable, too-short, too-long, ratio, identical, letters and duplicate
NOT_SHARED = ("repetition", "source-cap", "target-cap", "template-cap")
SCRIPTS = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Place:
    """Where a benchmark happens: the corpus, results of the last run, environments."""

    corpus: Path
    results: Path
    environments: Path

    @property
    def sides(self) -> tuple[Path, Path]:
        """The Moses pair."""
        return self.corpus / f"synthetic.{CODES[0]}", self.corpus / f"synthetic.{CODES[1]}"


@dataclass(frozen=True)
class Entry:
    """One contestant. `command` makes its command line for an empty folder to write to, `kept` counts its result."""

    name: str
    command: Callable[[Place, Path], list[str]]
    kept: Callable[[Path, Path], int]

    def run(self, place: Place) -> tuple[Measured, int]:
        """Run once into an emptied folder; return what it took and the pairs kept. Setting up is not measured."""
        out = place.results / self.name.replace(" ", "-")
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        log = place.results / f"{out.name}.log"
        measured = run(self.command(place, out), log)
        return measured, self.kept(out, log)


def _ours(place: Place, out: Path, *options: str) -> list[str]:
    return ours.command(place.corpus, out / "prepared", "--workers", "1", *options)


def _shared_rules(place: Place, out: Path) -> list[str]:
    off = [part for rule in NOT_SHARED for part in ("--off", rule)]
    return _ours(place, out, *off, "--set", "identify=false", "--set", "near_copies=false", "--jsonl")


def _kept_by_report(out: Path, _log: Path) -> int:
    report = json.loads(next(out.rglob("data-report.json")).read_text(encoding="utf-8"))
    return int(report["rows_out"])


def _kept_by_counts(_out: Path, log: Path) -> int:
    return int(json.loads(log.read_text(encoding="utf-8").splitlines()[-1])["kept"])


def _plain(place: Place, out: Path) -> list[str]:
    return [sys.executable, str(SCRIPTS / "plain_loop.py"), *map(str, place.sides), str(out)]


def _pandas(place: Place, out: Path) -> list[str]:
    python = environment(place.environments / "pandas", PANDAS) / "python"
    return [str(python), str(SCRIPTS / "pandas_pass.py"), *map(str, place.sides), str(out)]


def _opusfilter(place: Place, out: Path, identify: bool) -> list[str]:
    program = environment(place.environments / "opusfilter", OPUSFILTER) / "opusfilter"
    left, right = (opusfilter.readable_copy(side, side.with_suffix(side.suffix + ".readable")) for side in place.sides)
    configuration = out.with_suffix(".json")
    return [str(program), str(opusfilter.write_configuration(configuration, left, right, out, identify)), "--overwrite"]


def _kept_by_opusfilter(out: Path, _log: Path) -> int:
    return opusfilter.kept(out)


OURS, FULL, PLAIN = "ours, shared rules", "ours, everything", "plain Python loop"
ENTRIES = (
    Entry(OURS, _shared_rules, _kept_by_report),
    Entry(PLAIN, _plain, _kept_by_counts),
    Entry("OpusFilter", lambda place, out: _opusfilter(place, out, identify=False), _kept_by_opusfilter),
    Entry("pandas", _pandas, _kept_by_counts),
    Entry(FULL, lambda place, out: _ours(place, out, "--jsonl"), _kept_by_report),
    Entry("OpusFilter with CLD2", lambda place, out: _opusfilter(place, out, identify=True), _kept_by_opusfilter),
)
EXACT = (OURS, PLAIN, "pandas")  # their rules are identical, so are the pairs they keep
