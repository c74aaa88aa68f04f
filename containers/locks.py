"""`make images-lock`: write the hash-locked requirements of the base images, from pyproject.toml's own versions.

A lock names every file that may be installed by its sha256. The versions are pyproject's, and those below them
requirements.lock's, so an image holds what the tests ran with. Torch is another file on a CPU, and on a GPU it belongs
to the base image: AWS builds it against the CUDA libraries beside it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import AsusuError, BadInput
from pipeline.local.files import write_text_atomically

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "containers" / "locks"
EVERY_IMAGE = ("pydantic", "regex", "numpy", "pyarrow", "xxhash", "transformers", "tokenizers", "datasets")
DATA = (*EVERY_IMAGE, "polars", "daft", "scipy", "pycld2", "ftfy", "zstandard", "defusedxml")
TRAINING = (*EVERY_IMAGE, "torch", "peft", "accelerate", "safetensors", "sacrebleu")
TORCH_ON_CPU = "https://download.pytorch.org/whl/cpu"
OF_THE_GPU_BASE = re.compile(r"torch|triton|nvidia-.*|cuda-.*")  # comes with AWS's image, CUDA and all
PLATFORM = "x86_64-manylinux_2_28"
HEADER = "# {what}\n# Made by `make images-lock` from pyproject.toml and requirements.lock; do not edit.\n"


@dataclass(frozen=True)
class Lock:
    """One lock: the packages asked for, the Python of its base image, and what is said about it."""

    name: str
    what: str
    packages: tuple[str, ...]
    python: str
    on_cpu: bool = False
    left_out: re.Pattern[str] | None = None

    @property
    def path(self) -> Path:
        """Where it lies."""
        return FOLDER / f"{self.name}.lock"


LOCKS = (
    Lock("data", "Preflight, PrepareCorpus and TokenizeExamples.", DATA, "3.11"),
    Lock("training-cpu", "Training and evaluation on a CPU: CI and laptops.", TRAINING, "3.11", on_cpu=True),
    Lock(
        "training-gpu",
        "Training and evaluation on a GPU, on AWS's PyTorch training image, whose torch is left alone.",
        (*TRAINING, "liger-kernel"),
        "3.12",
        left_out=OF_THE_GPU_BASE,
    ),
)


def name_of(requirement: str) -> str:
    """The package that a requirement names, spelt as pip does: `PyYAML==6.0.3` is `pyyaml`."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[=<>!~;]", requirement.strip(), maxsplit=1)[0]).lower()


def requirements(pyproject: Path = ROOT / "pyproject.toml") -> dict[str, str]:
    """Requirement by package, of the package itself and of the extras `steps` and `gpu`."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return {name_of(row): row for row in (*project["dependencies"], *extras["steps"], *extras["gpu"])}


def asked(lock: Lock, known: dict[str, str]) -> list[str]:
    """The requirements of a lock. Raises BadInput for a package that pyproject.toml does not pin."""
    if missing := [name for name in lock.packages if name not in known]:
        raise BadInput(f"{lock.name}.lock asks for {', '.join(missing)}, which pyproject.toml does not pin")
    rows = [known[name] for name in lock.packages]
    return [f"{row}+cpu" if lock.on_cpu and name_of(row) == "torch" else row for row in rows]


def resolve(lock: Lock, rows: Iterable[str]) -> str:
    """The lock's text, by uv. Raises AsusuError with uv's own words where it cannot be resolved."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", "--quiet", "--no-header", "--no-annotate"]
    command += ["--generate-hashes", "--only-binary", ":all:", "--constraint", str(ROOT / "requirements.lock")]
    command += ["--python-version", lock.python, "--python-platform", PLATFORM]
    if lock.on_cpu and "UV_FIND_LINKS" not in os.environ:
        command += ["--extra-index-url", TORCH_ON_CPU, "--index-strategy", "unsafe-best-match"]
    ended = subprocess.run(command, input="\n".join(rows), text=True, capture_output=True, check=False)
    if ended.returncode:
        raise AsusuError(f"{lock.name}.lock cannot be resolved:\n{ended.stderr.strip()}", hint="see pyproject.toml")
    return without(ended.stdout, lock.left_out) if lock.left_out else ended.stdout


def without(text: str, left_out: re.Pattern[str]) -> str:
    """A lock without some packages and their hashes."""
    blocks = re.split(r"(?m)^(?=\S)", text)
    return "".join(block for block in blocks if not left_out.fullmatch(name_of(block)))


def main() -> None:
    """Write every lock, each under a temporary name first."""
    known = requirements()
    for lock in LOCKS:
        text = HEADER.format(what=lock.what) + resolve(lock, asked(lock, known))
        write_text_atomically(lock.path, text)
        sys.stdout.write(f"{lock.path.relative_to(ROOT)}: {text.count('==')} packages\n")


if __name__ == "__main__":
    try:
        main()
    except AsusuError as error:
        sys.exit(f"images-lock: {error}")
