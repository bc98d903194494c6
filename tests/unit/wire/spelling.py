"""Other spellings of the same JSON value, written without the code under test."""

from __future__ import annotations

import json
from typing import Any


def compact(value: Any) -> bytes:
    """No white space, everything beyond ASCII as itself."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def spaced(value: Any) -> bytes:
    """White space of every kind in every place that takes some."""
    text = json.dumps(value, indent="\t", separators=(" ,\r\n", " : "), ensure_ascii=False)
    return f" \r\n\t{text} \n".encode()


def escaped(value: Any) -> bytes:
    """Every character of every key and string as an escape of its UTF-16 units."""
    if isinstance(value, dict):
        pairs = (escaped(key) + b":" + escaped(item) for key, item in value.items())
        return b"{%b}" % b",".join(pairs)
    if isinstance(value, list):
        return b"[%b]" % b",".join(escaped(item) for item in value)
    if isinstance(value, str):
        units = value.encode("utf-16-be").hex()
        return b'"%b"' % b"".join(
            rf"\u{units[at : at + 4]}".encode() for at in range(0, len(units), 4)
        )
    return compact(value)


def reordered(value: Any) -> bytes:
    """The keys of every object the other way round."""
    return compact(_reversed(value))


def repeated(value: Any) -> bytes:
    """Every top-level key twice, the good value last."""
    first = b",".join(compact(key) + b':[{"imei":"not this one"}]' for key in value)
    return b"{%b,%b" % (first, compact(value)[1:])


def decorated(value: Any) -> bytes:
    """Unknown properties, beyond ASCII, before and behind those of the value."""
    return compact({"überschrift": {"❄": ["🚚", None, 1e300]}, **value, "zuletzt": "…"})


SPELLINGS = {
    "compact": compact,
    "spaced": spaced,
    "escaped": escaped,
    "reordered": reordered,
    "repeated": repeated,
    "decorated": decorated,
}


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(item) for key, item in reversed(value.items())}
    if isinstance(value, list):
        return [_reversed(item) for item in value]
    return value
