"""Reading what the group has assigned to a member."""

from __future__ import annotations

import pytest

from consumer.kafka.group import assigned

CALLBACKS = b"\0\x09callbacks\0\0\0\x02\0\0\0\x05\0\0\x01\0"
OTHER = b"\0\x05other\0\0\0\x01\0\0\0\x07"
WHOLE = b"\0\x01\0\0\0\x02" + OTHER + CALLBACKS + b"\xff\xff\xff\xff"


def test_the_partitions_of_one_topic_are_found() -> None:
    """Among those of others."""
    assert assigned(WHOLE, "callbacks") == [5, 256]
    assert assigned(WHOLE, "other") == [7]


def test_who_has_no_partition_has_an_empty_assignment() -> None:
    """Written as one without topics, or as nothing at all."""
    assert assigned(b"\0\0\0\0\0\0\0\0\0\0", "callbacks") == []
    assert assigned(b"", "callbacks") == []
    assert assigned(WHOLE, "reports") == []


@pytest.mark.parametrize("length", range(1, len(WHOLE) - 4))
def test_what_is_cut_off_is_refused(length: int) -> None:
    """Rather than taken for less: the rest would seem to belong to nobody."""
    with pytest.raises(ValueError, match="not whole"):
        assigned(WHOLE[:length], "callbacks")
