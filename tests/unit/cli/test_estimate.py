"""`asusu estimate`: the lost run refused with its numbers, a sound run that fits, and bad input named."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.errors import BadInput
from steps.contract import MANIFEST

LOST_RUN = [
    *("--examples", "19552096", "--max-runtime-hours", "168"),
    *(
        "--param",
        "Epochs=3",
        "--param",
        "PackLength=256",
        "--param",
        "MaxTrainingHours=168",
        "--param",
        "MaxCostUsd=237",
    ),
    *("--lever", "batching=padded", "--lever", "gradient_checkpointing=on", "--lever", "lora_dropout=0.05"),
]


def ask(*arguments):
    return CliRunner().invoke(app, ["estimate", *arguments])


def machine_readable(*arguments):
    return json.loads(ask(*arguments, "--json").stdout)


def test_the_lost_run_is_refused_with_181_days_and_6100_dollars():
    said = ask(*LOST_RUN)
    assert said.exit_code == 4
    for text in ("3,666,018 optimiser steps", "(181 days)", "$6,112", "MaxTrainingHours is 168", "MaxCostUsd is 237"):
        assert text in said.stdout
    found = machine_readable(*LOST_RUN)
    assert found["estimate"]["hours_expected"] / 24 == pytest.approx(180.8, abs=0.5)
    assert found["estimate"]["usd_expected"] == pytest.approx(6_100, rel=0.01)
    assert len(found["problems"]) == 3
    assert found["memory"]["fits"]


def test_what_a_person_and_a_machine_read_are_the_same_numbers():
    arguments = ["--pairs", "200000"]
    said, found = ask(*arguments), machine_readable(*arguments)
    assert said.exit_code == 0
    assert found["fits"]
    assert found["examples"] == 400_000
    for text in (
        f"need        {found['memory']['need']:>8.2f}",
        f"longest     {found['memory']['longest']:>8,}",
        f"{found['steps']:,} optimiser steps",
        f"{found['saving']['checkpoints']} of {found['saving']['checkpoint_mib']:.1f} MiB",
        f"{found['spot']['break_even_per_day']:.1f} interruptions a day",
    ):
        assert text in said.stdout
    assert {pack["pack_length"]: pack["kept_fits"] for pack in found["packs"]} == {
        256: True,
        512: True,
        768: True,
        1024: True,
        1280: False,
        1536: False,
        2048: False,
    }


def test_a_pack_that_does_not_fit_is_refused_with_the_lever_to_pull():
    size = ["--param", "PackLength=2048", "--lever", "gradient_checkpointing=off"]
    said = ask("--pairs", "1000", *size)
    assert said.exit_code == 4
    assert "PackLength at most 1152" in said.stdout
    assert "(26.2)" in said.stdout


def test_ml_g5_2xlarge_offers_no_more_memory_than_ml_g5_xlarge():
    small, large = (
        machine_readable("--pairs", "1000", "--param", f"TrainingInstanceType=ml.g5.{size}")
        for size in ("xlarge", "2xlarge")
    )
    assert large["memory"] == small["memory"]
    assert large["estimate"]["usd_per_hour"] > small["estimate"]["usd_per_hour"]
    assert large["spot"] is None


def test_a_staged_base_model_gives_its_own_dimensions(base_model):
    found = machine_readable("--pairs", "1000", "--model", str(base_model))
    assert found["memory"]["weights"] < 0.01
    assert found == machine_readable("--pairs", "1000", "--model", str(base_model / MANIFEST))


def test_interruptions_raise_the_price_of_spot():
    few, many = (machine_readable("--pairs", "100000", "--interruptions-per-day", n)["spot"] for n in ("0", "8"))
    assert few["hours"] < many["hours"]
    assert few["usd"] < many["usd"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--examples or --pairs"),
        (["--pairs", "5", "--examples", "5"], "--examples or --pairs"),
        (["--pairs", "5", "--lever", "speed=11"], "speed"),
        (["--pairs", "5", "--lever", "packed"], "name=value"),
        (["--pairs", "5", "--lever", "lora_dropout=2"], "lora_dropout"),
        (["--pairs", "5", "--param", "Epochs=0"], "Epochs"),
        (["--pairs", "5", "--param", "TokensPerStep=1000"], "TokensPerStep=1000 is not a multiple"),
        (["--pairs", "5", "--model", "nowhere"], "--model nowhere is neither mistral-7b nor"),
        (["--pairs", "5", "--env", "moon"], "moon"),
        (["--pairs", "5", "--tokens-per-example", "300"], "300 is over MaxLength=256"),
    ],
)
def test_bad_input_is_named(arguments, says):
    error = ask(*arguments).exception
    assert isinstance(error, BadInput)
    assert error.exit_code == 2
    assert says in str(error)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--examples", "1" + 400 * "0"],
        ["--pairs", "1" + 400 * "0"],
        ["--pairs", "5", "--max-runtime-hours", "inf"],
        ["--pairs", "5", "--interruptions-per-day", "inf"],
    ],
)
def test_a_number_without_measure_is_bad_input(arguments):
    """JSON has no infinity, and 10 to the 400 is no float."""
    said = ask(*arguments, "--json")
    assert said.exit_code == 2
    assert arguments[-2] in said.output


def test_a_run_of_no_measurable_time_still_has_a_speed(base_model):
    one, many = ask("--examples", "1"), ask("--examples", "1000000", "--param", "MaxTrainingHours=600")
    speeds = [next(line for line in said.stdout.splitlines() if "slots/s" in line) for said in (one, many)]
    assert speeds[0].split()[1:4] == speeds[1].split()[1:4]
    assert ask("--pairs", "1000", "--model", str(base_model)).exit_code == 0


@pytest.mark.parametrize(("batching", "share"), [("packed", "99%"), ("token-budget", "98%"), ("padded", "38%")])
def test_the_share_of_real_tokens_is_that_of_the_batching_however_few_steps(batching, share):
    said = ask("--pairs", "100000", "--lever", f"batching={batching}", "--param", "MaxSteps=3").stdout
    assert f"{share} of the slots hold a real token" in said


def test_a_run_that_never_ends_on_spot_says_so():
    assert "never ends" in ask("--pairs", "1000", "--interruptions-per-day", "1000").stdout


def test_the_docs_show_what_the_lost_runs_command_prints():
    docs = (Path(__file__).resolve().parents[3] / "docs" / "memory.md").read_text(encoding="utf-8")
    assert ask(*LOST_RUN).stdout.strip() in docs
