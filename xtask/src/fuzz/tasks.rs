//! Random programs of tasks that meet at asyncio's primitives. Takes a seed, gives a program that
//! prints each step it takes, so that the output is the order in which tasks ran. It ends by
//! itself: whatever is left waiting is cancelled.

use super::writer::Writer;

const N_TASKS: usize = 4;
const N_SUBS: usize = 3;

/// The program of a seed.
pub fn program(seed: u64) -> String {
    let mut w = Writer::new(seed);
    w.line("import asyncio");
    for n in 0..2 {
        w.line(format!("lock{n} = asyncio.Lock()"));
        let permits = 1 + w.below(2);
        w.line(format!("sem{n} = asyncio.Semaphore({permits})"));
        w.line(format!("event{n} = asyncio.Event()"));
        w.line(format!("cond{n} = asyncio.Condition()"));
        let size = w.below(3);
        let kind = w.pick(&["Queue", "Queue", "LifoQueue", "PriorityQueue"]);
        w.line(format!("queue{n} = asyncio.{kind}({size})"));
        let parties = 2 + w.below(2);
        w.line(format!("barrier{n} = asyncio.Barrier({parties})"));
    }
    w.line("tasks = []");
    w.block("def log(*args):", |w| {
        w.line("print(f'{loop.time():.3f}', asyncio.current_task().get_name(), *args)");
    });
    w.block("def attempt(f, *args):", |w| {
        w.block("try:", |w| w.line("log('did', f.__name__, f(*args))"));
        w.block("except Exception as e:", |w| {
            w.line("log('failed', type(e).__name__, e)")
        });
    });
    w.block("async def agen(n):", |w| {
        w.block("try:", |w| {
            w.block("for i in range(n):", |w| {
                w.line("yield i");
                w.line("await asyncio.sleep(0)");
            });
        });
        w.block("finally:", |w| w.line("print('agen closed')"));
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
    for n in 0..N_TASKS {
        w.block(format!("async def task{n}():"), task_body);
    }
    w.block("async def main():", |w| {
        w.line("global loop");
        w.line("loop = asyncio.get_running_loop()");
        for n in 0..N_TASKS {
            w.line(format!("tasks.append(asyncio.create_task(task{n}(), name='T{n}'))"));
            if w.once_in(4) {
                w.line("await asyncio.sleep(0)");
            }
        }
        w.block("for attempt_number in range(3):", |w| {
            w.line("done, pending = await asyncio.wait(tasks, timeout=5)");
            w.line("log('done', [t.get_name() for t in tasks if t in done])");
            w.block("for t in tasks:", |w| {
                w.block("if t in pending:", |w| w.line("log('cancel', t.get_name(), t.cancel('end'))"));
            });
        });
        w.block("for t in tasks:", |w| {
            w.block("if not t.done():", |w| w.line("log(t.get_name(), 'is not done')"));
            w.block("elif t.cancelled():", |w| w.line("log(t.get_name(), 'cancelled')"));
            w.block("elif t.exception():", |w| w.line("log(t.get_name(), repr(t.exception()))"));
            w.block("else:", |w| w.line("log(t.get_name(), t.result())"));
        });
        for n in 0..2 {
            w.line(format!("log(lock{n}.locked(), sem{n}.locked(), event{n}.is_set(), queue{n}.qsize(), barrier{n}.n_waiting)"));
        }
    });
    w.line("asyncio.run(main())");
    w.text
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
            // The clean-up may wait too.
            step(w, Scope { depth: 0, ..scope });
        }
        match w.below(3) {
            0 => w.line("return 'swallowed'"),
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

fn step(w: &mut Writer, scope: Scope) {
    let mark = w.name("s");
    w.line(format!("log('{mark}')"));
    let n = w.below(2);
    // Half of all steps are what everything else is made visible by: a switch.
    if w.once_in(4) {
        let delay = w.pick(&["0", "0", "0", "0.1", "0.1", "0.25", "1"]);
        w.line(format!("await asyncio.sleep({delay})"));
        return;
    }
    let n_choices = match scope {
        Scope { depth: 0, .. } => 16,
        Scope { n_subs: 0, .. } => 21,
        _ => 25,
    };
    match w.below(n_choices) {
        0 => w.line(format!("event{n}.set()")),
        1 => w.line(format!("event{n}.clear()")),
        2 => w.line(format!("log('{mark}', await event{n}.wait())")),
        3 => {
            let value = w.below(10);
            w.line(format!("await queue{n}.put({value})"));
        }
        4 => w.line(format!("log('{mark}', await queue{n}.get())")),
        5 => {
            let value = w.below(10);
            w.line(format!("attempt(queue{n}.put_nowait, {value})"));
        }
        6 => w.line(format!("attempt(queue{n}.get_nowait)")),
        7 => w.line(format!("attempt(queue{n}.task_done)")),
        8 => w.line(format!("log('{mark}', await barrier{n}.wait())")),
        9 => {
            let method = w.pick(&["lock", "sem", "lock", "sem", "sem"]);
            w.line(format!("attempt({method}{n}.release)"));
        }
        10 => {
            let target = w.below(N_TASKS);
            w.block(format!("if len(tasks) > {target}:"), |w| {
                w.line(format!("log('{mark}', tasks[{target}].cancel())"));
            });
        }
        11 => {
            let delay = w.pick(&["0", "0.1", "0.25"]);
            w.line(format!(
                "loop.call_later({delay}, print, 'callback {mark}')"
            ));
        }
        12 => w.line(format!("loop.call_soon(print, 'callback {mark}')")),
        13 => w.line(format!("raise ValueError('{mark}')")),
        14 => {
            let target = w.below(N_TASKS);
            w.line(format!(
                "log('{mark}', [t.done() for t in tasks[:{target}]], asyncio.current_task().cancelling())"
            ));
        }
        15 if scope.in_loop => {
            let word = w.pick(&["break", "continue"]);
            w.line(word);
        }
        15 => w.line(format!("log('{mark}', sem{n}.locked(), lock{n}.locked())")),
        16 => {
            let method = w.pick(&["lock", "lock", "sem", "barrier"]);
            w.block(format!("async with {method}{n}:"), |w| {
                body(w, scope.inner())
            });
        }
        17 => w.block(format!("async with cond{n}:"), |w| {
            let call = w.pick(&["notify()", "notify(2)", "notify_all()"]);
            match w.below(3) {
                0 => w.line(format!("log('{mark}', await cond{n}.wait())")),
                1 => w.line(format!("cond{n}.{call}")),
                _ => {
                    body(w, scope.inner());
                    w.line(format!("cond{n}.{call}"));
                }
            }
        }),
        18 => {
            w.block("try:", |w| {
                let delay = w.pick(&["0", "0.1", "0.25", "1", "None"]);
                w.block(
                    format!("async with asyncio.timeout({delay}) as limit:"),
                    |w| {
                        body(w, scope.inner());
                    },
                );
            });
            w.block("except TimeoutError as e:", |w| {
                w.line(format!("log('{mark} timed out', e.args, limit.expired())"));
            });
        }
        19 => {
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
        20 => {
            w.block("try:", |w| body(w, scope.inner()));
            w.block("finally:", |w| {
                w.line(format!("log('{mark} finally')"));
                if w.once_in(2) {
                    w.line("await asyncio.sleep(0)");
                }
            });
        }
        21 => {
            let delay = w.pick(&["0", "0.1", "0.25", "1", "None"]);
            let sub = w.below(scope.n_subs);
            w.block("try:", |w| {
                w.line(format!(
                    "log('{mark}', await asyncio.wait_for(sub{sub}(), {delay}))"
                ));
            });
            let kinds = w.pick(&["TimeoutError", "Exception"]);
            w.block(format!("except {kinds} as e:"), |w| {
                w.line(format!("log('{mark} failed', type(e).__name__, e)"));
            });
        }
        22 => {
            let (first, second) = (w.below(scope.n_subs), w.below(scope.n_subs));
            let returns = w.pick(&["True", "True", "False"]);
            w.line(format!(
                "log('{mark}', await asyncio.gather(sub{first}(), sub{second}(), return_exceptions={returns}))"
            ));
        }
        23 => {
            w.block("try:", |w| {
                w.block("async with asyncio.TaskGroup() as group:", |w| {
                    for _ in 0..1 + w.below(3) {
                        let (sub, name) = (w.below(scope.n_subs), w.name("G"));
                        w.line(format!("group.create_task(sub{sub}(), name='{name}')"));
                    }
                    if w.once_in(2) {
                        body(w, scope.inner().outside_loops());
                    }
                });
            });
            w.block("except* ValueError as e:", |w| {
                w.line(format!("log('{mark}', e, [str(x) for x in e.exceptions])"));
            });
        }
        _ => {
            let sub = w.below(scope.n_subs);
            let name = w.name("S");
            w.line(format!(
                "{mark} = asyncio.create_task(sub{sub}(), name='{name}')"
            ));
            body(w, scope.inner());
            match w.below(4) {
                0 => w.line(format!("log('{mark}', {mark}.cancel('by {mark}'))")),
                1 => w.line(format!("log('{mark}', await {mark})")),
                2 => w.line(format!("log('{mark}', await asyncio.shield({mark}))")),
                _ => {
                    let when = w.pick(&["ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION"]);
                    w.line(format!(
                        "done, pending = await asyncio.wait([{mark}], timeout=0.5, return_when=asyncio.{when})"
                    ));
                    w.line(format!("log('{mark}', len(done), len(pending))"));
                }
            }
        }
    }
}
