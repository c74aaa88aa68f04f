"""A model that the pipeline trained on this machine, for the benchmark of generation: found in a work directory or made there."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pipeline.local.record import load_all
from pipeline.local.store import Store
from pipeline.review.gather import output_address
from steps.contract import ADAPTER_FOLDER, MANIFEST, TOKENIZER_FOLDER, BaseModelManifest, load
from steps.evaluate.generate import Translator
from steps.evaluate.inputs import HeldOut, read_held_out, read_training
from steps.evaluate.systems import TRAINED, load_systems
from steps.evaluate.unpack import unpack
from steps.prompt import Prompter, load_tokenizer

ROOT = Path(__file__).parents[2]
REGISTERED, REFUSED = 0, 4  # exit codes of a run whose training ended well


@dataclass(frozen=True)
class Trained:
    """Where a run left what EvaluateModel is given."""

    execution: str
    base_model: Path
    archive: Path
    test_split: Path

    @property
    def name(self) -> str:
        """What the model is, for a reader."""
        manifest = load(self.base_model / MANIFEST, BaseModelManifest)
        return (
            f"The model `{manifest.name}` of {manifest.parameters:,} weights with the adapter that a local run trained"
        )


def find_trained(workdir: Path) -> Trained | None:
    """The newest run in a work directory whose training has finished; None where there is none."""
    store = Store(workdir.absolute() / "s3")
    for execution in reversed(load_all(workdir)):
        done = {step.name: step for step in execution.steps if step.status == "Succeeded"}
        if "TrainLora" in done:
            found = Trained(
                execution.execution_id,
                store.path(str(execution.parameters["BaseModelUri"])),
                store.path(done["TrainLora"].describe["ModelArtifacts"]["S3ModelArtifacts"]),
                store.path(output_address(done["PrepareCorpus"], "splits")) / "test.parquet",
            )
            if found.archive.is_file() and found.test_split.is_file():
                return found
    return None


def train_one(workdir: Path) -> Trained:
    """Run the whole pipeline in a work directory, some minutes. Exits with its code where the training does not end well."""
    sys.stderr.write(f"no finished training in {workdir}: running the pipeline there, some minutes\n")
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline.cli.main", "run", "--local", "--workdir", str(workdir)],
        stdout=sys.stderr,
        check=False,
    )
    found = find_trained(workdir)
    if ended.returncode not in (REGISTERED, REFUSED) or found is None:
        sys.exit(ended.returncode or 1)
    return found


def translator_of(trained: Trained, scratch: Path) -> tuple[Translator, HeldOut]:
    """The evaluation's translator of that model, and the test split. Unpacks into `scratch`, which may go afterwards."""
    artefact = unpack(trained.archive, scratch)
    made_with = read_training(artefact).fingerprint
    first, second = made_with.languages
    model, _ = load_systems(trained.base_model, {TRAINED: artefact / ADAPTER_FOLDER})
    prompter = Prompter.of(load_tokenizer(trained.base_model / TOKENIZER_FOLDER), (first, second), made_with.names)
    return Translator.of(model, prompter), read_held_out(trained.test_split, (first, second))
