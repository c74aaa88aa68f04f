"""An execution explained: which step ended it, the cause in words, the lines that show it, the command that comes next."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.local.record import StepRecord
from pipeline.runs import Run
from pipeline.runs.causes import Commands, Found, cause_of, refusal_of

SHOWN_LINES = 12
WRAPPING = re.compile(r"^(?:AlgorithmError|ClientError|InternalServerError): ?|,? ?exit code: \d+\s*$")
NOISE = "resource_tracker: There appear to be"  # Python warns so of whoever is stopped; it is nobody's cause
PROGRESS = ('{"event": "progress"', '{"event": "train"', '{"event": "validation"')


@dataclass(frozen=True)
class Evidence:
    """What is known of the step that ended a run: what the job itself says, and the end of its log.

    `unsaid` is why the job could not be asked, `missing` why there are no lines.
    """

    said: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    unsaid: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Explanation:
    """The answer. `kind` is a short name of the cause, `said` is what the service or the step said itself."""

    execution: str
    outcome: str
    step: str
    kind: str
    cause: str
    said: str
    lines: tuple[str, ...]
    unsaid: str
    missing: str
    next: tuple[str, ...]

    def for_machines(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def explain(run: Run, evidence: Evidence, commands: Commands) -> Explanation:
    """Explain a run, whatever its state."""
    step = run.failed_step
    if run.refused or run.is_running or run.status == "Succeeded" or step is None:
        said = run.reason or (step.reason if step else "")
        found = cause_of([said], "", commands) if run.status == "Failed" and not run.refused else None
        return _answer(run, found or _without_a_culprit(run, commands), step=step, said=said)
    failed = _failed_event(evidence.lines)
    own = [text for text in (failed, step.reason, *evidence.said) if text]
    spoken = [*own, run.reason] if run.reason else own
    found = (
        cause_of(spoken, step.name, commands)
        or (None if failed else cause_of(evidence.lines, step.name, commands))
        or (refusal_of(spoken, step.name, commands) if step.status == "Failed" else _without_a_culprit(run, commands))
        or _in_its_own_words(spoken, commands)
    )
    return _answer(run, found, step=step, said=max(own or spoken, key=_information, default=""), evidence=evidence)


def _in_its_own_words(spoken: list[str], commands: Commands) -> Found:
    following = (
        f"corrected in place: {commands.resume}",
        f"corrected by a parameter, or published anew: {commands.again}",
    )
    if spoken:
        return Found("the step's own refusal", "the step says itself what is wrong", following)
    return Found("unknown", "the step left no reason", following)


def _without_a_culprit(run: Run, commands: Commands) -> Found:
    """A run that no job's failure ended."""
    if run.is_running:
        return Found("running", "it has not ended", (commands.watch,))
    if run.refused:
        words = "nothing went wrong: the model is not good enough, and was not registered"
        return Found("refused by the gate", words, (f"{commands.params} lists the limits", commands.start))
    if run.status == "Succeeded":
        return Found("succeeded", f"it registered {run.package}" if run.package else "it ran to its end", ())
    if run.status == "Stopped":
        return Found("stopped", "somebody stopped it; what was finished and sealed is kept", (commands.resume,))
    return Found("unknown", "no step says why", (commands.resume,))


def _answer(
    run: Run,
    found: Found,
    *,
    step: StepRecord | None,
    said: str,
    evidence: Evidence = Evidence(),
) -> Explanation:
    telling = [line for line in evidence.lines if line.strip() and NOISE not in line and not line.startswith(PROGRESS)]
    return Explanation(
        execution=run.execution_id,
        outcome=run.outcome,
        step=step.name if step else "",
        kind=found.kind,
        cause=found.words,
        said=_plain(said),
        lines=tuple(telling[-SHOWN_LINES:]),
        unsaid=evidence.unsaid,
        missing=evidence.missing,
        next=found.next,
    )


def _failed_event(lines: tuple[str, ...]) -> str:
    """The reason that a step of ours printed last, which is never cut; empty where there is none."""
    for line in reversed(lines):
        if line.startswith('{"event": "failed"'):
            try:
                return str(json.loads(line)["reason"])
            except (ValueError, KeyError):
                continue
    return ""


def _information(text: str) -> tuple[bool, int]:
    """Orders what was said: a sentence of its own before "see job logs for more information", then the longer."""
    return "job logs for more information" not in text, len(_plain(text))


def _plain(text: str) -> str:
    """Without what the service wraps around a step's own words."""
    return WRAPPING.sub("", WRAPPING.sub("", text.strip())).strip()
