"""Why executions fail: what the service and the steps say, in words of a person, and what to type next.

Platform causes come first, since a step's own words may quote numbers that sound like them; each pattern is as narrow
as the message it was taken from. Sources: API reference (SecondaryStatus of DescribeTrainingJob, exceptions of
CreateTrainingJob), developer guide, and messages quoted in public issues.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Commands:
    """What can be typed in the place where the run is. Named in the table below in braces.

    Of those that take other parameters `start` begins anew, `again` begins the failed step anew and keeps what was before
    it where that was long work, `other` goes on from the sealed checkpoint too where the failed step is the long training.
    """

    resume: str
    start: str
    again: str
    other: str
    params: str
    preflight: str
    publish: str
    upsert: str
    checkpoints: str
    watch: str
    infra: str
    images: str


@dataclass(frozen=True)
class Cause:
    """`pattern` is looked for in what was said; its groups and the commands may stand in `words` and `next`."""

    kind: str
    pattern: re.Pattern[str]
    words: str
    next: tuple[str, ...]
    steps: str = ""  # begins the names of the steps that it is for; empty for all

    def found_in(self, text: str, step: str, commands: Commands) -> Found | None:
        """This cause, filled in, where the text of that step has it."""
        match = self.pattern.search(text) if step.startswith(self.steps) else None
        if match is None:
            return None
        known = {row.name: getattr(commands, row.name) for row in fields(commands)}
        filled = {name: value or "?" for name, value in match.groupdict().items()} | known | {"step": step}
        return Found(self.kind, self.words.format(**filled), tuple(line.format(**filled) for line in self.next))


@dataclass(frozen=True)
class Found:
    """A cause in words, and what to do next."""

    kind: str
    words: str
    next: tuple[str, ...]


def cause_of(texts: Iterable[str], step: str, commands: Commands) -> Found | None:
    """The first cause of the table that one of the texts shows; the table's order counts, not that of the texts."""
    return _first(CAUSES, texts, step, commands)


def refusal_of(texts: Iterable[str], step: str, commands: Commands) -> Found | None:
    """Where no cause was found: what it means that this step, by its name, failed with words of its own."""
    return _first(REFUSALS, texts, step, commands)


def _first(table: tuple[Cause, ...], texts: Iterable[str], step: str, commands: Commands) -> Found | None:
    texts = list(texts)
    for cause in table:
        for text in texts:
            found = cause.found_in(text, step, commands)
            if found:
                return found
    return None


def _cause(kind: str, pattern: str, words: str, *following: str, steps: str = "") -> Cause:
    return Cause(kind, re.compile(pattern, re.IGNORECASE | re.DOTALL), words, following, steps)


HOST_MEMORY = r"exit code:? 137|container was killed|signal 9 \(Killed\)|Cannot allocate memory|\bMemoryError\b"
GPU_MEMORY = r"CUDA out of memory|OutOfMemoryError|GPU's memory is too small|CUBLAS_STATUS_ALLOC_FAILED"

CAUSES = (
    _cause(
        "quota",
        r"(?:account-level service limit|service limit) '(?P<quota>[^']+)'(?: is (?P<limit>[\d,.]+))?",
        "the account's quota `{quota}` is {limit}, and this step needs more",
        "ask for more of it in Service Quotas (amazon sagemaker), then {preflight}",
        "{resume}",
    ),
    _cause(
        "quota",
        r"ResourceLimitExceeded",
        "a quota of the account is used up",
        "{preflight} says which",
        "{resume}",
    ),
    _cause(
        "capacity",
        r"CapacityError|InsufficientInstanceCapacity|insufficient capacity|unable to provision requested ML",
        "AWS has no free machine of this type in the region at the moment, also after the step's own retries",
        "{resume} (in an hour, or at night)",
        "or, of a training, another machine: {other} --param TrainingInstanceType=...",
    ),
    _cause(
        "waited too long",
        r"MaxWaitTimeExceeded",
        "the spot machine was waited for until spot.max_wait_hours was over",
        "{resume}",
        "or set spot.enabled to false in the environment, then {upsert}",
    ),
    _cause(
        "time limit",
        r"MaxRuntimeExceeded",
        "the platform ended the job at its time limit (MaxRuntime); what was sealed before is kept",
        "{checkpoints}",
        "{resume}",
    ),
    _cause(
        "spot interruption",
        r"spot.{0,40}interrupt|\bInterrupted\b",
        "the spot machine was taken back and no other one came",
        "{resume} goes on from the newest sealed checkpoint",
    ),
    _cause(
        "encryption key",
        r"KMS(?:\w*Exception|AccessDenied)|\bkms:(?P<action>\w+)|KMS key.{0,80}(?:disabled|denied|not)",
        "the encryption key cannot be used by this step's role",
        "{preflight} checks key and roles; {infra} repairs both",
        "{resume}",
    ),
    _cause(
        "image",
        r"Cannot(?:Pull|Start)Container|failed to pull|pull access denied|manifest unknown"
        r"|ecr:(?:BatchGetImage|GetDownloadUrlForLayer)|image.{0,200}(?:does not exist|not found)|exec format error",
        "the step's image cannot be pulled or started",
        "{images}, then {upsert}",
        "{other}",
    ),
    _cause(
        "denied",
        r"not authorized to perform:? ?(?:the )?(?P<action>[\w-]+:\w+)",
        "a role may not call {action}",
        "{infra} brings the roles up to date; {preflight} checks them",
        "{resume}",
    ),
    _cause(
        "denied",
        r"AccessDenied|UnauthorizedOperation|(?:could not|unable to|cannot) assume|is not authorized",
        "a role may not do what this step needs",
        "{infra} brings the roles up to date; {preflight} checks them",
        "{resume}",
    ),
    _cause(
        "missing input",
        r"No S3 objects found|NoSuchKey|NoSuchBucket|no object s3://",
        "an input is not where the parameters say",
        "put back where it was: {resume}",
        "or {publish} uploads it and prints the values to start with: {start}",
    ),
    _cause(
        "throttled",
        r"ThrottlingException|Rate exceeded|TooManyRequests",
        "AWS throttled the calls, also after the step's own retries",
        "{resume}",
    ),
    _cause(
        "GPU memory",
        GPU_MEMORY,
        "the GPU's memory is too small for this run",
        "a larger machine goes on from what is sealed: {other} --param TrainingInstanceType=...",
        "a lower --param PackLength=... begins anew: {start}",
        steps="TrainLora",
    ),
    _cause(
        "GPU memory",
        GPU_MEMORY,
        "the GPU's memory is too small for this run",
        "start with a lower --param PackLength=..., or a larger TrainingInstanceType: {start}",
    ),
    _cause(
        "host memory",
        HOST_MEMORY,
        "the process was killed from outside: most often the machine had no memory left",
        "{resume} goes on from the newest sealed checkpoint",
        "killed again, it needs a larger machine: {other} --param TrainingInstanceType=...",
        steps="TrainLora",
    ),
    _cause(
        "host memory",
        HOST_MEMORY,
        "the process was killed from outside: most often the machine had no memory left",
        "{resume}",
        "killed again, it needs a larger machine (TrainingInstanceType of a canary, else the environment's file): {again}",
    ),
    _cause(
        "disk full",
        r"No space left on device|the disk is full",
        "the disk was full; what was finished and sealed before is kept",
        "make room or take a larger volume, then {resume}",
    ),
    _cause(
        "diverged",
        r"training has diverged|is not a number|loss nan|canary is not learning",
        "training went wrong: the loss is not a number, or does not fall",
        "a lower one trains anew, since a checkpoint keeps its own: {again} --param LearningRate=...",
    ),
    _cause(
        "GPU fault",
        r"NCCL (?:error|timeout)|uncorrectable ECC|CUDA error|device-side assert|Xid \d+",
        "the GPU or the link between GPUs failed; most often another machine does not",
        "{resume} goes on from the newest sealed checkpoint",
    ),
    _cause(
        "service fault",
        r"InternalServer(?:Error|Exception)|internal (?:service )?error|InternalFailure|We encountered an internal",
        "the service itself failed, also after the step's own retries",
        "{resume}",
    ),
    _cause(
        "runner ended",
        r"the runner was killed",
        "the program that ran the pipeline was killed",
        "{resume}",
    ),
)

REFUSALS = (
    _cause(
        "refused by Preflight",
        r"\S",
        "Preflight refused what the run was started with; nothing was spent",
        "{params} lists what is allowed",
        "{start}",
        steps="Preflight",
    ),
    _cause(
        "refused by a canary",
        r"\S",
        "{step} refused the run before its long training",
        "correct what it names, then {start}",
        steps="Canary",
    ),
)
