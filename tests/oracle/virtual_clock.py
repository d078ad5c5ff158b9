"""Makes CPython's event loops deterministic: a virtual clock and a fixed random seed.

Takes the loops a program makes, and changes four things in them:
  * time stands still while anything is ready and jumps to the next deadline when nothing is
    (virtual clock only);
  * timers with equal deadlines fire in the order they were set (CPython's heap compares the
    deadline alone, so its order among equals is an accident of the heap's shape);
  * `random` starts from a known seed when the program gives none (virtual clock only);
  * where nothing could ever wake the loop again, the run ends with a marker on stderr instead
    of hanging.
Never changes how many iterations of the loop anything takes.
"""

import asyncio
import asyncio.base_events
import asyncio.events
import asyncio.selector_events
import itertools
import os
import random
import sys
import time
import weakref

import set_order

EPOCH_S = 1_000_000_000.0
SLEEP_S_MAX = 9_000_000_000.0


class Clock:
    """Seconds since the start of the run, as a float, exactly as deadlines are."""

    now_s = 0.0


class TimerHandle(asyncio.events.TimerHandle):
    __slots__ = ("_sequence",)
    _sequences = itertools.count()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._sequence = next(TimerHandle._sequences)

    def __lt__(self, other):
        if isinstance(other, TimerHandle):
            return (self._when, self._sequence) < (other._when, other._sequence)
        return NotImplemented

    __hash__ = asyncio.events.TimerHandle.__hash__


TimerHandle.__module__ = "asyncio.events"


class Selector:
    """Stands before a loop's selector: decides how long "wait" is."""

    def __init__(self, inner, loop, virtual):
        self._inner = inner
        self._loop = weakref.ref(loop)
        self._virtual = virtual

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def select(self, timeout=None):
        events = self._inner.select(0)
        if events or timeout == 0:
            return events
        loop = self._loop()
        if self._outside_pending(loop):
            return self._inner.select(timeout if not self._virtual else None)
        if timeout is None:
            deadlock()
        if not self._virtual:
            return self._inner.select(timeout)
        Clock.now_s = max(Clock.now_s, loop._scheduled[0]._when)
        return []

    def _outside_pending(self, loop):
        # One descriptor is the loop's own wake-up pipe.
        return (
            len(self._inner.get_map()) > 1
            or loop.__dict__.get("_oracle_is_joining", False)
            or any(not future.done() for future in loop.__dict__.get("_oracle_futures", ()))
        )


def deadlock():
    sys.stdout.flush()
    print("DeadlockError: nothing can ever wake", file=sys.stderr, flush=True)
    os._exit(1)


def install(virtual, seed):
    asyncio.events.TimerHandle = asyncio.TimerHandle = TimerHandle
    set_order.install()

    base = asyncio.selector_events.BaseSelectorEventLoop
    init = base.__init__

    def loop_init(self, selector=None):
        init(self, selector)
        self._selector = Selector(self._selector, self, virtual)
        set_order.of_loop(self)

    base.__init__ = loop_init

    run_in_executor = asyncio.base_events.BaseEventLoop.run_in_executor

    def tracked_run_in_executor(self, executor, func, *args):
        future = run_in_executor(self, executor, func, *args)
        self.__dict__.setdefault("_oracle_futures", weakref.WeakSet()).add(future)
        return future

    asyncio.base_events.BaseEventLoop.run_in_executor = tracked_run_in_executor

    shutdown = asyncio.base_events.BaseEventLoop.shutdown_default_executor

    async def tracked_shutdown(self, timeout=None):
        # A thread joins the workers meanwhile, and a jump in time would end its wait.
        self._oracle_is_joining = True
        try:
            await shutdown(self, timeout)
        finally:
            self._oracle_is_joining = False

    asyncio.base_events.BaseEventLoop.shutdown_default_executor = tracked_shutdown
    if virtual:
        install_time()
        install_random(seed)


def install_time():
    real_sleep = time.sleep
    real = {name: getattr(time, name) for name in ("localtime", "gmtime", "ctime", "strftime")}

    def sleep(seconds, /):
        if isinstance(seconds, (int, float)) and 0 < seconds < SLEEP_S_MAX:
            Clock.now_s += seconds
        else:
            real_sleep(seconds)

    def of_now(function):
        return lambda seconds=None, /: function(EPOCH_S + Clock.now_s if seconds is None else seconds)

    time.sleep = sleep
    time.time = lambda: EPOCH_S + Clock.now_s
    time.monotonic = time.perf_counter = lambda: Clock.now_s
    time.time_ns = lambda: int(EPOCH_S) * 1_000_000_000 + round(Clock.now_s * 1e9)
    time.monotonic_ns = time.perf_counter_ns = lambda: round(Clock.now_s * 1e9)
    for name in ("localtime", "gmtime", "ctime"):
        setattr(time, name, of_now(real[name]))
    time.strftime = lambda form, when=None, /: real["strftime"](
        form, time.localtime() if when is None else when
    )


def install_random(seed):
    plain_seed = random.Random.seed

    def seed_method(self, a=None, version=2):
        plain_seed(self, seed if a is None else a, version)

    random.Random.seed = seed_method
    random.seed = random._inst.seed
    random.seed()
