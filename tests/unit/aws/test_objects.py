"""An object of S3 brought here: whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from botocore.response import StreamingBody

from pipeline.aws.objects import fetch
from pipeline.errors import AsusuError
from tests.unit.aws.conftest import BUCKET, Office

ADDRESS = f"s3://{BUCKET}/runs/report.json"


def stored(office: Office, content: bytes) -> None:
    office.account.s3.put_object(Bucket=BUCKET, Key="runs/report.json", Body=content)


def test_an_object_is_brought_with_its_folder(office: Office, tmp_path: Path) -> None:
    stored(office, b"whole")
    target = tmp_path / "new" / "report.json"
    assert fetch(office.account, ADDRESS, target, 5) == target
    assert target.read_bytes() == b"whole"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("before", [None, b"an earlier one"])
def test_of_an_object_whose_stream_is_cut_nothing_is_left(office: Office, tmp_path: Path, before: bytes | None) -> None:
    stored(office, b"whole")
    target = tmp_path / "place" / "report.json"
    target.parent.mkdir()
    if before is not None:
        target.write_bytes(before)

    def cut(parsed: dict[str, Any], **_: object) -> None:
        parsed["Body"] = StreamingBody(io.BytesIO(b"who"), 5)

    office.account.s3.meta.events.register("after-call.s3.GetObject", cut)
    with pytest.raises(AsusuError, match=f"while reading {ADDRESS}"):
        fetch(office.account, ADDRESS, target, 100)
    left = {path.name: path.read_bytes() for path in target.parent.iterdir()}
    assert left == ({} if before is None else {"report.json": before})


def test_an_object_that_is_not_there_takes_away_the_one_that_was(office: Office, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_bytes(b"of another run")
    assert not fetch(office.account, ADDRESS, target, 100).exists()
    assert list(tmp_path.iterdir()) == []


def test_an_object_larger_than_expected_is_not_brought(office: Office, tmp_path: Path) -> None:
    stored(office, b"whole")
    with pytest.raises(AsusuError, match="has 5 bytes, and 4 are the most expected"):
        fetch(office.account, ADDRESS, tmp_path / "report.json", 4)
    assert list(tmp_path.iterdir()) == []
