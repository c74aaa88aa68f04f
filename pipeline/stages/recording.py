"""The SDK's session that a compile uses: it records what the steps ask for, and never asks an account.

Imports the SDK inside, after the region is set, so that the definition's readers need none.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def recording_session(region: str) -> Iterator[Any]:
    """A session whose calls become step arguments and are never sent, as long as the block lasts."""
    with _no_account(region), _configured() as configuration:
        from sagemaker.core.workflow.pipeline_context import PipelineSession

        yield PipelineSession(default_bucket="unused", sagemaker_config=configuration)


@contextmanager
def _no_account(region: str) -> Iterator[None]:
    """Keep the SDK from looking for credentials, the instance's metadata, IAM and telemetry while it only records.

    The region must be in the environment before the import: the SDK makes clients in a class body.
    """
    wanted = {
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "compile-only",
        "AWS_SECRET_ACCESS_KEY": "compile-only",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAGEMAKER_VALIDATE_ROLE": "false",
    }
    dropped = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")
    before = {name: os.environ.get(name) for name in (*wanted, *dropped)}
    for name in dropped:
        os.environ.pop(name, None)
    os.environ.update(wanted)
    level, root = logging.root.manager.disable, (logging.root.level, list(logging.root.handlers))
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "no job being started": that is the point
            yield
    finally:
        logging.disable(level)
        logging.root.setLevel(root[0])
        logging.root.handlers[:] = root[1]  # the SDK has everybody's INFO written to stderr
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _configured() -> Iterator[dict[str, Any]]:
    """The SDK's configuration, without telemetry, held against its schema once: the SDK does so at every value it looks up.

    That is nine tenths of the time of a compile (measured with 3.27).
    """
    from sagemaker.core.config.config_manager import SageMakerConfig

    configuration = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
    validate = SageMakerConfig.validate_sagemaker_config
    validate(configuration)
    SageMakerConfig.validate_sagemaker_config = staticmethod(lambda *_: None)
    try:
        yield configuration
    finally:
        SageMakerConfig.validate_sagemaker_config = staticmethod(validate)
