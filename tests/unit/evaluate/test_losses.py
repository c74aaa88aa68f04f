"""The validation loss of each direction, and of both, is that of its examples one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from steps import contract
from steps.evaluate.loss import DirectedLoss, validation_losses, with_losses
from steps.evaluate.systems import BASE, CHAMPION, TRAINED, acting_as, load_systems
from steps.job import Refused
from steps.models import mean_loss
from steps.prompt import Prompter
from steps.shards import TokenSplit
from tests.unit.evaluate.conftest import PAIRS
from tests.unit.review import conftest as reports


@pytest.fixture(scope="module")
def model(base_model: Path, learned: Path) -> Any:
    return load_systems(base_model, {TRAINED: learned})[0]


@pytest.fixture(scope="module")
def validation(tokens: Path, prompter: Prompter) -> TokenSplit:
    return TokenSplit(tokens / "validation", prompter)


def one_by_one(model: Any, prompter: Prompter, direction: int) -> tuple[float, int]:
    """Sum over the answers of every pair in one direction, without any packing, and their tokens."""
    total, tokens = 0.0, 0
    for pair in PAIRS:
        source, target = (prompter.sentence(pair[side]) for side in (direction, 1 - direction))
        ids, prompt = prompter.example(source, target, direction)
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0, prompt - 1 : -1]
        total += float(torch.nn.functional.cross_entropy(logits, torch.tensor(ids[prompt:]), reduction="sum"))
        tokens += len(ids) - prompt
    return total, tokens


@pytest.mark.parametrize("system", [BASE, TRAINED])
def test_the_loss_of_a_direction_is_that_of_its_examples_one_by_one(
    model: Any, validation: TokenSplit, prompter: Prompter, system: str
) -> None:
    found = validation_losses(model, validation)[system]
    with acting_as(model, system):
        expected = [one_by_one(model, prompter, way) for way in (0, 1)]
        together = mean_loss(model, validation)
    assert found.tokens == tuple(tokens for _, tokens in expected)
    assert found.tokens[0] != found.tokens[1], "the two languages take different numbers of tokens"
    for way, (total, tokens) in enumerate(expected):
        assert found.of(way) == pytest.approx(total / tokens, rel=1e-3)
    assert found.mean == pytest.approx(together, rel=1e-5), "what training reports is the same number"


def test_both_directions_together_count_every_token_the_same() -> None:
    loss = DirectedLoss(sums=(10.0, 90.0), tokens=(10, 30))
    assert (loss.of(0), loss.of(1), loss.mean) == (1.0, 3.0, 2.5)


def test_a_direction_without_a_token_has_no_loss_instead_of_a_wrong_one() -> None:
    loss = DirectedLoss(sums=(10.0, 0.0), tokens=(10, 0))
    assert (loss.of(0), loss.of(1), loss.mean) == (1.0, None, 1.0)


def test_the_losses_stand_beside_the_scores_of_their_direction() -> None:
    forward, backward = reports.evaluation().directions
    losses = {
        TRAINED: DirectedLoss((1.0, 4.0), (10, 20)),
        BASE: DirectedLoss((50.0, 60.0), (10, 20)),
        CHAMPION: DirectedLoss((2.0, 6.0), (10, 20)),
    }
    shown = [
        (row.validation_tokens, row.validation_loss, row.base_validation_loss, row.champion_validation_loss)
        for row in with_losses((forward, backward), losses)
    ]
    assert shown == [(10, 0.1, 5.0, 0.2), (20, 0.2, 3.0, 0.3)]
    del losses[CHAMPION]
    assert with_losses((forward, backward), losses)[0].champion_validation_loss is None


def test_a_split_without_an_answer_is_refused(model: Any, validation: TokenSplit) -> None:
    class Silent:
        def __len__(self) -> int:
            return 0

    with pytest.raises(Refused, match="holds no answer tokens"):
        validation_losses(model, Silent())  # type: ignore[arg-type]


def test_every_slot_of_a_micro_batch_knows_the_direction_of_its_example(validation: TokenSplit) -> None:
    ways, lengths, examples = validation.directions(0), validation.lengths(0), validation.examples(0)
    assert ways.shape == validation[0]["input_ids"].shape
    flat = [number % 2 for number in examples]
    for row, counts in zip(ways.tolist(), lengths, strict=True):
        expected = [way for count in counts for way in [flat.pop(0)] * count]
        assert row == expected + [0] * (len(row) - len(expected))


def test_a_report_of_before_losses_were_split_can_still_be_read() -> None:
    old = reports.evaluation().model_dump(mode="json")
    old.pop("cost")
    for row in old["directions"]:
        for name in ("validation_tokens", "validation_loss", "base_validation_loss", "champion_validation_loss"):
            row.pop(name)
    read = contract.EvaluationReport.model_validate(old)
    assert (read.cost, read.directions[0].validation_loss) == (None, None)
