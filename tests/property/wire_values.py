"""Values for input records: good ones, odd ones, wrong ones, in many spellings."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

MARK = "payload-payload"
"""Stands where it should not in generated records; must not show in a message."""

COINS = st.booleans()
STRINGS = st.text(max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | STRINGS
)
TREES = st.recursive(
    SCALARS,
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(STRINGS, children, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def objects(
    draw: st.DrawFn, often: dict[str, st.SearchStrategy[Any]], other: st.SearchStrategy[Any]
) -> dict[str, Any]:
    """Objects with most of these properties, mostly good ones, and unknown ones among them."""
    found = draw(st.dictionaries(STRINGS, other, max_size=1))
    for name in draw(st.permutations(list(often))):
        luck = draw(st.integers(0, 19))
        if luck == 0:
            found[name] = draw(other)
        elif luck == 1:
            found[name] = None
        elif luck > 4:
            found[name] = draw(often[name])
    return found


JUNK: st.SearchStrategy[Any] = SCALARS | st.sampled_from(
    [MARK, [], {}, [MARK], {MARK: MARK}, [[{}], None]]
)
NAMES = st.sampled_from(["", "1", "2", "é", "x" * 256, "x" * 256, "x" * 257])
COUNTS = st.sampled_from([0, 1, 2, 17, 2**53, 2**63 - 1, 2**63 - 1, 2**63, -1])
USAGE = objects({"imei": NAMES, "numberOfSessions": COUNTS, "bytesTransferred": COUNTS}, JUNK)
RESPONSE = objects(
    {
        "errorCode": NAMES,
        "errorMessage": STRINGS,
        "httpStatusCode": STRINGS,
        "detailErrorMessage": STRINGS,
    },
    JUNK,
)
ERRORS = objects({"imei": NAMES, "errorMessage": STRINGS, "errorResponse": RESPONSE}, JUNK)
TXIDS = st.sampled_from(["t", "t", "t", "ü", "\u200d", "x" * 256, "x" * 257, "", "\x7f", "a\0"])
STATUSES = st.sampled_from(["QUEUED", "COMPLETED", "FAILED", ""])
_ARRAYS = {"usage": st.lists(USAGE, max_size=2), "errors": st.lists(ERRORS, max_size=2)}
_OTHERS = {"imei": st.lists(NAMES, max_size=2), "status": STATUSES}
RECORDS = (
    objects({"txid": TXIDS, **_ARRAYS}, JUNK)
    | objects({"txid": TXIDS, **_OTHERS}, JUNK)
    | objects({"txid": TXIDS, **_ARRAYS, **_OTHERS}, JUNK)
)


@st.composite
def spelled(draw: st.DrawFn, tree: Any) -> bytes:
    """One of the many ways to write `tree` as JSON."""
    blank = draw(st.sampled_from(["", "", " ", "\t\r\n "]))

    def text(value: str) -> str:
        escape = draw(st.sampled_from(("no", "ascii", "all")))
        if escape == "all":
            units = value.encode("utf-16-be").hex()
            return '"' + "".join(rf"\u{units[i : i + 4]}" for i in range(0, len(units), 4)) + '"'
        return json.dumps(value, ensure_ascii=escape == "ascii")

    def spell(value: Any) -> str:
        if isinstance(value, dict):
            keys = draw(st.permutations(list(value)))
            again = draw(COINS)
            if keys and again:
                keys = [draw(st.sampled_from(keys)), *keys]  # the last of a repeated key wins
            fields = [text(key) + blank + ":" + blank + spell(value[key]) for key in keys]
            return "{" + blank + ("," + blank).join(fields) + blank + "}"
        if isinstance(value, list):
            return "[" + blank + ("," + blank).join(map(spell, value)) + blank + "]"
        if isinstance(value, str):
            return text(value)
        if isinstance(value, float) and draw(COINS):
            return f"{value:.17E}"
        return json.dumps(value)

    return (blank + spell(tree) + blank).encode()


def spellings(trees: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """The same of any value of `trees`."""
    return trees.flatmap(spelled)


@st.composite
def damaged(draw: st.DrawFn, trees: st.SearchStrategy[Any]) -> bytes:
    """A record that something happened to on its way."""
    value = draw(spellings(trees))
    at = draw(st.integers(0, len(value)))
    harm = draw(st.sampled_from(["cut", "flip", "double", "insert", "begin"]))
    if harm == "cut":
        return value[:at]
    if harm == "double":
        return value + value[at:]
    if harm == "begin":
        return value[at:]
    byte = bytes([draw(st.integers(0, 255) | st.sampled_from(b'"\\{}[],:0'))])
    return value[:at] + byte + value[at + (harm == "flip") :]
