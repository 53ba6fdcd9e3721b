"""What holds for every test: it can be repeated, and no answer is late only because the machine has other things to do.

Properties are tried on the same made-up examples each time.

`HYPOTHESIS_PROFILE=search make test` looks for new examples instead; a failing one is told, and becomes a test with a name.
"""

from __future__ import annotations

import os

from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import settings

ANSWERED_WITHIN_S = 60.0

settings.register_profile("same", derandomize=True, database=None)
settings.register_profile("search", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

for _wait in ("connect", "read", "write", "pool"):  # what a test asks its servers by `httpx` without a limit of its own: it is 5 s else
    setattr(DEFAULT_TIMEOUT_CONFIG, _wait, ANSWERED_WITHIN_S)
