"""TokenizeExamples: sentences stored once, both directions, a fingerprint, a plan, and the refusal of one that does not fit."""

import math
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps.contract import MANIFEST, BaseModelManifest, ModelShape, TokenFingerprint, TrainingPlan, load, save
from steps.job import Refused
from steps.prompt import Prompter, load_tokenizer
from steps.shards import IGNORED, TokenSplit
from steps.tokenize.__main__ import main
from tests.drill.tiny import SENTENCES

MISTRAL_7B = ModelShape(
    layers=32, hidden=4096, intermediate=14336, heads=32, kv_heads=8, head=128, vocabulary=32000, tied=False
)
SETTINGS = {
    "SourceLanguage": "en",
    "TargetLanguage": "ig",
    "MaxLength": "64",
    "PackLength": "128",
    "TokensPerStep": "256",
    "Epochs": "3",
    "MaxSteps": "0",
    "TrainingInstanceType": "ml.g5.xlarge",
    "LoraRank": "4",
    "LoraTargets": "all-linear",
    "MaxTrainingHours": "24",
    "MaxCostUsd": "100",
}


@pytest.fixture
def tokenised(base_model, tmp_path, monkeypatch):
    """Runs the step with changed settings; returns its output folder."""

    def run(pairs=SENTENCES, shape=None, **changes):
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        inputs = root / "processing" / "input"
        (inputs / "splits").mkdir(parents=True)
        for split in ("train", "validation", "test"):
            table = pa.table(
                {"id": [f"s:{i}" for i in range(len(pairs))], "en": [p[0] for p in pairs], "ig": [p[1] for p in pairs]}
            )
            pq.write_table(table, inputs / "splits" / f"{split}.parquet")
        shutil.copytree(base_model / "tokenizer", inputs / "tokenizer")
        manifest = load(base_model / MANIFEST, BaseModelManifest)
        manifest = manifest.model_copy(update={"shape": shape or manifest.shape})
        save(inputs / "base-model-manifest" / MANIFEST, manifest)
        monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(root))
        for name, value in (SETTINGS | changes).items():
            monkeypatch.setenv(name, value)
        main()
        return root / "processing" / "output" / "tokens"

    return run


def answers(out, base_model):
    """Decoded answers of every example in the training packs."""
    prompter = Prompter.of(load_tokenizer(base_model / "tokenizer"), ("en", "ig"))
    split = TokenSplit(out / "train", prompter)
    texts = []
    for index in range(len(split)):
        batch, current = split[index], []
        for token, label in zip(batch["input_ids"].ravel(), batch["labels"].ravel(), strict=True):
            if label == IGNORED:
                continue
            current.append(int(token))
            if token == prompter.tokenizer.eos_token_id:
                texts.append(prompter.tokenizer.decode(current, skip_special_tokens=True).strip())
                current = []
        assert not current, "an answer without its end"
    return texts


def test_both_directions_are_answered_in_full_and_end_with_eos(tokenised, base_model):
    assert sorted(answers(tokenised(), base_model)) == sorted(side for pair in SENTENCES for side in pair)


def test_the_plan_counts_what_the_trainer_will_do(tokenised):
    plan = load(tokenised() / "plan.json", TrainingPlan)
    assert plan.examples == 2 * len(SENTENCES)
    assert plan.micro_batches_per_step == 2
    assert plan.steps == math.ceil(3 * plan.micro_batches / 2)
    assert 0 < plan.fill <= 1
    assert plan.tokens == round(plan.fill * plan.slots)


def test_max_steps_caps_the_plan(tokenised):
    plan = load(tokenised(MaxSteps="1") / "plan.json", TrainingPlan)
    assert plan.steps == 1
    assert plan.epochs <= 1


def test_long_examples_are_left_out_and_counted_never_cut(tokenised, base_model):
    pairs = [*SENTENCES, ("A very long sentence " * 20, "Ahịrịokwu dị ogologo " * 20)]
    out = tokenised(pairs)
    assert load(out / "plan.json", TrainingPlan).too_long == 2
    assert len(answers(out, base_model)) == 2 * len(SENTENCES)


def test_nothing_that_fits_is_an_error_that_says_so(tokenised):
    with pytest.raises(Refused, match="MaxLength=16"):
        tokenised(MaxLength="16")


def test_same_input_gives_the_same_bytes(tokenised):
    first, second = tokenised(), tokenised()
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(files) == 6
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in files)


def test_the_fingerprint_changes_with_what_shards_depend_on(tokenised):
    prints = [
        load(out / "fingerprint.json", TokenFingerprint)
        for out in (tokenised(), tokenised(MaxLength="48"), tokenised(SENTENCES[:4]))
    ]
    assert len({fingerprint.model_dump_json() for fingerprint in prints}) == 3


@pytest.mark.parametrize(
    ("limit", "value", "says"),
    [("MaxCostUsd", "0.01", "MaxCostUsd is 0.01"), ("MaxTrainingHours", "0.01", "MaxTrainingHours is 0.01")],
)
def test_a_plan_over_its_limit_is_refused_with_both_numbers(tokenised, limit, value, says):
    with pytest.raises(Refused, match="does not fit") as caught:
        tokenised(SENTENCES * 20, MISTRAL_7B, Epochs="100", **{limit: value})
    assert says in str(caught.value)
    assert "ml.g5.xlarge" in str(caught.value)


def test_a_plan_over_the_gpus_memory_is_refused_with_need_limit_and_lever(tokenised):
    sizes = {"PackLength": "2048", "TokensPerStep": "2048"}
    with pytest.raises(Refused, match=r"2,048 token slots need \d\d\.\d GiB where 21\.3") as caught:
        tokenised(shape=MISTRAL_7B, Levers='{"gradient_checkpointing": "off"}', LoraTargets="attention", **sizes)
    assert "PackLength at most 1216" in str(caught.value)


def test_with_auto_the_plan_recomputes_activations_only_where_it_must(tokenised):
    short = load(tokenised(shape=MISTRAL_7B, LoraTargets="attention") / "plan.json", TrainingPlan)
    sizes = {"PackLength": "2048", "TokensPerStep": "2048"}
    long = load(tokenised(shape=MISTRAL_7B, LoraTargets="attention", **sizes) / "plan.json", TrainingPlan)
    assert not short.memory.gradient_checkpointing
    assert long.memory.gradient_checkpointing
    assert long.estimate.flops_per_token > 1.45 * short.estimate.flops_per_token


def test_micro_batches_that_the_gpus_cannot_share_evenly_are_refused(tokenised):
    with pytest.raises(Refused, match="4 GPUs"):
        tokenised(TrainingInstanceType="ml.g5.12xlarge")


def test_the_platforms_limit_counts_less_its_margin(tokenised):
    limits = {"MaxRuntimeSeconds": "2000", "StopMarginMinutes": "33"}
    with pytest.raises(
        Refused, match=r"ends the job after 0\.5556 hours \(MaxRuntime\), and training stops 33 minutes"
    ):
        tokenised(SENTENCES * 20, MISTRAL_7B, Epochs="100", **limits)
