"""The command line of this package's own preparation."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.benchmarks.vocabulary import CODES

CALL = "from pipeline.cli.main import main; main()"


def command(corpus: Path, out: Path, *options: str) -> list[str]:
    """`asusu prepare` of the synthetic corpus in a folder."""
    sides = ",".join(str(corpus / f"synthetic.{code}") for code in CODES)
    begin = [sys.executable, "-c", CALL, "prepare", "--corpus", sides, "--out", str(out)]
    return [*begin, "--languages", ",".join(CODES), *options]
