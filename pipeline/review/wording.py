"""Numbers and texts as the page shows them."""

from __future__ import annotations

import unicodedata

LONG_TEXT = 240


def count(value: float) -> str:
    """A whole number with separators: 12,345."""
    return f"{value:,.0f}"


def short(value: float) -> str:
    """Four significant digits, never in powers of ten where a person would not: 0.8312, 1,234."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def signed(value: float, digits: int = 1) -> str:
    """A difference with its sign: +48.9, −3.58."""
    return f"{value:+.{digits}f}".replace("-", "−")


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, whichever reads best: `36 s`, `4.5 min`, `12.3 h`."""
    if seconds < 90:
        return f"{seconds:.3g} s"
    if seconds < 5400:
        return f"{seconds / 60:.3g} min"
    return f"{seconds / 3600:.4g} h"


def dollars(value: float) -> str:
    """US dollars; cents where they matter."""
    return f"${value:,.0f}" if value >= 1000 else f"${value:,.2f}"


def spread(low: str, high: str) -> str:
    """A range, or one number where both ends read the same."""
    return low if low == high else f"{low} to {high}"


def printable(text: object) -> str:
    """Text without control characters, which browsers refuse: each becomes the replacement character."""
    return "".join(
        "\ufffd" if unicodedata.category(mark) in ("Cc", "Cs") and mark not in "\n\t" else mark for mark in str(text)
    )


def megabytes(size: int) -> str:
    """Bytes as MiB."""
    return f"{size / 1024**2:,.1f} MiB"


def percent(part: float, whole: float = 1) -> str:
    """A share: `12.3 %`; what is there but too little to show is `under 0.1 %`."""
    share = 100 * part / whole if whole else 0.0
    return "under 0.1 %" if 0 < share < 0.1 else f"{share:.1f} %"
