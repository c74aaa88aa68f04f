"""The step as a whole: what passes, what is refused by the gate, what fails the step."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

from steps import contract
from steps.evaluate.__main__ import main
from steps.evaluate.systems import ADAPTER_WEIGHTS
from steps.evaluate.unpack import unpack
from steps.job import Refused
from steps.sums import sha256_file


def changed_adapter(adapter: Path, target: Path, scale: float) -> Path:
    """A copy of an adapter with every lora_B weight multiplied."""
    shutil.copytree(adapter, target)
    tensors = load_file(target / ADAPTER_WEIGHTS)
    changed = {name: value * scale if "lora_B" in name else value for name, value in tensors.items()}
    save_file(changed, target / ADAPTER_WEIGHTS, metadata={"format": "pt"})
    return target


def rules_refused(report: contract.EvaluationReport) -> list[str]:
    return [rule.rule for rule in report.gate.rules if not rule.passed]


def test_a_model_that_has_learned_its_sentences_passes_with_full_scores(evaluation: Any) -> None:
    main()

    report = evaluation.report
    assert report.gate.verdict == "passed"
    assert [direction.direction for direction in report.directions] == ["en-ig", "ig-en"]
    for direction in report.directions:
        assert direction.sentences == 12
        assert direction.chrf.value == pytest.approx(100)
        assert direction.bleu.value == pytest.approx(100)
        assert direction.base_chrf.value < 50
        assert "nc:6|nw:2" in direction.chrf.signature
    assert report.metrics["validation_loss"]["value"] < 0.1 < report.metrics["validation_loss_base"]["value"]
    assert report.champion == "none"


def test_the_registry_gets_a_ready_made_string_for_every_key(evaluation: Any) -> None:
    main()

    registry = evaluation.report.registry
    assert tuple(registry) == contract.REGISTRY_KEYS
    assert registry["chrf_forward"] == "100.00"
    assert registry["training_steps"] == "60 of 60"
    assert registry["training_hours"] == "0.010"
    assert registry["base_model"].startswith("tiny 1 sha256:")
    undecided = "champion rule not decided: no version had been approved to compare with"
    assert registry["gate"] == f"passed 7 of 9 rules - {undecided}"
    assert evaluation.report.gate.message == f"7 of 9 rules of the gate passed and none refused; {undecided}."
    assert registry["gate_training_fraction"] == "passed 1 limit 0.9"
    assert registry["gate_not_worse_than_champion_forward"] == undecided
    assert registry["training_usd"] == "0.0141", "36 seconds at 1.408 US dollars per hour"
    assert registry["corpus"] == f"phrasebook and mined news sha256:{'c' * 64}"


def test_the_registry_entry_holds_the_sums_of_reports_and_bundle_and_the_card(evaluation: Any) -> None:
    main()

    entry = contract.load(evaluation.out / contract.REGISTRY_ENTRY, contract.RegistryEntry)
    assert entry.digests == {
        "evaluation": f"sha256:{sha256_file(evaluation.out / contract.EVALUATION_REPORT)}",
        "data_report": f"sha256:{sha256_file(evaluation.mounted('data-report') / contract.DATA_REPORT)}",
        "bundle": f"sha256:{sha256_file(evaluation.bundle)}",
    }
    card = contract.ModelCard.model_validate_json(entry.card.content)
    assert [row.name for row in card.evaluation_details[:2]] == ["Held-out test en-ig", "Held-out test ig-en"]
    assert card.training_details.training_job_details.training_datasets[0].endswith("tsv, licence Apache-2.0")
    numbers = {row.name: row.value for row in card.training_details.training_job_details.user_provided_training_metrics}
    assert numbers["US dollars"] == pytest.approx(0.01408)


def test_an_evaluation_without_the_data_report_is_a_failed_step(evaluation: Any) -> None:
    (evaluation.mounted("data-report") / contract.DATA_REPORT).unlink()

    with pytest.raises(Refused, match=r"cannot read data-report\.json"):
        main()


def test_the_bundle_holds_the_adapter_that_was_scored_the_card_of_the_entry_and_the_licences(
    evaluation: Any, learned: Path, base_model: Path, tmp_path: Path
) -> None:
    main()

    folder = unpack(evaluation.bundle, tmp_path / "bundle")
    assert evaluation.report.registry["adapter"] == sha256_file(folder / contract.ADAPTER_FOLDER / ADAPTER_WEIGHTS)
    entry = contract.load(evaluation.out / contract.REGISTRY_ENTRY, contract.RegistryEntry)
    assert (folder / "model-card.json").read_text(encoding="utf-8") == entry.card.content
    said = (folder / "LICENCES.md").read_text(encoding="utf-8")
    assert "- tiny, revision 1: Apache-2.0\n" in said
    assert "- phrasebook, 4582 pairs: Apache-2.0\n" in said
    assert "- mined-news, 925 pairs: not stated\n" in said
    tokenizer = contract.TOKENIZER_FOLDER
    assert {path.name for path in (folder / tokenizer).iterdir()} == {
        path.name for path in (base_model / tokenizer).glob("*.json")
    }


def test_a_base_model_whose_tokenizer_cannot_be_bundled_fails_the_step_before_there_is_an_entry(
    evaluation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steps.evaluate.bundle.TOKENIZER", "spiece.json")

    with pytest.raises(Refused, match=r"lacks tokenizer/spiece\.json"):
        main()
    assert not (evaluation.out / contract.REGISTRY_ENTRY).exists()


def test_two_evaluations_write_the_same_bytes(evaluation: Any) -> None:
    main()
    first = {path.name: path.read_bytes() for path in evaluation.out.iterdir()}
    bundle = evaluation.bundle.read_bytes()
    main()

    assert evaluation.bundle.read_bytes() == bundle
    assert {path.name: path.read_bytes() for path in evaluation.out.iterdir()} == first
    assert sorted(first) == [contract.EVALUATION_REPORT, contract.REGISTRY_ENTRY, contract.SAMPLES]


def test_samples_hold_both_systems_and_both_directions(evaluation: Any) -> None:
    main()

    samples = contract.load(evaluation.out / contract.SAMPLES, contract.SampleSet)
    assert samples.total == len(samples.samples) == 24
    assert all(sample.hypothesis == sample.reference for sample in samples.samples)
    assert all(sample.hypothesis != sample.base_hypothesis for sample in samples.samples)
    assert samples.showcase == samples.samples[:5]
    assert {sample.direction for sample in samples.showcase} == {"en-ig", "ig-en"}


def test_a_loss_over_the_limit_is_refused_by_name_number_and_limit(
    evaluation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MaxValidationLoss", "0.001")
    main()

    assert evaluation.report.gate.verdict == "refused"
    assert rules_refused(evaluation.report) == ["validation_loss"]
    assert "is over the limit 0.001 (MaxValidationLoss). Next: " in evaluation.report.gate.message


def test_an_untrained_adapter_is_refused_since_it_equals_its_base(evaluation: Any, untrained: Path) -> None:
    evaluation.mount_model(untrained)
    main()

    report = evaluation.report
    assert {"adapter_trained", "better_than_base_forward", "better_than_base_backward"} <= set(rules_refused(report))
    assert all(direction.chrf == direction.base_chrf for direction in report.directions)
    assert report.metrics["validation_loss"] == report.metrics["validation_loss_base"]


def test_a_run_cut_short_is_refused(evaluation: Any, learned: Path) -> None:
    evaluation.mount_model(learned, fraction=0.5)
    main()

    assert rules_refused(evaluation.report) == ["training_fraction"]


def test_a_model_worse_than_the_champion_is_refused_with_its_p_value(
    evaluation: Any, learned: Path, tmp_path: Path
) -> None:
    evaluation.mount_champion(learned)
    evaluation.mount_model(changed_adapter(learned, tmp_path / "worse", 0.1))
    main()

    report = evaluation.report
    assert report.champion == "asusu-igbo/7"
    assert {"not_worse_than_champion_forward", "not_worse_than_champion_backward"} <= set(rules_refused(report))
    assert report.metrics["chrf_champion_forward"]["value"] == pytest.approx(100)
    assert report.metrics["p_not_worse_than_champion_forward"]["value"] < 0.05
    assert report.metrics["validation_loss_champion"]["value"] < report.metrics["validation_loss"]["value"]
    for scores in report.directions:
        assert scores.champion_chrf is not None
        assert scores.champion_chrf.low <= scores.champion_chrf.value == pytest.approx(100)
    samples = contract.load(evaluation.out / contract.SAMPLES, contract.SampleSet).samples
    assert all(sample.champion_hypothesis == sample.reference for sample in samples)
    assert min(sample.change for sample in samples) < 0


def test_a_model_equal_to_the_champion_passes(evaluation: Any, learned: Path) -> None:
    evaluation.mount_champion(learned)
    main()

    assert evaluation.report.gate.verdict == "passed"
    assert evaluation.report.gate.message == "Every rule of the gate passed, 9 of 9."
    assert evaluation.report.registry["gate"] == "passed 9 of 9 rules"


def test_weights_that_are_not_numbers_fail_the_step_and_leave_no_report(
    evaluation: Any, learned: Path, tmp_path: Path
) -> None:
    evaluation.mount_model(changed_adapter(learned, tmp_path / "nan", float("nan")))

    with pytest.raises(Refused, match="validation loss of the trained model is nan"):
        main()
    assert not evaluation.out.exists()


def test_an_adapter_with_missing_tensors_fails_the_step(evaluation: Any, learned: Path, tmp_path: Path) -> None:
    adapter = shutil.copytree(learned, tmp_path / "partial")
    tensors = load_file(adapter / ADAPTER_WEIGHTS)
    save_file(dict(list(tensors.items())[2:]), adapter / ADAPTER_WEIGHTS, metadata={"format": "pt"})
    evaluation.mount_model(adapter)

    with pytest.raises(Refused, match="tensors are not those of its configuration"):
        main()


def test_an_adapter_of_another_shape_fails_the_step(evaluation: Any, learned: Path, tmp_path: Path) -> None:
    adapter = shutil.copytree(learned, tmp_path / "other")
    wider = {name: torch.cat([value, value], dim=-1) for name, value in load_file(adapter / ADAPTER_WEIGHTS).items()}
    save_file(wider, adapter / ADAPTER_WEIGHTS, metadata={"format": "pt"})
    evaluation.mount_model(adapter)

    with pytest.raises(Refused, match="the trained adapter does not fit the base model tiny"):
        main()


def test_an_adapter_for_another_base_model_fails_the_step(evaluation: Any, learned: Path, tmp_path: Path) -> None:
    adapter = shutil.copytree(learned, tmp_path / "foreign")
    config = adapter / "adapter_config.json"
    config.write_text(config.read_text().replace('"tiny"', '"mistral-7b"'))
    evaluation.mount_model(adapter)

    with pytest.raises(Refused, match="trained for mistral-7b, not for the mounted tiny"):
        main()


def test_an_adapter_of_another_tokenisation_fails_the_step(evaluation: Any, learned: Path) -> None:
    evaluation.mount_model(learned, max_length=32, template="other")

    with pytest.raises(Refused, match="template, max_length differ"):
        main()


def test_an_adapter_of_another_plan_fails_the_step(evaluation: Any, learned: Path) -> None:
    evaluation.mount_model(learned, planned_steps=30)

    with pytest.raises(Refused, match="a plan of 30 steps, and the plan of these tokens has 60"):
        main()


@pytest.mark.parametrize("spot", [True, False])
def test_the_cost_is_said_with_the_price_it_was_counted_at(
    evaluation: Any, monkeypatch: pytest.MonkeyPatch, spot: bool
) -> None:
    if spot:
        monkeypatch.setenv("SpotTraining", "true")
    main()

    report = evaluation.report
    price, usd = (
        ("0.42 US dollars per hour spot", "0.0042") if spot else ("1.408 US dollars per hour on demand", "0.0141")
    )
    assert report.cost.purchase == ("spot" if spot else "on demand")
    assert (report.registry["training_price"], report.registry["training_usd"]) == (price, usd)


def test_definition_and_images_are_in_the_entry_where_the_definition_says_them(
    evaluation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DefinitionSha256", "d" * 64)
    monkeypatch.setenv("TrainImage", "registry/asusu-train@sha256:" + "1" * 64)
    main()

    entry = contract.load(evaluation.out / contract.REGISTRY_ENTRY, contract.RegistryEntry)
    details = contract.ModelCard.model_validate_json(entry.card.content).additional_information.custom_details
    assert evaluation.report.registry["definition"] == details["definition"] == "sha256:" + "d" * 64
    assert details["image_train"] == "registry/asusu-train@sha256:" + "1" * 64
    assert "image_evaluate" not in details, "nobody said which"


def test_every_direction_has_its_validation_loss_and_the_tokens_it_is_over(evaluation: Any) -> None:
    main()

    report = evaluation.report
    for side, row in zip(("forward", "backward"), report.directions, strict=True):
        assert 0 < row.validation_loss < row.base_validation_loss
        assert report.metrics[f"validation_loss_{side}"]["value"] == row.validation_loss
        assert report.metrics[f"validation_tokens_{side}"]["value"] == row.validation_tokens > 12
        assert report.registry[f"validation_loss_{side}"].endswith(f" over {row.validation_tokens} tokens")
    weighed = sum(row.validation_loss * row.validation_tokens for row in report.directions)
    tokens = sum(row.validation_tokens for row in report.directions)
    assert report.metrics["validation_tokens"]["value"] == tokens
    assert report.metrics["validation_loss"]["value"] == pytest.approx(weighed / tokens)


def test_test_sentences_changed_after_tokenising_fail_the_step(evaluation: Any) -> None:
    columns = {name: ["x"] for name in ("id", "source", "en", "ig")}
    pq.write_table(pa.table(columns), evaluation.mounted("splits") / "test.parquet")

    with pytest.raises(Refused, match="made with another splits"):
        main()


def test_a_champion_folder_that_says_neither_or_both_fails_the_step(evaluation: Any, learned: Path) -> None:
    none = evaluation.mounted("champion") / contract.NONE_OBJECT
    none.unlink()
    with pytest.raises(Refused, match="neither"):
        main()

    evaluation.mount_champion(learned)
    none.write_text("{}")
    with pytest.raises(Refused, match="both"):
        main()


def test_a_champion_of_another_base_model_is_named_and_not_compared(
    evaluation: Any, learned: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(learned, other)
    config = other / contract.ADAPTER_CONFIG
    config.write_text(config.read_text().replace('"tiny"', '"mistral-7b"'))
    evaluation.mount_champion(other)
    main()

    report = evaluation.report
    assert report.champion == "asusu-igbo/7 not compared: it was trained for mistral-7b, not for the mounted tiny"
    assert {pair.other for pair in report.differences} == {"base"}
    assert not [rule for rule in report.gate.rules if "champion" in rule.rule]
    why = "champion rule not decided: asusu-igbo/7: it was trained for mistral-7b, not for the mounted tiny"
    assert report.gate.message == f"7 of 9 rules of the gate passed and none refused; {why}."
    registered = "champion rule not decided: asusu-igbo/7: it was trained for mistral-7b- not for the mounted tiny"
    for side in ("forward", "backward"):
        assert report.registry[f"gate_not_worse_than_champion_{side}"] == registered
    assert report.registry["gate"] == f"passed 7 of 9 rules - {registered}"


def test_a_champion_of_another_revision_of_the_base_model_is_named_and_not_compared(
    evaluation: Any, learned: Path
) -> None:
    evaluation.mount_champion(learned, base_model="a" * 64)
    main()

    report = evaluation.report
    assert report.champion.startswith(
        "asusu-igbo/7 not compared: it was evaluated on another revision of tiny (sha256:aaaaaaaaaaaa) than the mounted"
    )
    assert report.registry["champion"].startswith("asusu-igbo/7 not compared: it was evaluated on another revision")
    assert {pair.other for pair in report.differences} == {"base"}
    assert not [rule for rule in report.gate.rules if "champion" in rule.rule]


def test_a_champion_whose_configuration_was_changed_fails_the_step(evaluation: Any, learned: Path) -> None:
    evaluation.mount_champion(learned)
    config = evaluation.mounted("champion") / contract.ADAPTER_FOLDER / contract.ADAPTER_CONFIG
    config.write_text(config.read_text().replace('"lora_alpha": 64', '"lora_alpha": 4'))

    with pytest.raises(Refused, match=r"the champion's adapter_config\.json is not the one of asusu-igbo/7"):
        main()


def test_a_champion_published_by_an_older_release_fails_the_step_and_says_what_to_do(
    evaluation: Any, learned: Path
) -> None:
    evaluation.mount_champion(learned)
    manifest = evaluation.mounted("champion") / contract.CHAMPION
    kept = json.loads(manifest.read_text())
    del kept["adapter_config_sha256"], kept["base_model_sha256"]
    manifest.write_text(json.dumps(kept))

    with pytest.raises(Refused, match="adapter_config_sha256: Field required.*approve a version again"):
        main()


def test_the_entry_has_the_sums_of_both_files_of_the_adapter(evaluation: Any, learned: Path) -> None:
    main()

    registry = evaluation.report.registry
    assert registry["adapter"] == sha256_file(learned / ADAPTER_WEIGHTS)
    assert registry["adapter_config"] == sha256_file(learned / contract.ADAPTER_CONFIG)


def test_a_champion_whose_files_are_gone_fails_the_step(evaluation: Any, learned: Path) -> None:
    evaluation.mount_champion(learned)
    (evaluation.mounted("champion") / contract.ADAPTER_FOLDER / ADAPTER_WEIGHTS).unlink()

    with pytest.raises(Refused, match="champion adapter has no adapter_model"):
        main()


def test_progress_counts_every_sentence_of_every_system_once(
    evaluation: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    main()

    lines = [line for line in capsys.readouterr().out.splitlines() if '"unit": "sentences"' in line]
    assert '"done": 48, "total": 48' in lines[-1]
