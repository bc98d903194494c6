"""One txid as a plain dictionary: what those who write such a loop by hand would have.

Standard library only, since some contenders live in an environment of their own. Much less
than our daemon does: no revisions, no late parts, no metrics, no dead letters, no time-outs.
"""

from __future__ import annotations

from typing import Any

Session = dict[str, Any]


def merged(session: Session | None, record: dict[str, Any]) -> Session:
    """The session with a record added to it."""
    if session is None:
        session = {"usage": {}, "errors": {}, "expected": []}
    for kind in ("usage", "errors"):
        for item in record.get(kind) or ():
            session[kind][item["imei"]] = item
    if "imei" in record:
        session["expected"] = record["imei"]
    return session


def is_complete(session: Session, device_limit: int) -> bool:
    """Whether every expected device is in, or so many as the limit says."""
    devices = len(session["usage"]) + len(session["errors"])
    if expected := session["expected"]:
        return devices >= len(expected) and all(
            imei in session["usage"] or imei in session["errors"] for imei in expected
        )
    return devices == device_limit > 0


def report_of(txid: str, session: Session) -> dict[str, Any]:
    """The report."""
    usage = list(session["usage"].values())
    return {
        "txid": txid,
        "usage": usage,
        "errors": list(session["errors"].values()),
        "summary": {
            "numberOfSessions": sum(item.get("numberOfSessions") or 0 for item in usage),
            "bytesTransferred": sum(item.get("bytesTransferred") or 0 for item in usage),
        },
    }
