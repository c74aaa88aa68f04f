"""Numbers as a person reads them."""

from __future__ import annotations

import pytest

from pipeline.review.wording import count, dollars, duration, printable, short, signed, spread


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (count(1234567.0), "1,234,567"),
        (short(0.83125), "0.8313"),
        (short(12345.6), "12,346"),
        (signed(-3.58, 2), "−3.58"),
        (signed(48.94), "+48.9"),
        (duration(36), "36 s"),
        (duration(512), "8.53 min"),
        (duration(168 * 3600), "168 h"),
        (dollars(0.2), "$0.20"),
        (dollars(12_345.6), "$12,346"),
        (spread("1 h", "2 h"), "1 h to 2 h"),
        (spread("1 h", "1 h"), "1 h"),
        (printable("a\0b\nc"), "a\ufffdb\nc"),
        (printable(0.5), "0.5"),
    ],
)
def test_numbers_and_texts_read_well(shown: str, expected: str) -> None:
    assert shown == expected
