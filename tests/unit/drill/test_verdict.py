"""The drill's judge: it condemns each broken promise, for one that never does would prove nothing."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest

from tests.drill.faults import Blow, Fault
from tests.drill.platform import URI, Attempt, Place, Platform
from tests.drill.survey import survey
from tests.drill.verdict import is_reason, judge
from tests.unit.drill.test_faults import RUN

FAULT = Fault(1, 1, "SIGKILL at a random step", (Blow("SIGKILL at step 9", at_step=9),))


@pytest.fixture
def platform(tmp_path):
    return Platform(Place(tmp_path, tmp_path, tmp_path, {}), "run")


@pytest.fixture
def story(tmp_path):
    """Killed at step 9, gone on from 7, finished with the unbroken run's weights."""
    weights = tmp_path / "weights"
    weights.write_bytes(b"the same")
    train = [(1.0, {"event": "train", "step": step}) for step in range(1, 10)]
    killed = Attempt(0, events=[(0.5, {"event": "starting", "step": 0}), *train], exit_code=-9, struck=True)
    killed.sealed = killed.stored = [2, 7]
    rest = [(1.0, {"event": "train", "step": step}) for step in range(8, 41)]
    after = Attempt(1, restored={2: "", 7: ""}, events=[(0.5, {"event": "resuming", "step": 7}), *rest])
    after.report, after.weights = {"steps": 40}, weights
    return [killed, after]


def violations(platform, story, fault=FAULT):
    run = replace(RUN, weights=sha256(b"the same").hexdigest())
    return judge(fault, run, platform, story).violations


def test_a_run_that_went_on_as_promised_is_acquitted(platform, story):
    assert violations(platform, story) == []


def test_other_weights_are_condemned(platform, story):
    story[1].weights.write_bytes(b"others")
    assert violations(platform, story) == ["the final weights are not the unbroken run's"]


def test_a_run_that_never_ends_is_condemned(platform, story):
    story[1].report = {"steps": 39}
    assert "after 2 starts it is at step 40 of 40" in violations(platform, story)[0]


def test_more_than_an_interval_lost_is_condemned(platform, story):
    story[1].events[0] = (0.5, {"event": "resuming", "step": 2})
    story[1].restored = {2: ""}
    assert violations(platform, story) == ["7 steps lost (from 9 to 2), 1 x 5 allowed"]


def test_an_interval_more_is_allowed_where_the_newest_was_on_its_way_when_the_machine_was_lost(platform, story):
    story[1].events[0] = (0.5, {"event": "resuming", "step": 2})
    story[1].restored = {2: ""}
    story[0].stored = [2]
    lost = replace(FAULT, blows=(replace(FAULT.blows[0], machine_lost=True),))
    assert violations(platform, story, lost) == []


def test_going_on_from_an_older_checkpoint_than_the_newest_whole_one_is_condemned(platform, story):
    story[1].restored = {2: "", 7: "", 8: ""}
    assert "the newest whole checkpoint is 8" in violations(platform, story)[0]


def test_a_checkpoint_passed_over_without_a_word_is_condemned(platform, story):
    story[1].restored[8] = "no seal"
    assert violations(platform, story) == ["checkpoint-8 was passed over without a word"]
    named = {"event": "checkpoint_skipped", "checkpoint": "checkpoint-8", "reason": "checkpoint-8 is not sealed"}
    story[1].events.append((0.4, named))
    assert violations(platform, story) == []


def test_going_on_from_a_damaged_checkpoint_is_condemned_even_where_its_sums_agree(platform, story):
    platform.damaged.add(7)
    assert "the newest whole checkpoint is 2" in violations(platform, story)[0]


def test_a_deletion_is_condemned_unless_the_drill_did_it(platform, story):
    platform.store.delete(f"{URI}/checkpoint-2/optimizer.pt")
    platform.store.delete(f"{URI}/checkpoint-7/.seal.json.partial")
    assert violations(platform, story) == ["deleted from the synchronised folder: /checkpoint-2/optimizer.pt"]
    platform.removed.add("checkpoint-2/optimizer.pt")
    assert violations(platform, story) == []


def test_a_fault_that_did_not_happen_is_condemned(platform, story):
    story[0].struck = False
    assert violations(platform, story) == ["the fault did not happen: SIGKILL at step 9"]


def test_a_failure_without_a_reason_or_with_an_exceptions_name_is_condemned(platform, story):
    story[0].exit_code = 1
    assert any("left no reason" in text for text in violations(platform, story))
    story[0].failure = "FileExistsError: [Errno 17] File exists: '/opt/ml/checkpoints'"
    assert any("does not say what to do" in text for text in violations(platform, story))


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("the disk is full (Error: no room). Make room and start again: what was finished is kept.", True),
        ("RuntimeError: [enforce fail at inline_container.cc:858] . PytorchStreamWriter failed writing file", False),
        ("it failed", False),
    ],
)
def test_a_reason_is_a_sentence_with_a_way_out(text, good):
    assert is_reason(text) == good


def test_the_survey_finds_what_is_not_whole(tmp_path):
    for step in (1, 2, 3, 4):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "weights").write_bytes(b"1234")
        entry = {"path": "weights", "bytes": 4, "sha256": sha256(b"1234").hexdigest()}
        (folder / "seal.json").write_text(json.dumps({"files": [entry]}))
    (tmp_path / "checkpoint-2" / "weights").write_bytes(b"1235")
    (tmp_path / "checkpoint-3" / "weights").unlink()
    (tmp_path / "checkpoint-4" / "seal.json").write_bytes(b"\xff")
    (tmp_path / "checkpoint-5").write_text("a file")
    assert survey(tmp_path) == {
        1: "",
        2: "weights has another sum",
        3: "weights is missing",
        4: "the seal cannot be read",
        5: "no seal",
    }
