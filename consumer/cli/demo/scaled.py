"""The demo's settings and requests: what takes minutes in earnest takes seconds here.

The session time-out is not scaled down. It decides how long the partitions of a member that
was killed stand still, and the demo is to show what a user will get.
"""

from __future__ import annotations

import time

from consumer.simulator.options import Options

REQUESTS = 2_200
RATE = 400.0
"""Records per second: so there are a good ten seconds on either side of the time-out."""
SEED = 4

SCALED = (
    "completion.inactivity=4s",
    "completion.idle=1s",
    "metrics.window=5s",
    "kafka.connect_timeout=10s",
    "http.port=0",
    "log.format=json",
)


def overrides_for(bootstrap_servers: str) -> list[str]:
    """The settings of a demo, on topics of its own."""
    mark = f"demo.{time.time_ns() // 1_000_000}"
    topics = ("callbacks", "reports", "metrics", "dead_letters")
    return [
        *SCALED,
        f"kafka.bootstrap.servers={bootstrap_servers}",
        f"app.id={mark}",
        *(f"topics.{topic}={mark}.{topic.replace('_', '-')}" for topic in topics),
    ]


def options_for(*, requests: int, rate: float, seed: int) -> Options:
    """Requests of every fate.

    With and without an expectation, with devices that fail, that stay silent, and that
    answer when the report is out (after `completion.inactivity`, so it is revised);
    callbacks that come twice, and records that nothing can be made of.
    """
    return Options(
        requests=requests,
        rate=rate,
        seed=seed,
        expectations=0.8,
        silent=0.03,
        late=0.003,
        late_after_ms=6_000,
        retries=0.03,
        hostile=0.002,
        interleaving=1_000,
    )
