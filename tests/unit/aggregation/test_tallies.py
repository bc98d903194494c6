from __future__ import annotations

from consumer.aggregation.tallies import Tallies


def test_records_are_the_sum_of_the_kinds() -> None:
    """Every record counts in exactly one kind."""
    assert (
        Tallies(callbacks=1, expectations=20, acknowledgements=300, dead_letters=4_000).records
        == 4_321
    )


def test_adding_sums_every_count() -> None:
    """Numbers add up, dicts by key, and the times are strung together."""
    total = Tallies(
        callbacks=1,
        late=2,
        reports={("complete", "device_limit"): 3},
        reasons={"late": 1},
        completion_ms=[5],
    )
    total.add(
        Tallies(
            callbacks=10,
            key_mismatches=4,
            reports={("complete", "device_limit"): 1, ("unconfirmed", "max_age"): 2},
            reasons={"late": 1, "schema": 1},
            completion_ms=[7, 8],
        )
    )
    assert total == Tallies(
        callbacks=11,
        late=2,
        key_mismatches=4,
        reports={("complete", "device_limit"): 4, ("unconfirmed", "max_age"): 2},
        reasons={"late": 2, "schema": 1},
        completion_ms=[5, 7, 8],
    )


def test_what_was_added_stays_as_it_was() -> None:
    """The other tallies may still be in use elsewhere."""
    other = Tallies(reasons={"late": 1}, completion_ms=[1])
    total = Tallies()
    total.add(other)
    total.add(other)
    assert other == Tallies(reasons={"late": 1}, completion_ms=[1])
    assert total == Tallies(reasons={"late": 2}, completion_ms=[1, 1])
