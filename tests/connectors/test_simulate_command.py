"""The made-up neighbours say in a sentence why they cannot start."""

from __future__ import annotations

import socket

import pytest
from typer.testing import CliRunner

from connectors.simulators.command import simulate


@pytest.mark.parametrize("neighbour", ["registers", "case-system"])
def test_an_address_that_is_taken_is_told_and_is_no_bug(neighbour: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = CliRunner().invoke(simulate, [neighbour, "--cases", "2", "--port", str(port)])

    assert answer.exit_code == 1
    assert f"127.0.0.1:{port} cannot be listened on" in answer.output
