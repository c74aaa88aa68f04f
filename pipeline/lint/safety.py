"""Safety: training without a network, packages that wait for a person, and no secrets in plain sight.

A definition, its parameters and a job's environment can be read by everyone who may describe them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from pipeline.definition import Definition
from pipeline.lint.finding import Finding
from pipeline.lint.walk import dig, pairs, strings

SECRET_WORDS = {"secret", "secrets", "password", "passwd", "passphrase", "credential", "credentials"}
SECRET_PAIRS = {("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key")}
TEXT_TOKENS = {"pad", "eos", "bos", "unk", "mask", "cls", "sep", "special", "per"}  # a language model's own tokens
SECRET_VALUES = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"  # AWS access key ids
    r"|\bhf_[A-Za-z0-9]{20,}\b"  # Hugging Face
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bgithub_pat_[A-Za-z0-9_]{30,}\b"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|://[^/\s:@]+:[^/\s:@]+@"  # user and password in an address
)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
REMEDY = "keep it in AWS Secrets Manager and out of the definition; change the secret if this was ever committed"


def check_isolation(definition: Definition) -> Iterator[Finding]:
    """Every training job runs without a network."""
    for step in definition.steps:
        if step.type == "Training" and dig(step.arguments, "EnableNetworkIsolation") is not True:
            where = f"Steps.{step.name}.Arguments.EnableNetworkIsolation"
            problem = "is not true: the training code could reach the internet"
            yield Finding("network-isolation", where, problem, "set Networking(enable_network_isolation=True)")


def check_approval(definition: Definition) -> Iterator[Finding]:
    """A model is registered as pending; a person approves it."""
    for step in definition.steps:
        status = dig(step.arguments, "ModelApprovalStatus")
        if step.type == "RegisterModel" and status != "PendingManualApproval":
            where = f"Steps.{step.name}.Arguments.ModelApprovalStatus"
            problem = f"is {status!r}: the model would go out without a person's decision"
            yield Finding("approval-status", where, problem, "set approval_status='PendingManualApproval'")


def check_secrets(definition: Definition) -> Iterator[Finding]:
    """Names for secrets among parameters, environment and hyperparameters; values that look like one anywhere."""
    named = [(f"Parameters.{parameter.name}", parameter.name, None) for parameter in definition.parameters]
    for step in definition.steps:
        for area in ("Environment", "HyperParameters"):
            for key, value in pairs(step.arguments, area):
                named.append((f"Steps.{step.name}.Arguments.{area}.{key}", key, value))
    for where, name, value in named:
        if names_a_secret(name) and not _is_number(value):
            yield Finding("secret", where, f"{name!r} is a name for a secret, and this place is not secret", REMEDY)
    texts: list[tuple[str, str]] = []
    for parameter in definition.parameters:
        texts += strings(parameter.default, f"Parameters.{parameter.name}")
    for step in definition.steps:
        texts += strings(step.arguments, f"Steps.{step.name}.Arguments")
    for text, where in texts:
        if SECRET_VALUES.search(text):
            yield Finding("secret", where, "holds what looks like a key or password", REMEDY)


def names_a_secret(name: str) -> bool:
    """Whether a name's words say secret: HF_TOKEN and dbPassword do, TokensPerStep and pad_token do not."""
    words = [word.lower() for word in WORD.findall(name)]
    before_last = words[-2] if len(words) > 1 else ""
    is_token = bool(words) and words[-1] == "token" and before_last not in TEXT_TOKENS
    return is_token or bool(SECRET_WORDS & set(words)) or bool(SECRET_PAIRS & set(pairwise(words)))


def _is_number(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[-+0-9.eE]+|true|false|null|None", value) is not None
