"""Checks every run-time parameter, the addresses and the two manifests, and estimates time and cost."""

from __future__ import annotations

import os

from steps import job
from steps.budget import estimate, refuse_if_over
from steps.contract import MANIFEST, PREFLIGHT_REPORT, BaseModelManifest, CorpusManifest, PreflightReport, load, save
from steps.instances import TRAINING_INSTANCES
from steps.levers import read_levers
from steps.memory import memory_estimate
from steps.parameters import BY_NAME, PARAMETERS, Value, check_all, parse_value

TOKENS_PER_WORD = {"en": 1.4, "ig": 2.8}  # Mistral's tokenizer on news text; other languages as the dearer of the two
PROMPT_TOKENS = 10


def main() -> None:
    """Fail with every problem at once, or write preflight.json."""
    given = {row.name: os.environ[row.name] for row in PARAMETERS if row.name in os.environ}
    missing = [f"{name} did not reach Preflight" for name in BY_NAME if name not in given]
    problems = missing + check_all(given)
    if problems:
        raise job.Refused("Parameters refused: " + "; ".join(problems))
    values = {name: parse_value(name, text) for name, text in given.items()}

    corpus = load(job.processing_input("corpus-manifest") / MANIFEST, CorpusManifest)
    model = load(job.processing_input("base-model-manifest") / MANIFEST, BaseModelManifest)
    bucket = job.setting("Bucket")
    problems = [
        *_address_problems("CorpusUri", str(values["CorpusUri"]), f"s3://{bucket}/corpora/", corpus.fingerprint),
        *_address_problems(
            "BaseModelUri", str(values["BaseModelUri"]), f"s3://{bucket}/base-models/", model.fingerprint
        ),
    ]
    if problems:
        raise job.Refused("; ".join(problems))

    levers = read_levers(job.setting("Levers", "{}"))
    instance_type = str(values["TrainingInstanceType"])
    memory = memory_estimate(
        model.shape,
        TRAINING_INSTANCES[instance_type],
        levers,
        rank=int(values["LoraRank"]),
        targets=str(values["LoraTargets"]),
        slots=int(values["PackLength"]),
    )
    plan = estimate(
        _training_slots(corpus, values), model.shape, instance_type, recompute=memory.gradient_checkpointing
    )
    refuse_if_over(
        plan,
        float(values["MaxTrainingHours"]),
        float(values["MaxCostUsd"]),
        "Lower Epochs or MaxSteps, or raise the limit on purpose.",
    )
    report = PreflightReport(
        parameters=values,
        corpus=corpus.name,
        corpus_fingerprint=corpus.fingerprint,
        base_model=model.name,
        base_model_fingerprint=model.fingerprint,
        estimate=plan,
        memory=memory,
    )
    save(job.processing_output("preflight") / PREFLIGHT_REPORT, report)
    hours = f"about {plan.hours_low:.1f} to {plan.hours_high:.1f} h" if plan.hours_high >= 0.1 else "under 6 minutes"
    job.note(
        f"{len(values)} parameters fit; {corpus.pairs:,} pairs, base model {model.name}; "
        f"{hours} on {values['TrainingInstanceType']}"
    )


def _address_problems(name: str, given: str, prefix: str, fingerprint: str) -> list[str]:
    """An address must lie below the bucket's own prefix and end in the manifest's fingerprint."""
    if not given.startswith(prefix):
        return [f"{name}={given} is not below {prefix}, where published folders lie"]
    if given.rstrip("/").rsplit("/", 1)[-1] != fingerprint:
        return [f"{name}={given} does not end in its manifest's fingerprint {fingerprint}: publish it again"]
    return []


def _training_slots(corpus: CorpusManifest, values: dict[str, Value]) -> int:
    """Token slots the run will process, estimated from the manifest's word counts: both directions, all epochs."""
    words = sum(count * TOKENS_PER_WORD.get(code, 2.8) for code, count in corpus.words.items())
    slots = 2 * (words + PROMPT_TOKENS * corpus.pairs) * float(values["Epochs"])
    limit = int(values["MaxSteps"]) * int(values["TokensPerStep"])
    return int(min(slots, limit) if limit else slots)


if __name__ == "__main__":
    job.run(main)
