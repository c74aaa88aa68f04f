"""PrepareCorpus: raw bitext in, clean splits and a data report out."""

from __future__ import annotations

from sagemaker.mlops.workflow.steps import ProcessingStep, Step

from pipeline.stages.blocks import Blueprint, processing_step


def build(plan: Blueprint, after: Step) -> ProcessingStep:
    """Cached by the service: the corpus lies under a content-hashed address, so the same address means the same bytes."""
    source, target = plan.languages
    return processing_step(
        plan,
        "PrepareCorpus",
        program="prepare",
        role=plan.settings.roles.prepare,
        description="Repairs, filters and deduplicates the pairs, and splits them so that nothing leaks",
        inputs={"corpus": plan.parameters["CorpusUri"]},
        outputs=["splits", "data-report"],
        environment=plan.text("Seed") | {"SourceLanguage": source, "TargetLanguage": target},
        hours=6,
        after=[after],
        cache_days=30,
    )
