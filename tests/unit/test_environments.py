"""The environments that are shipped: explained line by line, without an account, and wrong ones refused all at once."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from pipeline import settings
from pipeline.errors import BadInput
from steps.parameters import BY_NAME

NAMES = settings.environment_names()
NOBODY = "000000000000"


def text(name: str) -> str:
    return (files("pipeline") / "environments" / f"{name}.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_of_an_environment_is_explained_where_it_stands(name: str) -> None:
    lines = text(name).splitlines()
    assert lines[0].startswith("# "), "what the environment is for"
    unexplained = [line for line in lines if re.match(r"[a-z]", line) and "#" not in line]
    assert unexplained == []


@pytest.mark.parametrize("name", NAMES)
def test_an_environment_names_no_account(name: str) -> None:
    assert set(re.findall(r"\d{12}", text(name))) <= {NOBODY}
    if name != "local":
        assert "{account}" in text(name)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "local"])
def test_a_stage_differs_from_the_others_by_its_tag(name: str) -> None:
    assert settings.load(name, {"account": NOBODY}).tags["stage"] == name


def test_a_rehearsal_is_the_production_graph_with_smaller_parameters() -> None:
    production, staging = (settings.load(name, {"account": NOBODY}) for name in ("production", "staging"))
    differing = {name for name in type(production).model_fields if getattr(production, name) != getattr(staging, name)}
    assert differing == {"tags", "start_parameters"}
    starts = staging.start_parameters
    assert float(starts["MaxCostUsd"]) < float(str(BY_NAME["MaxCostUsd"].default))
    assert float(starts["MaxTrainingHours"]) < float(str(BY_NAME["MaxTrainingHours"].default))


def test_every_error_of_a_file_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    broken = text("production").replace("{account}", NOBODY).replace("us-east-1  ", "nowhere  ", 1)
    broken = broken.replace("kms_key: alias/asusu", 'kms_key: ""').replace(
        "max_runtime_hours: 120", "max_runtime_hours: 0"
    )
    path.write_text(f"{broken}\ncolour: blue\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"has 4 problem\(s\)") as raised:
        settings.load(str(path))
    for place in ("region", "kms_key", "max_runtime_hours", "colour"):
        assert place in raised.value.message


def test_what_is_missing_is_named_without_all_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    lines = text("production").replace("{account}", NOBODY).splitlines()
    path.write_text("\n".join(line for line in lines if not line.startswith("region:")), encoding="utf-8")
    with pytest.raises(BadInput) as raised:
        settings.load(str(path))
    assert raised.value.message.splitlines()[1:] == ["  region: Field required"]


def test_settings_that_contradict_each_other_and_wrong_start_values_are_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    broken = text("production").replace("{account}", NOBODY).replace("max_runtime_hours: 120", "max_runtime_hours: 1")
    broken = broken.replace("enabled: false", "enabled: true").replace("max_wait_hours: 168", "max_wait_hours: 1")
    broken = broken.replace("stop_margin_minutes: 30", "stop_margin_minutes: 60")
    path.write_text(f'{broken}\nstart_parameters:\n  LoraRank: "300"\n  Colour: blue\n', encoding="utf-8")
    with pytest.raises(BadInput) as raised:
        settings.load(str(path))
    for said in ("stop_margin_minutes 60", "LoraRank=300", "Colour"):
        assert said in raised.value.message


def test_contradictions_and_wrong_start_values_are_said_beside_wrong_fields(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    broken = text("production").replace("{account}", NOBODY).replace("kms_key: alias/asusu", 'kms_key: ""')
    broken = broken.replace("enabled: false", "enabled: true").replace("max_wait_hours: 168", "max_wait_hours: 119")
    path.write_text(f'{broken}\nstart_parameters:\n  LoraRank: "300"\n', encoding="utf-8")
    with pytest.raises(BadInput, match=r"has 3 problem\(s\)") as raised:
        settings.load(str(path))
    for said in ("kms_key", "max_wait_hours 119 is under max_runtime_hours 120", "LoraRank=300"):
        assert said in raised.value.message


@pytest.mark.parametrize("number", ["123", "12345678901x", "", "123456789012\n", "１２３４５６７８９０１２"])
def test_what_is_no_account_number_is_said_before_the_roles_it_would_spoil(number: str) -> None:
    with pytest.raises(BadInput, match="no account number") as raised:
        settings.load("production", {"account": number})
    assert "--account" in raised.value.hint
    assert "roles" not in raised.value.message
