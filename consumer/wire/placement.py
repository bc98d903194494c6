"""Where a Java client would put a key: murmur2, as Kafka's default partitioner uses it.

librdkafka places our records the same way (`murmur2_random`). It is computed here only for
the parts of a split report, which follow the first part, and to notice that somebody fills
the input topic by another rule. Kafka: `org.apache.kafka.common.utils.Utils.murmur2`.
"""

from __future__ import annotations

from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_R: Final = 24
_WORD: Final = 0xFFFFFFFF
_POSITIVE: Final = 0x7FFFFFFF


def murmur2(key: bytes) -> int:
    """The 32-bit hash, unsigned."""
    length = len(key)
    whole = length - length % 4
    state = _SEED ^ length
    for begin in range(0, whole, 4):
        word = int.from_bytes(key[begin : begin + 4], "little") * _M & _WORD
        word ^= word >> _R
        state = (state * _M & _WORD) ^ (word * _M & _WORD)
    if whole < length:
        state = (state ^ int.from_bytes(key[whole:], "little")) * _M & _WORD
    state = (state ^ state >> 13) * _M & _WORD
    return state ^ state >> 15


def partition_for(key: bytes, partitions: int) -> int:
    """The partition of `key` in a topic with so many."""
    return (murmur2(key) & _POSITIVE) % partitions
