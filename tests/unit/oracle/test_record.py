from __future__ import annotations

import pytest

from tests.oracle.record import iso, milliseconds


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (1_795_487_512_123, "2026-11-24T02:31:52.123Z")],
)
def test_times(ms: int, text: str) -> None:
    """Times are spelled as the contract's examples are."""
    assert iso(ms) == text
    assert milliseconds(text) == ms


@pytest.mark.parametrize(
    "text", ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000+00:00", "1970-01-01", "now"]
)
def test_other_spellings_are_refused(text: str) -> None:
    """One moment has one spelling in the outputs."""
    with pytest.raises(ValueError, match=r"end with Z|is not spelled"):
        milliseconds(text)
