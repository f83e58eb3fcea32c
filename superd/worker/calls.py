"""``Calls``: threads that do the blocking work of one built-in service (``superd.service.Call``).

Each service has its own, so one whose files are on a dead server can't stop another. A thread can't be ended from
outside: one that takes long is replaced, so that nobody waits behind it, up to ``THREADS_LIMIT``, and one that hangs is
given up after ``CALL_DEADLINE``. When all hang, calls are refused at once until one comes back.
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
"""Threads of a service, those that take long or hang included: three times as many as work."""

SLOW: Final = 1.0
"""Seconds after which a call no longer counts as work: its disk or its server may never answer. It is looked after once
in that time, so up to twice as many."""

QUEUE_LIMIT: Final = 8192
"""Calls of a service that are under way or wait for a thread. More could hardly be answered within the deadline; each
costs a few hundred bytes."""


class Job:
    """One call; ``due`` is when it is given up, in the loop's seconds."""

    __slots__ = ("answer", "begun", "due", "hangs", "outcome", "seen", "slow", "work")

    def __init__(self, work: Callable[[], object], answer: Answer, due: float) -> None:
        self.work: Callable[[], object] | None = work
        self.answer: Answer | None = answer
        self.due = due
        self.begun = self.seen = self.slow = self.hangs = False
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
        self._slow = 0
        """Calls that take long, those that hang included."""

    def call(self, work: Callable[[], object], answer: Answer) -> Job:
        """Have a thread do the work; ``answer`` is called once, later, from the event loop."""
        job = Job(work, answer, self._loop.time() + CALL_DEADLINE)
        if self.hanging >= THREADS_LIMIT or len(self._jobs) >= QUEUE_LIMIT:
            job.outcome = Raised(BlockingIOError("too many calls are under way"))
            self._loop.call_soon(self._answer, job)
            return job
        self._jobs[job] = None
        if self._timer is None:
            self._timer = self._loop.call_at(min(job.due, self._loop.time() + SLOW), self._look_after)
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
        wanted = min(len(self._jobs), THREADS + self._slow, THREADS_LIMIT)
        if self.threads < wanted:
            with suppress(RuntimeError):  # the system has none to give; the deadline comes if we had none
                threading.Thread(target=self._serve, name=self._name, daemon=True).start()
                self.threads += 1
        elif self.threads > THREADS + self._slow:
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
                self.hanging -= job.hangs
                if job.slow:
                    self._slow -= 1
                    self._staff()
                self._answer(job)

    def _look_after(self) -> None:
        """Give up what is due, and replace the threads of what takes long; come again for what is left."""
        self._timer = None
        now = self._loop.time()
        with batch:
            for job in tuple(self._jobs):
                if job.due > now:
                    self._suspect(job)
                elif not job.hangs:
                    self._give_up(job)
        oldest = next((job for job in self._jobs if not job.hangs), None)
        if oldest is not None:
            self._timer = self._loop.call_at(min(oldest.due, now + SLOW), self._look_after)

    def _suspect(self, job: Job) -> None:
        """Take a job that was being done already the last time for one that takes long."""
        if job.seen:
            self._replace(job)
        job.seen = job.begun

    def _replace(self, job: Job) -> None:
        if not job.slow:
            job.slow = True
            self._slow += 1
            self._staff()

    def _give_up(self, job: Job) -> None:
        answer = job.answer
        job.cancel()
        if job.begun:  # a thread that has not begun by now finds no work any more
            job.hangs = True
            self.hanging += 1
            self._replace(job)
        if answer is not None:
            answer(Raised(TimeoutError(f"no answer within {CALL_DEADLINE:g} seconds")))

    @staticmethod
    def _answer(job: Job) -> None:
        answer, outcome = job.answer, job.outcome
        job.cancel()
        job.outcome = None
        if answer is not None and outcome is not None:
            answer(outcome)
