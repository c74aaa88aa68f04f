"""What only a GPU can show, at Mistral-7B's size: `make bench-gpu`.

    python -m tests.benchmarks.gpu --parts memory,recipe,speed,resume,generate --minutes 8
    python -m tests.benchmarks.gpu --tiny          # tries the script itself, on any machine

The model is made on the device with random weights, the data are random token ids in the lengths of real sentences, which lie in
train-lengths.json: nothing is downloaded. Every measurement is appended to the file of results as soon as it is there, so that a
benchmark that is cut short keeps what it has; tables are printed at the end, or again from the file with `--tables`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from steps.instances import TRAINING_INSTANCES
from tests.benchmarks.gpu_fit import measure_memory, measure_recipe, memory_table, recipe_table
from tests.benchmarks.gpu_generate import generate_table, measure_generate
from tests.benchmarks.gpu_model import random_base
from tests.benchmarks.gpu_place import SMALL, Place, Row
from tests.benchmarks.gpu_resume import measure_resume, resume_table
from tests.benchmarks.gpu_speed import measure_speed, speed_table
from tests.benchmarks.train_job import FULL, stage
from tests.benchmarks.train_lengths import REVIEWS, read_lengths
from tests.benchmarks.train_report import machine
from tests.benchmarks.train_timing import free
from tests.benchmarks.vocabulary import ROOT

A10G = TRAINING_INSTANCES["ml.g5.xlarge"]
TINY_PAIRS = 24
PEAKS = {
    "A10G": A10G.peak_tflops,
    "A100": 312,
    "L40S": 362,
    "H100": 989,
    "H200": 989,
}  # NVIDIA's data sheets, dense bf16
PARTS: dict[str, Callable[[Place], None]] = {
    "memory": measure_memory,
    "recipe": measure_recipe,
    "speed": measure_speed,
    "resume": measure_resume,
    "generate": measure_generate,
}
TITLES = {
    "memory": "Memory: formula against measured peak",
    "recipe": "The recipe on the card it is meant for",
    "speed": "Speed",
    "resume": "Stop and resume",
    "generate": "Generation",
}


def tables(rows: list[Row], peak_tflops: float) -> str:
    """Every part that has rows, in Markdown."""
    write: dict[str, Callable[[list[Row]], str]] = {
        "memory": memory_table,
        "recipe": recipe_table,
        "speed": lambda found: speed_table(found, peak_tflops),
        "resume": resume_table,
        "generate": generate_table,
    }
    parts = [(part, [row for row in rows if row["part"] == part]) for part in write]
    return "\n".join(f"### {TITLES[part]}\n\n{write[part](found)}" for part, found in parts if found)


def run_parts(place: Place, parts: list[str]) -> None:
    """Run the parts in the order given. One that cannot even start is recorded, and the next begins."""
    needs_model = set(parts) & {"memory", "recipe", "speed"}
    if needs_model:
        with random_base(place.shape):
            _run(place, [part for part in parts if part in needs_model])
        free()  # the next parts' processes need the memory
    _run(place, [part for part in parts if part not in needs_model])


def _run(place: Place, parts: list[str]) -> None:
    for part in parts:
        place.start(part)
        PARTS[part](place)


def peak_of(card: str) -> float | None:
    """Dense bf16 TFLOPS of a card by its name; None for one that is not known here."""
    return next((peak for name, peak in PEAKS.items() if name in card.replace("-", " ").split()), None)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Measure memory, speed, resuming and generation of a 7B model on this GPU."
    )
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated, of: " + ", ".join(PARTS))
    parser.add_argument("--minutes", type=float, default=8, help="for each part")
    parser.add_argument(
        "--peak-tflops", type=float, default=A10G.peak_tflops, help="of this card, dense bf16; H200: 989"
    )
    parser.add_argument("--cap-gib", type=float, default=A10G.gpu_gib, help="memory of the part `recipe`")
    parser.add_argument("--source", default=REVIEWS, help="part of the sample whose lengths are taken, or all")
    parser.add_argument("--results", type=Path, help="file of JSON lines, appended to")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "benchmarks" / "gpu")
    parser.add_argument("--tiny", action="store_true", help="a tiny model and few steps, on any machine")
    parser.add_argument(
        "--tables", action="store_true", help="print the tables of the file of results, measure nothing"
    )
    given = parser.parse_args()
    parts = given.parts.split(",")
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; parts are {', '.join(PARTS)}")
    cache = given.cache.resolve()
    results = given.results or cache / ("tiny.jsonl" if given.tiny else "results.jsonl")
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "A10G"
    peak = given.peak_tflops or peak_of(card)
    if peak is None:
        parser.error(f"the peak of {card} is not known here; give it with --peak-tflops, dense bf16")
    if given.tables:
        found = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
        sys.stdout.write(tables(found, peak))
        return
    if not (given.tiny or torch.cuda.is_available()):
        sys.stderr.write("there is no GPU here, and a 7B model is not for a CPU; --tiny tries the script itself\n")
        sys.exit(1)
    shape, lengths = (SMALL if given.tiny else FULL), read_lengths(given.source)
    staged = stage(cache / ("base-small" if given.tiny else "base-7b"), shape, weights=False)
    place = Place(
        shape,
        staged,
        lengths.thinned(TINY_PAIRS) if given.tiny else lengths,
        cache,
        results,
        given.tiny,
        given.minutes,
        peak,
        given.cap_gib,
    )
    place.start("machine")
    place.record(name=machine(), lengths=place.lengths.origin, tokenizer=place.lengths.tokenizer)
    run_parts(place, parts)
    sys.stdout.write(f"{machine()}\n\n{tables(place.rows, peak)}")


if __name__ == "__main__":
    main()
