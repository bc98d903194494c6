from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from consumer.simulator.options import Options
from consumer.simulator.plan import Plan
from tests.oracle import values

_DIGEST = """
import hashlib
from consumer.simulator.options import Options
from consumer.simulator.plan import Plan
plan = Plan(Options(requests=300, seed=42, hostile=0.05, late=0.05, retries=0.1, expectations=0.5))
print(hashlib.sha256(repr(list(plan.records())).encode()).hexdigest())
"""
_GOLDEN = "da2ad75a37436f1e317e94c68fea7383bff835df8c93f7f638b31c11a531b095"


@pytest.mark.parametrize("hash_seed", ["0", "1", "random"])
def test_the_same_seed_gives_the_same_bytes(hash_seed: str) -> None:
    """Bytes, order and times of a seed are fixed for good, in any process."""
    run = subprocess.run(
        [sys.executable, "-c", _DIGEST],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
        text=True,
    )
    assert run.stdout.strip() == _GOLDEN


def test_records_come_lazily() -> None:
    """A run without end starts at once and holds a bounded piece of its future."""
    plan = Plan(Options(requests=10**12))
    digest = hashlib.sha256()
    for _, value, _ in itertools.islice(plan.records(), 2_000):
        digest.update(value)
    assert digest.digest()


def test_times_do_not_go_back_and_keep_the_rate() -> None:
    """Sending order is the order of the logical times, at the rate asked for on average."""
    plan = Plan(Options(requests=2_000, rate=500, hostile=0.01, acknowledgements=0.5, retries=0.1))
    times = [at_ms for _, _, at_ms in plan.records()]
    assert times == sorted(times)
    middle = times[len(times) // 10 : -len(times) // 10]
    rate = len(middle) / (middle[-1] - middle[0]) * 1_000
    assert rate == pytest.approx(500, rel=0.1)


def test_what_is_sent_is_what_the_requests_say() -> None:
    """Per txid, the distinct items on the topic are the answers' items, to the byte."""
    plan = Plan(Options(requests=300, seed=1, errors=0.2, retries=0.2, late=0.1, silent=0.1))
    sent: dict[str, tuple[set[str], set[str]]] = {}
    for key, value, _ in plan.records():
        record = values.classify(value)
        if isinstance(record, values.Callback):
            assert key == record.txid.encode()
            usage, errors = sent.setdefault(record.txid, (set(), set()))
            usage.update(item.text for item in record.usage)
            errors.update(item.text for item in record.errors)
    for request in plan.requests():
        usage, errors = sent.pop(request.txid, (set(), set()))
        assert usage == {item.decode() for item in request.usage}
        assert errors == {item.decode() for item in request.errors}
    assert not sent


def test_totals_count_what_is_sent() -> None:
    """Every record of a run is counted in exactly one kind, and the counts are right."""
    plan = Plan(
        Options(
            requests=300,
            retries=0.2,
            hostile=0.1,
            acknowledgements=0.3,
            expectations=0.4,
            silent=0.3,
        )
    )
    kinds = Counter(type(values.classify(value)).__name__ for _, value, _ in plan.records())
    totals = plan.totals()
    assert kinds == {
        "Callback": totals.callbacks,
        "Acknowledgement": totals.acknowledgements,
        "Expectation": totals.expectations,
        "Bad": totals.dead_letters.total(),
    }
    assert totals.records == kinds.total()
    assert totals.usage + totals.errors + totals.retries == totals.callbacks
    assert totals.devices == totals.usage + totals.errors + totals.silent
    assert totals.reports == sum(
        bool(request.answers) or request.expected for request in plan.requests()
    )


def test_totals_add_up_usage_and_error_codes() -> None:
    """Sessions, bytes and error codes are sums over the items that were sent."""
    plan = Plan(Options(requests=200, errors=0.3))
    items = [json.loads(item) for request in plan.requests() for item in request.usage]
    errors = [json.loads(item) for request in plan.requests() for item in request.errors]
    totals = plan.totals()
    assert totals.sessions == sum(item["numberOfSessions"] for item in items)
    assert totals.bytes_transferred == sum(item["bytesTransferred"] for item in items)
    assert totals.error_codes == Counter(item["errorResponse"]["errorCode"] for item in errors)


def test_requests_interleave_up_to_the_limit() -> None:
    """Many requests run at once, about as many as allowed, out of order."""
    plan = Plan(Options(requests=1_000, interleaving=20, retries=0.0, acknowledgements=0.0))
    order = [key for key, _, _ in plan.records()]
    first = {key: index for index, key in reversed(list(enumerate(order)))}
    last = {key: index for index, key in enumerate(order)}
    open_at = [
        sum(first[key] <= index <= last[key] for key in first)
        for index in range(1_000, len(order) - 1_000, 500)
    ]
    assert 5 < sum(open_at) / len(open_at) <= 20
    started = [request.txid.encode() for request in plan.requests() if request.answers]
    assert list(dict.fromkeys(order)) != started


def test_a_slow_run_answers_within_the_spread() -> None:
    """At a low rate a request is still answered within `spread_ms`, not ages later."""
    plan = Plan(Options(requests=200, rate=2, spread_ms=700, retries=0.0))
    times: dict[bytes | None, list[int]] = {}
    for key, _, at_ms in plan.records():
        times.setdefault(key, []).append(at_ms)
    assert max(times_of[-1] - times_of[0] for times_of in times.values()) <= 700


def test_retries_repeat_the_callback_after_the_delay() -> None:
    """A retry has its callback's bytes, save for at most a top-level `callbackCount`."""
    plan = Plan(Options(requests=50, retries=1.0, silent=0.0, acknowledgements=0.0))
    sendings: dict[bytes, list[tuple[int, bytes]]] = {}
    for _, value, at_ms in plan.records():
        original = value.split(b',"callbackCount":')[0].removesuffix(b"}") + b"}"
        sendings.setdefault(original, []).append((at_ms, value))
    exact = 0
    for original, times in sendings.items():
        assert len(times) == 4
        assert times[0][1] == original
        gaps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(times)]
        assert all(abs(gap - plan.options.retry_after_ms) <= 1 for gap in gaps)
        exact += sum(value == original for _, value in times[1:])
    assert 0 < exact < 3 * len(sendings)


def test_late_answers_come_long_after_the_others() -> None:
    """A late device answers when its request has long gone quiet."""
    plan = Plan(Options(requests=100, late=0.3, silent=0.0, retries=0.0, acknowledgements=0.0))
    late = {(request.txid, answer.item) for request in plan.requests() for answer in request.late}
    at: dict[tuple[str, bytes], int] = {}
    started: dict[str, int] = {}
    for _, value, at_ms in plan.records():
        record = values.classify(value)
        assert isinstance(record, values.Callback)
        (item,) = record.usage or record.errors
        at[record.txid, item.text.encode()] = at_ms
        started.setdefault(record.txid, at_ms)
    assert late
    gap = plan.options.late_after_ms - plan.options.spread_ms
    in_time = {key: at_ms for key, at_ms in at.items() if key not in late}
    for (txid, text), at_ms in at.items():
        others = [time for (other, _), time in in_time.items() if other == txid]
        if (txid, text) in late and others:
            assert at_ms - max(others) >= gap
