"""From an open txid to the bytes of its report (DESIGN 2.4)."""

from __future__ import annotations

from collections.abc import Collection

from consumer.aggregation.txid import Txid
from consumer.wire import report
from consumer.wire.report import CompletedBy, Devices, Outcome, Part, Source, Summary
from consumer.wire.timestamps import iso


def encode_report(
    state: Txid,
    outcome: Outcome,
    completed_by: CompletedBy,
    closed_ms: int,
    *,
    topic: str,
    partition: int,
) -> bytes:
    """The report of `state`, closed at `closed_ms`; `state` keeps its items."""
    usage, errors = state.usage, state.errors
    summary = Summary(
        outcome=outcome,
        completed_by=completed_by,
        revision=state.revision,
        part=Part(),
        devices=Devices(
            expected=None,
            reported=usage.devices(),
            failed=0 if errors is None else errors.devices(),
            missing=[],
            unexpected=[],
            repeated=sorted(usage.repeated or ()),
            conflicting=[] if errors is None else _common(usage.imeis, errors.imeis),
        ),
        number_of_sessions=state.sessions,
        bytes_transferred=state.transferred,
        error_codes=state.error_codes or {},
        callbacks=state.callbacks,
        duplicates=state.duplicates,
        opened_at=iso(state.opened_ms),
        closed_at=iso(closed_ms),
        source=Source(topic, partition, state.first_offset, state.last_offset),
    )
    return report.encode(state.txid, usage.items, () if errors is None else errors.items, summary)


def _common(usage: Collection[str | None], errors: Collection[str | None]) -> list[str]:
    """IMEIs in both arrays, sorted."""
    return sorted(imei for imei in set(usage).intersection(errors) if imei is not None)
