"""Keeping a rate, as arithmetic: a sender asks what is due, sends that, waits, asks again.

Counting from the start keeps the average exact however coarse the sender's sleeps are.
"""

from __future__ import annotations


def due(rate: float, elapsed_s: float) -> int:
    """How many records should have gone out `elapsed_s` after the start at `rate` per second.

    The first one is due at once.
    """
    return int(rate * max(elapsed_s, 0.0)) + 1


def wait_s(rate: float, sent: int, elapsed_s: float) -> float:
    """Seconds until one more record than `sent` is due; 0 when it is already."""
    return max(sent / rate - elapsed_s, 0.0)
