from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadInput, StepFailed
from pipeline.local.store import PARTIAL, Store, parse_uri

names = st.text(min_size=1, max_size=8).filter(
    lambda name: "/" not in name and name not in (".", "..") and "\0" not in name
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "s3")


def folder_with(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@given(st.lists(names, min_size=1))
def test_a_key_stays_below_its_bucket(key: list[str]) -> None:
    root = Path("/store")
    path = Store(root).path("s3://bucket/" + "/".join(key))
    assert path.is_relative_to(root / "bucket")
    assert path.parts[3:] == tuple(key)


@pytest.mark.parametrize(
    "uri",
    [
        "s3:/bucket/key",
        "http://bucket/key",
        "s3://B/key",
        "",
        "/etc",
        "s3://b..b/../x",
        "s3://bucket/../x",
        "s3://bucket/a/./b",
    ],
)
def test_what_is_no_address_or_would_leave_the_store_is_refused(uri: str) -> None:
    with pytest.raises(BadInput):
        parse_uri(uri)


def test_two_slashes_in_a_row_are_refused_with_the_reason() -> None:
    with pytest.raises(BadInput, match="two slashes in a row") as error:
        parse_uri("s3://bucket/corpora//manifest.json")
    assert "without a slash at its end" in error.value.hint


def test_a_folder_goes_up_and_comes_down_again(store: Store, tmp_path: Path) -> None:
    files = {"a.txt": "1", "b/c.txt": "2", ".hidden": "3"}
    store.upload(folder_with(tmp_path / "up", files), "s3://bucket/prefix/")
    written = store.download("s3://bucket/prefix", tmp_path / "down")
    assert {path.relative_to(tmp_path / "down").as_posix(): path.read_text() for path in written} == files


def test_one_object_comes_down_under_its_own_name(store: Store, tmp_path: Path) -> None:
    store.upload(folder_with(tmp_path / "up", {"manifest.json": "{}", "other": ""}), "s3://bucket/corpus")
    store.download("s3://bucket/corpus/manifest.json", tmp_path / "down")
    assert [path.name for path in (tmp_path / "down").iterdir()] == ["manifest.json"]


def test_a_slash_at_the_end_means_a_folder(store: Store, tmp_path: Path) -> None:
    store.upload(folder_with(tmp_path / "up", {"a": ""}), "s3://bucket/x")
    assert store.exists("s3://bucket/x/a")
    assert not store.exists("s3://bucket/x/a/")
    assert store.objects("s3://bucket/x/").keys() == {"a"}


def test_nothing_lies_at_an_empty_prefix(store: Store, tmp_path: Path) -> None:
    (store.path("s3://bucket/empty")).mkdir(parents=True)
    assert not store.exists("s3://bucket/empty")
    assert store.download("s3://bucket/nothing", tmp_path / "down") == []


def test_links_are_not_followed_on_upload(store: Store, tmp_path: Path) -> None:
    secret = folder_with(tmp_path / "secret", {"key": "x"})
    up = folder_with(tmp_path / "up", {"a": "1"})
    (up / "file-link").symlink_to(secret / "key")
    (up / "folder-link").symlink_to(secret)
    assert store.upload(up, "s3://bucket/x") == ["s3://bucket/x/a"]


def test_a_job_that_writes_into_its_input_does_not_reach_the_store(store: Store, tmp_path: Path) -> None:
    store.upload(folder_with(tmp_path / "up", {"a": "1"}), "s3://bucket/x")
    (copy,) = store.download("s3://bucket/x", tmp_path / "down")
    copy.write_text("changed", encoding="utf-8")
    assert store.read_text("s3://bucket/x/a") == "1"


def test_an_object_whose_copy_failed_is_not_there_at_all(store: Store, tmp_path: Path) -> None:
    def half(source: Path, target: Path) -> None:
        target.write_text("ha", encoding="utf-8")
        raise OSError(28, "No space left on device")

    file = folder_with(tmp_path / "up", {"a": "half"}) / "a"
    with pytest.raises(OSError, match="No space left"):
        store.put(file, "s3://bucket/x/a", half)
    assert list(store.path("s3://bucket/x").iterdir()) == []


def test_unfinished_objects_are_not_listed(store: Store, tmp_path: Path) -> None:
    store.upload(folder_with(tmp_path / "up", {"a": "1"}), "s3://bucket/x")
    (store.path("s3://bucket/x") / f"{PARTIAL}1").touch()
    assert store.objects("s3://bucket/x").keys() == {"a"}


def test_a_linked_object_survives_the_change_of_its_source(store: Store, tmp_path: Path) -> None:
    store.upload(folder_with(tmp_path / "up", {"a": "old"}), "s3://bucket/x")
    store.link("s3://bucket/x/a", "s3://bucket/y/a")
    store.upload(folder_with(tmp_path / "up", {"a": "new"}), "s3://bucket/x")
    assert store.read_text("s3://bucket/y/a") == "old"


def test_without_hard_links_an_object_is_copied(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    store.upload(folder_with(tmp_path / "up", {"a": "1"}), "s3://bucket/x")
    store.link("s3://bucket/x/a", "s3://bucket/y/a")
    assert store.read_text("s3://bucket/y/a") == "1"


def test_deleting_the_last_object_removes_its_folders(store: Store, tmp_path: Path) -> None:
    store.upload(folder_with(tmp_path / "up", {"d/a": "1", "b": "2"}), "s3://bucket/x")
    store.delete("s3://bucket/x/d/a")
    store.delete("s3://bucket/x/d/a")
    assert store.objects("s3://bucket/x").keys() == {"b"}
    assert not store.path("s3://bucket/x/d").exists()


def test_text_that_is_missing_or_not_utf_8_fails_with_its_address(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="there is no object s3://bucket/x"):
        store.read_text("s3://bucket/x")
    (tmp_path / "bytes").write_bytes(b"\xff")
    store.put(tmp_path / "bytes", "s3://bucket/x")
    with pytest.raises(StepFailed, match="s3://bucket/x is not UTF-8"):
        store.read_text("s3://bucket/x")
