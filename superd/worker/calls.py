"""``Calls``: threads that do the blocking work of one built-in service (``superd.service.Call``).

Each service has its own, so one whose files are on a dead server can't stop another. A thread can't be ended from
outside: one that hangs is given up after ``CALL_DEADLINE`` and replaced, up to ``THREADS_LIMIT``. When all hang, calls
are refused at once until one comes back.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Final

from superd.log.batch import batch
from superd.net.aside import Answer
from superd.service import CALL_DEADLINE, Raised, Returned

THREADS: Final = 4
"""Threads of a service that do work: calls wait for disks more than for the processor, of which Python uses one."""

THREADS_LIMIT: Final = 16
"""Threads of a service, those that hang included: three times as many may hang as work."""

QUEUE_LIMIT: Final = 8192
"""Calls of a service that are under way or wait for a thread. More could hardly be answered within the deadline; each
costs a few hundred bytes."""


class Job:
    """One call; ``due`` is when it is given up, in the loop's seconds."""

    __slots__ = ("answer", "begun", "due", "hangs", "outcome", "work")

    def __init__(self, work: Callable[[], object], answer: Answer, due: float) -> None:
        self.work: Callable[[], object] | None = work
        self.answer: Answer | None = answer
        self.due = due
        self.begun = self.hangs = False
        self.outcome: Returned | Raised | None = None

    def cancel(self) -> None:
        """Nobody waits for the answer; the work is not begun if it has not been."""
        self.answer = self.work = None

    def do(self) -> None:
        """Do the work (in a thread). The order of the first two lines matters to ``Calls._give_up``."""
        self.begun = True
        work = self.work
        if work is None:
            return
        try:
            self.outcome = Returned(work())
        except Exception as error:  # noqa: BLE001 - the machine asked for it, and decides
            self.outcome = Raised(error)
        except BaseException as error:  # noqa: BLE001 - a library that exits must not end the thread
            self.outcome = Raised(RuntimeError(f"{type(error).__name__}: {error}"))


class Calls:
    """The calls of one service, whose threads are called ``name``. Only ``_serve`` runs in them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self._loop = loop
        self._name = name
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._jobs: dict[Job, None] = {}
        """What is queued or being done, oldest first, and what was given up and hangs."""
        self._done: deque[Job] = deque()
        self._woken = False
        self._timer: asyncio.TimerHandle | None = None
        self.threads = 0
        self.hanging = 0

    def call(self, work: Callable[[], object], answer: Answer) -> Job:
        """Have a thread do the work; ``answer`` is called once, later, from the event loop."""
        job = Job(work, answer, self._loop.time() + CALL_DEADLINE)
        if self.hanging >= THREADS_LIMIT or len(self._jobs) >= QUEUE_LIMIT:
            job.outcome = Raised(BlockingIOError("too many calls are under way"))
            self._loop.call_soon(self._answer, job)
            return job
        self._jobs[job] = None
        if self._timer is None:
            self._timer = self._loop.call_at(job.due, self._expire)
        self._queue.put(job)
        self._staff()
        return job

    def close(self) -> None:
        """Answer nothing more, and let the threads end when they can."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for job in self._jobs:
            job.cancel()
        for _ in range(self.threads):
            self._queue.put(None)

    def _staff(self) -> None:
        """Have as many threads as there is work for, within bounds."""
        wanted = min(len(self._jobs), THREADS + self.hanging, THREADS_LIMIT)
        if self.threads < wanted:
            with suppress(RuntimeError):  # the system has none to give; the deadline comes if we had none
                threading.Thread(target=self._serve, name=self._name, daemon=True).start()
                self.threads += 1
        elif self.threads > THREADS + self.hanging:
            self._queue.put(None)
            self.threads -= 1

    def _serve(self) -> None:
        """Do one job after the other: the life of a thread."""
        while (job := self._queue.get()) is not None:
            job.do()
            self._done.append(job)
            if not self._woken:
                self._woken = True
                with suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(self._collect)

    def _collect(self) -> None:
        """Answer what has been done."""
        self._woken = False  # first: what is done from here on wakes the loop again
        with batch:
            while self._done:
                job = self._done.popleft()
                self._jobs.pop(job, None)
                if job.hangs:
                    self.hanging -= 1
                    self._staff()
                self._answer(job)

    def _expire(self) -> None:
        """Give up what is due; jobs are in the order in which they are due."""
        self._timer = None
        now = self._loop.time()
        with batch:
            for job in tuple(self._jobs):
                if job.due > now:
                    self._timer = self._loop.call_at(job.due, self._expire)
                    return
                if not job.hangs:
                    self._give_up(job)

    def _give_up(self, job: Job) -> None:
        answer = job.answer
        job.cancel()
        if job.begun:  # a thread that has not begun by now finds no work any more
            job.hangs = True
            self.hanging += 1
            self._staff()
        if answer is not None:
            answer(Raised(TimeoutError(f"no answer within {CALL_DEADLINE:g} seconds")))

    @staticmethod
    def _answer(job: Job) -> None:
        answer, outcome = job.answer, job.outcome
        job.cancel()
        job.outcome = None
        if answer is not None and outcome is not None:
            answer(outcome)
