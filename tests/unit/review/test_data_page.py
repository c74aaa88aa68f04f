"""The page of a data report: the dossier's section on its own, with every number of the report on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import BadInput
from pipeline.review.data_page import render_data
from pipeline.review.files import RunFiles
from pipeline.review.report import render
from steps import contract
from steps.contract import DATA_REPORT, DataReport, Histogram, Leaks
from tests.unit.review.conftest import HOSTILE, Page, data_report

SECTION = re.compile(r'<h3 id="data-waterfall">.*?</section>', re.DOTALL)


def rendered(folder: Path, **changed: Any) -> Page:
    into = folder / "data-report.html"
    render_data(data_report().model_copy(update=changed), into)
    return Page(into.read_text(encoding="utf-8"))


def test_every_part_of_the_report_is_on_the_page(tmp_path: Path) -> None:
    text = rendered(tmp_path).text
    for expected in (
        "2 things to look at before training The licence of mined-news is not stated",
        "5,507 pairs in, 4,000 kept (72.6 %), in 3,900 groups",
        "−1,010 (18.3 %)",
        "−2 (under 0.1 %)",
        "✓ Every row is accounted for: 5,507 − 1,507 = 4,000 = 3,640 + 180 + 180.",
        "tokens of train about 478,187",
        "tokens per word, Igbo 2.731",
        "✓ 0 sentences or near-copies cross the splits, recounted from the written files.",
        "0 more had a near-copy there, which shares at least 80 % of its word pairs.",
        "duplicate 1,010 18.3 % the reason of duplicate, with its limit the first 3",
        "undecodable 2 under 0.1 % the reason of undecodable, with its limit all 2",
        "similarity off the reason of similarity",
        "nfc 212 3.8 %",
        "length of ig over length of en",
        "English: half of the kept sentences have under 70 characters, 95 % under 120.",
        "ig ✓ 3,511 90.4 %",
        "2 others 5 0.1 %",
        "10-99 5 100+ 1",
        "412 · 98 · 61 · 12",
        "flores-200_devtest 3",
        "numbers-differ 102 2.5 %",
        "mined-news not stated moses 925",
        "Options that differ from the defaults: max_characters = 800 .",
        "phrasebook:7",
    ):
        assert expected in text, expected


def test_it_is_the_section_of_the_dossier_word_for_word(files: RunFiles, tmp_path: Path) -> None:
    render(files, tmp_path / "report.html")
    alone = SECTION.search(rendered(tmp_path).source)
    within = SECTION.search((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert alone
    assert within
    assert alone.group() == within.group()


def test_hostile_text_is_shown_as_text_and_nothing_is_fetched_or_run(tmp_path: Path) -> None:
    report = data_report()
    rules = [report.rules[0].model_copy(update={"rule": HOSTILE, "reason": HOSTILE}), *report.rules[1:]]
    source = report.sources[0].model_copy(update={"name": HOSTILE, "licence": HOSTILE})
    page = rendered(
        tmp_path,
        corpus=HOSTILE,
        languages=[HOSTILE, "ig"],
        rules=rules,
        sources=[source],
        signals={HOSTILE: 1},
        benchmarks={HOSTILE: 1},
        repaired={HOSTILE: 1},
        identified={HOSTILE: {HOSTILE: 3}},
        lengths={HOSTILE: report.lengths["en"]},
        duplicate_clusters={HOSTILE: 2},
        options={HOSTILE: HOSTILE},
    )
    assert page.elements["script"] == page.elements["img"] == page.elements["link"] == page.elements["iframe"] == 0
    assert page.text.count(HOSTILE) > 12
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    addresses = [value for name, value in page.attributes if name in ("href", "src", "xlink:href", "action")]
    assert all(value.startswith("#") for value in addresses)
    assert "url(http" not in page.source
    assert "default-src 'none'" in page.source


def test_links_of_the_page_lead_somewhere_and_ids_are_unique(tmp_path: Path) -> None:
    page = rendered(tmp_path)
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value[1:] for name, value in page.attributes if name == "href" and value.startswith("#data")} <= set(ids)


def test_leaks_and_missing_rows_are_said_in_red(tmp_path: Path) -> None:
    page = rendered(tmp_path, leaks=Leaks(equal=2, near=5), splits={"train": 3600, "validation": 180, "test": 180})
    assert "✗ 7 sentences or near-copies cross the splits" in page.text
    assert "2 had an equal there. 5 more had a near-copy there" in page.text
    assert "✗ The rows do not add up: 5,507 in, 1,507 dropped, 4,000 kept, 3,960 written." in page.text
    assert page.source.count('class="bad"') == 2
    assert 'class="verdict refused"' in page.source


def test_what_was_not_done_is_said(tmp_path: Path) -> None:
    text = rendered(
        tmp_path, tokens=None, identified={}, benchmarks={}, warnings=[], options={"near_copies": False}
    ).text
    for expected in (
        "Tokens were not counted: no tokenizer was given.",
        "Near-copies were not looked for: that is switched off.",
        "Languages were not identified.",
        "None was given, so nothing was kept out for one.",
    ):
        assert expected in text
    assert "to look at before training" not in text


def test_a_report_without_a_kept_row_or_with_unknown_options_has_a_page(tmp_path: Path) -> None:
    nothing = Histogram(edges=[0, 10, 20], counts=[0, 0, 0])
    page = rendered(
        tmp_path,
        rows_in=0,
        rows_out=0,
        rules=[],
        splits={},
        lengths={},
        ratio=nothing,
        duplicate_clusters={},
        largest_components=[],
        options={"from_the_future": 1},
    )
    assert "from_the_future = 1" in page.text
    assert "No pair is there twice." in page.text


def test_the_last_bin_of_a_histogram_is_marked_as_open(tmp_path: Path) -> None:
    open_end = Histogram(edges=[0, 10, 20], counts=[1, 1, 9])
    text = rendered(tmp_path, lengths={"en": open_end}).text
    assert "0 10 20+" in text
    assert "half of the kept sentences have 20 or more characters" in text


def test_a_page_is_made_from_the_file_too_and_an_unreadable_one_is_refused(tmp_path: Path) -> None:
    contract.save(tmp_path / DATA_REPORT, data_report())
    render_data(tmp_path / DATA_REPORT, tmp_path / "a.html")
    render_data(contract.load(tmp_path / DATA_REPORT, DataReport), tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()

    (tmp_path / DATA_REPORT).write_text("{}")
    with pytest.raises(BadInput, match="not a valid DataReport"):
        render_data(tmp_path / DATA_REPORT, tmp_path / "c.html")
    assert not (tmp_path / "c.html").exists()
