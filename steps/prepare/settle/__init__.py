"""The global step: decisions that need the whole corpus, on one host.

Repeats, caps and candidates for near-copies are found from hashes alone. Candidates are then compared by their texts,
and the sweep folds every training text once more. Texts are read shard by shard, so they are never all in memory.
"""

from steps.prepare.settle.decide import Settled, settle

__all__ = ["Settled", "settle"]
