"""The global step: decisions that need the whole corpus, on one host, from hashes; texts of candidates only."""

from steps.prepare.settle.decide import Settled, settle

__all__ = ["Settled", "settle"]
