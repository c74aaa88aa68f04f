"""`asusu watch`: an execution of an account, live, for as long as it takes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console

from pipeline.cli.definition import Account, AsJson, Env, Recipe
from pipeline.cli.deployed import Deployed
from pipeline.cli.executions import RunName, executions_of
from pipeline.cli.explain import explained_in_account, print_explanation
from pipeline.cli.following import after_success
from pipeline.cli.outcome import program
from pipeline.cli.view import View, describe_progress
from pipeline.definition import read
from pipeline.errors import AsusuError, BadInput, Interrupted, harmless
from pipeline.local.record import StepRecord
from pipeline.review.wording import duration
from pipeline.runs import Run
from pipeline.runs.progress import Progress, progress_in

if TYPE_CHECKING:
    from pipeline.aws.executions import Executions

LINES = 200  # of a log, over which the pace is taken
LATE_LOOKS = 4  # for the last words of a step that has ended: its log arrives a little later
QUIET_SECONDS = 300.0  # between two lines of progress where nothing is drawn in place: a run may take a week
JOBS = ("Training", "Processing")  # types of the steps that have a log
Answer = TypeVar("Answer")
LONGEST_WAIT = 300.0  # seconds between two attempts to reach the account again


def watch(
    run: RunName = None,
    env: Env = "local",
    account: Account = "",
    recipe: Recipe = "igbo",
    every: Annotated[float, typer.Option("--every", min=0.05, max=3600, help="Seconds between two looks")] = 15.0,
    as_json: AsJson = False,
) -> None:
    """Watch a run to its end; Ctrl-C leaves it alone. Exit 0 succeeded, 1 failed or stopped, 4 refused by the gate."""
    place, patient = executions_of(env, account, recipe, f"{program()} run --local shows itself")
    runs = replace(patient, account=patient.account.brief())  # it asks again itself
    arn = runs.run(runs.find(run)).arn
    which = f"{arn.rsplit('/', 1)[-1]}{place.options}"
    again = f"{program()} watch {which}"
    console = Console(stderr=as_json)
    try:
        ended = Watching(runs, arn, console, every, time.sleep).to_the_end()
    except KeyboardInterrupt:
        raise Interrupted("no longer watched; the run goes on", hint=f"{again}, or {program()} stop {which}") from None
    except AsusuError as error:
        console.print("no longer watched; the run goes on", highlight=False)
        raise type(error)(error.message, hint=f"{error.hint}; then {again}" if error.hint else again) from error
    if as_json:
        print(json.dumps(ended.for_machines(), indent=2, ensure_ascii=False))
    else:
        _print_end(ended, runs, place)
    raise typer.Exit(ended.exit_code)


@dataclass
class Watching:
    """Looks at a run again and again. `sleep` waits for some seconds."""

    runs: Executions
    arn: str
    console: Console
    every: float
    sleep: Callable[[float], None]
    _seen: dict[str, StepRecord] = field(default_factory=dict)
    _awaited: dict[str, int] = field(default_factory=dict)  # steps without last words, and how often to look for them
    _now: float = 0.0  # the service's time of the last look: a step that runs may have ended since
    _silent: str = ""  # why no log can be read, once that is said

    def to_the_end(self) -> Run:
        """Draw the run until it has ended, however often the account cannot be reached. Raises what can only be mended."""
        definition = read(self._reached(lambda: self.runs.definition(self.arn)))
        with View(definition.steps, self.console, QUIET_SECONDS, lambda: self._now) as view:
            while True:
                run = self._reached(lambda: self._look(view))
                if not run.is_running:
                    return run
                self.sleep(self.every)

    def _look(self, view: View) -> Run:
        run = self.runs.run(self.arn)
        self._now = run.seen or time.time()
        for step in run.steps:
            if step.status == "Executing":
                view.on_step(step)
                self._tell(view, step)
            elif self._seen.get(step.name) != step:
                self._awaited[step.name] = LATE_LOOKS if step.status == "Succeeded" and not step.reused else 0
                view.on_note(step.name, "")  # how far it was is no longer true
                self._tell_last(view, step)  # stands in the line that says it has ended
                view.on_step(step)
            else:
                self._tell_last(view, step)
            self._seen[step.name] = step
        return run

    def _tell(self, view: View, step: StepRecord) -> None:
        """Hand the view what a running step's job says: its log, else its metrics, else what the service does with it."""
        from pipeline.aws.logs import describe_job

        if step.type not in JOBS:
            return
        found = self._said(step)
        if found and found.event:
            view.on_progress(step.name, harmless(describe_progress(found.event, found.phase, found.moment)))
        elif found:
            view.on_note(step.name, harmless(found.note))
        elif job := self._allowed(lambda: describe_job(self.runs.account, step)):
            metrics = [f"{name.partition(':')[2]} {value:.4g}" for name, value in job.metrics.items()]
            view.on_progress(step.name, harmless(", ".join(metrics) or job.doing))

    def _tell_last(self, view: View, step: StepRecord) -> None:
        """Hand the view the last words of a step that has ended, once they can be read."""
        if step.type in JOBS and self._awaited.get(step.name):
            self._awaited[step.name] -= 1
            found = self._said(step)
            if found and found.note:
                self._awaited[step.name] = 0
                view.on_note(step.name, harmless(found.note))

    def _said(self, step: StepRecord) -> Progress | None:
        from pipeline.aws.logs import tail

        return self._allowed(
            lambda: progress_in((line.moment, line.text) for line in tail(self.runs.account, step, LINES))
        )

    def _allowed(self, ask: Callable[[], Answer]) -> Answer | None:
        """The answer; None, said once, where it may not be asked. Raises what a person must mend, and what passes."""
        try:
            return ask()
        except BadInput:
            raise
        except AsusuError as error:
            if _passes(error):
                raise
            if not self._silent:
                self._silent = error.message
                self.console.print(
                    f"note: no progress is shown: {harmless(error.message)}", highlight=False, markup=False
                )
            return None

    def _reached(self, ask: Callable[[], Answer]) -> Answer:
        """The answer, after as many attempts as it takes while the account cannot be reached."""
        wait, lost = self.every, 0.0
        while True:
            try:
                answer = ask()
            except AsusuError as error:
                if not _passes(error):
                    raise
                if not lost:
                    lost = time.monotonic()
                    self.console.print(
                        f"no answer, trying on: {harmless(error.message)}", highlight=False, markup=False
                    )
                self.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
                continue
            if lost:
                self.console.print(f"connected again after {duration(round(time.monotonic() - lost))}", highlight=False)
            return answer


def _passes(error: AsusuError) -> bool:
    from pipeline.aws.session import Unreachable

    return isinstance(error, Unreachable)


def _print_end(run: Run, runs: Executions, place: Deployed) -> None:
    took = duration(round((run.ended or time.time()) - run.started))
    if run.status == "Succeeded":
        what = (
            f"registered after {took}: {run.package}, waiting for approval"
            if run.package
            else f"succeeded after {took}"
        )
        print(what)
        print(f"  next:   {after_success(run, runs, place)}")
        return
    print(f"{run.outcome} after {took}")
    print_explanation(explained_in_account(run, runs, place))
