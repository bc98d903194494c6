"""What pages take from the code, as Markdown: records, tables, what commands print."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import page as benchmarks
from consumer.aggregation import lifecycle
from consumer.cli import memory
from consumer.daemon import client_options
from consumer.settings import librdkafka, units
from consumer.settings.effective import render
from consumer.settings.load import examine, load_with_origins
from consumer.settings.model import Settings
from consumer.settings.sources import PREFIX, setting_of
from tests.docs import story

WIDTH = 96


def pieces() -> Mapping[str, Callable[[], str]]:
    """By the name with which a page asks for them."""
    records = {name: partial(record, one.value) for name, one in story.examples().items()}
    return {
        **records,
        "lifecycle": lambda: fenced("mermaid", lifecycle.diagram().rstrip()),
        "spellings": spellings,
        "units": units_table,
        "settings-file": settings_file,
        "refused-properties": refused_properties,
        "config-show": config_show,
        "problems": problems,
        "memory": memory_shares,
        **benchmarks.pieces(),
    }


def record(value: object) -> str:
    """A record, as JSON."""
    return fenced("json", folded(value))


def fenced(language: str, text: str) -> str:
    """A block of code."""
    return f"```{language}\n{text}\n```"


def folded(value: object, indent: int = 0) -> str:
    """JSON in few lines: values stand side by side while they fit, below each other if not."""
    flat = json.dumps(value, ensure_ascii=False)
    if indent + len(flat) <= WIDTH or not isinstance(value, dict | list):
        return flat
    left, right = "{}" if isinstance(value, dict) else "[]"
    names = (
        [f"{json.dumps(key)}: " for key in value] if isinstance(value, dict) else [""] * len(value)
    )
    values = value.values() if isinstance(value, dict) else value
    lines = [""]
    for name, one in zip(names, values, strict=True):
        text = name + folded(one, indent + 1 + len(name))
        fits = "\n" not in lines[-1] + text and indent + len(lines[-1]) + len(text) + 4 <= WIDTH
        if fits and lines[-1]:
            lines[-1] += f", {text}"
        else:
            lines.append(text)
    return left + f",\n{' ' * (indent + 1)}".join(lines[1:]) + right


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table."""
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


SPELLINGS = (
    ("completion.inactivity", "COMPLETION__INACTIVITY", "5m"),
    ("topics.dead_letters", "TOPICS__DEAD_LETTERS", "callbacks.refused"),
    ("kafka.connect_timeout", "KAFKA__CONNECT_TIMEOUT", "5s"),
    ("kafka.bootstrap.servers", "KAFKA__BOOTSTRAP_SERVERS", "a:9092,b:9092"),
    ("kafka.consumer.fetch.min.bytes", "KAFKA__CONSUMER__FETCH_MIN_BYTES", "1000"),
)


def spellings() -> str:
    """One setting in each of its three places."""
    rows = []
    for name, variable, value in SPELLINGS:
        assert setting_of(PREFIX + variable) == name
        by_option = load_with_origins(None, [f"{name}={value}"]).settings
        assert load_with_origins(None, (), {PREFIX + variable: value}).settings == by_option
        rows.append((f"`--set {name}={value}`", f"`{PREFIX}{variable}={value}`"))
    return table(("on the command line", "in the environment"), rows)


def units_table() -> str:
    """Units of durations and sizes."""
    return table(
        ("", "units"),
        (
            ("durations", ", ".join(f"`{unit}`" for unit in units.DURATION_MS)),
            ("sizes", ", ".join(f"`{unit}`" for unit in units.SIZE_BYTES)),
        ),
    )


def refused_properties() -> str:
    """Properties of librdkafka that are not the user's, by reason."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in {**librdkafka.OWNED, **librdkafka.KIP_848_REFUSED}.items():
        by_reason.setdefault(reason, []).append(f"`{name}`")
    rows = ((", ".join(names), reason) for reason, names in by_reason.items())
    return table(("property", "why, or what to set instead"), rows)


GOOD = """\
[completion]
inactivity = "20m"

[kafka]
"bootstrap.servers" = ["kafka-1:9092", "kafka-2:9092"]
"security.protocol" = "sasl_ssl"
"sasl.mechanism" = "SCRAM-SHA-512"
"sasl.username" = "reports"
"sasl.password" = "${KAFKA_PASSWORD}"
"""
BAD = """\
[completion]
inactivity = 20m
idel = "5s"
device_limit = "10"

[kafka]
"group.id" = "mine"
"sasl.password" = "${KAFKA_PASSWORD}"
"""
VARIABLES = {f"{PREFIX}COMPLETION__IDLE": "2s", "KAFKA_PASSWORD": "secret"}


def settings_file() -> str:
    """A file of settings."""
    return fenced("toml", GOOD.rstrip())


def config_show() -> str:
    """What is in force with that file, a variable and an option; tables of defaults left out."""
    with _file(GOOD) as path:
        loaded = load_with_origins(path, ["kafka.consumer.fetch.min.bytes=1000"], VARIABLES)
        text = render(loaded.settings, loaded.origins).replace(str(path), NAME)
    sections = [section for section in text.split("\n\n") if set(_origins(section)) != {"default"}]
    return fenced("toml", "\n\n".join(sections).rstrip())


def _origins(section: str) -> Iterator[str]:
    for line in section.splitlines()[1:]:
        yield line.rpartition("  # ")[2]


def problems() -> str:
    """What is said of a file with mistakes and an option with one more."""
    with _file(BAD) as path:
        found = examine(path, ["commit.interval=never"], {}).problems
        lines = [str(problem).replace(str(path), NAME) for problem in found]
    return fenced("", "\n".join(lines))


def memory_shares() -> str:
    """What a member may take with the default settings."""
    settings = Settings()
    partitions = settings.topics.partitions
    return fenced("", "\n".join(memory.lines(settings, client_options(settings), partitions)))


NAME = "my.toml"


@contextmanager
def _file(text: str) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        path.write_text(text)
        yield path
