"""Every rule of the gate at its limit and on both sides of it, and the message a person reads."""

from __future__ import annotations

import math

import pytest

from steps.contract import GATE_RULES, Difference, DirectionScores, Failures, RuleVerdict, Score
from steps.evaluate import gate


def failures(broken: float = 0.0) -> Failures:
    return Failures(
        empty=broken,
        copied=0,
        repetitive=0,
        untranslated=0,
        broken=broken,
        length_ratio=1,
        dotted_recall=None,
        tone_recall=None,
    )


def direction(chrf: float, base: float, name: str = "en-ig", broken: float = 0.0) -> DirectionScores:
    def score(value: float) -> Score:
        return Score(value=value, low=value - 1, high=value + 1, signature="s")

    return DirectionScores(
        direction=name,
        sentences=200,
        chrf=score(chrf),
        bleu=score(1),
        base_chrf=score(base),
        base_bleu=score(1),
        failures=failures(broken),
        base_failures=failures(),
    )


def against(direction: str, ours: float, theirs: float, p: float) -> Difference:
    low, high = ours - theirs - 2, ours - theirs + 2
    return Difference(
        direction=direction,
        other="champion",
        chrf=ours,
        other_chrf=theirs,
        difference=ours - theirs,
        low=low,
        high=high,
        p=p,
    )


def evidence(
    loss: float = 0.5,
    chrf: float = 60.0,
    largest: float = 0.1,
    fraction: float = 1.0,
    champion: tuple[Difference, ...] = (),
    broken: float = 0.0,
    not_compared: str = "no version had been approved",
) -> gate.Evidence:
    scores = direction(chrf, 10.0, broken=broken), direction(60.0, 10.0, "ig-en")
    return gate.Evidence(loss, scores, largest, fraction, champion, "" if champion else not_compared)


LIMITS = gate.Limits(max_validation_loss=1.0, min_training_fraction=0.9, max_broken_share=0.05)


@pytest.mark.parametrize(("loss", "passed"), [(0.999, True), (1.0, True), (1.001, False)])
def test_validation_loss_passes_at_or_under_its_limit(loss: float, passed: bool) -> None:
    assert gate.validation_loss(loss, 1.0).passed is passed


@pytest.mark.parametrize(("chrf", "passed"), [(21.01, True), (21.0, True), (20.99, False), (5.0, False)])
def test_better_than_base_needs_one_point_more_than_the_base(chrf: float, passed: bool) -> None:
    rule = gate.better_than_base("forward", direction(chrf, 20.0))
    assert (rule.passed, rule.limit) == (passed, 21.0)


@pytest.mark.parametrize(("largest", "passed"), [(1e-9, True), (0.0, False)])
def test_adapter_trained_needs_one_weight_that_left_zero(largest: float, passed: bool) -> None:
    assert gate.adapter_trained(largest).passed is passed


@pytest.mark.parametrize(("fraction", "passed"), [(0.91, True), (0.9, True), (0.89, False)])
def test_training_fraction_passes_at_or_over_its_limit(fraction: float, passed: bool) -> None:
    assert gate.training_fraction(fraction, 0.9).passed is passed


@pytest.mark.parametrize(("broken", "passed"), [(0.049, True), (0.05, True), (0.051, False)])
def test_broken_translations_pass_at_or_under_their_limit(broken: float, passed: bool) -> None:
    assert gate.few_broken("forward", direction(60.0, 10.0, broken=broken), 0.05).passed is passed


@pytest.mark.parametrize(("p", "passed"), [(0.051, True), (0.05, True), (0.049, False)])
def test_champion_rule_refuses_only_what_is_worse_beyond_noise(p: float, passed: bool) -> None:
    assert gate.not_worse_than_champion("backward", against("ig-en", 40.0, 45.0, p)).passed is passed


@pytest.mark.parametrize(
    ("broken", "rule", "named"),
    [
        ({"loss": 1.83}, "validation_loss", "MaxValidationLoss"),
        ({"chrf": 10.5}, "better_than_base_forward", "better_than_base_forward"),
        ({"largest": 0.0}, "adapter_trained", "adapter_trained"),
        ({"fraction": 0.2}, "training_fraction", "MinTrainingFraction"),
        ({"broken": 0.2}, "few_broken_forward", "MaxBrokenShare, few_broken_forward"),
        (
            {"champion": (against("en-ig", 60.0, 61.0, 0.4), against("ig-en", 60.0, 71.0, 0.001))},
            "not_worse_than_champion_backward",
            "not_worse_than_champion_backward",
        ),
    ],
)
def test_one_broken_rule_refuses_the_model_and_is_named_in_the_message(
    broken: dict[str, float], rule: str, named: str
) -> None:
    verdict = gate.decide(evidence(**broken), LIMITS)  # type: ignore[arg-type]

    assert verdict.verdict == "refused"
    assert [decided.rule for decided in verdict.rules if not decided.passed] == [rule]
    assert f"({named})." in verdict.message


def test_the_message_gives_number_limit_and_parameter() -> None:
    verdict = gate.decide(evidence(loss=1.83), LIMITS)
    said, _, following = verdict.message.partition(" Next: ")
    assert said == "validation loss 1.83 is over the limit 1 (MaxValidationLoss)."
    assert "raise MaxValidationLoss only where" in following


def test_the_advice_is_that_of_the_rule_that_refused_and_every_rule_has_some() -> None:
    worse = gate.decide(evidence(champion=(against("en-ig", 60.0, 71.0, 0.001),)), LIMITS)
    assert worse.message.endswith("The champion stays.")
    assert "MaxValidationLoss" not in worse.message
    for name in GATE_RULES:
        refused = RuleVerdict(rule=name, passed=False, value=1, limit=0, sentence="x")
        assert gate.advice(refused).startswith("Next: ")
        assert len(gate.advice(refused)) <= gate.ADVICE_LIMIT


def test_the_longest_message_leaves_the_fail_step_room_for_the_address_of_the_report() -> None:
    address = f"s3://{'b' * 63}/runs/{'e' * 36}/evaluation/evaluation.json"
    longest = f"Model refused: {'x' * gate.MESSAGE_LIMIT} {'x' * gate.ADVICE_LIMIT} Report: {address}"
    assert len(longest) <= 1024


def test_a_number_just_over_the_limit_is_shown_with_enough_digits_to_see_it() -> None:
    assert gate.validation_loss(1.0000004, 1.0).sentence.startswith("validation loss 1.0000004 is over the limit 1 ")
    assert gate.validation_loss(math.nextafter(1.0, 2), 1.0).sentence.startswith("validation loss 1.0000000000000002 ")


def test_every_rule_passed_is_said_with_their_number() -> None:
    level = against("en-ig", 60.0, 60.0, 0.5), against("ig-en", 60.0, 60.0, 0.5)
    verdict = gate.decide(evidence(champion=level), LIMITS)
    assert (verdict.verdict, verdict.message) == ("passed", "Every rule of the gate passed, 9 of 9.")
    assert verdict.undecided == ""


@pytest.mark.parametrize("why", ["no version had been approved", "asusu-igbo/7: it was trained for another"])
def test_a_champion_rule_that_was_not_decided_is_said_with_its_reason_and_not_counted_as_passed(why: str) -> None:
    verdict = gate.decide(evidence(not_compared=why), LIMITS)
    assert verdict.verdict == "passed"
    assert verdict.undecided == f"champion rule not decided: {why}"
    assert verdict.message == f"7 of 9 rules of the gate passed and none refused; {verdict.undecided}."


def test_a_refusal_keeps_what_was_not_decided_out_of_its_reason_but_not_out_of_the_verdict() -> None:
    verdict = gate.decide(evidence(loss=1.83), LIMITS)
    assert "champion" not in verdict.message
    assert verdict.undecided == "champion rule not decided: no version had been approved"


def test_an_endless_reason_is_cut_and_the_verdict_stays_within_its_limit() -> None:
    verdict = gate.decide(evidence(not_compared="x" * 9000), LIMITS)
    assert len(verdict.message) < 500
    assert verdict.undecided.endswith("x…")


def test_a_message_that_grows_too_long_is_cut_between_rules_and_says_how_many_are_left() -> None:
    rules = [
        RuleVerdict(rule=f"r{place}", passed=False, value=1, limit=0, sentence=f"rule {place} " + "x" * 200)
        for place in range(6)
    ]
    message = gate.sentence_of(rules)
    assert len(message) <= gate.MESSAGE_LIMIT
    assert message.endswith("; 3 more refused.")
