"""The columns of a batch, read back as one record for each value."""

from __future__ import annotations

from collections.abc import Sequence

from consumer.wire.callback import Callback, Decoded, Rejection
from consumer.wire.columns import decode_all

LARGEST = 1_000_000


def recorded(values: Sequence[bytes | None], largest: int = LARGEST) -> list[Decoded]:
    """What the columns say, one record for each value."""
    columns = decode_all(values, largest)
    found: list[Decoded] = []
    for place, (raw, item) in enumerate(zip(columns.raws, columns.items, strict=True)):
        txid = columns.txids[place]
        if raw is None or item is None:
            record = columns.others[place]
            assert raw is None
            assert item is None
            assert txid == ("" if isinstance(record, Rejection) else record.txid)
            found.append(record)
        else:
            assert place not in columns.others
            assert len(values[place] or b"") <= largest
            found.append(Callback(txid, [(raw, item)], []))
    return found
