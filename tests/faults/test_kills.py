"""`kill -9` in open transactions, in small; `make faults` is the large run."""

from __future__ import annotations

import pytest

from tests.faults.kill_run import Plan, run
from tests.faults.load import Requests
from tests.harness.stage import Stage

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("static", ["false", "true"])
def test_kills_in_open_transactions_do_not_show(stage: Stage, static: str) -> None:
    """Two kills among two members under load: every report once, all metrics exact.

    A static member has its partitions back at once, another one when its session has ended.
    """
    requests = Requests(callbacks=20_000, txids=2_000, seed=5)
    settings = {"app.static": static, "kafka.consumer.session.timeout.ms": "3000"}
    result = run(stage, Plan(requests, partitions=4, members=2, kills=2, settings=settings))
    assert result.problems == []
    assert len(result.kills) == 2
    assert result.half_read > 0
    assert len(result.outputs.reports) == requests.txids
    assert not result.outputs.dead_letters
    assert stage.command("audit").wait() == 0
