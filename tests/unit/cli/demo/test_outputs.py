from __future__ import annotations

import pytest

from consumer.cli import demo_outputs
from consumer.cli.demo_outputs import Outputs
from consumer.daemon import client_options
from consumer.errors import SessionReportsError
from consumer.settings.load import load


def test_a_kafka_that_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is our line and not the library's."""
    monkeypatch.setattr(demo_outputs, "METADATA_S", 0.2)
    settings = load(None, ["kafka.bootstrap.servers=127.0.0.1:1"])
    outputs = Outputs(settings, client_options(settings))

    with pytest.raises(SessionReportsError, match="cannot read the outputs"):
        outputs.__enter__()
    outputs.__exit__()
