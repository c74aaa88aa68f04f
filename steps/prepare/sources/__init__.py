"""Sources of a corpus: TSV, Moses, JSONL, TMX and Parquet, plain or compressed, as tables of pairs of bytes.

Reading order: `streams` and `encoding` (bytes), `lines`, `pairs` (tables), one module per format, `reading` (all of
them), `cutting` (the pass that writes the shards), `opening` and `census` (the published folder).
"""

from steps.prepare.sources.census import Census, take_census
from steps.prepare.sources.cutting import cut
from steps.prepare.sources.opening import open_corpus
from steps.prepare.sources.reading import read_source
from steps.prepare.sources.refusal import Unreadable

__all__ = ["Census", "Unreadable", "cut", "open_corpus", "read_source", "take_census"]
