"""A tiny Mistral, a tokenizer, and an adapter that has learned its few sentences by heart: a world to evaluate in."""

from __future__ import annotations

import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

from steps import contract, sums
from steps.prompt import TEMPLATE, Prompter, load_tokenizer, tokenizer_digest
from steps.shards import IGNORED, TokenSplit
from steps.tokenize.write import tokenise, write_split
from tests.unit.review import conftest as reports

LANGUAGES = ("en", "ig")
PAIRS = [
    (f"{subject} {verb} {thing}.", f"{onye}{ome} {ihe}.")
    for subject, onye in (("I am", "Ana m "), ("We are", "Anyị na-"), ("She is", "Ọ na-"))
    for verb, ome in (("eating", "eri"), ("selling", "ere"))
    for thing, ihe in (("yam", "ji"), ("fish", "azụ̀"))
]
PACK_LENGTH = 128
STEPS = 60  # of the plan, and of the learned adapter
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@pytest.fixture(scope="session")
def base_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A staged base model of random weights with a byte-level tokenizer."""
    folder = tmp_path_factory.mktemp("base-model")
    _train_tokenizer().save_pretrained(folder / contract.TOKENIZER_FOLDER)
    torch.manual_seed(3)
    config = MistralConfig(
        vocab_size=400,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        initializer_range=0.2,
        bos_token_id=1,
        eos_token_id=2,
    )
    MistralForCausalLM(config).save_pretrained(folder / contract.MODEL_FOLDER)
    files = sums.list_files(folder)
    manifest = contract.BaseModelManifest(
        name="tiny",
        revision="1",
        licence="Apache-2.0",
        architecture="MistralForCausalLM",
        parameters=100_000,
        vocabulary=400,
        shape=contract.ModelShape.of(config.to_dict()),
        files=files,
        fingerprint=sums.fingerprint_of(files),
    )
    contract.save(folder / contract.MANIFEST, manifest)
    return folder


def _train_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<unk>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text for pair in PAIRS for text in pair] + ["English: Igbo: "], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


@pytest.fixture(scope="session")
def prompter(base_model: Path) -> Prompter:
    return Prompter.of(load_tokenizer(base_model / contract.TOKENIZER_FOLDER), LANGUAGES)


@pytest.fixture(scope="session")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same sentences in every split, so that an adapter can know the test split by heart."""
    folder = tmp_path_factory.mktemp("splits")
    for split in contract.SPLITS:
        columns = {"id": [str(place) for place in range(len(PAIRS))], "source": ["hand"] * len(PAIRS)}
        sides = {code: [pair[side] for pair in PAIRS] for side, code in enumerate(LANGUAGES)}
        pq.write_table(pa.table(columns | sides), folder / f"{split}.parquet")
    return folder


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory, prompter: Prompter, splits: Path, base_model: Path) -> Path:
    folder = tmp_path_factory.mktemp("tokens")
    for split in ("train", "validation"):
        first, second = ([pair[side] for pair in PAIRS] for side in (0, 1))
        write_split(folder / split, tokenise(first, second, prompter, max_length=64), "packed", PACK_LENGTH, 64)
    fingerprint = contract.TokenFingerprint(
        tokenizer_sha256=tokenizer_digest(base_model / contract.TOKENIZER_FOLDER),
        template=TEMPLATE,
        languages=list(LANGUAGES),
        names=["English", "Igbo"],
        max_length=64,
        pack_length=PACK_LENGTH,
        batching="packed",
        prepared_sha256=sums.fingerprint_of(sums.list_files(splits)),
    )
    contract.save(folder / contract.FINGERPRINT, fingerprint)
    contract.save(folder / contract.PLAN, reports.plan().model_copy(update={"steps": STEPS}))
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data report of the preparation, hostile texts in it."""
    folder = tmp_path_factory.mktemp("data-report")
    contract.save(folder / contract.DATA_REPORT, reports.data_report())
    return folder


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory, base_model: Path, prompter: Prompter, tokens: Path) -> Path:
    """An adapter that translates every test sentence exactly."""
    model = _fresh_adapter(base_model)
    packs = TokenSplit(tokens / "train", prompter)
    batch = {name: torch.cat([torch.from_numpy(packs[k][name]) for k in range(len(packs))]) for name in packs[0]}
    labels = batch.pop("labels")[:, 1:].flatten()
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=1e-2)
    for _ in range(60):
        logits = model(**batch, use_cache=False).logits[:, :-1].flatten(0, 1)
        loss: Any = torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return _save_adapter(model, tmp_path_factory.mktemp("learned"))


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory, base_model: Path) -> Path:
    """An adapter as LoRA starts: every lora_B weight zero."""
    return _save_adapter(_fresh_adapter(base_model), tmp_path_factory.mktemp("untrained"))


def _fresh_adapter(base_model: Path) -> Any:
    torch.manual_seed(5)
    base = MistralForCausalLM.from_pretrained(base_model / contract.MODEL_FOLDER, dtype=torch.float32)
    return get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", r=32, lora_alpha=64, target_modules=TARGETS))


def _save_adapter(model: Any, folder: Path) -> Path:
    model.peft_config["default"].base_model_name_or_path = "tiny"
    model.save_pretrained(folder, save_embedding_layers=False)
    return folder


@dataclass(frozen=True)
class EvaluationJob:
    """The step's folders as the platform mounts them, and its outputs."""

    root: Path

    def mounted(self, name: str) -> Path:
        """Folder of an input."""
        return self.root / "processing" / "input" / name

    def mount_model(self, adapter: Path, *, fraction: float = 1.0, planned_steps: int = STEPS, **changed: Any) -> None:
        """Put a model.tar.gz with this adapter where TrainLora's would be; `changed` overrides its fingerprint."""
        folder = self.root / "model"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(adapter, folder / contract.ADAPTER_FOLDER)
        fingerprint = json.loads((self.mounted("tokens") / contract.FINGERPRINT).read_text())
        report = contract.TrainingReport(
            stop_reason="finished",
            steps=STEPS,
            planned_steps=planned_steps,
            fraction=fraction,
            resumed_from=0,
            seconds_used=36.0,
            tokens_per_second=1000.0,
            trainable_parameters=1,
            train_loss=0.01,
            validation_loss=0.01,
            curve=[],
            validation_share=1.0,
            validation_curve=[],
            checkpoints=[60],
            fingerprint=contract.TokenFingerprint.model_validate(fingerprint | changed),
        )
        contract.save(folder / contract.TRAINING_REPORT, report)
        self.mounted("model").mkdir(exist_ok=True)
        with tarfile.open(self.mounted("model") / "model.tar.gz", "w:gz") as archive:
            archive.add(folder, arcname=".")

    def accept_changed_splits(self, adapter: Path) -> None:
        """As if the tokens and the adapter had been made from the splits as they lie there now."""
        path = self.mounted("tokens") / contract.FINGERPRINT
        changed = {"prepared_sha256": sums.fingerprint_of(sums.list_files(self.mounted("splits")))}
        contract.save(path, contract.load(path, contract.TokenFingerprint).model_copy(update=changed))
        self.mount_model(adapter)

    def mount_champion(self, adapter: Path | None, base_model: str = "") -> None:
        """Put an approved adapter, or the published nothing, into the champion folder.

        `base_model` is the fingerprint of the base model that it was evaluated on, by default the mounted one's.
        """
        shutil.rmtree(self.mounted("champion"), ignore_errors=True)
        self.mounted("champion").mkdir(parents=True)
        if adapter is None:
            (self.mounted("champion") / contract.NONE_OBJECT).write_text("{}")
        else:
            shutil.copytree(adapter, self.mounted("champion") / contract.ADAPTER_FOLDER)
            mounted = contract.load(self.mounted("base-model") / contract.MANIFEST, contract.BaseModelManifest)
            manifest = contract.ChampionManifest(
                package="asusu-igbo/7",
                adapter_sha256=sums.sha256_file(adapter / contract.ADAPTER_WEIGHTS),
                adapter_config_sha256=sums.sha256_file(adapter / contract.ADAPTER_CONFIG),
                base_model_sha256=base_model or mounted.fingerprint,
                approved="2026-11-20T09:30:00+00:00",
            )
            contract.save(self.mounted("champion") / contract.CHAMPION, manifest)

    @property
    def out(self) -> Path:
        """The evaluation output."""
        return self.root / "processing" / "output" / "evaluation"

    @property
    def bundle(self) -> Path:
        """What the registry will point to."""
        return self.root / "processing" / "output" / "bundle" / "model.tar.gz"

    @property
    def report(self) -> contract.EvaluationReport:
        """What the step decided."""
        return contract.load(self.out / contract.EVALUATION_REPORT, contract.EvaluationReport)


@pytest.fixture(scope="session")
def inputs(base_model: Path, splits: Path, tokens: Path, data: Path) -> dict[str, Path]:
    """Folders that every evaluation mounts as they are."""
    return {"base-model": base_model, "splits": splits, "tokens": tokens, "data-report": data}


@pytest.fixture
def evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: dict[str, Path], learned: Path
) -> EvaluationJob:
    """A job that passes the gate as it stands; tests break one thing each."""
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    environment = {"MaxValidationLoss": "1.0", "MinTrainingFraction": "0.9", "MaxBrokenShare": "0.05", "Seed": "17"}
    environment |= {"SourceLanguage": "en", "TargetLanguage": "ig", "TrainingInstanceType": "ml.g5.xlarge"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    job = EvaluationJob(tmp_path)
    for name, folder in inputs.items():
        shutil.copytree(folder, job.mounted(name))
    job.mount_model(learned)
    job.mount_champion(None)
    return job
