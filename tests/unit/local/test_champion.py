"""The champion's folder: made to agree with the registry, whole or not at all, whenever a run or a decision begins."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import AsusuError
from pipeline.local import runner
from pipeline.local.champion import publish_champion, settle_champion
from pipeline.local.registry import Registry
from pipeline.local.runner import Options
from pipeline.local.store import Store
from steps.contract import ADAPTER_CONFIG, ADAPTER_FOLDER, ADAPTER_WEIGHTS, DATA_REPORT, EVALUATION_REPORT, NONE_OBJECT
from steps.evaluate.champion import find_champion
from steps.evaluate.unpack import MODEL_ARCHIVE
from tests.unit.local.pipelines import definition
from tests.unit.versions import make

BUCKET = "asusu-local"
GROUP = "asusu-igbo"


class Desk:
    """A work directory in which versions are registered, decided on, and published or not."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir
        self.registry, self.store = Registry(workdir / "registry"), Store(workdir / "s3")
        self.folder = workdir / "s3" / BUCKET / "champion" / GROUP

    def register(self, value: float) -> str:
        """A version; its ARN."""
        made = make(self.workdir / "s3" / BUCKET / "runs" / str(value), value)
        where = f"s3://{BUCKET}/runs/{value}"
        package = self.registry.register(
            {
                "ModelPackageGroupName": GROUP,
                "InferenceSpecification": {"Containers": [{"Image": "i", "ModelDataUrl": f"{where}/{MODEL_ARCHIVE}"}]},
                "ModelMetrics": made.metrics(f"{where}/{EVALUATION_REPORT}", f"{where}/{DATA_REPORT}"),
                "CustomerMetadataProperties": made.metadata,
            }
        )
        return str(package["ModelPackageArn"])

    def approve(self, arn: str) -> None:
        """Only recorded: as if the process had ended right after."""
        self.registry.decide(arn, "Approved", "good", "ada")

    def publish(self) -> str | None:
        return publish_champion(self.registry, GROUP, self.store, BUCKET)

    @property
    def mounted(self) -> str | None:
        """The champion as EvaluateModel finds it."""
        found = find_champion(self.folder)
        return found.name if found else None


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Two versions; the first is the published champion, the approval of the second was killed before publishing."""
    desk = Desk(tmp_path)
    first, second = desk.register(1.0), desk.register(2.0)
    desk.approve(first)
    assert desk.publish() == "asusu-igbo/1"
    desk.approve(second)
    return desk


def kill_at_rename(desk: Desk, which: int) -> None:
    """Publish in a process that is killed right before its rename of that number."""
    child = os.fork()
    if not child:
        counted = iter(range(1, 9))
        rename = Path.rename

        def deadly(path: Path, target: Path) -> Path:
            if next(counted) == which:
                os.kill(os.getpid(), signal.SIGKILL)
            return rename(path, target)

        Path.rename = deadly  # type: ignore[method-assign, assignment]
        try:
            desk.publish()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("which", [1, 2], ids=["before the old is moved", "before the new comes in"])
def test_an_approval_that_was_killed_at_a_rename_is_finished_by_the_next(desk: Desk, which: int) -> None:
    kill_at_rename(desk, which)
    assert desk.folder.exists() is (which == 1)
    assert desk.publish() == desk.mounted == "asusu-igbo/2"
    assert [path.name for path in desk.folder.parent.iterdir()] == [GROUP], "nothing is left lying about"


def test_after_a_kill_the_old_champion_is_put_back_where_the_new_one_has_no_files(desk: Desk) -> None:
    kill_at_rename(desk, 2)
    (desk.workdir / "s3" / BUCKET / "runs" / "2.0" / MODEL_ARCHIVE).unlink()
    with pytest.raises(AsusuError, match="the model of asusu-igbo/2 is gone"):
        desk.publish()
    assert desk.mounted == "asusu-igbo/1"


def test_a_rename_that_fails_puts_the_old_champion_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path.name.endswith(".new"):
            raise OSError("no space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="no space"):
        desk.publish()
    assert desk.mounted == "asusu-igbo/1"
    assert [path.name for path in desk.folder.parent.iterdir()] == [GROUP]


def test_a_run_begins_by_publishing_what_an_interrupted_approval_left_out(desk: Desk) -> None:
    settle_champion(desk.workdir, GROUP, BUCKET)
    assert desk.mounted == "asusu-igbo/2"


def test_a_champions_folder_that_was_lost_is_made_again_and_never_taken_for_none(desk: Desk) -> None:
    for file in sorted(desk.folder.rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    desk.folder.rmdir()
    settle_champion(desk.workdir, GROUP, BUCKET)
    assert desk.mounted == "asusu-igbo/2"


@pytest.mark.parametrize("file", [ADAPTER_WEIGHTS, ADAPTER_CONFIG])
def test_a_champion_that_was_tampered_with_is_published_again(desk: Desk, file: str) -> None:
    desk.publish()
    (desk.folder / ADAPTER_FOLDER / file).write_bytes(b"{}")
    desk.publish()
    assert desk.mounted == "asusu-igbo/2"


def test_a_champion_in_place_is_left_alone_even_where_its_artefact_is_gone(desk: Desk) -> None:
    desk.publish()
    (desk.workdir / "s3" / BUCKET / "runs" / "2.0" / MODEL_ARCHIVE).unlink()
    before = desk.folder.stat().st_ino
    assert desk.publish() == "asusu-igbo/2"
    assert desk.folder.stat().st_ino == before


def test_without_an_approved_version_the_folder_says_none(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.register(1.0)
    settle_champion(tmp_path, GROUP, BUCKET)
    assert [path.name for path in desk.folder.iterdir()] == [NONE_OBJECT]


def test_a_run_that_would_be_compared_with_another_champion_is_not_begun(desk: Desk) -> None:
    (desk.workdir / "s3" / BUCKET / "runs" / "2.0" / MODEL_ARCHIVE).unlink()

    def settle(workdir: Path) -> None:
        settle_champion(workdir, GROUP, BUCKET)

    with pytest.raises(AsusuError, match="nothing was run, since the approved version cannot be mounted") as error:
        runner.run(definition(), {}, desk.workdir, options=replace(Options(), first=settle))
    assert "asusu-igbo/2 is gone" in error.value.message
    assert "reject" in error.value.hint
    assert not (desk.workdir / "executions").exists()
