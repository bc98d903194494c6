"""What can be asked of the simulator, and the ranges it can keep its promises in.

The texts below are also the help of `session-reports simulate`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from consumer.errors import ConfigError

MOST_DEVICES = 10_000
"""What one asynchronous request may ask for (ThingSpace's reference)."""
MOST_RETRIES = 3
"""How often ThingSpace repeats a callback that was not answered."""

_SHARES = ("errors", "unknown", "silent", "late", "retries", "acknowledgements", "expectations")
_POSITIVE = ("devices_min", "interleaving", "spread_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One simulation. Shares lie in 0 … 1; times are of the logical timeline.

    Raises `ConfigError`, naming the option, for values out of range.
    """

    requests: int = 1_000
    """Aggregate session report requests to answer."""
    seed: int = 0
    """Same options and seed, same bytes."""
    devices_min: int = 1
    """Devices per request: from this many, evenly distributed …"""
    devices_max: int = 10
    """… to this many. With more than 10, set the daemon's `completion.device_limit` to 0."""
    errors: float = 0.03
    """Share of answers that are an error instead of usage."""
    unknown: float = 0.1
    """Share of usage items that carry properties the specification does not know."""
    silent: float = 0.02
    """Share of devices that never answer. A request of silent devices only has no report."""
    late: float = 0.0
    """Share of devices that answer `--late-after-ms` after the others."""
    retries: float = 0.02
    """Chance of each sending (but the third retry) to be repeated: ThingSpace retries a
    callback up to 3 times. Half of the repetitions differ in a top-level `callbackCount`."""
    hostile: float = 0.0
    """Records that nothing can be made of, per callback, all reasons in turn; at most 1."""
    oversized_bytes: int = 0
    """Size of a hostile record's oversized item; 0 leaves this kind out. It should lie
    above `limits.report_bytes` and below the topic's `max.message.bytes`."""
    acknowledgements: float = 0.05
    """Share of requests whose acknowledgement lands on the callbacks topic as well
    (ThingSpace answers the request with it; most set-ups keep it off the topic)."""
    expectations: float = 0.0
    """Share of requests whose device list is put on the topic as an expectation."""
    rate: float = 1_000.0
    """Records per second, on average; 0 sends as fast as they are taken."""
    interleaving: int = 100
    """Requests that run at once, at most."""
    spread_ms: int = 2_000
    """The longest a request takes to be answered (late answers and retries aside). At a
    high rate `interleaving` shortens it, at a low one it bounds the interleaving."""
    retry_after_ms: int = 3_000
    """From one sending of a callback to its repetition (ThingSpace: 5 minutes)."""
    late_after_ms: int = 90_000
    """How long after the start of their request late devices begin to answer."""

    def __post_init__(self) -> None:
        for name in (*_SHARES, "hostile"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{option(name)} is a share and must lie in 0 … 1")
        if self.silent + self.late > 1:
            raise ConfigError("--silent and --late together must not exceed 1")
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise ConfigError(f"{option(name)} must be greater than 0")
        for field in fields(self):
            if field.name != "seed" and not getattr(self, field.name) >= 0:  # NaN neither
                raise ConfigError(f"{option(field.name)} must not be negative")
        if self.devices_max < self.devices_min:
            raise ConfigError("--devices-max must not be less than --devices-min")
        if self.devices_max > MOST_DEVICES:
            raise ConfigError(
                f"--devices-max must not exceed {MOST_DEVICES}, ThingSpace's own limit"
            )


def option(name: str) -> str:
    """A field as it is spelt on the command line."""
    return f"--{name.replace('_', '-')}"
