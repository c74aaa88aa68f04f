"""Entry point of `asusu`: collects the verbs, and turns errors into one message and the right exit code."""

from __future__ import annotations

import os
import sys

import typer

from pipeline.cli import (
    corpus,
    decide,
    definition,
    doctor,
    estimate,
    explain,
    packages,
    plan,
    preflight,
    prepare,
    publish,
    review,
    run,
    runs,
    staging,
    start,
    upsert,
    watch,
)
from pipeline.errors import AsusuError, harmless

app = typer.Typer(
    name="asusu",
    help="A raw parallel corpus in, a reviewed, deployable translation model out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("compile")(definition.compile_)
app.command("lint")(definition.lint)
app.command("params")(definition.params)
app.command("graph")(definition.graph)
app.command("estimate")(estimate.estimate)
app.command("doctor")(doctor.doctor)
app.command("preflight")(preflight.preflight)
app.command("publish")(publish.publish)
app.command("plan")(plan.plan)
app.command("upsert")(upsert.upsert)
app.command("rollback")(upsert.rollback)
app.command("run")(run.run)
app.command("start")(start.start)
app.command("resume")(start.resume)
app.command("stop")(start.stop)
app.command("runs")(runs.runs)
app.command("watch")(watch.watch)
app.command("explain")(explain.explain)
app.command("checkpoints")(runs.checkpoints)
app.command("packages")(packages.packages)
app.command("review")(review.review)
app.command("approve")(decide.approve)
app.command("reject")(decide.reject)
app.command("prepare")(prepare.prepare)
app.command("corpus")(corpus.corpus)
app.command("stage-base-model")(staging.stage_base_model)


def main() -> None:
    """Run the command line. Exit codes: 0 ok, 1 failed, 2 bad input, 3 differences, 4 refused by a gate."""
    # Idle threads that spin make two programs on one machine ten times slower; asleep they cost 5 % alone.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except AsusuError as error:
        print(f"asusu: {harmless(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
