"""Reports of a run written by hand, as the steps would have left them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.review.files import CANARY_RESUME, CANARY_TRAIN, RunFiles
from steps import contract

HOSTILE = "<script>alert('x')</script><img src=https://evil.example/x.png onerror=alert(1)>"
FINGERPRINT = contract.TokenFingerprint(
    tokenizer_sha256="a" * 64,
    template="t",
    languages=["en", "ig"],
    max_length=256,
    pack_length=1024,
    prepared_sha256="b" * 64,
)
ESTIMATE = contract.Estimate(
    tokens=1_200_000,
    usd_per_hour=1.408,
    tokens_per_second_low=2000,
    tokens_per_second_high=2900,
    hours_low=0.115,
    hours_high=0.167,
    usd_low=0.16,
    usd_high=0.24,
    assumptions="45 to 65 % of 70 TFLOPS.",
)
IDENTITY = contract.RunIdentity(
    base_model="d" * 64, lora_rank=16, lora_targets="attention", seed=17, tokens=FINGERPRINT
)


def data_report() -> contract.DataReport:
    dropped = {"empty_side": 14, "identical_sides": 31, "wrong_script": 7, "length_ratio": 120, "exact_duplicate": 410}
    examples = [{"id": "r7", "en": "Good morning.", "ig": "Ụtụtụ ọma."}, {"id": "r9", "en": HOSTILE, "ig": "ọ̀"}]
    return contract.DataReport(
        corpus="phrasebook",
        corpus_fingerprint="c" * 64,
        languages=["en", "ig"],
        sources=[
            contract.CorpusSource(
                name="phrasebook", licence="Apache-2.0", format="tsv", paths=["data/p.tsv"], lines=4582
            )
        ],
        rows_in=4582,
        repaired={"NFC": 212, "white space": 33},
        rules=[
            contract.RuleCount(rule=rule, reason=f"Reason of {rule}.", dropped=count, examples=examples)
            for rule, count in dropped.items()
        ]
        + [contract.RuleCount(rule="too_long", reason="Over 1,000 characters.", dropped=0, examples=[])],
        rows_out=4000,
        splits={"train": 3600, "validation": 200, "test": 200},
        components=3900,
        largest_component=12,
        leaks=0,
        seed=17,
    )


def plan() -> contract.TrainingPlan:
    return contract.TrainingPlan(
        examples=7200,
        too_long=3,
        tokens=190_000,
        packs=200,
        fill=0.97,
        packs_per_step=4,
        steps_per_epoch=50,
        steps=300,
        epochs=6,
        estimate=ESTIMATE,
    )


def preflight() -> contract.PreflightReport:
    return contract.PreflightReport(
        parameters={"Seed": 17},
        corpus="phrasebook",
        corpus_fingerprint="c" * 64,
        base_model="tiny",
        base_model_fingerprint="d" * 64,
        estimate=ESTIMATE,
    )


def canary(mode: str, start: int, end: int) -> contract.CanaryReport:
    return contract.CanaryReport(
        mode=mode,
        start_step=start,
        end_step=end,
        seal_sha256="e" * 64,
        probe_losses=[3.2, 2.9, 2.4, 2.1],
        tokens_per_second=2410.0,
        peak_memory_gib=20.4,
        checkpoint_seconds=1.2,
        projected_hours=0.14,
        projected_usd=0.2,
    )


def training() -> contract.TrainingReport:
    points = range(10, 301, 10)
    return contract.TrainingReport(
        stop_reason="finished",
        steps=300,
        planned_steps=300,
        fraction=1.0,
        resumed_from=0,
        seconds_used=512.0,
        tokens_per_second=2344.0,
        trainable_parameters=6_815_744,
        train_loss=0.41,
        validation_loss=0.52,
        curve=[contract.LossPoint(step=step, loss=3.2 * 0.99**step + 0.35, learning_rate=2e-4) for step in points],
        validation_curve=[(step, 3.0 * 0.99**step + 0.5) for step in range(30, 301, 30)],
        checkpoints=[100, 200, 300],
        fingerprint=FINGERPRINT,
    )


def evaluation(verdict: str = "passed") -> contract.EvaluationReport:
    def score(value: float) -> contract.Score:
        return contract.Score(value=value, signature="nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:2.6.0")

    def direction(name: str, ours: float, base: float) -> contract.DirectionScores:
        return contract.DirectionScores(
            direction=name,
            sentences=200,
            chrf=score(ours),
            bleu=score(ours - 10),
            base_chrf=score(base),
            base_bleu=score(0.4),
        )

    loss = 0.52 if verdict == "passed" else 1.83
    sentences = {
        "validation_loss": (loss, 1.0, f"validation loss {loss} against the limit 1 (MaxValidationLoss)"),
        "better_than_base_forward": (61.2, 13.3, "chrF++ en-ig 61.2 is at or over 13.3, the base model's score plus 1"),
        "better_than_base_backward": (66.0, 15.1, "chrF++ ig-en 66 is at or over 15.1, the base model's score plus 1"),
        "adapter_trained": (0.031, 0.0, "largest lora_B weight 0.031 is over 0"),
    }
    rules = [
        contract.RuleVerdict(
            rule=rule,
            passed=rule != "validation_loss" or verdict == "passed",
            value=value,
            limit=limit,
            sentence=text,
        )
        for rule, (value, limit, text) in sentences.items()
    ]
    return contract.EvaluationReport(
        metrics={"validation_loss": {"value": loss}, "validation_loss_base": {"value": 4.1}},
        directions=[direction("en-ig", 61.2, 12.3), direction("ig-en", 66.0, 14.1)],
        champion="none",
        gate=contract.GateVerdict(
            verdict=verdict,
            message="Every rule of the gate passed, 4 of 4." if verdict == "passed" else f"{rules[0].sentence}.",
            rules=rules,
        ),
        registry={},
    )


def samples() -> contract.SampleSet:
    texts = [
        ("She is selling yam at the market.", "Ọ na-ere ji n’ahịa.", "Ọ na-ere ji n’ahịa.", "ahịa ahịa ahịa ahịa"),
        ("We will drink water tomorrow.", "Anyị ga-aṅụ mmiri echi.", "Anyị ga-aṅụ mmiri taa.", ""),
        (HOSTILE, "Ụ̀lọ̀ ákwụ́kwọ́ ḿmádụ̀", HOSTILE, "&lt;b&gt; \u202eright to left\u0000 \u0007"),
        ("long " * 800, "ogologo" * 600, "x" * 4000, "nothing to see"),
    ]
    rows = [
        contract.Sample(
            direction=("en-ig", "ig-en")[place % 2],
            source=f"{place}: {source}",
            reference=reference,
            hypothesis=hypothesis,
            base_hypothesis=base,
            chrf=float(place * 37 % 101),
        )
        for place, (source, reference, hypothesis, base) in enumerate(texts * 10)
    ]
    return contract.SampleSet(total=400, samples=rows, showcase=rows[:5])


REPORTS: dict[str, Callable[[], contract.Report]] = {
    contract.PREFLIGHT_REPORT: preflight,
    contract.DATA_REPORT: data_report,
    contract.PLAN: plan,
    CANARY_TRAIN: lambda: canary("canary-train", 0, 12),
    CANARY_RESUME: lambda: canary("canary-resume", 12, 16),
    contract.TRAINING_REPORT: training,
    contract.EVALUATION_REPORT: evaluation,
    contract.SAMPLES: samples,
}


@pytest.fixture
def gathered(tmp_path: Path) -> Path:
    """A folder with every report of a run that passed, hostile texts among them."""
    for name, report in REPORTS.items():
        contract.save(tmp_path / "run" / name, report())
    return tmp_path / "run"


@pytest.fixture
def files(gathered: Path) -> RunFiles:
    return RunFiles(
        preflight=gathered / contract.PREFLIGHT_REPORT,
        data_report=gathered / contract.DATA_REPORT,
        plan=gathered / contract.PLAN,
        canary_train=gathered / CANARY_TRAIN,
        canary_resume=gathered / CANARY_RESUME,
        training=gathered / contract.TRAINING_REPORT,
        evaluation=gathered / contract.EVALUATION_REPORT,
        samples=gathered / contract.SAMPLES,
        provenance={"execution": "igbo-20261120-1400", "definition": "f" * 64},
        parameters={"MaxValidationLoss": 1.0, "LoraRank": 16, "CorpusUri": f"s3://asusu-local/corpora/{'c' * 64}"},
        commands=[("Approve this version", 'asusu approve 1 --reason "..."'), ("Try it", "asusu translate 'Good day'")],
    )


@pytest.fixture
def refused() -> contract.EvaluationReport:
    """The evaluation of a run whose loss is over the limit."""
    return evaluation("refused")


@pytest.fixture
def training_seals(tmp_path: Path) -> list[Path]:
    """Seals of two checkpoints, the newer one first."""
    paths = []
    for step, loss in ((200, 0.5), (100, 0.9)):
        entry = contract.FileEntry(path="adapter_model.safetensors", bytes=1024**2, sha256="0" * 64)
        seal = contract.Seal(
            step=step, loss=loss, probe_loss=loss - 0.1, seconds_used=step, identity=IDENTITY, files=[entry]
        )
        paths.append(tmp_path / f"checkpoint-{step}" / contract.SEAL)
        contract.save(paths[-1], seal)
    return paths
