"""Records that nobody of good will writes."""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int, c_size_t, c_void_p
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka import Message

from consumer.kafka.records import headers_of
from tests.integration.kafka.world import World, batches_of, joined

pytestmark = pytest.mark.kafka


def write_unreadable_header(bootstrap_servers: str, topic: str) -> None:
    """Write `value` with a header whose name is no UTF-8, as a client in C can."""
    folder = Path(confluent_kafka.__file__).parent
    found = [*folder.parent.glob("confluent_kafka.libs/librdkafka*"), *folder.rglob("librdkafka*")]
    if not found:
        pytest.skip("the wheel carries no librdkafka that could be called")
    library = ctypes.CDLL(str(found[0]))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_headers_new"):
        getattr(library, name).restype = c_void_p
    reason = ctypes.create_string_buffer(512)
    config = c_void_p(library.rd_kafka_conf_new())
    servers = bootstrap_servers.encode()
    library.rd_kafka_conf_set(config, b"bootstrap.servers", servers, reason, c_size_t(512))
    client = c_void_p(library.rd_kafka_new(0, config, reason, c_size_t(512)))
    headers = c_void_p(library.rd_kafka_headers_new(c_size_t(2)))
    for header in (b"\xff\xfe", b"fine"):
        size, one = ctypes.c_ssize_t(len(header)), ctypes.c_ssize_t(1)
        library.rd_kafka_header_add(headers, header, size, b"x", one)
    in_topic = (c_int(1), c_char_p(topic.encode()))
    the_value = (c_int(4), c_char_p(b"value"), c_size_t(5))
    copied = (c_int(7), c_int(2))
    with_headers = (c_int(10), headers)
    end = c_int(0)
    library.rd_kafka_producev(client, *in_topic, *the_value, *copied, *with_headers, end)
    library.rd_kafka_flush(client, c_int(20_000))
    library.rd_kafka_destroy(client)


def test_a_header_name_that_is_no_text(world: World) -> None:
    """The headers of that record are lost, the daemon is not, however many it has read before."""
    world.make(world.input)
    write_unreadable_header(world.servers["bootstrap.servers"], world.input)
    for _ in range(100):
        assert headers_of(Message()) is None
    source = world.source()
    joined(source, 1)
    source.start(0, 0)

    (batch,) = batches_of(source, 1)

    assert [list(record.headers() or ()) for record in batch.messages] == [[]]
    assert list(batch.messages[0].headers() or ()) == []
    assert batch.messages[0].value() == b"value"
    assert batch.messages[0].key() is None
    assert batch.messages[0].timestamp()[1] == batch.timestamps[0]
    assert len(batch.messages[0:1]) == 1
