"""The dossier of a version that is registered on this machine: what it is made of, and written again after a decision."""

from __future__ import annotations

from pathlib import Path

from pipeline.cli.outcome import decision_commands, files_of, page_of, place_of, stands
from pipeline.errors import AsusuError, BadInput
from pipeline.local import record
from pipeline.local.record import EXECUTION_ID
from pipeline.local.registry import Registry
from pipeline.local.store import Store
from pipeline.packages import Package, name_of
from pipeline.review.entry import gather_entry
from pipeline.review.files import RunFiles
from pipeline.review.report import render, render_markdown


def dossier_of(package: Package, workdir: Path) -> RunFiles:
    """The artefacts of the version's run; where that has no record any more, those that the entry itself names."""
    run = str((package.get("CustomerMetadataProperties") or {}).get("execution", ""))
    try:
        execution, definition = _recorded(run, workdir)
    except BadInput as error:
        group = Registry(workdir / "registry").packages(str(package["ModelPackageGroupName"]))
        commands = decision_commands(package, group, place_of(workdir))
        files = gather_entry(package, Store(workdir.absolute() / "s3"), commands, error.message)
        return stands(files, package, group)
    return files_of(package, execution, definition, workdir)


def write_again(packages: list[Package], workdir: Path) -> list[str]:
    """Bring the pages of versions up to date; a sentence for each that cannot be written."""
    said = []
    for package in packages:
        page = page_of(package, workdir)
        try:
            files = dossier_of(package, workdir)
            render(files, page)
            if page.with_suffix(".md").is_file():
                render_markdown(files, page.with_suffix(".md"))
        except (AsusuError, OSError) as error:
            why = error.message if isinstance(error, AsusuError) else f"{error.strerror or error}"
            said.append(f"the page of {name_of(package)} could not be written, and still says what it said: {why}")
    return said


def _recorded(run: str, workdir: Path) -> tuple[record.Execution, str]:
    if not run:
        raise BadInput("the entry does not say which run made it")
    folder = workdir / "executions"
    if not EXECUTION_ID.fullmatch(run) or not (folder / f"{run}.json").is_file():
        raise BadInput(f"the record of run {run!r} is gone from {folder}")
    return record.load(workdir.absolute(), run), record.load_definition(workdir.absolute(), run)
