"""The daemon's memory is given back: few pools, and nothing large kept in them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, sys, threading
from robot import memory

if sys.argv[1] == "small":
    assert memory.keep_small()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
turn = threading.Barrier(8)

def work():
    taken = [libc.malloc(5_000) for _ in range(500)]
    large = libc.malloc(20_000_000)
    ctypes.memset(large, 1, 20_000_000)
    turn.wait()
    libc.free(large)
    for one in taken:
        libc.free(one)

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
# What is freed raises glibc's limit: the next large ones would come from the pool, and stay in it below whatever is taken last.
for _ in range(2):
    large = libc.malloc(20_000_000)
    ctypes.memset(large, 1, 20_000_000)
    last = libc.malloc(5_000)
    libc.free(large)
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fflush.argtypes = [ctypes.c_void_p]
out = libc.fopen(sys.argv[2].encode(), b"w")
assert libc.malloc_info(0, out) == 0
libc.fflush(out)
"""


def pools_and_bytes(how: str, told: str) -> tuple[int, int]:
    """Return how many pools a process with eight threads has, and how much its C library keeps."""
    subprocess.run([sys.executable, "-c", PROGRAM, how, told], check=True, timeout=60)
    with open(told, encoding="utf-8") as file:
        text = file.read()
    return len(re.findall(r"<heap nr=", text)), int(re.findall(r'<system type="current" size="(\d+)"/>', text)[-1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library here is another")
def test_threads_share_two_pools_and_what_was_large_is_given_back(tmp_path: Path) -> None:
    small, kept = pools_and_bytes("small", f"{tmp_path}/small.xml")
    usual, usually_kept = pools_and_bytes("usual", f"{tmp_path}/usual.xml")

    assert small <= 2 < usual
    assert kept < usually_kept - 15_000_000
