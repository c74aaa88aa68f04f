"""What an approver sees of a version: where it stands, the champion beside it, how to decide, and nothing that misleads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.review.choice import changed_samples
from pipeline.review.files import RunFiles
from pipeline.review.package import PackageFacts, compared_with, facts_of
from pipeline.review.report import render
from steps import contract
from tests.unit.review.conftest import HOSTILE, PACKAGE, Page, samples, samples_with_champion, save_undecided

TURNED = "approved \u202erejected\u202c\u2066 by \u200fnobody\x1b[31m\0"


def rendered(files: RunFiles, folder: Path) -> Page:
    render(files, folder / "page" / "dossier.html")
    return Page((folder / "page" / "dossier.html").read_text(encoding="utf-8"))


def registered(version: int, status: str = "PendingManualApproval", when: str = "", **more: Any) -> dict[str, Any]:
    """A description as the registry keeps it."""
    return {
        "ModelPackageGroupName": "asusu-igbo",
        "ModelPackageVersion": version,
        "ModelApprovalStatus": status,
        "CreationTime": "2026-11-21T14:05:06.7+00:00",
        "LastModifiedTime": when or "2026-11-21T14:05:06.7+00:00",
        **more,
    }


def test_a_pending_version_leads_with_its_name_its_verdict_and_that_it_waits(dossier: RunFiles, tmp_path: Path) -> None:
    text = rendered(dossier, tmp_path).text
    assert "Asụsụ dossier asusu-igbo/3 Passed the gate, waiting for approval Every rule of the gate passed" in text
    assert "registered 2026-11-21 14:05 UTC decision waiting: how to decide champion now asusu-igbo/1" in text
    assert text.index("Rules of the gate") < text.index("Scores on held-out sentences")
    assert 'approve asusu approve asusu-igbo/3 --reason "..." reject asusu reject asusu-igbo/3 --reason "..."' in text


@pytest.mark.parametrize("status", ["Approved", "Rejected"])
def test_a_decided_version_says_who_decided_when_and_why(dossier: RunFiles, tmp_path: Path, status: str) -> None:
    package = registered(
        3,
        status,
        "2026-11-22T09:10:11+00:00",
        ApprovalDescription="reads well: ọ́ is kept",
        LastModifiedBy={"UserProfileName": "ada"},
    )
    facts = facts_of(package, [registered(1, "Approved", "2026-11-20T00:00:00+00:00"), package])
    text = rendered(replace(dossier, package=facts), tmp_path).text
    assert f"Passed the gate, {status.lower()}" in text
    assert f"{status.lower()} 2026-11-22 09:10 UTC by ada" in text
    assert "reason reads well: ọ́ is kept" in text
    assert ("champion now this version" in text) == (status == "Approved")
    assert ("champion now asusu-igbo/1" in text) == (status == "Rejected")


@pytest.mark.parametrize(("status", "colour"), [("waiting for approval", "passed"), ("rejected", "refused")])
def test_a_version_that_somebody_rejected_is_not_shown_in_the_colour_of_success(
    dossier: RunFiles, tmp_path: Path, status: str, colour: str
) -> None:
    page = rendered(replace(dossier, package=replace(PACKAGE, status=status)), tmp_path)
    assert f'<header class="verdict {colour}">' in page.source


def test_a_decision_on_the_service_is_known_by_its_identity() -> None:
    by = {"IamIdentity": {"Arn": "arn:aws:sts::1:assumed-role/approver/ada"}}
    facts = facts_of(registered(1, "Rejected", ApprovalDescription="no", LastModifiedBy=by), [])
    assert (facts.who, facts.champion) == ("arn:aws:sts::1:assumed-role/approver/ada", "")


def test_the_champion_has_scores_with_intervals_differences_and_its_translations(
    dossier: RunFiles, tmp_path: Path
) -> None:
    page = rendered(dossier, tmp_path)
    for expected in (
        "en-ig 200 chrF++ 61.2 59.8 to 62.8 12.3 10.9 to 13.9 +48.9 55.7 54.3 to 57.3 +5.5",
        "en-ig validation loss over 4,321 tokens 0.54 4.3 −3.760 — —",
        "ig-en validation loss over 3,333 tokens 0.5 3.8 −3.300 — —",
        "both validation loss over 7,654 tokens 0.52 4.1 −3.580 0.61 −0.090",
        "en-ig champion 61.2 55.7 +5.5 +3.2 to +7.8 0.998",
        "The champion was asusu-igbo/1, scored on the same sentences.",
        "en-ig champion 0.5 % 12.5 %",
        "The 20 most changed against the champion",
    ):
        assert expected in page.text
    assert ">en-ig champion</text>" in page.source
    assert page.source.count('<td class="score"') == 60


def test_an_evaluation_set_of_others_has_every_number_of_the_held_out_split(dossier: RunFiles, tmp_path: Path) -> None:
    text = rendered(dossier, tmp_path).text
    others = text[text.index("Evaluation sets of others") :]
    for expected in (
        "flores-200_devtest Direction Sentences Metric This model Base model Difference Champion Difference",
        "en-ig 200 chrF++ 41.2 39.8 to 42.8 12.3 10.9 to 13.9 +28.9 35.7 34.3 to 37.3 +5.5",
        "en-ig 200 BLEU 31.2 29.8 to 32.8 0.4 -1.0 to 2.0 +30.8 25.7 24.3 to 27.3 +5.5",
        "en-ig base 41.2 12.3 +28.9 +26.7 to +31.0 1.000",
        "en-ig champion 41.2 35.7 +5.5 +3.2 to +7.8 0.998",
        "en-ig this model 0.5 % 0.0 %",
        "en-ig champion 0.5 % 12.5 %",
    ):
        assert expected in others, expected


@pytest.mark.parametrize("verdict", ["passed", "refused"])
def test_a_rule_that_was_not_decided_is_in_the_header_and_among_the_rules(
    dossier: RunFiles, gathered: Path, tmp_path: Path, verdict: str
) -> None:
    why = f"champion rule not decided: asusu-igbo/1: it was trained for {HOSTILE}"
    save_undecided(gathered, why, verdict)
    page = rendered(dossier, tmp_path)
    header, rules = page.text.split("Rules of the gate", 1)
    assert f"Champion rule not decided: asusu-igbo/1: it was trained for {HOSTILE}." in header
    for side in ("forward", "backward"):  # nine rules are counted, so nine are shown
        assert f"not worse than champion {side} – not decided — — {why}" in rules
    assert page.elements["script"] == page.elements["img"] == 0


def test_a_header_that_says_what_was_not_decided_says_it_once(
    dossier: RunFiles, gathered: Path, tmp_path: Path
) -> None:
    why = "champion rule not decided: no version had been approved to compare with"
    save_undecided(gathered, why, message=f"4 of 9 rules passed; {why}.")
    header = rendered(dossier, tmp_path).text.split("Rules of the gate", 1)[0]
    assert header.lower().count(why) == 1


def test_without_a_champion_no_column_and_no_group_of_samples_claims_one(files: RunFiles, tmp_path: Path) -> None:
    page = rendered(files, tmp_path)
    assert "No champion: when this was evaluated, no version had been approved to compare with." in page.text
    assert "most changed" not in page.text
    assert "<th>Champion</th>" not in page.source
    assert ">Champion</th>" not in page.source


def test_the_most_changed_are_those_with_the_largest_difference_for_better_or_worse() -> None:
    changes = [sample.change or 0 for sample in changed_samples(samples_with_champion().samples)]
    assert [abs(change) for change in changes] == pytest.approx(sorted((*range(21, 41),), reverse=True))
    assert {change > 0 for change in changes} == {True, False}
    assert changed_samples(samples().samples) == []


@pytest.mark.parametrize(
    ("champion", "now", "kind", "says"),
    [
        ("none", "", "note", "No champion"),
        ("none", "asusu-igbo/3", "note", "No champion"),
        ("none", "asusu-igbo/1", "absent", "The champion is asusu-igbo/1 now"),
        ("asusu-igbo/1", "asusu-igbo/1", "note", "scored on the same sentences"),
        ("asusu-igbo/1", "asusu-igbo/3", "note", "scored on the same sentences"),
        ("asusu-igbo/1", "asusu-igbo/2", "absent", "The champion is asusu-igbo/2 now: run the pipeline again"),
        ("asusu-igbo/1 not compared: other base", "asusu-igbo/1", "absent", "could not be compared: other base"),
    ],
)
def test_a_comparison_that_is_missing_or_out_of_date_is_said(champion: str, now: str, kind: str, says: str) -> None:
    against = compared_with(champion, replace(PACKAGE, champion=now))
    assert against.kind == kind
    assert says in against.sentence


def test_a_version_that_waits_leads_with_a_comparison_that_is_out_of_date(dossier: RunFiles, tmp_path: Path) -> None:
    moved = "The champion is asusu-igbo/2 now"
    waiting = replace(PACKAGE, champion="asusu-igbo/2")
    text = rendered(replace(dossier, package=waiting), tmp_path).text
    assert text.index(moved) < text.index("Rules of the gate")
    decided = rendered(replace(dossier, package=replace(waiting, decided="2026-11-22 09:10 UTC")), tmp_path).text
    assert decided.index(moved) > decided.index("Rules of the gate")


def test_seals_images_and_the_registry_entry_are_there(
    dossier: RunFiles, tmp_path: Path, training_seals: list[Path]
) -> None:
    text = rendered(replace(dossier, provenance={"image of TrainLora": "repository@sha256:1"}), tmp_path).text
    assert "200 0.5 0.4 3.33 min 1 1.0 MiB 0000000000000000" in text
    assert "image of TrainLora repository@sha256:1 code 0.1.0+0123456789ab base model tiny" in text
    assert f"adapter {'9' * 64} corpus prepared sha256:abc" in text


def test_what_was_left_out_for_its_length_and_the_learning_rate_are_there(dossier: RunFiles, tmp_path: Path) -> None:
    page = rendered(dossier, tmp_path)
    assert (
        "3 of 7,203 examples (under 0.1 %) were longer than 256 tokens (MaxLength) and were left out whole" in page.text
    )
    assert ">learning rate</text>" in page.source
    assert "peak memory, in the canary 20.10 GiB of 21.3" in page.text


def test_hostile_words_of_the_registry_are_shown_and_do_nothing(dossier: RunFiles, tmp_path: Path) -> None:
    hostile = PackageFacts(
        name=HOSTILE,
        status=HOSTILE,
        registered=HOSTILE,
        decided=HOSTILE,
        who=TURNED,
        reason=HOSTILE + "x" * 4000,
        champion=HOSTILE,
        metadata={HOSTILE: TURNED},
    )
    page = rendered(replace(dossier, package=hostile, commands=[(HOSTILE, HOSTILE)]), tmp_path)
    assert page.elements["script"] == page.elements["img"] == page.elements["link"] == page.elements["iframe"] == 0
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.text.count(HOSTILE) > 8
    assert not {"\u202e", "\u202c", "\u2066", "\u200f", "\x1b", "\0"} & set(page.source)
    assert "by approved [U+202E]rejected[U+202C][U+2066] by [U+200F]nobody\ufffd[31m\ufffd" in page.text


def test_a_report_of_before_champions_were_kept_still_has_a_page(
    files: RunFiles, gathered: Path, tmp_path: Path
) -> None:
    old = contract.load(gathered / contract.SAMPLES, contract.SampleSet).model_dump(mode="json")
    for row in old["samples"] + old["showcase"]:
        del row["champion_hypothesis"], row["champion_chrf"]
    contract.save(gathered / contract.SAMPLES, contract.SampleSet.model_validate(old))
    assert rendered(files, tmp_path).source.count('<td class="score"') == 40
