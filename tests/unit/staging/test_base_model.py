"""Staging a base model: folders, the hub and `tiny`; what is taken, what is refused, and that nothing half-done stays."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import AsusuError, BadInput
from pipeline.staging.base_model import stage_base_model
from steps.contract import MANIFEST, BaseModelManifest, load
from steps.models import load_base
from steps.prompt import load_tokenizer
from steps.sums import damaged_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(base_model: Path, tmp_path: Path) -> Path:
    """A sound model folder in Hugging Face layout, with things in it that are none of the model's."""
    target = tmp_path / "my-model"
    shutil.copytree(base_model / "model", target)
    shutil.copytree(base_model / "tokenizer", target, dirs_exist_ok=True)
    (target / "optimizer.pt").write_bytes(b"pickle")
    (target / "run.py").write_text("raise SystemExit")
    (target / "README.md").write_text("---\nlicense: mit\n---\n")
    return target


def edit(path: Path, **changes: Any) -> None:
    """Set keys of a JSON file; None removes one."""
    value = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: item for key, item in value.items() if item is not None}))


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden or not."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_folder_is_staged_by_allow_list_and_loads(folder: Path, tmp_path: Path) -> None:
    manifest = stage_base_model(str(folder), tmp_path / "staged")
    staged = tmp_path / "staged" / manifest.fingerprint
    assert names(tmp_path / "staged") == [manifest.fingerprint]
    assert names(staged) == [MANIFEST, "model", "tokenizer"]
    assert set(names(staged / "model")) == {"config.json", "generation_config.json", "model.safetensors"}
    assert set(names(staged / "tokenizer")) == {"tokenizer.json", "tokenizer_config.json"}
    assert load(staged / MANIFEST, BaseModelManifest) == manifest
    assert damaged_files(staged, manifest.files) == []
    assert manifest.name == "my-model"
    assert manifest.licence == "mit"
    assert manifest.architecture == "MistralForCausalLM"
    model, _ = load_base(staged)
    assert model.num_parameters() == manifest.parameters
    assert model.config.vocab_size == manifest.vocabulary
    assert load_tokenizer(staged / "tokenizer").eos_token_id == 2


def test_staging_a_folder_again_gives_the_same_fingerprint_and_reports_bytes(folder: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    first = stage_base_model(str(folder), tmp_path / "staged", progress=lambda *news: seen.append(news))
    assert stage_base_model(str(folder), tmp_path / "staged") == first
    assert names(tmp_path / "staged") == [first.fingerprint]
    done, total, unit = seen[-1]
    assert (done, unit) == (total, "bytes")


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def garbled(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not a header")


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def renamed(name: str, other: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).rename(folder / other)  # type: ignore[return-value]


def changed(name: str, **changes: Any) -> Callable[[Path], None]:
    return lambda folder: edit(folder / name, **changes)


def missing_shard(folder: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def climbing_shard(folder: Path) -> None:
    shutil.copy(folder / "model.safetensors", folder.parent / "outside.safetensors")
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../outside.safetensors"}}')


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "no config": (without("config.json"), r"cannot read config\.json"),
    "config is not JSON": (lambda folder: (folder / "config.json").write_text("{"), "is not JSON"),  # type: ignore[dict-item, return-value]
    "not causal": (changed("config.json", architectures=["BertForMaskedLM"]), "BertForMaskedLM.* not a causal"),
    "no architecture": (changed("config.json", architectures=None), "not a causal language model"),
    "own code": (changed("config.json", auto_map={"AutoConfig": "x.Y"}), "`auto_map`"),
    "own tokenizer code": (changed("tokenizer_config.json", auto_map={"AutoTokenizer": "x.Y"}), "`auto_map`"),
    "only a pickle": (pickled, r"pickle \(optimizer\.pt\)|pickle \(pytorch_model\.bin\)"),
    "damaged weights": (garbled, r"model\.safetensors is damaged"),
    "missing shard": (missing_shard, r"1 are missing: model-2\.safetensors"),
    "shard outside": (climbing_shard, r"1 are missing: \.\./outside"),
    "no tokenizer": (without("tokenizer.json"), "no tokenizer.json"),
    "a tokenizer of sentencepiece alone": (renamed("tokenizer.json", "tokenizer.model"), "no tokenizer.json"),
    "damaged tokenizer": (lambda folder: (folder / "tokenizer.json").write_text("{}"), "tokenizer .* cannot be"),  # type: ignore[dict-item, return-value]
    "no end token": (changed("tokenizer_config.json", eos_token=None), "EOS"),
    "no start token": (changed("tokenizer_config.json", bos_token=None), "BOS"),
    "another's tokenizer": (changed("config.json", vocab_size=100), "400 tokens and the model has embeddings for 100"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_folder_that_cannot_be_a_base_model_is_refused_and_nothing_is_written(
    name: str, folder: Path, tmp_path: Path
) -> None:
    spoil, message = REFUSED[name]
    spoil(folder)
    with pytest.raises(BadInput, match=message) as caught:
        stage_base_model(str(folder), tmp_path / "staged")
    assert caught.value.hint
    assert str(folder) in caught.value.message
    assert names(tmp_path / "staged") == []


def test_weights_in_pickles_only_are_refused_with_how_to_convert(folder: Path, tmp_path: Path) -> None:
    pickled(folder)
    with pytest.raises(BadInput) as caught:
        stage_base_model(str(folder), tmp_path / "staged")
    assert "save_pretrained" in caught.value.hint


def test_a_source_that_is_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no base model"):
        stage_base_model("./nowhere", tmp_path / "staged")


@pytest.mark.parametrize("revision", [None, "main", COMMIT[:7]])
def test_a_hub_model_needs_a_commit(revision: str | None, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="40 hex digits"):
        stage_base_model("org/name", tmp_path / "staged", revision=revision)


def test_a_hub_model_is_downloaded_by_allow_list_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def snapshot(name: str, *, revision: str, local_dir: Path, allow_patterns: list[str]) -> None:
        calls.append((name, revision))
        assert not any(pattern.endswith((".bin", ".pt", ".py", "*")) for pattern in allow_patterns)
        shutil.copytree(folder, local_dir)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    first = stage_base_model("org/name", tmp_path / "staged", revision=COMMIT)
    assert (first.name, first.revision) == ("org/name", COMMIT)
    assert stage_base_model("org/name", tmp_path / "staged", revision=COMMIT) == first
    assert calls == [("org/name", COMMIT)]
    assert names(tmp_path / "staged" / first.fingerprint) == [MANIFEST, "model", "tokenizer"]


def test_a_failed_download_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def snapshot(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    with pytest.raises(BadInput, match="no route to the hub"):
        stage_base_model("org/name", tmp_path / "staged", revision=COMMIT)
    assert names(tmp_path / "staged") == []


def test_a_full_disk_leaves_nothing_behind(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path, seen: Callable[[int], None]) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.staging.base_model.copy", full)
    with pytest.raises(AsusuError, match="No space left on device"):
        stage_base_model(str(folder), tmp_path / "staged")
    assert names(tmp_path / "staged") == []
