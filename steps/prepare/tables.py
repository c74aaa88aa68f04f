"""The files between the phases of the preparation: names and Arrow schemas.

    cut/00000.arrow ...        both sides of a shard as raw bytes           (cutting pass)
    shards/00000/              what the shard function made of it           (any number of processes and machines)
    verdicts.parquet           what the global step decided, by row         (one host; it also reads kept texts)

`row` counts all pairs of the run from 0, over the sources in their order; `number` counts those of one source from 1.
"""

from __future__ import annotations

import pyarrow as pa

CUT = pa.schema(  # the schema's metadata holds b"source": the name
    [
        ("row", pa.uint64()),
        ("number", pa.int64()),
        ("left", pa.large_binary()),  # source language, without the line's end, undecoded
        ("right", pa.large_binary()),
        ("flaw", pa.string()),  # null, or the rule that the reader found broken: "malformed", "too-long"
        ("value", pa.string()),  # null, or what the reader found, e.g. "5 columns instead of 6"
    ]
)

KEPT_FILE = "kept.arrow"  # Arrow IPC, rows in order, for the writing pass
HASHES_FILE = "hashes.parquet"  # rows in order, for the global step
DROPPED_FILE = "dropped.arrow"
SHARD_REPORT = "shard.json"  # a ShardReport; written last

KEPT = pa.schema(
    [
        ("row", pa.uint64()),
        ("source", pa.string()),
        ("number", pa.int64()),
        ("left", pa.large_string()),  # repaired
        ("right", pa.large_string()),
    ]
)
DROPPED = pa.schema([*KEPT, ("rule", pa.string()), ("value", pa.string())])

BANDS, ROWS_PER_BAND = 14, 8  # 112 hashes: half of all pairs at Jaccard 0.72 share a band, 92 % at 0.8, 99.8 % at 0.9
LEFT_BANDS = [f"left_{band:02d}" for band in range(BANDS)]
RIGHT_BANDS = [f"right_{band:02d}" for band in range(BANDS)]
# 152 bytes a pair, 40 with near-copies off, when the band columns are left out. There are no bands of whole pairs: a pair
# that is near-duplicate as a whole is near on at least one side (mediant inequality), so the bands of the sides find it.
KEYS = pa.schema(
    [
        ("row", pa.uint64()),
        ("pair", pa.uint64()),  # of both keys
        ("left", pa.uint64()),  # of the key: folded letters, marks and digits of the source sentence
        ("right", pa.uint64()),
        (
            "template",
            pa.uint64(),
        ),  # of the source key with every run of digits masked; as `left` where template-cap is off
    ]
)
HASHES = pa.schema([*KEYS, *((name, pa.uint32()) for name in LEFT_BANDS + RIGHT_BANDS)])

TRAIN, VALIDATION, TEST = 0, 1, 2  # `split` of a verdict; contract.SPLITS in this order
VERDICTS = pa.schema(  # rows that are dropped or held out, by row; a row without a verdict goes to train
    [
        ("row", pa.uint64()),
        ("rule", pa.string()),  # null for a row that is held out
        ("value", pa.string()),  # e.g. the row number that a duplicate repeats
        ("split", pa.int8()),  # of a row that is held out
    ]
)
