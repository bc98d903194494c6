"""From an open txid to the bytes of its report (DESIGN 2.4).

Its items are packed by it: they stand in the report as they rest in state.
"""

from __future__ import annotations

from functools import lru_cache

from msgspec import UNSET

from consumer.aggregation.policy import Policy
from consumer.aggregation.txid import Txid
from consumer.wire import report
from consumer.wire.callback import Callback, ErrorItem, UsageItem
from consumer.wire.report import CompletedBy, Devices, Outcome, Part, Source, Summary
from consumer.wire.timestamps import iso

_WHOLE = Part(1, 1)

NAMELESS = "(no imei)"
"""Stands for the IMEI of an oversized item that has none."""


def encode_report(
    state: Txid,
    outcome: Outcome,
    completed_by: CompletedBy,
    closed_ms: int,
    policy: Policy,
    *,
    partition: int,
) -> list[tuple[bytes, bytes]]:
    """Key and value of the report of `state` or of its parts; `state` keeps its items."""
    devices, errors = _devices(state), state.errors
    summary = Summary(  # in the order of its fields: names would cost as much as all else
        outcome,
        completed_by,
        state.revision,
        _WHOLE,
        devices,
        state.sessions,
        state.transferred,
        state.error_codes or {},
        state.callbacks,
        state.duplicates,
        iso(state.opened_ms),
        iso(closed_ms),
        Source(policy.topic, partition, state.first_offset, state.last_offset),
    )
    value = report.encode(
        state.txid, state.usage.pack(), b"" if errors is None else errors.pack(), summary
    )
    if len(value) <= policy.report_bytes:
        return [(state.txid.encode(), value)]
    failed = () if errors is None else errors.items
    parts = report.divide(state.txid, state.usage.items, failed, summary, policy.report_bytes)
    return [(report.part_key(state.txid, index), part) for index, part in enumerate(parts, 1)]


def oversized_imeis(callback: Callback, largest: int) -> list[str]:
    """IMEIs of the items that have more bytes than the `largest` that fits into a report."""
    items: list[tuple[bytes, UsageItem | ErrorItem]] = [*callback.usage, *callback.errors]
    imeis = [item.imei for raw, item in items if len(raw) > largest]
    return [NAMELESS if imei is None else imei for imei in imeis] if imeis else []


def _devices(state: Txid) -> Devices:
    """Who is in and who is not. Most reports have nothing to list."""
    usage, errors, expected = state.usage, state.errors, state.expected
    if state.plain:
        return _nothing_to_list(usage.devices(), 0 if errors is None else errors.devices())
    missing: list[str] = []
    unexpected: list[str] = []
    conflicting: list[str] = []
    if expected:
        seen = {*usage.imeis, *(() if errors is None else errors.imeis)} - {None}
        missing = sorted(expected.keys() - seen)
        unexpected = sorted(imei for imei in seen if imei is not None and imei not in expected)
    if errors is not None:
        both = errors.imeis.keys() & usage.imeis.keys()
        conflicting = sorted(imei for imei in both if imei is not None)
    return Devices(
        expected=len(expected) if expected else None,
        reported=usage.devices(),
        failed=0 if errors is None else errors.devices(),
        missing=missing,
        unexpected=unexpected,
        repeated=sorted(usage.repeated) if usage.repeated else [],
        conflicting=conflicting,
        oversized=sorted(state.oversized) if state.oversized else UNSET,
    )


@lru_cache(maxsize=1_000)
def _nothing_to_list(reported: int, failed: int) -> Devices:
    return Devices(None, reported, failed, [], [], [], [])
