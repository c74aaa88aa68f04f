"""A file is read once for its sum and its lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.staging import in_place
from pipeline.staging.in_place import read_content
from steps.sums import sha256_file


@given(st.binary(max_size=40) | st.lists(st.sampled_from([b"\n", b"\r", b"a", b"\xff"])).map(b"".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sum_size_and_lines_are_those_of_the_whole_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_place, "BLOCK", 7)
        found = read_content(path)
    parts = data.split(b"\n")
    assert (found.bytes, found.sha256) == (len(data), sha256_file(path))
    assert found.lines == len(parts) - (parts[-1] == b"")
