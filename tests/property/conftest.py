"""How long hypothesis searches: `HYPOTHESIS_PROFILE=thorough` for long, else quickly.

The quick profile tries the same examples every time, so that a run fails only because of
what changed; the thorough one is for finding what nobody thought of.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("quick", max_examples=100, deadline=None, derandomize=True, database=None)
settings.register_profile(
    "thorough",
    max_examples=2_000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
