"""What an entry says of the decisions on it, here with all of them, in an account with the last alone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pipeline.decided import Decision, decisions_of, one_line, signed_reason

ADA = "arn:aws:sts::123456789012:assumed-role/approver/ada"
BOB = "arn:aws:sts::123456789012:assumed-role/approver/bob"
WHEN = "2026-11-21T09:00:00+00:00"


def entry(status: str, reason: str = "", by: str = "", **more: Any) -> dict[str, Any]:
    person = {"LastModifiedBy": {"IamIdentity": {"Arn": by}}} if by else {}
    return {"ModelApprovalStatus": status, "ApprovalDescription": reason, "LastModifiedTime": WHEN, **person, **more}


def test_a_version_that_waits_has_no_decision() -> None:
    assert decisions_of(entry("PendingManualApproval")) == []


def test_an_account_tells_the_last_decision_and_the_signature_is_not_repeated() -> None:
    said = signed_reason(one_line("dots are kept\n (all of them)"), ADA)
    wanted = [Decision("Approved", "dots are kept (all of them)", ADA, WHEN)]
    assert decisions_of(entry("Approved", said, ADA)) == wanted
    assert decisions_of(entry("Approved", said)) == wanted, "where the service does not say who"


def test_a_signature_that_is_not_that_of_who_decided_stays_in_the_reason() -> None:
    (decision,) = decisions_of(entry("Rejected", signed_reason("good", ADA), BOB))
    assert (decision.who, decision.reason) == (BOB, f"good (by {ADA})")


def test_a_decision_made_without_this_program_follows_the_history() -> None:
    first = Decision("Approved", "good", "ada", "2026-11-20T09:00:00+00:00")
    found = decisions_of(entry("Rejected", "in the console", BOB, Decisions=[asdict(first)]))
    assert found == [first, Decision("Rejected", "in the console", BOB, WHEN)]


def test_the_last_of_the_history_is_not_told_twice() -> None:
    last = Decision("Approved", "good", "ada", WHEN)
    assert decisions_of(entry("Approved", "good", Decisions=[asdict(last)])) == [last]


def test_a_version_that_was_set_back_to_waiting_keeps_what_was_decided_before() -> None:
    first = Decision("Approved", "good", "ada", "2026-11-20T09:00:00+00:00")
    assert decisions_of(entry("PendingManualApproval", "good", Decisions=[asdict(first)])) == [first]
