"""One training job in a process of its own, the container's entry point with a random base model.

    python -m tests.benchmarks.gpu_job full|small

The job's folders are at SAGEMAKER_BASE_DIR.
"""

from __future__ import annotations

import sys

from steps import job
from steps.train.__main__ import main
from tests.benchmarks.gpu_model import random_base
from tests.benchmarks.gpu_place import SMALL
from tests.benchmarks.train_job import FULL

if __name__ == "__main__":
    with random_base(FULL if sys.argv[1] == "full" else SMALL):
        job.run(main)
