from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline.local.names import execution_variables, job_folder, job_name, kept_folder
from pipeline.local.resolver import EXECUTION_VARIABLES

step_names = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(step_names, st.integers(1, 999))
def test_a_job_name_is_one_that_the_service_takes(step: str, attempt: int) -> None:
    name = job_name("abcdefghijkl", step, attempt)
    assert len(name) <= 63
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", name)


@given(step_names, step_names, st.integers(1, 99), st.integers(1, 99))
def test_two_jobs_never_share_a_name(one: str, two: str, first: int, second: int) -> None:
    if (one, first) != (two, second):
        assert job_name("abcdefghijkl", one, first) != job_name("abcdefghijkl", two, second)


def test_a_plain_name_stays_readable() -> None:
    assert job_name("abcdefghijkl", "TrainLora", 2) == "pipelines-abcdefghijkl-TrainLora-2"


def test_later_attempts_have_folders_of_their_own() -> None:
    assert job_folder(Path("/w"), "abcdefghijkl", "Train", 1) == Path("/w/jobs/abcdefghijkl/Train")
    assert job_folder(Path("/w"), "abcdefghijkl", "Train", 2) == Path("/w/jobs/abcdefghijkl/Train.2")


def test_what_outlives_a_job_lies_beside_all_jobs() -> None:
    folder = job_folder(Path("/w"), "abcdefghijkl", "EvaluateModel", 1)
    assert kept_folder(folder) == kept_folder(folder / "host-1") == Path("/w/kept")
    assert kept_folder(Path("/elsewhere/job")) == Path("/elsewhere/kept")


def test_every_execution_variable_has_a_value() -> None:
    assert execution_variables("abcdefghijkl", "p", "start", "now").keys() == set(EXECUTION_VARIABLES)
