"""What the registry points to: by allow-list, whole, the same for the same contents, and readable by approval."""

from __future__ import annotations

import json
import os
import stat
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from steps import contract
from steps.contract import ModelCard
from steps.evaluate import unpack as room
from steps.evaluate.bundle import write_bundle
from steps.evaluate.card import build_card
from steps.evaluate.unpack import unpack
from steps.job import Refused
from steps.prompt import load_tokenizer
from steps.sums import sha256_file
from tests.unit.evaluate.test_registry_entry import origin_of
from tests.unit.review import conftest as reports

LICENCES = "# Licences\n\nKọ́wá.\n"
EXPECTED = [
    "LICENCES.md",
    "adapter/adapter_config.json",
    "adapter/adapter_model.safetensors",
    "model-card.json",
    "tokenizer/tokenizer.json",
    "tokenizer/tokenizer_config.json",
    "training.json",
]


@pytest.fixture(scope="module")
def card() -> ModelCard:
    texts = dict.fromkeys(("source", "licence", "corpus", "warning", "base", "revision"), "ọ́ and é")
    return build_card(reports.evaluation(), origin_of(texts), ["English", "Igbo"])


@dataclass(frozen=True)
class Workshop:
    """What a bundle is made of, and where it goes."""

    artefact: Path
    tokenizer: Path
    card: ModelCard
    out: Path

    def make(self) -> str:
        """Write the bundle; its sha256."""
        return write_bundle(self.out, self.artefact, self.tokenizer, self.card, LICENCES)

    @property
    def path(self) -> Path:
        """The bundle."""
        return self.out / "model.tar.gz"

    @property
    def entries(self) -> list[tarfile.TarInfo]:
        """Its members."""
        with tarfile.open(self.path, "r:gz") as members:
            return members.getmembers()

    @property
    def names(self) -> list[str]:
        """Their names, in order."""
        return [entry.name for entry in self.entries]


@pytest.fixture
def workshop(tmp_path: Path, base_model: Path, learned: Path, card: ModelCard) -> Workshop:
    made = Workshop(tmp_path / "artefact", tmp_path / "tokenizer", card, tmp_path / "out")
    _copy(learned, made.artefact / contract.ADAPTER_FOLDER)
    _copy(base_model / contract.TOKENIZER_FOLDER, made.tokenizer)
    contract.save(made.artefact / contract.TRAINING_REPORT, reports.training())
    return made


def _copy(source: Path, target: Path) -> None:
    """Plain copies, of this moment."""
    target.mkdir(parents=True)
    for path in source.iterdir():
        (target / path.name).write_bytes(path.read_bytes())


def test_a_bundle_holds_adapter_tokenizer_card_licences_and_report_and_nothing_else(workshop: Workshop) -> None:
    for name in ("optimizer.pt", "training_args.bin", "README.md", "run.py"):
        (workshop.artefact / contract.ADAPTER_FOLDER / name).write_bytes(b"\x80\x04")
    for name in ("tokenizer.model", "chat_template.jinja", "tokenizer.pkl", ".hidden.py"):
        (workshop.tokenizer / name).write_bytes(b"\x80\x04")
    workshop.make()
    assert workshop.names == EXPECTED


def test_its_sum_is_returned_and_nothing_lies_beside_it(workshop: Workshop) -> None:
    assert workshop.make() == sha256_file(workshop.path)
    assert list(workshop.out.iterdir()) == [workshop.path]


def test_equal_contents_give_equal_bytes_whatever_their_times(workshop: Workshop) -> None:
    first = workshop.make()
    for path in (*workshop.artefact.rglob("*"), *workshop.tokenizer.iterdir()):
        os.utime(path, (1_000, 1_000))
    assert workshop.make() == first
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname) for entry in workshop.entries} == {
        (0, 0, 0, "", "")
    }
    assert all(entry.isfile() and entry.mode == stat.S_IRUSR | stat.S_IWUSR | 0o044 for entry in workshop.entries)


def test_another_licence_gives_another_sum(workshop: Workshop) -> None:
    first = workshop.make()
    assert write_bundle(workshop.out, workshop.artefact, workshop.tokenizer, workshop.card, "# Licences\n") != first


def test_approval_can_unpack_it_and_everything_in_it_can_be_used(workshop: Workshop, tmp_path: Path) -> None:
    workshop.make()
    folder = unpack(workshop.path, tmp_path / "unpacked")
    for name in (contract.ADAPTER_WEIGHTS, contract.ADAPTER_CONFIG):
        place = Path(contract.ADAPTER_FOLDER) / name
        assert (folder / place).read_bytes() == (workshop.artefact / place).read_bytes()
    ours, theirs = (load_tokenizer(path) for path in (folder / contract.TOKENIZER_FOLDER, workshop.tokenizer))
    assert ours.encode("Anyị na-eri azụ̀.") == theirs.encode("Anyị na-eri azụ̀.")
    assert (ours.bos_token_id, ours.eos_token_id) == (theirs.bos_token_id, theirs.eos_token_id)
    assert (folder / "model-card.json").read_text(encoding="utf-8") == workshop.card.text
    assert ModelCard.model_validate(json.loads((folder / "model-card.json").read_bytes())) == workshop.card
    assert (folder / "LICENCES.md").read_text(encoding="utf-8") == LICENCES
    assert contract.load(folder / contract.TRAINING_REPORT, contract.TrainingReport) == reports.training()


@pytest.mark.parametrize(
    "lost",
    [
        "tokenizer/tokenizer.json",
        "artefact/adapter/adapter_config.json",
        "artefact/adapter/adapter_model.safetensors",
        "artefact/training.json",
    ],
)
def test_a_bundle_that_nobody_could_use_is_refused_by_the_file_it_lacks(workshop: Workshop, lost: str) -> None:
    (workshop.out.parent / lost).unlink()
    with pytest.raises(Refused, match=f"lacks {lost.removeprefix('artefact/')}"):
        workshop.make()
    assert not workshop.out.exists()


def test_a_base_model_without_a_tokenizer_folder_is_refused(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"lacks tokenizer/tokenizer\.json.*stage it again"):
        write_bundle(workshop.out, workshop.artefact, tmp_path / "nowhere", workshop.card, LICENCES)


def test_what_approval_would_not_unpack_is_not_packed(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_BYTES", 1024)
    with pytest.raises(Refused, match="unpacks to more than"):
        workshop.make()
    monkeypatch.undo()
    for number in range(room.MAX_MEMBERS):
        (workshop.tokenizer / f"{number}.json").write_text("{}")
    with pytest.raises(Refused, match="more than 64 files"):
        workshop.make()
    assert not workshop.out.exists()


def test_a_bundle_that_breaks_off_leaves_no_half_of_it(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tarfile.TarFile.addfile

    def full_disk(self: tarfile.TarFile, entry: tarfile.TarInfo, content: object = None) -> None:
        if entry.name == "model-card.json":
            raise OSError("No space left on device")
        whole(self, entry, content)  # type: ignore[arg-type]

    monkeypatch.setattr(tarfile.TarFile, "addfile", full_disk)
    with pytest.raises(OSError, match="No space left"):
        workshop.make()
    assert list(workshop.out.iterdir()) == []
