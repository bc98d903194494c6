"""Which records dead letters speak for."""

from __future__ import annotations

import itertools

from consumer.audit.findings import Findings
from consumer.audit.letters import Letters, Record, fingerprint
from consumer.wire.dead_letter import Reason, headers


def letter(partition: int, offset: int, place: int = 0, topic: str = "in") -> Record:
    """A dead letter of a record."""
    named = headers([("own", b"x")], topic, partition, offset, Reason.SCHEMA, "why")
    return Record("letters", 0, place, 0, b"k", b"v", named)


def test_are_found_by_the_place_of_their_record() -> None:
    """Not by their own."""
    findings = Findings()
    letters = Letters("in", range(2), findings)
    known = letters.of(1)
    letters.take(letter(1, 7))
    letters.take(letter(0, 7, 1))

    assert known.keys() == letters.of(0).keys() == {7}
    assert (known[7].reason, known[7].place, known[7].told) == ("schema", "letters[0]@0", False)
    assert known[7].content == fingerprint(b"k", b"v")
    assert findings.differences == []


def test_one_record_has_one() -> None:
    """The second is a difference, and both places are named."""
    findings = Findings()
    letters = Letters("in", range(2), findings)
    letters.take(letter(1, 7, 0))
    letters.take(letter(1, 7, 3))

    (difference,) = findings.differences
    assert difference.subject == "in[1]@7"
    assert difference.problem == "two dead letters: letters[0]@0, letters[0]@3"


def test_those_of_other_inputs_are_only_counted() -> None:
    """Several applications may set their records aside on one topic."""
    findings = Findings()
    letters = Letters("in", range(2), findings)
    letters.take(letter(1, 7, topic="out"))

    assert letters.of(1) == {}
    assert findings.unchecked() == ["1 dead letters: their input is 'out'"]


def test_headers_that_tell_nothing_are_a_difference() -> None:
    """Whoever wrote that, it was not the daemon."""
    for header in ("offset", "partition"):
        for text in (b"\xff", b"", None, *([b"2", b"-1"] if header == "partition" else [])):
            findings = Findings()
            letters = Letters("in", range(2), findings)
            record = letter(1, 7)
            broken = [(name, text if name.endswith(header) else was) for name, was in record[6]]
            letters.take(record._replace(headers=broken))

            assert [one.subject for one in findings.differences] == ["letters[0]@0"]


def test_fingerprints_tell_keys_from_values_and_nothing_from_empty() -> None:
    """Also where strung together they would be the same."""
    pairs = [(None, b""), (b"", None), (b"a", b"b"), (b"ab", b""), (b"", b"ab"), (None, b"ab")]
    forms = [fingerprint(*pair) for pair in pairs]

    assert all(one != other for one, other in itertools.combinations(forms, 2))
    assert fingerprint(b"a", b"b") == forms[2]
