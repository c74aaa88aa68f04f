"""The compiled definition: golden, deterministic, the same graph in every environment, and its edges."""

import hashlib
import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline import settings
from pipeline.definition import compile_recipe, digest, in_order, needs, read, with_own_sum
from pipeline.errors import BadInput
from pipeline.lint import lint
from steps.contract import DATA_REPORT, EVALUATION_REPORT, REGISTRY_KEYS
from steps.job import decode
from steps.parameters import PARAMETERS
from steps.prepare.options import ALWAYS_ON, RULES

ACCOUNT = {"account": "111122223333"}
CHAIN = ["Preflight", "PrepareCorpus", "TokenizeExamples", "CanaryTrain", "CanaryResume", "TrainLora", "EvaluateModel"]


@pytest.fixture(scope="module")
def shipped():
    return (files("pipeline") / "compiled" / "igbo.local.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def definition(shipped):
    return read(shipped)


def test_compiling_needs_no_account_and_gives_the_shipped_bytes(shipped, tmp_path):
    """In a process of its own: no region, no credentials, no home, and sockets that refuse to connect."""
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('the network was used')\n"
        "socket.socket.connect = refuse\nsocket.getaddrinfo = refuse\n"
        "from pipeline.definition import compile_recipe\nfrom pipeline.settings import load\nimport sys\n"
        "first, second = (compile_recipe('igbo', load('local')) for _ in range(2))\n"
        "assert first == second\nsys.stdout.write(first)\n"
        "import logging\nassert (logging.root.level, logging.root.handlers) == (logging.WARNING, []), 'the SDK logs'\n"
    )
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout == shipped, "the shipped definition is stale: run `make compile`"


def without_slots(value, key=""):
    """A definition with the slots that environments may fill blanked out."""
    slots = {"ImageUri", "TrainingImage", "Image", "RoleArn", "KmsKeyId", "VolumeKmsKeyId"}
    slots |= {"image_train", "image_evaluate", "TrainImage", "EvaluateImage"}  # the same images, said in the registry
    slots |= {"DefinitionSha256"}  # the definition's own sum
    if key in slots:
        return "<slot>"
    if key == "Tags":
        return "<tags>"
    if isinstance(value, dict):
        return {name: without_slots(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [without_slots(item) for item in value]
    if isinstance(value, str):
        if key == "Bucket":
            return "<slot>"
        for bucket in ("asusu-local", "asusu-111122223333-us-east-1"):
            value = value.replace(bucket, "<bucket>")
    return value


@pytest.mark.parametrize("name", [name for name in settings.environment_names() if name != "local"])
def test_environments_differ_in_listed_slots_only(name, shipped):
    other = json.loads(compile_recipe("igbo", settings.load(name, ACCOUNT)))
    assert without_slots(other) == without_slots(json.loads(shipped))
    assert other != json.loads(shipped)


def test_a_definition_states_its_own_sum_and_the_images_to_the_evaluation(shipped, definition):
    stated = definition.step("EvaluateModel").arguments["Environment"]
    assert stated["DefinitionSha256"] == digest(shipped)
    assert stated["TrainImage"] == definition.step("TrainLora").arguments["AlgorithmSpecification"]["TrainingImage"]
    assert stated["EvaluateImage"] == definition.step("EvaluateModel").arguments["AppSpecification"]["ImageUri"]


def test_the_sum_of_a_definition_follows_everything_but_the_place_where_it_stands(shipped):
    elsewhere = shipped.replace(digest(shipped), "f" * 64)
    assert elsewhere != shipped
    assert digest(elsewhere) == digest(shipped)
    assert digest(shipped.replace("asusu-igbo", "asusu-ibo")) != digest(shipped)
    assert digest("{}") == hashlib.sha256(b"{}").hexdigest(), "a definition without the slot has the sum of its bytes"


def test_the_steps_form_one_chain_of_explicit_dependencies(definition):
    for before, after in pairwise(CHAIN):
        assert before in definition.step(after).depends_on
    assert [step.name for step in in_order(definition)][: len(CHAIN)] == CHAIN


def test_every_parameter_of_the_table_is_declared_with_its_type_default_and_choices(definition):
    declared = {row.name: (row.type, row.default, row.choices) for row in definition.parameters}
    assert declared == {row.name: (row.type, row.default, row.choices) for row in PARAMETERS}


def test_keeping_every_checkpoint_survives_the_trip_through_strings(definition):
    for name in ("CanaryTrain", "CanaryResume", "TrainLora"):
        text = definition.step(name).arguments["HyperParameters"]["save_total_limit"]
        assert isinstance(text, str)
        assert decode(text) is None


@pytest.mark.parametrize(("text", "value"), [("null", None), ("None", None), ("", None), ("3", 3), ("abc", "abc")])
def test_hyperparameters_are_decoded_however_the_sdk_spelled_them(text, value):
    assert decode(text) == value


def test_training_jobs_are_isolated_and_checkpoint_apart(definition):
    prefixes = {}
    for name in ("CanaryTrain", "CanaryResume", "TrainLora"):
        arguments = definition.step(name).arguments
        assert arguments["EnableNetworkIsolation"] is True
        prefixes[name] = json.dumps(arguments["CheckpointConfig"]["S3Uri"])
    assert prefixes["CanaryTrain"] == prefixes["CanaryResume"] != prefixes["TrainLora"]


def test_only_steps_with_content_addressed_inputs_are_cached_by_the_service(definition):
    cached = [step.name for step in definition.steps if step.raw.get("CacheConfig", {}).get("Enabled")]
    assert cached == ["PrepareCorpus", "TokenizeExamples"]


def test_the_gate_shows_the_loss_limit_and_the_verdict_and_names_both_ends(definition):
    gate = definition.step("CheckValidationLoss")
    first, second = gate.arguments["Conditions"]
    assert (first["Type"], first["RightValue"]) == ("LessThanOrEqualTo", {"Get": "Parameters.MaxValidationLoss"})
    assert (second["Type"], second["RightValue"]) == ("Equals", "passed")
    assert {step.name: step.branch for step in definition.steps if step.branch} == {
        "RegisterModel": ("CheckValidationLoss", "If"),
        "RejectModel": ("CheckValidationLoss", "Else"),
    }
    assert definition.step("RegisterModel").arguments["ModelApprovalStatus"] == "PendingManualApproval"
    said = definition.step("RejectModel").arguments["ErrorMessage"]["Std:Join"]["Values"]
    assert said[1]["Std:JsonGet"]["Path"] == "gate.message"
    assert "MaxValidationLoss" not in json.dumps(said), "the message names the limit of the rule that refused"


def test_the_registry_entry_carries_sums_of_both_reports_and_a_card_that_the_evaluation_wrote(definition):
    arguments = definition.step("RegisterModel").arguments
    for kind, file in (("ModelQuality", EVALUATION_REPORT), ("ModelDataQuality", DATA_REPORT)):
        source = arguments["ModelMetrics"][kind]["Statistics"]
        assert source["S3Uri"]["Std:Join"]["Values"][-1] == file
        assert source["ContentDigest"]["Std:JsonGet"]["Path"].startswith("digests.")
    assert arguments["ModelCard"]["ModelCardContent"]["Std:JsonGet"]["Path"] == "card.content"
    assert arguments["ModelCard"]["ModelCardStatus"] == "PendingReview"
    metadata = arguments["CustomerMetadataProperties"]
    assert set(metadata) == {*REGISTRY_KEYS, "bundle", "execution", "execution_arn", "image_train", "image_evaluate"}
    assert len(metadata) <= 50


def test_the_registry_entry_points_to_the_bundle_that_the_evaluation_made_and_carries_its_sum(definition):
    arguments = definition.step("RegisterModel").arguments
    (container,) = arguments["InferenceSpecification"]["Containers"]
    output, file = container["ModelDataUrl"]["Std:Join"]["Values"]
    assert output == {"Get": "Steps.EvaluateModel.ProcessingOutputConfig.Outputs['bundle'].S3Output.S3Uri"}
    assert file == "model.tar.gz"
    stated = arguments["CustomerMetadataProperties"]["bundle"]["Std:JsonGet"]
    assert stated["PropertyFile"] == {"Get": "Steps.EvaluateModel.PropertyFiles.RegistryEntry"}
    assert stated["Path"] == "digests.bundle"


def test_a_cycle_and_a_dangling_need_are_named(shipped):
    raw = json.loads(shipped)
    raw["Steps"][0]["DependsOn"] = ["TrainLora"]
    with pytest.raises(BadInput, match=r"cycle.*Preflight"):
        in_order(read(json.dumps(raw)))
    raw["Steps"][0]["DependsOn"] = ["Nowhere"]
    with pytest.raises(BadInput, match="Nowhere"):
        in_order(read(json.dumps(raw)))


def test_data_dependencies_count_as_needs(definition):
    assert set(needs(definition.step("EvaluateModel"))) == {"TrainLora", "PrepareCorpus", "TokenizeExamples"}


@pytest.mark.parametrize("text", ["not json", "[]", '{"Steps": 3}', '{"Steps": [{"Type": "Processing"}]}'])
def test_what_is_not_a_definition_is_refused(text):
    with pytest.raises(BadInput):
        read(text)


def test_an_environment_without_its_account_says_how_to_give_it():
    with pytest.raises(BadInput, match="--account"):
        settings.load("production")


def test_several_hosts_get_shards_of_both_sides_and_one_host_finishes():
    chosen = settings.load("local").model_copy(update={"prepare_hosts": 3})
    definition = read(compile_recipe("igbo", chosen))
    steps = {step.name: step for step in definition.steps}
    order = [step.name for step in in_order(definition)]
    assert order[:5] == ["Preflight", "CutCorpus", "PrepareShards", "PrepareCorpus", "TokenizeExamples"]
    assert set(needs(steps["PrepareCorpus"])) == {"PrepareShards", "CutCorpus"}
    shards = steps["PrepareShards"].arguments
    assert shards["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 3
    distributions = {row["InputName"]: row["S3Input"]["S3DataDistributionType"] for row in shards["ProcessingInputs"]}
    assert distributions == {"cut": "ShardedByS3Key", "context": "FullyReplicated"}


def compiled_with(**changes):
    """The definition of the local environment with some settings changed, and its steps by name."""
    chosen = settings.Settings.model_validate(settings.load("local").model_dump() | changes)
    definition = read(compile_recipe("igbo", chosen))
    return definition, {step.name: step for step in definition.steps}


def test_spot_is_for_the_long_run_which_keeps_its_checkpoint_address(definition):
    spot, steps = compiled_with(max_runtime_hours=100, spot={"enabled": True, "max_wait_hours": 150})
    arguments = steps["TrainLora"].arguments
    assert arguments["EnableManagedSpotTraining"] is True
    assert arguments["StoppingCondition"] == {"MaxRuntimeInSeconds": 360_000, "MaxWaitTimeInSeconds": 540_000}
    assert arguments["CheckpointConfig"] == definition.step("TrainLora").arguments["CheckpointConfig"]
    for name in ("CanaryTrain", "CanaryResume"):
        assert "EnableManagedSpotTraining" not in steps[name].arguments
        assert "MaxWaitTimeInSeconds" not in steps[name].arguments["StoppingCondition"]
    assert steps["EvaluateModel"].arguments["Environment"]["SpotTraining"] == "true", "for what it says of the cost"
    assert lint(spot) == []


def test_without_spot_nothing_of_it_is_in_the_definition(shipped):
    assert "Spot" not in shipped
    assert "MaxWait" not in shipped


def test_the_canaries_run_as_the_long_run_does_but_for_their_mode():
    _, steps = compiled_with(training_hosts=2, stop_margin_minutes=45)
    real = steps["TrainLora"].arguments
    for name in ("CanaryTrain", "CanaryResume"):
        canary = steps[name].arguments
        for slot in ("AlgorithmSpecification", "ResourceConfig", "EnableNetworkIsolation"):
            assert canary[slot] == real[slot]
        assert canary["HyperParameters"] | {"mode": "train"} == real["HyperParameters"]
    assert real["ResourceConfig"]["InstanceCount"] == 2
    assert real["HyperParameters"]["stop_margin_minutes"] == "45"


def test_the_steps_that_plan_know_how_the_training_is_deployed():
    _, steps = compiled_with(training_hosts=4, max_runtime_hours=50, stop_margin_minutes=45, levers={"rslora": True})
    for name in ("Preflight", "TokenizeExamples"):
        environment = steps[name].arguments["Environment"]
        known = {
            name: environment[name] for name in ("TrainingHosts", "MaxRuntimeSeconds", "StopMarginMinutes", "Levers")
        }
        assert known == {
            "TrainingHosts": "4",
            "MaxRuntimeSeconds": "180000",
            "StopMarginMinutes": "45",
            "Levers": '{"rslora":true}',
        }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("spot: {enabled: true, max_wait_hours: 119}", "max_wait_hours 119 is under max_runtime_hours 120"),
        ("max_runtime_hours: 1\nstop_margin_minutes: 60", "leaves nothing of max_runtime_hours 1"),
        ("stop_margin_minutes: 29", "greater than or equal to 30"),
        ("training_hosts: 9", "less than or equal to 8"),
        ("spot: true", "spot"),
    ],
)
def test_settings_of_the_training_that_cannot_work_are_refused_when_they_are_read(tmp_path, text, problem):
    shipped = (files("pipeline") / "environments" / "local.yaml").read_text(encoding="utf-8")
    path = tmp_path / "own.yaml"
    path.write_text(f"{shipped}\n{text}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=problem):
        settings.load(str(path))


def test_spot_that_is_off_asks_nothing_of_its_waiting_time():
    _, steps = compiled_with(max_runtime_hours=200, spot={"max_wait_hours": 100})
    assert steps["TrainLora"].arguments["StoppingCondition"] == {"MaxRuntimeInSeconds": 720_000}


def test_any_language_pair_compiles_to_the_same_graph_under_its_own_name(shipped):
    other = compile_recipe("en-sw", settings.load("local"))
    assert "asusu-en-sw" in other
    assert "asusu-igbo" not in other
    first, second = read(shipped), read(other)
    assert [step.name for step in first.steps] == [step.name for step in second.steps]
    environment = {step.name: step.arguments.get("Environment", {}) for step in second.steps}
    assert environment["PrepareCorpus"]["TargetLanguage"] == "sw"


def test_prompts_call_a_language_what_the_settings_call_it():
    swahili = {"code": "sw", "name": "Kiswahili", "identified_as": ["sw"]}
    options = settings.load("local").prepare_options.model_validate({"languages": [swahili]})
    chosen = settings.load("local").model_copy(update={"prepare_options": options})
    steps = {step.name: step for step in read(compile_recipe("en_sw-KE", settings.load("local"))).steps}
    assert steps["TokenizeExamples"].arguments["Environment"]["TargetLanguage"] == "sw-KE"
    steps = {step.name: step for step in read(compile_recipe("en-sw", chosen)).steps}
    assert steps["TokenizeExamples"].arguments["Environment"]["TargetName"] == "Kiswahili"
    assert "Kiswahili" in steps["PrepareCorpus"].arguments["Environment"]["PrepareOptions"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"scorer": {"folder": "/models/labse"}}, "cannot be mounted"),
        ({"off": [rule for rule in RULES if rule not in ALWAYS_ON] * 2, "max_targets_per_source": 9}, "holds 256"),
        (
            {"languages": [{"code": "ti", "name": "Tigrinya", "scripts": ["Ethiopik"], "identified_as": ["ti"]}]},
            "Ethiopik",
        ),
        ({"min_characters": 20, "max_characters": 10}, "every row would go"),
    ],
)
def test_preparation_options_that_cannot_work_are_refused_when_settings_are_read(tmp_path, options, problem):
    text = (files("pipeline") / "environments" / "local.yaml").read_text(encoding="utf-8")
    path = tmp_path / "own.yaml"
    path.write_text(f"{text}\nprepare_options: {json.dumps(options)}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=problem):
        settings.load(str(path))


@pytest.mark.parametrize("recipe", ["yoruba", "en-en", "EN-SW", "../igbo"])
def test_an_unknown_recipe_is_refused_with_what_may_be_given(recipe):
    with pytest.raises(BadInput, match="unknown recipe"):
        compile_recipe(recipe, settings.load("local"))


@pytest.mark.parametrize("name", ["binary.yaml", "folder.yaml"])
def test_a_settings_file_that_is_no_text_is_bad_input(tmp_path, name):
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(BadInput, match=r"binary.yaml cannot be read|no settings file .*folder.yaml"):
        settings.load(str(tmp_path / name))


@pytest.mark.parametrize("spelled", [{"indent": 2}, {"separators": (",", ":")}, {"sort_keys": True}])
def test_an_edited_definition_is_given_its_own_sum_however_it_is_spelled(spelled: dict[str, Any]) -> None:
    raw = json.loads((files("pipeline") / "compiled" / "igbo.local.json").read_text(encoding="utf-8"))
    raw["Parameters"][2]["DefaultValue"] = "ml.g5.12xlarge"
    text = with_own_sum(json.dumps(raw, **spelled))
    (stated,) = {found[2] for found in re.finditer(r'"(DefinitionSha256)": "([0-9a-f]*)"', text)}
    assert stated == digest(text)
    assert with_own_sum(text) == text


@pytest.mark.parametrize("stated", ["", "wrong", None, {"Get": "Parameters.Seed"}])
def test_a_sum_that_is_none_is_set_right(stated: Any) -> None:
    text = with_own_sum(json.dumps({"Steps": [{"Environment": {"DefinitionSha256": stated}}]}))
    assert json.loads(text)["Steps"][0]["Environment"]["DefinitionSha256"] == digest(text)


def test_a_definition_without_the_slot_stays_as_it_is() -> None:
    assert with_own_sum('{"Steps":[]}') == '{"Steps":[]}'
