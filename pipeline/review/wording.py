"""Numbers and texts as the page shows them."""

from __future__ import annotations

import unicodedata
from datetime import datetime

LONG_TEXT = 240
TURNING = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)  # Unicode's Bidi_Control


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
    """Text in which nothing acts unseen.

    Control characters, which browsers refuse, become the replacement character; marks that turn the direction of text, and
    could make a reader see another order than the file's, are named: `[U+202E]`.
    """
    return "".join(map(_shown, str(text)))


def _shown(mark: str) -> str:
    if mark in TURNING:
        return f"[U+{ord(mark):04X}]"
    return "\ufffd" if unicodedata.category(mark) in ("Cc", "Cs") and mark not in "\n\t" else mark


def moment(iso: str) -> str:
    """A time in ISO 8601 to the minute: `2026-11-21 14:05 UTC`; what is no time is shown as it is."""
    try:
        time = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{time:%Y-%m-%d %H:%M} {time.tzname() or ''}".strip()


def megabytes(size: int) -> str:
    """Bytes as MiB."""
    return f"{size / 1024**2:,.1f} MiB"


def percent(part: float, whole: float = 1) -> str:
    """A share: `12.3 %`; what is there but too little to show is `under 0.1 %`."""
    share = 100 * part / whole if whole else 0.0
    return "under 0.1 %" if 0 < share < 0.1 else f"{share:.1f} %"
