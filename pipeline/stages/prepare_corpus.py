"""PrepareCorpus: raw bitext in, clean splits and a data report out; on one host, or cut and spread over many."""

from __future__ import annotations

from sagemaker.mlops.workflow.steps import ProcessingStep, Step

from pipeline.stages.blocks import SHARED_OUT, Blueprint, Uri, processing_step
from steps.contract import TOKENIZER_FOLDER


def build(plan: Blueprint, after: Step) -> list[ProcessingStep]:
    """One step; with `prepare_hosts` over 1 three, of which the last is PrepareCorpus and has its outputs.

    Cached by the service: corpus and tokenizer lie under content-hashed addresses, so the same address means the same
    bytes.
    """
    tokenizer = {"tokenizer": plan.below("BaseModelUri", TOKENIZER_FOLDER, "")}
    if plan.settings.prepare_hosts == 1:
        return [_prepare(plan, "whole", {"corpus": plan.parameters["CorpusUri"]} | tokenizer, after)]
    cut = _step(
        plan,
        "CutCorpus",
        "cut",
        description="Cuts the corpus into shards that hold both sides, so that hosts can share them",
        inputs={"corpus": plan.parameters["CorpusUri"]},
        outputs=["cut", "context"],
        after=after,
    )
    pieces = cut.properties.ProcessingOutputConfig.Outputs
    context = {"context": pieces["context"].S3Output.S3Uri}
    shards = _step(
        plan,
        "PrepareShards",
        "shards",
        description="Repairs, filters and hashes the pairs, each host a part of the shards",
        inputs={"cut": pieces["cut"].S3Output.S3Uri} | context,
        outputs=["shards"],
        after=cut,
        hosts=plan.settings.prepare_hosts,
    )
    prepared = shards.properties.ProcessingOutputConfig.Outputs["shards"].S3Output.S3Uri
    return [cut, shards, _prepare(plan, "finish", {"shards": prepared} | context | tokenizer, shards)]


def _prepare(plan: Blueprint, phase: str, inputs: dict[str, Uri], after: Step) -> ProcessingStep:
    return _step(
        plan,
        "PrepareCorpus",
        phase,
        description="Repairs, filters and deduplicates the pairs, and splits them so that nothing leaks",
        inputs=inputs,
        outputs=["splits", "data-report"],
        after=after,
    )


def _step(
    plan: Blueprint,
    name: str,
    phase: str,
    *,
    description: str,
    inputs: dict[str, Uri],
    outputs: list[str],
    after: Step,
    hosts: int = 1,
) -> ProcessingStep:
    source, target = plan.languages
    options = plan.settings.prepare_options.model_dump_json(exclude_defaults=True)
    return processing_step(
        plan,
        name,
        program="prepare",
        role=plan.settings.roles.prepare,
        description=description,
        inputs=inputs,
        outputs=outputs,
        environment=plan.text("Seed")
        | {"SourceLanguage": source, "TargetLanguage": target, "Phase": phase, "PrepareOptions": options},
        hours=6,
        after=[after],
        cache_days=30,
        hosts=hosts,
        shared_out=SHARED_OUT if hosts > 1 else (),
    )
