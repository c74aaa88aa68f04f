"""What several rooms' tests share: a random tiny base model, staged as the pipeline mounts one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run in parallel; a thread each
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

SENTENCES = [
    ("The child eats yam.", "Nwa ahụ na-eri ji."),
    ("We see the market.", "Anyị na-ahụ ahịa ahụ."),
    ("She will buy fish tomorrow.", "Ọ ga-azụ azụ echi."),
    ("Where is the water?", "Kedu ebe mmiri ahụ dị?"),
    ("They do not drink palm wine.", "Ha anaghị aṅụ mmanya nkwụ."),
    ("My mother cooks in the evening.", "Nne m na-esi nri na mgbede."),
]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real corpora; tests that need it are skipped where it is not at hand."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("ASUSU_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip("the real corpora are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def base_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A staged folder (manifest.json, model/, tokenizer/) with random weights; 2 layers, hidden size 32."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

    from steps.contract import MANIFEST, BaseModelManifest, ModelShape, save
    from steps.sums import fingerprint_of, list_files

    folder = tmp_path_factory.mktemp("base-model")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<unk>", "<s>", "</s>", "<pad>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([side for pair in SENTENCES for side in pair], trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    ).save_pretrained(folder / "tokenizer")
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        sliding_window=None,
        initializer_range=0.2,  # enough for sentences to matter to each other
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=3,
    )
    model = MistralForCausalLM(config)
    model.save_pretrained(folder / "model")
    files = list_files(folder)
    manifest = BaseModelManifest(
        name="random-tiny",
        revision="test",
        licence="Apache-2.0",
        architecture="MistralForCausalLM",
        parameters=sum(weight.numel() for weight in model.parameters()),
        vocabulary=config.vocab_size,
        shape=ModelShape.of(config.to_dict()),
        files=files,
        fingerprint=fingerprint_of(files),
    )
    save(folder / MANIFEST, manifest)
    return folder
