"""Preflight before a deployment or a start: what would go wrong in an account, found before anything is paid for.

This room asks nobody: it judges settings, the compiled definition and the parameters. What an account has to say is
asked by `pipeline.aws.preflight`, in the same words.
"""

from __future__ import annotations

from pipeline.preflight.check import Check, Status, verdict
from pipeline.preflight.offline import check_offline
from pipeline.preflight.remedies import Remedies

__all__ = ["Check", "Remedies", "Status", "check_offline", "verdict"]
