from consumer.telemetry.health import Health
from tests.unit.telemetry.conftest import Clock


def test_is_live_from_the_start_until_stalled(clock: Clock, health: Health) -> None:
    """Before its first turn the loop has as long as between two turns."""
    assert health.live().ok
    clock.passed_s += 30.0
    assert health.live().ok
    clock.passed_s += 0.1
    assert not health.live().ok


def test_says_since_when_the_loop_has_not_turned(clock: Clock, health: Health) -> None:
    """The time of the last turn in UTC, its age and the setting, in one line."""
    health.turned()
    clock.passed_s += 42.0
    assert health.live().line == (
        "stalled: the loop has not turned since 2026-11-24T02:31:52.123Z, for 42 s"
        " (http.stalled is 30 s)"
    )


def test_lives_again_when_the_loop_turns(clock: Clock, health: Health) -> None:
    """A stall that ends is over."""
    clock.passed_s += 31.0
    health.turned()
    assert health.live() == (True, "ok: the loop turned 0.0 s ago")


def test_is_not_ready_before_the_group_answers(health: Health) -> None:
    """Nothing assigned is no sign of readiness while the group is silent."""
    health.assigned(0, 0)
    assert health.ready() == (False, "not ready: waiting for the consumer group")


def test_a_standby_with_no_partitions_is_ready(health: Health) -> None:
    """More members than partitions: the rest stands by."""
    health.joined()
    assert health.ready() == (True, "ready: standing by with no partitions")


def test_is_ready_once_all_is_restored(health: Health) -> None:
    """Not while a single partition restores; an assignment implies the group's answer."""
    health.assigned(4, 4)
    assert health.ready() == (False, "not ready: restoring 4 of 4 partitions")
    health.assigned(4, 1)
    assert not health.ready().ok
    health.assigned(4, 0)
    assert health.ready() == (True, "ready: 4 partitions assigned and restored")


def test_stays_ready_when_everything_is_revoked(health: Health) -> None:
    """The group's answer is remembered: the member becomes a standby."""
    health.assigned(4, 0)
    health.assigned(0, 0)
    assert health.ready().ok


def test_a_restart_takes_readiness_back(health: Health) -> None:
    """The new pipeline has to join and to restore; what was before says nothing of it."""
    health.joined()
    health.assigned(4, 0)
    health.restarted("producer_fenced")
    assert health.ready() == (
        False,
        "not ready: waiting for the consumer group after a restart (producer_fenced)",
    )
    health.assigned(0, 0)
    assert not health.ready().ok
    health.joined()
    assert health.ready().ok


def test_a_restart_is_a_sign_of_life(clock: Clock, health: Health) -> None:
    """Who restarts the pipeline is not stalled."""
    clock.passed_s += 31.0
    health.restarted("commit_failed")
    assert health.live().ok
