"""Gives CPython the `sync` module of Lockstep: asyncio's primitives under one short name.

Takes nothing, gives the module, never registers it (oracle.py does).
"""

import asyncio
import types

NAMES = """Lock Semaphore BoundedSemaphore Event Condition Barrier BrokenBarrierError
Queue PriorityQueue LifoQueue QueueEmpty QueueFull QueueShutDown""".split()


def module():
    shim = types.ModuleType("sync")
    shim.__all__ = NAMES
    for name in NAMES:
        setattr(shim, name, getattr(asyncio, name))
    return shim
