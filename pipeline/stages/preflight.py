"""Preflight: refuses what the console cannot, before anything is paid for."""

from __future__ import annotations

from sagemaker.mlops.workflow.steps import ProcessingStep

from pipeline.stages.blocks import Blueprint, processing_step, training_settings
from steps.contract import MANIFEST
from steps.parameters import PARAMETERS


def build(plan: Blueprint) -> ProcessingStep:
    """Reads every parameter and the two manifests; only single objects are mounted. Never cached."""
    return processing_step(
        plan,
        "Preflight",
        program="preflight",
        role=plan.settings.roles.prepare,
        description="Checks every parameter, the corpus and the base model, and estimates time and cost",
        inputs={
            "corpus-manifest": plan.below("CorpusUri", MANIFEST),
            "base-model-manifest": plan.below("BaseModelUri", MANIFEST),
        },
        outputs=["preflight"],
        environment=plan.text(*(row.name for row in PARAMETERS))
        | {"Bucket": plan.settings.bucket}
        | training_settings(plan),
        hours=1,
    )
