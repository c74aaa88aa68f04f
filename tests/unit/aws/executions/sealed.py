"""Checkpoints in the account's bucket."""

from __future__ import annotations

from steps.contract import SEAL
from tests.unit.aws.executions.conftest import BUCKET, Plant
from tests.unit.sealing import FILES, seal_of


def store_checkpoint(
    plant: Plant, execution_id: str, step: int, *, sealed: bool = True, prefix: str = "checkpoints", loss: float = 1.25
) -> str:
    """Put one checkpoint where an execution's definition says; its key."""
    below = f"{prefix}/{execution_id}/checkpoint-{step}"
    for name, data in FILES.items():
        plant.account.s3.put_object(Bucket=BUCKET, Key=f"{below}/{name}", Body=data)
    if sealed:
        plant.account.s3.put_object(Bucket=BUCKET, Key=f"{below}/{SEAL}", Body=seal_of(step, loss).model_dump_json())
    return below
