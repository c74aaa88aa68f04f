"""An account for a file of tests, and what is published into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.account.materials import make_materials
from tests.account.office import Office, open_office


@pytest.fixture(scope="module")
def office(tmp_path_factory) -> Iterator[Office]:
    """A furnished account; nothing is deployed or published."""
    with open_office(tmp_path_factory.mktemp("account")) as office:
        yield office


@pytest.fixture(scope="module")
def materials(tmp_path_factory) -> tuple[Path, Path]:
    """A corpus file and the folder of a staged base model."""
    return make_materials(tmp_path_factory.mktemp("materials"))
