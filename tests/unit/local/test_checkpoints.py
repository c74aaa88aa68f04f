from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from pipeline.local.checkpoints import CheckpointSync
from pipeline.local.store import Copy, Store

URI = "s3://bucket/checkpoints/run"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "s3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


def sync_of(store: Store, folder: Path, *, seed: str = "job", copy: Copy = shutil.copyfile) -> CheckpointSync:
    return CheckpointSync(store, folder, URI, every_seconds=0.01, seed=seed, copy=copy)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def stored(store: Store) -> dict[str, str]:
    return {name: path.read_text(encoding="utf-8") for name, path in store.objects(URI).items()}


def test_what_lies_under_the_prefix_is_restored(store: Store, folder: Path, tmp_path: Path) -> None:
    store.upload(write(tmp_path / "old", "checkpoint-5/weights", "5").parents[1], URI)
    assert sync_of(store, folder).restore() == 1
    assert (folder / "checkpoint-5" / "weights").read_text() == "5"


def test_an_empty_prefix_restores_nothing_and_is_no_error(store: Store, folder: Path) -> None:
    assert sync_of(store, folder).restore() == 0
    assert folder.is_dir()


def test_files_reach_the_store_while_the_job_runs(store: Store, folder: Path) -> None:
    sync = sync_of(store, folder)
    sync.restore()
    with sync:
        write(folder, "checkpoint-1/weights", "1")
        deadline = time.monotonic() + 60
        while not store.exists(f"{URI}/checkpoint-1/weights"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert sync.problem == ""


def test_the_last_pass_brings_what_was_written_at_the_end(store: Store, folder: Path) -> None:
    sync = CheckpointSync(store, folder, URI, every_seconds=3600, seed="job")
    sync.restore()
    with sync:
        write(folder, "a", "1")
        assert stored(store) == {}
    assert stored(store) == {"a": "1"}


def test_a_deleted_checkpoint_is_deleted_in_the_store_too(store: Store, folder: Path, tmp_path: Path) -> None:
    store.upload(write(tmp_path / "old", "checkpoint-1/weights", "1").parents[1], URI)
    sync = sync_of(store, folder)
    sync.restore()
    write(folder, "checkpoint-2/weights", "2")
    sync.synchronise()
    shutil.rmtree(folder / "checkpoint-1")
    sync.synchronise()
    assert stored(store) == {"checkpoint-2/weights": "2"}


def test_objects_that_others_add_later_are_neither_fetched_nor_removed(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    sync = sync_of(store, folder)
    sync.restore()
    store.put(write(tmp_path, "other", "x"), f"{URI}/other")
    sync.synchronise()
    assert stored(store) == {"other": "x"}
    assert list(folder.iterdir()) == []


def test_only_changed_files_are_copied_again(store: Store, folder: Path) -> None:
    copied: list[str] = []

    def copy(source: Path, target: Path) -> None:
        copied.append(source.name)
        shutil.copyfile(source, target)

    sync = sync_of(store, folder, copy=copy)
    sync.restore()
    write(folder, "a", "1")
    write(folder, "b", "1")
    sync.synchronise()
    write(folder, "b", "22")
    sync.synchronise()
    sync.synchronise()
    assert sorted(copied) == ["a", "b", "b"]
    assert stored(store) == {"a": "1", "b": "22"}


def test_the_order_of_files_is_shuffled_by_the_seed(store: Store, folder: Path) -> None:
    orders = []
    for seed in ("one", "one", "two"):
        order: list[str] = []

        def copy(source: Path, target: Path, order: list[str] = order) -> None:
            order.append(source.name)
            shutil.copyfile(source, target)

        sync = sync_of(store, folder, seed=seed, copy=copy)
        for number in range(20):
            write(folder, f"{number:02}", "x")
        sync.synchronise()
        orders.append(order)
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != sorted(orders[0])


def test_a_file_that_changes_under_the_copy_is_copied_in_the_next_pass(store: Store, folder: Path) -> None:
    file = write(folder, "weights", "first")
    changes = iter(["second version"])

    def copy(source: Path, target: Path) -> None:
        shutil.copyfile(source, target)
        for text in changes:
            file.write_text(text, encoding="utf-8")

    sync = sync_of(store, folder, copy=copy)
    assert "changed while it was being copied" in sync.synchronise()[0]
    assert stored(store) == {}
    assert sync.synchronise() == []
    assert stored(store) == {"weights": "second version"}


def test_a_file_that_vanishes_under_the_copy_is_no_problem(store: Store, folder: Path) -> None:
    file = write(folder, "temporary", "x")

    def copy(source: Path, target: Path) -> None:
        file.unlink()
        shutil.copyfile(source, target)

    assert sync_of(store, folder, copy=copy).synchronise() == []


def test_a_full_disk_in_the_last_pass_is_reported(store: Store, folder: Path) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    sync = sync_of(store, folder, copy=full)
    sync.restore()
    with sync:
        write(folder, "weights", "x")
    assert "weights: [Errno 28] No space left on device" in sync.problem
    assert stored(store) == {}


def test_a_lost_file_leaves_a_checkpoint_that_is_not_whole(store: Store, folder: Path) -> None:
    def lose_weights(source: Path, target: Path) -> None:
        if source.name != "weights":
            shutil.copyfile(source, target)

    sync = sync_of(store, folder, copy=lose_weights)
    sync.restore()
    with sync:
        write(folder, "checkpoint-1/weights", "x")
        write(folder, "checkpoint-1/seal.json", "{}")
    assert stored(store) == {"checkpoint-1/seal.json": "{}"}
    again = CheckpointSync(store, folder.with_name("next"), URI, every_seconds=1, seed="next")
    again.restore()
    assert [path.name for path in folder.with_name("next").rglob("*")] == ["checkpoint-1", "seal.json"]
