"""What each event of our log says to a person: one sentence each, in the order of a run's life.

The name of an event is for programs and stays as it is, whatever its sentence says. A
sentence is a format string over the fields of its event. What stands in square brackets is
left out where a field in it is None. Besides Python's own, a field may have these formats:

    {txids:txid|txids}        a number of things: 1 txid, 12,304 txids, no txids
    {partitions:part|parts}   of a list, its elements: part 2, parts 0, 1 and 3
    {seconds:time}            0.06 s, 1.4 s, 2 min 5 s, 3 h 20 min
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from typing import Any, Final

SENTENCES: Final[Mapping[str, str]] = {
    # The start
    "starting": "Starting session-reports {version} as {instance} of {app}, on Kafka at "
    "{bootstrap_servers}; HTTP at {http}.",
    "advice": "{text}.",
    "topic_not_checked": "The configuration of {topic} cannot be checked: {reason}.",
    "state_topic_made": "Made the state topic {topic}.",
    "joined": "Joined the group, which has no partitions for this member so far.",
    # Partitions come
    "assigned": "Assigned {partitions:partition|partitions}.",
    "offsets_blocked": "The committed offsets of {partitions:partition|partitions} are held back "
    "by a pending transaction; waiting for its end.",
    "transaction_ended": "Ended the transaction that a dead member, {writer}, had left hanging.",
    "transaction_not_ended": "Could not end the hanging transaction of {writer}: {reason}.",
    "transaction_torn": "Kafka has committed the offsets of a transaction of {writer}, but holds "
    "it open at offset {offset:,} of {topic}, partition {partition}, which has to wait: do not "
    "abort it, see docs/groups.md.",
    "restoring": "Restoring {partitions:partition|partitions}, "
    "{remaining_records:record|records} to go.",
    "restored": "Restored {txids:txid|txids} of partition {partition} in {seconds:time}, going on "
    "at offset {offset:,}.",
    "left_over": "{partitions:partition|partitions} belong to nobody, though no rebalance is "
    "under way: joining the group anew, so that all is handed out again.",
    # At work
    "first_commit": "First commit since the assignment: {records:record|records}, "
    "{reports:report|reports}.",
    "summary": "Read {records:record|records} ({records_per_s:,}/s) and wrote "
    "{reports:report|reports} in {seconds:time}; {open_txids:txid|txids} open in "
    "{partitions:partition|partitions}[, the next closes in {next_closes_in_s:time}]"
    "[; {lag_records:record|records} behind].",
    "commit_resent": "A rebalance came into a commit; sending it once more: {reason}.",
    "key_misplaced": "A key of {topic} is in partition {partition}, Kafka's own partitioner puts "
    "it in {expected}. If its txid also arrives by another producer, its report is split: set "
    "partitioner=murmur2_random in producers that use librdkafka.",
    "state_not_deleted": "Old records of {topic} are not deleted, so it will grow: {reason}.",
    "group_not_known": "It cannot be told who has which partitions: {reason}.",
    # Partitions go
    "close_overdue": "The consumer has not closed within {within_s:time}; going on without it. It "
    "reads nothing more; its place in the group ends with this process, or when a rebalance has "
    "waited for it for max.poll.interval.ms.",
    "revoked": "Revoked {partitions:partition|partitions}.",
    "lost": "Lost {partitions:partition|partitions}, which others may have already.",
    # Faults
    "torn_down": "Tearing the pipeline down ({cause}): {reason}.",
    "restarting": "Restoring from Kafka in {in_s:time}.",
    "commit_failed_too": "The commit under way failed, too: {reason}.",
    "abort_failed": "The abort failed, too; the broker will end the transaction: {reason}.",
    "internal_error": "This is a bug, please report it.",
    "http_request_failed": "No answer to an HTTP request. This is a bug, please report it.",
    "metric_label_unknown": "The metric {metric} has no label {value}. This is a bug, please "
    "report it.",
    # The end
    "stopping": "Stopping on {signal}: finishing, committing and leaving the group within "
    "{within_s:time}.",
    "stop_forced": "Stopping at once: a second signal, {signal}.",
    "stop_overdue": "No orderly stop within shutdown.timeout, {within_s:time}. Ending; what is "
    "not committed is read again.",
    "start_stopped": "Stopped on {signal}, before the start was through.",
    "stopped": "Stopped in good order.",
    "failed": "Ending with exit code {exit_code}: {reason}.",
}

_OPTIONAL: Final = re.compile(r"\[([^]]*)\]")
_MINUTE_S: Final = 60
_MINUTES: Final = 60
"""In an hour."""


def sentence(event: str, fields: Mapping[str, object]) -> str | None:
    """What an event says; None where there is no sentence for it and its fields."""
    template = SENTENCES.get(event)
    if template is None:
        return None

    def chosen(match: re.Match[str]) -> str:
        absent = any(fields.get(name) is None for name in fields_of(match[1]))
        return "" if absent else match[1]

    try:
        return _PHRASES.vformat(_OPTIONAL.sub(chosen, template), (), fields)
    except KeyError:
        return None


def fields_of(template: str) -> set[str]:
    """Names of the fields in a sentence."""
    return {name for _, name, _, _ in _PHRASES.parse(template) if name}


class _Phrases(string.Formatter):
    """Puts values into words. A value of another type than expected is shown as it is."""

    def format_field(self, value: Any, format_spec: str) -> str:  # noqa: ANN401 - typeshed's
        one, bar, many = format_spec.partition("|")
        if bar and isinstance(value, list):
            return enumerated(value, one, many)
        if bar and isinstance(value, int):
            return _counted(value, one, many)
        if isinstance(value, int | float) and format_spec == "time":
            return _duration(value)
        if isinstance(value, int | float) and format_spec == ",":
            return f"{value:,}"
        return str(value)


_PHRASES: Final = _Phrases()


def _counted(number: int, one: str, many: str) -> str:
    if number == 1:
        return f"1 {one}"
    return f"{number:,} {many}" if number else f"no {many}"


def enumerated(values: Sequence[object], one: str, many: str) -> str:
    """As `no partitions`, `partition 3` or `partitions 0, 2 and 3`."""
    if not values:
        return f"no {many}"
    *others, last = map(str, values)
    return f"{many} {', '.join(others)} and {last}" if others else f"{one} {last}"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds:.2g} s"
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    minutes, rest_s = divmod(round(seconds), _MINUTE_S)
    if minutes < _MINUTES:
        return f"{minutes} min {rest_s} s".removesuffix(" 0 s")
    return f"{minutes // _MINUTES} h {minutes % _MINUTES} min".removesuffix(" 0 min")
