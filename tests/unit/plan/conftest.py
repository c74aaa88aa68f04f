"""The definition that plans are compared with."""

from __future__ import annotations

import pytest

from tests.unit.plan.editing import account_text


@pytest.fixture(scope="session")
def deployed_text() -> str:
    """What is deployed before a change."""
    return account_text()
