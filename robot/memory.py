"""What keeps the daemon's memory flat for months: told to Python and to the C library once, at the start."""

from __future__ import annotations

import ctypes
import gc
import sys

_OBJECTS_BETWEEN_COLLECTIONS = 10_000
"""New objects after which Python looks for cycles among the youngest; a case makes thousands, nearly all gone by themselves."""
_POOLS = 2
"""The C library else gives each thread a pool of its own, up to eight for each processor, and a pool seldom shrinks."""
_LARGE_BYTES = 256 * 1024
"""What is larger is asked of the system, and given back at once. Else the limit grows with what is seen, and one huge answer stays."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""glibc's names for them, malloc.h."""


def settle() -> None:
    """Keep what is loaded now out of every look for cycles: programs and rulebook stay to the end."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *gc.get_threshold()[1:])


def keep_small() -> bool:
    """Have the C library give memory back; return whether it took that. Another than glibc does as it likes."""
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    wanted = ((_ARENA_MAX, _POOLS), (_MMAP_THRESHOLD, _LARGE_BYTES), (_TRIM_THRESHOLD, _LARGE_BYTES))
    return all(mallopt(name, value) for name, value in wanted)
