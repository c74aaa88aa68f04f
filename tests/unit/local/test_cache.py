from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.local.cache import Cache, Entry, Sums, code_version, step_key
from tests.unit.local.conftest import Bench
from tests.unit.local.pipelines import BUCKET

IDS = ("aaaaaaaaaaaa", "bbbbbbbbbbbb")


@pytest.fixture
def sums(bench: Bench) -> Sums:
    return Sums(bench.workdir / "cache" / "sums.json", bench.store)


def key(sums: Sums, *, uri: str, output: str = f"{BUCKET}/runs/out", restored: str = "", code: str = "1") -> str:
    request: dict[str, Any] = {
        "ProcessingInputs": [{"InputName": "x", "S3Input": {"S3Uri": uri}}],
        "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": output}}]},
        "Environment": {"SEED": "17"},
    }
    return step_key("Processing", request, sums=sums, restored=restored, code_version=code, execution_ids=IDS)


def test_equal_content_gives_an_equal_key_wherever_it_lies(bench: Bench, sums: Sums) -> None:
    bench.put("one/a.txt", "same")
    bench.put("two/a.txt", "same")
    bench.put("three/a.txt", "other")
    bench.put("four/b.txt", "same")
    one, two, three, four = (key(sums, uri=f"{BUCKET}/{name}") for name in ("one", "two", "three", "four"))
    assert one == two
    assert len({one, three, four}) == 3


def test_an_address_of_another_execution_is_the_same_place(bench: Bench, sums: Sums) -> None:
    uri = bench.put("one/a.txt")
    first, second = (key(sums, uri=uri, output=f"{BUCKET}/runs/{name}/out") for name in IDS)
    assert first == second != key(sums, uri=uri, output=f"{BUCKET}/runs/cccccccccccc/out")


def test_code_and_restored_checkpoints_belong_to_the_key(bench: Bench, sums: Sums) -> None:
    uri = bench.put("one/a.txt")
    assert len({key(sums, uri=uri), key(sums, uri=uri, code="2"), key(sums, uri=uri, restored="x")}) == 3


def test_an_entry_is_found_until_one_of_its_objects_changes_or_goes(bench: Bench, sums: Sums) -> None:
    uri = bench.put("out/a.txt", "result")
    entry = Entry("S", IDS[0], "job", "/logs", {"k": 1}, outputs={uri: sums.below(uri)["a.txt"]})
    cache = Cache(bench.workdir / "cache", sums)
    cache.keep("key", entry)
    assert cache.find("key") == entry
    assert cache.find("other") is None
    bench.put("out/a.txt", "tampered")
    assert cache.find("key") is None
    bench.put("out/a.txt", "result")
    assert cache.find("key") == entry
    bench.store.delete(uri)
    assert cache.find("key") is None


def test_an_entry_that_cannot_be_read_is_no_entry(bench: Bench, sums: Sums) -> None:
    cache = Cache(bench.workdir / "cache", sums)
    cache.keep("key", Entry("S", IDS[0], "job", "", {}))
    (cache.root / "key.json").write_text("{", encoding="utf-8")
    assert cache.find("key") is None


def test_sums_are_remembered_between_runs(bench: Bench, sums: Sums) -> None:
    uri = bench.put("one/a.txt")
    found = sums.below(uri)
    sums.save()
    path = bench.workdir / "cache" / "sums.json"
    known = {name: [*row[:2], "from the file"] for name, row in json.loads(path.read_text()).items()}
    path.write_text(json.dumps(known), encoding="utf-8")
    assert found != Sums(path, bench.store).below(uri) == {"a.txt": "from the file"}


def test_a_damaged_memory_of_sums_is_begun_anew(bench: Bench, sums: Sums) -> None:
    uri = bench.put("one/a.txt")
    sums.save()
    path = bench.workdir / "cache" / "sums.json"
    path.write_text("{", encoding="utf-8")
    assert Sums(path, bench.store).below(uri) == sums.below(uri)


def test_the_code_version_changes_with_any_file_but_not_with_compiled_ones(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1", encoding="utf-8")
    before = code_version(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").touch()
    assert code_version(tmp_path) == before
    (tmp_path / "a.py").write_text("2", encoding="utf-8")
    assert code_version(tmp_path) != before
