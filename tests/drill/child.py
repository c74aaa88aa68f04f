"""The trainer in a process that stops at a chosen point: `python -m tests.drill.child`, told what by DRILL_ACT.

Nothing of the trainer is replaced. Files are counted by an audit hook and by two functions that count and then call
the real `torch.save` and `safetensors.torch.save_file`, whose native code raises no audit event. To stop in the middle
of a file the kernel is asked to: at the limit on a file's size it ends the process (SIGXFSZ), with no more Python run.
"""

from __future__ import annotations

import json
import os
import resource
import runpy
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Act:
    """What to do where. `marker` is a file that says, by being there, that it was done.

    In a save (`save` counts this process's saves from 1): SIGKILL before `file` is begun, or at `size` bytes of it,
    or before it is renamed. In an evaluation (`evaluation` counts from 1, 0 is the one after the last step): SIGTERM at
    this `share` of it.
    """

    marker: str
    save: int = 0
    file: str = ""
    size: int = 0
    renaming: bool = False
    evaluation: int | None = None
    share: float = 0.0
    last_step: int = 0


class SaveWatch:
    """Follows the files that are written below the checkpoint folder."""

    def __init__(self, act: Act, folder: Path) -> None:
        self._act, self._folder = act, f"{folder}{os.sep}"
        self._current, self._saves = "", 0

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            self.begins(arguments[0])
        elif event == "os.rename" and self._act.renaming and self._reached(arguments[1]):
            self._strike()

    def begins(self, path: Any) -> None:
        """A file is about to be written."""
        if not self._act.renaming and self._reached(path):
            self._strike()

    def _reached(self, path: Any) -> bool:
        if not isinstance(path, str | os.PathLike):
            return False
        text = os.path.abspath(os.fspath(path))  # noqa: PTH100  (called for every file that is opened)
        if not isinstance(text, str) or not text.startswith(self._folder):
            return False
        checkpoint, _, name = text.removeprefix(self._folder).partition(os.sep)
        if checkpoint != self._current:
            self._current = checkpoint
            self._saves += 1
        return self._saves == self._act.save and self._act.file in name

    def _strike(self) -> None:
        Path(self._act.marker).touch()
        if self._act.size:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (self._act.size, resource.RLIM_INFINITY))
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python would go on with an error
        else:
            os.kill(os.getpid(), signal.SIGKILL)


def watch_saves(act: Act, folder: Path) -> None:
    """Strike inside a save."""
    import safetensors.torch
    import torch

    watch = SaveWatch(act, folder)

    def counted(write: Callable[..., Any]) -> Callable[..., Any]:
        def begin(content: Any, path: Any, *arguments: Any, **named: Any) -> Any:
            watch.begins(path)
            return write(content, path, *arguments, **named)

        return begin

    torch.save = counted(torch.save)
    safetensors.torch.save_file = counted(safetensors.torch.save_file)
    sys.addaudithook(watch.hook)


def watch_evaluations(act: Act, folder: Path) -> None:
    """Strike inside an evaluation, which is what reads the validation split one micro-batch after another."""
    from steps.contract import SEAL
    from steps.shards import TokenSplit

    opened, read = TokenSplit.__init__, TokenSplit.__getitem__
    last_seal = folder / f"checkpoint-{act.last_step}" / SEAL
    seen = {"evaluations": 0, "struck": False}

    def open_split(self: Any, where: Path, *arguments: Any, **named: Any) -> None:
        opened(self, where, *arguments, **named)
        self.is_validation = where.name == "validation"

    def read_one(self: Any, index: int) -> Any:
        if self.is_validation and not seen["struck"]:
            final = last_seal.is_file()
            seen["evaluations"] += not index and not final
            number = 0 if final else seen["evaluations"]
            if number == act.evaluation and index == max(1, int(act.share * len(self))):
                seen["struck"] = True
                Path(act.marker).touch()
                os.kill(os.getpid(), signal.SIGTERM)
        return read(self, index)

    TokenSplit.__init__, TokenSplit.__getitem__ = open_split, read_one  # type: ignore[method-assign]


def main() -> None:
    """Lie in wait, then be the trainer."""
    act = Act(**json.loads(os.environ.pop("DRILL_ACT")))
    folder = Path(os.environ["SAGEMAKER_BASE_DIR"]).absolute() / "checkpoints"
    (watch_saves if act.save else watch_evaluations)(act, folder)
    sys.argv = ["steps.train", "train"]
    runpy.run_module("steps.train", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
