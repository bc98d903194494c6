"""Virtual time, and programs that run in it, on one thread.

Everything that happens is an event at a time; events of one time happen in the order in which
they were made. A `Process` is a program on a host. What it does runs on greenlets, so that code
which blocks (the pipeline's) is suspended in the middle of a call and goes on when an event
wakes it. Between any two steps of one process any other event may fall: that is all there is
to concurrency here, and the times, which are drawn from the seed, decide it.

A process may be frozen: what would wake it is kept until it thaws. A dead one is never resumed,
and whatever its `finally` blocks try to do, once they are unwound at the very end, has no effect.
Called from outside of any process (a test's own code), a call that blocks drives the world
until it is answered.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet

Call = Callable[[], Any]

EPOCH_MS = 1_800_000_000_000
"""What a right wall clock shows when the world begins."""


class Gone(GreenletExit):  # type: ignore[misc] # it has no types
    """Raised where a dead process would go on."""


class World:
    """Time and its events, and a trace of what happened. Times are seconds."""

    def __init__(self, seed: int | str = 0) -> None:
        self.seed = seed
        self.now = 0.0
        self.chance = random.Random(f"world {seed}")  # noqa: S311 - not for secrets
        self.hub = getcurrent()
        self.trace: list[tuple[Any, ...]] = []
        self.events = 0
        self._heap: list[tuple[float, int, Call]] = []
        self._tasks: list[tuple[Process, greenlet]] = []

    def after(self, delay_s: float, call: Call) -> None:
        """Let something happen later."""
        self.events += 1
        heapq.heappush(self._heap, (self.now + delay_s, self.events, call))

    def run(self, until: Callable[[], bool], limit_s: float = float("inf")) -> bool:
        """Let time pass until something is so, for `limit_s` at most; whether it is."""
        end = self.now + limit_s
        heap = self._heap
        while not until():
            if not heap or heap[0][0] > end:
                self.now = max(self.now, end) if end < float("inf") else self.now
                return until()
            self.now, _, call = heapq.heappop(heap)
            call()
        return True

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass."""
        self.run(lambda: False, seconds)

    def note(self, who: str, what: str, *details: Any) -> None:
        """Add to the trace."""
        self.trace.append((self.now, who, what, *details))

    def start(self, process: Process, call: Call) -> None:
        """Run a call of `process` on a greenlet of its own, from the next event on."""
        task = greenlet(call, parent=self.hub)
        self._tasks.append((process, task))
        self.after(0.0, lambda: process.deliver(task.switch))

    def close(self) -> None:
        """Unwind whatever still hangs in the middle of a call."""
        for process, _ in self._tasks:
            process.kill()
        for _, task in self._tasks:
            if task:
                task.throw(Gone)
        self._tasks.clear()
        self._heap.clear()


class Answer:
    """What a blocked call waits for."""

    __slots__ = ("error", "ready", "task", "value")

    def __init__(self) -> None:
        self.ready = False
        self.value: Any = None
        self.error: Exception | None = None
        self.task: greenlet | None = None


class Process:
    """A program on a host with a clock of its own."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.alive = True
        self.frozen = False
        self.chance = random.Random(f"{world.seed} {name}")  # noqa: S311 - not for secrets
        self.stalled_s = 0.0
        """Until then what waits for an answer does not get on, although it is there."""
        self.wall_offset_ms = 0
        self._held: list[Call] = []

    # As the scheduler sees it

    def spawn(self, call: Call) -> None:
        """Begin to do something beside what is done already."""
        self.world.start(self, call)

    def deliver(self, call: Call) -> None:
        """Let an event reach it: now, when it thaws, or never."""
        if self.frozen:
            self._held.append(call)
        elif self.alive:
            call()

    def later(self, delay_s: float, call: Call) -> None:
        """Something that a thread of its own does, while the rest may be blocked."""
        self.world.after(delay_s, lambda: self.deliver(call))

    def kill(self) -> None:
        """End it; what it has sent stays under way."""
        self.alive = self.frozen = False
        self._held.clear()

    def freeze(self) -> None:
        """Stop it (SIGSTOP); nobody else notices until it does not answer."""
        if self.alive:
            self.frozen = True

    def thaw(self) -> None:
        """Let it go on as if nothing had happened."""
        self.frozen = False
        held, self._held = self._held, []
        for number, call in enumerate(held):
            self.later(0.001 * number + 0.001 * self.chance.random(), call)

    # As its own code sees it

    def check(self) -> None:
        """Go no further, being dead."""
        if not self.alive:
            raise Gone

    def wait(self, answer: Answer) -> Any:
        """Block until it is there; its value, or its error raised."""
        self.check()
        world = self.world
        while not answer.ready:
            current = getcurrent()
            if current is world.hub:
                world.run(lambda: answer.ready)
            else:
                answer.task = current
                world.hub.switch()
            self.check()
        if answer.error is not None:
            raise answer.error
        return answer.value

    def answer(self, answer: Answer, value: Any = None, error: Exception | None = None) -> None:
        """Give an answer, if none was given; wakes who waits for it."""
        if answer.ready:
            return
        answer.ready, answer.value, answer.error = True, value, error
        if answer.task is None:
            return
        wait_s = self.stalled_s - self.world.now
        if wait_s > 0:
            self.later(wait_s, answer.task.switch)
        else:
            self.deliver(answer.task.switch)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        answer = Answer()
        self.world.after(seconds, lambda: self.answer(answer))
        self.wait(answer)

    def wall_ms(self) -> int:
        """What its wall clock shows."""
        return EPOCH_MS + round(self.world.now * 1000) + self.wall_offset_ms

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        return self.world.now

    def note(self, what: str, *details: Any) -> None:
        """Add to the trace in its name."""
        self.world.note(self.name, what, *details)
