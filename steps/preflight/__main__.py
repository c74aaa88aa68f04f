"""Checks every run-time parameter, the addresses and the two manifests, and estimates memory, time and cost."""

from __future__ import annotations

import os

from steps import job
from steps.budget import estimate, read_limits, refuse_if_over, slots_of_run, tokens_per_example, uneven_shares
from steps.contract import (
    MANIFEST,
    PREFLIGHT_REPORT,
    BaseModelManifest,
    CorpusManifest,
    Estimate,
    MemoryEstimate,
    ModelShape,
    PreflightReport,
    load,
    save,
)
from steps.instances import TRAINING_INSTANCES
from steps.levers import read_levers
from steps.memory import memory_estimate, micro_batch
from steps.parameters import BY_NAME, PARAMETERS, Value, check_all, parse_value


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
    instance_type, hosts = str(values["TrainingInstanceType"]), int(job.setting("TrainingHosts", "1"))
    per_step = int(values["TokensPerStep"]) // int(values["PackLength"])
    problems = [
        *_address_problems("CorpusUri", str(values["CorpusUri"]), f"s3://{bucket}/corpora/", corpus.fingerprint),
        *_address_problems(
            "BaseModelUri", str(values["BaseModelUri"]), f"s3://{bucket}/base-models/", model.fingerprint
        ),
        *filter(None, [uneven_shares(per_step, instance_type, hosts)]),
    ]
    if problems:
        raise job.Refused("; ".join(problems))

    memory, plan = _fit(values, model.shape, corpus, hosts)
    refuse_if_over(
        plan, memory, instance_type, read_limits(), "Lower Epochs or MaxSteps, or raise the limit on purpose."
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
    recomputed = f" ({memory.advice})" if memory.advice else ""
    job.note(
        f"{len(values)} parameters fit; {corpus.pairs:,} pairs, base model {model.name}; {hours} and "
        f"{memory.need:.1f} of {memory.available:.1f} GiB on {instance_type}{recomputed}"
    )


def _address_problems(name: str, given: str, prefix: str, fingerprint: str) -> list[str]:
    """An address must lie below the bucket's own prefix and end in the manifest's fingerprint."""
    if not given.startswith(prefix):
        return [f"{name}={given} is not below {prefix}, where published folders lie"]
    if given.rstrip("/").rsplit("/", 1)[-1] != fingerprint:
        return [f"{name}={given} does not end in its manifest's fingerprint {fingerprint}: publish it again"]
    return []


def _fit(
    values: dict[str, Value], shape: ModelShape, corpus: CorpusManifest, hosts: int
) -> tuple[MemoryEstimate, Estimate]:
    """Memory, time and cost of the run, its tokens estimated from the manifest's word counts."""
    levers = read_levers(job.setting("Levers", "{}"))
    instance_type = str(values["TrainingInstanceType"])
    largest, width = micro_batch(levers, int(values["PackLength"]), int(values["MaxLength"]))
    memory = memory_estimate(
        shape,
        TRAINING_INSTANCES[instance_type],
        levers,
        rank=int(values["LoraRank"]),
        targets=str(values["LoraTargets"]),
        slots=largest,
        width=width,
    )
    mean_length = tokens_per_example(corpus)
    slots = slots_of_run(
        2 * corpus.pairs,  # both directions
        mean_length,
        levers,
        max_length=int(values["MaxLength"]),
        epochs=float(values["Epochs"]),
        max_slots=int(values["MaxSteps"]) * int(values["TokensPerStep"]),
    )
    attended = round(mean_length) if levers.attention == "varlen" else width
    recompute = memory.gradient_checkpointing
    return memory, estimate(slots, shape, instance_type, recompute=recompute, hosts=hosts, width=attended)


if __name__ == "__main__":
    job.run(main)
