"""The token estimate and the manifest."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps import contract
from steps.contract import CorpusManifest, DataReport, Histogram, Leaks, PreparedManifest
from steps.prepare.output import tokens, write_manifest
from steps.prompt import Prompter, load_tokenizer
from steps.sums import sha256_file


def write_train(path: Path, pairs: list[tuple[str, str]], group: int = 7) -> Path:
    columns = {"id": [f"demo:{place}" for place in range(len(pairs))]}
    columns |= {"en": [left for left, _ in pairs], "ig": [right for _, right in pairs]}
    pq.write_table(pa.table(columns), path, row_group_size=group)
    return path


PAIRS = [(f"The child eats {place} yams.", f"Nwa ahụ na-eri ji {place}.") for place in range(40)]


def test_tokens_of_all_pairs_are_exact_where_all_are_sampled(base_model: Path, tmp_path: Path) -> None:
    estimate = tokens.estimate_tokens(
        write_train(tmp_path / "t.parquet", PAIRS), ("en", "ig"), base_model / "tokenizer"
    )
    prompter = Prompter.of(load_tokenizer(base_model / "tokenizer"), ("en", "ig"))
    examples = [
        prompter.example(*map(prompter.sentence, pair[:: 1 - 2 * direction]), direction)[0]
        for pair in PAIRS
        for direction in (0, 1)
    ]
    assert estimate.sampled == 40
    assert estimate.tokens == sum(map(len, examples))
    words = sum(len(left.split()) for left, _ in PAIRS)
    assert estimate.tokens_per_word["en"] == pytest.approx(
        sum(len(prompter.sentence(left)) for left, _ in PAIRS) / words, abs=1e-3
    )


def test_a_sample_does_not_depend_on_row_groups_and_stands_for_the_whole(
    base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = base_model / "tokenizer"
    whole = tokens.estimate_tokens(write_train(tmp_path / "t.parquet", PAIRS), ("en", "ig"), folder)
    monkeypatch.setattr(tokens, "SAMPLE", 10)
    sampled = [
        tokens.estimate_tokens(write_train(tmp_path / f"{group}.parquet", PAIRS, group), ("en", "ig"), folder)
        for group in (3, 40)
    ]
    assert sampled[0] == sampled[1]
    assert sampled[0].sampled == 10
    assert sampled[0].tokens == pytest.approx(whole.tokens, rel=0.1)


def report(**options: object) -> DataReport:
    nothing = Histogram(edges=[0], counts=[0])
    return DataReport(
        corpus="c",
        corpus_fingerprint="f" * 64,
        languages=["en", "ig"],
        sources=[],
        rows_in=30,
        repaired={},
        rules=[
            contract.RuleCount(rule="ratio", reason="r", on=True, dropped=6, share=0.2, first=[], drawn=[]),
        ],
        rows_out=24,
        splits={"train": 20, "validation": 2, "test": 2},
        components=24,
        largest_components=[1],
        duplicate_clusters={},
        leaks=Leaks(equal=0, near=0),
        lengths={},
        ratio=nothing,
        identified={},
        benchmarks={},
        signals={},
        tokens=None,
        warnings=[],
        options=options,
        seed=17,
    )


@pytest.mark.parametrize("together", [True, False])
def test_the_manifest_sums_every_written_file_and_no_other(
    manifest: CorpusManifest, tmp_path: Path, together: bool
) -> None:
    splits, reports = tmp_path / "splits", tmp_path / ("splits" if together else "reports")
    for folder in (splits, reports):
        folder.mkdir(exist_ok=True)
    names = [f"{split}.{kind}" for kind in ("parquet", "jsonl") for split in contract.SPLITS]
    for name in names:
        (splits / name).write_text(f"content of {name}")
    for name in (contract.DROPPED, contract.DATA_REPORT):
        (reports / name).write_text(f"content of {name}")
    (splits / "notes.txt").write_text("not of this run")

    write_manifest(manifest, splits, reports, report(jsonl=True))
    prepared = contract.load(splits / contract.PREPARED, PreparedManifest)
    assert [entry.path for entry in prepared.files] == [*names, contract.DROPPED, contract.DATA_REPORT]
    assert all(
        entry.sha256 == sha256_file((splits if entry.path in names else reports) / entry.path)
        for entry in prepared.files
    )
    assert prepared.counts == {"rows_in": 30, "dropped": 6, "rows_out": 24, "train": 20, "validation": 2, "test": 2}
    assert prepared.inputs == manifest.files
    assert (prepared.seed, prepared.corpus_fingerprint) == (17, "c" * 64)

    write_manifest(manifest, splits, reports, report(jsonl=False))
    prepared = contract.load(splits / contract.PREPARED, PreparedManifest)
    assert not [entry.path for entry in prepared.files if entry.path.endswith(".jsonl")]
