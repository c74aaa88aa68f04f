"""The end of the preparation: the splits, the dropped rows, the data report and the manifest."""

from steps.prepare.output.benchmarks import write_benchmarks
from steps.prepare.output.columns import refuse_reserved
from steps.prepare.output.fitness import MAX_UNDECODABLE, refuse_unfit, refuse_unreadable
from steps.prepare.output.manifest import write_manifest
from steps.prepare.output.report import build_report
from steps.prepare.output.write import write_corpus

__all__ = [
    "MAX_UNDECODABLE",
    "build_report",
    "refuse_reserved",
    "refuse_unfit",
    "refuse_unreadable",
    "write_benchmarks",
    "write_corpus",
    "write_manifest",
]
