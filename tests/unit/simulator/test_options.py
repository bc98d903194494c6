from __future__ import annotations

from typing import Any

import pytest

from consumer.errors import ConfigError
from consumer.simulator.options import MOST_DEVICES, Options, option


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("errors", 1.5),
        ("silent", -0.1),
        ("hostile", 2.0),
        ("requests", -1),
        ("devices_min", 0),
        ("devices_max", MOST_DEVICES + 1),
        ("rate", -1.0),
        ("rate", float("nan")),
        ("spread_ms", 0),
        ("interleaving", 0),
        ("retry_after_ms", -1),
        ("oversized_bytes", -1),
    ],
)
def test_names_the_option_at_fault(name: str, value: Any) -> None:
    """A value out of range is refused with a line that names its option."""
    with pytest.raises(ConfigError, match=f"^{option(name)} "):
        Options(**{name: value})


def test_refuses_more_devices_at_least_than_at_most() -> None:
    """The two ends of the range of devices must be in order."""
    with pytest.raises(ConfigError, match="--devices-min"):
        Options(devices_min=11)


def test_refuses_fates_that_exceed_all_devices() -> None:
    """A device is silent or late, not both: the shares add up to 1 at most."""
    with pytest.raises(ConfigError, match="together"):
        Options(silent=0.6, late=0.6)


def test_takes_any_seed() -> None:
    """Also a negative seed is a seed of its own."""
    assert Options(seed=-1).seed == -1
