"""Fixtures of the deployment tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from systemd_machine import NotPermitted
from systemd_service import Service, service


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The robot on a machine with a systemd."""
    try:
        with service(tmp_path_factory.mktemp("medium")) as found:
            yield found
    except NotPermitted as error:
        pytest.skip(str(error))
