"""Machines: what each instance type holds and costs. The one place to update.

Prices: SageMaker on demand, us-east-1, from public price tables. Sizes: EC2's own instance data (an A10G has 22,888 MiB);
`torch` sees a little less. Peak: dense bf16 with fp32 accumulation, 70 TFLOPS on an A10G by NVIDIA's brief of it (125 is
the A10's, often quoted by mistake). ml.g5.xlarge and ml.g5.2xlarge have the same one A10G: the bigger one, said elsewhere
to have 48 GB, buys host memory and no GPU memory. ml.g5.12xlarge has four, each with a copy of the model.

A new row needs a source for every figure. A host with less memory than the weights is no hindrance: they are loaded
straight to the GPU.
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
    vcpus: int
    usd_per_hour: float
    priced: str = PRICES_AS_OF
    spot_usd_per_hour: float | None = None
    """Seen once, and changing daily; None where none was seen."""

    @property
    def total_tflops(self) -> float:
        """Peak of all GPUs together."""
        return self.gpus * self.peak_tflops


def _a10g(usd_per_hour: float, *, host_gib: float, vcpus: int, gpus: int = 1, spot: float | None = None) -> Instance:
    return Instance(
        gpu="A10G",
        gpus=gpus,
        peak_tflops=70,
        gpu_gib=22.2,
        host_gib=host_gib,
        vcpus=vcpus,
        usd_per_hour=usd_per_hour,
        spot_usd_per_hour=spot,
    )


TRAINING_INSTANCES: dict[str, Instance] = {
    "ml.g5.xlarge": _a10g(1.408, host_gib=16, vcpus=4, spot=0.42),
    "ml.g5.2xlarge": _a10g(1.515, host_gib=32, vcpus=8),
    "ml.g5.12xlarge": _a10g(7.09, host_gib=192, vcpus=48, gpus=4),
}
