"""Tries what a service has no business with, and prints what came of each as JSON: "done", or the name of the error.

Run by systemd in a machine for tests, once under the robot's unit and once without its directives, as the same user: what is refused in
the first alone is refused by the unit. The standard library alone.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ME = ctypes.CDLL(None, use_errno=True)
_PROT_READ, _PROT_WRITE, _PROT_EXEC = 1, 2, 4
_PER_LINUX32 = 8
_CLONE_NEWUSER, _CLONE_NEWNS = 0x10000000, 0x00020000
_PTRACE_TRACEME = 0
_IO_URING_SETUP, _IO_URING_PARAMETERS = 425, 120
_ELSEWHERE = ("192.0.2.1", 9)
"""An address for documents, which is nobody's."""
_OF_32_BITS = bytes.fromhex(
    "7f454c46010101000000000000000000"  # an ELF file of 32 bits
    "02000300010000005480040834000000"  # for i386, entered at 0x08048054
    "00000000000000003400200001000000"
    "00000000"
    "0100000000000000008004080080040860000000600000000500000000100000"  # one segment, read and executed
    "b801000000bb00000000cd80"  # exit(0), by the call of 32 bits
)


def called(result: int) -> None:
    """Raise what a call of the C library has met."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def writable_and_executable() -> None:
    """Map memory that can be written and executed."""
    mmap.mmap(-1, mmap.PAGESIZE, prot=_PROT_READ | _PROT_WRITE | _PROT_EXEC).close()


def made_executable() -> None:
    """Write memory first, then let it be executed."""
    with mmap.mmap(-1, mmap.PAGESIZE) as memory:
        memory.write(b"\xc3")
        held = ctypes.c_char.from_buffer(memory)
        _ME.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        result = _ME.mprotect(ctypes.addressof(held), mmap.PAGESIZE, _PROT_READ | _PROT_EXEC)
        del held
        called(result)


def in_a_child(action: Callable[[], None]) -> Callable[[], None]:
    """Return the same, done by a child: what cannot be undone ends with it."""

    def run() -> None:
        child = os.fork()
        if not child:
            try:
                action()
            except OSError as error:
                os._exit(error.errno or 255)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            raise OSError(status, "in the child")

    return run


def family(number: int, kind: int) -> Callable[[], None]:
    """Return: open a socket of a family."""
    return lambda: socket.socket(number, kind).close()


def written(path: str) -> Callable[[], None]:
    """Return: make a file there."""

    def run() -> None:
        Path(path).write_text("written", encoding="utf-8")
        Path(path).unlink()

    return run


def opened(path: str) -> Callable[[], None]:
    """Return: read the first byte of a file."""

    def run() -> None:
        with Path(path).open("rb") as file:
            file.read(1)

    return run


def set_user_id() -> None:
    """Make a program that would run as its owner."""
    path = Path("set-user-id")
    path.touch()
    try:
        path.chmod(0o4700)
    finally:
        path.unlink()


def sent_elsewhere() -> None:
    """Send a datagram to another machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"?", _ELSEWHERE)


def run_32_bits() -> None:
    """Run a program of 32 bits."""
    path = Path("of-32-bits")
    path.write_bytes(_OF_32_BITS)
    path.chmod(0o700)
    try:
        code = subprocess.run([path.absolute()], check=False).returncode
    finally:
        path.unlink()
    if code:
        raise OSError(errno.ENOEXEC, "it ended otherwise")


def read_itself() -> None:
    """Read memory as a debugger does."""
    kept = ctypes.create_string_buffer(b"kept")
    size = ctypes.sizeof(kept)
    into = ctypes.create_string_buffer(size)

    class Part(ctypes.Structure):
        _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))

    ours, theirs = Part(ctypes.addressof(into), size), Part(ctypes.addressof(kept), size)
    called(_ME.process_vm_readv(os.getpid(), ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0))


REFUSED: dict[str, Callable[[], None]] = {
    "memory.writable_and_executable": writable_and_executable,
    "memory.made_executable": made_executable,
    "call.personality": in_a_child(lambda: called(_ME.personality(_PER_LINUX32))),
    "call.ptrace": in_a_child(lambda: called(_ME.ptrace(_PTRACE_TRACEME, 0, 0, 0))),
    "call.process_vm_readv": read_itself,
    "call.nice": in_a_child(lambda: called(-1 if os.nice(1) < 0 else 0)),
    "call.sched_setaffinity": in_a_child(lambda: os.sched_setaffinity(0, os.sched_getaffinity(0))),
    "call.io_uring": in_a_child(lambda: called(_ME.syscall(_IO_URING_SETUP, 8, ctypes.create_string_buffer(_IO_URING_PARAMETERS)))),
    "call.of_32_bits": run_32_bits,
    "namespace.user": in_a_child(lambda: called(_ME.unshare(_CLONE_NEWUSER))),
    "namespace.mount_in_user": in_a_child(lambda: called(_ME.unshare(_CLONE_NEWUSER | _CLONE_NEWNS))),
    "socket.netlink": family(socket.AF_NETLINK, socket.SOCK_RAW),
    "network.another_machine": sent_elsewhere,
    "file.set_user_id": set_user_id,
    "file.written_outside": written("/srv/of-everybody/file"),
    "file.of_a_home": opened("/home/somebody/file"),
    "file.device": opened("/dev/made-for-tests"),
    "file.meminfo": opened("/proc/meminfo"),
    "file.of_another_process": opened("/proc/1/status"),
    "file.tmp_of_others": opened("/tmp/of-others"),
}
"""What the unit refuses, and an ordinary user may."""

NEEDED: dict[str, Callable[[], None]] = {
    "file.state": written("file"),
    "file.tmp": written("/tmp/file"),
    "file.log": written("/var/log/bistandsrobot/file"),
    "network.this_machine": lambda: socket.create_server(("127.0.0.1", 0)).close(),
    "socket.unix": family(socket.AF_UNIX, socket.SOCK_DGRAM),
    "network.name": lambda: called(0 if socket.getaddrinfo("localhost", 80) else -1),
    "credential": opened(os.environ.get("CREDENTIALS_DIRECTORY", "/none") + "/master-key"),
}
"""What it must let the robot do."""


def came_of(action: Callable[[], None]) -> str:
    """Try, and return what came of it."""
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    return "done"


def facts() -> dict[str, Any]:
    """Return how the process itself is held."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    made = Path("made")
    made.touch()
    mode = made.stat().st_mode & 0o777
    made.unlink()
    return {
        "user": os.getuid(),
        "capabilities": [int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")],
        "no_new_privileges": status["NoNewPrivs"],
        "seccomp": status["Seccomp"],
        "mode_of_a_new_file": f"{mode:o}",
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "users_mapped": sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text(encoding="utf-8").splitlines()),
    }


if __name__ == "__main__":
    found = {"refused": {name: came_of(action) for name, action in REFUSED.items()}}
    found["needed"] = {name: came_of(action) for name, action in NEEDED.items()}
    sys.stdout.write(json.dumps(found | {"facts": facts()}) + "\n")
