"""The dossier as Markdown and as JSON: the same facts, and no text of a corpus or a model becomes markup."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipeline.review.facts import dossier_facts
from pipeline.review.files import RunFiles
from pipeline.review.markdown import finished, quoted, quoted_in_table
from pipeline.review.report import render_markdown
from steps import contract
from tests.unit.review.conftest import HOSTILE, HOSTILE_MARKDOWN, PACKAGE, save_undecided, training

RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
TEXTS = st.one_of(
    st.text(), st.sampled_from([HOSTILE, HOSTILE_MARKDOWN, "- a", "1. a", "===", "---", "    code", "> q", "a\n\n# b"])
)


def tokens(source: str) -> list[Token]:
    """All tokens of a rendered text, inline ones too."""
    return [inner for token in RENDERER.parse(source) for inner in (token, *(token.children or []))]


def said(source: str) -> str:
    """What a reader sees, white space collapsed."""
    shown = (token.content for token in tokens(source) if token.type in ("text", "code_inline"))
    return " ".join(" ".join(shown).split())


def written(files: RunFiles, folder: Path) -> str:
    render_markdown(files, folder / "dossier.md")
    return (folder / "dossier.md").read_text(encoding="utf-8")


def test_the_markdown_has_the_facts_of_the_page(dossier: RunFiles, tmp_path: Path) -> None:
    text = said(written(dossier, tmp_path))
    for expected in (
        "asusu-igbo/3: passed the gate, waiting for approval",
        "registered: 2026-11-21 14:05 UTC",
        "better than base forward ✓ passed 61.2 13.3",
        "en-ig 200 champion 55.7 54.3 to 57.3 45.7",
        "en-ig champion +5.5 +3.2 to +7.8 0.998",
        "The champion was asusu-igbo/1, scored on the same sentences.",
        "flores-200_devtest Direction Sentences System",
        "en-ig 200 champion 35.7 34.3 to 37.3 25.7 24.3 to 27.3",
        "en-ig champion 0.5 % 12.5 % 0.5 % 0.2 % 1.0 % 0.97 93.0 % —",
        "training loss 3.244 1.025 3.244 0.5069",
        "learning rate 0.0002 0.0002 0.0002 0.0002",
        "tokens per second 2,310 2,335 2,380 2,330",
        "GiB, peak so far 20.05 20.05 20.05 20.05",
        "waiting for data 0.4 % of step time 0.4 % of step time 20.0 %",
        "memory of a GPU, by formula: 20.5 of 21.3 GiB",
        "The 20 worst by chrF++",
        "20 at random out of 400",
        "The 20 most changed against the champion",
        "Ọ na-ere ji n’ahịa.",
        "3 of 7,203 examples, longer than 256 tokens; none was cut",
        "5,507 pairs in, 4,000 kept (72.6 %)",
        "0 sentences or near-copies cross the splits",
        "duplicate 1,010",
        "mined-news not stated moses 925",
        "price $0.16 to $0.24",
        "The price is an assumption, nobody has read a bill: a spot price that was seen once.",
        "en-ig 4,321 0.54 4.3",
        "ig-en 3,333 0.5 3.8",
        "code: 0.1.0+0123456789ab",
        "CanaryResume found the checkpoint that the platform brought back and went on from step 12",
        "200 0.5 0.4 3.33 min 1 1.0 MiB",
        "definition: " + "f" * 64,
        "LoraRank 16",
        'approve: asusu approve asusu-igbo/3 --reason "..."',
    ):
        assert expected in text, expected


def test_a_benchmark_has_every_number_of_the_held_out_split(dossier: RunFiles, tmp_path: Path) -> None:
    text = said(written(dossier, tmp_path))
    own, others = text.split("Evaluation sets of others")
    for expected in (
        "en-ig 200 this model",
        "ig-en 200 base model",
        "en-ig champion +5.5 +3.2 to +7.8 0.998",
        "en-ig this model 0.5 % 0.0 % 0.5 % 0.2 % 1.0 % 0.97 93.0 % —",
        "en-ig base model 20.0 % 0.0 % 20.0 % 10.0 % 40.0 % 0.97 93.0 % —",
    ):
        assert expected in own, expected
        assert expected in others, expected
    assert "en-ig base +28.9 +26.7 to +31.0 1.000" in others


def test_no_sentence_slips_into_a_table(dossier: RunFiles, tmp_path: Path) -> None:
    lines = written(dossier, tmp_path).splitlines()
    after = [below for above, below in itertools.pairwise(lines) if above.startswith("|")]
    assert all(line.startswith("|") or not line for line in after)


def test_a_training_of_before_speed_was_kept_says_so(dossier: RunFiles, gathered: Path, tmp_path: Path) -> None:
    old = training().model_copy(update={"pace_curve": []})
    contract.save(gathered / contract.TRAINING_REPORT, old)
    text = said(written(dossier, tmp_path))
    assert "Speed and memory over the run were not recorded" in text
    assert "GiB, peak so far" not in text
    assert "learning rate 0.0002" in text


def test_hostile_text_makes_no_html_no_link_no_picture_and_no_structure_of_its_own(
    dossier: RunFiles, gathered: Path, tmp_path: Path
) -> None:
    """Every text of the run is hostile; the document has the same shape as a harmless one."""

    def shape(source: str) -> Counter[str]:
        kinds = [token.type for token in tokens(source) if token.type not in ("text", "code_inline", "softbreak")]
        return Counter(kinds)

    def with_texts(text: str) -> str:
        drawn = contract.load(gathered / contract.SAMPLES, contract.SampleSet)
        texts = dict.fromkeys(("source", "reference", "hypothesis", "base_hypothesis", "champion_hypothesis"), text)
        rows = [row.model_copy(update=texts) for row in drawn.samples]
        contract.save(gathered / contract.SAMPLES, drawn.model_copy(update={"samples": rows}))
        data = contract.load(gathered / contract.DATA_REPORT, contract.DataReport)
        source = data.sources[0].model_copy(update={"name": text, "licence": text})
        rules = [data.rules[0].model_copy(update={"rule": text, "reason": text})]
        changed = {"corpus": text, "sources": [source], "rules": rules, "warnings": [text], "benchmarks": {text: 1}}
        contract.save(gathered / contract.DATA_REPORT, data.model_copy(update=changed))
        package = replace(PACKAGE, status=text, decided=text, who=text, reason=text, metadata={text: text})
        hostile = replace(dossier, package=package, provenance={text: text}, commands=[(text, text)])
        return written(hostile, tmp_path)

    harmless = shape(with_texts("word"))
    for text in (HOSTILE, HOSTILE_MARKDOWN, "\u202eturned\x1b[31m\0", "ọ́ " * 2000, "x" * 4000):
        source = with_texts(text)
        assert shape(source) == harmless
        assert not {"\u202e", "\x1b", "\0"} & set(source)
    assert not {"html_inline", "html_block", "link_open", "image", "fence", "blockquote_open"} & harmless.keys()


@given(TEXTS)
def test_a_text_is_shown_as_itself_wherever_it_stands(text: str) -> None:
    visible = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\ufffd", text)  # some of these are white space to split()
    plain = " ".join(
        re.sub(
            "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", lambda sign: f"[U+{ord(sign[0]):04X}]", visible
        ).split()
    )
    for source in (finished(text), f"| {finished(text)} |\n|---|\n| {quoted_in_table(text)} |"):
        kinds = {token.type for token in tokens(source)}
        allowed = {"paragraph_open", "paragraph_close", "inline", "text", "code_inline", "text_special"}
        table = {f"{part}_{end}" for part in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")}
        assert kinds <= allowed | table
    if plain and plain.isprintable() and len(plain) <= 240:
        assert said(quoted(text)) == plain
        assert "".join(token.content for token in tokens(finished(text)) if token.type == "text") == plain


def test_a_long_text_is_cut_with_its_length_and_an_empty_one_is_said() -> None:
    assert quoted("x" * 4000) == f"`{'x' * 240}` … of 4,000 characters"
    assert quoted(" \n") == "(nothing)"


def test_a_run_without_reports_has_its_markdown(tmp_path: Path) -> None:
    text = said(written(RunFiles(provenance={}, failure="Preflight: MaxLength=9 is out of range"), tmp_path))
    assert "did not finish Preflight: MaxLength=9 is out of range" in text
    assert "There is no evaluation.json: the run ended before EvaluateModel wrote it." in text


@pytest.mark.parametrize("verdict", ["passed", "refused"])
def test_a_rule_that_was_not_decided_stands_under_the_heading_and_among_the_rules(
    dossier: RunFiles, gathered: Path, tmp_path: Path, verdict: str
) -> None:
    why = f"champion rule not decided: asusu-igbo/1: it was trained for {HOSTILE_MARKDOWN}"
    save_undecided(gathered, why, verdict)
    source = written(dossier, tmp_path)
    text = said(source)
    heading, rules = text[: text.index("registered:")], text[text.index("Rules of the gate") : text.index("Scores on")]
    assert "Champion rule not decided: asusu-igbo/1: it was trained for" in heading
    for side in ("forward", "backward"):
        assert f"not worse than champion {side} – not decided — — champion rule not decided: asusu-igbo/1" in rules
    assert "image" not in {token.type for token in tokens(source)}


def test_the_facts_are_one_json_object_with_every_report(dossier: RunFiles) -> None:
    facts = json.loads(json.dumps(dossier_facts(dossier), allow_nan=False))
    assert facts["version"]["name"] == "asusu-igbo/3"
    assert facts["evaluation"]["gate"]["verdict"] == "passed"
    assert facts["plan"]["steps"] == facts["training"]["steps"] == 300
    assert facts["canaries"]["resume"]["start_step"] == 12
    assert facts["data"]["rows_out"] == 4000
    assert [seal["step"] for seal in facts["seals"]] == [100, 200]
    assert facts["seals"][0]["adapter_sha256"] == "0" * 64
    assert {name: len(facts["samples"][name]) for name in ("worst", "random", "most_changed")} == dict.fromkeys(
        ("worst", "random", "most_changed"), 20
    )
    assert facts["planned_and_actual"][0] == {
        "what": "optimiser steps", "guessed": "—", "planned": "300", "actual": "300"
    }  # fmt: skip
    assert facts["absent"] == {}


@pytest.mark.parametrize("name", ["training", "evaluation", "samples", "data", "plan"])
def test_a_report_that_is_missing_is_null_in_the_facts_with_the_reason(
    dossier: RunFiles, gathered: Path, name: str
) -> None:
    path = getattr(dossier, "data_report" if name == "data" else name)
    path.unlink()
    facts = dossier_facts(dossier)
    assert facts[name] is None
    assert "the run ended before" in facts["absent"][name]
