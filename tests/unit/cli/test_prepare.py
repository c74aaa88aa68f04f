"""`asusu prepare`: what it refuses before it begins, what it leaves when it ends or is ended, and what it says."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import prepare as verb
from pipeline.cli.main import main
from pipeline.cli.prepare_request import Request, read_request
from pipeline.staging.in_place import LinkedCorpus, link_corpus
from pipeline.staging.prepared import KEY, PAGE, abandoned
from steps import contract
from steps.contract import DataReport, FileEntry, Histogram, Leaks, PreparedManifest, RuleCount
from steps.job import Refused
from steps.prepare.options import RULES, PrepareOptions, Scorer
from steps.prepare.sources import Unreadable
from steps.sums import sha256_file

ROWS = "".join(f"{number}\tThe child eats yam {number}.\tNwa na-eri ji {number}.\n" for number in range(40))
SPLITS = [f"{name}.parquet" for name in contract.SPLITS]


def report_for(request: Request, linked: LinkedCorpus) -> DataReport:
    """A report of a preparation that dropped a quarter as copies."""
    rows = linked.manifest.pairs
    dropped = {"duplicate": rows // 4, "ratio": 1}
    kept = rows - sum(dropped.values())
    return DataReport(
        corpus=linked.manifest.name,
        corpus_fingerprint=linked.manifest.fingerprint,
        languages=list(request.languages),
        sources=linked.manifest.sources,
        rows_in=rows,
        repaired={},
        rules=[
            RuleCount(
                rule=name,
                reason=f"because of {name}",
                on=request.options.on(name),
                dropped=dropped.get(name, 0),
                share=dropped.get(name, 0) / rows,
                first=[],
                drawn=[],
            )
            for name in RULES
        ],
        rows_out=kept,
        splits={"train": kept - 4, "validation": 2, "test": 2},
        components=kept,
        largest_components=[1],
        duplicate_clusters={},
        leaks=Leaks(equal=0, near=0),
        lengths={},
        ratio=Histogram(edges=[0.0], counts=[0]),
        identified={},
        benchmarks={},
        signals={},
        tokens=None,
        warnings=["The rule duplicate dropped 25.0 % of all rows."],
        options=request.options.model_dump(mode="json"),
        seed=request.seed,
    )


@dataclass
class Steps:
    """Stands for the steps: writes what they leave, or does what a test asks for instead."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    instead: Callable[[LinkedCorpus, Path, Path], None] | None = None

    def run(
        self, request: Request, linked: LinkedCorpus, partial: Path, room: Path, workers: int, progress: Any
    ) -> DataReport:
        sys.stdout.write("a library that talks\n")
        self.calls.append({"request": request, "linked": linked, "room": room, "workers": workers})
        (room / "shards").mkdir(exist_ok=True)
        progress("cut", linked.manifest.pairs, linked.manifest.pairs)
        out = partial / "out"
        out.mkdir()
        for name in (*SPLITS, contract.DROPPED):
            (out / name).write_text(f"{name} {request.seed}", encoding="utf-8")
        if self.instead:
            self.instead(linked, partial, room)
        report = report_for(request, linked)
        contract.save(out / contract.DATA_REPORT, report)
        names = [*SPLITS, contract.DROPPED, contract.DATA_REPORT]
        manifest = PreparedManifest(
            corpus_fingerprint=linked.manifest.fingerprint,
            inputs=linked.manifest.files,
            options=report.options,
            languages=report.languages,
            seed=request.seed,
            code="test",
            counts={},
            files=[
                FileEntry(path=name, bytes=(out / name).stat().st_size, sha256=sha256_file(out / name))
                for name in names
            ],
        )
        contract.save(out / contract.PREPARED, manifest)
        return report


@dataclass
class Ended:
    """How a call ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """The steps, played."""
    played = Steps()
    monkeypatch.setattr(verb, "_run", played.run)
    monkeypatch.setattr(verb, "render_page", lambda folder: (folder / PAGE).write_text("<svg"))
    return played


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A TSV of 40 pairs."""
    path = tmp_path / "phrases.tsv"
    path.write_text("id\ten\tig\n" + ROWS, encoding="utf-8")
    return path


@pytest.fixture
def asusu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Runs `asusu prepare`."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["asusu", "prepare", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return call


@pytest.fixture
def prepare(asusu: Callable[..., Ended], corpus: Path, tmp_path: Path) -> Callable[..., Ended]:
    """Runs it on that corpus into `tmp_path/out`."""
    return lambda *more: asusu("--corpus", corpus, "--out", tmp_path / "out", *more)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_preparation_leaves_the_data_the_report_and_nothing_else(steps, prepare, tmp_path):
    ended = prepare()
    assert ended.code == 0, ended.err
    assert names(tmp_path) == ["out", "phrases.tsv"]
    assert names(tmp_path / "out") == sorted(
        [*SPLITS, contract.DROPPED, contract.DATA_REPORT, contract.PREPARED, PAGE, KEY]
    )
    for text in (
        "rows in",
        "40",
        "duplicate",
        "-10",
        "25.00%",
        "rows out",
        "29",
        "train 25",
        "leaks     0",
        "warning",
        PAGE,
    ):
        assert text in ended.out, ended.out
    assert "a library that talks" not in ended.out


def test_json_is_the_report_and_nothing_else(steps, prepare, tmp_path):
    ended = prepare("--json")
    report = contract.load(tmp_path / "out" / contract.DATA_REPORT, DataReport)
    assert DataReport.model_validate_json(ended.out) == report
    assert DataReport.model_validate_json(prepare("--json").out) == report, "found finished"


def test_the_corpus_is_read_where_it_lies_under_the_names_of_a_published_one(steps, prepare, corpus, tmp_path):
    from pipeline.staging.corpus import parse_spec, publish_corpus

    def links(linked: LinkedCorpus, partial: Path, room: Path) -> None:
        assert (linked.folder / linked.manifest.sources[0].paths[0]).resolve() == corpus

    steps.instead = links
    assert prepare().code == 0
    manifest = steps.calls[0]["linked"].manifest
    published = publish_corpus([parse_spec(str(corpus))], ("en", "ig"), tmp_path / "corpora")
    assert manifest == published.model_copy(update={"words": {}})


def test_a_moses_pair_and_a_benchmark_are_described_as_publishing_does(steps, asusu, corpus, tmp_path):
    from pipeline.staging.corpus import parse_spec, publish_corpus

    for code, text in (("en", "one\ntwo"), ("ig", "otu\nabụọ")):  # without a last line end
        (tmp_path / f"pair.{code}").write_text(text, encoding="utf-8")
    pair = f"{tmp_path / 'pair.en'},{tmp_path / 'pair.ig'}"
    assert asusu("--corpus", corpus, "--corpus", pair, "--benchmark", pair, "--out", tmp_path / "out").code == 0
    manifest = steps.calls[0]["linked"].manifest
    specs = [parse_spec(str(corpus)), parse_spec(pair)]
    published = publish_corpus(specs, ("en", "ig"), tmp_path / "corpora", benchmarks=[parse_spec(pair)])
    assert manifest == published.model_copy(update={"words": {}})
    assert [source.lines for source in (*manifest.sources, *manifest.benchmarks)] == [40, 2, 2]


def test_the_same_call_again_finds_nothing_to_do_and_a_change_of_anything_does(steps, prepare, corpus):
    prepare()
    again = prepare()
    assert (again.code, len(steps.calls)) == (0, 1)
    assert "nothing to do" in again.out
    for number, more in enumerate(
        [["--seed", 3], ["--set", "max_ratio=3"], ["--licence", "CC0"], ["--languages", "ig,en"], ["--force"]], start=2
    ):
        assert prepare(*more).code == 0
        assert len(steps.calls) == number, more
    prepare()
    corpus.write_text("id\ten\tig\n" + ROWS + "41\tNew.\tỌhụrụ.\n", encoding="utf-8")
    assert "41 pairs" in prepare().out


def test_workers_change_nothing_that_would_have_to_be_done_again(steps, prepare):
    prepare("--workers", 1)
    assert "nothing to do" in prepare("--workers", 7).out
    assert steps.calls[0]["workers"] == 1


def test_a_damaged_preparation_is_made_again(steps, prepare, tmp_path):
    prepare()
    (tmp_path / "out" / SPLITS[0]).write_text("half", encoding="utf-8")
    assert prepare().code == 0
    assert len(steps.calls) == 2


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_an_earlier_preparation_stays_until_the_new_one_is_whole(steps, prepare, tmp_path):
    prepare()
    before = digest(tmp_path / "out")

    def fail(linked: LinkedCorpus, partial: Path, room: Path) -> None:
        assert digest(tmp_path / "out") == before
        raise Refused("nothing is left")

    steps.instead = fail
    assert prepare("--seed", 3).code == 2
    assert digest(tmp_path / "out") == before
    steps.instead = None
    assert prepare("--seed", 3).code == 0
    assert digest(tmp_path / "out") != before


@pytest.mark.parametrize(
    ("present", "says"),
    [
        ({"thesis.doc": "years of work"}, "holds no earlier preparation"),
        ({"manifest.json": '{"kind": "corpus"}'}, "holds no earlier preparation"),
    ],
)
def test_a_folder_that_is_not_ours_is_never_touched(steps, prepare, tmp_path, present, says):
    (tmp_path / "out").mkdir()
    for name, text in present.items():
        (tmp_path / "out" / name).write_text(text, encoding="utf-8")
    ended = prepare()
    assert ended.code == 2
    assert says in ended.err
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == present
    assert not steps.calls


def test_what_a_person_put_beside_an_earlier_preparation_is_not_removed(steps, prepare, tmp_path):
    prepare()
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    ended = prepare("--seed", 3)
    assert ended.code == 2
    assert "notes.txt" in ended.err
    assert (tmp_path / "out" / "notes.txt").exists()


def test_a_file_as_out_is_refused_and_an_empty_folder_is_taken(steps, asusu, corpus, tmp_path):
    ended = asusu("--corpus", corpus, "--out", corpus)
    assert ended.code == 2
    assert "is a file" in ended.err
    (tmp_path / "empty").mkdir()
    assert asusu("--corpus", corpus, "--out", tmp_path / "empty").code == 0


def test_an_interrupted_run_keeps_its_work_for_the_same_command(steps, prepare, tmp_path):
    def stop(linked: LinkedCorpus, partial: Path, room: Path) -> None:
        (room / "shards" / "done").write_text("a finished shard")
        signal.raise_signal(signal.SIGTERM)

    steps.instead = stop
    ended = prepare()
    assert ended.code == 130
    assert "same command again" in ended.err
    assert not (tmp_path / "out").exists()

    def look(linked: LinkedCorpus, partial: Path, room: Path) -> None:
        assert (room / "shards" / "done").exists()

    steps.instead = look
    assert prepare().code == 0
    assert names(tmp_path) == ["out", "phrases.tsv"]


def test_what_an_interrupted_run_with_other_options_left_is_named(steps, prepare, tmp_path):
    steps.instead = lambda linked, partial, room: signal.raise_signal(signal.SIGINT)
    assert prepare("--seed", 1).code == 130
    steps.instead = None
    ended = prepare("--seed", 2)
    [left] = [path for path in tmp_path.iterdir() if path.name.startswith(".out.partial-")]
    assert str(left) in ended.out


def test_the_work_goes_to_the_disk_that_is_named_and_is_removed_from_it(steps, prepare, tmp_path):
    assert prepare("--work", tmp_path / "fast").code == 0
    assert steps.calls[0]["room"].parent == tmp_path / "fast"
    assert names(tmp_path / "fast") == []


def test_a_lost_worker_is_a_failure_that_can_be_gone_on_from(steps, prepare, tmp_path):
    def lose(linked: LinkedCorpus, partial: Path, room: Path) -> None:
        raise Refused("a worker process was ended from outside") from BrokenProcessPool("gone")

    steps.instead = lose
    assert prepare().code == 1
    assert steps.calls[0]["room"].exists()


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("polars: No space left on device (os error 28)")]
)
def test_a_full_disk_is_said_in_one_sentence(steps, prepare, tmp_path, error):
    def fill(linked: LinkedCorpus, partial: Path, room: Path) -> None:
        raise error

    steps.instead = fill
    ended = prepare()
    assert ended.code == 1
    assert "No space left on device" in ended.err
    assert "make room" in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "out").exists()


def test_a_refusal_names_files_as_they_were_given(steps, prepare, corpus, tmp_path):
    def refuse(linked: LinkedCorpus, partial: Path, room: Path) -> None:
        path = linked.folder / linked.manifest.sources[0].paths[0]
        raise Unreadable(path, "is UTF-16LE, not UTF-8", f"convert it: iconv {path.name} > x")

    steps.instead = refuse
    ended = prepare()
    assert ended.code == 2
    assert f"asusu: {corpus} is UTF-16LE" in ended.err
    assert "iconv phrases.tsv > x" in ended.err

    def swapped(linked: LinkedCorpus, partial: Path, room: Path) -> None:
        raise Refused(f"40 of 40 rows of {linked.manifest.sources[0].paths[0]} look swapped")

    steps.instead = swapped
    assert f"rows of {corpus} look swapped" in prepare().err
    assert names(tmp_path) == ["phrases.tsv"], "nothing is kept of what cannot be gone on with"


def test_everything_wrong_with_a_call_is_said_at_once(steps, asusu, tmp_path):
    config = tmp_path / "options.yaml"
    config.write_text("min_letters: 2\n", encoding="utf-8")
    ended = asusu(
        *("--corpus", "a.en,b.ig,c.fr", "--languages", "en", "--engine", "spark", "--tokenizer", tmp_path / "none"),
        *(
            "--config",
            config,
            "--set",
            "max_rato=3",
            "--set",
            "max_characters",
            "--off",
            "speling",
            "--out",
            tmp_path / "out",
        ),
    )
    assert ended.code == 2
    for text in (
        "'a.en,b.ig,c.fr'",
        "--languages 'en'",
        "'spark'",
        "is not a folder",
        "min_letters: Input should be less than or equal to 1, not 2",
        "max_rato: there is no such option; did you mean max_ratio?",
        "'max_characters' is not name=value",
        "unknown rule speling",
    ):
        assert text in ended.err, ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--off", "speling"], "unknown rule speling"),
        (["--off", "empty"], "empty cannot be switched off"),
        (["--languages", "en,en"], "both are en"),
        (["--languages", "en,Igbo"], "'Igbo' is not a language code"),
        (["--config", "nowhere.yaml"], "cannot read nowhere.yaml"),
        (["--licence", "CC0", "--licence", "MIT"], "2 --licence for 1 corpora"),
        (["--benchmark", "nowhere.tsv"], "cannot read nowhere.tsv"),
        (["--set", "scorer.folder=nowhere"], "nowhere is no model folder"),
        (["--set", "min_characters=many"], "min_characters"),
    ],
)
def test_a_wrong_option_exits_2_before_anything_is_written(steps, prepare, tmp_path, arguments, says):
    ended = prepare(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err, ended.err
    assert names(tmp_path) == ["phrases.tsv"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.tsv", b"", "is empty"),
        ("header.tsv", b"id\ten\tig\n", "has a header and no pair below it"),
        ("columns.tsv", b"id\ten\tfr\n1\ta\tb\n", "must name one column for each of en and ig"),
        ("wide.tsv", "id\ten\tig\n1\ta\tb\n".encode("utf-16"), "is UTF-16LE, not UTF-8"),
        ("table.parquet", b"PAR1", ""),
    ],
)
def test_a_corpus_that_cannot_be_counted_is_refused_by_name(steps, asusu, tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    ended = asusu("--corpus", path, "--out", tmp_path / "out")
    assert ended.code == 2
    assert f"asusu: {path} {says}" in ended.err
    assert names(tmp_path) == [name]


def test_unequal_sides_are_refused_with_both_counts_before_anything_is_cut(steps, asusu, tmp_path):
    (tmp_path / "a.en").write_text("one\n" * 41)
    (tmp_path / "a.ig").write_text("otu\n" * 40)
    ended = asusu("--corpus", f"{tmp_path / 'a.en'},{tmp_path / 'a.ig'}", "--out", tmp_path / "out")
    assert ended.code == 2
    assert re.search(r"a\.en has 41 lines and a\.ig has 40", ended.err), ended.err
    assert not steps.calls


def test_options_come_from_file_then_settings_then_switches(steps, prepare, tmp_path):
    config = tmp_path / "options.yaml"
    config.write_text("max_ratio: 4\noff: [letters]\nmin_characters: 5\n", encoding="utf-8")
    prepare("--config", config, "--set", "max_ratio=3", "--off", "language", "--jsonl")
    options = steps.calls[0]["request"].options
    assert (options.max_ratio, options.min_characters) == (3, 5)
    assert set(options.off) == {"letters", "language"}, "YAML's word off is no truth value here"
    assert options.jsonl


def test_licences_go_by_order_or_by_name(steps, asusu, corpus, tmp_path):
    second = tmp_path / "news.tsv"
    second.write_text("id\ten\tig\n" + ROWS, encoding="utf-8")
    given = ["--corpus", corpus, "--corpus", second, "--out", tmp_path / "out"]
    for licences, expected in (
        (["--licence", "CC0", "--licence", "CC BY 4.0"], ["CC0", "CC BY 4.0"]),
        (["--licence", "news=CC BY 4.0"], ["not stated", "CC BY 4.0"]),
    ):
        asusu(*given, *licences)
        assert [source.licence for source in steps.calls[-1]["linked"].manifest.sources] == expected
    assert asusu(*given, "--licence", "CC0").code == 2


def test_two_processes_never_work_in_the_same_place(steps, prepare, asusu, corpus, tmp_path):
    from pipeline.errors import BadInput
    from pipeline.staging.prepared import held

    def again(linked: LinkedCorpus, partial: Path, room: Path) -> None:
        with pytest.raises(BadInput, match="another process"), held(partial):
            pass

    steps.instead = again
    assert prepare().code == 0


def test_two_calls_with_one_work_folder_and_different_outs_never_share_a_room(steps, asusu, corpus, tmp_path):
    def again(linked: LinkedCorpus, partial: Path, room: Path) -> None:
        steps.instead = None
        ended = asusu(*given, "--out", tmp_path / "second")
        assert (ended.code, len(steps.calls)) == (2, 1)
        assert "another process is at the same preparation" in ended.err
        assert (room / "shards").is_dir()

    given = ["--corpus", corpus, "--licence", "CC0", "--work", tmp_path / "fast"]
    steps.instead = again
    assert asusu(*given, "--out", tmp_path / "first").code == 0
    assert names(tmp_path) == ["fast", "first", corpus.name]
    assert asusu(*given, "--out", tmp_path / "second").code == 0
    assert names(tmp_path / "fast") == []


def test_a_work_folder_that_cannot_be_written_is_named(steps, prepare, corpus, tmp_path):
    ended = prepare("--work", corpus / "inside")
    assert ended.code == 2
    assert "--work a place you may write to" in ended.err


def test_a_scorer_that_was_moved_changes_no_key_and_one_that_was_changed_does(tmp_path, corpus):
    def key(folder: Path) -> str:
        return verb.key_of(replace(request, options=PrepareOptions(scorer=Scorer(folder=str(folder)))), linked)

    request = read_request([str(corpus)], "en,ig", ["CC0"], [], None, [], [], False, None, "native", 1, tmp_path / "o")
    linked = link_corpus(request.corpora, request.languages, tmp_path / "links", request.benchmarks)
    for name, content in (("one", "{}"), ("two", "{}"), ("three", "{ }")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(content, encoding="utf-8")
    assert key(tmp_path / "one") == key(tmp_path / "two") != key(tmp_path / "three")


def test_what_interrupted_runs_left_is_found_beside_a_name_with_signs_of_a_pattern(tmp_path):
    out = tmp_path / "o[red]*"
    for name in (".o[red]*.partial-old", ".or.partial-other", ".o[red]*.partial-now"):
        (tmp_path / name).mkdir()
    assert [path.name for path in abandoned(out, "now")] == [".o[red]*.partial-old"]


def test_progress_without_a_terminal_is_a_line_a_phase(steps, prepare):
    assert "cut: 40/40 pairs" in prepare().err
    assert json.loads(prepare("--json").out)["rows_in"] == 40


def test_control_characters_of_a_file_do_not_reach_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.tsv").write_text("\x1b]0;title\x07\x1b[31mred\tb\nx\ty\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["asusu", "prepare", "--corpus", str(tmp_path / "a.tsv"), "--out", "out"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "\\x1b[31mred" in said
    assert "\x1b" not in said
