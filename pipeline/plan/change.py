"""One difference between two definitions, in words, and what it means for whoever runs the pipeline."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.definition import OWN_SUM
from pipeline.lint.walk import function_of
from pipeline.plan.leaves import ABSENT, Difference, Named, Order, Path, differences, place, step_of
from pipeline.review.wording import duration
from pipeline.words import in_words
from steps.parameters import BY_NAME

DIGEST = re.compile(r"(?P<name>[^@]*?)(?::(?P<tag>[^:@/]+))?@sha256:(?P<digest>[0-9a-f]{64})")
SHORT = 12  # digits of a digest that a person compares
LONG, LEAD = 200, 20  # characters that a person reads of a text, and of what stands before the difference
SPENDING = ("MaxCostUsd", "MaxTrainingHours")


@dataclass(frozen=True)
class Change:
    """One place that differs. `step` is empty for what belongs to no step; `text` says what, `meaning` what follows.

    `path`, `before` and `after` are those of `leaves.Difference`: all changes of a plan, applied to the one definition, give
    the other.
    """

    step: str
    where: str
    text: str
    meaning: str
    path: Path
    before: Any
    after: Any


def describe(difference: Difference) -> Change:
    """A difference as a change."""
    step, inner = step_of(difference.path)
    text, meaning = _said(step, inner, difference)
    where = place(difference.path)
    return Change(step, where, text, meaning, difference.path, difference.before, difference.after)


def _said(step: str, inner: Path, found: Difference) -> tuple[str, str]:
    if isinstance(found.path[-1], Order):
        return f"the order of {place(found.path[:-1])} is another", "the console shows them in this order"
    if step:
        return _in_step(inner, found)
    if found.path[0] == "Parameters" and len(found.path) > 1:
        return _parameter(found)
    if found.path[0] == "Role":
        return _plain("role of the executions", found), "executions may do what this role may"
    if found.path[0] == "Tags" and len(found.path) == 2:
        return _plain(f"tag {found.path[1]}", found), ""
    return _plain(place(found.path), found), ""


def _parameter(found: Difference) -> tuple[str, str]:
    name = str(found.path[1])
    if len(found.path) == 2:
        return _whole_parameter(name, found)
    member = found.path[2]
    if member == "DefaultValue" and found.after is ABSENT:
        return f"{name} has no default any more (was {_from(shown(found.before), 0)})", "a start must give it now"
    if member == "DefaultValue":
        return _plain(f"default of {name}", found), _default_means(name, found)
    if member == "EnumValues":
        return _plain(f"choices of {name}", found), "the service refuses any other"
    return _plain(f"{name}: {place(found.path[2:])}", found), ""


def _whole_parameter(name: str, found: Difference) -> tuple[str, str]:
    if found.after is ABSENT:
        return f"parameter {name} is gone", "a start that gives it is refused"
    default = found.after.get("DefaultValue")
    if default is None:
        return f"new parameter {name}, without a default", "a start that does not give it is refused"
    return f"new parameter {name}, default {_from(shown(default), 0)}", _help(name)


def _help(name: str) -> str:
    return BY_NAME[name].help if name in BY_NAME else ""


def _default_means(name: str, found: Difference) -> str:
    numbers = [value for value in (found.before, found.after) if isinstance(value, int | float)]
    if name in SPENDING and len(numbers) == 2:
        return "more may be spent unasked" if numbers[1] > numbers[0] else "a longer or dearer plan is refused sooner"
    return _help(name)


def _in_step(inner: Path, found: Difference) -> tuple[str, str]:
    if not inner:
        return _whole_step(found)
    if _ends(inner, "ImageUri", "TrainingImage", "Image") and isinstance(found.before, str | dict):
        return _image(found)
    for special in (_own_sum, _condition):
        if said := special(inner, found):
            return said
    meaning = next((meaning for members, meaning in MEANINGS if _has(inner, members)), "")
    return _plain(_name(inner), found, _hours if _ends(inner, *LIMITS) else None), meaning


def _own_sum(inner: Path, found: Difference) -> tuple[str, str] | None:
    if inner[1:] != ("Environment", OWN_SUM):
        return None
    return f"its own sum: {found.before!s:.{SHORT}} → {found.after!s:.{SHORT}}", "with every change of the definition"


def _condition(inner: Path, found: Difference) -> tuple[str, str] | None:
    if len(inner) != 3 or inner[1] != "Conditions":
        return None
    return (
        f"condition {'gone' if found.after is ABSENT else 'new'}: {inner[2]}",
        "decides whether a model is registered",
    )


def _whole_step(found: Difference) -> tuple[str, str]:
    row = found.after if found.before is ABSENT else found.before
    kind = str(row.get("Type", "")) if isinstance(row, Mapping) else ""
    machine = _machine(row)
    what = f"{kind}{f' on {machine}' if machine else ''}"
    return (f"new step, {what}", "") if found.before is ABSENT else (f"step removed, {what}", "it runs no longer")


def _machine(row: Any) -> str:
    arguments = row.get("Arguments") or {} if isinstance(row, Mapping) else {}
    cluster = arguments.get("ResourceConfig") or (arguments.get("ProcessingResources") or {}).get("ClusterConfig") or {}
    value = cluster.get("InstanceType")
    return f"{{{in_words(value)}}}" if function_of(value) else str(value or "")


def _image(found: Difference) -> tuple[str, str]:
    ours, theirs = DIGEST.fullmatch(str(found.before)), DIGEST.fullmatch(str(found.after))
    if not ours or not theirs or ours["name"] != theirs["name"]:
        return f"image: {_sides(found)}", "another image: another program may run in this step"
    name = ours["name"].rsplit("/", 1)[-1]
    if ours["digest"] == theirs["digest"]:
        return (
            f"image {name}: tag {ours['tag'] or 'nothing'} → {theirs['tag'] or 'nothing'}",
            "the same digest: the same program runs",
        )
    return (
        f"image {name}: {_short(ours)} → {_short(theirs)}",
        "it was built again: the code or the libraries of this step are others",
    )


def _hours(value: Any) -> str:
    return duration(value) if isinstance(value, int | float) else shown(value)


def _short(match: re.Match[str]) -> str:
    return f"{match['tag'] + ' ' if match['tag'] else ''}sha256:{match['digest'][:SHORT]}"


LIMITS = ("MaxRuntimeInSeconds", "MaxWaitTimeInSeconds")
MEANINGS: tuple[tuple[tuple[str, ...], str], ...] = (  # members of a step, the first that the path goes through counts
    (("CacheConfig",), "decides whether an earlier result is taken instead of running"),
    (("RetryPolicies",), "how failures of the service are met"),
    (("DependsOn",), "it starts after other steps than before"),
    (("Description", "DisplayName"), "text only"),
    (("PropertyFiles",), "what the condition and the registry read"),
    (("Conditions",), "decides whether a model is registered"),
    (("HyperParameters",), "training is told something else"),
    (("Environment",), "the program is told something else"),
    (("CheckpointConfig",), "checkpoints lie elsewhere: earlier ones are not found by themselves"),
    (("InstanceType", "InstanceCount"), "another machine: time, price and quota change"),
    (("VolumeSizeInGB",), "space for data on the machine"),
    (("EnableManagedSpotTraining", "MaxWaitTimeInSeconds"), "spot: cheaper, and it may be interrupted"),
    (("MaxRuntimeInSeconds",), "the platform ends the job then"),
    (("RoleArn",), "the job may do what this role may"),
    (("EnableNetworkIsolation", "NetworkConfig", "VpcConfig"), "what the job can reach"),
    (("KmsKeyId", "VolumeKmsKeyId"), "encrypted with this key"),
    (("MetricDefinitions",), "which curves the console draws"),
    (("ModelApprovalStatus",), "who decides on a model"),
    (("ModelPackageGroupName",), "models are registered elsewhere"),
    (("ProcessingInputs", "InputDataConfig"), "it reads something else"),
    (("ProcessingOutputConfig", "OutputDataConfig"), "its results lie elsewhere"),
    (("Tags",), "costs are filed under it"),
    (("ErrorMessage",), "what a refusal says"),
    (("CustomerMetadataProperties", "ModelMetrics", "ModelCard"), "what an approver sees"),
)


def _has(inner: Path, members: tuple[str, ...]) -> bool:
    return any(part in members for part in inner)


def _ends(inner: Path, *members: str) -> bool:
    return inner[-1] in members


def _name(inner: Path) -> str:
    """A place within a step, without the members that say nothing to a person."""
    parts = inner[1:] if len(inner) > 1 and inner[0] == "Arguments" else inner
    for group in ("HyperParameters", "Environment"):
        if len(parts) == 2 and parts[0] == group:
            return f"{'hyperparameter' if group == 'HyperParameters' else 'setting'} {parts[1]}"
    return place(parts)


def _plain(name: str, found: Difference, in_unit: Callable[[Any], str] | None = None) -> str:
    if found.before is ABSENT:
        return f"{name}: new, {_from((in_unit or shown)(found.after), 0)}"
    if found.after is ABSENT:
        return f"{name}: gone (was {_from((in_unit or shown)(found.before), 0)})"
    if in_unit:
        return f"{name}: {in_unit(found.before)} → {in_unit(found.after)}"
    return f"{name}: {_sides(found)}"


def _sides(found: Difference) -> str:
    """Both sides, or for two JSON texts only what differs within them."""
    ours, theirs = _inside(found.before), _inside(found.after)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        inner = [
            f"{place(one.path)} {' → '.join(_apart(_or_default(one.before), _or_default(one.after)))}"
            for one in differences(ours, theirs)
        ]
        if inner:
            return ", ".join(inner)
    return " → ".join(_apart(shown(found.before), shown(found.after)))


def _apart(one: str, other: str) -> tuple[str, str]:
    """Two texts, of long ones the part from where they differ."""
    if max(len(one), len(other)) <= LONG:
        return one, other
    same = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    start = max(0, (min(len(one), len(other)) if same is None else same) - LEAD)
    return _from(one, start), _from(other, start)


def _from(text: str, start: int) -> str:
    if not start and len(text) <= LONG:
        return text
    end = start + LONG
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''} ({len(text):,} characters)"


def _inside(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) and value.startswith("{") else None
    except ValueError:
        return None


def _or_default(value: Any) -> str:
    return "(default)" if value is ABSENT else shown(value)


def shown(value: Any) -> str:
    """A JSON value as a person reads it: calls in words, lists with commas, the rest as JSON."""
    if value is ABSENT:
        return "nothing"
    if isinstance(value, Named):
        return ", ".join(value) or "nothing"
    words = in_words(value)
    if words != str(value):
        return words
    if isinstance(value, str):
        return value or '""'
    if isinstance(value, list):
        return ", ".join(map(shown, value)) or "nothing"
    return json.dumps(value, ensure_ascii=False)
