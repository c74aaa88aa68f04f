"""What the step is given, read and checked against each other before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from steps.contract import BENCHMARKS, TRAINING_REPORT, TokenFingerprint, TrainingPlan, TrainingReport, load
from steps.job import Refused
from steps.prompt import TEMPLATE, normalise, tokenizer_digest
from steps.sums import fingerprint_of, list_files


@dataclass(frozen=True)
class HeldOut:
    """The test pairs, normalised: `texts[0][k]` and `texts[1][k]` are the two sides of pair k."""

    texts: tuple[list[str], list[str]]

    def __len__(self) -> int:
        return len(self.texts[0])

    def sources(self, direction: int) -> list[str]:
        """Sentences to translate; direction 0 is first language to second, 1 is back."""
        return self.texts[direction]

    def references(self, direction: int) -> list[str]:
        """What the translations are compared with."""
        return self.texts[1 - direction]


def read_held_out(path: Path, languages: tuple[str, str]) -> HeldOut:
    """The test split. Raises Refused when it is missing, empty, or holds an empty sentence."""
    try:
        table = pq.read_table(path, columns=list(languages))
    except (OSError, ValueError) as error:
        raise Refused(f"cannot read {path.name}: {error}") from error
    missing = [code for code in languages if code not in table.column_names]
    if missing:
        raise Refused(f"{path.name} has no column {', '.join(missing)}")
    if not table.num_rows:
        raise Refused(f"{path.name} is empty: there is nothing to evaluate on")
    sides = [[normalise(text or "") for text in table.column(code).to_pylist()] for code in languages]
    for code, side in zip(languages, sides, strict=True):
        if "" in side:
            raise Refused(f"row {side.index('') + 1} of {path.name} is empty in column {code}")
    return HeldOut((sides[0], sides[1]))


def read_benchmarks(splits: Path, languages: tuple[str, str]) -> dict[str, HeldOut]:
    """The evaluation sets that preparation kept out of every split, by name. None is well."""
    files = sorted((splits / BENCHMARKS).glob("*.parquet"))
    return {file.stem: read_held_out(file, languages) for file in files}


def read_training(artefact: Path) -> TrainingReport:
    """The training report inside an unpacked model.tar.gz."""
    if not (artefact / TRAINING_REPORT).is_file():
        raise Refused(f"model.tar.gz holds no {TRAINING_REPORT}: it was not made by TrainLora")
    return load(artefact / TRAINING_REPORT, TrainingReport)


def refuse_other_plan(training: TrainingReport, plan: TrainingPlan) -> None:
    """Raises Refused for an adapter of another plan: its share of that plan says nothing of this one."""
    if training.planned_steps != plan.steps:
        raise Refused(
            f"the adapter was trained by a plan of {training.planned_steps:,} steps, and the plan of these tokens has"
            f" {plan.steps:,}. Evaluate it with the tokens of its own run."
        )


def refuse_mismatch(
    trained: TokenFingerprint, tokens: TokenFingerprint, languages: tuple[str, str], tokenizer: Path, splits: Path
) -> None:
    """Raises Refused unless adapter, token shards, tokenizer, template and splits belong to one run."""
    theirs, ours = trained.model_dump(), tokens.model_dump()
    different = [name for name in ours if ours[name] != theirs[name]]
    if different:
        raise Refused(
            f"the adapter was trained on other token shards than these: {', '.join(different)} differ."
            " Evaluate it with the tokens of its own run."
        )
    for name, expected, actual in (
        ("tokenizer", tokens.tokenizer_sha256, tokenizer_digest(tokenizer)),
        ("prompt template", tokens.template, TEMPLATE),
        ("languages", tokens.languages, list(languages)),
        ("splits", tokens.prepared_sha256, fingerprint_of(list_files(splits))),
    ):
        if expected != actual:
            raise Refused(f"the token shards were made with another {name} than this step was given; start a new run")
