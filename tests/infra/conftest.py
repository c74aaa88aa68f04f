"""The functions' sources as they lie in the function, and an account in memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.infra.templates import FOLDER, REGION

sys.path.append(str(FOLDER / "functions"))


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """moto in this process: no network, no credentials of anybody."""
    for name in ("AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with mock_aws():
        yield
