"""Runs `.async` files on CPython 3.13 the way Lockstep runs them.

Takes one program on the command line (`oracle.py [--clock real] [--seed N] FILE [ARGS]`), or
with `--serve` one JSON request per line on stdin:

    {"file": "x.async", "cwd": "/dir", "args": [], "stdin": "", "clock": "virtual",
     "seed": 0, "timeout": 20}

and answers each with one JSON line {"stdout": …, "stderr": …, "exit": …}. Every program of a
server runs in a fork of one warmed interpreter, so none sees what another did.

Never decides whether an output is right; lockstep-tests and xtask do that.
"""

import os
import sys

# Set order and hash() are compared, so the interpreter must have started with this seed.
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONIOENCODING": "utf-8:strict",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHON_COLORS": "0",
}
if any(os.environ.get(key) != value for key, value in ENVIRONMENT.items()):
    os.environ.update(ENVIRONMENT)
    os.execv(sys.executable, [sys.executable, "-s", *sys.argv])

import ast
import asyncio
import gc
import importlib
import inspect
import json
import resource
import select
import signal
import tempfile
import types
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import async_import
import sync_shim
import virtual_clock
sys.path.pop(0)

# Imported before the first fork, so that no program pays for loading them.
WARM = """abc argparse array asyncio base64 bisect builtins calendar collections
collections.abc contextlib contextvars copy csv dataclasses datetime decimal enum errno
fractions functools graphlib hashlib heapq html inspect io itertools json keyword linecache
logging math numbers operator os pathlib pprint queue random re secrets shlex signal
statistics string struct textwrap threading time timeit traceback types typing unittest
urllib.parse uuid warnings weakref zlib concurrent.futures.thread""".split()

OUTPUT_BYTES_MAX = 64 * 1024 * 1024
# A program that grows without end must not take the machine with it.
MEMORY_BYTES_MAX = 1024 * 1024 * 1024


def run_program(file, args, clock, seed):
    """Runs one program in this interpreter and returns its exit status."""
    sys.argv = [file, *args]
    directory = os.path.dirname(os.path.abspath(file))
    sys.path[0:0] = [directory]
    sys.modules["sync"] = sync_shim.module()
    async_import.install()
    virtual_clock.install(virtual=clock == "virtual", seed=seed)

    main = types.ModuleType("__main__")
    namespace = main.__dict__
    namespace.update(
        __file__=file, __builtins__=sys.modules["builtins"], __annotations__={}, __cached__=None
    )
    sys.modules["__main__"] = main
    deepen_recursion_limit()
    try:
        with open(file, "rb") as stream:
            source = stream.read()
        code = compile(
            source, file, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
        )
        if code.co_flags & inspect.CO_COROUTINE:
            asyncio.run(types.FunctionType(code, namespace)())
        else:
            exec(code, namespace)
        return 0
    except SystemExit as exit:
        return exit_status(exit.code)
    except BaseException as error:
        sys.stdout.flush()
        # The hook shows the traceback that the exception itself holds.
        error.__traceback__ = without_own_frames(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        # The interpreter ends itself with SIGINT, which a shell reports as 130.
        return 130 if isinstance(error, KeyboardInterrupt) else 1


def exit_status(code):
    """The status for `sys.exit(code)`; prints what is not a number, as the interpreter does."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stdout.flush()
    print(code, file=sys.stderr)
    return 1


def without_own_frames(trace):
    own = sys._getframe().f_code.co_filename
    while trace is not None and trace.tb_frame.f_code.co_filename == own:
        trace = trace.tb_next
    return trace


def deepen_recursion_limit():
    """Makes the limit count from the program's first frame, not from this file's."""
    own = len(list(traceback.walk_stack(sys._getframe().f_back)))
    get, set_ = sys.getrecursionlimit, sys.setrecursionlimit
    set_(get() + own)
    sys.getrecursionlimit = lambda: get() - own
    sys.setrecursionlimit = lambda limit: set_(limit + own if limit > 0 else limit)


def serve():
    """Answers requests until stdin ends. Returns only in a child, with its exit status."""
    for name in WARM:
        importlib.import_module(name)
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    gc.collect()
    gc.freeze()
    while line := requests.readline():
        request = json.loads(line)
        with (
            tempfile.TemporaryFile() as stdin,
            tempfile.TemporaryFile() as stdout,
            tempfile.TemporaryFile() as stderr,
        ):
            stdin.write(request["stdin"].encode())
            stdin.seek(0)
            pid = os.fork()
            if pid == 0:
                for stream, fd in ((stdin, 0), (stdout, 1), (stderr, 2)):
                    os.dup2(stream.fileno(), fd)
                for descriptor in (requests.fileno(), answers.fileno()):
                    os.dup2(null, descriptor)
                resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES_MAX, OUTPUT_BYTES_MAX))
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
                os.chdir(request["cwd"])
                return run_program(
                    request["file"], request["args"], request["clock"], request["seed"]
                )
            status = wait(pid, request["timeout"])
            answer = {"exit": status}
            for name, stream in (("stdout", stdout), ("stderr", stderr)):
                stream.seek(0)
                answer[name] = stream.read().decode("utf-8", "replace")
            if status is None:
                answer["stderr"] += f"\noracle: killed after {request['timeout']} s\n"
                answer["exit"] = 124
        print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)


def wait(pid, timeout_s):
    """The exit status of a child, or None when it had to be killed."""
    pidfd = os.pidfd_open(pid)
    try:
        ended, _, _ = select.select([pidfd], [], [], timeout_s)
    finally:
        os.close(pidfd)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not ended:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def main():
    arguments = sys.argv[1:]
    if arguments == ["--serve"]:
        return serve()
    clock, seed = "virtual", 0
    while arguments and arguments[0] in ("--clock", "--seed"):
        option, value = arguments[:2]
        del arguments[:2]
        if option == "--clock":
            clock = value
        else:
            seed = int(value)
    if not arguments:
        print("usage: oracle.py [--clock real|virtual] [--seed N] FILE [ARGS]", file=sys.stderr)
        return 2
    return run_program(arguments[0], arguments[1:], clock, seed)


if __name__ == "__main__":
    sys.exit(main())
