"""The Dockerfile carried out without a container engine: each step by the same command, in a root file system of its own.

The base is Debian with its own Python, made by `mmdebstrap`, where the Dockerfile says `python:3.13-slim`: that takes a registry of images.
What it has under other names is given its names. The network is this machine's.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile import Stage, stages
from systemd_machine import first_process

ROOT = Path(__file__).resolve().parents[2]
RUN = Path(__file__).with_name("container.sh")
SUITE = "trixie"
"""Of Debian: the one that python:3.13-slim is made of."""
_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
_MAKE_LIMIT_S = 900.0
_STEP_LIMIT_S = 600.0
_OF_THE_INDEX = ("PIP_", "UV_", "SSL_", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_LEFT_OUT = shutil.ignore_patterns("__pycache__")
_UNSHARE = (
    "setpriv",
    "--pdeathsig",
    "KILL",
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--uts",
    "--ipc",
    "--propagation",
    "private",
)


@dataclass
class Image:
    """What the Dockerfile makes: layers of files, the topmost first, and how they are started."""

    folder: Path
    layers: list[Path]
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = "/"
    user: str = "0:0"
    said: dict[str, str] = field(default_factory=dict)

    @property
    def program(self) -> list[str]:
        """What ENTRYPOINT says."""
        return list(json.loads(self.said["ENTRYPOINT"]))

    @property
    def command(self) -> list[str]:
        """What CMD says."""
        return list(json.loads(self.said["CMD"]))

    @property
    def health(self) -> list[str]:
        """What HEALTHCHECK runs."""
        return list(json.loads(self.said["HEALTHCHECK"].partition("CMD ")[2]))


def base(folder: Path) -> Path:
    """Make the base's files in a folder: minutes, most of them the network's."""
    root = folder / "base"
    words = ["mmdebstrap", "--variant=minbase", f"--include={_PACKAGES}", SUITE, str(root)]
    subprocess.run(words, check=True, capture_output=True, timeout=_MAKE_LIMIT_S, stdin=subprocess.DEVNULL)
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    for managed in (root / "usr/lib").glob("python3.*/EXTERNALLY-MANAGED"):
        managed.unlink()
    return root


def build(folder: Path, on: Path) -> Image:
    """Carry out both stages on a base, and return the image of the last."""
    first, last = stages()
    built = _carried_out(first, Image(folder / "build", [on]), {})
    return _carried_out(last, Image(folder / "image", [on]), {"build": built})


def _carried_out(stage: Stage, image: Image, earlier: Mapping[str, Image]) -> Image:
    upper = image.folder / "upper"
    upper.mkdir(parents=True)
    index = {name: value for name, value in os.environ.items() if name.upper().startswith(_OF_THE_INDEX)}
    given = [Path("/etc/resolv.conf"), *{Path(value) for value in index.values() if value.startswith("/") and Path(value).exists()}]
    for name, words in stage.steps:
        if name == "COPY":
            _copy(words, image, earlier)
        elif name == "ENV":
            for key, _, value in (word.partition("=") for word in shlex.split(words)):
                image.env[key] = value.replace("$PATH", _PATH)
        elif name == "WORKDIR":
            image.cwd = words
            (upper / words.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif name == "USER":
            image.user = words
        elif name == "RUN":
            process = _started(image, ["sh", "-c", words], how="rw", env=index, binds={one: str(one) for one in given}, pipe=True)
            said, _ = process.communicate(timeout=_STEP_LIMIT_S)
            assert process.returncode == 0, f"{words}\n{said.decode(errors='replace')[-3000:]}"
        else:
            image.said[name] = words
    image.layers.insert(0, upper)
    return image


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _copy(words: str, image: Image, earlier: Mapping[str, Image]) -> None:
    """COPY: from this checkout, or from an earlier stage."""
    *sources, to = words.split()
    where = ROOT
    if sources[0].startswith("--from="):
        where = earlier[sources.pop(0).removeprefix("--from=")].layers[0]
    for source in sources:
        target = image.folder / "upper" / os.path.join(image.cwd, to).lstrip("/")
        found = where / source.lstrip("/")
        if to.endswith("/"):
            target /= found.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if found.is_dir():
            shutil.copytree(found, target, symlinks=True, ignore=_LEFT_OUT if where is ROOT else None, dirs_exist_ok=True)
        else:
            shutil.copy2(found, target)


def _started(
    image: Image,
    words: Sequence[str],
    *,
    how: str,
    env: Mapping[str, str],
    binds: Mapping[Path, str],
    pipe: bool,
    out: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command in an image's files; it is the first process of its own."""
    user, _, group = image.user.partition(":")
    without = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"] if how == "ro" else []
    given = {"PATH": _PATH, "HOME": "/", **env, **image.env}
    command = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", *without]
    command += ["env", "-i", f"--chdir={image.cwd}", *(f"{name}={value}" for name, value in given.items()), *words]
    layers = ":".join(map(str, image.layers))
    place = image.folder if how == "rw" else image.folder.with_name("running")
    place.mkdir(exist_ok=True)
    pairs = [f"{ours}={theirs}" for ours, theirs in binds.items()]
    with contextlib.ExitStack() as files:
        said = subprocess.PIPE if pipe else files.enter_context((out or Path(os.devnull)).open("ab"))
        return subprocess.Popen(
            [*_UNSHARE, "sh", str(RUN), layers, str(place), how, *pairs, "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


@dataclass(frozen=True)
class Container:
    """A container that runs: `process` = its first process, as seen from here."""

    image: Image
    process: int
    holder: subprocess.Popen[bytes]

    def ran(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside the program, as `docker exec` does."""
        user, _, group = self.image.user.partition(":")
        entered = [
            "nsenter",
            "-t",
            str(self.process),
            "--mount",
            "--pid",
            "--uts",
            "--ipc",
            "--root",
            f"--setuid={user}",
            f"--setgid={group}",
        ]
        given = {"PATH": _PATH, **self.image.env}
        command = ["env", "-i", *(f"{name}={value}" for name, value in given.items()), *words]
        return subprocess.run([*entered, *command], capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)

    def stopped(self, within_s: float) -> int:
        """Tell it to stop, as the Dockerfile says how, and return its exit code."""
        os.kill(self.process, signal.Signals[self.image.said["STOPSIGNAL"]])
        return self.holder.wait(within_s)


def ran_once(image: Image, *words: str, binds: Mapping[Path, str]) -> str:
    """Run the program once with other words than CMD's, and return what it said; it must end with 0."""
    process = _started(image, [*image.program, *words], how="ro", env={}, binds=binds, pipe=True)
    said, _ = process.communicate(timeout=_STEP_LIMIT_S)
    assert process.returncode == 0, said.decode(errors="replace")[-3000:]
    return said.decode()


@contextlib.contextmanager
def container(image: Image, out: Path, binds: Mapping[Path, str]) -> Iterator[Container]:
    """Run an image while the block runs: its files read-only, without capabilities; what it says goes to a file."""
    holder = _started(image, [*image.program, *image.command], how="ro", env={}, binds=binds, pipe=False, out=out)
    try:
        yield Container(image, first_process(holder, out), holder)
    finally:
        holder.kill()
        holder.wait()
