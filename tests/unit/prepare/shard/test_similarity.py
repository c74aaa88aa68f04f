"""Bitext similarity: the same score however sentences are batched, and a folder that cannot be used says what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from steps.job import Refused
from steps.prepare.options import Scorer
from steps.prepare.shard import encoder, encoder_folder, similarity
from steps.prepare.shard.encoder import Encoder
from steps.prepare.shard.encoder_folder import check_folder
from steps.prepare.shard.similarity import similarities
from tests.unit.prepare.shard.cuts import prepared

WORDS = ["the", "child", "eats", "yam", "market", "water", "nwa", "ahụ", "na", "eri", "ji", "mmiri", "ahịa", "."]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers with random weights, and a tokenizer of fourteen words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=48,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = BertConfig(vocab_size=len(vocabulary), max_position_embeddings=48, initializer_range=0.5, **shape)
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def changed(model_folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the folder with some JSON files written or changed."""

    def make(**files: object) -> Path:
        folder = tmp_path / "model"
        shutil.copytree(model_folder, folder)
        for name, value in files.items():
            path = folder / f"{name.replace('__', '/')}.json"
            path.parent.mkdir(exist_ok=True)
            before = json.loads(path.read_text()) if path.exists() else {}
            path.write_text(json.dumps({**before, **value} if isinstance(value, dict) else value), encoding="utf-8")
        return folder

    return make


def sentences(count: int, seed: int) -> list[str]:
    """Random sentences of 1 to 60 words: some are cut at the model's end."""
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, random.integers(1, 61))) for _ in range(count)]


def scores(folder: Path, left: list[str], right: list[str], batch: int = 8) -> np.ndarray:
    return similarities(left, right, Scorer(folder=str(folder), batch=batch))


def test_a_sentence_is_as_similar_to_itself_as_can_be_and_less_to_others(model_folder):
    left, right = sentences(40, 1), sentences(40, 2)
    same = scores(model_folder, left, left)
    assert same.dtype == np.float32
    assert same.shape == (40,)
    np.testing.assert_allclose(same, 1, atol=1e-6)
    other = scores(model_folder, left, right)
    assert (other < 0.999).all()
    assert other.std() > 0.001


def test_scores_do_not_depend_on_order_neighbours_or_where_a_corpus_is_cut(model_folder, monkeypatch):
    left, right = sentences(40, 3), sentences(40, 4)
    whole = scores(model_folder, left, right)
    order = np.random.default_rng(5).permutation(40)
    shuffled = scores(model_folder, [left[place] for place in order], [right[place] for place in order])
    np.testing.assert_array_equal(shuffled, whole[order])
    parts = [scores(model_folder, left[start : start + 7], right[start : start + 7]) for start in range(0, 40, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    monkeypatch.setattr(encoder, "PAIRS_AT_ONCE", 13)
    np.testing.assert_array_equal(scores(model_folder, left, right), whole)


@pytest.mark.parametrize("batch", [1, 3, 32])
def test_the_batch_size_changes_rounding_only(model_folder, batch):
    left, right = sentences(20, 6), sentences(20, 7)
    np.testing.assert_allclose(scores(model_folder, left, right, batch), scores(model_folder, left, right), atol=1e-5)


def test_no_pairs_have_no_scores(model_folder):
    assert scores(model_folder, [], []).shape == (0,)


def test_the_mean_leaves_padding_out(model_folder):
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = AutoModel.from_pretrained(model_folder).eval()
    with torch.inference_mode():
        hidden = model(**tokenizer("the child eats yam", return_tensors="pt")).last_hidden_state[0]
    expected = hidden.mean(0) / hidden.mean(0).norm()
    [vector] = Encoder(model_folder, 4).vectors(["the child eats yam"])
    np.testing.assert_allclose(vector, expected.numpy(), atol=1e-5)


def test_the_pooling_is_the_one_that_the_folder_names(model_folder, changed, monkeypatch):
    import torch
    from transformers import AutoModel, AutoTokenizer

    inputs = AutoTokenizer.from_pretrained(model_folder)("the child", return_tensors="pt")
    with torch.inference_mode():
        output = AutoModel.from_pretrained(model_folder).eval()(**inputs)
    first = output.last_hidden_state[0, 0]
    cls = changed(**{"1_Pooling__config": {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}})
    [vector] = Encoder(cls, 2).vectors(["the child"])
    np.testing.assert_allclose(vector, (first / first.norm()).numpy(), atol=1e-5)
    monkeypatch.setattr(encoder_folder, "LABSE_VOCABULARY", len(WORDS) + 4)
    [vector] = Encoder(model_folder, 2).vectors(["the child"])
    np.testing.assert_allclose(vector, (output.pooler_output[0] / output.pooler_output[0].norm()).numpy(), atol=1e-5)


def test_a_dense_layer_and_a_prompt_are_taken_from_the_folder(model_folder, changed):
    import torch
    from safetensors.torch import save_file

    dense = {"activation_function": "torch.nn.modules.activation.Tanh"}
    folder = changed(
        modules=[{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}],
        **{"2_Dense__config": dense, "1_Pooling__config": {"pooling_mode_cls_token": True}},
        config_sentence_transformers={"prompts": {"query": "the "}, "default_prompt_name": "query"},
    )
    with pytest.raises(Refused, match=r"2_Dense has no model\.safetensors"):
        Encoder(folder, 2)
    weight = torch.randn(16, 32)
    save_file({"linear.weight": weight, "linear.bias": torch.zeros(16)}, folder / "2_Dense" / "model.safetensors")
    [vector] = Encoder(folder, 2).vectors(["child"])
    assert vector.shape == (16,)
    first = np.tanh(raw_first(model_folder, "the child") @ weight.numpy().T)
    np.testing.assert_allclose(vector, first / np.linalg.norm(first), atol=1e-4)


def raw_first(folder: Path, text: str) -> np.ndarray:
    """The first token's vector, unscaled."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    with torch.inference_mode():
        inputs = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
        return AutoModel.from_pretrained(folder).eval()(**inputs).last_hidden_state[0, 0].numpy()


@pytest.mark.parametrize(
    ("files", "removed", "says"),
    [
        ({}, "config.json", "config.json is missing"),
        ({}, "model.safetensors", "save_pretrained(new_folder)"),
        ({"config": {"auto_map": {"AutoModel": "x.Y"}}}, "", "never done"),
        ({"1_Pooling__config": {"pooling_mode_max_tokens": True}}, "", "pooling_mode_max_tokens"),
        ({"config": []}, "", "holds no dict"),
    ],
    ids=["no config", "pickle", "own code", "pooling", "no object"],
)
def test_a_folder_that_cannot_be_used_is_refused_before_it_is_loaded(changed, files, removed, says):
    folder = changed(**files)
    if removed:
        (folder / removed).rename(folder / "pytorch_model.bin")
    with pytest.raises(Refused) as refused:
        check_folder(folder)
    assert says in str(refused.value)
    assert folder.name in str(refused.value)


def test_the_model_is_loaded_once_in_a_process(model_folder, monkeypatch):
    similarity.open_scorer.cache_clear()
    opened = []
    monkeypatch.setattr(similarity, "Encoder", lambda *given: opened.append(given) or Encoder(*given))
    for _ in range(3):
        scores(model_folder, ["the child"], ["nwa ahụ"])
    assert len(opened) == 1


def test_the_rule_drops_pairs_under_the_least_similarity_and_says_how_similar_they_were(model_folder, tmp_path):
    left, right = sentences(60, 8), sentences(60, 9)
    left[::10] = right[::10]  # as similar as can be
    expected = scores(model_folder, left, right)
    least = float(np.median(expected))
    shard = prepared(
        tmp_path,
        list(zip(left, right, strict=True)),
        off=("identical", "ratio", "repetition"),
        identify=False,
        scorer=Scorer(folder=str(model_folder), minimum=least, batch=8),
    )
    under = np.flatnonzero(expected < np.float32(least))
    assert 20 <= len(under) <= 30
    assert shard.rules == dict.fromkeys(under.tolist(), "similarity")
    assert shard.values == {row: f"{expected[row]:.3f}" for row in under.tolist()}
    assert shard.report.dropped == {"similarity": len(under)}
    assert not set(range(0, 60, 10)) & set(shard.rules)
    assert shard.kept["row"].to_pylist() == sorted(set(range(60)) - set(under.tolist()))


def test_a_row_that_an_earlier_rule_dropped_is_not_scored(model_folder, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        similarity, "similarities", lambda left, right, scorer: asked.extend(left) or scores(model_folder, left, right)
    )
    pairs = [("the child eats yam", "nwa na eri ji"), ("", "mmiri"), ("the market", "ahịa na ahịa")]
    scorer = Scorer(folder=str(model_folder), minimum=-1)
    assert prepared(tmp_path, pairs, identify=False, scorer=scorer).rules == {1: "empty"}
    assert asked == ["the child eats yam", "the market"]
