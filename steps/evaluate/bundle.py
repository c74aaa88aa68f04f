"""The bundle that the registry points to: a model.tar.gz of what it takes to use the adapter and to judge it, by allow-list."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from steps.archive import pack
from steps.contract import ADAPTER_CONFIG, ADAPTER_FOLDER, ADAPTER_WEIGHTS, TOKENIZER_FOLDER, TRAINING_REPORT, ModelCard
from steps.evaluate.unpack import MODEL_ARCHIVE, refuse_unfit
from steps.job import Refused
from steps.sums import sha256_file

MODEL_CARD = "model-card.json"
LICENCES = "LICENCES.md"
TRAINED = (  # of TrainLora's artefact; the report, so that a dossier can be made of the entry alone
    f"{ADAPTER_FOLDER}/{ADAPTER_CONFIG}",
    f"{ADAPTER_FOLDER}/{ADAPTER_WEIGHTS}",
    TRAINING_REPORT,
)
TOKENIZER = "tokenizer.json"  # enough for every fast tokenizer
TOKENIZER_SUFFIXES = (
    ".json",
    ".txt",
)  # not tokenizer.model, which repeats it, nor templates of chats, which nothing asks


def write_bundle(folder: Path, artefact: Path, tokenizer: Path, card: ModelCard, licences: str) -> str:
    """Write the bundle into `folder` and return its sha256. Equal contents give equal bytes.

    `artefact` is TrainLora's, unpacked; `tokenizer` the base model's. Raises Refused where one lacks a file, and for what
    approval would not unpack.
    """
    with tempfile.TemporaryDirectory() as scratch:
        texts = {MODEL_CARD: card.text, LICENCES: licences}
        for name, text in texts.items():
            (Path(scratch) / name).write_text(text, encoding="utf-8")
        files = {
            **{name: artefact / name for name in TRAINED},
            **dict(_tokenizer_files(tokenizer)),
            **{name: Path(scratch) / name for name in texts},
        }
        _refuse_unusable(files)
        pack(files.items(), folder / MODEL_ARCHIVE)
    return sha256_file(folder / MODEL_ARCHIVE)


def _tokenizer_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Names in the bundle and paths. A file that must be there is named also where it is not."""
    allowed = {path.name for path in folder.glob("*") if path.suffix in TOKENIZER_SUFFIXES and path.is_file()}
    for name in sorted(allowed | {TOKENIZER}):
        yield f"{TOKENIZER_FOLDER}/{name}", folder / name


def _refuse_unusable(files: Mapping[str, Path]) -> None:
    missing = [name for name, path in files.items() if not path.is_file()]
    if missing:
        raise Refused(
            f"the bundle for the registry lacks {', '.join(missing)}, without which nobody can use the model. An adapter"
            " comes from TrainLora, a tokenizer from the staged base model: save it there with"
            " AutoTokenizer.from_pretrained(folder).save_pretrained(folder) and stage it again."
        )
    size = 0
    for count, (name, path) in enumerate(files.items(), start=1):
        entry = tarfile.TarInfo(name)
        entry.size = path.stat().st_size
        size += entry.size
        refuse_unfit(entry, count, size)
