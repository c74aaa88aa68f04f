"""Reports of a run written by hand, as the steps would have left them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipeline.review.files import CANARY_RESUME, CANARY_TRAIN, RunFiles
from pipeline.review.package import PackageFacts
from steps import contract
from steps.prepare.options import RULES

HOSTILE = "<script>alert('x')</script><img src=https://evil.example/x.png onerror=alert(1)>"
FINGERPRINT = contract.TokenFingerprint(
    tokenizer_sha256="a" * 64,
    template="t",
    languages=["en", "ig"],
    names=["English", "Igbo"],
    max_length=256,
    pack_length=1024,
    batching="packed",
    prepared_sha256="b" * 64,
)
ESTIMATE = contract.Estimate(
    tokens=1_200_000,
    flops_per_token=4e6,
    usd_per_hour=1.408,
    tokens_per_second_low=2000,
    tokens_per_second_high=2900,
    hours_low=0.115,
    hours_expected=0.1,
    hours_high=0.167,
    usd_low=0.16,
    usd_expected=0.15,
    usd_high=0.24,
    assumptions="45 to 65 % of 70 TFLOPS.",
)
MEMORY = contract.MemoryEstimate(
    gradient_checkpointing=False,
    slots=1024,
    weights=13.49,
    adapters=0.1,
    activations=5.55,
    logits=0.6,
    overhead=0.8,
    need=20.54,
    available=21.31,
    longest=1150,
    fits=True,
    advice="",
)
IDENTITY = contract.RunIdentity(
    base_model="d" * 64,
    lora_rank=16,
    lora_targets="attention",
    rslora=False,
    lora_dropout=0.0,
    learning_rate=2e-4,
    micro_batches_per_step=4,
    seed=17,
    tokens=FINGERPRINT,
)


@dataclass
class Page(HTMLParser):
    """What a browser would make of a page: its elements, attributes and visible text."""

    source: str
    elements: Counter[str] = field(default_factory=Counter)
    attributes: list[tuple[str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All text, white space collapsed."""
        return " ".join(" ".join(self.texts).split())


def example(row: int, left: str, right: str, value: str | None = None) -> contract.Example:
    return contract.Example(row=row, id=f"phrasebook:{row + 1}", left=left, right=right, value=value)


def bell(edges: list[float], peak: int, rows: int) -> contract.Histogram:
    """A histogram with one hump, whose counts add up to about `rows`."""
    shares = [max(0.0, 1 - abs(place - peak) / (peak + 4)) ** 2 for place in range(len(edges))]
    return contract.Histogram(edges=edges, counts=[round(rows * share / sum(shares)) for share in shares])


def data_report() -> contract.DataReport:
    """A corpus as the preparation reports it: most rules hit, hostile examples, three things to look at."""
    dropped = dict.fromkeys(RULES, 0) | {
        "empty": 14, "undecodable": 2, "ratio": 120, "identical": 31, "letters": 7, "language": 204,
        "benchmark": 3, "duplicate": 1010, "template-cap": 61, "near-duplicate": 52, "held-out-copy": 3,
    }  # fmt: skip
    rows_in, rows_out = 5507, 4000
    examples = [
        example(6, "Good morning.", "Ụtụtụ ọma.", "phrasebook:3"),
        example(8, HOSTILE, "ọ̀ " * 150, HOSTILE),
        example(11, "", "Kedu ka ị mere taa?"),
    ]
    lengths = [float(edge) for edge in range(0, 200, 10)] + [200.0, 300.0, 500.0]
    return contract.DataReport(
        corpus="phrasebook and mined news",
        corpus_fingerprint="c" * 64,
        languages=["en", "ig"],
        sources=[
            contract.CorpusSource(
                name="phrasebook", licence="Apache-2.0", format="tsv", paths=["data/p.tsv"], lines=4582
            ),
            contract.CorpusSource(
                name="mined-news", licence="not stated", format="moses", paths=["data/n.en", "data/n.ig"], lines=925
            ),
        ],
        rows_in=rows_in,
        repaired={"mojibake": 3, "controls": 18, "white-space": 33, "nfc": 212},
        rules=[
            contract.RuleCount(
                rule=rule,
                reason=f"the reason of {rule}, with its limit",
                on=rule != "similarity",
                dropped=count,
                share=count / rows_in,
                first=examples[: min(count, 5)],
                drawn=examples[: min(count, 2)],
            )
            for rule, count in dropped.items()
        ],
        rows_out=rows_out,
        splits={"train": 3640, "validation": 180, "test": 180},
        components=3900,
        largest_components=[412, 98, 61, 12, 4, 3, 3, 2, 2, 2],
        duplicate_clusters={"2": 300, "3": 41, "4-9": 22, "10-99": 5, "100+": 1},
        leaks=contract.Leaks(equal=0, near=0),
        lengths={"en": bell(lengths, 6, rows_out), "ig": bell(lengths, 7, rows_out)},
        ratio=bell([round(0.1 * place, 1) for place in range(26)], 11, rows_out),
        identified={
            "en": {"en": 3702, "un": 88, "ig": 2},
            "ig": {"ig": 3511, "un": 190, "en": 141, "ha": 9, "yo": 8, "sw": 7, "fr": 6, "ewe": 5, "rw": 4, "la": 1},
        },
        benchmarks={"flores-200_devtest": 3, "ntrex": 0},
        signals={"end-punctuation": 391, "html": 2, "numbers-differ": 102, "url": 44},
        tokens=contract.TokenEstimate(
            sampled=2000, tokens_per_pair=131.37, tokens_per_word={"en": 1.393, "ig": 2.731}, tokens=478_187
        ),
        warnings=[
            "The licence of mined-news is not stated: find out whether you may train on it and share the model.",
            f"One group holds 412 of the 4,000 rows left (10.3 %). {HOSTILE}",
        ],
        options={"near": 0.8, "near_copies": True, "max_characters": 800, "jsonl": False},
        seed=17,
    )


def plan() -> contract.TrainingPlan:
    return contract.TrainingPlan(
        examples=7200,
        too_long=3,
        tokens=190_000,
        slots=195_876,
        fill=0.97,
        micro_batches=200,
        micro_batches_per_step=4,
        steps=300,
        epochs=6,
        estimate=ESTIMATE,
        memory=MEMORY,
        saving=contract.SavePlan(
            minutes=15, steps=1000, checkpoints=9, checkpoint_mib=78.1, total_gib=0.69, restore_minutes=0.1
        ),
    )


def preflight() -> contract.PreflightReport:
    return contract.PreflightReport(
        parameters={"Seed": 17},
        corpus="phrasebook",
        corpus_fingerprint="c" * 64,
        base_model="tiny",
        base_model_fingerprint="d" * 64,
        estimate=ESTIMATE,
        memory=MEMORY,
    )


def canary(mode: str, start: int, end: int) -> contract.CanaryReport:
    return contract.CanaryReport(
        mode=mode,
        start_step=start,
        end_step=end,
        seal_sha256="e" * 64,
        probe_losses=[3.2, 2.9, 2.4, 2.1],
        tokens_per_second=2410.0,
        slots_per_second=2485.0,
        examples_per_second=91.3,
        device="1 x NVIDIA A10G",
        achieved_tflops=40.2,
        peak_tflops=70,
        peak_allocated_gib=20.1,
        peak_reserved_gib=20.4,
        memory_limit_gib=21.3,
        step_seconds_p50=2.9,
        step_seconds_p95=3.1,
        loader_wait_share=0.004,
        evaluation_seconds=9.5,
        evaluation_share=0.021,
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
        validation_share=1.0,
        validation_curve=[(step, 3.0 * 0.99**step + 0.5) for step in range(30, 301, 30)],
        pace_curve=[
            contract.PacePoint(step=step, tokens_per_second=2300.0 + step % 90, memory_gib=20.05) for step in points
        ],
        checkpoints=[100, 200, 300],
        fingerprint=FINGERPRINT,
    )


def evaluation(verdict: str = "passed") -> contract.EvaluationReport:
    def score(value: float) -> contract.Score:
        return contract.Score(
            value=value,
            low=value - 1.4,
            high=value + 1.6,
            signature="nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:2.6.0",
        )

    def direction(name: str, ours: float, base: float) -> contract.DirectionScores:
        return contract.DirectionScores(
            direction=name,
            sentences=200,
            chrf=score(ours),
            bleu=score(ours - 10),
            base_chrf=score(base),
            base_bleu=score(0.4),
            failures=failures(0.01),
            base_failures=failures(0.4),
        )

    def lost(scores: contract.DirectionScores, tokens: int, ours: float, base: float) -> contract.DirectionScores:
        losses = {"validation_tokens": tokens, "validation_loss": ours, "base_validation_loss": base}
        return scores.model_copy(update=losses)

    def failures(share: float) -> contract.Failures:
        return contract.Failures(
            empty=share / 2,
            copied=0,
            repetitive=share / 2,
            untranslated=share / 4,
            broken=share,
            length_ratio=0.97,
            dotted_recall=0.93,
            tone_recall=None,
        )

    def difference(name: str, ours: float, base: float) -> contract.Difference:
        return contract.Difference(
            direction=name,
            other="base",
            chrf=ours,
            other_chrf=base,
            difference=ours - base,
            low=ours - base - 2.2,
            high=ours - base + 2.1,
            p=1.0,
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
        metrics={
            "validation_loss": {"value": loss},
            "validation_loss_base": {"value": 4.1},
            "validation_tokens": {"value": 7654},
        },
        directions=[
            lost(direction("en-ig", 61.2, 12.3), 4_321, loss + 0.02, 4.3),
            lost(direction("ig-en", 66.0, 14.1), 3_333, loss - 0.02, 3.8),
        ],
        differences=[difference("en-ig", 61.2, 12.3), difference("ig-en", 66.0, 14.1)],
        benchmarks=[
            contract.BenchmarkScores(
                name="flores-200_devtest",
                directions=[direction("en-ig", 41.2, 12.3), direction("ig-en", 44.9, 14.1)],
                differences=[difference("en-ig", 41.2, 12.3), difference("ig-en", 44.9, 14.1)],
            )
        ],
        champion="none",
        gate=contract.GateVerdict(
            verdict=verdict,
            message="Every rule of the gate passed, 4 of 4." if verdict == "passed" else f"{rules[0].sentence}.",
            rules=rules,
        ),
        cost=contract.TrainingCost(
            hours=0.142,
            usd_per_hour=0.42,
            usd=0.0597,
            purchase="spot",
            assumption="a spot price that was seen once",
        ),
        registry={"code": "0.1.0+0123456789ab"},
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
            step=step,
            loss=loss,
            probe_loss=loss - 0.1,
            seconds_used=step,
            job="job-1",
            job_seconds=step,
            identity=IDENTITY,
            files=[entry],
            own_sha256="",
        ).stamped()
        paths.append(tmp_path / f"checkpoint-{step}" / contract.SEAL)
        contract.save(paths[-1], seal)
    return paths


HOSTILE_MARKDOWN = (
    "# Heading\n\n- item | cell | `code` ``` [click](https://evil.example) ![x](https://evil.example/x.png)"
    " <https://evil.example> https://evil.example www.evil.example **bold** _it_ ~~gone~~ $x$ [^1] \\ &amp; <!-- gone"
)
PACKAGE = PackageFacts(
    name="asusu-igbo/3",
    status="waiting for approval",
    registered="2026-11-21 14:05 UTC",
    decided="",
    who="",
    reason="",
    champion="asusu-igbo/1",
    metadata={"adapter": "9" * 64, "corpus": "prepared sha256:abc"},
)


def save_undecided(folder: Path, why: str, verdict: str = "passed", message: str | None = None) -> None:
    """Save a report whose gate could not decide on the champion and says why."""
    report = evaluation(verdict)
    said = {"undecided": why} | ({"message": message} if message else {})
    gate = report.gate.model_copy(update=said)
    contract.save(folder / contract.EVALUATION_REPORT, report.model_copy(update={"gate": gate}))


def with_champion(report: contract.EvaluationReport) -> contract.EvaluationReport:
    """The same evaluation beside a champion, asusu-igbo/1, that is a little worse."""

    def less(score: contract.Score) -> contract.Score:
        return score.model_copy(update={"value": score.value - 5.5, "low": score.low - 5.5, "high": score.high - 5.5})

    def beside(rows: list[contract.DirectionScores]) -> list[contract.DirectionScores]:
        return [
            scores.model_copy(
                update={
                    "champion_chrf": less(scores.chrf),
                    "champion_bleu": less(scores.bleu),
                    "champion_failures": scores.failures.model_copy(update={"copied": 0.125}),
                }
            )
            for scores in rows
        ]

    def against(pairs: list[contract.Difference]) -> list[contract.Difference]:
        worse = {"other": "champion", "difference": 5.5, "low": 3.25, "high": 7.75, "p": 0.998}
        return [*pairs, *(pair.model_copy(update={**worse, "other_chrf": pair.chrf - 5.5}) for pair in pairs)]

    return report.model_copy(
        update={
            "directions": beside(report.directions),
            "differences": against(report.differences),
            "benchmarks": [
                row.model_copy(update={"directions": beside(row.directions), "differences": against(row.differences)})
                for row in report.benchmarks
            ],
            "champion": "asusu-igbo/1",
            "metrics": report.metrics | {"validation_loss_champion": {"value": 0.61}},
        }
    )


def samples_with_champion() -> contract.SampleSet:
    """The samples with a champion's translations, further from ours the later the sample."""
    drawn = samples()
    rows = [
        row.model_copy(
            update={
                "champion_hypothesis": (HOSTILE, HOSTILE_MARKDOWN, f"champion {place}: Ụlọ ọ̀ma")[place % 3],
                "champion_chrf": row.chrf - (place + 1) * (-1) ** place,
            }
        )
        for place, row in enumerate(drawn.samples)
    ]
    return drawn.model_copy(update={"samples": rows})


@pytest.fixture
def dossier(files: RunFiles, gathered: Path, training_seals: list[Path]) -> RunFiles:
    """A registered version that was compared with a champion, nobody has decided yet."""
    contract.save(gathered / contract.EVALUATION_REPORT, with_champion(evaluation()))
    contract.save(gathered / contract.SAMPLES, samples_with_champion())
    commands = [(verb, f'asusu {verb} asusu-igbo/3 --reason "..."') for verb in ("approve", "reject")]
    return replace(files, package=PACKAGE, seals=training_seals, commands=commands)
