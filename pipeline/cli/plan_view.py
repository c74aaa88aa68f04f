"""How a plan is printed: what matters first, one line a change and what it means below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from pipeline.cli.planning import Cost, Planned
from pipeline.definition import Definition
from pipeline.draw import facts
from pipeline.errors import harmless
from pipeline.plan import Change, Loosened, Plan
from pipeline.plan.cost import Ceiling, Work
from pipeline.review.wording import count, dollars, spread

HERE = "The pipeline"  # heading of what belongs to no step
COLUMN = 24


@dataclass(frozen=True)
class Paper:
    """Lines that wrap with their indent in a terminal, and stay whole in a file. Colours are the terminal's alone."""

    console: Console

    def say(self, text: str = "", indent: int = 0, style: str = "") -> None:
        """One line."""
        line = Text(harmless(text), style=style)
        if self.console.is_terminal and text:
            self.console.print(Padding(line, (0, 0, 0, indent), expand=False))
        else:
            self.console.print(" " * indent + line.plain, highlight=False, soft_wrap=True, markup=False)

    def command(self, text: str, indent: int = 0) -> None:
        """One line to be copied: it stays whole, the terminal breaks it."""
        self.console.print(" " * indent + harmless(text), highlight=False, soft_wrap=True, markup=False)

    def head(self, text: str, style: str = "bold") -> None:
        """A heading after an empty line."""
        self.say()
        self.say(text, style=style)


def print_place(paper: Paper, planned: Planned) -> None:
    """Which pipeline this is, and what was deployed last by whom."""
    place, last, pipeline = planned.place, planned.situation.last, planned.situation.pipeline
    paper.say(f"{place.name} in {place.settings.region}, account {place.number} ({place.env})", style="bold")
    if last and pipeline:
        dirty = ", with uncommitted edits" if last.dirty else ""
        paper.say(f"{last.action} {last.number} by {last.by}", 2)
        paper.say(f"at {last.at:%Y-%m-%d %H:%M} UTC, code {last.code[:12]}{dirty}", 2)
    if planned.drift:
        paper.head("Edited since, and not by `asusu upsert`:", "bold yellow")
        paper.say(planned.drift, 2)
        if planned.edits:
            if planned.edits.loosened:
                print_looser(paper, "These edits made the gate LOOSER:", planned.edits.loosened)
            print_changes(paper, planned.edits.changes, "yellow")
            if planned.lost:
                paper.say()
                paper.say("Deploying undoes these edits, except where it says the same.", 2)
        if not planned.lost:
            paper.say()
            paper.say("Deploying loses none of this: it says the same, and records it.", 2)
    if last and planned.looser_than_last:
        print_looser(paper, f"The gate gets LOOSER than {last.action} {last.number} left it:", planned.looser_than_last)


def print_looser(paper: Paper, heading: str, loosened: Sequence[Loosened]) -> None:
    """What the gate lets through, in red."""
    paper.head(heading, "bold red")
    for one in loosened:
        paper.say(f"{one.what}: {one.before} → {one.after}" if one.after else f"gone: {one.before}", 2, "bold red")
        paper.say(one.meaning, 6, "red")


def print_plan(paper: Paper, plan: Plan, after: Definition, same: str, *, replaces: bool = False) -> None:
    """What changes, the gate first. `same` is said where nothing does; `replaces`: what is there cannot be compared."""
    if plan.creates:
        paper.head(
            f"{'Replaces' if replaces else 'Creates'} it: {len(after.steps)} steps, {len(after.parameters)} parameters",
            "bold green",
        )
        for fact in facts(after):
            paper.say(f"+ {fact.name}, {', '.join((fact.type, *fact.details))}", 4 if fact.branch_of else 2, "green")
        return
    if plan.empty:
        paper.head(f"No differences: {same}.", "bold green")
        return
    if plan.loosened:
        print_looser(paper, "The gate gets LOOSER:", plan.loosened)
    print_changes(paper, plan.changes)
    if plan.caches:
        paper.head("Cached steps, in the next run")
        for effect in plan.caches:
            if effect.hits:
                paper.say(f"{effect.step} takes an earlier result as before", 2)
            else:
                paper.say(f"{effect.step} runs again: {'; '.join(effect.why)}", 2)


def print_changes(paper: Paper, changes: Sequence[Change], style: str = "") -> None:
    """Every change below its step; steps that change alike share a heading."""
    by_step: dict[str, list[Change]] = {}
    for change in changes:
        by_step.setdefault(change.step, []).append(change)
    alike: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for step, rows in by_step.items():
        alike.setdefault(tuple((row.text, row.meaning) for row in rows), []).append(step or HERE)
    for said, steps in alike.items():
        paper.head(", ".join(steps), f"bold {style}".strip())
        for text, meaning in said:
            paper.say(text, 2, style)
            if meaning:
                paper.say(meaning, 6, "dim")


def print_costs(paper: Paper, before: Cost | None, after: Cost, work: Work) -> None:
    """Time and money of a run, before and after."""
    paper.head(f"A run of {count(work.examples)} examples of {work.tokens_per_example:g} tokens, Mistral 7B")
    rows = [("", "before", "after")] if before else []
    for name, cell in (
        ("training, hours", _hours),
        ("training, dollars", _usd),
        ("all limits, hours", _most_hours),
        ("all limits, dollars", _most_usd),
    ):
        rows.append((name, cell(before) if before else "", cell(after)))
    for name, ours, theirs in rows:
        first = f"{ours:<{COLUMN}}" if before else ""
        paper.say(f"{name:<21}{first}{theirs}".rstrip(), 2)
    for when, found in (("before", before), ("after", after)):
        if found and found.ended:
            paper.say(f"{when}, not all of it is read: {found.ended}", 2, "yellow")
        if found and found.unknown:
            paper.say(f"{when}, the training is unknown: {found.unknown}", 2, "yellow")
        for problem in found.training.problems if found and found.training else []:
            paper.say(f"{when}, Preflight would refuse: {problem}", 2, "red" if when == "after" else "")
    unpriced = sorted({name for found in (before, after) if found for name in found.ceiling.unpriced})
    if unpriced:
        paper.say(f"dollars are without {', '.join(unpriced)}, whose price nobody wrote down here", 2, "dim")
    paper.say("all limits: as if every job ran until it is ended", 2, "dim")
    paper.say("asusu plan --examples N prices another amount; asusu estimate says more", 2, "dim")


def _hours(found: Cost) -> str:
    if found.training is None:
        return "unknown"
    time = found.training.time
    return spread(_few(time.hours_low), _few(time.hours_high))


def _few(hours: float) -> str:
    return f"{hours:,.1f}" if hours >= 1 else f"{hours:.2g}"


def _usd(found: Cost) -> str:
    if found.training is None:
        return "unknown"
    time = found.training.time
    return spread(dollars(time.usd_low), dollars(time.usd_high))


def _most_hours(found: Cost) -> str:
    return f"{found.ceiling.hours:,.1f}"


def _most_usd(found: Cost) -> str:
    most: Ceiling = found.ceiling
    return dollars(most.usd)
