"""Text that means nothing to a Markdown renderer but itself: no HTML, link, picture, heading or table comes out of a value."""

from __future__ import annotations

import re

from pipeline.review.wording import LONG_TEXT, printable

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}  # also where a renderer does not take a backslash before them
ACTIVE = re.compile(r"[\\`*_\[\]#|~$@!]|(?<=\w):(?=//)|(?<=www)\.")  # the last two: bare addresses become links
AT_START = re.compile(r"^(?:[-+](?=\s|$)|--|=+$|\d+(?=[.)](?:\s|$)))")  # a list, a rule, the line under a heading


class Ready(str):
    """A text that is Markdown already."""

    __slots__ = ()


def finished(value: object) -> str:
    """What a template prints: `Ready` as it is, everything else on one line with its active signs escaped."""
    if isinstance(value, Ready):
        return value
    line = " ".join(printable(value).split())
    line = ACTIVE.sub(lambda sign: f"\\{sign.group()}", line)
    line = re.sub(r"[&<>]", lambda sign: ENTITIES[sign.group()], line)
    start = AT_START.match(line)
    if start is None:
        return line
    mark = start.group()
    return f"{mark}\\{line[len(mark) :]}" if mark.isdigit() else f"\\{line}"


def quoted(value: object, longest: int = LONG_TEXT) -> Ready:
    """Foreign text as a code span, which renderers show as it is; cut after `longest` characters, with its whole length."""
    text = " ".join(printable(value).split())
    if not text:
        return Ready("(nothing)")
    cut = f" … of {len(text):,} characters" if len(text) > longest else ""
    text = text[:longest]
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    edge = " " if "`" in (text[0], text[-1]) else ""
    return Ready(f"{fence}{edge}{text}{edge}{fence}{cut}")


def quoted_in_table(value: object, longest: int = LONG_TEXT) -> Ready:
    """The same inside a table, where a bar would begin a new cell even in a code span."""
    return Ready(quoted(value, longest).replace("|", "\\|"))
