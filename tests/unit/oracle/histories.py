"""Short histories of one partition, and what the model makes of them."""

from __future__ import annotations

from tests.oracle.model import Partition, Settings, run
from tests.oracle.record import Record

SETTINGS = Settings(
    device_limit=2,
    inactivity_ms=100,
    max_age_ms=250,
    remember_ms=300,
    window_ms=1_000,
    late_policy="dead-letter",
)


def history(*records: tuple[int, str | bytes], settings: Settings = SETTINGS) -> Partition:
    """The model of partition 3 after records of (timestamp, value), at offsets from 10."""
    inputs = [
        Record("in", 3, offset, at, None, value.encode() if isinstance(value, str) else value)
        for offset, (at, value) in enumerate(records, start=10)
    ]
    return run(inputs, settings).get(3) or Partition("in", 3, settings)


def usage(txid: str, *imeis: str, sessions: int = 1) -> str:
    """A callback with one usage item for each IMEI."""
    items = ",".join(f'{{"imei":"{imei}","numberOfSessions":{sessions}}}' for imei in imeis)
    return f'{{"txid":"{txid}","usage":[{items}]}}'


def closed(model: Partition) -> list[tuple[str, str, str]]:
    """Its reports in short: txid, rule, seconds and milliseconds of `closedAt`."""
    return [
        (report["txid"], report["summary"]["completedBy"], report["summary"]["closedAt"][17:-1])
        for report in model.reports
    ]
