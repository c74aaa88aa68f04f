"""Tokenises every sentence once, packs both directions, writes shards, fingerprint and plan, and refuses what does not fit."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from steps import job
from steps.budget import read_limits, refuse_if_over
from steps.contract import FINGERPRINT, MANIFEST, PLAN, BaseModelManifest, TokenFingerprint, load, save
from steps.languages import language
from steps.levers import read_levers
from steps.prompt import TEMPLATE, Prompter, load_tokenizer, tokenizer_digest
from steps.sums import fingerprint_of, list_files
from steps.tokenize.plan import make_plan
from steps.tokenize.write import TokenisedSplit, tokenise, write_split


def main() -> None:
    """Read splits and tokenizer, write the `tokens` output; the fingerprint comes last."""
    languages = (job.setting("SourceLanguage"), job.setting("TargetLanguage"))
    max_length, pack_length = int(job.parameter("MaxLength")), int(job.parameter("PackLength"))
    levers = read_levers(job.setting("Levers", "{}"))
    splits = job.processing_input("splits")
    model = load(job.processing_input("base-model-manifest") / MANIFEST, BaseModelManifest)
    tokenizer_folder = job.processing_input("tokenizer")
    sides = zip(("SourceName", "TargetName"), languages, strict=True)
    names = [job.setting(name, language(code).name) for name, code in sides]
    prompter = Prompter.of(load_tokenizer(tokenizer_folder), languages, names)

    out = job.processing_output("tokens")
    train = _tokenise_split(splits / "train.parquet", prompter, max_length)
    validation = _tokenise_split(splits / "validation.parquet", prompter, max_length)
    written = write_split(out / "train", train, levers.batching, pack_length, max_length)
    write_split(out / "validation", validation, levers.batching, pack_length, max_length)

    plan = make_plan(train, written, model.shape, levers)
    refuse_if_over(
        plan.estimate,
        plan.memory,
        str(job.parameter("TrainingInstanceType")),
        read_limits(),
        f"The run is {plan.steps:,} steps of {plan.micro_batches_per_step} micro-batches, {plan.epochs:g} epochs. "
        "Lower Epochs or MaxSteps, or raise the limit on purpose.",
    )
    save(out / PLAN, plan)
    fingerprint = TokenFingerprint(
        tokenizer_sha256=tokenizer_digest(tokenizer_folder),
        template=TEMPLATE,
        languages=list(languages),
        names=names,
        max_length=max_length,
        pack_length=pack_length,
        batching=levers.batching,
        prepared_sha256=fingerprint_of(list_files(splits)),
    )
    save(out / FINGERPRINT, fingerprint)
    job.note(
        f"{plan.examples:,} examples in {plan.micro_batches:,} micro-batches, {plan.fill:.0%} full; "
        f"{plan.steps:,} steps, {plan.epochs:.4g} epochs"
    )


def _tokenise_split(path: Path, prompter: Prompter, max_length: int) -> TokenisedSplit:
    first, second = prompter.languages
    try:
        table = pq.read_table(path, columns=[first, second])
    except (OSError, ValueError, KeyError) as error:
        raise job.Refused(f"cannot read {path.name} with columns {first} and {second}: {error}") from error
    split = tokenise(table.column(first).to_pylist(), table.column(second).to_pylist(), prompter, max_length, path.stem)
    if not split.examples:
        raise job.Refused(f"no example of {path.name} fits MaxLength={max_length} tokens; raise MaxLength")
    return split


if __name__ == "__main__":
    job.run(main)
