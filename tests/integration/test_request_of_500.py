"""A large request, from its first callback to the revision that a reader is left with."""

from __future__ import annotations

import pytest

from tests.harness import Stage
from tests.scenarios import request_of_500
from tests.scenarios.request_of_500 import LATE, SILENT

pytestmark = pytest.mark.kafka


def test_the_missing_are_named_until_they_answer(stage: Stage) -> None:
    """First all five, then fewer; the last report has all that ever came."""
    result = request_of_500.run(stage, compacted=False)

    assert request_of_500.problems(result) == []
    missing = [one["devices"]["missing"] for one in result.summaries]
    assert missing[0] == sorted(SILENT + LATE)
    assert missing[-1] == sorted(SILENT)
    assert stage.command("audit", settings=request_of_500.SETTINGS).wait() == 0
