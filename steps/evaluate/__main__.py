"""`python -m steps.evaluate`: unpack, check, load, measure the loss, translate, score, decide, report, bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from steps import contract, job
from steps.evaluate.bundle import write_bundle
from steps.evaluate.card import build_card
from steps.evaluate.champion import find_champion
from steps.evaluate.cost import training_cost
from steps.evaluate.entry import save_entry
from steps.evaluate.gate import Evidence, Limits, decide
from steps.evaluate.generate import Translator, translate_all
from steps.evaluate.inputs import (
    HeldOut,
    read_benchmarks,
    read_held_out,
    read_training,
    refuse_mismatch,
    refuse_other_plan,
)
from steps.evaluate.licences import licences
from steps.evaluate.loss import validation_losses, with_losses
from steps.evaluate.registry import Origin
from steps.evaluate.report import build_report
from steps.evaluate.samples import collect_samples
from steps.evaluate.score import compare_directions, score_directions
from steps.evaluate.systems import BASE, CHAMPION, TRAINED, largest_lora_b, load_systems
from steps.evaluate.unpack import MODEL_ARCHIVE, unpack
from steps.prompt import Prompter, load_tokenizer
from steps.shards import TokenSplit
from steps.sums import sha256_file
from steps.version import code_version

IMAGES = {"image_train": "TrainImage", "image_evaluate": "EvaluateImage"}
NOTHING = "none"
NO_CHAMPION = "no version had been approved to compare with"


def main() -> None:
    """Evaluate the mounted model.tar.gz. A failure to evaluate is a failed step, never a score."""
    with tempfile.TemporaryDirectory() as scratch:
        evaluate(Path(scratch))


def evaluate(scratch: Path) -> None:
    """All of it; the model is unpacked into `scratch`, from where the registry's bundle takes the adapter."""
    languages = (job.setting("SourceLanguage"), job.setting("TargetLanguage"))
    limits = Limits(
        *(float(job.parameter(name)) for name in ("MaxValidationLoss", "MinTrainingFraction", "MaxBrokenShare"))
    )
    seed = int(job.parameter("Seed"))
    base_folder, tokens, splits = (job.processing_input(name) for name in ("base-model", "tokens", "splits"))
    data_folder = job.processing_input("data-report")
    data = contract.load(data_folder / contract.DATA_REPORT, contract.DataReport)
    champion = find_champion(job.processing_input("champion"))
    held_out = read_held_out(splits / "test.parquet", languages)
    benchmarks = read_benchmarks(splits, languages)

    artefact = unpack(job.processing_input("model") / MODEL_ARCHIVE, scratch)
    training = read_training(artefact)
    tokenizer_folder = base_folder / contract.TOKENIZER_FOLDER
    fingerprint = contract.load(tokens / contract.FINGERPRINT, contract.TokenFingerprint)
    refuse_mismatch(training.fingerprint, fingerprint, languages, tokenizer_folder, splits)
    plan = contract.load(tokens / contract.PLAN, contract.TrainingPlan)
    refuse_other_plan(training, plan)
    mounted = contract.load(base_folder / contract.MANIFEST, contract.BaseModelManifest)
    problem = champion.why_not_comparable(mounted) if champion else ""
    adapters = {TRAINED: artefact / contract.ADAPTER_FOLDER}
    if champion and not problem:
        adapters[CHAMPION] = champion.adapter
    model, manifest = load_systems(base_folder, adapters)
    adapter_sha256, config_sha256 = (
        sha256_file(adapters[TRAINED] / file) for file in (contract.ADAPTER_WEIGHTS, contract.ADAPTER_CONFIG)
    )

    prompter = Prompter.of(load_tokenizer(tokenizer_folder), languages, fingerprint.names)
    losses = validation_losses(model, TokenSplit(tokens / "validation", prompter))
    weights = {BASE: manifest.fingerprint, TRAINED: manifest.fingerprint + adapter_sha256 + config_sha256}
    if CHAMPION in adapters and champion:
        weights[CHAMPION] = manifest.fingerprint + champion.sums
    translator = Translator.of(model, prompter)
    translations = translate_all(translator, held_out, weights)

    scores = with_losses(score_directions(prompter.directions, held_out, translations, seed), losses)
    differences = compare_directions(prompter.directions, held_out, translations, seed)
    against_champion = [pair for pair in differences if pair.other == CHAMPION]
    on_benchmarks = [score_benchmark(translator, name, pairs, weights, seed) for name, pairs in benchmarks.items()]
    not_compared = "" if against_champion else f"{champion.name}: {problem}" if champion else NO_CHAMPION
    evidence = Evidence(
        losses[TRAINED].mean, scores, largest_lora_b(model, TRAINED), training.fraction, against_champion, not_compared
    )
    gate = decide(evidence, limits)

    instance_type, spot = str(job.parameter("TrainingInstanceType")), job.setting("SpotTraining", "false") == "true"
    origin = Origin(
        training=training,
        plan=plan,
        data=data,
        base_model=manifest,
        code=code_version(),
        adapter_sha256=adapter_sha256,
        adapter_config_sha256=config_sha256,
        test_set_sha256=sha256_file(splits / "test.parquet"),
        cost=training_cost(training.seconds_used, plan.estimate, instance_type, spot=spot),
        definition=stated("DefinitionSha256"),
        images={name: image for name, variable in IMAGES.items() if (image := stated(variable))},
    )
    out = job.processing_output("evaluation")
    contract.save(out / contract.SAMPLES, collect_samples(prompter.directions, held_out, translations))
    report = build_report(
        gate=gate,
        losses=losses,
        scores=scores,
        differences=differences,
        benchmarks=on_benchmarks,
        champion=f"{champion.name} not compared: {problem}"
        if champion and problem
        else champion.name
        if champion
        else "none",
        origin=origin,
    )
    contract.save(out / contract.EVALUATION_REPORT, report)
    card = build_card(report, origin, fingerprint.names)
    bundle = write_bundle(job.processing_output("bundle"), artefact, tokenizer_folder, card, licences(manifest, data))
    save_entry(out, card, data_folder / contract.DATA_REPORT, bundle)
    shown = ", ".join(f"{row.direction} {row.chrf.value:.1f} (base {row.base_chrf.value:.1f})" for row in scores)
    job.note(f"chrF++ {shown}; validation loss {losses[TRAINED].mean:.3f}; {gate.verdict}")
    job.event("evaluated", verdict=gate.verdict, message=gate.message, champion=report.champion)


def stated(name: str) -> str:
    """What the definition says of itself; empty in one that does not."""
    value = job.setting(name, NOTHING)
    return "" if value == NOTHING else value


def score_benchmark(
    translator: Translator, name: str, pairs: HeldOut, weights: Mapping[str, str], seed: int
) -> contract.BenchmarkScores:
    """Every system on an evaluation set of others, with the same decoding."""
    names = translator.prompter.directions
    translations = translate_all(translator, pairs, weights)
    scores = score_directions(names, pairs, translations, seed)
    shown = ", ".join(f"{row.direction} {row.chrf.value:.1f} (base {row.base_chrf.value:.1f})" for row in scores)
    job.event("benchmark", benchmark=name, sentences=len(pairs), chrf=shown)
    return contract.BenchmarkScores(
        name=name, directions=list(scores), differences=compare_directions(names, pairs, translations, seed)
    )


if __name__ == "__main__":
    job.run(main)
