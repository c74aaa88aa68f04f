"""A page is written whole or not at all, whoever else writes it at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.review.page import write_page


def test_many_writers_of_one_page_neither_fail_nor_leave_anything_behind(tmp_path: Path) -> None:
    page = tmp_path / "reports" / "page.html"
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda _: write_page("base.html", page), range(80)))
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert list(page.parent.iterdir()) == [page]


def test_what_another_writer_has_begun_is_left_alone(tmp_path: Path) -> None:
    begun = tmp_path / ".page.html.partial"
    begun.write_text("half of another page")
    write_page("base.html", tmp_path / "page.html")
    assert begun.read_text() == "half of another page"


def test_a_page_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(OSError, match=r"page\.html"):
        write_page("base.html", tmp_path / "page.html")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
