"""Sentences that an interrupted evaluation had translated are not translated again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steps.evaluate.generate import Translator, translate_all
from steps.evaluate.inputs import read_held_out
from steps.evaluate.kept import FOLDER, Kept
from steps.evaluate.systems import BASE, TRAINED, load_systems
from steps.prompt import Prompter


@pytest.fixture
def translator(base_model: Path, learned: Path, prompter: Prompter) -> Translator:
    model, _ = load_systems(base_model, {TRAINED: learned})
    return Translator.of(model, prompter)


class Killed(BaseException):
    """Stands for the end of the process."""


def test_what_was_finished_before_an_interruption_is_kept_and_the_rest_is_added(
    translator: Translator, splits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_out = read_held_out(splits / "test.parquet", ("en", "ig"))
    weights = {BASE: "b", TRAINED: "t"}
    whole = translate_all(translator, held_out)
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setattr("steps.evaluate.generate.ROWS_PER_BATCH", 3)
    generated: list[int] = []
    generate = Translator._generate

    def counting(self: Translator, prompts: list[list[int]], new_tokens: int) -> Any:
        if len(generated) == 2:
            generated.append(0)
            raise Killed
        generated.append(len(prompts))
        return generate(self, prompts, new_tokens)

    monkeypatch.setattr(Translator, "_generate", counting)
    with pytest.raises(Killed):
        translate_all(translator, held_out, weights)
    assert translate_all(translator, held_out, weights) == whole
    sentences = 2 * 2 * len(held_out)
    assert sum(generated) == sentences, "each sentence was translated once, six of them before the interruption"
    generated.clear()
    assert translate_all(translator, held_out, weights) == whole
    assert not generated


def test_another_adapter_finds_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    Kept.open("weights", "0").add(["Good."], ["Ọma."])
    assert Kept.open("weights", "0").found == {"Good.": "Ọma."}
    assert Kept.open("other", "0").found == {}
    assert Kept.open("weights", "1").found == {}


def test_a_line_cut_short_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    kept = Kept.open("weights")
    kept.add(["Good.", "Come."], ["Ọma.", "Bịa."])
    assert kept.file is not None
    kept.file.write_bytes(kept.file.read_bytes()[:-4])
    assert Kept.open("weights").found == {"Good.": "Ọma."}


def test_nothing_is_written_where_the_platform_gives_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    kept = Kept.open("weights")
    kept.add(["Good."], ["Ọma."])
    assert (kept.file, dict(kept.found)) == (None, {})
