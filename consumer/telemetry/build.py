"""Which build of the daemon runs: shown by `/version`, by `build_info` and in the log."""

from __future__ import annotations

from msgspec import Struct


class Build(Struct, frozen=True):
    """Versions, as their owners spell them. Each becomes a label of `build_info`."""

    version: str
    """Of this program."""
    python: str
    librdkafka: str
    confluent_kafka: str
