"""The jars come from a Maven repository once, and from the cache ever after."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from consumer.embedded.jars import COORDINATES, KAFKA_VERSION, cache_directory, jars
from consumer.errors import EmbeddedKafkaError

NAMES = [f"kafka_2.13-{KAFKA_VERSION}.jar", "slf4j-simple-1.7.36.jar"]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no repository that could be reached."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _use_repository(tmp_path, monkeypatch, "http://127.0.0.1:9")  # the discard port: closed
    return cache_directory()


@pytest.fixture
def repository(
    cache: Path,  # noqa: ARG001 - first, so that its repository is not the last one set
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """The files of a Maven repository in place of Maven Central: our two jars, in small."""
    root = tmp_path / "repository"
    for coordinate in COORDINATES:
        group, artifact, version = coordinate.split(":")
        folder = root / group.replace(".", "/") / artifact / version
        folder.mkdir(parents=True)
        (folder / f"{artifact}-{version}.jar").write_bytes(b"a jar")
        (folder / f"{artifact}-{version}.pom").write_text(
            '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
            f"<groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
            f"<version>{version}</version></project>"
        )
    handler = functools.partial(_Quiet, directory=str(root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        _use_repository(tmp_path, monkeypatch, f"http://127.0.0.1:{server.server_port}")
        yield root
        server.shutdown()
        thread.join()


def _use_repository(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    settings = folder / "jgo.conf"
    settings.write_text(f"[repositories]\ncentral = {url}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.usefixtures("repository")
def test_the_first_time_they_are_fetched_and_progress_is_told(
    cache: Path,
) -> None:
    """All jars land in the cache directory, nothing else does, and a line or more is said."""
    said: list[str] = []
    assert [jar.name for jar in jars(said.append)] == NAMES
    assert "Maven Central" in said[0]
    assert said[-1] == "  2 of 2 jars, 0.0 MB"
    assert sorted(path.name for path in cache.iterdir()) == ["jars.txt", *NAMES]
    assert list(cache.parent.iterdir()) == [cache]


@pytest.mark.usefixtures("repository")
def test_the_second_time_no_repository_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cached jars are found without any network, and nothing is said."""
    first = jars(lambda _: None)
    _use_repository(tmp_path, monkeypatch, "http://127.0.0.1:9")
    said: list[str] = []
    assert jars(said.append) == first
    assert said == []


@pytest.mark.parametrize("damage", ["a jar is missing", "a jar is short", "the list is cut"])
@pytest.mark.usefixtures("repository")
def test_a_damaged_cache_is_fetched_again(cache: Path, damage: str) -> None:
    """A file that is missing or of another length is noticed, and all are fetched anew."""
    jars(lambda _: None)
    match damage:
        case "a jar is missing":
            (cache / NAMES[0]).unlink()
        case "a jar is short":
            (cache / NAMES[0]).write_bytes(b"a")
        case _:
            (cache / "jars.txt").write_text("5")
    assert [jar.read_bytes() for jar in jars(lambda _: None)] == [b"a jar", b"a jar"]


def test_an_unreachable_repository_is_one_clear_line(cache: Path) -> None:
    """Offline and with an empty cache, the error names what was wanted and from where."""
    with pytest.raises(EmbeddedKafkaError, match="could not be fetched from Maven Central") as info:
        jars(lambda _: None)
    assert "\n" not in str(info.value)
    assert list(cache.parent.iterdir()) == []


@pytest.mark.parametrize("answer", ["<html>Please log in</html", ""])
def test_an_answer_that_is_no_pom_is_one_clear_line(repository: Path, answer: str) -> None:
    """What a captive portal or a broken mirror answers ends in the same kind of error."""
    for pom in repository.rglob("*.pom"):
        pom.write_text(answer)
    with pytest.raises(EmbeddedKafkaError, match="could not be fetched") as info:
        jars(lambda _: None)
    assert "\n" not in str(info.value)


def test_a_missing_jar_is_one_clear_line(repository: Path) -> None:
    """A repository that lacks one of them is told of, and nothing half is cached."""
    next(repository.rglob("slf4j-simple*.jar")).unlink()
    with pytest.raises(EmbeddedKafkaError, match="slf4j-simple"):
        jars(lambda _: None)


@pytest.mark.usefixtures("cache")
def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the extra is told the command that mends it."""
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    with pytest.raises(EmbeddedKafkaError, match=r"pip install 'session-reports\[embedded\]'"):
        jars(lambda _: None)


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CACHE_HOME counts only when it is absolute, as its specification says."""
    for value in ("", "relative/cache"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_directory().is_relative_to(Path.home() / ".cache")
