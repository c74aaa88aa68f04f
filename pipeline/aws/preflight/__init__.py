"""Preflight against an account: roles, bucket, key, images, registry, inputs, quotas and prices, as they are now."""

from __future__ import annotations

from pipeline.aws.preflight.account import check_account, check_platform

__all__ = ["check_account", "check_platform"]
