"""Which commit the code is, and whether it is still that."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipeline.checkout import UNASKED, checkout
from steps.version import code_version


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    ended = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True)
    return ended.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with one commit, and the package in a folder of it."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "code.py").write_text("print(1)\n")
    (tmp_path / ".gitignore").write_text("work/\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def test_a_clean_checkout_is_its_commit(project: Path) -> None:
    found = checkout(project / "package")
    assert found.code == git(project, "rev-parse", "HEAD")
    assert not found.dirty


def test_edited_new_and_renamed_files_count_anywhere_in_the_repository_and_ignored_ones_do_not(project: Path) -> None:
    (project / "work").mkdir()
    (project / "work" / "run.json").write_text("{}")
    assert not checkout(project / "package").dirty
    (project / "new file.md").write_text("")
    git(project, "mv", "package/code.py", "package/moved code.py")
    assert set(checkout(project / "package").edited) == {"new file.md", "package/moved code.py"}


def test_a_package_installed_below_somebody_elses_repository_is_its_own_version(project: Path) -> None:
    installed = project / "work" / "site-packages" / "pipeline"
    installed.mkdir(parents=True)
    (installed / "code.py").write_text("")
    assert checkout(installed).code == code_version()
    assert not checkout(installed).dirty


def test_without_a_repository_the_version_of_the_package_counts(tmp_path: Path) -> None:
    assert checkout(tmp_path).code == code_version()


def test_a_repository_that_cannot_be_asked_counts_as_edited(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    found = checkout(project / "package")
    assert found.dirty
    assert found.edited == (UNASKED,)
