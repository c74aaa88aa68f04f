"""What is done to each shard by itself: repair, rules, hashes, counts. Any number of processes and machines."""

from steps.prepare.shard.benchmark import Benchmark, build_benchmark
from steps.prepare.shard.preparing import prepare_shard

__all__ = ["Benchmark", "build_benchmark", "prepare_shard"]
