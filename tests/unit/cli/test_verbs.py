"""The verbs of `asusu` that read the definition, and how errors reach a person."""

import json
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.main import app, main
from pipeline.cli.run import parse_params
from pipeline.definition import read
from pipeline.draw import mermaid
from pipeline.errors import BadInput
from steps.parameters import PARAMETERS

SHIPPED = files("pipeline") / "compiled" / "igbo.local.json"


@pytest.fixture
def asusu(monkeypatch):
    """Runs a verb to its exit; returns exit code, stdout and stderr."""

    def call(*arguments, capsys):
        monkeypatch.setattr(sys, "argv", ["asusu", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


def test_params_lists_every_row_with_default_start_value_and_range():
    output = CliRunner().invoke(app, ["params"]).output
    for row in PARAMETERS:
        assert row.name in output
        assert row.allowed in output
    assert "Epochs Float, default 1.0, local starts with" in output


def test_params_as_json_has_what_a_form_needs():
    rows = json.loads(CliRunner().invoke(app, ["params", "--json"]).output)
    assert [row["name"] for row in rows] == [row.name for row in PARAMETERS]
    assert all(row["help"] and row["allowed"] for row in rows)


def test_graph_draws_a_tree_mermaid_and_json():
    tree = CliRunner().invoke(app, ["graph"]).output
    picture = CliRunner().invoke(app, ["graph", "--mermaid"]).output
    facts = json.loads(CliRunner().invoke(app, ["graph", "--json"]).output)
    for step in read(SHIPPED.read_text(encoding="utf-8")).steps:
        assert step.name in tree
        assert step.name in picture
        assert step.name in [fact["name"] for fact in facts]


def test_the_readme_shows_the_picture_of_the_compiled_definition():
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{mermaid(read(SHIPPED.read_text(encoding='utf-8')))}```" in readme


def test_lint_finds_nothing_in_what_is_shipped_and_names_what_is_wrong_elsewhere(tmp_path):
    assert CliRunner().invoke(app, ["lint"]).output == "no findings\n"
    raw = json.loads(SHIPPED.read_text(encoding="utf-8"))
    del raw["Parameters"][0]
    broken = tmp_path / "definition.json"
    broken.write_text(json.dumps(raw), encoding="utf-8")
    result = CliRunner().invoke(app, ["lint", str(broken)])
    assert result.exit_code == 1
    assert "CorpusUri" in result.output
    findings = json.loads(CliRunner().invoke(app, ["lint", str(broken), "--json"]).output)
    assert all(finding.keys() == {"rule", "where", "problem", "remedy"} for finding in findings)


def test_what_cannot_be_read_is_named_and_exits_2(asusu, capsys, tmp_path):
    code, out, err = asusu("lint", str(tmp_path / "nowhere.json"), capsys=capsys)
    assert (code, out) == (2, "")
    assert "nowhere.json" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("graph", "--recipe", "yoruba"), "use igbo, or two language codes"),
        (("lint", "--env", "nowhere"), "local, production, staging"),
        (("lint", "--env", "nowhere.yaml"), "nowhere.yaml"),
        (("run",), "--local"),
        (("nonsense",), "No such command"),
    ],
)
def test_a_wrong_word_exits_2_and_says_what_is_known(asusu, capsys, arguments, says):
    code, _, err = asusu(*arguments, capsys=capsys)
    assert code == 2
    assert says in err


def test_all_bad_parameters_are_named_at_once():
    with pytest.raises(BadInput) as refused:
        parse_params(["LoraRank=0", "Epochs", "Nonsense=1"])
    for text in ("LoraRank", "'Epochs' is not Name=Value", "Nonsense"):
        assert text in str(refused.value)
    assert parse_params(["LoraRank=8", "CorpusUri=s3://bucket/a=b"]) == {
        "LoraRank": "8",
        "CorpusUri": "s3://bucket/a=b",
    }
