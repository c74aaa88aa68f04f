"""One execution in a process of its own: `python -m tests.account.execution FOLDER ID`, stopped by SIGTERM."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pipeline.local.record import load_all
from pipeline.local.runner import Options, run


def main(folder: Path, execution_id: str) -> int:
    """Run or, where it was begun, go on with what `executions/<id>.json` in the folder describes."""
    plan = json.loads((folder / "executions" / f"{execution_id}.json").read_text(encoding="utf-8"))
    workdir = folder / "work"
    begun = any(execution.execution_id == execution_id for execution in load_all(workdir))
    execution = run(
        plan["definition"],
        {} if begun else plan["parameters"],
        workdir,
        pipeline_name=plan["pipeline"],
        options=Options(
            execution_id=None if begun else execution_id,
            resume=begun,
            force=frozenset(plan["force"]),
            grace_seconds=20,
            sync_seconds=0.5,
        ),
    )
    return 0 if execution.status == "Succeeded" else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
