"""The log of the Kafka clients says things once, and calmly."""

from __future__ import annotations

import logging

import pytest

from consumer.kafka import client_log
from consumer.kafka.client_log import SILENCE_S, Calm

REFUSED = "127.0.0.1:9092/1: Connect to ipv4#127.0.0.1:9092 failed: Connection refused"


def line(
    text: str, *, client: str = "rdkafka#consumer-1", level: int = logging.ERROR
) -> logging.LogRecord:
    """A record as the client library makes it."""
    arguments = ("FAIL", client, f"[thrd:main]: {text}")
    return logging.LogRecord("librdkafka", level, "", 0, "%s [%s] %s", arguments, None)


def test_the_same_is_said_once_in_a_while() -> None:
    """By whichever client, however long it took it."""
    now = [0.0]
    calm = Calm(lambda: now[0])

    first = calm.filter(line(f"{REFUSED} (after 0ms in state CONNECT)"))
    second = calm.filter(line(f"{REFUSED} (after 7ms in state CONNECT)", client="x#producer-2"))
    now[0] = SILENCE_S + 1
    third = calm.filter(line(f"{REFUSED} (after 0ms in state CONNECT)"))

    assert (first, second, third) == (True, False, True)


def test_what_differs_is_said() -> None:
    """Another address, another level, and lines of no known form."""
    calm = Calm()

    assert calm.filter(line(REFUSED))
    assert calm.filter(line(REFUSED.replace("/1", "/2")))
    assert calm.filter(line(REFUSED, level=logging.INFO))
    assert calm.filter(logging.LogRecord("librdkafka", logging.INFO, "", 0, "odd", None, None))


@pytest.mark.parametrize("level", [logging.CRITICAL, logging.ERROR, logging.WARNING])
def test_the_end_of_a_client_is_no_more_than_a_warning(level: int) -> None:
    """What follows from it is for the daemon to say."""
    record = line("Fatal error: Local: This instance has been fenced by a newer one", level=level)

    assert Calm().filter(record)
    assert (record.levelno, record.levelname) == (logging.WARNING, "WARNING")


def test_lines_for_debugging_all_pass() -> None:
    """Who asks for them wants to see every one."""
    calm = Calm()

    assert all(calm.filter(line("heartbeat", level=logging.DEBUG)) for _ in range(3))


def test_it_does_not_remember_for_ever() -> None:
    """Memory stays small whatever is said."""
    calm = Calm()

    for number in range(1000):
        calm.filter(line(f"host-{number}: failed"))

    assert len(calm._said) <= 200


def test_the_logger_has_one_filter() -> None:
    """However many clients are made."""
    client_log.logger()

    filters = client_log.logger().filters

    assert sum(isinstance(each, Calm) for each in filters) == 1
