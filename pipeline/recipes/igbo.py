"""The translation pipeline, both directions of a language pair: its DAG on one screen. Igbo-English came first."""

from __future__ import annotations

from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.pipeline_experiment_config import PipelineExperimentConfig

from pipeline.recipes import languages_of, pipeline_name
from pipeline.settings import Settings
from pipeline.stages import evaluate_model, gate, preflight, prepare_corpus, tokenize_examples, training
from pipeline.stages.blocks import Blueprint


def build(recipe: str, settings: Settings, session: PipelineSession) -> Pipeline:
    """Preflight -> PrepareCorpus -> TokenizeExamples -> CanaryTrain -> CanaryResume -> TrainLora -> EvaluateModel -> gate."""
    plan = Blueprint.new(pipeline_name(recipe), settings, session, languages_of(recipe))

    checked = preflight.build(plan)
    *spread, prepared = prepare_corpus.build(plan, after=checked)
    tokenized = tokenize_examples.build(plan, prepared)
    canary = training.build_canary_train(plan, tokenized)
    resumed = training.build_canary_resume(plan, tokenized, canary)
    trained = training.build_train(plan, tokenized, after=resumed)
    evaluated = evaluate_model.build(plan, prepared, tokenized, trained)
    decided = gate.build(plan, prepared, evaluated)

    return Pipeline(
        name=plan.name,
        parameters=list(plan.parameters.values()),
        pipeline_experiment_config=PipelineExperimentConfig(
            ExecutionVariables.PIPELINE_NAME, ExecutionVariables.PIPELINE_EXECUTION_ID
        ),
        steps=[checked, *spread, prepared, tokenized, canary, resumed, trained, evaluated, decided],
        sagemaker_session=session,
    )
