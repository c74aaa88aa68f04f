"""The fault drill: `make drill`.

    python -m tests.drill --faults 60 --seed 1
    python -m tests.drill --seed 1 --only 17 --keep

Each fault is one run of `python -m steps.train train` in processes of its own with a synchronised checkpoint folder.
Exit code 1 when a promise of docs/reliability.md is broken.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.drill import report
from tests.drill.faults import KINDS, make_fault
from tests.drill.rooms import can_mount
from tests.drill.run import Broken, drill, make_place, run_unbroken


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.drill", description="Break training runs and judge what they end with."
    )
    parser.add_argument("--faults", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="only the faults with these numbers")
    parser.add_argument("--workers", type=int, default=2, help="runs at a time")
    parser.add_argument("--keep", action="store_true", help="keep the folders of runs that ended well too")
    parser.add_argument("--json", action="store_true", help="all outcomes on stdout, one document")
    parser.add_argument("--markdown", type=Path, help="page whose marked section the table replaces")
    return parser.parse_args()


def main() -> None:
    """The command line."""
    given = _arguments()
    say = sys.stderr if given.json else sys.stdout
    folder = Path(tempfile.mkdtemp(prefix="asusu-drill-"))
    started = time.monotonic()
    say.write(f"runs below {folder}\n")
    with contextlib.redirect_stdout(io.StringIO()):  # the tokeniser's events
        place = make_place(folder)
    try:
        run = run_unbroken(place)
    except Broken as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    say.write(
        f"unbroken run: {run.total_steps} steps, saved at {', '.join(map(str, run.saved))}; weights {run.weights[:12]}\n"
    )
    faults = [make_fault(number, given.seed, run) for number in given.only or range(1, given.faults + 1)]
    outcomes = []
    for outcome in drill(faults, run, place, given.workers, keep=given.keep):
        outcomes.append(outcome)
        say.write(report.line(outcome, len(outcomes), len(faults)) + "\n")
        say.flush()
    outcomes.sort(key=lambda outcome: outcome.number)
    minutes = (time.monotonic() - started) / 60
    if given.json:
        sys.stdout.write(json.dumps([outcome.document() for outcome in outcomes], indent=2, ensure_ascii=False) + "\n")
    disk = (
        "a tmpfs of limited size"
        if can_mount()
        else "/dev/full in the place of one file (no tmpfs may be mounted here)"
    )
    text = f"{report.table(outcomes, list(KINDS))}\n{report.summary(outcomes)}The full disk: {disk}. {minutes:.0f} minutes.\n"
    say.write(f"\n{text}")
    if given.markdown:
        command = f"`python -m tests.drill --faults {given.faults} --seed {given.seed} --workers {given.workers}`"
        report.write_markdown(given.markdown, f"{command}\n\n{text}")
    broken = any(outcome.violations for outcome in outcomes)
    if not (broken or given.keep):
        import shutil

        shutil.rmtree(folder)
    sys.exit(broken)


if __name__ == "__main__":
    main()
