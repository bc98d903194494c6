import io
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from consumer.telemetry import logs
from consumer.telemetry.logs import configure

SECRET = "hunter2-hunter2"  # noqa: S105 - the one that must not show


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Whether a person reads this."""
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Logging is global: put back what was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def out() -> io.StringIO:
    """Where the logs go, no terminal."""
    return io.StringIO()


@pytest.fixture
def log() -> Any:
    """A logger of ours, made as a module makes it: before the set-up."""
    return structlog.get_logger("consumer.pipeline.loop")


def last(out: io.StringIO) -> dict[str, Any]:
    """The last line, which must be one JSON object."""
    line = out.getvalue().splitlines()[-1]
    event = json.loads(line)
    assert isinstance(event, dict)
    return event


def fail(message: str) -> None:
    """Something that goes wrong."""
    raise RuntimeError(message)


def test_writes_json_elsewhere_than_on_a_terminal(out: io.StringIO, log: Any) -> None:
    """One object per line: time in UTC with milliseconds, level, logger, event, fields."""
    configure(stream=out)
    log.info("restored", partition=3, seconds=0.25, topics=["a", "b"], more={"k": None})
    event = last(out)
    assert list(event) == [
        *("timestamp", "level", "logger", "event"),
        *("partition", "seconds", "topics", "more"),
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.pop("timestamp"))
    assert event == {
        "level": "info",
        "logger": "consumer.pipeline.loop",
        "event": "restored",
        "partition": 3,
        "seconds": 0.25,
        "topics": ["a", "b"],
        "more": {"k": None},
    }


def test_is_readable_on_a_terminal(monkeypatch: pytest.MonkeyPatch, log: Any) -> None:
    """Not JSON but a sentence, in colours unless NO_COLOR is set."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    configure(stream=(coloured := Terminal()))
    log.warning("assigned", partitions=[3, 4])
    monkeypatch.setenv("NO_COLOR", "1")
    configure(stream=(plain := Terminal()))
    log.warning("assigned", partitions=[3, 4])
    assert "\x1b[" in coloured.getvalue()
    assert re.fullmatch(r"\d\d:\d\d:\d\d WARN  Assigned partitions 3 and 4.\n", plain.getvalue())


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        ("auto", Terminal, False),
        ("auto", io.StringIO, True),
        ("json", Terminal, True),
        ("console", io.StringIO, False),
    ],
)
def test_the_setting_overrules_the_terminal(
    form: logs.Format, stream: type[io.StringIO], is_json: bool, log: Any
) -> None:
    """`log.format` = `auto`, `json` or `console`."""
    configure(form=form, stream=(out := stream()))
    log.info("hello")
    assert out.getvalue().startswith("{") is is_json


def test_goes_to_stderr(capsys: pytest.CaptureFixture[str], log: Any) -> None:
    """Standard output belongs to what a command prints."""
    configure()
    log.info("hello")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "hello"


def test_the_level_holds_for_all_loggers(out: io.StringIO, log: Any) -> None:
    """Ours and the standard library's."""
    configure(level="warning", stream=out)
    log.info("quiet")
    logging.getLogger("librdkafka").info("quiet")
    assert out.getvalue() == ""
    log.warning("loud")
    logging.getLogger("librdkafka").warning("loud")
    assert out.getvalue().count("loud") == 2
    configure(level="debug", stream=out)
    log.debug("whisper")
    assert last(out)["level"] == "debug"


def test_may_be_set_up_again(log: Any) -> None:
    """The later set-up replaces the earlier one, also for loggers already in use."""
    configure(stream=(first := io.StringIO()))
    log.info("one")
    configure(stream=(second := io.StringIO()))
    log.info("two")
    assert first.getvalue().count("\n") == second.getvalue().count("\n") == 1


def test_librdkafkas_lines_arrive(out: io.StringIO) -> None:
    """By the standard library's logging, in the same shape, arguments filled in."""
    configure(stream=out)
    logging.getLogger("librdkafka").warning("%s|%s| broker down", "FAIL", "rdkafka#consumer-1")
    event = last(out)
    del event["timestamp"]
    assert event == {
        "level": "warning",
        "logger": "librdkafka",
        "event": "FAIL|rdkafka#consumer-1| broker down",
    }


def test_warnings_arrive(out: io.StringIO) -> None:
    """Python's own warnings do not slip past the format."""
    configure(stream=out)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old setting", stacklevel=1)
        logging.captureWarnings(capture=False)
    assert last(out)["logger"] == "py.warnings"
    assert "old setting" in last(out)["event"]


@pytest.mark.parametrize("name", ["ours", "library"])
def test_an_exception_is_one_field(out: io.StringIO, log: Any, name: str) -> None:
    """The whole traceback, on the event's own line."""
    configure(stream=out)
    try:
        fail("broken")
    except RuntimeError:
        (log if name == "ours" else logging.getLogger("lib")).exception("failed")
    assert out.getvalue().count("\n") == 1
    event = last(out)
    assert event["event"] == "failed"
    assert event["level"] == "error"
    assert event["exception"].startswith("Traceback (most recent call last):\n")
    assert event["exception"].endswith("RuntimeError: broken")
    assert "exc_info" not in event


def test_a_traceback_is_readable_on_a_terminal(log: Any) -> None:
    """It keeps its lines there, but no other control characters."""
    configure(stream=(out := Terminal()))
    try:
        fail("bro\x1b[2Jken\rx")
    except RuntimeError:
        log.exception("failed")
    traceback = out.getvalue().partition("\n")[2]
    assert traceback.startswith("Traceback (most recent call last):\n  File ")
    assert traceback.endswith("RuntimeError: bro\\x1b[2Jken\\rx\n")


HOSTILE = 'x\n{"event":"forged"}\r\x1b[2J\x00\x85\u2028\u202e\ud800'


@pytest.mark.parametrize(
    "write",
    [
        lambda log: log.info(HOSTILE),
        lambda log: log.info("hello", value=HOSTILE),
        lambda log: log.info("hello", value=[{HOSTILE: HOSTILE}]),
        lambda log: log.info("hello", **{HOSTILE: 1}),
        lambda log: log.info("hello", value=ValueError(HOSTILE)),
        lambda _: logging.getLogger("lib").info("%s", HOSTILE),
    ],
)
@pytest.mark.parametrize("form", ["json", "console"])
def test_no_value_can_forge_a_line(
    out: io.StringIO, log: Any, form: logs.Format, write: Callable[[Any], None]
) -> None:
    """One event is one line of harmless characters, whatever it carries."""
    configure(form=form, stream=out)
    write(log)
    text = out.getvalue()
    assert text.endswith("\n")
    assert len(text.splitlines()) == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800]", text)
    if form == "json":
        assert last(out)["logger"] in {"consumer.pipeline.loop", "lib"}


def test_json_gives_values_back_unchanged(out: io.StringIO, log: Any) -> None:
    """Escaping is the format's, the reader's decoder takes it off again."""
    configure(stream=out)
    log.info("hello", value=HOSTILE, other="zażółć")
    assert last(out)["value"] == HOSTILE
    assert last(out)["other"] == "zażółć"


def test_fields_cannot_replace_the_head(out: io.StringIO, log: Any) -> None:
    """Time, level and logger are always the event's own."""
    configure(stream=out)
    log.info("hello", timestamp="never", level="none", logger="nobody")
    event = last(out)
    assert (event["level"], event["logger"]) == ("info", "consumer.pipeline.loop")
    assert event["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "write",
    [
        lambda log: log.info("password %s", SECRET),
        lambda log: log.info("hello", value=SECRET),
        lambda log: log.info("hello", value={"sasl.password": [SECRET, (SECRET,)]}),
        lambda log: log.info("hello", value={SECRET: 1}),
        lambda log: log.info("hello", value=SECRET.encode()),
        lambda log: log.info("hello", value=RuntimeError(SECRET)),
        lambda log: log.info("hello", value=[[[[[[SECRET]]]]]]),
        lambda log: log.info("hello", value="x" * (logs.MAX_TEXT - 5) + SECRET),
        lambda _: logging.getLogger("a.client").error("config %s", {"sasl.password": SECRET}),
    ],
)
@pytest.mark.parametrize("form", ["json", "console"])
def test_secrets_are_redacted(
    out: io.StringIO, log: Any, form: logs.Format, write: Callable[[Any], None]
) -> None:
    """Wherever they stand, also where a long value is cut."""
    configure(form=form, secrets=[SECRET, ""], stream=out)
    write(log)
    assert "hunter2" not in out.getvalue()
    assert "[reda" in out.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_secrets_in_exceptions_are_redacted(out: io.StringIO, log: Any, form: logs.Format) -> None:
    """In the message, in causes and in notes."""
    configure(form=form, secrets=[SECRET], stream=out)
    try:
        try:
            fail(f"cause {SECRET}")
        except RuntimeError as cause:
            error = ValueError({"sasl.password": SECRET})
            error.add_note(f"note {SECRET}")
            raise error from cause
    except ValueError:
        log.exception("failed")
    assert "hunter2" not in out.getvalue()
    assert out.getvalue().count("[redacted]") == 3


def test_a_secret_that_is_a_level_keeps_the_head(out: io.StringIO, log: Any) -> None:
    """A foolish password must not make the log unreadable for programs."""
    configure(secrets=["info", "consumer"], stream=out)
    log.info("some info")
    event = last(out)
    assert (event["level"], event["event"]) == ("info", "some [redacted]")


def test_long_values_are_cut(out: io.StringIO, log: Any) -> None:
    """Text, lists and mappings, with what is missing said."""
    configure(stream=out)
    log.info("x" * 5_000, many=list(range(1_000)), table=dict.fromkeys(map(str, range(99)), 1))
    event = last(out)
    assert event["event"] == "x" * logs.MAX_TEXT + "... (5000 characters)"
    assert event["many"][-2:] == [logs.MAX_ITEMS - 1, "... 950 more"]
    assert event["table"]["..."] == "49 more"
    assert len(event["table"]) == logs.MAX_ITEMS + 1


def test_a_long_traceback_keeps_its_end(out: io.StringIO, log: Any) -> None:
    """The end names the error and the innermost frames."""
    configure(stream=out)
    try:
        fail("y" * 50_000 + " the end")
    except RuntimeError:
        log.exception("failed")
    exception = last(out)["exception"]
    assert exception.endswith("yyy the end")
    assert len(exception) < logs.MAX_EXCEPTION + 50


class Unprintable:
    def __repr__(self) -> str:
        raise ValueError(SECRET)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (True, True),
        (2**64, 2**64),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (10**400, "1" + "0" * 400),
        ([10**5_000], ["<int>"]),
        ({1: {2: 3}}, {"1": {"2": 3}}),
        ({(1, 2)}, [[1, 2]]),
        (b"\xff", "b'\\xff'"),
        (OSError("gone"), "OSError: gone"),
        ([[[[[1]]]]], [[[["[1]"]]]]),
        (Unprintable(), "<Unprintable>"),
    ],
)
def test_any_value_can_be_written(
    out: io.StringIO, log: Any, value: object, written: object
) -> None:
    """What JSON does not know becomes text; nothing raises."""
    configure(stream=out)
    log.info("hello", value=value)
    assert last(out)["value"] == written
    assert "NaN" not in out.getvalue()


def test_a_line_that_cannot_be_formatted_shows_no_arguments(
    out: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """The standard library would print them to stderr, secrets and all."""
    configure(stream=out)
    logging.getLogger("lib").info("%d", SECRET)
    event = last(out)
    assert event["event"] == "log_line_failed"
    assert re.search(r"test_logs\.py:\d+$", event["at"])
    assert "hunter2" not in out.getvalue() + "".join(capsys.readouterr())


def test_a_command_without_a_log_tells_warnings_only(
    capsys: pytest.CaptureFixture[str], log: Any
) -> None:
    """As plain sentences beside its own output, and nothing of libraries."""
    logs.configure_plain()
    log.info("state_topic_made", topic="t")
    log.warning("topic_not_checked", topic="t", reason="not permitted")
    logging.getLogger("librdkafka").warning("quiet")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "The configuration of t cannot be checked: not permitted.\n"


def test_a_stream_that_is_gone_harms_nothing(log: Any) -> None:
    """A daemon outlives the reader of its log."""
    stream = io.StringIO()
    configure(stream=stream)
    stream.close()
    log.info("hello")
