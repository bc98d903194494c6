import re
import shutil
import subprocess
import urllib.request
from collections.abc import Callable

import pytest
from prometheus_client import Metric, generate_latest
from prometheus_client.openmetrics import exposition
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from consumer.aggregation.tallies import Tallies
from consumer.pipeline.ports import Observer
from consumer.telemetry.health import Health
from consumer.telemetry.http import HttpServer, Router
from consumer.telemetry.metrics import Metrics
from consumer.wire.dead_letter import Reason
from tests.unit.telemetry.conftest import BUILD, CAUSES, TOPIC

Value = Callable[..., float | None]

CONTRACT = {
    "records_consumed": ("counter", {"kind"}),
    "items": ("counter", {"result"}),
    "reports_emitted": ("counter", {"outcome", "completed_by"}),
    "report_revisions": ("counter", set()),
    "dead_letters": ("counter", {"reason"}),
    "key_mismatches": ("counter", set()),
    "forgotten_early": ("counter", set()),
    "misplaced_keys": ("counter", set()),
    "rebalances": ("counter", {"event"}),
    "restarts": ("counter", {"cause"}),
    "assigned_partitions": ("gauge", set()),
    "open_txids": ("gauge", set()),
    "remembered_txids": ("gauge", set()),
    "state_bytes": ("gauge", set()),
    "consumer_lag_records": ("gauge", {"topic", "partition"}),
    "oldest_open_seconds": ("gauge", set()),
    "restore_remaining_records": ("gauge", set()),
    "last_commit_timestamp_seconds": ("gauge", set()),
    "build_info": ("gauge", {"version", "python", "librdkafka", "confluent_kafka"}),
    "commit_duration_seconds": ("histogram", {"le"}),
    "batch_duration_seconds": ("histogram", {"le"}),
    "time_to_complete_seconds": ("histogram", {"le"}),
    "restore_duration_seconds": ("histogram", {"le"}),
}
"""Names without the prefix, types and labels, as the design lists them."""

RULES = {
    ("complete", "expected_devices"),
    ("complete", "device_limit"),
    ("partial", "inactivity"),
    ("partial", "max_age"),
    ("partial", "capacity"),
    ("unconfirmed", "inactivity"),
    ("unconfirmed", "max_age"),
    ("unconfirmed", "capacity"),
}


def touch_everything(metrics: Metrics) -> None:
    """Let everything happen that an observer can be told of."""
    metrics.turned()
    metrics.joined()
    metrics.rebalanced("assigned", [0, 1, 2])
    metrics.rebalanced("revoked", [1])
    metrics.rebalanced("lost", [2])
    metrics.readiness(1, 1)
    metrics.restore_progress(4_711)
    metrics.restored(0, 12, 0.3)
    metrics.processed(0.002)
    metrics.lag({0: 17})
    metrics.state(3, 4, 5_000, 61.5)
    metrics.misplaced_key()
    metrics.committed(
        Tallies(
            callbacks=1,
            expectations=2,
            acknowledgements=3,
            dead_letters=len(Reason),
            usage=5,
            errors=6,
            duplicates=7,
            late=8,
            reports=dict.fromkeys(RULES, 9),
            revisions=10,
            reasons=dict.fromkeys(Reason, 1),
            key_mismatches=11,
            forgotten_early=12,
            completion_ms=[900, 61_000],
        ),
        duration_s=0.012,
        wall_ms=1_795_487_512_123,
    )


def scrape(metrics: Metrics) -> dict[str, Metric]:
    """Our families as Prometheus reads them, by their name without the prefix."""
    text = generate_latest(metrics.registry).decode()
    prefix = "session_reports_"
    return {
        family.name.removeprefix(prefix): family
        for family in text_string_to_metric_families(text)
        if family.name.startswith(prefix)
    }


def test_is_an_observer(metrics: Metrics) -> None:
    """The pipeline takes it as its observer (checked by the type checker as well)."""
    observer: Observer = metrics
    assert observer is metrics


def test_publishes_what_the_contract_lists(metrics: Metrics) -> None:
    """Exactly these metrics with these types and labels, each with a HELP line."""
    touch_everything(metrics)
    found = {
        name: (family.type, {label for sample in family.samples for label in sample.labels})
        for name, family in scrape(metrics).items()
    }
    assert found == CONTRACT
    assert all(family.documentation.endswith(".") for family in scrape(metrics).values())


def test_all_series_of_closed_labels_exist_from_the_start(metrics: Metrics) -> None:
    """With 0, so that the first event already shows in a rate."""
    families = scrape(metrics)

    def values(name: str, *labels: str) -> set[tuple[str, ...]]:
        samples = families[name].samples
        assert all(sample.value == 0 for sample in samples)
        return {tuple(sample.labels[label] for label in labels) for sample in samples}

    assert values("records_consumed", "kind") == {
        ("callback",),
        ("expectation",),
        ("acknowledgement",),
        ("dead_letter",),
    }
    assert values("items", "result") == {("usage",), ("error",), ("duplicate",), ("late",)}
    assert values("reports_emitted", "outcome", "completed_by") == RULES
    assert values("dead_letters", "reason") == {(reason.value,) for reason in Reason}
    assert values("rebalances", "event") == {("assigned",), ("revoked",), ("lost",)}
    assert values("restarts", "cause") == {(cause,) for cause in CAUSES}
    assert families["consumer_lag_records"].samples == []


def test_a_commit_counts_its_tallies(metrics: Metrics, value: Value) -> None:
    """Each number of the tallies arrives at its own series, and adds up over commits."""
    touch_everything(metrics)
    touch_everything(metrics)
    assert value("records_consumed_total", kind="callback") == 2
    assert value("records_consumed_total", kind="expectation") == 4
    assert value("records_consumed_total", kind="acknowledgement") == 6
    assert value("records_consumed_total", kind="dead_letter") == 2 * len(Reason)
    assert value("items_total", result="usage") == 10
    assert value("items_total", result="error") == 12
    assert value("items_total", result="duplicate") == 14
    assert value("items_total", result="late") == 16
    for outcome, rule in RULES:
        assert value("reports_emitted_total", outcome=outcome, completed_by=rule) == 18
    for reason in Reason:
        assert value("dead_letters_total", reason=reason.value) == 2
    assert value("report_revisions_total") == 20
    assert value("key_mismatches_total") == 22
    assert value("forgotten_early_total") == 24
    assert value("misplaced_keys_total") == 2
    assert value("commit_duration_seconds_bucket", le="0.025") == 2
    assert value("commit_duration_seconds_bucket", le="0.01") == 0
    assert value("last_commit_timestamp_seconds") == 1_795_487_512.123


def test_completion_times_fall_into_their_buckets(metrics: Metrics, value: Value) -> None:
    """Milliseconds in, seconds out, a bound included in its bucket."""
    metrics.committed(Tallies(completion_ms=[1000, 60_000, 86_400_000, 86_400_001]), 0.01, 0)
    assert value("time_to_complete_seconds_bucket", le="1.0") == 1
    assert value("time_to_complete_seconds_bucket", le="60.0") == 2
    assert value("time_to_complete_seconds_bucket", le="86400.0") == 3
    assert value("time_to_complete_seconds_count") == 4
    assert value("time_to_complete_seconds_sum") == 172_861.001


def test_tells_what_the_member_holds(metrics: Metrics, value: Value) -> None:
    """The gauges follow the last report of state and readiness."""
    touch_everything(metrics)
    assert value("open_txids") == 3
    assert value("remembered_txids") == 4
    assert value("state_bytes") == 5_000
    assert value("oldest_open_seconds") == 61.5
    assert value("assigned_partitions") == 1
    assert value("restore_remaining_records") == 4_711
    assert value("restore_duration_seconds_bucket", le="0.5") == 1
    assert value("batch_duration_seconds_bucket", le="0.0025") == 1
    metrics.readiness(1, 0)
    assert value("restore_remaining_records") == 0


@pytest.mark.parametrize("event", ["revoked", "lost"])
def test_a_partitions_series_go_with_it(metrics: Metrics, value: Value, event: str) -> None:
    """Also when an answer about its lag comes in only afterwards."""
    metrics.rebalanced("assigned", [0, 1])
    metrics.lag({0: 5, 1: 6})
    assert value("consumer_lag_records", topic=TOPIC, partition="1") == 6
    metrics.rebalanced(event, [1])
    metrics.lag({0: 4, 1: 7})
    assert value("consumer_lag_records", topic=TOPIC, partition="0") == 4
    assert value("consumer_lag_records", topic=TOPIC, partition="1") is None
    assert value("rebalances_total", event=event) == 1


def test_a_restart_empties_the_gauges(metrics: Metrics, health: Health, value: Value) -> None:
    """The state is gone until it is restored; counters go on; the member is not ready."""
    touch_everything(metrics)
    metrics.readiness(1, 0)
    assert health.ready().ok
    metrics.restarted("producer_fenced")
    assert not health.ready().ok
    assert value("restarts_total", cause="producer_fenced") == 1
    assert value("restarts_total", cause="commit_timed_out") == 0
    for gauge in ("assigned_partitions", "open_txids", "state_bytes", "oldest_open_seconds"):
        assert value(gauge) == 0
    assert value("consumer_lag_records", topic=TOPIC, partition="0") is None
    assert value("records_consumed_total", kind="callback") == 1


def test_the_loss_that_follows_a_restart_is_harmless(metrics: Metrics, value: Value) -> None:
    """Closing the old consumer may still tell of partitions that are dropped already."""
    metrics.rebalanced("assigned", [0])
    metrics.restarted("commit_timed_out")
    metrics.rebalanced("lost", [0])
    assert value("rebalances_total", event="lost") == 1


def test_an_unknown_label_value_makes_no_series(metrics: Metrics) -> None:
    """It is logged, nothing raises, and the set of series stays closed."""
    before = generate_latest(metrics.registry).decode().count("\nsession_reports_")
    with capture_logs() as logs:
        metrics.restarted("txid 4f1c: no such cause")
        metrics.committed(Tallies(reports={("complete", "inactivity"): 1}), 0.01, 0)
        metrics.committed(Tallies(reasons={"bad": 1}), 0.01, 0)
    assert [entry["event"] for entry in logs] == ["metric_label_unknown"] * 3
    assert generate_latest(metrics.registry).decode().count("\nsession_reports_") == before


def test_feeds_the_heartbeat(metrics: Metrics, health: Health) -> None:
    """The loop knows one observer; the health hears of it from there."""
    metrics.joined()
    assert health.ready().ok
    metrics.turned()
    assert health.live().ok


def test_names_the_build(value: Value) -> None:
    """`build_info` is 1 and carries the versions."""
    assert (
        value(
            "build_info",
            version="1.2.3",
            python="3.11.7",
            librdkafka="2.16.0",
            confluent_kafka="2.16.1",
        )
        == 1
    )


def test_registers_the_process_and_the_interpreter(metrics: Metrics) -> None:
    """Memory, CPU and garbage collection come with the daemon's own registry."""
    text = generate_latest(metrics.registry).decode()
    assert "\npython_info{" in text
    assert "\npython_gc_collections_total{" in text


def test_two_daemons_in_one_process_do_not_clash(health: Health) -> None:
    """Each has its own registry; nothing is global."""
    first, second = (Metrics(health, TOPIC, CAUSES, BUILD) for _ in range(2))
    touch_everything(first)
    assert second.registry.get_sample_value("session_reports_report_revisions_total") == 0


def test_openmetrics_has_no_created_series(metrics: Metrics) -> None:
    """Neither text format carries `_created`, which would double the counters' series."""
    touch_everything(metrics)
    text = exposition.generate_latest(metrics.registry).decode()  # type: ignore[no-untyped-call]
    assert "_created" not in text
    assert list(openmetrics_parser.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    assert "_created" not in generate_latest(metrics.registry).decode()


def test_no_label_carries_what_a_record_said(metrics: Metrics) -> None:
    """Label values are enum-like words, partitions, bounds, the topic and versions."""
    touch_everything(metrics)
    for name, family in scrape(metrics).items():
        for sample in family.samples:
            for label, text in sample.labels.items():
                if name != "build_info" and label != "topic":
                    assert re.fullmatch(r"[a-z_]+|\d+|[\d.]+|\+Inf|\w+", text), (name, label, text)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_say(metrics: Metrics, health: Health) -> None:
    """A live scrape with everything touched passes Prometheus' own linter in silence."""
    touch_everything(metrics)
    with HttpServer("127.0.0.1", 0, Router(metrics.registry, health, BUILD)) as server:
        body = urllib.request.urlopen(f"{server.url}/metrics", timeout=10).read()  # noqa: S310 - our own server
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=body, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
