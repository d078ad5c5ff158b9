//! Random programs of tasks that meet at asyncio's primitives. Takes a seed, gives a program that
//! prints each step it takes, so that the output is the order in which tasks ran.
//! It ends by itself: whatever is left waiting is cancelled. It leaves nothing behind that a
//! later program in the same process could see: names are its own, and times count from its start.

use super::writer::Writer;

const N_SUBS: usize = 3;
/// How many there are of each primitive.
const N_EACH: usize = 2;

/// The program of a seed.
pub fn program(seed: u64) -> String {
    let mut w = Writer::new(seed);
    w.line("import asyncio");
    w.line("import contextvars");
    w.block("def program():", definition);
    w.line("program()");
    w.text
}

fn definition(w: &mut Writer) {
    for n in 0..N_EACH {
        w.line(format!("lock{n} = asyncio.Lock()"));
        let kind = w.pick(&["Semaphore", "BoundedSemaphore"]);
        let permits = 1 + w.below(2);
        w.line(format!("sem{n} = asyncio.{kind}({permits})"));
        w.line(format!("event{n} = asyncio.Event()"));
        w.line(format!("cond{n} = asyncio.Condition()"));
        let size = w.below(3);
        let kind = w.pick(&["Queue", "Queue", "LifoQueue", "PriorityQueue"]);
        w.line(format!("queue{n} = asyncio.{kind}({size})"));
        let parties = 2 + w.below(2);
        w.line(format!("barrier{n} = asyncio.Barrier({parties})"));
    }
    w.line("var = contextvars.ContextVar('var', default=0)");
    w.line("loop, start, tasks, kept, names = None, 0, [], [], {}");
    w.line(format!("futures = [None] * {N_EACH}"));
    w.line(format!("shared = [None] * {N_EACH}"));
    w.block("def who():", |w| {
        // The numbers of unnamed tasks go on from one program to the next.
        w.line("task = asyncio.current_task()");
        w.block("if task is None:", |w| w.line("return '-'"));
        w.line("name = task.get_name()");
        w.line(
            "return names.setdefault(name, f'U{len(names)}') if name.startswith('Task-') else name",
        );
    });
    w.block("def log(*args):", |w| {
        w.line("print(f'{loop.time() - start:.3f}', who(), *args)");
    });
    w.block("def attempt(f, *args):", |w| {
        w.block("try:", |w| w.line("log('did', f.__name__, f(*args))"));
        w.block("except Exception as e:", |w| {
            w.line("log('failed', f.__name__, type(e).__name__, e)");
        });
    });
    w.block("def boom(mark):", |w| {
        w.line("log('boom', mark)");
        w.line("raise KeyError(mark)");
    });
    w.block("def on_error(loop, context):", |w| {
        // What was never looked at is told of at no promised time.
        w.block("if 'handle' in context:", |w| {
            w.line("log('handler', repr(context.get('exception')))");
        });
    });
    w.block("def ended(task):", |w| {
        w.line(
            "log('ended', task.get_name() if hasattr(task, 'get_name') else '', task.cancelled())",
        );
    });
    w.block("def future(n):", |w| {
        w.block("if futures[n] is None or futures[n].done():", |w| {
            w.line("futures[n] = loop.create_future()");
        });
        w.line("return futures[n]");
    });
    w.block("def make(coro, name):", |w| {
        w.line("task = asyncio.create_task(coro, name=name)");
        w.line("kept.append(task)");
        w.line("return task");
    });
    w.block("async def agen(n):", |w| {
        w.block("try:", |w| {
            w.block("for i in range(n):", |w| {
                w.line("got = yield i");
                w.block("if got is not None:", |w| w.line("log('agen got', got)"));
                w.line("await asyncio.sleep(0)");
            });
        });
        w.block("finally:", |w| {
            w.line("log('agen closed')");
            if w.once_in(3) {
                w.line("await asyncio.sleep(0)");
                w.line("log('agen closed later')");
            }
        });
    });
    w.block("async def step_shared(n, how, *args):", |w| {
        w.block("if shared[n] is None:", |w| w.line("shared[n] = agen(3)"));
        w.block("try:", |w| {
            w.line("log('agen gave', await getattr(shared[n], how)(*args))")
        });
        w.block(
            "except (StopAsyncIteration, RuntimeError, KeyError, TypeError) as e:",
            |w| {
                w.line("log('agen raised', type(e).__name__, e)");
                w.block("if isinstance(e, StopAsyncIteration):", |w| {
                    w.line("shared[n] = None")
                });
            },
        );
    });
    w.block("async def cond_wait(n):", |w| {
        w.block("async with (cond0, cond1)[n]:", |w| {
            w.line("return await (cond0, cond1)[n].wait()");
        });
    });
    for n in 0..N_SUBS {
        w.block(format!("async def sub{n}():"), |w| {
            body(
                w,
                Scope {
                    depth: 1,
                    in_loop: false,
                    n_subs: n,
                },
            );
            w.line(format!("return {n}"));
        });
    }
    let n_tasks = 2 + w.below(5);
    for n in 0..n_tasks {
        w.block(format!("async def task{n}():"), task_body);
    }
    w.block("async def main():", |w| main_body(w, n_tasks));
    w.line("asyncio.run(main())");
}

fn main_body(w: &mut Writer, n_tasks: usize) {
    w.line("nonlocal loop, start");
    w.line("loop = asyncio.get_running_loop()");
    w.line("start = loop.time()");
    w.line("loop.set_exception_handler(on_error)");
    if w.once_in(8) {
        w.line("loop.set_task_factory(asyncio.eager_task_factory)");
    }
    for n in 0..n_tasks {
        w.line(format!(
            "tasks.append(asyncio.create_task(task{n}(), name='T{n}'))"
        ));
        if w.once_in(4) {
            w.line("await asyncio.sleep(0)");
        }
    }
    w.block("for attempt_number in range(3):", |w| {
        w.line("done, pending = await asyncio.wait(tasks, timeout=5)");
        w.line("log('done', [t.get_name() for t in tasks if t in done])");
        w.block("for t in tasks:", |w| {
            w.block("if t in pending:", |w| {
                w.line("log('cancel', t.get_name(), t.cancel('end'))")
            });
        });
    });
    w.block("for t in tasks:", |w| {
        w.block("if not t.done():", |w| {
            w.line("log(t.get_name(), 'is not done')")
        });
        w.block("elif t.cancelled():", |w| {
            w.line("log(t.get_name(), 'cancelled')")
        });
        w.block("elif t.exception():", |w| {
            w.line("log(t.get_name(), repr(t.exception()))")
        });
        w.block("else:", |w| w.line("log(t.get_name(), t.result())"));
    });
    for n in 0..N_EACH {
        w.line(format!("log(lock{n}.locked(), sem{n}.locked(), event{n}.is_set(), queue{n}.qsize(), barrier{n}.n_waiting, cond{n}.locked())"));
    }
    w.line("log(len(asyncio.all_tasks()), [t.done() for t in kept])");
}

fn task_body(w: &mut Writer) {
    let scope = Scope {
        depth: 3,
        in_loop: false,
        n_subs: N_SUBS,
    };
    let has_handler = w.once_in(2);
    if !has_handler {
        body(w, scope);
        w.line("return 'value'");
        return;
    }
    w.block("try:", |w| body(w, scope));
    w.block("except asyncio.CancelledError as e:", |w| {
        w.line("log('cancelled', e.args, asyncio.current_task().cancelling())");
        if w.once_in(3) {
            w.line("log('uncancel', asyncio.current_task().uncancel())");
        }
        if w.once_in(3) {
            // The clean-up may wait too.
            step(w, Scope { depth: 0, ..scope });
        }
        match w.below(3) {
            0 => w.line("return 'swallowed'"),
            1 => w.line("raise ValueError('instead') from None"),
            _ => w.line("raise"),
        }
    });
    if w.once_in(2) {
        w.block("except Exception as e:", |w| {
            w.line("log('caught', type(e).__name__, e)");
        });
    }
    if w.once_in(3) {
        w.block("finally:", |w| {
            w.line("log('finally')");
            if w.once_in(2) {
                w.line("await asyncio.sleep(0)");
                w.line("log('finally over')");
            }
        });
    }
}

/// Where a step stands.
#[derive(Clone, Copy)]
struct Scope {
    /// How many more levels may open.
    depth: usize,
    in_loop: bool,
    /// The first so many of the `sub` functions may be called. Each calls earlier ones only, so
    /// that the number of tasks stays small.
    n_subs: usize,
}

impl Scope {
    fn inner(self) -> Scope {
        Scope {
            depth: self.depth - 1,
            ..self
        }
    }

    fn outside_loops(self) -> Scope {
        Scope {
            in_loop: false,
            ..self
        }
    }
}

fn body(w: &mut Writer, scope: Scope) {
    for _ in 0..2 + w.below(4) {
        step(w, scope);
    }
}

/// A step that opens no block and needs no `sub`.
const N_PLAIN: usize = 29;
/// Those that open a block.
const N_BLOCKS: usize = 9;
/// Those that wait for several things.
const N_MANY: usize = 9;

fn step(w: &mut Writer, scope: Scope) {
    let mark = w.name("s");
    w.line(format!("log('{mark}')"));
    // A quarter of all steps are what everything else is made visible by: a switch.
    if w.once_in(4) {
        let delay = delay(w, &["0", "0", "0", "0.1", "0.1", "0.25", "1"]);
        w.line(format!("await asyncio.sleep({delay})"));
        return;
    }
    let n_choices = match scope {
        Scope { depth: 0, .. } => N_PLAIN,
        Scope { n_subs: 0, .. } => N_PLAIN + N_BLOCKS,
        _ => N_PLAIN + N_BLOCKS + N_MANY,
    };
    match w.below(n_choices) {
        choice if choice < N_PLAIN => plain(w, scope, &mark, choice),
        choice if choice < N_PLAIN + N_BLOCKS => nested(w, scope, &mark, choice - N_PLAIN),
        choice => many(w, scope, &mark, choice - N_PLAIN - N_BLOCKS),
    }
}

fn delay<'a>(w: &mut Writer, choices: &[&'a str]) -> &'a str {
    w.pick(choices)
}

fn plain(w: &mut Writer, scope: Scope, mark: &str, choice: usize) {
    let n = w.below(N_EACH);
    let value = w.below(10);
    match choice {
        0 => w.line(format!("event{n}.set()")),
        1 => w.line(format!("event{n}.clear()")),
        2 => w.line(format!("log('{mark}', await event{n}.wait())")),
        3 => w.line(format!("await queue{n}.put({value})")),
        4 | 5 => w.line(format!("log('{mark}', await queue{n}.get())")),
        6 => w.line(format!("attempt(queue{n}.put_nowait, {value})")),
        7 => w.line(format!("attempt(queue{n}.get_nowait)")),
        8 => w.line(format!("attempt(queue{n}.task_done)")),
        9 => w.line(format!("log('{mark}', await barrier{n}.wait())")),
        10 | 11 => {
            let method = w.pick(&["lock", "sem", "lock", "sem", "sem"]);
            w.line(format!("attempt({method}{n}.release)"));
        }
        12 | 13 => {
            let target = w.below(4);
            let message = w.pick(&["", "'why'", "'because'"]);
            w.block(format!("if len(tasks) > {target}:"), |w| {
                w.line(format!("log('{mark}', tasks[{target}].cancel({message}))"));
            });
        }
        14 => {
            let call = callback(w, mark);
            let delay = delay(w, &["0", "0.1", "0.25"]);
            w.line(format!("loop.call_later({delay}, {call})"));
        }
        15 => {
            let call = callback(w, mark);
            w.line(format!("loop.call_soon({call})"));
        }
        16 => w.line(format!("raise ValueError('{mark}')")),
        17 => {
            let target = w.below(4);
            w.line(format!(
                "log('{mark}', [t.done() for t in tasks[:{target}]], asyncio.current_task().cancelling())"
            ));
        }
        18 if scope.in_loop => {
            let word = w.pick(&["break", "continue"]);
            w.line(word);
        }
        18 => w.line(format!("log('{mark}', sem{n}.locked(), lock{n}.locked())")),
        19 => w.line(format!("log('{mark}', await future({n}))")),
        20 => {
            let (method, args) = match w.below(4) {
                0 => ("cancel", String::new()),
                1 => ("set_exception", format!(", ValueError('{mark}')")),
                _ => ("set_result", format!(", {value}")),
            };
            w.line(format!("attempt(future({n}).{method}{args})"));
        }
        21 => {
            let method = w.pick(&[
                "add_done_callback",
                "add_done_callback",
                "remove_done_callback",
            ]);
            w.line(format!("attempt(future({n}).{method}, ended)"));
        }
        22 => {
            let target = w.below(4);
            w.block(format!("if len(tasks) > {target}:"), |w| {
                w.line(format!("tasks[{target}].add_done_callback(ended)"));
            });
        }
        23 => {
            let call = w.pick(&[
                "'__anext__'",
                "'asend', 1",
                "'athrow', KeyError('k')",
                "'aclose'",
                "'__anext__'",
            ]);
            w.line(format!("await step_shared({n}, {call})"));
        }
        24 => {
            w.line(format!("var.set({value})"));
        }
        25 => w.line(format!("log('{mark}', var.get())")),
        26 if w.once_in(4) => {
            let immediate = w.pick(&["", "immediate=True"]);
            w.line(format!("queue{n}.shutdown({immediate})"));
        }
        26 => w.line(format!("await queue{n}.join()")),
        27 => {
            let method = w.pick(&["lock", "sem"]);
            w.line(format!("log('{mark}', await {method}{n}.acquire())"));
        }
        _ => {
            let method = w.pick(&["abort", "reset", "reset"]);
            w.line(format!("log('{mark}', await barrier{n}.{method}())"));
        }
    }
}

/// A callback and its arguments, as `call_soon` takes them.
fn callback(w: &mut Writer, mark: &str) -> String {
    let n = w.below(N_EACH);
    match w.below(8) {
        0 => format!("attempt, event{n}.set"),
        1 => format!("attempt, lock{n}.release"),
        2 => format!("attempt, sem{n}.release"),
        3 => format!("attempt, queue{n}.put_nowait, '{mark}'"),
        4 => format!("attempt, queue{n}.get_nowait"),
        5 => format!("boom, '{mark}'"),
        6 => format!("lambda: tasks[{n}].cancel('{mark}')"),
        _ => format!("log, 'callback {mark}'"),
    }
}

fn nested(w: &mut Writer, scope: Scope, mark: &str, choice: usize) {
    let n = w.below(N_EACH);
    match choice {
        0 | 1 => {
            let method = w.pick(&["lock", "lock", "sem", "barrier"]);
            w.block(format!("async with {method}{n}:"), |w| {
                body(w, scope.inner())
            });
        }
        2 | 3 => w.block(format!("async with cond{n}:"), |w| {
            let call = w.pick(&["notify()", "notify(2)", "notify_all()"]);
            match w.below(4) {
                0 => w.line(format!("log('{mark}', await cond{n}.wait())")),
                1 => w.line(format!(
                    "log('{mark}', await cond{n}.wait_for(event{n}.is_set))"
                )),
                2 => w.line(format!("cond{n}.{call}")),
                _ => {
                    body(w, scope.inner());
                    w.line(format!("cond{n}.{call}"));
                }
            }
        }),
        4 => {
            w.block("try:", |w| {
                let delay = delay(w, &["0", "0.1", "0.25", "1", "None"]);
                w.block(
                    format!("async with asyncio.timeout({delay}) as limit:"),
                    |w| {
                        body(w, scope.inner());
                        if w.once_in(4) {
                            let delay = w.pick(&["loop.time() + 0.1", "loop.time() - 1", "None"]);
                            w.line(format!("attempt(limit.reschedule, {delay})"));
                            step(w, scope.inner());
                        }
                    },
                );
            });
            w.block("except TimeoutError as e:", |w| {
                w.line(format!("log('{mark} timed out', e.args, limit.expired())"));
            });
        }
        5 => {
            let count = 1 + w.below(3);
            w.block(format!("async for i in agen({count}):"), |w| {
                w.line(format!("log('{mark}', i)"));
                body(
                    w,
                    Scope {
                        in_loop: true,
                        ..scope.inner()
                    },
                );
            });
        }
        6 => {
            w.block("try:", |w| body(w, scope.inner()));
            w.block("finally:", |w| {
                w.line(format!("log('{mark} finally')"));
                if w.once_in(2) {
                    w.line("await asyncio.sleep(0)");
                }
            });
        }
        7 => {
            w.block("try:", |w| body(w, scope.inner()));
            let kinds = w.pick(&[
                "Exception",
                "asyncio.CancelledError",
                "(ValueError, RuntimeError)",
                "(asyncio.QueueShutDown, asyncio.BrokenBarrierError)",
            ]);
            w.block(format!("except {kinds} as e:"), |w| {
                w.line(format!("log('{mark} caught', type(e).__name__, e.args)"));
            });
        }
        _ => {
            let what = awaitable(w, scope);
            let delay = delay(w, &["0", "0.1", "0.25", "1", "None"]);
            w.block("try:", |w| {
                w.line(format!(
                    "log('{mark}', await asyncio.wait_for({what}, {delay}))"
                ));
            });
            let kinds = w.pick(&["TimeoutError", "Exception"]);
            w.block(format!("except {kinds} as e:"), |w| {
                w.line(format!("log('{mark} failed', type(e).__name__, e)"));
            });
        }
    }
}

/// A coroutine that waits for something.
fn awaitable(w: &mut Writer, scope: Scope) -> String {
    let n = w.below(N_EACH);
    match w.below(if scope.n_subs == 0 { 8 } else { 12 }) {
        0 => format!("event{n}.wait()"),
        1 => format!("queue{n}.get()"),
        2 => format!("queue{n}.put({})", w.below(10)),
        3 => format!("barrier{n}.wait()"),
        4 => format!("asyncio.sleep({}, 'slept')", w.pick(&["0", "0.1", "0.25"])),
        5 => format!("cond_wait({n})"),
        6 => format!("{}{n}.acquire()", w.pick(&["lock", "sem"])),
        7 => format!("step_shared({n}, '__anext__')"),
        _ => format!("sub{}()", w.below(scope.n_subs)),
    }
}

/// The same as a task of its own, or a future.
fn waited(w: &mut Writer, scope: Scope) -> String {
    if w.once_in(5) {
        return format!("future({})", w.below(N_EACH));
    }
    let (what, name) = (awaitable(w, scope), w.name("W"));
    format!("make({what}, '{name}')")
}

fn many(w: &mut Writer, scope: Scope, mark: &str, choice: usize) {
    match choice {
        0 | 1 => {
            let all: Vec<_> = (0..1 + w.below(3)).map(|_| awaitable(w, scope)).collect();
            let returns = w.pick(&["True", "True", "False"]);
            w.line(format!(
                "log('{mark}', await asyncio.gather({}, return_exceptions={returns}))",
                all.join(", ")
            ));
        }
        2 | 3 => {
            w.block("try:", |w| {
                w.block("async with asyncio.TaskGroup() as group:", |w| {
                    for _ in 0..1 + w.below(3) {
                        let (what, name) = (awaitable(w, scope), w.name("G"));
                        w.line(format!("group.create_task({what}, name='{name}')"));
                    }
                    if w.once_in(2) {
                        body(w, scope.inner().outside_loops());
                    }
                });
            });
            w.block("except* (ValueError, RuntimeError) as e:", |w| {
                w.line(format!("log('{mark}', e, [repr(x) for x in e.exceptions])"));
            });
        }
        4 => {
            let all: Vec<_> = (0..1 + w.below(3)).map(|_| waited(w, scope)).collect();
            let timeout = w.pick(&["None", "0", "0.1", "1"]);
            w.line(format!("{mark} = [{}]", all.join(", ")));
            w.block("try:", |w| {
                if w.once_in(2) {
                    w.block(
                        format!("for each in asyncio.as_completed({mark}, timeout={timeout}):"),
                        |w| w.line(format!("log('{mark}', await each)")),
                    );
                } else {
                    w.block(
                        format!(
                            "async for each in asyncio.as_completed({mark}, timeout={timeout}):"
                        ),
                        |w| w.line(format!("log('{mark}', {mark}.index(each), await each)")),
                    );
                }
            });
            w.block("except (TimeoutError, ValueError) as e:", |w| {
                w.line(format!("log('{mark} failed', type(e).__name__, e)"));
            });
        }
        5 => {
            let all: Vec<_> = (0..1 + w.below(3)).map(|_| waited(w, scope)).collect();
            let when = w.pick(&["ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION"]);
            let timeout = w.pick(&["None", "0", "0.1", "1"]);
            w.line(format!("{mark} = [{}]", all.join(", ")));
            w.line(format!(
                "done, pending = await asyncio.wait({mark}, timeout={timeout}, return_when=asyncio.{when})"
            ));
            w.line(format!(
                "log('{mark}', [t in done for t in {mark}], len(pending))"
            ));
        }
        6 => {
            let what = waited(w, scope);
            let delay = delay(w, &["0.1", "0.25", "None"]);
            w.block("try:", |w| {
                w.line(format!("{mark} = {what}"));
                w.line(format!(
                    "log('{mark}', await asyncio.wait_for(asyncio.shield({mark}), {delay}))"
                ));
            });
            w.block("except (TimeoutError, ValueError) as e:", |w| {
                w.line(format!(
                    "log('{mark} failed', type(e).__name__, e, {mark}.done())"
                ));
            });
        }
        _ => {
            let what = waited(w, scope);
            w.line(format!("{mark} = {what}"));
            body(w, scope.inner());
            match w.below(4) {
                0 => w.line(format!("log('{mark}', {mark}.cancel('by {mark}'))")),
                1 => w.line(format!("log('{mark}', await {mark})")),
                2 => w.line(format!("log('{mark}', await asyncio.shield({mark}))")),
                _ => {
                    w.line(format!("{mark}.add_done_callback(ended)"));
                    w.line(format!("log('{mark}', {mark}.done())"));
                }
            }
        }
    }
}
