"""Every decision about a version is on its page, the latest first, and no word of one is more than a word."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.decided import Decision
from pipeline.review.facts import dossier_facts
from pipeline.review.files import RunFiles
from pipeline.review.report import render, render_markdown
from tests.unit.review.conftest import HOSTILE, HOSTILE_MARKDOWN, PACKAGE, Page

HISTORY = (
    Decision("Approved", "better in both directions; ọ́ is kept", "ada", "2026-11-20T09:10:11+00:00"),
    Decision("Rejected", "drops dots after all", "", "2026-11-21T10:11:12+00:00"),
)


def rendered(files: RunFiles, folder: Path) -> Page:
    render(files, folder / "dossier.html")
    return Page((folder / "dossier.html").read_text(encoding="utf-8"))


def test_all_decisions_are_listed_the_latest_first_before_the_scores(dossier: RunFiles, tmp_path: Path) -> None:
    text = rendered(replace(dossier, decisions=HISTORY), tmp_path).text
    assert (
        "When Decision Who Reason 2026-11-21 10:11 UTC rejected not known drops dots after all"
        " 2026-11-20 09:10 UTC approved ada better in both directions; ọ́ is kept" in text
    )
    assert text.index("Rules of the gate") < text.index("Decisions") < text.index("Scores on held-out sentences")


def test_a_version_nobody_decided_on_has_no_empty_table(dossier: RunFiles, tmp_path: Path) -> None:
    assert "Decisions" not in rendered(dossier, tmp_path).text


@pytest.mark.parametrize("words", [HOSTILE, HOSTILE_MARKDOWN, "x" * 4000, "\u202eturned\x1b[31m\0"])
def test_hostile_words_of_a_decision_are_shown_and_do_nothing(dossier: RunFiles, tmp_path: Path, words: str) -> None:
    decision = Decision(words, words, words, words)
    page = rendered(replace(dossier, decisions=(decision,)), tmp_path)
    bare = rendered(dossier, tmp_path)
    for element in ("script", "img", "link", "iframe", "a"):
        assert page.elements[element] == bare.elements[element] or element == "a"
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not {"\u202e", "\x1b", "\0"} & set(page.source)


def test_where_only_the_last_decision_is_known_the_page_says_so_and_where_others_are(
    dossier: RunFiles, tmp_path: Path
) -> None:
    last = replace(dossier, decisions=HISTORY[1:], earlier="CloudTrail")
    text = rendered(last, tmp_path).text
    render_markdown(last, tmp_path / "dossier.md")
    for shown in (text, (tmp_path / "dossier.md").read_text(encoding="utf-8")):
        assert "Earlier ones, if there were any, are in CloudTrail." in shown
    assert "All that was ever decided" not in text
    assert "All that was ever decided" in rendered(replace(dossier, decisions=HISTORY), tmp_path).text


def test_who_decided_breaks_behind_a_slash_and_nowhere_else(dossier: RunFiles, tmp_path: Path) -> None:
    ada = "arn:aws:sts::123456789012:assumed-role/asusu-approver/ada"
    decision = replace(HISTORY[0], who=ada)
    package = replace(PACKAGE, status="approved", decided="2026-11-20 09:10 UTC", who=ada)
    page = rendered(replace(dossier, decisions=(decision,), package=package), tmp_path)
    assert page.source.count("123456789012:assumed-role/<wbr>asusu-approver/<wbr>ada<") == 2


def test_markdown_and_json_have_the_decisions_too(dossier: RunFiles, tmp_path: Path) -> None:
    decided = replace(dossier, decisions=HISTORY)
    render_markdown(decided, tmp_path / "dossier.md")
    text = (tmp_path / "dossier.md").read_text(encoding="utf-8")
    assert "| 2026-11-21 10:11 UTC | rejected | `not known` | `drops dots after all` |" in text
    facts = json.loads(json.dumps(dossier_facts(decided)))
    assert [row["who"] for row in facts["decisions"]] == ["ada", ""]
