"""A run that was interrupted sees, batch by batch, what an unbroken one sees, and ends with the very same weights."""

import hashlib
import json
import os
import signal
from collections import defaultdict

import pyarrow as pa
import pytest
from safetensors.torch import load_file

from steps.contract import TrainingReport, load
from steps.shards import TokenSplit
from steps.train.__main__ import main
from steps.train.order import RunOrder
from steps.train.trainer import MicroBatchTrainer

PER_STEP = 4  # micro-batches; an epoch has 6, so steps run over its end
STEPS = 14


@pytest.fixture
def run(training_job, monkeypatch):
    """Runs a job to its end, with SIGTERM at some (step, micro-batch of the step); gives what every step read."""

    def make(name, at_once, interruptions=()):
        job = training_job(name, MaxTrainingHours="100")  # a restart is charged what may have been lost before it
        plan = job.channel("tokens") / "plan.json"
        changes = {"micro_batches_per_step": PER_STEP, "steps": STEPS}
        plan.write_text(json.dumps(json.loads(plan.read_text()) | changes))
        due = set(interruptions)
        attempts = []
        original = MicroBatchTrainer.training_step

        def look(self, model, inputs, *arguments, **named):
            step = self.state.global_step
            read = attempts[-1][step]
            if (step, len(read)) in due:
                due.remove((step, len(read)))
                os.kill(os.getpid(), signal.SIGTERM)
            read.append(digest(inputs))
            return original(self, model, inputs, *arguments, **named)

        with monkeypatch.context() as patch:
            patch.setattr("steps.train.trainer.rows_per_batch", lambda *_: at_once)
            patch.setattr(MicroBatchTrainer, "training_step", look)
            for _ in range(len(interruptions) + 1):
                attempts.append(defaultdict(list))
                main()
        assert not due, "every interruption came"
        report = load(job.model / "training.json", TrainingReport)
        assert (report.steps, report.stop_reason) == (STEPS, "finished")
        return attempts, report, load_file(job.model / "adapter" / "adapter_model.safetensors")

    return make


def digest(inputs):
    """What a model is given, to the last position."""
    sums = hashlib.sha256()
    for name in sorted(inputs):
        sums.update(name.encode() + inputs[name].numpy().tobytes())
    return sums.hexdigest()


@pytest.mark.parametrize(
    ("at_once", "interruptions"),
    [
        (1, [(2, 0), (4, 1), (7, 3), (12, 2)]),  # between steps and inside them, and inside one that ends an epoch
        (2, [(1, 1), (2, 0), (3, 0)]),
        (4, [(3, 0), (4, 0), (11, 0)]),
    ],
    ids=["accumulating 4", "accumulating 2", "at once"],
)
def test_an_interrupted_run_reads_and_ends_as_an_unbroken_one(run, at_once, interruptions):
    (whole,), report, weights = run("whole", at_once)
    assert {len(read) for read in whole.values()} == {PER_STEP // at_once}
    attempts, its_report, its_weights = run("interrupted", at_once, interruptions)

    assert len(attempts) == len(interruptions) + 1
    seen = {}
    for attempt in attempts:
        for step, read in attempt.items():
            assert read == whole[step][: len(read)], f"step {step} reads the same, even when it is cut short"
            seen[step] = read
    assert seen == whole
    assert [(point.step, point.loss) for point in its_report.curve] == [
        (point.step, point.loss) for point in report.curve
    ]
    assert weights.keys() == its_weights.keys()
    assert all(its_weights[name].equal(tensor) for name, tensor in weights.items()), "bit for bit"


def test_a_step_reads_the_micro_batches_that_follow_from_its_number(run, training_job):
    (whole,), _, _ = run("whole", 1)
    order = RunOrder(6, STEPS * PER_STEP, 3)
    first = {}
    for step in range(STEPS):
        for number, read in zip(order.slice(step * PER_STEP, (step + 1) * PER_STEP), whole[step], strict=True):
            assert first.setdefault(number, read) == read
    assert len(set(first.values())) == 6


def test_shards_are_mapped_and_not_read_into_memory(training_job, tokens):
    from steps.prompt import Prompter, load_tokenizer

    job = training_job()
    prompter = Prompter.of(load_tokenizer(job.channel("model") / "tokenizer"), ("en", "ig"))
    before = pa.total_allocated_bytes()
    split = TokenSplit(tokens / "train", prompter)
    columns = [split._pairs.data.column("first"), split._batches.data.column("rows")]
    assert all(column.nbytes for column in columns)
    assert pa.total_allocated_bytes() == before, "the arrays lie in the files' own pages"
    assert split._pairs.cache_files, "datasets calls a dataset in memory one without files"
