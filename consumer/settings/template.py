"""Makes `config/consumer.toml`: every setting with its default and what it is for.

    python -m consumer.settings.template > config/consumer.toml

A test compares the file with this, so neither can drift from the structs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from consumer.settings.catalogue import PROPERTY_TABLES, SETTINGS, TABLES
from consumer.settings.effective import literal, plain
from consumer.settings.librdkafka import DEFAULTS, KIP_848_REFUSED

HEAD = """\
# Settings of session-reports. Each stands here with its default, so this whole file may
# be left out, or cut down to what differs.
#
# Durations and sizes are text with a unit: "200ms", "5s", "20m", "24h", "7d"; "900kB" is
# 900 000 bytes and "64MiB" is 64 x 1 048 576. "" stands for "not set".
# ${VAR} and ${VAR:-default} in a text take the environment variable VAR.
#
# The environment goes over this file, and --set over both:
#   SESSION_REPORTS__COMPLETION__INACTIVITY=5m
#   SESSION_REPORTS__KAFKA__BOOTSTRAP_SERVERS=kafka-1:9092,kafka-2:9092
#   session-reports run --set completion.inactivity=5m --set kafka.sasl.mechanism=PLAIN
"""

KAFKA_NOTE = """\
#
# Everything else here is a property of librdkafka, passed on as it stands:
#   https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
# Names are written in quotes, "sasl.mechanism" = "PLAIN", or as tables, [kafka.sasl].
# Those that exactly-once rests on (isolation.level, enable.idempotence, ...) are refused.
"""


def render() -> str:
    """The text of the file."""
    return "\n".join([HEAD, *(_section(table) for table in TABLES), *_property_sections()])


def _section(table: str) -> str:
    lines = [f"# {TABLES[table]}\n", KAFKA_NOTE if table == "kafka" else "", f"[{table}]\n"]
    for setting in SETTINGS.values():
        if setting.table == table:
            value = literal(plain(setting, setting.default))
            lines.append(f"# {setting.description}\n")
            lines.append(f"{setting.key} = {value}\n")
    if table == "kafka":
        lines += _properties("common")
    return "".join(lines)


def _property_sections() -> Iterator[str]:
    for table, client in PROPERTY_TABLES.items():
        if client != "common":
            yield "".join(
                [f"# For {client}s only; over those of [kafka].\n[{table}]\n", *_properties(client)]
            )


def _properties(client: str) -> Iterator[str]:
    for each in DEFAULTS:
        if each.client == client:
            value = each.value if each.value.isdecimal() else literal(each.value)
            # One that is refused under the other group protocol must not stand in the way.
            mark = "# " if each.name in KIP_848_REFUSED else ""
            yield f"# {each.description}\n{mark}{literal(each.name)} = {value}\n"


if __name__ == "__main__":
    sys.stdout.write(render())
