"""`kill -9` in open transactions, in small; `make faults` is the large run."""

from __future__ import annotations

import pytest

from tests.faults.kill_run import Plan, run
from tests.faults.load import Requests
from tests.harness.membership import EVERY, Membership
from tests.harness.stage import Stage

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("membership", EVERY, ids=str)
def test_kills_in_open_transactions_do_not_show(stage: Stage, membership: Membership) -> None:
    """Two kills among two members under load: every report once, all metrics exact.

    Each victim had partitions, in one of them an open transaction, and unread records.
    """
    requests = Requests(callbacks=20_000, txids=2_000, seed=5)
    brief = membership._replace(session_s=3)
    result = run(stage, Plan(requests, partitions=4, members=2, kills=2, membership=brief))
    assert result.problems == []
    assert len(result.kills) == 2
    assert all(kill.begins.keys() <= set(kill.owned) for kill in result.kills)
    assert all(kill.begins and kill.unread for kill in result.kills)
    assert result.half_read > 0
    assert len(result.outputs.reports) == requests.txids
    assert not result.outputs.dead_letters
    assert stage.command("audit").wait() == 0
