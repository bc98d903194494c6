from __future__ import annotations

import ctypes
import random
from collections.abc import Callable

import confluent_kafka.cimpl
import pytest

from consumer.wire.placement import murmur2, partition_for


@pytest.mark.parametrize(
    ("key", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
        (b"", 275646681),
    ],
)
def test_the_hash_is_that_of_the_java_client(key: bytes, signed: int) -> None:
    """Known answers of Kafka's own tests, as Java's signed integers."""
    assert murmur2(key) == signed % 2**32


@pytest.fixture(scope="module")
def librdkafka() -> Callable[[bytes, int], int]:
    """What librdkafka would do with a key and a number of partitions.

    `murmur2_random` is this for every key that is not null, with a client behind it.
    """
    place = ctypes.CDLL(confluent_kafka.cimpl.__file__).rd_kafka_msg_partitioner_murmur2
    place.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_int32,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    place.restype = ctypes.c_int32

    def partition(key: bytes, partitions: int) -> int:
        return int(place(None, key, len(key), partitions, None, None))

    return partition


def test_keys_lie_where_librdkafka_puts_them(librdkafka: Callable[[bytes, int], int]) -> None:
    """Of every length and any bytes: parts of a report follow its first one."""
    rng = random.Random(4)  # noqa: S311 - the same keys every time
    for length in range(300):
        key = rng.randbytes(length)
        partitions = rng.randrange(1, 1_000)
        assert partition_for(key, partitions) == librdkafka(key, partitions)


def test_every_partition_is_used() -> None:
    """And none beyond."""
    found = {partition_for(b"%d" % number, 7) for number in range(1_000)}
    assert found == set(range(7))
