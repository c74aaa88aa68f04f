"""EvaluateModel: scores on held-out sentences, and one decided verdict per rule of the gate."""

from __future__ import annotations

from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep

from pipeline.definition import OWN_SUM, UNKNOWN_SUM
from pipeline.stages.blocks import GPU_INSTANCE, Blueprint, processing_step
from steps.contract import EVALUATION_REPORT, REGISTRY_ENTRY

EVALUATION = PropertyFile(name="Evaluation", output_name="evaluation", path=EVALUATION_REPORT)
ENTRY = PropertyFile(name="RegistryEntry", output_name="evaluation", path=REGISTRY_ENTRY)


def _provenance(plan: Blueprint) -> dict[str, str]:
    """What the registry entry and the card say of the definition. Its own sum is filled in when it has been compiled."""
    images = plan.settings.images
    return {OWN_SUM: UNKNOWN_SUM, "TrainImage": images.train, "EvaluateImage": images.evaluate}


def build(plan: Blueprint, prepare: ProcessingStep, tokenize: ProcessingStep, train: TrainingStep) -> ProcessingStep:
    """Not cached: the champion behind its fixed address changes with every approval."""
    source, target = plan.languages
    prepared = prepare.properties.ProcessingOutputConfig.Outputs
    return processing_step(
        plan,
        "EvaluateModel",
        program="evaluate",
        role=plan.settings.roles.evaluate,
        description="Validation loss, chrF++ and BLEU per direction, base model and champion on the same sentences",
        inputs={
            "model": train.properties.ModelArtifacts.S3ModelArtifacts,
            "base-model": plan.parameters["BaseModelUri"],
            "splits": prepared["splits"].S3Output.S3Uri,
            "data-report": prepared["data-report"].S3Output.S3Uri,
            "tokens": tokenize.properties.ProcessingOutputConfig.Outputs["tokens"].S3Output.S3Uri,
            "champion": plan.address("champion", plan.name, ""),
        },
        outputs=["evaluation", "bundle"],
        environment=plan.text(
            "MaxValidationLoss", "MinTrainingFraction", "MaxBrokenShare", "Seed", "TrainingInstanceType"
        )
        | {"SourceLanguage": source, "TargetLanguage": target}
        | ({"SpotTraining": "true"} if plan.settings.spot.enabled else {})
        | _provenance(plan),
        hours=12,
        after=[train],
        instance=GPU_INSTANCE,
        property_files=[EVALUATION, ENTRY],
    )
