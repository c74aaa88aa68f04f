"""A remedy acts on the environment that was looked at, not on production."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from pipeline.cli.main import app, main
from pipeline.errors import BadInput
from pipeline.preflight import Check
from pipeline.preflight.remedies import ENVIRONMENTS, TARGETS, VERBS, Remedies

MAKEFILE = Path(__file__).resolve().parents[3] / "Makefile"
STAGING = Remedies("staging", "eu-west-1")


@pytest.mark.parametrize(
    ("bare", "aimed"),
    [
        ("make infra", "make infra ENV=staging"),
        ("wait, or delete it and `make infra`", "wait, or delete it and `make infra ENV=staging`"),
        ("make push-images, which writes", "make push-images ENV=staging, which writes"),
        ("make infra-lint", "make infra-lint"),
        ("make aws", "make aws"),
        ("asusu publish, then --param CorpusUri=...", "asusu publish --env staging, then --param CorpusUri=..."),
        ("asusu run --local", "asusu run --local"),
        ("make plan ENV=other", "make plan ENV=other"),
        ("asusu plan --env other", "asusu plan --env other"),
        ("asusu watch abc --env other", "asusu watch abc --env other"),
        (
            "check the network; then /bin/asusu watch abc --env other, or asusu runs",
            "check the network; then /bin/asusu watch abc --env other, or asusu runs --env staging",
        ),
        (
            "asusu resume abc, then asusu resume --checkpoint abc --param Seed=1 --env other",
            "asusu resume --env staging abc, then asusu resume --checkpoint abc --param Seed=1 --env other",
        ),
        ("asusu upsert --recipe en-sw", "asusu upsert --recipe en-sw --env staging"),
        (
            "aws ecr describe-image-scan-findings --image-id x",
            "aws ecr describe-image-scan-findings --region eu-west-1 --image-id x",
        ),
        (
            "aws service-quotas request-service-quota-increase --desired-value 1",
            "aws service-quotas request-service-quota-increase --region eu-west-1 --desired-value 1",
        ),
        (
            "aws cloudformation delete-stack --stack-name x, then make infra",
            "aws cloudformation delete-stack --region eu-west-1 --stack-name x, then make infra ENV=staging",
        ),
        ("see https://aws.amazon.com/cli/", "see https://aws.amazon.com/cli/"),
        ("", ""),
    ],
)
def test_each_command_names_the_environment_once(bare: str, aimed: str) -> None:
    assert STAGING.aimed(bare) == aimed
    assert STAGING.aimed(aimed) == aimed


def test_another_recipe_is_named_where_a_command_takes_one() -> None:
    swahili = Remedies("staging", "eu-west-1", "en-sw")
    assert swahili.aimed("asusu publish") == "asusu publish --recipe en-sw --env staging"
    assert swahili.aimed("make upsert-pipeline") == 'make upsert-pipeline ENV=staging UPSERT="--recipe en-sw"'
    assert swahili.aimed("make infra") == "make infra ENV=staging"


def test_a_file_with_a_blank_in_its_name_stays_one_word() -> None:
    assert Remedies("my env.yaml", "eu-west-1").aimed("asusu plan") == "asusu plan --env 'my env.yaml'"


def test_a_file_is_put_among_the_environments_before_make_infra_which_takes_names_alone(tmp_path: Path) -> None:
    file = tmp_path / "Our account.yaml"
    aimed = Remedies(str(file), "eu-west-1").aimed
    command = f"cp '{file}' pipeline/environments/our-account.yaml && make infra ENV=our-account"
    assert aimed("make infra") == command
    assert aimed(command) == command
    assert aimed("make plan") == f"make plan ENV='{file}'", "asusu takes a file"
    shipped = ENVIRONMENTS / "staging.yaml"
    assert Remedies(str(shipped), "").aimed("make infra") == "make infra ENV=staging"
    file = tmp_path / "staging.yaml"
    file.write_text("region: eu-west-1\n")
    assert (
        Remedies(str(file), "").aimed("make infra").endswith("environments/staging-2.yaml && make infra ENV=staging-2")
    )
    assert Remedies("1.yaml", "").aimed("make infra").endswith("make infra ENV=account-1")


def test_rows_keep_all_but_their_remedy() -> None:
    row = Check("stack asusu-platform", "refused", "there is none; make infra", "make infra")
    assert STAGING.rows([row]) == [Check(row.name, "refused", row.detail, "make infra ENV=staging")]


def test_every_target_that_reads_the_environment_is_known() -> None:
    rules = re.split(r"\n(?=[\w$-]+:)", MAKEFILE.read_text(encoding="utf-8").replace("$(VENV)/", ""))
    assert {rule.partition(":")[0] for rule in rules if "$(ENV)" in rule} == set(TARGETS)


def test_every_verb_that_takes_an_environment_and_a_recipe_is_known() -> None:
    taking = {
        command.name
        for command in app.registered_commands
        if command.callback and {"env", "recipe"} <= inspect.signature(command.callback).parameters.keys()
    }
    assert taking - {"run"} == set(VERBS)


def test_what_an_error_says_to_do_next_is_aimed_too(capsys, monkeypatch) -> None:
    def begin(env: str, account: str = "", recipe: str = "igbo") -> None:
        raise BadInput("there is no bucket", hint="make infra, then `asusu publish`")

    monkeypatch.setattr("pipeline.cli.executions.deployed", begin)
    monkeypatch.setattr("sys.argv", ["asusu", "watch", "--env", "staging"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "next: make infra ENV=staging, then `asusu publish --env staging`" in capsys.readouterr().err


def test_a_command_to_type_next_is_called_as_this_one_was(capsys, monkeypatch) -> None:
    def begin(env: str, account: str = "", recipe: str = "igbo") -> None:
        raise BadInput("it needs more", hint="asusu estimate shows what; then /other/asusu plan, asusu upsert")

    monkeypatch.setattr("pipeline.cli.executions.deployed", begin)
    monkeypatch.setattr("sys.argv", ["/here/bin/asusu", "runs", "--env", "staging"])
    with pytest.raises(SystemExit):
        main()
    next_line = capsys.readouterr().err.splitlines()[-1]
    assert next_line == (
        "  next: /here/bin/asusu estimate shows what; then /other/asusu plan --env staging, /here/bin/asusu upsert --env staging"
    )
