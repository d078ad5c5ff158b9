//! Deadlock: nothing is ready, no timer is set, nothing comes from outside, and
//! yet somebody waits. Tells each blocked task's name, what it waits for and
//! where, and who holds it; then raises DeadlockError where the program waits.

use std::cell::Cell;

use crate::heap::Kind;
use crate::native::{NativeDef, PyResult, function};
use crate::object::class::B;
use crate::object::function::{CodeObject, Native};
use crate::object::future::{Callback, Future, TaskSlot};
use crate::object::generator::Generator;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// A task that waits.
struct Blocked {
    task: Value,
    name: String,
    /// "Lock.acquire" and the like, or what future it is.
    waits_for: String,
    /// "in f, FILE:LINE", where the program's own code waits.
    place: String,
    /// The task that holds what it waits for.
    held_by: Option<Value>,
    /// The lock it waits for.
    on: Option<Value>,
    /// The locks it holds: each with its class, and where it took it.
    holds: Vec<(Value, String)>,
}

const MESSAGE: &str = "nothing can ever wake";

static LOOK_AT: NativeDef = function("look_at(future, /)", |vm, args| {
    if vm.heap.kind(args[0]) == Some(Kind::Future) {
        vm.future_error(args[0]);
    }
    Ok(Value::NONE)
});

impl Vm {
    /// Reports, then raises DeadlockError: at the await of the task that
    /// `run_until_complete` waits for; out of the loop where there is none, or
    /// when that has been tried and nothing else has run since.
    pub(super) fn deadlock(&mut self, event_loop: Value) -> PyResult<()> {
        let report = self.deadlock_report(event_loop);
        // A report that can't be written must not hide the error itself.
        let _ = self.host.flush_stdout();
        let _ = self.host.write_stderr(report.as_bytes());
        let error = self.raise(B::DeadlockError, MESSAGE);
        let l = self.event_loop(event_loop);
        let main = l.main;
        let again = l.run_since_deadlock.is_some_and(|n_run| n_run <= 1);
        let is_task = self
            .heap
            .get::<Future>(main)
            .is_some_and(|f| f.is_task() && !f.is_done());
        if again || !is_task {
            self.event_loop(event_loop).run_since_deadlock = None;
            return Err(error);
        }
        self.look_at_in_time(main)?;
        self.detach_waiter(main);
        self.event_loop(event_loop).run_since_deadlock = Some(0);
        self.make_ready(event_loop, main, error.0)
    }

    /// What `main` waited for may fail later: the report has said why, and
    /// nobody is there to ask for the exception.
    fn look_at_in_time(&mut self, main: Value) -> PyResult<()> {
        let future = self.heap.task_slot(main, TaskSlot::WaitingOn);
        if self.heap.kind(future) != Some(Kind::Future) {
            return Ok(());
        }
        let target = self.heap.alloc(
            B::NativeFunction.shape(),
            Native {
                def: &LOOK_AT,
                owner: Value::EMPTY,
                this: Value::EMPTY,
                module: Value::NONE,
            },
        );
        let context = self.capture_context();
        self.add_callback(future, Callback { target, context })
    }

    fn deadlock_report(&mut self, event_loop: Value) -> String {
        let tasks = self.pending_tasks(event_loop);
        let holds = self.heap.holds();
        let mut blocked: Vec<Blocked> = tasks.into_iter().map(|task| self.blocked(task)).collect();
        for b in &mut blocked {
            for &(lock, hold) in holds.iter().filter(|(_, hold)| hold.task == b.task) {
                let class = self.class_name(self.heap.class_of(lock));
                let mut text = format!("holds a {class}");
                if let Some(since) = hold.since {
                    let at = self.trace_line(since);
                    text += &format!(" (taken in {}, {}:{})", at.name, at.file, at.line);
                }
                b.holds.push((lock, text));
            }
        }
        let mut report = format!("deadlock: {MESSAGE}\n");
        let cycle = cycle(&blocked);
        if !cycle.is_empty() {
            report += "  in a circle:\n";
            for &i in &cycle {
                report += &line(&blocked, i);
            }
        }
        let rest: Vec<usize> = (0..blocked.len()).filter(|i| !cycle.contains(i)).collect();
        if !rest.is_empty() {
            report += if cycle.is_empty() {
                "  blocked:\n"
            } else {
                "  blocked besides:\n"
            };
            for i in rest {
                report += &line(&blocked, i);
            }
        }
        report
    }

    fn blocked(&mut self, task: Value) -> Blocked {
        let name = self.task_name(task);
        let coro = self.heap.task_slot(task, TaskSlot::Coro);
        let waiting_on = self.heap.task_slot(task, TaskSlot::WaitingOn);
        let mut waits_for = None;
        let mut held_by = None;
        let mut on = None;
        let mut place = String::new();
        for frame in self.chain(coro) {
            if self.is_of_asyncio(frame) {
                let (_, qualname) = self.heap.generator_names(frame);
                let qualname = self.heap.string(qualname);
                if waits_for.is_none() {
                    let qualname = qualname.replace("__aenter__", "acquire");
                    let this = self
                        .heap
                        .generator_regs(frame)
                        .first()
                        .map_or(Value::EMPTY, Cell::get);
                    held_by = self.owner_of(this);
                    on = held_by.map(|_| self.lock_of(this));
                    waits_for = Some(qualname);
                }
                continue;
            }
            (waits_for, held_by, on) = (None, None, None);
            if let Some(at) = self.line_where(frame) {
                place = format!("in {}, {}:{}", at.name, at.file, at.line);
            }
        }
        if waits_for.is_none()
            && let Some(f) = self.heap.get::<Future>(waiting_on)
        {
            waits_for = Some(if f.is_task() {
                held_by = Some(waiting_on);
                format!("task {}", quoted(&self.task_name(waiting_on)))
            } else {
                let class = self.class_name(self.heap.class_of(waiting_on));
                match class.as_str() {
                    "_GatheringFuture" => String::from("gather"),
                    _ => format!("a {class}"),
                }
            });
        }
        let waits_for = waits_for.unwrap_or_else(|| String::from("nothing known"));
        Blocked {
            task,
            name,
            waits_for,
            place,
            held_by,
            on,
            holds: Vec::new(),
        }
    }

    /// The frames of a suspended coroutine, outermost first.
    fn chain(&self, coro: Value) -> Vec<Value> {
        let mut frames = Vec::new();
        let mut at = coro;
        while let Some(g) = self.heap.get::<Generator>(at) {
            frames.push(at);
            at = g.delegate;
        }
        frames
    }

    fn is_of_asyncio(&self, frame: Value) -> bool {
        let code = self.heap.cell::<Generator>(frame).code;
        let globals = self.heap.cell::<CodeObject>(code).globals;
        let Some(name) = self.heap.ns_get(globals, self.n(N::name_)) else {
            return false;
        };
        let name = self
            .heap
            .as_str(name)
            .map_or(String::new(), |n| n.to_lossy());
        name == "asyncio" || name.starts_with("asyncio.")
    }

    /// The lock behind what a task waits for: itself, or a condition's.
    fn lock_of(&mut self, this: Value) -> Value {
        let name = self.heap.intern("_lock");
        let lock = self.get_attr_opt(this, name).ok().flatten();
        lock.unwrap_or(this)
    }

    /// The task that holds lock `this`, as taking it has noted.
    fn owner_of(&mut self, this: Value) -> Option<Value> {
        if !matches!(self.heap.kind(this), Some(Kind::Instance | Kind::Opaque)) {
            return None;
        }
        let name = self.heap.intern("_holder");
        let owner = self.get_attr_opt(this, name).ok()??;
        (self.heap.kind(owner) == Some(Kind::Future)).then_some(owner)
    }
}

fn quoted(name: &str) -> String {
    format!("'{name}'")
}

fn line(blocked: &[Blocked], i: usize) -> String {
    let b = &blocked[i];
    let mut line = format!("    {} waits for {}", quoted(&b.name), b.waits_for);
    if !b.place.is_empty() {
        line += &format!(" ({})", b.place);
    }
    if let Some(holder) = b.held_by
        && !b.waits_for.starts_with("task ")
    {
        let holder = blocked.iter().find(|other| other.task == holder);
        match holder {
            Some(holder) if holder.task == b.task => line += ", which it holds itself",
            Some(holder) => line += &format!(", which {} holds", quoted(&holder.name)),
            None => line += ", which a task holds that has ended",
        }
    }
    line.push('\n');
    for (lock, text) in &b.holds {
        let waiting: Vec<String> = blocked
            .iter()
            .filter(|other| other.on == Some(*lock))
            .map(|other| quoted(&other.name))
            .collect();
        line += &format!("      {text}");
        if !waiting.is_empty() {
            let verb = if waiting.len() == 1 { "waits" } else { "wait" };
            line += &format!(", for which {} {verb}", waiting.join(", "));
        }
        line.push('\n');
    }
    line
}

/// The tasks of a circle of waiting, in order, if there is one.
fn cycle(blocked: &[Blocked]) -> Vec<usize> {
    let next = |i: usize| {
        let holder = blocked[i].held_by?;
        blocked.iter().position(|b| b.task == holder)
    };
    for start in 0..blocked.len() {
        let mut path = vec![start];
        let mut at = start;
        while let Some(to) = next(at) {
            if to == start {
                return path;
            }
            if path.contains(&to) {
                break;
            }
            path.push(to);
            at = to;
        }
    }
    Vec::new()
}
