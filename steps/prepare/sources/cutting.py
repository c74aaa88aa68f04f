"""The cutting pass: sources in, files of equally many pairs out, each with both sides of its pairs.

The service distributes input objects to the machines of a job one by one; a Moses pair must not be parted by that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from steps.contract import CorpusManifest
from steps.prepare.memory import keep_freed_memory
from steps.prepare.options import PrepareOptions
from steps.prepare.sources.reading import read_source
from steps.prepare.tables import CUT


def cut(
    folder: Path,
    manifest: CorpusManifest,
    languages: tuple[str, str],
    into: Path,
    options: PrepareOptions,
    seen: Callable[[int], None],
) -> Iterator[Path]:
    """Write all sources as `into/00000.arrow` and so on, with the schema CUT; each path is given out when it is whole.

    A file holds rows of one source, named in the schema's metadata, and ends where `shard_pairs` or `shard_bytes` says;
    a file of an earlier cut is overwritten with the same bytes. `seen` is told the rows of each. Raises Refused for a
    source that cannot be read, some of them at its end: what was cut until then is of no use.
    """
    keep_freed_memory()
    into.mkdir(parents=True, exist_ok=True)
    row = shard = 0
    for source in manifest.sources:
        schema = CUT.with_metadata({b"source": source.name.encode()})
        for table in read_source(source, folder, manifest.languages, languages, options):
            rows = pa.array(np.arange(row, row + len(table), dtype=np.uint64))
            path = into / f"{shard:05d}.arrow"
            _write(path, pa.Table.from_arrays([rows, *table.columns], schema=schema))
            row += len(table)
            shard += 1
            seen(len(table))
            yield path


def _write(path: Path, table: pa.Table) -> None:
    """Write an Arrow IPC file under a hidden name and rename it."""
    hidden = path.with_name(f".{path.name}.partial")
    try:
        with pa.OSFile(str(hidden), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        hidden.replace(path)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise
