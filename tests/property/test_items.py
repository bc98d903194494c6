"""Items packed and spread out are the same items, and take what the account says."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from consumer.aggregation.items import (
    DIGEST_BYTES,
    FIRST_BYTES,
    FURTHER_BYTES,
    ItemSet,
    spread_bytes,
)


class Item(NamedTuple):
    """Two are equal whose `imei` and `number` are, however they are spelled."""

    imei: str | None
    number: int
    spelling: int = 0

    @property
    def raw(self) -> bytes:
        """As it comes."""
        fields: dict[str, Any] = {} if self.imei is None else {"imei": self.imei}
        fields |= {"n,": [self.number, '"},{"']}  # what could be taken for the end of an item
        if self.spelling == 0:
            return json.dumps(fields, separators=(",", ":")).encode()
        if self.spelling == 1:
            return json.dumps(fields, ensure_ascii=False, indent=1).encode()
        return json.dumps(dict(reversed(fields.items()))).encode()


items = st.builds(
    Item, st.sampled_from([None, "", "a", "b", "c,", "é"]), st.integers(0, 2), st.integers(0, 2)
)
PACK, LOOK, WEIGH = "pack", "look", "weigh"
acts = st.lists(items | st.sampled_from([PACK, PACK, LOOK, WEIGH]), max_size=25)


def account(known: list[Item]) -> int:
    """What they take, spread out."""
    imeis = {item.imei for item in known}
    further = len(known) - len(imeis)
    return (
        sum(len(item.raw) for item in known)
        + sum(FIRST_BYTES + len(imei or "") for imei in imeis)
        + further * FURTHER_BYTES
        + (DIGEST_BYTES * len(known) if further else 0)
    )


def agree(found: ItemSet, known: list[Item], since: int) -> None:
    """What can be asked in either form, without a change of it."""
    is_packed = found.several is None
    raws = [item.raw for item in known]
    assert (len(found), found.items, list(found.values())) == (len(known), raws, raws)
    assert found.since(since) == raws[since:]
    assert found.joined() == b",".join(raws)
    assert found.joined(since) == b",".join(raws[since:])
    assert found.devices() == len({item.imei for item in known} - {None})
    assert (found.several is None) is is_packed


def spread_out(found: ItemSet, known: list[Item]) -> None:
    """The same for what is known of items that are spread out only."""
    firsts: dict[str | None, bytes] = {}
    repeated: dict[str, None] = {}
    for item in known:
        if item.imei in firsts and item.imei is not None:
            repeated[item.imei] = None
        firsts.setdefault(item.imei, item.raw)
    assert list(found.imeis.items()) == list(firsts.items())
    assert list(found.repeated or ()) == list(repeated)


@given(acts, st.integers(0, 12))
def test_packed_items_are_the_items(steps: list[Item | str], since: int) -> None:
    """Whenever they are packed, the next items find all as it was; and it takes as much."""
    found = ItemSet()
    known: list[Item] = []
    taken = 0
    for step in steps:
        if isinstance(step, Item):
            is_new = (step.imei, step.number) not in {item[:2] for item in known}
            size = found.add(step.raw, step.imei)
            assert bool(size) is is_new
            known += [step] * is_new
            taken += size
        elif step == PACK:
            assert found.pack() == b",".join(item.raw for item in known)
            assert (found.several, found.by_digest, found.repeated) == (None, None, None)
        elif step == LOOK:
            spread_out(found, known)
        else:
            assert found.packed_bytes() == len(b",".join(item.raw for item in known))
        assert taken == account(known)
        agree(found, known, since)
    assert found.spread_bytes() == taken
    spread_out(found, known)
    agree(found, known, since)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), unique=True))
def test_items_of_different_devices_are_weighed_without_spreading_them(imeis: list[str]) -> None:
    """As a restore does with all that it reads."""
    found = ItemSet()
    taken = sum(found.add(Item(imei, 1).raw, imei) for imei in imeis)
    packed = found.pack()
    assert spread_bytes(packed, imeis) == taken or not imeis
    assert ItemSet(packed, len(imeis), len(imeis)).spread_bytes() == taken
