"""Machines: what each instance type holds and costs. The one place to update.

Sources: on-demand SageMaker prices, us-east-1, from public price tables; sizes from EC2's own instance data. Peak is dense
bf16 with fp32 accumulation: an A10G has 70 TFLOPS (125 is the A10, often quoted by mistake). All single-GPU g5 sizes have
the same 24 GB A10G: a bigger size buys host memory, not GPU memory. `torch` sees less than the card's nominal size.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

PRICES_AS_OF = "2026-07"


class Instance(BaseModel):
    """One instance type. Peak in TFLOPS (dense bf16) and memory in GiB are of one GPU; prices in US dollars per hour."""

    model_config = ConfigDict(frozen=True)

    gpu: str
    gpus: int = 1
    peak_tflops: float
    gpu_gib: float
    """What torch reports as total memory."""
    host_gib: float
    usd_per_hour: float
    spot_usd_per_hour: float | None = None
    """Seen once, and changing daily; None where none was seen."""

    @property
    def total_tflops(self) -> float:
        """Peak of all GPUs together."""
        return self.gpus * self.peak_tflops


def _a10g(host_gib: float, usd_per_hour: float, gpus: int = 1, spot: float | None = None) -> Instance:
    return Instance(
        gpu="A10G",
        gpus=gpus,
        peak_tflops=70,
        gpu_gib=22.2,
        host_gib=host_gib,
        usd_per_hour=usd_per_hour,
        spot_usd_per_hour=spot,
    )


TRAINING_INSTANCES: dict[str, Instance] = {
    "ml.g5.xlarge": _a10g(16, 1.408, spot=0.42),
    "ml.g5.2xlarge": _a10g(32, 1.515),
    "ml.g5.12xlarge": _a10g(192, 7.09, gpus=4),
}
