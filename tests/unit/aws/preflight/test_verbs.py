"""`asusu doctor` and `asusu preflight` against an account: what they print, and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from pipeline.aws.session import Unreachable
from pipeline.cli import definition as definition_verbs
from pipeline.cli import doctor, preflight
from pipeline.cli.deployed import Deployed
from pipeline.preflight import Check
from pipeline.settings import Images
from tests.unit.aws.preflight.conftest import ADA, GROUP, Stand
from tests.unit.preflight.deployed import NUMBER, REGISTRY, definition

STAGING = Path(str(files("pipeline"))) / "environments" / "staging.yaml"
Asusu = Callable[..., tuple[int, str, str]]


@pytest.fixture
def no_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave this machine's own rows out."""
    monkeypatch.setattr(doctor, "check_machine", lambda workdir: [])


@pytest.mark.usefixtures("no_machine", "empty")
@pytest.mark.parametrize("env", ["production", "staging"])
def test_doctor_says_of_an_empty_account_what_makes_each_thing_there(asusu: Asusu, env: str) -> None:
    code, out, _ = asusu("doctor", "--json", env=env)
    rows = {row["name"]: row for row in json.loads(out)["checks"]}
    assert code == 1
    assert rows["credentials"]["status"] == "ok"
    missing = [row for row in rows.values() if row["status"] == "refused"]
    assert len(missing) == 4 + 4 + 1 + 1 + 1 + 5, "stacks, roles, bucket, key, group, repositories"
    assert {row["fix"] for row in missing} == {f"make infra ENV={env}"}
    assert rows[f"pipeline {GROUP}"] == {
        "name": f"pipeline {GROUP}",
        "status": "warning",
        "detail": "not deployed yet",
        "fix": f"make upsert-pipeline ENV={env}",
    }


@pytest.mark.usefixtures("no_machine", "empty")
def test_doctor_calls_what_is_missing_missing(asusu: Asusu) -> None:
    code, out, _ = asusu("doctor")
    assert code == 1
    assert "missing  bucket" in out
    assert "\n  make infra ENV=production\n" in out
    assert "EMAIL=" in out
    assert "16 missing" in out


@pytest.mark.usefixtures("no_machine", "empty")
def test_doctor_prints_each_command_once_and_whole_however_narrow_the_terminal(
    asusu: Asusu, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    file = tmp_path / f"{'long-' * 20}account.yaml"
    file.write_text(STAGING.read_text(encoding="utf-8"), encoding="utf-8")
    _, out, _ = asusu("doctor", env=str(file))
    commands = [line for line in out.splitlines() if line.startswith(f"  cp {file} pipeline/environments/{file.name}")]
    assert [line.partition(" && ")[2] for line in commands] == [f"make infra ENV={file.stem}"]


@pytest.mark.usefixtures("no_machine", "empty")
def test_doctor_keeps_its_rows_where_the_account_cannot_be_reached(
    asusu: Asusu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(env: str, account: str = "", recipe: str = "igbo") -> Deployed:
        raise Unreachable("AWS cannot be reached", hint="check the network and region")

    monkeypatch.setattr(doctor, "check_machine", lambda workdir: [Check("disk", "ok", "there")])
    monkeypatch.setattr(doctor, "deployed", begin)
    code, out, _ = asusu("doctor", "--json")
    rows = {row["name"]: (row["status"], row["fix"]) for row in json.loads(out)["checks"]}
    assert code == 1
    assert rows == {"disk": ("ok", ""), "account": ("unknown", "check the network and region")}


@pytest.mark.usefixtures("no_machine", "empty")
@pytest.mark.parametrize(("good", "bad"), [("us-east-1", "us-east-9"), ("alias/asusu", '""')])
def test_doctor_does_not_blame_the_credentials_for_a_broken_environment(
    asusu: Asusu, tmp_path: Path, good: str, bad: str
) -> None:
    file = tmp_path / "account.yaml"
    text = STAGING.read_text(encoding="utf-8")
    file.write_text(text.replace(good, bad), encoding="utf-8")
    code, out, _ = asusu("doctor", "--json", env=str(file))
    (row,) = json.loads(out)["checks"]
    assert (code, row["name"], row["status"]) == (1, "environment", "refused")


@pytest.mark.usefixtures("no_machine")
def test_doctor_without_credentials_says_so_in_one_row(
    asusu: Asusu, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    code, out, _ = asusu("doctor", "--json")
    (row,) = json.loads(out)["checks"]
    assert (code, row["name"], row["status"]) == (1, "credentials", "refused")
    assert "no usable AWS credentials" in row["detail"]
    code, out, err = asusu("preflight")
    assert code == 2
    assert "no usable AWS credentials" in err


def furnished(stand: Stand, monkeypatch: pytest.MonkeyPatch, **quotas: float | None) -> None:
    """Let the verb find this account, and a definition that need not be compiled."""
    place = Deployed("igbo", "production", stand.settings, stand.account, NUMBER)
    monkeypatch.setattr(preflight, "deployed", lambda env, account, recipe: place)
    text = json.dumps(definition(images=stand.settings.images).raw)
    monkeypatch.setattr(Deployed, "text", lambda self: text)
    for key in (f"champion/{GROUP}/none.json", "checkpoints/none/none.json"):
        stand.account.s3.put_object(Bucket=stand.settings.bucket, Key=key, Body=b"{}")
    stand.caller(ADA, times=2)
    stand.iam(passing=True)
    stand.quotas(**quotas)
    stand.price(1.408)


def test_preflight_refuses_a_quota_of_zero_with_exit_four(
    stand: Stand, asusu: Asusu, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnished(stand, monkeypatch, L_B6D80D9C=0.0)
    code, out, _ = asusu("preflight")
    assert code == 4
    assert "refused  quota: ml.g5.xlarge for" in out
    assert "the account has 0" in out
    assert "request-service-quota-increase" in out


def test_preflight_that_leaves_something_unknown_does_not_end_as_if_all_were_well(
    stand: Stand, asusu: Asusu, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnished(stand, monkeypatch)
    code, out, _ = asusu("preflight", "--json")
    found = json.loads(out)
    assert (code, found["verdict"]) == (1, "unknown")
    unknown = [row["name"] for row in found["checks"] if row["status"] == "unknown"]
    assert unknown == ["parameters", "corpus", "base model", "hours and cost"], "nobody said which"


@pytest.mark.parametrize("verb", ["preflight --offline", "lint"])
def test_what_to_do_about_an_image_is_said_for_the_environment(
    asusu: Asusu, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    tagged = Images(**{step: f"{REGISTRY}/asusu-{step}:latest" for step in Images.model_fields})
    text = json.dumps(definition(images=tagged).raw)
    for module in (preflight, definition_verbs):
        monkeypatch.setattr(module, "definition_text", lambda recipe, env, account: text)
    _, out, _ = asusu(*verb.split(), "--json", env="staging")
    assert "make push-images ENV=staging" in out
    assert "make push-images," not in out


def test_preflight_offline_asks_nobody_and_refuses_images_without_a_digest(
    asusu: Asusu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "deployed", lambda *given: pytest.fail("an account was asked for"))
    tagged = Images(**{step: f"{REGISTRY}/asusu-{step}:latest" for step in Images.model_fields})
    text = json.dumps(definition(images=tagged).raw)
    monkeypatch.setattr(preflight, "definition_text", lambda recipe, env, account: text)
    code, out, _ = asusu("preflight", "--offline", "--json")
    rows = {row["name"]: row["status"] for row in json.loads(out)["checks"]}
    assert (code, rows["image digests"]) == (4, "refused")
    assert set(rows) >= {"definition", "parameters", "region", "volume keys", "time limits", "spot", "metadata"}
