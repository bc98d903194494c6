import json
from urllib.parse import quote

import pytest

from consumer.telemetry.redaction import REDACTED, Redactor

PEM = (
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n"
    "aGVsbG8gd29ybGQgdGhpcyBpcyBubyBr\n"
    "Zg==\n"
    "-----END PRIVATE KEY-----\n"
)


@pytest.mark.parametrize(
    "secret", ["hunter2", "s p a c e", "it's", 'say "no"', "a\\b", "nö\n?", "ключ"]
)
@pytest.mark.parametrize(
    "spell",
    [
        str,
        repr,
        json.dumps,
        lambda secret: json.dumps(secret, ensure_ascii=False),
        lambda secret: repr({"sasl.password": secret, "both": "'\""}),
        lambda secret: repr(f"both ' and \" with {secret}"),
        lambda secret: repr(secret.encode()),
        lambda secret: f"https://user:{quote(secret, safe='')}@registry",
    ],
)
def test_finds_a_secret_in_every_spelling(secret: str, spell: object) -> None:
    """As it is, in a representation, in JSON, as bytes, in a URL."""
    assert callable(spell)
    text = spell(secret)
    redacted = Redactor([secret])(f"before {text} after")
    assert REDACTED in redacted
    assert secret not in redacted
    assert text not in redacted
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")


def test_finds_each_line_of_a_key() -> None:
    """Part of a PEM key is a secret as well; its armour is none."""
    redact = Redactor([PEM])
    assert redact("line aGVsbG8gd29ybGQgdGhpcyBpcyBubyBr!") == f"line {REDACTED}!"
    assert redact(repr(PEM)) == f"'{REDACTED}'"
    assert "BEGIN" in redact("-----BEGIN PRIVATE KEY-----")


def test_redacts_the_longest_secret_first() -> None:
    """A secret that begins with another one leaves no rest of itself."""
    assert Redactor(["pass", "password"])("password") == REDACTED


def test_replaces_nothing_without_secrets() -> None:
    """Unset passwords are empty; an empty secret is in every text."""
    assert Redactor([])("text") == "text"
    assert Redactor(["", ""])("text") == "text"
