"""What makes training faster or smaller, chosen when a pipeline is deployed; operators do not see them.

One JSON object, of what differs from the defaults, goes to every step that plans or trains: as the environment variable
or hyperparameter `Levers`. Measured effects stand in docs/benchmarks.md.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from steps.job import Refused

Batching = Literal["packed", "token-budget", "padded"]


class Levers(BaseModel):
    """The levers of a training run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batching: Batching = Field(
        default="packed",
        description="packed: examples one after another in rows of PackLength; token-budget: rows of like length, "
        "PackLength slots together; padded: every example padded to MaxLength, only to measure against",
    )
    gradient_checkpointing: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Recompute activations: half again the arithmetic. auto: only where memory asks for it",
    )
    lora_dropout: float = Field(default=0.0, ge=0, lt=1, description="Over 0 it costs time and memory")
    rslora: bool = Field(default=False, description="Scale by alpha over the root of the rank; free")
    kernels: Literal["none", "liger"] = Field(
        default="none", description="liger: fused norm, rotary, SwiGLU and loss; needs a GPU and liger-kernel"
    )
    attention: Literal["auto", "sdpa", "varlen"] = Field(
        default="auto", description="varlen: flash attention over each example alone; auto: where it can be imported"
    )
    compile: bool = Field(default=False, description="torch.compile of the decoder layers; a GPU and fixed shapes only")
    optimizer: Literal["adamw_torch_fused", "adamw_torch"] = Field(default="adamw_torch_fused")
    logits: Literal["labelled", "all"] = Field(
        default="labelled", description="labelled: logits only where a token is to be predicted; same loss, less memory"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Levers:
        if self.compile and self.batching == "token-budget":
            raise ValueError(
                "compile=true needs micro-batches of one shape, and those of batching=token-budget differ: every new width "
                "would be compiled anew. Set batching to packed, or compile to false"
            )
        return self

    def text(self) -> str:
        """As one JSON object of what is not the default."""
        return self.model_dump_json(exclude_defaults=True)


def read_levers(text: str) -> Levers:
    """The levers of a JSON text. Raises Refused naming every field that is wrong."""
    try:
        return Levers.model_validate_json(text)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise Refused(f"the levers are refused: {problems}") from error
