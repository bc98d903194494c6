"""Metrics records."""

from __future__ import annotations

from consumer.wire import metrics


def _record(error_codes: dict[str, int], shortest: int | None = 40) -> metrics.MetricsRecord:
    return metrics.MetricsRecord(
        window=metrics.Window("2026-11-24T02:31:00.000Z", "2026-11-24T02:32:00.000Z"),
        app="session-reports",
        partition=7,
        records=metrics.Records(1, 2, 3, 4),
        items=metrics.Items(5, 6, 7, 8),
        reports=metrics.Reports(9, 10, 11, 12),
        devices=metrics.Devices(13, -14, 15),
        number_of_sessions=-16,
        bytes_transferred=2**70,
        error_codes=error_codes,
        time_to_complete_ms=metrics.TimeToComplete(2, 100, shortest, 60),
    )


def test_encode() -> None:
    """Names, order of fields, exact and signed sums: the record byte by byte."""
    assert metrics.encode(_record({"B": 1, "A": -2})) == (
        b'{"window":{"start":"2026-11-24T02:31:00.000Z","end":"2026-11-24T02:32:00.000Z"},'
        b'"app":"session-reports","partition":7,'
        b'"records":{"callbacks":1,"expectations":2,"acknowledgements":3,"deadLetters":4},'
        b'"items":{"usage":5,"errors":6,"duplicates":7,"late":8},'
        b'"reports":{"complete":9,"partial":10,"unconfirmed":11,"revised":12},'
        b'"devices":{"reported":13,"failed":-14,"missing":15},'
        b'"numberOfSessions":-16,"bytesTransferred":1180591620717411303424,'
        b'"errorCodes":{"A":-2,"B":1},'
        b'"timeToCompleteMs":{"count":2,"sum":100,"min":40,"max":60}}'
    )


def test_nothing_completed() -> None:
    """Where nothing was emitted for the first time there is no least time: null."""
    assert b'"min":null' in metrics.encode(_record({}, shortest=None))


def test_key() -> None:
    """One key per window and input partition."""
    assert metrics.key(1795487460000, 7) == b"2026-11-24T02:31:00.000Z/7"
