"""The log of the Kafka clients says things once."""

from __future__ import annotations

import logging

from consumer.kafka import client_log
from consumer.kafka.client_log import SILENCE_S, Repeats

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
    repeats = Repeats(lambda: now[0])

    first = repeats.filter(line(f"{REFUSED} (after 0ms in state CONNECT)"))
    second = repeats.filter(line(f"{REFUSED} (after 7ms in state CONNECT)", client="x#producer-2"))
    now[0] = SILENCE_S + 1
    third = repeats.filter(line(f"{REFUSED} (after 0ms in state CONNECT)"))

    assert (first, second, third) == (True, False, True)


def test_what_differs_is_said() -> None:
    """Another address, another level, and lines of no known form."""
    repeats = Repeats()

    assert repeats.filter(line(REFUSED))
    assert repeats.filter(line(REFUSED.replace("/1", "/2")))
    assert repeats.filter(line(REFUSED, level=logging.WARNING))
    assert repeats.filter(logging.LogRecord("librdkafka", logging.INFO, "", 0, "odd", None, None))


def test_it_does_not_remember_for_ever() -> None:
    """Memory stays small whatever is said."""
    repeats = Repeats()

    for number in range(1000):
        repeats.filter(line(f"host-{number}: failed"))

    assert len(repeats._said) <= 200


def test_the_logger_has_one_filter() -> None:
    """However many clients are made."""
    client_log.logger()

    filters = client_log.logger().filters

    assert sum(isinstance(each, Repeats) for each in filters) == 1
