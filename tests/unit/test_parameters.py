"""The table of run-time parameters: what it accepts, refuses, and says."""

import pytest

from steps.parameters import BY_NAME, PARAMETERS, ParameterError, check_all, parse_value


@pytest.mark.parametrize("row", [row for row in PARAMETERS if row.default is not None], ids=lambda row: row.name)
def test_every_default_is_allowed_by_its_own_row(row):
    assert row.parse(str(row.default)) == row.default


@pytest.mark.parametrize("row", [row for row in PARAMETERS if row.minimum is not None], ids=lambda row: row.name)
def test_every_range_includes_its_ends_and_nothing_beyond(row):
    text = str if row.type == "Float" else lambda value: str(int(value))
    assert row.parse(text(row.minimum)) == row.minimum
    assert row.parse(text(row.maximum)) == row.maximum
    with pytest.raises(ParameterError, match=row.name):
        row.parse(text(row.minimum - 1))
    with pytest.raises(ParameterError, match=row.name):
        row.parse(text(row.maximum + 1))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("LoraRank", "sixteen", "not a whole number"),
        ("LoraRank", "16.5", "not a whole number"),
        ("LoraRank", "1_6", "not a whole number"),
        ("LoraRank", " 16", "not a whole number"),
        ("LearningRate", "nan", "not finite"),
        ("LearningRate", "inf", "not finite"),
        ("TrainingInstanceType", "ml.p9.xlarge", "ml.g5.xlarge"),
        ("CorpusUri", "https://example.org/x", "s3://"),
        ("ResumeFrom", "../other", "none"),
        ("LoraRnak", "16", "unknown parameter"),
    ],
)
def test_a_refusal_names_the_parameter_and_what_is_allowed(name, text, says):
    with pytest.raises(ParameterError, match=name) as caught:
        parse_value(name, text)
    assert says in str(caught.value)


def test_resume_from_takes_an_execution_or_one_of_its_checkpoints():
    for text in ("none", "abc123def456", "abc123def456/checkpoint-500"):
        assert parse_value("ResumeFrom", text) == text


def test_all_problems_are_reported_at_once():
    problems = check_all({"LoraRank": "0", "Epochs": "many", "Nonsense": "1"})
    assert [name in " ".join(problems) for name in ("LoraRank", "Epochs", "Nonsense")] == [True] * 3


def test_values_that_do_not_fit_each_other_are_refused():
    assert "multiple" in check_all({"PackLength": "1024", "TokensPerStep": "1500"})[0]
    assert "does not fit" in check_all({"MaxLength": "2048"})[0]


def test_only_the_published_inputs_must_be_given():
    assert [row.name for row in PARAMETERS if row.default is None] == ["CorpusUri", "BaseModelUri"]
    assert len(BY_NAME) == len(PARAMETERS) < 20
