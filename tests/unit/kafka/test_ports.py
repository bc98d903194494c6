"""The room's classes are what the pipeline asks for. mypy is the judge of this file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.kafka.offsets import Offsets
from consumer.kafka.source import Source
from consumer.kafka.state_reader import StateReader
from consumer.kafka.transactions import Transactions
from consumer.pipeline import ports

if TYPE_CHECKING:

    def _fits(
        source: Source, transactions: Transactions, reader: StateReader, offsets: Offsets
    ) -> tuple[ports.Source, ports.Transactions, ports.StateReader, ports.Offsets]:
        return source, transactions, reader, offsets


PAIRS = [
    (Source, ports.Source),
    (Transactions, ports.Transactions),
    (StateReader, ports.StateReader),
    (Offsets, ports.Offsets),
]


@pytest.mark.parametrize(("ours", "port"), PAIRS)
def test_every_method_of_the_port_is_there(ours: type, port: type) -> None:
    """A port's methods exist under the same names."""
    wanted = {name for name, value in vars(port).items() if callable(value) and name[0] != "_"}

    assert wanted <= set(dir(ours))
