"""What a person lives through with `asusu prepare`: clean text out, the same bytes however it is run, honest refusals."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.staging.corpus import parse_spec, publish_corpus
from steps import contract
from steps.contract import DataReport
from tests.journeys.conftest import Terminal

SPLITS = [f"{name}.parquet" for name in contract.SPLITS]
DATA = [*SPLITS, contract.DROPPED, contract.DATA_REPORT]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("prepare"))


@pytest.fixture(scope="module")
def prepared(terminal: Terminal, small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small corpus prepared with the defaults."""
    out = tmp_path_factory.mktemp("prepared") / "out"
    done = terminal.call("prepare", "--corpus", str(small_corpus), "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out


def contents(folder: Path, names: list[str]) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names}


def report_of(folder: Path) -> DataReport:
    return contract.load(folder / contract.DATA_REPORT, DataReport)


def moses(folder: Path, left: list[str], right: list[str]) -> str:
    """A Moses pair on disk, as `--corpus` wants it."""
    folder.mkdir(parents=True, exist_ok=True)
    for code, lines in (("en", left), ("ig", right)):
        (folder / f"text.{code}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return f"{folder / 'text.en'},{folder / 'text.ig'}"


def sides(corpus: Path) -> tuple[list[str], list[str]]:
    rows = [line.split("\t") for line in corpus.read_text(encoding="utf-8").splitlines()[1:]]
    return [row[1] for row in rows], [row[2] for row in rows]


def test_every_row_is_in_a_split_or_in_the_file_of_dropped_rows(prepared: Path) -> None:
    report = report_of(prepared)
    rows = {name: pq.read_metadata(prepared / name).num_rows for name in [*SPLITS, contract.DROPPED]}
    assert report.rows_in == sum(rows.values()) == 1500
    assert sum(rule.dropped for rule in report.rules) == rows[contract.DROPPED]
    assert report.leaks.total == 0
    assert "<svg" in (prepared / "data-report.html").read_text(encoding="utf-8")


def test_json_prints_the_report_and_nothing_else(terminal: Terminal, small_corpus: Path, tmp_path: Path) -> None:
    done = terminal.call("prepare", "--corpus", str(small_corpus), "--out", str(tmp_path / "out"), "--json")
    assert DataReport.model_validate_json(done.stdout) == report_of(tmp_path / "out")


@pytest.mark.parametrize("arguments", [["--workers", "1"], ["--workers", "2", "--set", "shard_pairs=100"]])
def test_workers_and_shards_change_no_byte(
    terminal: Terminal, small_corpus: Path, prepared: Path, tmp_path: Path, arguments: list[str]
) -> None:
    out = tmp_path / "out"
    done = terminal.call("prepare", "--corpus", str(small_corpus), "--out", str(out), *arguments)
    assert done.returncode == 0, done.stderr
    assert contents(out, [*DATA, "manifest.json"]) == contents(prepared, [*DATA, "manifest.json"])


def test_a_local_ray_cluster_decides_the_same(
    terminal: Terminal, small_corpus: Path, prepared: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = terminal.call("prepare", "--corpus", str(small_corpus), "--out", str(out), "--engine", "ray")
    assert done.returncode == 0, done.stderr
    assert contents(out, DATA) == contents(prepared, DATA)


class Host:
    """One machine of a processing job: a folder that stands for /opt/ml, and the step in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "processing"

    def mount(self, name: str, source: Path, keep: Callable[[int], bool] = lambda place: True) -> None:
        target = self.folder / "input" / name
        shutil.copytree(source, target)
        for place, path in enumerate(sorted(path for path in target.rglob("*") if path.is_file())):
            if not keep(place):
                path.unlink()

    def output(self, name: str) -> Path:
        return self.folder / "output" / name

    def run(self, phase: str) -> None:
        environment = {
            "SAGEMAKER_BASE_DIR": str(self.folder.parent),
            "Phase": phase,
            "PrepareOptions": '{"shard_pairs": 200}',
            "SourceLanguage": "en",
            "TargetLanguage": "ig",
            "Seed": "17",
        }
        subprocess.run(
            [sys.executable, "-m", "steps.prepare"],
            env={**os.environ, "PYTHONPATH": str(Path.cwd()), **environment},
            check=True,
            capture_output=True,
        )


def test_two_hosts_give_the_bytes_of_one(small_corpus: Path, tmp_path: Path) -> None:
    manifest = publish_corpus([parse_spec(str(small_corpus))], ("en", "ig"), tmp_path / "corpora")
    corpus = tmp_path / "corpora" / manifest.fingerprint

    alone = Host(tmp_path / "alone")
    alone.mount("corpus", corpus)
    alone.run("whole")

    cutter = Host(tmp_path / "cutter")
    cutter.mount("corpus", corpus)
    cutter.run("cut")
    last = Host(tmp_path / "last")
    last.mount("context", cutter.output("context"))
    for number in range(2):
        host = Host(tmp_path / f"host-{number}")
        host.mount("cut", cutter.output("cut"), keep=lambda place, number=number: place % 2 == number)
        host.mount("context", cutter.output("context"))
        host.run("shards")
        shards = host.output("shards")
        assert 3 <= len(list(shards.iterdir())) <= 4
        shutil.copytree(shards, last.folder / "input" / "shards", dirs_exist_ok=True)
    shutil.copytree(last.folder.parent, tmp_path / "bereft")
    last.run("finish")

    for name, files in {"splits": [*SPLITS, "manifest.json"], "data-report": DATA[3:]}.items():
        assert contents(last.output(name), files) == contents(alone.output(name), files)

    shutil.rmtree(tmp_path / "bereft/processing/input/shards/00002")
    with pytest.raises(subprocess.CalledProcessError):
        Host(tmp_path / "bereft").run("finish")
    reason = (tmp_path / "bereft/output/message").read_text()
    assert reason.startswith("the shards are not whole: rows 400 to 599 of 1,500 are missing")


def test_a_killed_run_leaves_nothing_and_goes_on_behind_its_finished_shards(
    terminal: Terminal, small_corpus: Path, tmp_path: Path
) -> None:
    left, right = sides(small_corpus)
    corpus = moses(tmp_path, [f"{text} {part}" for part in range(40) for text in left], right * 40)
    options = ["--set", "shard_pairs=2000", "--workers", "1", "--set", "max_sources_per_target=50"]
    arguments = ["prepare", "--corpus", corpus, "--out", str(tmp_path / "out"), *options]

    process = subprocess.Popen(terminal.command(*arguments), env=terminal.environment(), stderr=subprocess.DEVNULL)
    finished: dict[Path, int] = {}
    deadline = time.monotonic() + 120
    while len(finished) < 3 and time.monotonic() < deadline:
        finished = {
            path: path.stat().st_ino for path in tmp_path.rglob("shard.json") if "partial" not in path.parent.name
        }
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(finished) >= 3
    assert not (tmp_path / "out").exists()

    again = terminal.call(*arguments)
    assert again.returncode == 0, again.stderr
    untouched = terminal.call("prepare", "--corpus", corpus, "--out", str(tmp_path / "fresh"), *options)
    assert untouched.returncode == 0, untouched.stderr
    assert contents(tmp_path / "out", DATA) == contents(tmp_path / "fresh", DATA)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "out", "text.en", "text.ig"]


def test_a_disk_that_fills_up_is_said_and_leaves_no_output(
    terminal: Terminal, small_corpus: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        terminal.command("prepare", "--corpus", str(small_corpus), "--out", str(tmp_path / "out"), "--workers", "1"),
        env=terminal.environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "too large" in done.stderr or "disk" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_disk_that_fills_up_while_writing_keeps_the_finished_shards(
    terminal: Terminal, small_corpus: Path, tmp_path: Path
) -> None:
    left, right = sides(small_corpus)
    corpus = moses(tmp_path, [f"{text} {part}" for part in range(8) for text in left], right * 8)
    arguments = ["prepare", "--corpus", corpus, "--out", str(tmp_path / "out"), "--workers", "1", "--set"]
    arguments += ["shard_pairs=100", "--set", "near_copies=false", "--set", "max_sources_per_target=9", "--jsonl"]
    done = subprocess.run(
        terminal.command(*arguments),
        env=terminal.environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "train.jsonl" in done.stderr
    assert "make room" in done.stderr
    assert len(list(tmp_path.rglob("shard.json"))) == 120
    assert terminal.call(*arguments).returncode == 0


def test_swapped_files_are_refused_by_name(terminal: Terminal, small_corpus: Path, tmp_path: Path) -> None:
    left, right = sides(small_corpus)
    corpus = moses(tmp_path / "corpus", right, left)
    done = terminal.call("prepare", "--corpus", corpus, "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "swapped" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_corpus_of_which_nothing_is_left_is_refused_with_the_waterfall(terminal: Terminal, tmp_path: Path) -> None:
    corpus = moses(tmp_path / "corpus", ["the same text on both sides"] * 50, ["the same text on both sides"] * 50)
    done = terminal.call("prepare", "--corpus", corpus, "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "identical 50" in done.stderr
    assert not (tmp_path / "out").exists()


def test_sides_of_unequal_length_are_refused_with_both_counts(
    terminal: Terminal, small_corpus: Path, tmp_path: Path
) -> None:
    left, right = sides(small_corpus)
    done = terminal.call(
        "prepare", "--corpus", moses(tmp_path / "c", left, right[:700] + right[701:]), "--out", str(tmp_path / "out")
    )
    assert done.returncode == 2
    said = done.stderr.replace(",", "")
    assert "1500" in said and "1499" in said
    assert not (tmp_path / "out").exists()


def test_benchmark_sentences_are_kept_out_of_every_split(
    terminal: Terminal, small_corpus: Path, prepared: Path, tmp_path: Path
) -> None:
    held = pq.read_table(prepared / "test.parquet").to_pylist()
    benchmark = moses(tmp_path / "benchmark", [row["en"] for row in held], [row["ig"] for row in held])
    out = tmp_path / "out"
    done = terminal.call("prepare", "--corpus", str(small_corpus), "--benchmark", benchmark, "--out", str(out))
    assert done.returncode == 0, done.stderr
    kept = {row["en"] for name in SPLITS for row in pq.read_table(out / name).to_pylist()}
    assert kept.isdisjoint(row["en"] for row in held)
    assert sum(report_of(out).benchmarks.values()) >= len(held)
    (beside,) = (out / "benchmarks").iterdir()
    columns = ["en", "ig"]
    assert pq.read_table(beside).select(columns).to_pylist() == [{name: row[name] for name in columns} for row in held]


def test_a_benchmark_that_cannot_be_read_is_refused_and_not_passed_over(
    terminal: Terminal, small_corpus: Path, tmp_path: Path
) -> None:
    arguments = ["prepare", "--corpus", str(small_corpus), "--out", str(tmp_path / "out"), "--benchmark"]
    benchmark = moses(tmp_path, [f"sentence {number}" for number in range(9)], ["ụlọ akwụkwọ"] * 9)
    (tmp_path / "text.ig").write_bytes("ụlọ akwụkwọ\n".encode().replace(b"\xe1\xbb", b"\xfe") * 9)
    broken = terminal.call(*arguments, benchmark)
    assert (broken.returncode, "9 of 9 rows" in broken.stderr, "not UTF-8" in broken.stderr) == (2, True, True)
    (tmp_path / "signs.tsv").write_text("en\tig\n---\t***\n", encoding="utf-8")
    empty = terminal.call(*arguments, str(tmp_path / "signs.tsv"))
    assert (empty.returncode, "holds no sentence" in empty.stderr) == (2, True)
    assert not (tmp_path / "out").exists()


def test_the_folder_that_holds_an_input_is_not_replaced(terminal: Terminal, prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(prepared, out)
    done = terminal.call("prepare", "--corpus", str(out / "train.parquet"), "--out", str(out))
    assert (done.returncode, "would be replaced" in done.stderr) == (2, True)
    assert contents(out, SPLITS) == contents(prepared, SPLITS)


def test_english_swahili_needs_no_code(terminal: Terminal, shared_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    corpus = str(shared_data / "tico19.en-sw.tsv")
    done = terminal.call("prepare", "--corpus", corpus, "--languages", "en,sw", "--out", str(out))
    assert done.returncode == 0, done.stderr
    report = report_of(out)
    assert report.rows_in == 3071
    assert report.rows_out > 0.97 * report.rows_in
    assert report.leaks.total == 0
    assert set(pq.read_schema(out / "train.parquet").names) == {"id", "source", "en", "sw"}


def test_the_real_sample_keeps_what_people_translated(terminal: Terminal, shared_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = terminal.call("prepare", "--corpus", str(shared_data / "sample.en-ig.tsv"), "--out", str(out))
    assert done.returncode == 0, done.stderr
    report = report_of(out)
    assert report.rows_in == 2864
    assert report.rows_out > 0.93 * report.rows_in
    dropped: dict[str, Any] = {rule.rule: rule.dropped for rule in report.rules}
    assert dropped["identical"] <= 80  # 64 terms are the same word in both languages
    assert dropped["language"] <= 0.015 * report.rows_in


def test_the_terminal_shows_waterfall_and_page(terminal: Terminal, small_corpus: Path, tmp_path: Path) -> None:
    done = terminal.call("prepare", "--corpus", str(small_corpus), "--out", str(tmp_path / "out"))
    for text in ("rows in", "rows out", "train", "validation", "test", "data-report.html"):
        assert text in done.stdout, done.stdout
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["kind"] == "prepared-corpus"
