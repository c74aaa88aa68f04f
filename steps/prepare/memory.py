"""How this process gives memory back."""

from __future__ import annotations

import atexit
import ctypes
import gc
from functools import cache

import pyarrow as pa

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
_KEPT_BYTES, _LARGE_BYTES = 128 * 1024**2, 32 * 1024**2


@cache
def keep_freed_memory() -> None:
    """Let the allocator keep up to 128 MiB of freed memory instead of giving it back at once, and end without a search
    for garbage: Python would look through all objects of all modules, which takes 0.3 seconds.

    CLD2 takes and frees a block at every call, and numpy for every intermediate result. Asking the kernel for fresh
    pages each time made CLD2 four times slower (14 instead of 3 microseconds for a sentence of 50 characters). Arrow
    is told to use the same allocator; its own one gave back so much that the kernel took a tenth of the whole run. The
    allocator is left as it is where the C library has no `mallopt`.
    """
    atexit.register(gc.freeze)
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
    mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
    pa.set_memory_pool(pa.system_memory_pool())
