"""The error of a source that cannot be read: which file, what is wrong with it, what to do next."""

from __future__ import annotations

from pathlib import Path

from steps.job import Refused


class Unreadable(Refused):
    """A file of a source cannot be used. `problem` is a predicate ("is empty"), `remedy` the next step."""

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        super().__init__(f"{path.name} {problem}. {remedy[0].upper()}{remedy[1:]}.")
        self.path = path
        self.problem = problem
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[Unreadable], tuple[Path, str, str]]:
        """How a process pool rebuilds it: from its own arguments, not from the message."""
        return type(self), (self.path, self.problem, self.remedy)


def some(names: list[str], most: int = 20) -> str:
    """Names for a message: the first ones, shortened, and how many more there are."""
    shown = [name if len(name) <= 40 else name[:40] + "…" for name in names[:most]]
    more = len(names) - len(shown)
    return (", ".join(shown) or "none") + (f" and {more} more" if more > 0 else "")
