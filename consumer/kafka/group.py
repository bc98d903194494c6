"""Which member of a group has which partitions, as the group's coordinator tells anyone.

Asked by an old call of the client, which asks every broker. The newer one has the client look
for the coordinator first, and there librdkafka 2.16 aborts the process with an assertion
(`rd_kafka_enq_once_del_source_return`) when a broker goes at the wrong moment. The old one
knows nothing as long as any broker does not answer. And it leaves it to the caller to read the
assignment, which is as members of the classic protocol exchange it: a version, and for each
topic its name and partitions.
"""

from __future__ import annotations

import struct

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

_AT_REST = "Stable"
_SHORT, _INT = struct.Struct(">h"), struct.Struct(">i")

_log = structlog.get_logger(__name__)


def members_of(
    admin: AdminClient, group: str, topic: str, timeout_s: float
) -> dict[str, list[int]] | None:
    """Partitions of a topic by member id, of a group of the classic protocol.

    Returns:
        None without an answer in time, and during a rebalance.
    """
    try:
        found = admin.list_groups(group, timeout_s)
        for one in found:
            if one.state == _AT_REST:
                return {each.id: assigned(each.assignment, topic) for each in one.members}
    except (KafkaException, ValueError) as error:
        _log.debug("group_not_known", reason=str(error))
    return None


def assigned(assignment: bytes, topic: str) -> list[int]:
    """The partitions of a topic in an assignment.

    Raises:
        ValueError: it is not whole.
    """
    if not assignment:
        return []
    found: list[int] = []
    at = _SHORT.size
    try:
        (topics,) = _INT.unpack_from(assignment, at)
        at += _INT.size
        for _ in range(topics):
            (length,) = _SHORT.unpack_from(assignment, at)
            at += _SHORT.size
            name = assignment[at : at + length]
            at += length
            (count,) = _INT.unpack_from(assignment, at)
            at += _INT.size
            numbers = struct.unpack_from(f">{count}i", assignment, at)
            at += count * _INT.size
            if name == topic.encode():
                found += numbers
    except struct.error as error:
        raise ValueError(f"an assignment that is not whole: {error}") from None
    return found
