"""Whatever a name holds, the registry gets text in the alphabet that the service accepts."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from steps.contract import REGISTRY_KEYS
from steps.evaluate.registry import registry_strings, registry_text

SERVICE = regex.compile(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}")  # botocore: CustomerMetadataValue


@given(st.text(max_size=600))
def test_any_text_becomes_one_that_the_service_accepts(text: str) -> None:
    assert SERVICE.fullmatch(registry_text(text))
    assert registry_text(registry_text(text)) == registry_text(text)


def test_what_is_allowed_stays_as_it_is() -> None:
    text = "mistralai/Mistral-7B-v0.3 sha256:0f9a loss=1.26 a+b@c_d"
    assert registry_text(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Asụsụ Ìgbò", "Asusu Igbo"),
        ("1.26 (<= 1.40)", "1.26 -= 1.40-"),
        ('<script>"x"</script>', "-script-x-/script-"),
        ("line\nbreak\x00", "line break-"),
    ],
)
def test_foreign_characters_become_plain_ones(text: str, expected: str) -> None:
    assert registry_text(text) == expected


def test_a_missing_key_is_an_error_and_never_an_empty_string() -> None:
    values = dict.fromkeys(REGISTRY_KEYS, "x")
    assert registry_strings(values) == values
    values.pop("corpus")
    with pytest.raises(KeyError):
        registry_strings(values)
