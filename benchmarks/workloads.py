"""What is sent: the mixes of traffic that contenders are measured on."""

from __future__ import annotations

from typing import Literal

import msgspec

from consumer.simulator.options import Options

Mix = Literal["steady", "wide", "heavy", "errors", "small-commits"]

_RATE = 200_000.0
"""Records per second of the timeline that mixes the requests; nobody waits by it."""


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """A mix of traffic. Every callback has one item."""

    name: Mix
    says: str
    callbacks: int = 1_000_000
    """As many as `python -m benchmarks` sends, unless told."""
    devices: int = 10
    interleaving: int = 2_000
    """Requests that run at once."""
    errors: float = 0.03
    expectations: bool = False
    device_limit: int = 10
    commit_interval_ms: int = 200
    completes: bool = True
    """Whether the callbacks alone complete their txids."""
    settings: dict[str, str] = {}
    """Of our daemon: those that the workload cannot do without."""

    def options(self, callbacks: int) -> Options:
        """For the simulator: nothing is late, repeated or silent, so every report is known.

        Nor do items have properties that ThingSpace's specification does not name: orjson, on
        which Quix stands, makes floats of integers with more than 64 bits.
        """
        return Options(
            requests=max(callbacks // self.devices, 1),
            devices_min=self.devices,
            devices_max=self.devices,
            errors=self.errors,
            unknown=0,
            silent=0,
            retries=0,
            acknowledgements=0,
            expectations=float(self.expectations),
            interleaving=self.interleaving,
            rate=_RATE,
        )


WORKLOADS = (
    Workload(
        name="steady",
        says="10 devices per txid, 2,000 txids interleaved; the tenth device completes a report",
    ),
    Workload(
        name="wide",
        says="one callback per txid, none completes: all of them stay open",
        devices=1,
        completes=False,
        settings={"completion.inactivity": "12h", "limits.state_bytes": "4GiB"},
    ),
    Workload(
        name="heavy",
        says="500 devices per txid, named by an expectation; 100 txids interleaved",
        callbacks=100_000,  # others write a txid's whole state with each of its callbacks
        devices=500,
        interleaving=100,
        expectations=True,
        device_limit=0,
        settings={"completion.device_limit": "0"},
    ),
    Workload(
        name="errors",
        says="as `steady`, but half of the items are errors",
        errors=0.5,
    ),
    Workload(
        name="small-commits",
        says="as `steady`, but a commit every 50 ms",
        commit_interval_ms=50,
        settings={"commit.interval": "50ms"},
    ),
)


def workload(name: str) -> Workload:
    """By its name."""
    return next(one for one in WORKLOADS if one.name == name)
