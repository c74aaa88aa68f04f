"""Whatever names, licences, warnings and sentences hold, the registry takes the entry: every limit, alphabet and schema."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import regex
from botocore.loaders import Loader
from hypothesis import example, given, settings
from hypothesis import strategies as st

from steps import contract
from steps.contract.card import is_plain
from steps.evaluate.card import build_card, legible, thinned
from steps.evaluate.cost import training_cost
from steps.evaluate.gate import Evidence, Limits, decide
from steps.evaluate.registry import Origin, describe
from tests.unit.evaluate.package_card import SCHEMA
from tests.unit.review import conftest as reports

SHAPES = Loader().load_service_model("sagemaker", "service-2")["shapes"]
CONTENT, KEY, VALUE = (SHAPES[name] for name in ("ModelCardContent", "CustomerMetadataKey", "CustomerMetadataValue"))
VALUE_PATTERN = regex.compile(
    r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+"
)  # the shape's, without its `${1,256}`, which nothing reads

HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "",
            "two\nlines\r\nand\u2028more\x85",
            '"quoted" \\back\\slash\\',
            "<script>alert('x')</script>",
            "\u202eright to left\u200f\u2066isolated",
            "👩🏽‍🌾" * 20,
            "x" * 4000,
            '"\\' * 2000,
            "ọ́" * 4000,
            "\x00\x1b[31m\x7f\ufeff\ue000",
            "ﷺ" * 300,
        ]
    ),
)


def origin_of(texts: dict[str, str], points: int = 30) -> Origin:
    data = reports.data_report()
    sources = [
        row.model_copy(update={"name": texts["source"], "licence": texts["licence"]}) for row in data.sources
    ] * 10
    training = reports.training()
    return Origin(
        training=training.model_copy(
            update={
                "curve": [contract.LossPoint(step=step, loss=1 / (step + 1), learning_rate=1) for step in range(points)]
            }
        ),
        plan=reports.plan(),
        data=data.model_copy(
            update={"corpus": texts["corpus"], "sources": sources, "warnings": [texts["warning"]] * 30}
        ),
        base_model=contract.BaseModelManifest(
            name=texts["base"],
            revision=texts["revision"],
            licence=texts["licence"],
            architecture="MistralForCausalLM",
            parameters=1,
            vocabulary=1,
            shape=contract.ModelShape(
                layers=1, hidden=1, intermediate=1, heads=1, kv_heads=1, head=1, vocabulary=1, tied=False
            ),
            files=[],
            fingerprint="d" * 64,
        ),
        code="0.1.0+0123456789ab",
        adapter_sha256="e" * 64,
        adapter_config_sha256="a" * 64,
        test_set_sha256="f" * 64,
        cost=training_cost(512.0, reports.ESTIMATE, "ml.g5.xlarge", spot=True),
        definition="9" * 64,
        images={"image_train": texts["base"], "image_evaluate": texts["corpus"]},
    )


def entry_of(texts: dict[str, str]) -> tuple[dict[str, str], contract.ModelCard]:
    """Metadata and card of an evaluation in which every text is given by somebody else."""
    report, origin = reports.evaluation(), origin_of(texts)
    forward, backward = report.directions
    metadata = describe(report.gate, 0.5, (forward, backward), texts["champion"], origin)
    benchmarks = [row.model_copy(update={"name": texts["benchmark"]}) for row in report.benchmarks] * 9
    rules = [rule.model_copy(update={"sentence": texts["warning"]}) for rule in report.gate.rules] * 3
    gate = report.gate.model_copy(update={"message": texts["warning"][:1000], "rules": rules})
    changed = {"champion": texts["champion"], "benchmarks": benchmarks, "gate": gate, "registry": metadata}
    return metadata, build_card(report.model_copy(update=changed), origin, [texts["base"], texts["source"]])


def refuse_illegal(metadata: dict[str, str], card: contract.ModelCard) -> None:
    """What the service's own model and the published schema of the card would refuse."""
    assert len(metadata) <= SHAPES["CustomerMetadataMap"]["max"] - 4, "the definition adds four of its own"
    for key, value in metadata.items():
        assert 1 <= len(key) <= KEY["max"]
        assert 1 <= len(value) <= VALUE["max"], key
        assert VALUE_PATTERN.fullmatch(value), (key, value)
    content = card.text
    assert len(content.encode("utf-16-le")) // 2 <= CONTENT["max"], "however characters are counted"
    assert regex.fullmatch(CONTENT["pattern"], content)
    assert is_plain(content)
    jsonschema.validate(json.loads(content), SCHEMA)
    content.encode("utf-8")


NAMES = ("source", "licence", "corpus", "warning", "base", "revision", "champion", "benchmark")


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(NAMES, HOSTILE)))
@example(dict.fromkeys(NAMES, '"\\' * 2000))
@example(dict.fromkeys(NAMES, "👩" * 4000))
@example(dict.fromkeys(NAMES, "\ud800"))
@example(dict.fromkeys(NAMES, ""))
def test_no_text_makes_an_entry_that_the_registry_refuses(texts: dict[str, str]) -> None:
    refuse_illegal(*entry_of(texts))


def test_a_sum_is_never_cut_off_by_a_long_name() -> None:
    metadata, _ = entry_of(dict.fromkeys(NAMES, "name " * 900))
    assert metadata["corpus"].endswith(f"sha256:{'c' * 64}")
    assert metadata["base_model"].endswith(f"sha256:{'d' * 64}")


def test_the_card_says_what_an_approver_asks() -> None:
    _, card = entry_of(dict.fromkeys(NAMES, "") | {"source": "phrasebook", "licence": "CC-BY-4.0", "base": "Mistral"})
    scores = card.evaluation_details[0].metric_groups[0].metric_data
    assert [row.name for row in scores] == ["chrF++", "chrF++ base model", "BLEU", "BLEU base model"]
    assert scores[0].notes.startswith("95 % interval 59.80 to 62.80; nrefs:1")
    assert "Against the base model: +48.90 chrF++, 95 % interval +46.70 to +51.00" in (
        card.evaluation_details[0].evaluation_observation
    )
    assert card.training_details.training_job_details.training_datasets[0] == (
        "phrasebook: 4582 pairs, tsv, licence CC-BY-4.0"
    )
    assert card.intended_uses.purpose_of_model.startswith("Machine translation of sentences between Mistral and")
    assert "Not for use" in card.intended_uses.intended_uses
    assert len(card.training_details.training_job_details.training_datasets) <= 15
    graph = card.evaluation_details[-1].metric_groups[0].metric_data[0]
    assert (graph.type, graph.name, len(graph.value)) == ("linear_graph", "Training loss", 20)


def test_a_run_without_a_curve_has_a_card_without_a_graph() -> None:
    report, origin = reports.evaluation(), origin_of(dict.fromkeys(NAMES, "x"), points=0)
    bare = origin.training.model_copy(update={"validation_curve": [], "pace_curve": []})
    card = build_card(report, Origin(**{**vars(origin), "training": bare}), ["English", "Igbo"])
    assert card.evaluation_details[-1].name == "Gate"


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 9)), min_size=1, max_size=300))
def test_a_thinned_curve_keeps_both_ends_and_the_order(points: list[tuple[float, float]]) -> None:
    kept = thinned(points)
    assert len(kept) == min(20, len(points))
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    places = iter(points)
    assert all(point in places for point in kept)


@given(st.text(max_size=200), st.integers(2, 50))
def test_legible_text_is_one_plain_line_within_its_limit_and_stays_as_it_is(text: str, limit: int) -> None:
    line = legible(text, limit)
    assert is_plain(line)
    assert 1 <= len(line) <= limit
    assert legible(line, limit) == line


@pytest.mark.parametrize("champion", [True, False])
def test_every_rule_of_the_gate_has_a_key_in_the_registry(champion: bool) -> None:
    report = reports.evaluation()
    pairs = report.differences if champion else []
    forward, backward = report.directions
    gate = decide(
        Evidence(0.5, (forward, backward), 0.1, 1.0, pairs, "" if champion else "none"), Limits(1.0, 0.9, 0.05)
    )
    rules = [rule.rule for rule in gate.rules]
    assert tuple(rules) == contract.GATE_RULES[: len(rules)]
    assert champion == (len(rules) == len(contract.GATE_RULES))


@pytest.mark.parametrize(
    "change",
    [
        {"model_overview": {"model_creator": "two\nlines", "model_artifact": []}},
        {"model_overview": {"model_creator": "x" * 1025, "model_artifact": []}},
        {"model_package_details": {}},
        {"evaluation_details": [{"name": "", "evaluation_observation": "", "metric_groups": []}]},
        {"evaluation_details": [{"name": "n", "evaluation_observation": "x" * 2097, "metric_groups": []}]},
    ],
)
def test_a_card_outside_the_schema_is_refused_by_our_own_model_too(change: dict[str, Any]) -> None:
    _, card = entry_of(dict.fromkeys(NAMES, "x"))
    contract.ModelCard.model_validate(card.model_dump())
    with pytest.raises(ValueError, match="validation error"):
        contract.ModelCard.model_validate(card.model_dump() | change)
