"""Going back: to the definition before, with its role and tags, as often as one likes."""

from __future__ import annotations

import json

from pipeline.definition import digest
from tests.unit.deploy.conftest import BUCKET, Desk
from tests.unit.plan.editing import Edit, account_text, default, edited


def versions(desk: Desk, *epochs: float) -> None:
    for number in epochs:
        code, _, error = desk.upsert(edits=(default("Epochs", number),))
        assert code == 0, error


def deployed_epochs(desk: Desk) -> float:
    rows = json.loads(desk.deployed["PipelineDefinition"])["Parameters"]
    return float(next(row for row in rows if row["Name"] == "Epochs")["DefaultValue"])


def test_a_rollback_shows_the_plan_and_puts_back_the_one_before(desk: Desk) -> None:
    versions(desk, 2.0, 3.0)
    code, said, error = desk.asusu("rollback", "--yes")
    assert (code, error) == (0, "")
    assert "back to upsert 1" in said
    assert "default of Epochs: 3.0 → 2.0" in said
    epochs: Edit = default("Epochs", 2.0)
    assert digest(desk.deployed["PipelineDefinition"]) == digest(edited(account_text(), epochs))
    newest = next(desk.records.newest_first())
    assert (newest.action, newest.restores, newest.state) == ("rollback", 1, "done")


def test_rolling_back_twice_goes_two_steps_back_and_not_to_and_fro(desk: Desk) -> None:
    versions(desk, 2.0, 3.0, 4.0)
    for expected in (3.0, 2.0):
        assert desk.asusu("rollback", "--yes")[0] == 0
        assert deployed_epochs(desk) == expected
    code, _, error = desk.asusu("rollback", "--yes")
    assert code == 2
    assert "no earlier definition" in error


def test_a_rollback_to_a_number_goes_there_also_forwards(desk: Desk) -> None:
    versions(desk, 2.0, 3.0, 4.0)
    assert desk.asusu("rollback", "--yes", "--to", "1")[0] == 0
    assert deployed_epochs(desk) == 2.0
    assert desk.asusu("rollback", "--yes", "--to", "3")[0] == 0
    assert deployed_epochs(desk) == 4.0
    code, _, error = desk.asusu("rollback", "--yes", "--to", "9")
    assert code == 2
    assert f"asusu rollback --env {desk.environment} --list" in error


def test_an_upsert_after_a_rollback_counts_from_what_is_deployed(desk: Desk) -> None:
    versions(desk, 2.0, 3.0)
    desk.asusu("rollback", "--yes")
    versions(desk, 5.0)
    assert desk.asusu("rollback", "--yes")[0] == 0
    assert deployed_epochs(desk) == 2.0


def test_a_rollback_to_a_looser_gate_needs_to_be_accepted(desk: Desk) -> None:
    desk.upsert(edits=(default("MaxValidationLoss", 2.0),))
    desk.upsert(edits=(default("MaxValidationLoss", 1.2),))
    code, _, error = desk.asusu("rollback", "--yes")
    assert code == 4
    assert "--accept" in error
    assert desk.asusu("rollback", "--yes", "--accept")[0] == 0


def test_a_rollback_over_an_edit_is_refused_until_told_so(desk: Desk) -> None:
    versions(desk, 2.0, 3.0)
    desk.edit_in_console(default("Seed", 99))
    assert desk.asusu("rollback", "--yes")[0] == 4
    assert desk.asusu("rollback", "--yes", "--overwrite-edits")[0] == 0
    assert deployed_epochs(desk) == 2.0


def test_a_kept_definition_that_was_changed_is_not_deployed(desk: Desk) -> None:
    versions(desk, 2.0, 3.0)
    first = list(desk.records.newest_first())[-1]
    key = desk.records.definition_key(first.definition)
    desk.account.s3.put_object(Bucket=BUCKET, Key=key, Body=account_text().replace("1.6", "9.9").encode())
    code, _, error = desk.asusu("rollback", "--yes")
    assert code == 1
    assert "was changed since it was kept" in error
    assert deployed_epochs(desk) == 3.0


def test_there_is_nothing_to_go_back_to_after_one_upsert_or_none(desk: Desk) -> None:
    code, _, error = desk.asusu("rollback", "--yes")
    assert code == 2
    assert "no recorded upsert" in error
    versions(desk, 2.0)
    code, _, error = desk.asusu("rollback", "--yes")
    assert code == 2
    assert f"asusu rollback --env {desk.environment} --list" in error


def test_the_list_names_what_was_deployed_when_and_by_whom(desk: Desk) -> None:
    versions(desk, 2.0, 3.0)
    desk.asusu("rollback", "--yes")
    code, said, _ = desk.asusu("rollback", "--list")
    assert code == 0
    assert [line.split()[0] for line in said.splitlines()] == ["3", "2", "1"]
    assert "rollback to 1" in said
    code, said, _ = desk.asusu("rollback", "--list", "--json")
    assert [row["action"] for row in json.loads(said)] == ["rollback", "upsert", "upsert"]


def test_what_is_said_to_go_back_goes_back_to_what_was_replaced(desk: Desk) -> None:
    versions(desk, 2.0, 3.0, 4.0)
    for verb in (("rollback",), ("rollback", "--to", "1")):
        before = deployed_epochs(desk)
        code, said, error = desk.asusu(*verb, "--yes")
        assert code == 0, error
        assert deployed_epochs(desk) != before
        words = next(line for line in said.splitlines() if "go back:" in line).partition("asusu ")[2].split()
        assert desk.call(*words, "--yes")[0] == 0
        assert deployed_epochs(desk) == before


def test_the_upsert_of_another_definition_is_undone_by_what_it_says(desk: Desk) -> None:
    versions(desk, 2.0)
    _, said, _ = desk.upsert(edits=(default("Epochs", 3.0),))
    assert f"rollback --env {desk.environment}\n" in said
    desk.edit_in_console(default("Epochs", 9.0))
    _, said, _ = desk.upsert("--overwrite-edits", edits=(default("Epochs", 3.0),))
    assert "go back" not in said, "the definition before is the same"
