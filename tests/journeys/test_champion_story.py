"""Three runs on one corpus: the first approved, a worse one refused as worse than it, a better one approved, and back.

Minutes of training, hence slow. The rule alone is tested in seconds in `tests/unit/evaluate`, decisions and rollback in
`tests/unit/cli/test_packages.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from pipeline.local.record import Execution
from pipeline.packages import champion_of
from tests.journeys.conftest import Story, Terminal, params

pytestmark = pytest.mark.slow
WORSE, BETTER = "160", "600"  # steps; the first run has 350
RULE = "not_worse_than_champion"


@dataclass(frozen=True)
class Chapter:
    """A run, how it ended, and its evaluation."""

    ended: CompletedProcess[str]
    execution: Execution
    evaluation: dict


@dataclass(frozen=True)
class Chronicle:
    """The whole story, told once for all tests."""

    terminal: Terminal
    approved: CompletedProcess[str]
    worse: Chapter
    better: Chapter
    review: CompletedProcess[str]
    promoted: CompletedProcess[str]
    after_promotion: int | None
    rolled_back: CompletedProcess[str]


@pytest.fixture(scope="module")
def chronicle(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Chronicle:
    terminal = story.copy_to(tmp_path_factory.mktemp("champion") / "work")
    where = ["--workdir", str(terminal.workdir)]

    def run(steps: str) -> Chapter:
        ended = terminal.run(*story.arguments, *params({"MaxSteps": steps}), "--json")
        return Chapter(ended, terminal.last(), json.loads(ended.stdout)["evaluation"])

    def decide(version: str, reason: str) -> CompletedProcess[str]:
        return terminal.call("approve", version, "--reason", reason, *where)

    approved = decide("1", "the first that is good enough")
    worse, better = run(WORSE), run(BETTER)
    review = terminal.call("review", "2", "--json", *where)
    promoted = decide("2", "better in both directions; read 40 samples")
    now = champion_of(terminal.packages())
    rolled_back = decide("1", "2 drops dots in questions")
    after = now["ModelPackageVersion"] if now else None
    return Chronicle(terminal, approved, worse, better, review, promoted, after, rolled_back)


def refusals(chapter: Chapter) -> dict[str, dict]:
    return {rule["rule"]: rule for rule in chapter.evaluation["gate"]["rules"] if not rule["passed"]}


def test_only_the_training_differs_between_the_runs(chronicle: Chronicle) -> None:
    for chapter in (chronicle.worse, chronicle.better):
        assert chapter.execution.step("PrepareCorpus").reused
        assert not chapter.execution.step("TrainLora").reused
        assert chapter.evaluation["champion"] == "asusu-igbo/1"


def test_the_worse_run_is_refused_by_the_champion_rule_alone_with_its_p_value(chronicle: Chronicle) -> None:
    assert chronicle.worse.ended.returncode == 4, chronicle.worse.ended.stderr
    refused = refusals(chronicle.worse)
    assert refused
    assert all(name.startswith(RULE) for name in refused), "the absolute limits let it pass"
    said = chronicle.worse.execution.failure_reason
    for rule in refused.values():
        assert 0 < rule["value"] < 0.05
        assert f"worse beyond noise, p {rule['value']:.4g} is under 0.05" in rule["sentence"]
        assert rule["sentence"] in said
    assert "The champion stays." in said
    assert "evaluation.json" in said
    assert "MaxValidationLoss" not in said
    page = Path(json.loads(chronicle.worse.ended.stdout)["report"]).read_text(encoding="utf-8")
    assert "Refused by the gate" in page
    assert "worse beyond noise" in page


def test_the_better_run_is_registered_and_reviewed_beside_the_champion(chronicle: Chronicle) -> None:
    assert chronicle.better.ended.returncode == 0, chronicle.better.ended.stderr
    assert len(chronicle.terminal.packages()) == 2, "the worse run registered nothing"
    rows = chronicle.better.evaluation["directions"]
    assert sum(row["chrf"]["value"] - row["champion_chrf"]["value"] for row in rows) > 0
    facts = json.loads(chronicle.review.stdout)
    assert facts["version"]["name"] == "asusu-igbo/2"
    assert facts["version"]["champion"] == "asusu-igbo/1"
    assert facts["samples"]["most_changed"]


def test_approval_makes_a_champion_and_approving_the_first_again_rolls_back(chronicle: Chronicle) -> None:
    assert "champion: asusu-igbo/1 (before: none)" in chronicle.approved.stdout
    assert "champion: asusu-igbo/2 (before: asusu-igbo/1)" in chronicle.promoted.stdout
    assert chronicle.after_promotion == 2
    assert "champion: asusu-igbo/1 (before: asusu-igbo/2)" in chronicle.rolled_back.stdout
    folder = chronicle.terminal.workdir / "s3" / "asusu-local" / "champion" / "asusu-igbo"
    assert json.loads((folder / "champion.json").read_text())["package"] == "asusu-igbo/1"


def test_every_decision_is_told_and_the_pages_agree_with_the_last(chronicle: Chronicle) -> None:
    listed = chronicle.terminal.call("packages", "--json", "--workdir", str(chronicle.terminal.workdir))
    first, second = json.loads(listed.stdout)
    reasons = [made["reason"] for made in first["Decisions"]]
    assert reasons == ["the first that is good enough", "2 drops dots in questions"]
    assert len(second["Decisions"]) == 1
    page = chronicle.terminal.workdir / "reports" / "asusu-igbo-1.html"
    assert all(reason in page.read_text(encoding="utf-8") for reason in reasons)
