"""The model card: what a person reads beside the registry entry, with every limit of its schema kept by construction."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from steps.contract import DirectionScores, EvaluationReport, ModelCard, Score
from steps.contract.card import (
    GRAPH_POINTS,
    METRIC_NAME,
    NAME,
    OBSERVATION,
    PASSAGE,
    TRAINING_OBSERVATION,
    AdditionalInformation,
    EvaluationDetails,
    GraphMetric,
    IntendedUses,
    Metric,
    MetricGroup,
    ModelOverview,
    NumberMetric,
    TextMetric,
    TrainingDetails,
    TrainingJobDetails,
    TrainingMetric,
)
from steps.evaluate.registry import Origin

SHOWN_SOURCES = 12
SHOWN_BENCHMARKS = 5
LINE = (
    300  # characters of a remark or a source: enough for all that we write, so that the whole stays far under the limit
)
TITLE = 60
PASSES = "…"


def build_card(report: EvaluationReport, origin: Origin, names: Sequence[str]) -> ModelCard:
    """The card of the evaluated model; `names` are what prompts call the two languages. No number is computed here."""
    first, second = (legible(name, TITLE) for name in names)
    return ModelCard(
        model_overview=ModelOverview(
            model_creator=legible(f"asusu {origin.code}", LINE),
            model_artifact=[f"LoRA adapter in model.tar.gz, sha256:{origin.adapter_sha256}"],
        ),
        intended_uses=_intended_uses(first, second, origin),
        training_details=_training(origin),
        evaluation_details=[
            *(_direction("Held-out test", row, report, origin) for row in report.directions),
            *_benchmarks(report),
            _gate(report),
            *_curves(origin),
        ],
        additional_information=_information(report, origin),
    )


def legible(text: str, limit: int) -> str:
    """One line of at most `limit` characters, without control characters and marks of direction; never empty."""
    signs = (" " if sign.isspace() else sign for sign in text)
    clean = " ".join("".join(sign for sign in signs if unicodedata.category(sign)[0] != "C").split())
    return (clean if len(clean) <= limit else clean[: limit - 1] + PASSES) or "-"


def thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most GRAPH_POINTS of the points, evenly taken, the first and the last among them."""
    if len(points) <= GRAPH_POINTS:
        return list(points)
    return [points[round(place * (len(points) - 1) / (GRAPH_POINTS - 1))] for place in range(GRAPH_POINTS)]


def _intended_uses(first: str, second: str, origin: Origin) -> IntendedUses:
    length = origin.training.fingerprint.max_length
    return IntendedUses(
        purpose_of_model=f"Machine translation of sentences between {first} and {second}, in both directions.",
        intended_uses=(
            "Drafts of single sentences like those of its training data, for a person who reads both languages. Not for use"
            " without such a person where a wrong translation does harm: medicine, law, safety, identity."
        ),
        factors_affecting_model_efficiency=(
            f"Subjects and styles that the training data lacks; sentences over {length} tokens, prompt and answer together;"
            " missing or unusual diacritics; names, numbers, and text in other languages."
        ),
        risk_rating="Unknown",
        explanations_for_risk_rating="Nobody has rated it: whoever serves the model decides what it is used for.",
    )


def _training(origin: Origin) -> TrainingDetails:
    training, data, base = origin.training, origin.data, origin.base_model
    sources = [
        legible(f"{legible(row.name, 120)}: {row.lines} pairs, {row.format}, licence {legible(row.licence, 80)}", LINE)
        for row in data.sources[:SHOWN_SOURCES]
    ]
    if len(data.sources) > SHOWN_SOURCES:
        sources.append(f"{len(data.sources) - SHOWN_SOURCES} more sources, see the data report")
    sources.append(
        legible(
            f"{legible(data.corpus, 120)}: {data.rows_out} of {data.rows_in} rows kept, {data.splits.get('train', 0)} for"
            f" training, sha256:{data.corpus_fingerprint}",
            LINE,
        )
    )
    cost = origin.cost
    price = legible(f"at {cost.usd_per_hour:.4g} US dollars per hour {cost.purchase}: {cost.assumption}", LINE)
    metrics = [
        ("optimiser steps", training.steps, f"{training.planned_steps} were planned; ended: {training.stop_reason}"),
        ("share of the plan", training.fraction, ""),
        ("epochs planned", origin.plan.epochs, ""),
        ("hours", cost.hours, "over all restarts"),
        ("US dollars", cost.usd, price),
        ("tokens per second", training.tokens_per_second, "padding not counted"),
        ("trainable parameters", training.trainable_parameters, ""),
        ("training loss", training.train_loss, "of the last step, nats per answer token"),
    ]
    observation = (
        f"LoRA adapter on {legible(base.name, 120)}, revision {legible(base.revision, 80)}, licence"
        f" {legible(base.licence, 80)}, sha256:{base.fingerprint}. {training.steps} of {training.planned_steps} steps"
        f" ({training.stop_reason}) in {cost.hours:.2f} hours."
    )
    return TrainingDetails(
        training_observations=legible(observation, TRAINING_OBSERVATION),
        training_job_details=TrainingJobDetails(
            training_datasets=sources,
            user_provided_training_metrics=[
                TrainingMetric(name=name, value=value, notes=notes) for name, value, notes in metrics
            ],
        ),
    )


def _direction(title: str, row: DirectionScores, report: EvaluationReport, origin: Origin) -> EvaluationDetails:
    compared = " ".join(
        f"Against {'the champion' if pair.other == 'champion' else 'the base model'}: {pair.difference:+.2f} chrF++, 95 %"
        f" interval {pair.low:+.2f} to {pair.high:+.2f}, p of holding up {pair.p:.3f}."
        for pair in report.differences
        if pair.direction == row.direction
    )
    observation = (
        f"{row.sentences} sentences, greedy decoding, text in NFC. Champion: {legible(report.champion, LINE)}."
    )
    return EvaluationDetails(
        name=legible(f"{title} {row.direction}", NAME),
        evaluation_observation=legible(f"{observation} {compared}", OBSERVATION),
        datasets=[f"test.parquet, {row.sentences} pairs, sha256:{origin.test_set_sha256}"],
        metric_groups=[*_scores(row), *_losses(row)],
    )


def _losses(row: DirectionScores) -> list[MetricGroup]:
    over = f"nats per answer token, over {row.validation_tokens} tokens of the validation split"
    losses = [
        ("validation loss", row.validation_loss),
        ("validation loss base model", row.base_validation_loss),
        ("validation loss champion", row.champion_validation_loss),
    ]
    data: list[Metric] = [
        NumberMetric(name=name, value=value, notes=over) for name, value in losses if value is not None
    ]
    return [MetricGroup(name="Validation", metric_data=data)] if data else []


def _scores(row: DirectionScores) -> list[MetricGroup]:
    scores: list[tuple[str, Score | None]] = [
        ("chrF++", row.chrf),
        ("chrF++ base model", row.base_chrf),
        ("chrF++ champion", row.champion_chrf),
        ("BLEU", row.bleu),
        ("BLEU base model", row.base_bleu),
        ("BLEU champion", row.champion_bleu),
    ]
    failures = [(name, value) for name, value in row.failures.model_dump().items() if value is not None]
    return [
        MetricGroup(
            name="Scores",
            metric_data=[
                NumberMetric(
                    name=name,
                    value=score.value,
                    notes=legible(f"95 % interval {score.low:.2f} to {score.high:.2f}; {score.signature}", LINE),
                )
                for name, score in scores
                if score is not None
            ],
        ),
        MetricGroup(
            name="Failures and marks",
            metric_data=[NumberMetric(name=name.replace("_", " "), value=value) for name, value in failures],
        ),
    ]


def _benchmarks(report: EvaluationReport) -> list[EvaluationDetails]:
    return [
        EvaluationDetails(
            name=legible(f"{legible(benchmark.name, 40)} {row.direction}", NAME),
            evaluation_observation=f"{row.sentences} sentences of an evaluation set of others, none of them trained on.",
            metric_groups=_scores(row),
        )
        for benchmark in report.benchmarks[:SHOWN_BENCHMARKS]
        for row in benchmark.directions
    ]


def _gate(report: EvaluationReport) -> EvaluationDetails:
    rules: list[Metric] = [
        NumberMetric(
            name=legible(rule.rule, METRIC_NAME),
            value=rule.value,
            notes=legible(f"{'passed' if rule.passed else 'refused'}, limit {rule.limit:g}: {rule.sentence}", LINE),
        )
        for rule in report.gate.rules
    ]
    verdict = TextMetric(name="verdict", value=report.gate.verdict)
    return EvaluationDetails(
        name="Gate",
        evaluation_observation=legible(report.gate.message, OBSERVATION),
        metric_groups=[MetricGroup(name="Rules", metric_data=[verdict, *rules])],
    )


def _curves(origin: Origin) -> list[EvaluationDetails]:
    training, loss = origin.training, "nats per answer token"
    curves = [
        ("Training loss", loss, [(float(point.step), point.loss) for point in training.curve]),
        ("Validation loss", loss, [(float(step), value) for step, value in training.validation_curve]),
        ("Speed", "tokens per second", [(float(point.step), point.tokens_per_second) for point in training.pace_curve]),
        ("Peak memory", "GiB", [(float(point.step), point.memory_gib) for point in training.pace_curve]),
    ]
    graphs: list[Metric] = [
        GraphMetric(name=name, value=thinned(points), x_axis_name="step", y_axis_name=unit)
        for name, unit, points in curves
        if points
    ]
    if not graphs:
        return []
    return [
        EvaluationDetails(
            name="Training",
            evaluation_observation=f"At most {GRAPH_POINTS} points of each curve; the dossier has all.",
            metric_groups=[MetricGroup(name="Curves", metric_data=graphs)],
        )
    ]


def _information(report: EvaluationReport, origin: Origin) -> AdditionalInformation:
    warnings = " ".join(legible(warning, LINE) for warning in origin.data.warnings)
    caveats = "Scores compare systems on these sentences; they do not say that a translation is right. Read samples."
    return AdditionalInformation(
        caveats_and_recommendations=legible(f"{caveats} {warnings}", PASSAGE),
        custom_details={key: value for key, value in report.registry.items() if not key.startswith("gate_")}
        | {name: legible(image, LINE) for name, image in origin.images.items()},
    )
