"""The daemon as a real process on a real Kafka, and a hand on everything around it.

    member      one process of the daemon: its signals, its log, its HTTP endpoints
    membership  the ways to be a member of a group
    cluster     the Kafka: topics, offsets, groups, and records with a place and a time
    records     the records of ThingSpace, made by hand
    stage       one set of topics with its members; what was sent, what came out, who judges

Nothing in here knows the insides of `consumer/`: a member is its command line, its log
lines, its endpoints, and what Kafka shows of it. A test takes the fixture `stage`:

    stage.create(partitions=2, inactivity_ms=1_000)
    member = stage.member()
    stage.send([callback("t1", usage("1"))])
    stage.await_live(reports=1)
    assert member.stop() == 0
"""

from tests.harness.cluster import Cluster, Sending
from tests.harness.member import Member
from tests.harness.membership import Membership
from tests.harness.stage import Stage

__all__ = ["Cluster", "Member", "Membership", "Sending", "Stage"]
