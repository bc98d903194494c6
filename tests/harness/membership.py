"""How the members of a group belong to it: by which protocol, by name or not, and for how long.

A session's length is the member's own with the classic protocol. With KIP-848 it is the
group's: a setting that the Kafka keeps for it, which may not be shorter than that Kafka's
`group.consumer.min.session.timeout.ms`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from tests.harness.cluster import Cluster

HEARTBEAT_MS = 1_000


class Membership(NamedTuple):
    """One way; `classic` with names of no account, unless said otherwise."""

    protocol: Literal["classic", "consumer"] = "classic"
    static: bool = False
    session_s: float = 6.0
    """Silence after which a member is dead; the least that a Kafka with defaults takes."""

    def __str__(self) -> str:
        return self.protocol + ("-static" if self.static else "")

    @property
    def settings(self) -> dict[str, str]:
        """Of each member."""
        settings = {
            "kafka.consumer.group.protocol": self.protocol,
            "app.static": str(self.static).lower(),
        }
        if self.protocol == "classic":
            settings["kafka.consumer.session.timeout.ms"] = str(self._session_ms)
            settings["kafka.consumer.heartbeat.interval.ms"] = str(HEARTBEAT_MS)
        return settings

    def prepare(self, cluster: Cluster, group: str) -> None:
        """Have the Kafka keep what the members cannot say themselves."""
        if self.protocol == "consumer":
            settings = {
                "consumer.session.timeout.ms": str(self._session_ms),
                "consumer.heartbeat.interval.ms": str(HEARTBEAT_MS),
            }
            cluster.configure_group(group, settings)

    @property
    def _session_ms(self) -> int:
        return round(self.session_s * 1000)


EVERY = [
    Membership(protocol, static)
    for protocol in ("classic", "consumer")
    for static in (False, True)
]
"""All four ways."""
