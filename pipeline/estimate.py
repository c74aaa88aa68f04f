"""What a run needs and costs before anything is started: the formulas that Preflight and TokenizeExamples decide by.

Only numbers go in: no corpus, no account. CanaryTrain replaces the answer by what it measures.
"""

from __future__ import annotations

from dataclasses import dataclass

from steps.budget import Limits, estimate, over_limits, slots_of_run, uneven_shares
from steps.contract import Estimate, MemoryEstimate, ModelShape, SavePlan
from steps.instances import TRAINING_INSTANCES
from steps.levers import Levers
from steps.memory import layer_terms, memory_estimate, micro_batch, too_big, trainable_parameters
from steps.parameters import Value
from steps.saving import save_plan
from steps.spot import SpotEstimate, spot_estimate

PACKS = (256, 512, 768, 1024, 1280, 1536, 2048)
MISTRAL_7B = ModelShape(
    layers=32, hidden=4096, intermediate=14336, heads=32, kv_heads=8, head=128, vocabulary=32000, tied=False
)
KNOWN_SHAPES = {"mistral-7b": MISTRAL_7B}


@dataclass(frozen=True)
class Question:
    """A run as a person describes it. `values` are run-time parameters by name, defaults filled in."""

    examples: int
    tokens_per_example: float
    shape: ModelShape
    values: dict[str, Value]
    levers: Levers
    hosts: int
    platform_hours: float
    margin_hours: float
    interruptions_per_day: float

    @property
    def instance_type(self) -> str:
        """The machine."""
        return str(self.values["TrainingInstanceType"])

    @property
    def limits(self) -> Limits:
        """What the run may take."""
        return Limits(
            training_hours=float(self.values["MaxTrainingHours"]),
            usd=float(self.values["MaxCostUsd"]),
            platform_hours=self.platform_hours,
            margin_hours=self.margin_hours,
        )

    def number(self, name: str) -> int:
        """A parameter that is a whole number."""
        return int(self.values[name])


@dataclass(frozen=True)
class Pack:
    """GiB needed at one PackLength, with activations kept and with them recomputed."""

    length: int
    kept: MemoryEstimate
    recomputed: MemoryEstimate


@dataclass(frozen=True)
class Answer:
    """What the formulas say, and why the run would be refused; no problem means that it fits."""

    memory: MemoryEstimate
    trainable: int
    layer_terms: dict[str, float]
    packs: list[Pack]
    steps: int
    time: Estimate
    saving: SavePlan
    spot: SpotEstimate | None
    problems: list[str]


def answer(question: Question) -> Answer:
    """Memory, time, cost, checkpoints and spot of a run."""
    memory, width = _memory(question, question.levers, question.number("PackLength"))
    rank, targets = question.number("LoraRank"), str(question.values["LoraTargets"])
    trainable = trainable_parameters(question.shape, rank, targets)
    per_step = question.number("TokensPerStep")
    slots = slots_of_run(
        question.examples,
        question.tokens_per_example,
        question.levers,
        max_length=question.number("MaxLength"),
        epochs=float(question.values["Epochs"]),
        max_slots=question.number("MaxSteps") * per_step,
    )
    attended = round(question.tokens_per_example) if question.levers.attention == "varlen" else width
    time = estimate(
        slots,
        question.shape,
        question.instance_type,
        recompute=memory.gradient_checkpointing,
        hosts=question.hosts,
        width=attended,
    )
    steps = max(1, -(-slots // per_step))
    saving = save_plan(time.hours_high, steps, trainable)
    micro_batches = per_step // question.number("PackLength")
    return Answer(
        memory=memory,
        trainable=trainable,
        layer_terms=layer_terms(question.shape, question.levers, rank=rank, targets=targets, width=width),
        packs=[_pack(question, length) for length in PACKS],
        steps=steps,
        time=time,
        saving=saving,
        spot=spot_estimate(time, saving, question.instance_type, interruptions_per_day=question.interruptions_per_day),
        problems=[
            *filter(None, [too_big(memory, question.instance_type)]),
            *filter(None, [uneven_shares(micro_batches, question.instance_type, question.hosts)]),
            *over_limits(time, question.limits),
        ],
    )


def _memory(question: Question, levers: Levers, pack_length: int) -> tuple[MemoryEstimate, int]:
    """The estimate of the largest micro-batch, and the width of its rows."""
    slots, width = micro_batch(levers, pack_length, min(pack_length, question.number("MaxLength")))
    found = memory_estimate(
        question.shape,
        TRAINING_INSTANCES[question.instance_type],
        levers,
        rank=question.number("LoraRank"),
        targets=str(question.values["LoraTargets"]),
        slots=slots,
        width=width,
    )
    return found, width


def _pack(question: Question, length: int) -> Pack:
    kept, recomputed = (
        _memory(question, question.levers.model_copy(update={"gradient_checkpointing": wanted}), length)[0]
        for wanted in ("off", "on")
    )
    return Pack(length, kept, recomputed)
