"""Deploy-time settings: what differs between accounts and stages, read from `environments/<name>.yaml`.

Only images, roles, bucket, key and tags differ in a compiled definition; the graph is the same everywhere, unless one
asks for several hosts to prepare the corpus. Spot and the number of machines that train change fields of the training
steps.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from pipeline.errors import BadInput
from pipeline.images import SUFFIX, pinned, read_lock
from steps.levers import Levers
from steps.parameters import check_all
from steps.prepare.options import PrepareOptions

NUMBER = re.compile(r"[0-9]{12}")
MAX_ENVIRONMENT_VALUE = 256  # ProcessingEnvironmentValue, API reference of CreateProcessingJob

Bucket = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
RoleArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$")]


class _Yaml(yaml.SafeLoader):
    """YAML where only true and false are truth values, as in YAML 1.2: the option `off` is not the word False."""


_Yaml.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Yaml.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def read_yaml(text: str) -> Any:
    """The value of a YAML or JSON text. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Yaml)  # noqa: S506  it is a safe loader


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Images(_Strict):
    """One image per step program; the last path component before tag or digest is `asusu-<step>`.

    A repository alone gets its digest from the lock beside the environment's file (`pipeline.images`), where there is one.
    """

    preflight: str
    prepare: str
    tokenize: str
    train: str
    evaluate: str


class Roles(_Strict):
    """IAM roles: `pipeline` is the executions' own, which `upsert` names and no definition holds; the jobs run as the others."""

    pipeline: RoleArn
    prepare: RoleArn
    train: RoleArn
    evaluate: RoleArn


class Spot(_Strict):
    """Managed spot training of TrainLora: spare machines at a discount, taken back at two minutes' notice.

    The canaries stay on demand. They take minutes, so spot would save cents and add a wait for capacity, and what they
    prove is what an interrupted spot job relies on: a new machine with the same checkpoint address finds the checkpoint
    of the one before and goes on from it. An account needs the quotas of both kinds.
    """

    enabled: bool = False
    max_wait_hours: int = Field(
        default=168, ge=1, le=720, description="Running and waiting for capacity together; at least max_runtime_hours"
    )
    interruptions_per_day: float = Field(
        default=1.0, ge=0, le=48, description="Assumed by the estimate alone; nobody publishes it"
    )


class Settings(_Strict):
    """One environment."""

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    bucket: Bucket
    kms_key: str = Field(min_length=1, description="Key id, alias or ARN; encrypts every output")
    images: Images
    roles: Roles
    tags: dict[str, str] = Field(default_factory=dict)
    max_runtime_hours: int = Field(
        default=120,
        ge=1,
        le=672,
        description="The platform's limit for TrainLora; 120 hours is the service's default quota",
    )
    stop_margin_minutes: int = Field(
        default=30,
        ge=30,
        le=1440,
        description="Training stops itself this long before the platform's limit, whose clock starts before the program",
    )
    training_hosts: int = Field(
        default=1,
        ge=1,
        le=8,
        description="Machines that train together, the canaries' too; each has its own copy of the data",
    )
    spot: Spot = Field(default=Spot(), description="Spot machines for TrainLora")
    prepare_hosts: int = Field(
        default=1,
        ge=1,
        le=20,
        description="Machines that prepare the corpus; over 1 the graph gets a cutting step. One serves ten million pairs",
    )
    prepare_options: PrepareOptions = Field(
        default=PrepareOptions(), description="Switches and limits of PrepareCorpus that are not the default"
    )

    @field_validator("prepare_options")
    @classmethod
    def _fits_a_job(cls, options: PrepareOptions) -> PrepareOptions:
        size = len(options.model_dump_json(exclude_defaults=True))
        if size > MAX_ENVIRONMENT_VALUE:
            raise ValueError(
                f"takes {size} characters as JSON, and a processing job's variable holds {MAX_ENVIRONMENT_VALUE}: put"
                " described languages into steps/languages.py, or prepare the corpus before with `asusu prepare --config`"
            )
        if options.scorer:
            raise ValueError("a scorer cannot be mounted into PrepareCorpus; use it with `asusu prepare`")
        return options

    levers: Levers = Field(default=Levers(), description="What makes training faster or smaller, where not the default")
    start_parameters: dict[str, str] = Field(
        default_factory=dict, description="Run-time values that `start` and `run` give unless told otherwise"
    )

    # Validators of fields, not of the model: that one is not asked where any field is wrong, and all errors are said at once.

    @field_validator("start_parameters")
    @classmethod
    def _may_be_given(cls, given: dict[str, str]) -> dict[str, str]:
        if problems := check_all(given):
            raise ValueError("; ".join(problems))
        return given

    @field_validator("stop_margin_minutes")
    @classmethod
    def _leaves_time(cls, margin: int, info: ValidationInfo) -> int:
        hours = info.data.get("max_runtime_hours")  # absent where it is wrong itself
        if hours is not None and margin >= 60 * hours:
            raise ValueError(f"stop_margin_minutes {margin} leaves nothing of max_runtime_hours {hours}")
        return margin

    @field_validator("spot")
    @classmethod
    def _waits_as_long_as_it_runs(cls, spot: Spot, info: ValidationInfo) -> Spot:
        hours = info.data.get("max_runtime_hours")
        if spot.enabled and hours is not None and spot.max_wait_hours < hours:
            raise ValueError(
                f"spot.max_wait_hours {spot.max_wait_hours} is under max_runtime_hours {hours}: waiting"
                " includes running, and the service refuses the job; raise it, or lower max_runtime_hours"
            )
        return spot


def environment_names() -> list[str]:
    """Environments shipped with the package."""
    folder = files("pipeline") / "environments"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load(name: str, substitutions: dict[str, str] | None = None) -> Settings:
    """Settings of a shipped environment, or of a YAML file given by its path.

    `{account}`-like words in the file are replaced from `substitutions`. Raises BadInput with all errors at once.
    """
    number = (substitutions or {}).get("account")
    if number is not None and not NUMBER.fullmatch(number):
        raise BadInput(f"{number!r} is no account number, which has twelve digits", hint="give --account 123456789012")
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.is_file():
            raise BadInput(f"there is no settings file {name}")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"settings file {name} cannot be read: {error}", hint="save it as UTF-8 text") from error
    elif name in environment_names():
        text = (files("pipeline") / "environments" / f"{name}.yaml").read_text(encoding="utf-8")
    else:
        raise BadInput(f"unknown environment {name!r}", hint=f"use one of {', '.join(environment_names())}")
    for word, value in (substitutions or {}).items():
        text = text.replace("{" + word + "}", value)
    try:
        return _with_digests(Settings.model_validate(read_yaml(text)), lock_place(name))
    except yaml.YAMLError as error:
        raise BadInput(f"environment {name} is not YAML: {error}") from error
    except ValidationError as error:
        problems = "\n".join(
            f"  {'.'.join(map(str, e['loc']))}: {e['msg']}"
            + (f" (is {e['input']!r})" if e["type"] != "missing" else "")
            if e["loc"]
            else f"  {e['msg']}"
            for e in error.errors()
        )
        hint = "give --account 123456789012" if "{account}" in text else "correct the file and try again"
        raise BadInput(f"environment {name} has {error.error_count()} problem(s):\n{problems}", hint=hint) from error


def _given(value: Any) -> str:
    """What stands there, where it is a plain value; of a map the message itself says what is wrong."""
    return "" if isinstance(value, BaseModel | dict | list) else f" (is {value!r})"


def lock_place(name: str) -> Path:
    """Where the image digests of an environment lie, whether or not anybody has written them."""
    if name.endswith((".yaml", ".yml")):
        return Path(name).with_suffix(SUFFIX)
    return Path(str(files("pipeline") / "environments" / f"{name}{SUFFIX}"))


def _with_digests(chosen: Settings, lock: Path) -> Settings:
    """The settings with the images that the lock names; as they are where nobody has pushed images."""
    if not lock.is_file():
        return chosen
    found = pinned(chosen.images.model_dump(), read_lock(lock.read_text(encoding="utf-8"), lock.name), lock.name)
    return chosen.model_copy(update={"images": Images.model_validate(found)})
