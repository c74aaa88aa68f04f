"""What several rooms' tests share: a random tiny base model, staged as the pipeline mounts one."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tests.drill.tiny import make_base_model

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run in parallel; a thread each
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what it sends to the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("untimed", deadline=None)  # a busy machine is no finding
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real corpora; tests that need it are skipped where it is not at hand."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("ASUSU_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip("the real corpora are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def base_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A staged folder (manifest.json, model/, tokenizer/) with random weights; 2 layers, hidden size 32."""
    return make_base_model(tmp_path_factory.mktemp("base-model"))
