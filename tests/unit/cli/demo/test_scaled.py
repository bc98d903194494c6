from __future__ import annotations

from consumer.cli.demo.account import of_requests
from consumer.cli.demo.scaled import RATE, REQUESTS, SEED, options_for, overrides_for
from consumer.settings.load import load
from consumer.simulator.plan import Plan
from consumer.simulator.totals import Totals


def test_each_demo_has_topics_of_its_own() -> None:
    """On a Kafka that is given, nothing of anybody else's is read or written."""
    settings = load(None, overrides_for("broker:9092"))
    names = (
        *(settings.topics.callbacks, settings.topics.reports, settings.topics.metrics),
        *(settings.topics.dead_letters, settings.topics.state),
    )

    assert len(set(names)) == 5
    assert all(name.startswith(f"{settings.app.id}.") for name in names)
    assert settings.app.id.startswith("demo.")


def test_late_answers_are_late() -> None:
    """They come when a report of what came before must have closed, so it is revised."""
    settings = load(None, overrides_for("broker:9092"))
    options = options_for(requests=10, rate=RATE, seed=SEED)

    assert settings.late.policy == "revise"
    assert options.late_after_ms - options.spread_ms >= settings.completion.inactivity_ms


def test_the_usual_run_has_everything_in_it() -> None:
    """Each outcome, missing devices, repetitions, late answers, dead letters.

    Its traffic takes half a minute, with room for the session time-out after the middle.
    """
    plan = Plan(options_for(requests=REQUESTS, rate=RATE, seed=SEED))
    sums = of_requests(plan.requests(), device_limit=10)
    totals = Totals.of(plan.requests())

    assert min(sums.complete or 0, sums.partial or 0, sums.unconfirmed or 0) > 100
    assert sums.missing > 100
    assert (sums.duplicates or 0) > 100
    assert totals.late > 10
    assert sums.dead_letters > 10
    assert 30 < totals.records / RATE < 40
