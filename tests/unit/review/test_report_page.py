"""The page of a run: complete, offline, safe to open, and honest about what is missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from pipeline.review.choice import worst_samples
from pipeline.review.files import CANARY_RESUME, CANARY_TRAIN, RunFiles
from pipeline.review.report import render
from steps import contract
from tests.unit.review.conftest import HOSTILE, Page

STEPS = ("Preflight", "PrepareCorpus", "TokenizeExamples", "CanaryTrain", "CanaryResume", "TrainLora", "EvaluateModel")


def rendered(files: RunFiles, folder: Path) -> Page:
    render(files, folder / "page" / "report.html")
    return Page((folder / "page" / "report.html").read_text(encoding="utf-8"))


def test_a_passed_run_shows_verdict_scores_data_plan_canaries_and_commands(files: RunFiles, tmp_path: Path) -> None:
    text = rendered(files, tmp_path).text
    for expected in (
        "Passed the gate",
        "better than base forward",
        "61.2",
        "Ọ na-ere ji n’ahịa.",
        "Anyị ga-aṅụ mmiri echi.",
        "5,507 pairs in, 4,000 kept (72.6 %)",
        "✓ 0 sentences or near-copies cross the splits",
        "Apache-2.0",
        "2,000 to 2,900",
        "$0.06 at $0.42 an hour, spot",
        "The price is an assumption, nobody has read a bill: a spot price that was seen once.",
        "CanaryResume found the checkpoint that the platform brought back and went on from step 12",
        "Sealed at steps 100, 200, 300. The run was not resumed.",
        "f" * 64,
        'asusu approve 1 --reason "..."',
    ):
        assert expected in text


def test_a_machine_without_a_gpu_is_given_no_price(files: RunFiles, tmp_path: Path) -> None:
    here = contract.load(files.canary_train or Path(), contract.CanaryReport).model_copy(
        update={"memory_limit_gib": None}
    )
    contract.save(tmp_path / "canary.json", here)
    text = rendered(replace(files, canary_train=tmp_path / "canary.json"), tmp_path).text
    assert "no GPU, no price" in text
    assert "an hour, spot" not in text
    assert "The price is an assumption" not in text


def test_twenty_are_drawn_in_order_and_twenty_worst_are_sorted_by_score(files: RunFiles, tmp_path: Path) -> None:
    samples = contract.load(files.samples or Path(), contract.SampleSet).samples
    source = rendered(files, tmp_path).source
    assert source.count('<td class="score"') == 40
    drawn = source[source.index("20 at random") :]
    places = [drawn.index(f">{place}: ") for place in range(20)]
    assert places == sorted(places)
    scores = [sample.chrf for sample in worst_samples(samples)]
    assert scores == sorted(sample.chrf for sample in samples)[:20]


def test_a_refused_run_leads_with_the_reason(
    files: RunFiles, gathered: Path, refused: contract.EvaluationReport, tmp_path: Path
) -> None:
    contract.save(gathered / contract.EVALUATION_REPORT, refused)
    text = rendered(replace(files, failure="Model refused: validation loss ..."), tmp_path).text
    assert "Refused by the gate validation loss 1.83 against the limit 1 (MaxValidationLoss)." in text
    assert "✗ refused" in text


def test_hostile_text_is_shown_as_text_and_nothing_is_fetched_or_run(files: RunFiles, tmp_path: Path) -> None:
    page = rendered(replace(files, provenance={HOSTILE: HOSTILE}, failure=HOSTILE), tmp_path)
    assert page.elements["script"] == page.elements["img"] == page.elements["link"] == page.elements["iframe"] == 0
    assert HOSTILE in page.text
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    addresses = [value for name, value in page.attributes if name in ("href", "src", "xlink:href", "action")]
    assert addresses
    assert all(value.startswith("#") for value in addresses)
    assert "url(http" not in page.source
    assert "default-src 'none'" in page.source


def test_control_characters_are_replaced_and_marks_that_turn_text_around_are_named(
    files: RunFiles, tmp_path: Path
) -> None:
    page = rendered(files, tmp_path)
    assert "\0" not in page.source
    assert "\a" not in page.source
    assert (
        '<div class="sentence" dir="auto" lang="ig">&amp;lt;b&amp;gt; [U+202E]right to left\ufffd \ufffd</div>'
        in page.source
    )


def test_an_endless_sentence_is_folded_but_whole(files: RunFiles, tmp_path: Path) -> None:
    page = rendered(files, tmp_path)
    assert "x" * 4000 in page.source
    assert "4,000 characters" in page.text


def test_pictures_take_their_colours_from_the_page_and_share_no_ids(files: RunFiles, tmp_path: Path) -> None:
    page = rendered(files, tmp_path)
    assert page.elements["svg"] == 9
    assert page.source.count("currentColor") > 30
    assert "#0" not in page.source[page.source.index("<svg") :]
    ids = Counter(value for name, value in page.attributes if name == "id")
    assert not [name for name, count in ids.items() if count > 1]


def test_names_in_pictures_are_neither_markup_nor_formulas(files: RunFiles, gathered: Path, tmp_path: Path) -> None:
    report = contract.load(gathered / contract.DATA_REPORT, contract.DataReport)
    rule = report.rules[0].model_copy(update={"rule": "<b>$x_1$</b>"})
    contract.save(gathered / contract.DATA_REPORT, report.model_copy(update={"rules": [rule]}))
    page = rendered(files, tmp_path)
    assert page.elements["b"] == page.source.count(" characters</b>") + page.source.count("<p><b>")
    assert "<b>$x_1$</b>" in page.text


def test_equal_reports_make_equal_pages_and_no_leftovers(files: RunFiles, tmp_path: Path) -> None:
    first = rendered(files, tmp_path).source
    assert rendered(files, tmp_path).source == first
    assert [path.name for path in (tmp_path / "page").iterdir()] == ["report.html"]


def test_a_run_that_failed_before_its_first_report_still_has_a_page(tmp_path: Path) -> None:
    text = rendered(RunFiles(provenance={}, failure="Preflight: MaxLength=9 is out of range"), tmp_path).text
    assert "Did not finish Preflight: MaxLength=9 is out of range" in text
    assert all(f"the run ended before {step} wrote it" in text for step in STEPS)


def test_a_run_still_at_work_says_what_is_missing_instead_of_a_verdict(files: RunFiles, gathered: Path) -> None:
    (gathered / contract.EVALUATION_REPORT).unlink()
    text = rendered(files, gathered).text
    assert "Did not finish There is no evaluation.json" in text
    assert "Passed" not in text


def test_canaries_stand_beside_what_was_planned_and_what_is_allowed(files: RunFiles, tmp_path: Path) -> None:
    limited = replace(files, parameters={**files.parameters, "MaxTrainingHours": 24.0, "MaxCostUsd": 100.0})
    text = rendered(limited, tmp_path).text
    for expected in (
        "ran on 1 x NVIDIA A10G 1 x NVIDIA A10G",
        "TFLOPS 40.2 40.2 share of the peak 57.4 % of 70 57.4 % of 70 100.0 %",
        "peak memory 20.1 GiB 20.1 GiB 20.5 GiB with what is reserved 20.4 GiB 20.4 GiB 21.3 GiB",
        "half of the steps under 2.9 s 2.9 s",
        "waiting for data 0.4 % of step time 0.4 % of step time 20.0 %",
        "one validation 9.5 s",
        "all validations 2.1 % of the run 2.1 % of the run 5.0 %",
        "one checkpoint 1.2 s 1.2 s 1.67 min",
        "the whole run 8.4 min 8.4 min 6.9 min to 10 min 24 h",
        "its price $0.20 $0.20 $0.16 to $0.24 $100.00",
        "dense bf16 arithmetic of 1 x NVIDIA A10G",
    ):
        assert expected in text


def test_a_canary_on_a_cpu_claims_no_share_of_a_gpu(files: RunFiles, gathered: Path, tmp_path: Path) -> None:
    on_cpu = {"device": "1 x CPU process", "peak_tflops": None, "memory_limit_gib": None}
    for path in (gathered / CANARY_TRAIN, gathered / CANARY_RESUME):
        contract.save(path, contract.load(path, contract.CanaryReport).model_copy(update=on_cpu))
    text = rendered(files, tmp_path).text
    assert "TFLOPS 40.2 40.2 share of the peak — —" in text
    assert "peak memory 20.10 GiB of the host" in text
    assert "this machine's peak is not known" in text


def test_the_plan_shows_what_memory_it_needs_and_how_often_it_saves(files: RunFiles, tmp_path: Path) -> None:
    text = rendered(files, tmp_path).text
    for expected in (
        "needed, by formula 20.5 GiB available 21.3 GiB left over +0.8 GiB",
        "longest that fits 1,150 token slots activations kept",
        "at the latest every 15 min or every 1,000 steps expected 9 each 78.1 MiB all of them 0.69 GiB",
        "to fetch at a restart 6 s",
    ):
        assert expected in text


def test_memory_is_drawn_where_the_model_is_more_than_nothing_beside_the_gpu(
    files: RunFiles, gathered: Path, tmp_path: Path
) -> None:
    assert rendered(files, tmp_path).elements["svg"] == 9
    path = gathered / contract.PLAN
    plan = contract.load(path, contract.TrainingPlan)
    contract.save(path, plan.model_copy(update={"memory": plan.memory.model_copy(update={"need": 0.9})}))
    assert rendered(files, tmp_path).elements["svg"] == 8


def test_checkpoint_seals_are_listed_by_step(files: RunFiles, tmp_path: Path, training_seals: list[Path]) -> None:
    text = rendered(replace(files, seals=training_seals), tmp_path).text
    assert text.index("100 0.9 0.8 1.67 min 1 1.0 MiB") < text.index("200 0.5 0.4 3.33 min 1 1.0 MiB")
