from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from consumer.pipeline import checkpoint
from consumer.pipeline.checkpoint import Checkpoint, OutputRecord
from consumer.pipeline.partition import Running
from consumer.wire.placement import partition_for
from consumer.wire.report import part_key
from tests.unit.aggregation.feed import POLICY, WALL_MS, Batch, callback, usage
from tests.unit.pipeline.member import POLICY as PIPELINE
from tests.unit.pipeline.member import batch


def running(number: int, *, unnamed: bool = False) -> Running:
    """A partition with empty state that goes on at 17."""
    return Running.fresh(
        number, POLICY, incarnation="life", start=40, offset=17, now_s=0.0, unnamed=unnamed
    )


def busy(number: int) -> Running:
    """One that has applied a record which completed a txid."""
    found = running(number)
    value = callback(f"t{number}", usage("1"), usage("2"), usage("3"))
    found.aggregator.apply(Batch([17], [20_000], [None], [value]), 0, WALL_MS, 10)
    found.aggregator.windows.move(40_000)
    found.position = 18
    return found


def gathered(*partitions: Running, dead_letters: Sequence[OutputRecord] = ()) -> Checkpoint:
    """What is pending in them."""
    return checkpoint.gather(
        {one.aggregator.partition: one for one in partitions},
        list(dead_letters),
        policy=PIPELINE,
    )


def test_everything_pending_is_gathered_and_taken() -> None:
    """Reports, metrics, dead letters, state and tallies of all partitions, once."""
    dead_letter = OutputRecord("dead", b"k", b"v")
    one, other = busy(1), busy(2)
    found = gathered(one, other, running(3), dead_letters=[dead_letter])
    assert found.outputs == [dead_letter]
    assert [key for key, _ in found.keyed["reports"]] == [b"t1", b"t2"]
    assert [key[-2:] for key, _ in found.keyed["metrics"]] == [b"/1", b"/2"]
    assert sorted(found.keyed) == ["metrics", "reports"]
    assert sorted(found.state) == sorted(found.partitions) == [1, 2]
    assert found.tallies.callbacks == 2
    assert gathered(one, other).partitions == {}


def test_parts_of_a_report_lie_beside_its_first_one() -> None:
    """The partitioner places that by the txid; the others are told where that is."""
    one = running(1)
    policy = structs.replace(PIPELINE, report_partitions=7)
    one.aggregator.policy = structs.replace(POLICY, report_bytes=10_000)
    txids = [f"t{number}" for number in range(20)]
    values = [callback(txid, *(usage(imei, note="x" * 5_000) for imei in "123")) for txid in txids]
    one.aggregator.apply(Batch(range(20), [20_000] * 20, [None] * 20, values), 0, WALL_MS, 100)
    found = checkpoint.gather({1: one}, [], policy=policy)
    reports = [(record.key, record.partition) for record in found.outputs]
    assert reports == [
        (part_key(txid, index), -1 if index == 1 else partition_for(txid.encode(), 7))
        for txid in txids
        for index in (1, 2, 3)
    ]
    assert len({partition for _, partition in reports}) > 4
    assert "reports" not in found.keyed


def test_offsets_go_past_control_records_at_the_end() -> None:
    """Once, and with nothing else: retention may leave nothing before them."""
    one = running(1)
    one.position = 20
    found = gathered(one)
    assert (found.outputs, found.keyed, found.state, found.offsets) == ([], {}, {}, {1: 20})
    assert gathered(one).partitions == {}


def test_offsets_stay_before_records_that_wait() -> None:
    """The end of the partition is known before what had no room in the transaction is applied."""
    one = busy(1)
    one.position = 25
    one.backlog.append((batch(b"", offset=20), 0))
    assert gathered(one).offsets == {1: 20}
    one.backlog.clear()
    assert gathered(one).offsets == {1: 25}


def test_a_partition_with_nothing_pending_stays_out() -> None:
    """Its committed offset is right as it is."""
    found = gathered(running(1))
    assert (found.outputs, found.keyed, found.state, found.partitions) == ([], {}, {}, {})
