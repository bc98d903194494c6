"""How the members of a group belong to it: by which protocol, by name or not, and for how long.

A session's length is the member's own with the classic protocol. With KIP-848 it is the
group's: a setting that the Kafka keeps for it, which may not be shorter than that Kafka's
`group.consumer.min.session.timeout.ms`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from tests.harness.cluster import Cluster

Protocol: TypeAlias = Literal["classic", "consumer"]

HEARTBEAT_MS = 1_000


class Membership(NamedTuple):
    """One way: the protocol, and whether a member's place is kept for its name."""

    protocol: Protocol = "classic"
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


CLASSIC = Membership()
"""What members are that are not told otherwise."""
EVERY = [
    CLASSIC,
    Membership("classic", static=True),
    Membership("consumer"),
    Membership("consumer", static=True),
]
"""All four ways."""
