"""Preflight: every wrong parameter by name, addresses that are not published ones, and the lost run's plan refused."""

import pytest

from steps.contract import (
    MANIFEST,
    BaseModelManifest,
    CorpusManifest,
    CorpusSource,
    FileEntry,
    ModelShape,
    PreflightReport,
    load,
    save,
)
from steps.job import Refused
from steps.parameters import PARAMETERS
from steps.preflight.__main__ import main

MISTRAL_7B = ModelShape(
    layers=32, hidden=4096, intermediate=14336, heads=32, kv_heads=8, head=128, vocabulary=32000, tied=False
)
FILE = FileEntry(path="x", bytes=1, sha256="0" * 64)
CORPUS = CorpusManifest(
    name="phrasebook",
    languages=["en", "ig"],
    sources=[CorpusSource(name="a", licence="Apache-2.0", format="tsv", paths=["x"], lines=100)],
    files=[FILE],
    pairs=100,
    words={"en": 500, "ig": 600},
    fingerprint="c0",
)
MODEL = BaseModelManifest(
    name="tiny",
    revision="1",
    licence="Apache-2.0",
    architecture="MistralForCausalLM",
    parameters=1_000_000,
    vocabulary=1000,
    shape=ModelShape(layers=4, hidden=128, intermediate=384, heads=4, kv_heads=4, head=32, vocabulary=1000, tied=False),
    files=[FILE],
    fingerprint="b0",
)
GIVEN = {row.name: str(row.default) for row in PARAMETERS if row.default is not None} | {
    "CorpusUri": "s3://bucket/corpora/c0",
    "BaseModelUri": "s3://bucket/base-models/b0",
    "Bucket": "bucket",
}


@pytest.fixture
def preflight(tmp_path, monkeypatch):
    def run(corpus=CORPUS, model=MODEL, without=(), **changes):
        monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
        inputs = tmp_path / "processing" / "input"
        save(inputs / "corpus-manifest" / MANIFEST, corpus)
        save(inputs / "base-model-manifest" / MANIFEST, model)
        for name, value in (GIVEN | changes).items():
            monkeypatch.setenv(name, value)
        for name in without:
            monkeypatch.delenv(name)
        main()
        return load(tmp_path / "processing" / "output" / "preflight" / "preflight.json", PreflightReport)

    return run


def test_a_sound_start_is_written_down_with_typed_parameters_and_an_estimate(preflight):
    report = preflight(LoraRank="8")
    assert report.parameters["LoraRank"] == 8
    assert report.corpus_fingerprint == "c0"
    assert 0 <= report.estimate.hours_low <= report.estimate.hours_high


def test_every_wrong_parameter_is_named_in_one_message(preflight):
    with pytest.raises(Refused) as refused:
        preflight(LoraRank="0", Epochs="-1", TrainingInstanceType="ml.p9.huge", without=["Seed"])
    for text in ("LoraRank", "1 to 256", "Epochs", "TrainingInstanceType", "ml.g5.xlarge", "Seed did not reach"):
        assert text in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CorpusUri", "s3://elsewhere/corpora/c0", "s3://bucket/corpora/"),
        ("CorpusUri", "s3://bucket/corpora/other", "publish it again"),
        ("BaseModelUri", "s3://bucket/corpora/b0", "s3://bucket/base-models/"),
    ],
)
def test_only_published_folders_of_this_bucket_are_taken(preflight, name, value, says):
    with pytest.raises(Refused, match=name) as refused:
        preflight(**{name: value})
    assert says in str(refused.value)


def test_the_lost_runs_plan_is_refused_with_its_hours_and_dollars(preflight):
    """6.1 million pairs, three epochs, Mistral-7B on one A10G, a week and $237."""
    corpus = CORPUS.model_copy(update={"pairs": 6_145_395, "words": {"en": 108_000_000, "ig": 114_000_000}})
    model = MODEL.model_copy(update={"parameters": 7_241_732_096, "shape": MISTRAL_7B})
    with pytest.raises(Refused, match="does not fit") as refused:
        preflight(corpus, model, Epochs="3", MaxTrainingHours="168", MaxCostUsd="237")
    assert "days" in str(refused.value)
    assert "MaxTrainingHours is 168" in str(refused.value)
    assert "MaxCostUsd is 237" in str(refused.value)
    report = preflight(corpus, model, Epochs="3", MaxSteps="20000", MaxTrainingHours="168", MaxCostUsd="237")
    assert report.estimate.hours_high < 168


def test_a_manifest_that_is_not_one_is_named(preflight, tmp_path):
    preflight()
    (tmp_path / "processing/input/corpus-manifest" / MANIFEST).write_text("{}")
    with pytest.raises(Refused, match=r"manifest.json is not a valid CorpusManifest"):
        main()


SEVEN_B = MODEL.model_copy(update={"parameters": 7_241_732_096, "shape": MISTRAL_7B})


def test_a_pack_that_does_not_fit_the_gpu_is_refused_with_need_limit_longest_and_lever(preflight):
    off = '{"gradient_checkpointing": "off"}'
    with pytest.raises(Refused) as refused:
        preflight(model=SEVEN_B, PackLength="2048", TokensPerStep="4096", Levers=off)
    for text in (
        "2,048 token slots need 26",
        "21.3",
        "A10G",
        "the longest that fits is 1,213",
        "PackLength at most 1152",
    ):
        assert text in str(refused.value)


def test_padded_batches_are_weighed_by_the_slots_of_their_rows(preflight):
    """Ten rows of 100 in a PackLength of 1,024: 1,000 slots, each example of which takes 100 whatever its length."""
    report = preflight(model=SEVEN_B, MaxLength="100", Levers='{"batching": "padded"}')
    assert report.memory.slots == 1000
    assert report.estimate.tokens == 2 * CORPUS.pairs * 100


def test_the_note_says_hours_memory_and_that_activations_are_recomputed(preflight, capsys):
    preflight(model=SEVEN_B, PackLength="4096")
    said = capsys.readouterr().out
    assert "of 21.3 GiB on ml.g5.xlarge" in said
    assert "under 6 minutes" in said
    assert "Activations are recomputed" in said
    assert "PackLength at most 1152" in said


def test_what_the_deployment_set_limits_the_run_too(preflight):
    corpus = CORPUS.model_copy(update={"pairs": 500_000, "words": {"en": 8_000_000, "ig": 9_000_000}})
    wide = {"MaxTrainingHours": "400", "MaxCostUsd": "1000"}
    assert preflight(corpus, SEVEN_B, **wide).estimate.hours_high > 12
    with pytest.raises(Refused, match="MaxRuntime"):
        preflight(corpus, SEVEN_B, MaxRuntimeSeconds="43200", **wide)
    two = preflight(corpus, SEVEN_B, MaxRuntimeSeconds="86400", TrainingHosts="2", **wide)
    assert "2 x ml.g5.xlarge" in two.estimate.assumptions


def test_gpus_that_cannot_share_a_step_evenly_are_refused(preflight):
    with pytest.raises(Refused, match="4 GPUs"):
        preflight(TrainingInstanceType="ml.g5.12xlarge", TokensPerStep="2048")
