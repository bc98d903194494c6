import random

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from consumer.telemetry.bulk_histogram import BulkHistogram

BOUNDS_S = (0.5, 1, 2, 60)


def test_agrees_with_the_librarys_histogram() -> None:
    """The same observations, on and off the bounds, give the same text as one by one."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    bulk = BulkHistogram("took_seconds", "Text.", BOUNDS_S, ours)
    single = Histogram("took_seconds", "Text.", registry=theirs, buckets=BOUNDS_S)
    chance = random.Random(7)  # noqa: S311 - numbers for a test
    for size in (0, 1, 500):
        # All of them exact in binary, so that the order of adding does not show.
        values = [chance.choice((0, 500, 750, 1000, 2000, 60_000, 90_000)) for _ in range(size)]
        bulk.observe_ms(values)
        for value in values:
            single.observe(value / 1000)
    expected = [
        line for line in generate_latest(theirs).decode().splitlines() if "_created" not in line
    ]
    assert generate_latest(ours).decode().splitlines() == expected


def test_leaves_the_callers_list_alone() -> None:
    """The values keep their order: they still belong to the tallies."""
    values = [3, 1, 2]
    BulkHistogram("took_seconds", "Text.", BOUNDS_S, CollectorRegistry()).observe_ms(values)
    assert values == [3, 1, 2]


def test_refuses_a_name_twice() -> None:
    """The registry knows the histogram's names before the first observation."""
    registry = CollectorRegistry()
    BulkHistogram("took_seconds", "Text.", BOUNDS_S, registry)
    with pytest.raises(ValueError, match="Duplicated"):
        Histogram("took_seconds", "Text.", registry=registry)


def test_refuses_bounds_that_do_not_ascend() -> None:
    """Bisection needs ascending bounds."""
    with pytest.raises(ValueError, match="ascend"):
        BulkHistogram("took_seconds", "Text.", (1, 1), CollectorRegistry())
