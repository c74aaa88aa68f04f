"""Proof at start-up that examples of one row do not see each other.

transformers keeps examples apart by positions that restart, but only when no attention mask is passed and no cache is
kept; with either it lets them leak without a warning. So nothing is trusted here: another first example must leave the
logits of those after it as they were, through the very path that training takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from steps import job
from steps.shards import TokenSplit

LOOKED_AT = 256  # micro-batches; packing puts several examples into nearly every row
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-3}  # of the largest logit; masked attention adds exactly nothing


@torch.no_grad()
def check_isolation(model: Any, split: TokenSplit, inputs_of: Callable[[list[Any]], dict[str, Any]]) -> None:
    """Raises Refused where a row's first example changes what the model says about the examples after it.

    `inputs_of` makes keyword arguments of the model, on its device, from items of the split as the trainer does.
    """
    found = _first_shared_row(split)
    if found is None:
        job.event("isolation_checked", examples=0, difference=0.0, own=0.0)
        return
    number, row, lengths = found
    item, (first, end) = split[number], (lengths[0], sum(lengths))
    changed = {name: array.copy() for name, array in item.items()}
    vocabulary = model.get_input_embeddings().num_embeddings
    changed["input_ids"][row, :first] = (changed["input_ids"][row, :first] + 1) % vocabulary

    was_training = model.training
    model.eval()
    try:
        inputs = inputs_of([item])
        before, after = (model(**arguments) for arguments in (inputs, inputs_of([changed])))
    finally:
        model.train(was_training)
    columns = inputs.get("logits_to_keep", torch.arange(item["input_ids"].shape[1], device=before.logits.device))
    difference = (after.logits[row].float() - before.logits[row].float()).abs().amax(dim=-1)
    largest = float(before.logits[row].float().abs().max())
    if not math.isfinite(largest):
        return  # the first step will refuse the loss that comes of it, and say more
    theirs = float(difference[(columns >= first) & (columns < end)].max()) / largest
    own = float(difference[columns < first].max()) / largest
    if theirs > TOLERANCE.get(model.dtype, TOLERANCE[torch.bfloat16]):
        raise job.Refused(
            f"examples of one row see each other: with another first example the logits of those after it change by "
            f"{theirs:.2g} of the largest, where nothing may change. {_likely_cause(inputs, before, row, first)}"
        )
    job.event("isolation_checked", examples=len(lengths), difference=theirs, own=own)


def _first_shared_row(split: TokenSplit) -> tuple[int, int, list[int]] | None:
    """Micro-batch, row and lengths of the first row that holds more than one example; None when there is none."""
    for number in range(min(len(split), LOOKED_AT)):
        for row, lengths in enumerate(split.lengths(number)):
            if len(lengths) > 1:
                return number, row, lengths
    return None


def _likely_cause(inputs: dict[str, Any], outputs: Any, row: int, first: int) -> str:
    """What lets examples leak, and what to do."""
    if "attention_mask" in inputs:
        return "An attention mask is passed, so restarting positions are ignored: leave it out of the batch."
    if getattr(outputs, "past_key_values", None) is not None:
        return "The cache is on, so restarting positions are ignored: set use_cache to false."
    if int(inputs["position_ids"][row, first]) != 0:
        return "The positions do not restart at the second example: tokenise again with this version."
    return "This attention implementation ignores restarting positions: set the lever attention to sdpa."
