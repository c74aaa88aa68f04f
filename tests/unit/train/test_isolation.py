"""Start-up refuses to train where examples of one row see each other, whatever lets them."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from transformers import TrainingArguments

from steps.job import Refused
from steps.models import collate
from steps.shards import TokenSplit
from steps.train import isolation
from steps.train.__main__ import main


def checks(output):
    """The isolation_checked events in what a job printed."""
    lines = (json.loads(line) for line in output.splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == "isolation_checked"]


def with_mask(items):
    batch = collate(items)
    return {**batch, "attention_mask": torch.ones_like(batch["input_ids"])}


def positions_that_run_on(split, index, original=TokenSplit.__getitem__):
    item = original(split, index)
    item["position_ids"] = np.arange(item["input_ids"].size).reshape(item["input_ids"].shape)
    return item


@pytest.mark.parametrize("logits", ["labelled", "all"])
def test_a_sound_path_is_proven_by_logits_that_stay_as_they_are(training_job, capsys, logits):
    training_job(Levers=json.dumps({"logits": logits}))
    main()
    (found,) = checks(capsys.readouterr().out)
    assert found["examples"] >= 2
    assert found["difference"] == 0.0, "masked attention adds exactly nothing"
    assert found["own"] > 0.1, "the changed example's own logits do change, so the check can see a leak"


def test_an_attention_mask_is_refused_at_start(training_job, monkeypatch):
    job = training_job()
    monkeypatch.setattr("steps.train.trainer.collate", with_mask)
    with pytest.raises(Refused, match="examples of one row see each other.*attention mask.*leave it out"):
        main()
    assert not list(job.checkpoints.rglob("*")), "nothing was trained"


def test_a_cache_that_is_on_is_refused_at_start(training_job, monkeypatch):
    job = training_job()
    monkeypatch.setattr("steps.train.trainer.TrainingArguments", partial(TrainingArguments, use_cache=True))
    with pytest.raises(Refused, match="examples of one row see each other.*cache is on.*use_cache to false"):
        main()
    assert not list(job.checkpoints.rglob("*")), "nothing was trained"


def test_positions_that_do_not_restart_are_refused_at_start(training_job, monkeypatch):
    training_job()
    monkeypatch.setattr(TokenSplit, "__getitem__", positions_that_run_on)
    with pytest.raises(Refused, match="examples of one row see each other.*positions do not restart"):
        main()


def test_the_canary_checks_it_too(training_job, monkeypatch):
    training_job(mode="canary-train")
    monkeypatch.setattr("steps.train.trainer.collate", with_mask)
    with pytest.raises(Refused, match="see each other"):
        main()


def test_rows_of_one_example_have_nothing_to_check(training_job, monkeypatch, capsys):
    training_job()
    monkeypatch.setattr(isolation, "LOOKED_AT", 0)
    main()
    assert [found["examples"] for found in checks(capsys.readouterr().out)] == [0]
