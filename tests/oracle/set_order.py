"""Gives asyncio's sets of tasks the order of insertion.

CPython orders such a set by the addresses of the tasks, so what it cancels or starts first
differs from run to run. Lockstep's rule is the order of insertion. Takes asyncio's modules and
replaces the sets they make; never touches sets that a program makes itself.
"""

import asyncio
import asyncio.taskgroups
import asyncio.tasks
import inspect
import textwrap


class InsertionOrderedSet(set):
    def __init__(self, items=()):
        super().__init__()
        self._order = {}
        self.update(items)

    def __iter__(self):
        return iter(self._order)

    def __repr__(self):
        return "{" + ", ".join(map(repr, self)) + "}" if self else "set()"

    def __reduce__(self):
        return set, (list(self),)

    def add(self, item):
        super().add(item)
        self._order[item] = None

    def discard(self, item):
        super().discard(item)
        self._order.pop(item, None)

    def remove(self, item):
        super().remove(item)
        del self._order[item]

    def pop(self):
        if not self:
            raise KeyError("pop from an empty set")
        item = next(iter(self._order))
        self.remove(item)
        return item

    def clear(self):
        super().clear()
        self._order.clear()

    def copy(self):
        return InsertionOrderedSet(self)

    def update(self, *others):
        for other in others:
            for item in list(other):
                self.add(item)

    def difference_update(self, *others):
        for other in others:
            for item in list(other):
                self.discard(item)

    def intersection_update(self, *others):
        for item in list(self):
            if not all(item in other for other in others):
                self.discard(item)

    def __ior__(self, other):
        self.update(other)
        return self

    def __isub__(self, other):
        self.difference_update(other)
        return self

    def __iand__(self, other):
        self.intersection_update(other)
        return self

    def __or__(self, other):
        return InsertionOrderedSet([*self, *other])

    def __sub__(self, other):
        return InsertionOrderedSet(item for item in self if item not in other)

    def __and__(self, other):
        return InsertionOrderedSet(item for item in self if item in other)


InsertionOrderedSet.__name__ = InsertionOrderedSet.__qualname__ = "set"
InsertionOrderedSet.__module__ = "builtins"


def install():
    for module in (asyncio.tasks, asyncio.taskgroups):
        module.set = InsertionOrderedSet
    # A WeakSet keeps its references in here.
    scheduled = asyncio.tasks._scheduled_tasks
    scheduled.data = InsertionOrderedSet(scheduled.data)

    order_as_completed()

    all_tasks = asyncio.tasks.all_tasks

    def ordered_all_tasks(loop=None):
        if loop is None:
            loop = asyncio.get_running_loop()
        tasks = all_tasks(loop)
        return InsertionOrderedSet([*(t for t in list(scheduled) if t in tasks), *tasks])

    ordered_all_tasks.__name__ = ordered_all_tasks.__qualname__ = "all_tasks"
    asyncio.tasks.all_tasks = asyncio.all_tasks = ordered_all_tasks


def order_as_completed():
    # Its set is a comprehension, which no name stands for; among futures that are done already
    # its order is the order of completion.
    iterator = asyncio.tasks._AsCompletedIterator
    source = textwrap.dedent(inspect.getsource(iterator.__init__))
    ordered = source.replace("todo = {", "todo = set([").replace("for aw in set(aws)}", "for aw in set(aws)])")
    assert ordered != source, "as_completed is not what it was"
    namespace = {}
    exec(compile(ordered, iterator.__init__.__code__.co_filename, "exec"), vars(asyncio.tasks), namespace)
    iterator.__init__ = namespace["__init__"]


def of_loop(loop):
    """Does the same for what one loop keeps."""
    loop._asyncgens.data = InsertionOrderedSet(loop._asyncgens.data)
