"""The program is installed from nothing by the documented steps, and works in an empty folder, far from its sources.

The Dockerfile's own commands are run in a folder instead of a container, then what its last stage would start. Needs the package index, as
`make setup` does, or what that has left in uv's cache; without either the tests are skipped and say so.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from dockerfile import stages

from workqueue.upgrading import head

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "case-complete.json"
LIMIT_S = 240
_FOREIGN = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")
_CACHES = {"PIP_NO_CACHE_DIR", "UV_NO_CACHE"}
"""A container's own: here what has been fetched once is not fetched again."""
pytestmark = pytest.mark.xdist_group("install")


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN and not name.startswith("BISTANDSROBOT_")}
    return kept | more


def ran(command: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, text=True, timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL
    )


@dataclass(frozen=True)
class Built:
    """What the build stage has made: its folder, its tools, and the environment that the last stage copies."""

    folder: Path
    tools: Path
    installed: Path

    @property
    def wheel(self) -> Path:
        (found,) = (self.folder / "build" / "dist").glob("*.whl")
        return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Carry out the build stage, its /build and /opt within a folder."""
    root = tmp_path_factory.mktemp("container")
    workdir, tools = root / "build", root / "usr" / "bin"
    workdir.mkdir()
    made = ran([sys.executable, "-m", "venv", str(root / "usr")], root)
    assert made.returncode == 0, made.stderr
    given: dict[str, str] = {"PATH": f"{tools}:{os.environ['PATH']}"}
    for name, words in stages()[0].steps:
        if name == "COPY":
            *sources, to = words.split()
            for source in sources:
                target = workdir / to / (Path(source).name if to.endswith("/") else "")
                target.parent.mkdir(parents=True, exist_ok=True)
                copy_of(ROOT / source, target)
        elif name == "ENV":
            given |= {key: value for key, _, value in (word.partition("=") for word in shlex.split(words)) if key not in _CACHES}
        elif name == "RUN":
            here = re.sub(r"(?<![\w/])/opt/", f"{root}/opt/", words)
            answer = ran(["sh", "-ec", here], workdir, **given)
            if answer.returncode != 0 and words.startswith("pip install"):
                pytest.skip(f"the package index does not answer: {answer.stderr[-200:]}")
            assert answer.returncode == 0, f"{words}\n{answer.stdout[-1000:]}{answer.stderr[-1000:]}"
    return Built(root, tools, root / "opt" / "bistandsrobot")


def copy_of(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def robot(built: Built, folder: Path, *words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the installed program as the container does, in a folder without anything of ours."""
    return ran([str(built.installed / "bin" / "bistandsrobot"), *map(str, words)], folder, PYTHONDONTWRITEBYTECODE="1", **more)


def files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_the_installed_program_prepares_a_made_up_town_and_writes_nothing_into_its_own_files(built: Built, elsewhere: Path) -> None:
    before = files(built.installed)
    answer = robot(built, elsewhere, "demo", "--cases", "3", "--once", "--json")
    assert answer.returncode == 0, answer.stdout[-1000:] + answer.stderr[-1000:]
    assert [path.name for path in elsewhere.iterdir()] == ["var"]
    assert files(built.installed) == before


def test_the_installed_program_has_its_rules_parameters_texts_and_tables_with_it(built: Built, elsewhere: Path) -> None:
    rules = robot(built, elsewhere, "rules", "--month", "2026-12", "--html", "rules.html")
    assert rules.returncode == 0, rules.stderr
    assert "riksnorm" in (elsewhere / "rules.html").read_text(encoding="utf-8").lower()
    assessed = robot(built, elsewhere, "assess", EXAMPLE, "--json")
    assert assessed.returncode == 0, assessed.stderr
    assert json.loads(assessed.stdout)["outcome"]
    assert robot(built, elsewhere, "rules", "--coverage").returncode == 0
    assert json.loads(robot(built, elsewhere, "schema", "config").stdout)["properties"]["storage"]


def test_from_init_to_a_database_in_the_documented_steps(built: Built, elsewhere: Path) -> None:
    """What is missing is told; when the questions are answered the tables are made, with the key that `init` made."""
    config = elsewhere / "etc" / "config.yaml"
    answers = ["--name", "Påhittad kommun", "--code", "2281", "--database", "../bistandsrobot.db", "--yes"]
    made = robot(built, elsewhere, "init", config.parent, *answers)
    assert made.returncode == 0, made.stderr
    unit = (config.parent / "bistandsrobot.service").read_text(encoding="utf-8")
    assert f"ExecStart={built.installed}/bin/bistandsrobot run --config {config}\n" in unit

    told = robot(built, elsewhere, "check", "-c", config)
    assert told.returncode == 2
    assert "not answered yet" in told.stdout
    assert "not decided yet" in told.stdout
    assert robot(built, elsewhere, "run", "--once", "-c", config).returncode == 2

    text = config.read_text(encoding="utf-8").replace("namespace: CHANGE ME", "namespace: DRAKEL")
    text = text.replace("organisation_number: CHANGE ME", 'organisation_number: "162120000001"').replace(
        "actor_id: CHANGE ME", "actor_id: x"
    )
    config.write_text(text.replace("url: CHANGE ME", "url: http://127.0.0.1:9"), encoding="utf-8")
    upgraded = robot(built, elsewhere, "db", "upgrade", "-c", config)
    assert upgraded.returncode == 0, upgraded.stderr
    assert robot(built, elsewhere, "db", "show", "-c", config).returncode == 0
    refused = robot(built, elsewhere, "run", "--once", "-c", config)
    assert refused.returncode == 2, "guidelines that are not decided"
    assert "guidelines" in refused.stderr
    assert "CLI-062" in robot(built, elsewhere, "health", "-c", config).stderr, "what the container's health check says while nothing runs"


def test_the_wheel_is_installed_as_a_tool_by_uv(built: Built, elsewhere: Path) -> None:
    """The same versions as in the lock file."""
    places = {"UV_TOOL_DIR": str(elsewhere / "tools"), "UV_TOOL_BIN_DIR": str(elsewhere / "bin")}
    command = [str(built.tools / "uv"), "tool", "install", "--no-python-downloads", "--python", str(built.tools / "python")]
    answer = ran([*command, "--constraints", str(ROOT / "requirements" / "run.txt"), str(built.wheel)], elsewhere, **places)
    assert answer.returncode == 0, answer.stderr
    tool = elsewhere / "bin" / "bistandsrobot"
    assert ran([str(tool), "rules", "--coverage"], elsewhere).returncode == 0
    locked = dict(re.findall(r"^([a-z0-9-]+)==([^ \\]+)", (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8"), re.MULTILINE))
    listed = ran(
        [str(built.tools / "uv"), "pip", "list", "--format=json", "--python", str(elsewhere / "tools" / "bistandsrobot")], elsewhere
    )
    found = {one["name"]: one["version"] for one in json.loads(listed.stdout)}
    assert {name: version for name, version in found.items() if name != "bistandsrobot" and locked.get(name) != version} == {}


def test_the_container_is_no_root_starts_the_program_itself_and_asks_it_for_its_health(built: Built, elsewhere: Path) -> None:
    last = stages()[-1]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last.only("USER")), "a number, which Kubernetes can check"
    (copied,) = [words for name, words in last.steps if name == "COPY"]
    assert copied == "--from=build /opt/bistandsrobot /opt/bistandsrobot", "no tool of the build comes along"
    program = json.loads(last.only("ENTRYPOINT"))
    health = json.loads(last.only("HEALTHCHECK").partition("CMD ")[2])
    for words in ([*program, *json.loads(last.only("CMD"))], health):
        assert words[0] == "bistandsrobot"
        answer = robot(built, elsewhere, *words[1:-2], "-c", "missing.yaml")
        assert answer.returncode == 2, "a command that there is, which misses its configuration"
        assert "CFG-001" in answer.stderr
    assert list(elsewhere.iterdir()) == []


def test_everything_that_the_wheel_is_made_of_is_in_the_containers_build() -> None:
    copied = {word for name, words in stages()[0].steps if name == "COPY" for word in words.split()[:-1]}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    shipped = set(re.findall(r'^"([^"]+)" = "robot/', project, re.MULTILINE))
    packages = re.search(r"^packages = \[(.*)\]", project, re.MULTILINE)
    assert packages is not None
    shipped |= {name.partition("/")[0] for name in re.findall(r'"([^"]+)"', packages[1])}
    assert shipped - copied == set()
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert [name for name in copied if name.partition("/")[0] in ignored] == []


READ_ONLY = """
mount --make-rprivate /
mount --bind . .
cd "$(pwd)"
mount -o remount,bind,ro /
if touch "$1/touched" 2>/dev/null; then echo "the root can be written" >&2; exit 3; fi
exec "$1/bin/bistandsrobot" demo --cases 3 --once --json
"""


def test_nothing_but_the_state_folder_need_be_writable(built: Built, elsewhere: Path) -> None:
    """As `docker run --read-only` does: the demo in a folder, all else mounted read-only."""
    unshare = shutil.which("unshare")
    if unshare is None or ran([unshare, "--mount", "true"], elsewhere).returncode != 0:
        pytest.skip("mounting takes root and util-linux' unshare")
    answer = ran([unshare, "--mount", "sh", "-ec", READ_ONLY, "sh", str(built.installed)], elsewhere, PYTHONDONTWRITEBYTECODE="1")
    assert answer.returncode == 0, answer.stdout[-1000:] + answer.stderr[-1000:]
    assert (elsewhere / "var").is_dir()


NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", "{head}", None, None
def upgrade():
    op.create_table("colours", sa.Column("name", sa.String(8), primary_key=True))
    op.execute("INSERT INTO programs (revision, oldest) VALUES ('9999', '{head}')")
"""


def test_the_next_version_is_installed_beside_and_taken_back_by_setting_a_link(built: Built, elsewhere: Path, tmp_path: Path) -> None:
    """The steps of docs/operations.md with two wheels, the second with one more change of the tables."""
    newer = tmp_path / "newer"
    shutil.copytree(built.folder / "build", newer, ignore=shutil.ignore_patterns("dist"))
    project = newer / "pyproject.toml"
    project.write_text(re.sub(r"(?m)^version = .*$", 'version = "99.0"', project.read_text(encoding="utf-8")), encoding="utf-8")
    (newer / "queue/workqueue/migrations/versions/r9999_next.py").write_text(NEXT.format(head=head()), encoding="utf-8")
    uv, of_newer = str(built.tools / "uv"), elsewhere / "newer"
    for command in (
        [str(built.folder / "opt/build/bin/hatchling"), "build", "-t", "wheel"],
        [uv, "venv", "--no-python-downloads", "--python", str(built.tools / "python"), str(of_newer)],
        [uv, "pip", "install", "--require-hashes", "--python", str(of_newer), "-r", "requirements/run.txt"],
        [uv, "pip", "install", "--no-deps", "--python", str(of_newer), "dist/bistandsrobot-99.0-py3-none-any.whl"],
    ):
        answer = ran(command, newer)
        assert answer.returncode == 0, answer.stderr
    in_use = elsewhere / "in-use"

    def called(*words: str) -> int:
        (config,) = (elsewhere / "var" / "demo").glob("run-*/config.yaml")
        return ran([str(in_use / "bin" / "bistandsrobot"), *words, "-c", str(config)], elsewhere).returncode

    def use(version: Path) -> None:
        in_use.unlink(missing_ok=True)
        in_use.symlink_to(version)

    use(built.installed)
    assert ran([str(in_use / "bin" / "bistandsrobot"), "demo", "--cases", "2", "--once", "--json"], elsewhere).returncode == 0
    assert called("db", "show") == 0

    use(of_newer)
    assert called("status") == 1, "not before the tables are brought up"
    assert called("db", "upgrade") == 0
    assert called("audit", "verify") == 0

    use(built.installed)
    assert called("db", "show") == 0
    assert called("db", "upgrade") == 0
    assert called("queue", "list") == 0
    assert called("audit", "verify") == 0
