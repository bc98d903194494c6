"""Times as text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from consumer.wire.timestamps import iso, milliseconds


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (1795487512123, "2026-11-24T02:31:52.123Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (999, "1970-01-01T00:00:00.999Z"),
        (1000, "1970-01-01T00:00:01.000Z"),
        (951782400007, "2000-02-29T00:00:00.007Z"),
        (253402300799999, "9999-12-31T23:59:59.999Z"),
        (-62135596800000, "0001-01-01T00:00:00.000Z"),
    ],
)
def test_iso(ms: int, text: str) -> None:
    """UTC, three digits of milliseconds, a Z; and we and Python read the same instant back."""
    assert iso(ms) == text
    assert milliseconds(text) == ms
    read = datetime.fromisoformat(text)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    span = read - epoch
    assert (span.days * 86_400 + span.seconds) * 1000 + span.microseconds // 1000 == ms


@pytest.mark.parametrize("text", ["", "soon", "2026-11-24T02:31:52.123", "2026-13-24T02:31:52Z"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    """A time of no known zone among it."""
    with pytest.raises(ValueError, match=r"zone|format|month"):
        milliseconds(text)
