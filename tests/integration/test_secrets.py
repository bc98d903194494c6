"""Secrets are in the settings and nowhere else, however much is logged."""

from __future__ import annotations

import pytest

from tests.harness import Stage
from tests.harness.member import Process
from tests.harness.records import OLD_MS, callback, usage

pytestmark = pytest.mark.kafka

PASSWORD = "correct-horse/battery+staple"  # noqa: S105 - of nothing
KEY_PASSWORD = "another-SECRET-of-this-test"  # noqa: S105 - of nothing
SETTINGS = {
    "kafka.sasl.username": "somebody",
    "kafka.sasl.password": PASSWORD,
    "kafka.debug": "all",
    "log.level": "debug",
}
ENVIRONMENT = {"SESSION_REPORTS__KAFKA__SSL_KEY_PASSWORD": KEY_PASSWORD}


def leaks(*texts: str) -> list[str]:
    """Secrets that stand in any of the texts."""
    return [secret for secret in (PASSWORD, KEY_PASSWORD) if any(secret in text for text in texts)]


def written(process: Process) -> str:
    """All that a process wrote."""
    return "\n".join(process.stdout() + process.stderr())


def test_a_running_member_tells_no_secret(stage: Stage) -> None:
    """Neither its log, with everything of the client library in it, nor its endpoints."""
    stage.create(device_limit=1)
    member = stage.member(SETTINGS, ENVIRONMENT)
    stage.send([callback("t", usage("1"), at_ms=OLD_MS)])
    stage.await_exact()
    pages = [member.get(path)[1] for path in ("/metrics", "/livez", "/readyz", "/version", "/x")]
    assert member.stop() == 0
    assert "somebody" not in "".join(pages)
    assert any(line["logger"] == "librdkafka" for line in member.log())
    assert leaks(written(member), *pages) == []


def test_a_member_that_cannot_log_in_tells_no_secret(stage: Stage) -> None:
    """Where authentication fails, errors speak of it; the password is not among what they say."""
    settings = {
        "kafka.security.protocol": "sasl_plaintext",
        "kafka.sasl.mechanisms": "PLAIN",
        "kafka.connect_timeout": "1s",
    }
    member = stage.member(SETTINGS | settings, ENVIRONMENT)
    assert member.wait() == 69
    assert leaks(written(member)) == []


def test_it_is_shown_where_a_secret_comes_from_and_not_what_it_is(stage: Stage) -> None:
    """The settings in force are printed whole, but for those that may be secret."""
    show = stage.command("config", "show", settings=SETTINGS, env=ENVIRONMENT)
    assert show.wait() == 0
    text = written(show)
    assert leaks(text) == []
    assert "sasl.password" in text
    assert "ssl.key.password" in text
    assert "somebody" in text


@pytest.mark.parametrize("name", ["kafka.sasl.pasword", "kafka.ssl.key.passwordd"])
def test_a_secret_under_a_wrong_name_is_not_shown(stage: Stage, name: str) -> None:
    """The refusal of a property that nobody knows names it, without its value."""
    member = stage.member({name: PASSWORD})
    assert member.wait() == 78
    assert leaks(written(member)) == []
