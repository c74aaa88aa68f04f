"""Machines: what each instance type holds and costs. The one place to update.

Sources: on-demand SageMaker prices, us-east-1, from public price tables.
Peak is dense bf16 with fp32 accumulation: an A10G has 70 TFLOPS (125 is the A10, often quoted by mistake). All single-GPU g5
sizes have the same 24 GB A10G: a bigger size buys host memory, not GPU memory.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

PRICES_AS_OF = "2026-07"


class Instance(BaseModel):
    """One instance type. Peak in TFLOPS (dense bf16), price in US dollars per hour on demand."""

    model_config = ConfigDict(frozen=True)

    gpu: str
    peak_tflops: float
    usd_per_hour: float


TRAINING_INSTANCES: dict[str, Instance] = {
    "ml.g5.xlarge": Instance(gpu="A10G", peak_tflops=70, usd_per_hour=1.408),
    "ml.g5.2xlarge": Instance(gpu="A10G", peak_tflops=70, usd_per_hour=1.515),
}
