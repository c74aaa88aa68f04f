"""TokenizeExamples: tokenises once, packs, and refuses a plan that does not fit."""

from __future__ import annotations

from sagemaker.mlops.workflow.steps import ProcessingStep

from pipeline.stages.blocks import Blueprint, processing_step, training_settings
from steps.contract import MANIFEST, TOKENIZER_FOLDER


def build(plan: Blueprint, prepare: ProcessingStep) -> ProcessingStep:
    """Cached by the service: its inputs are PrepareCorpus's outputs and the base model's content-hashed folder."""
    source, target = plan.languages
    names = [plan.settings.prepare_options.language(code).name for code in plan.languages]
    outputs = prepare.properties.ProcessingOutputConfig.Outputs
    return processing_step(
        plan,
        "TokenizeExamples",
        program="tokenize",
        role=plan.settings.roles.prepare,
        description="Tokenises and packs the examples, and plans steps, hours and cost",
        inputs={
            "splits": outputs["splits"].S3Output.S3Uri,
            "base-model-manifest": plan.below("BaseModelUri", MANIFEST),
            "tokenizer": plan.below("BaseModelUri", TOKENIZER_FOLDER, ""),
        },
        outputs=["tokens"],
        environment=plan.text(
            "MaxLength",
            "PackLength",
            "TokensPerStep",
            "Epochs",
            "MaxSteps",
            "TrainingInstanceType",
            "LoraRank",
            "LoraTargets",
            "MaxTrainingHours",
            "MaxCostUsd",
        )
        | {"SourceLanguage": source, "TargetLanguage": target, "SourceName": names[0], "TargetName": names[1]}
        | training_settings(plan),
        hours=6,
        after=[prepare],
        cache_days=30,
    )
