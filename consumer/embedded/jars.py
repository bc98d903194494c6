"""The jars of Apache Kafka: fetched from Maven Central once, then found in the cache.

jgo's own pure-Python resolver walks the POMs and downloads (Maven need not be there). It
writes a file in place and takes whatever file is there for a whole one, so a download
that was cut short would poison a cache shared with it. Hence everything is fetched into a
directory of this run only and checked for its length there; the jars then move into their
place in one rename. A list of their names and sizes lies with them, so that a later start
only looks at the files, asks no server and need not even import jgo.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from consumer.errors import EmbeddedKafkaError

KAFKA_VERSION = "4.3.1"
COORDINATES = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    "org.slf4j:slf4j-simple:1.7.36",  # else Kafka logs nothing: its POM names no back end
)

_LIST = "jars.txt"

OnProgress = Callable[[str], None]


def cache_directory() -> Path:
    """Where the jars are kept: `$XDG_CACHE_HOME/session-reports`, else under `~/.cache`."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(root) if os.path.isabs(root) else Path.home() / ".cache"  # noqa: PTH117
    return base / "session-reports" / f"kafka-{KAFKA_VERSION}"


def jars(on_progress: OnProgress) -> list[Path]:
    """All jars of the class path, downloaded first when the cache lacks any of them.

    `on_progress` is told of a download, and of nothing when the cache is complete.

    Raises:
        EmbeddedKafkaError: they are not cached and cannot be had.
    """
    home = cache_directory()
    cached = _cached(home)
    if cached is None:
        try:
            _download(home, on_progress)
        except OSError as error:  # requests' exceptions are of this kind, too
            raise _not_to_be_had(error) from error
        except RuntimeError as error:  # what jgo raises for an artifact that is not there
            raise _not_to_be_had(error) from error
        cached = _cached(home)
    if cached is None:
        raise EmbeddedKafkaError(f"the jars of Apache Kafka vanished from {home}: try again")
    return cached


def _not_to_be_had(error: Exception) -> EmbeddedKafkaError:
    reason = " ".join(str(error).split())[:200]
    return EmbeddedKafkaError(
        f"the jars of Apache Kafka {KAFKA_VERSION} could not be fetched from Maven Central, "
        f"which the first start needs ({type(error).__name__}: {reason})"
    )


def _cached(home: Path) -> list[Path] | None:
    """The jars named by the list, or None when the list or any file of it is amiss."""
    try:
        entries = [line.split(" ", 1) for line in (home / _LIST).read_text("utf-8").splitlines()]
        if all((home / name).stat().st_size == int(size) for size, name in entries):
            return [home / name for _, name in entries]
    except (OSError, ValueError):
        return None
    return None


def _download(home: Path, on_progress: OnProgress) -> None:
    """Fetch everything into a directory beside `home`, then rename that to `home`."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".fetching-") as work:
        staged = Path(work) / "jars"
        staged.mkdir()
        for fetched in _fetch(Path(work) / "repository", on_progress):
            fetched.rename(staged / fetched.name)
        lines = [f"{jar.stat().st_size} {jar.name}" for jar in sorted(staged.iterdir())]
        (staged / _LIST).write_text("\n".join(lines) + "\n", "utf-8")
        if _cached(home) is None:  # no other process was faster
            shutil.rmtree(home, ignore_errors=True)
            staged.rename(home)


def _fetch(repository: Path, on_progress: OnProgress) -> list[Path]:
    """Resolve the coordinates and download the jars, none of them shorter than announced."""
    try:
        from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415 - an extra, rarely needed
        from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415
    except ImportError as error:
        raise missing_extra(error) from error
    progress = _Progress(on_progress)
    context = MavenContext(
        resolver=PythonResolver(progress_callback=progress.file),
        repo_cache=repository,
        remote_repos={"central": MAVEN_CENTRAL_URL},
        timeout=30,
    )
    on_progress(f"Fetching Apache Kafka {KAFKA_VERSION} from Maven Central, this once")
    wanted = [context.create_dependency(coordinate) for coordinate in COORDINATES]
    inputs, transitive = context.resolver.resolve(wanted)
    artifacts = [dependency.artifact for dependency in (*inputs, *transitive)]
    progress.total = len(artifacts)
    return [artifact.resolve() for artifact in artifacts]


def missing_extra(error: ImportError) -> EmbeddedKafkaError:
    """The error for a distribution that was installed without the extra."""
    return EmbeddedKafkaError(
        f"the embedded Kafka needs {error.name}: pip install 'session-reports[embedded]'"
    )


class _Progress:
    """Says how far the download is: the POMs by their number, the jars by number and size."""

    def __init__(self, on_progress: OnProgress) -> None:
        self.total = 0
        self._say = on_progress
        self._poms = 0
        self._jars = 0
        self._bytes = 0

    @contextlib.contextmanager
    def file(self, name: str, size: int) -> Iterator[Callable[[int], None]]:
        """What jgo enters for each file; it reports the bytes to the yielded function."""
        got = 0

        def advance(count: int) -> None:
            nonlocal got
            got += count

        yield advance
        if got < size:
            raise OSError(f"{name} ended after {got} of {size} bytes")
        if self.total == 0:
            self._poms += 1
            if self._poms % 10 == 0:
                self._say(f"  {self._poms} project files read")
            return
        self._jars += 1
        self._bytes += size
        if self._jars % 5 == 0 or self._jars == self.total:
            megabytes = self._bytes / 1e6
            self._say(f"  {self._jars} of {self.total} jars, {megabytes:.1f} MB")
