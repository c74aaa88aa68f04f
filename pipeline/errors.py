"""Errors that reach a person: what happened, where, and what to do next. Exit codes are fixed by the design."""

from __future__ import annotations

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_DIFFERENT = 3
EXIT_REFUSED = 4
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count


def harmless(text: str) -> str:
    """A text from a file as a terminal may show it: control characters, which could command it, as what they are called."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else repr(sign)[1:-1] for sign in text)


class AsusuError(Exception):
    """Base of every error the command line prints as one message instead of a traceback."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  next: {self.hint}" if self.hint else self.message


class BadInput(AsusuError):
    """The caller gave something that cannot work: nothing was run, nothing was written."""

    exit_code = EXIT_BAD_INPUT


class Interrupted(AsusuError):
    """Ctrl-C before anything was begun that could be resumed."""

    exit_code = EXIT_INTERRUPTED


class StepFailed(AsusuError):
    """A step of the pipeline ended with a failure; the message is the step's own reason."""


class GateRefused(AsusuError):
    """The pipeline reached its Fail step: the model is not good enough to register."""

    exit_code = EXIT_REFUSED
