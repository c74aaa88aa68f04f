"""Entry point of `asusu`: collects the verbs, and turns errors into one message and the right exit code."""

from __future__ import annotations

import os
import sys
from functools import partial

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
from pipeline.cli.verb import Verb
from pipeline.errors import AsusuError, harmless

app = typer.Typer(
    name="asusu",
    help="A raw parallel corpus in, a reviewed, deployable translation model out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
verb = partial(app.command, cls=Verb)
verb("compile")(definition.compile_)
verb("lint")(definition.lint)
verb("params")(definition.params)
verb("graph")(definition.graph)
verb("estimate")(estimate.estimate)
verb("doctor")(doctor.doctor)
verb("preflight")(preflight.preflight)
verb("publish")(publish.publish)
verb("plan")(plan.plan)
verb("upsert")(upsert.upsert)
verb("rollback")(upsert.rollback)
verb("run")(run.run)
verb("start")(start.start)
verb("resume")(start.resume)
verb("stop")(start.stop)
verb("runs")(runs.runs)
verb("watch")(watch.watch)
verb("explain")(explain.explain)
verb("checkpoints")(runs.checkpoints)
verb("packages")(packages.packages)
verb("review")(review.review)
verb("approve")(decide.approve)
verb("reject")(decide.reject)
verb("prepare")(prepare.prepare)
verb("corpus")(corpus.corpus)
verb("stage-base-model")(staging.stage_base_model)


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
