"""What holds for every test: properties are tried on the same made-up examples each time, so that a run can be repeated.

`HYPOTHESIS_PROFILE=search make test` looks for new examples instead; a failing one is told, and becomes a test with a name.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True, database=None)
settings.register_profile("search", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
