"""Split reports, joined back from their parts, and what is wrong with the parts.

The contract leaves open which part holds what. So a report is judged whole, and of its
parts only what they owe: to be all there, in order, in one partition, under their keys,
none too large, all saying the same but for what is divided, and no more than needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tests.oracle.compare import differences
from tests.oracle.outputs import IMEI_LISTS, Report


def join(parts: Iterable[Report], report_bytes: int) -> tuple[list[Report], list[str]]:
    """Whole reports, in the order of their first parts, and what is wrong with their parts.

    `parts` are in the order of their offsets, partition by partition.
    """
    runs: dict[int, list[Report]] = {}
    """By the place of their first parts."""
    going: dict[tuple[int, str, int], int] = {}
    """The run that a part would continue, by all that tells emissions apart."""
    for place, part in enumerate(parts):
        emission = (part.record.partition, part.name, part.first_offset)
        if part.part[0] == 1 or emission not in going:
            going[emission] = place
        runs.setdefault(going[emission], []).append(part)
    problems = [problem for run in runs.values() for problem in _problems(run, report_bytes)]
    return [_joined(run) for run in runs.values()], problems


def _problems(run: list[Report], report_bytes: int) -> list[str]:
    name, count = run[0].name, run[0].part[1]
    there = [part.part for part in run]
    if there != [(index, count) for index in range(1, count + 1)]:
        return [f"torn report {name}: parts {there}"]
    problems = []
    for part in run:
        index, size = part.part[0], len(part.record.value or b"")
        key = part.txid if index == 1 else f"{part.txid}\0{index}"
        found = {"key": part.record.key, "common": _common(part.body)}
        due = {"key": key.encode(), "common": _common(run[0].body)}
        problems += [
            f"wrong report {name}, part {index}: {difference}"
            for difference in differences(due, found)
        ]
        if size > report_bytes:
            problems.append(f"wrong report {name}, part {index}: it has {size} bytes")
    whole = len(_spelled(_joined(run).body))
    if count > 1 and whole <= report_bytes:
        problems.append(f"wrong report {name}: in {count} parts, where {whole} bytes make one")
    return problems


def _common(body: dict[str, Any]) -> dict[str, Any]:
    """What stands in each part."""
    summary = dict(body["summary"])
    summary["devices"] = {
        name: value for name, value in summary["devices"].items() if name not in IMEI_LISTS
    }
    del summary["part"], summary["errorCodes"]
    return body | {"usage": None, "errors": None, "summary": summary}


def _joined(run: list[Report]) -> Report:
    """The whole report; what its parts should have in common is the first one's."""
    if len(run) == 1 and run[0].part == (1, 1):
        return run[0]
    first = run[0]
    summaries = [part.body["summary"] for part in run]
    devices = dict(summaries[0]["devices"])
    for name in IMEI_LISTS:
        lists = [summary["devices"][name] for summary in summaries if name in summary["devices"]]
        if lists:
            devices[name] = [imei for found in lists for imei in found]
    codes: dict[str, int] = {}
    for summary in summaries:
        for code, count in summary["errorCodes"].items():
            codes[code] = codes.get(code, 0) + count
    body = first.body | {
        array: [text for part in run for text in part.body[array]] for array in ("usage", "errors")
    }
    body["summary"] = summaries[0] | {
        "part": {"index": 1, "count": 1},
        "devices": devices,
        "errorCodes": codes,
    }
    return first._replace(body=body)


def _spelled(body: dict[str, Any]) -> bytes:
    """A report in one piece, as compact as it gets."""
    items = {array: ",".join(body[array]) for array in ("usage", "errors")}
    txid, summary = (
        json.dumps(body[name], ensure_ascii=False, separators=(",", ":"))
        for name in ("txid", "summary")
    )
    return (
        f'{{"txid":{txid},"usage":[{items["usage"]}],"errors":[{items["errors"]}],'
        f'"summary":{summary}}}'
    ).encode()
