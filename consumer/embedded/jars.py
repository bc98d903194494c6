"""The jars of Apache Kafka: fetched from Maven Central once, then found in the cache.

jgo's own pure-Python resolver walks the POMs and downloads (Maven need not be there). It
takes whatever file already lies in its repository for a whole one, so a download that was
cut short would stay. Hence everything is fetched into a directory of this run only, and
the jars move to their place in one rename. A list of their names and sizes lies with them,
so that a later start only looks at the files: it asks no server and does not import jgo.

Behind a company's mirror, `[repositories]` of jgo's own settings (`~/.config/jgo.conf`)
says where to fetch from; a repository named `central` there stands in for Maven Central.
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
    """Where the jars are kept: under `$XDG_CACHE_HOME`, which is `~/.cache` when unset."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # the XDG specification: such a path is to be ignored
        base = Path.home() / ".cache"
    return base / "session-reports" / f"kafka-{KAFKA_VERSION}"


def jars(on_progress: OnProgress) -> list[Path]:
    """All jars of the class path, downloaded first when the cache lacks any of them.

    `on_progress` is told of a download, and of nothing when the cache is complete.

    Raises:
        EmbeddedKafkaError: they are not cached and cannot be had.
    """
    home = cache_directory()
    if (cached := _cached(home)) is None:
        try:
            _download(home, on_progress)
        except EmbeddedKafkaError:
            raise
        except Exception as error:  # jgo has no error class of its own: it lets anything out
            if _cached(home) is None:  # else another process was faster
                reason = " ".join(str(error).split())[:200]
                raise EmbeddedKafkaError(
                    f"Apache Kafka {KAFKA_VERSION} could not be fetched from Maven Central, which "
                    f"the first start has to do: {type(error).__name__}: {reason}"
                ) from error
        cached = _cached(home)
    if cached is None:
        raise EmbeddedKafkaError(f"the jars of Apache Kafka in {home} keep changing: try again")
    return cached


def missing_extra(error: ImportError) -> EmbeddedKafkaError:
    """The error for an installation without the extra that this room needs."""
    return EmbeddedKafkaError(
        f"the embedded Kafka needs {error.name}: pip install 'session-reports[embedded]'"
    )


def _cached(home: Path) -> list[Path] | None:
    """The jars that the list names, or None when the list or any file of it is amiss."""
    try:
        entries = [line.split(" ", 1) for line in (home / _LIST).read_text("utf-8").splitlines()]
        whole = all((home / name).stat().st_size == int(size) for size, name in entries)
    except (OSError, ValueError):
        return None
    return [home / name for _, name in entries] if whole and entries else None


def _download(home: Path, on_progress: OnProgress) -> None:
    """Fetch everything into a directory beside `home`, then rename that to `home`."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".fetching-") as work:
        staged = Path(work) / "jars"
        staged.mkdir()
        for jar in _fetch(Path(work) / "repository", on_progress):
            jar.rename(staged / jar.name)
        lines = [f"{jar.stat().st_size} {jar.name}\n" for jar in sorted(staged.iterdir())]
        (staged / _LIST).write_text("".join(lines), "utf-8")
        if _cached(home) is None:  # else another process was faster
            shutil.rmtree(home, ignore_errors=True)
            staged.rename(home)


def _fetch(repository: Path, on_progress: OnProgress) -> list[Path]:
    """Resolve the coordinates with all that they depend on, and download the jars."""
    try:
        from jgo.config import GlobalSettings  # noqa: PLC0415 - an extra, and slow to import
        from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415
        from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415
    except ImportError as error:
        raise missing_extra(error) from error
    progress = _Progress(on_progress)
    context = MavenContext(
        resolver=PythonResolver(progress_callback=progress.file),
        repo_cache=repository,
        remote_repos={"central": MAVEN_CENTRAL_URL} | GlobalSettings.load().repositories,
        timeout=30,
    )
    on_progress(f"Fetching Apache Kafka {KAFKA_VERSION} from Maven Central, this once (45 MB)")
    wanted = [context.create_dependency(coordinate) for coordinate in COORDINATES]
    inputs, transitive = context.resolver.resolve(wanted)
    artifacts = [dependency.artifact for dependency in (*inputs, *transitive)]
    progress.jars_follow(len(artifacts))
    return [artifact.resolve() for artifact in artifacts]


class _Progress:
    """Says how far the download is: the POMs by their number, the jars by number and size."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._say = on_progress
        self._of = 0
        self._files = 0
        self._bytes = 0

    def jars_follow(self, count: int) -> None:
        """The POMs are read; now come that many jars."""
        self._of, self._files, self._bytes = count, 0, 0

    @contextlib.contextmanager
    def file(self, name: str, size: int) -> Iterator[Callable[[int], None]]:  # noqa: ARG002 - jgo's
        """What jgo enters for each file; it tells the yielded function of each piece."""
        yield lambda _: None
        self._files += 1
        self._bytes += size
        if self._of == 0 and self._files % 10 == 0:
            self._say(f"  {self._files} project files read")
        elif self._of and (self._files % 5 == 0 or self._files == self._of):
            self._say(f"  {self._files} of {self._of} jars, {self._bytes / 1e6:.1f} MB")
