from __future__ import annotations

import json
import re
from collections import Counter

from consumer.simulator.contents import requests
from consumer.simulator.options import MOST_DEVICES, Options

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def _passes_luhn(imei: str) -> bool:
    digits = [int(digit) for digit in reversed(imei)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


def test_txids_are_shaped_like_uuids_and_differ() -> None:
    """Every request has a txid of its own, in the form that ThingSpace uses."""
    txids = [request.txid for request in requests(Options(requests=2_000))]
    assert len(set(txids)) == 2_000
    assert all(_UUID.fullmatch(txid) for txid in txids)


def test_imeis_are_valid_and_differ_within_a_request() -> None:
    """15 digits with a right check digit, none asked for twice by one request."""
    for request in requests(Options(requests=20, devices_min=500, devices_max=1_000)):
        assert len(set(request.imeis)) == len(request.imeis)
        assert all(re.fullmatch(r"\d{15}", imei) and _passes_luhn(imei) for imei in request.imeis)


def test_the_largest_request_has_different_devices_too() -> None:
    """The account is large enough for ThingSpace's largest request."""
    options = Options(requests=1, devices_min=MOST_DEVICES, devices_max=MOST_DEVICES)
    (request,) = requests(options)
    assert len(set(request.imeis)) == MOST_DEVICES


def test_the_number_of_devices_covers_the_range() -> None:
    """Every size between the two ends is asked for."""
    sizes = {len(r.imeis) for r in requests(Options(requests=500, devices_min=2, devices_max=6))}
    assert sizes == {2, 3, 4, 5, 6}


def test_items_are_what_the_answers_say() -> None:
    """An item's JSON agrees with the answer's fields and has the documented shape."""
    for request in requests(Options(requests=500, errors=0.3, unknown=0.3)):
        for answer in request.answers:
            item = json.loads(answer.item)
            assert item["imei"] == answer.imei
            if answer.error_code is None:
                assert item["numberOfSessions"] == answer.sessions
                assert item["bytesTransferred"] == answer.bytes_transferred
            else:
                assert item.keys() == {"imei", "errorMessage", "errorResponse"}
                assert item["errorResponse"]["errorCode"] == answer.error_code
                assert item["errorResponse"].keys() == {
                    "errorCode",
                    "errorMessage",
                    "httpStatusCode",
                    "detailErrorMessage",
                }


def test_shares_come_out_about_as_asked() -> None:
    """Errors, unknown properties, silence, lateness and retries occur as often as set."""
    options = Options(
        requests=3_000, errors=0.2, unknown=0.3, silent=0.1, late=0.05, retries=0.25, seed=3
    )
    devices = answers = 0
    counts: Counter[str] = Counter()
    for request in requests(options):
        devices += len(request.imeis)
        answers += len(request.answers)
        counts["silent"] += len(request.silent)
        counts["late"] += len(request.late)
        counts["errors"] += len(request.errors)
        counts["retried"] += sum(answer.retries > 0 for answer in request.answers)
        counts["unknown"] += sum(len(json.loads(item)) > 3 for item in request.usage)
    usage = answers - counts["errors"]
    assert abs(counts["silent"] / devices - 0.1) < 0.01
    assert abs(counts["late"] / devices - 0.05) < 0.01
    assert abs(counts["errors"] / answers - 0.2) < 0.02
    assert abs(counts["retried"] / answers - 0.25) < 0.02
    assert abs(counts["unknown"] / usage - 0.3) < 0.02


def test_a_callback_is_retried_three_times_at_most() -> None:
    """Even where every sending fails, ThingSpace gives up after the third retry."""
    for request in requests(Options(requests=20, retries=1.0, silent=0.0)):
        assert {answer.retries for answer in request.answers} == {3}


def test_contents_do_not_depend_on_times() -> None:
    """Another rate, spread or delay moves the same requests about, nothing else."""
    calm = requests(Options(requests=100, seed=9))
    hasty = requests(Options(requests=100, seed=9, rate=1e6, spread_ms=7, retry_after_ms=1))
    assert list(calm) == list(hasty)


def test_seeds_differ() -> None:
    """Seeds of opposite sign are different seeds too."""
    first = {seed: next(requests(Options(seed=seed))) for seed in (1, -1, 2)}
    assert len({request.txid for request in first.values()}) == 3
    assert len({request.imeis for request in first.values()}) == 3
