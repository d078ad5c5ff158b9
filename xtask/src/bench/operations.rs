//! Instructions per operation: `benches/operations`, under valgrind's callgrind with two numbers
//! of turns, whose difference leaves start-up and warm-up out. The turn of the loop is taken off
//! every operation. Takes Lockstep, CPython, Lua and tokio, gives counts, which don't vary with
//! the load of the machine.

use super::measure::{has_callgrind, instructions};
use super::table::{Cell, Table};
use super::{Block, Setting};
use lockstep_tests::workspace;
use std::collections::HashMap;
use std::process::Command;
use std::sync::Mutex;

/// Names in the programs, what they are, the loop whose turn is in them, and tokio's name.
const OPERATIONS: [(&str, &str, &str, Option<&str>); 29] = [
    ("loop", "loop turn", "", None),
    ("add", "int add", "loop", None),
    ("multiply_floats", "float multiply", "loop", None),
    ("compare", "compare and branch", "loop", None),
    ("load_attribute", "attribute load", "loop", None),
    ("store_attribute", "attribute store", "loop", None),
    ("load_global", "global load", "loop", None),
    ("index_list", "list index", "loop", None),
    ("get_item", "dict look-up by str", "loop", None),
    ("call", "call", "loop", None),
    ("call_method", "method call", "loop", None),
    ("call_builtin", "builtin call (len)", "loop", None),
    ("make_object", "object with one attribute", "loop", None),
    ("make_list", "list of two", "loop", None),
    ("append", "list append", "loop", None),
    ("concatenate", "string of two", "loop", None),
    ("generate", "generator item", "loop", None),
    ("catch", "exception raised and caught", "loop", None),
    ("turn", "loop turn in a task", "", None),
    (
        "await_level",
        "await of an async function",
        "turn",
        Some("await"),
    ),
    ("switch", "suspend and resume", "turn", Some("switch")),
    ("spawn", "spawn and finish", "turn", Some("spawn")),
    ("lock_free", "free lock taken and released", "turn", None),
    (
        "lock_handoff",
        "lock hand-off and a switch",
        "turn",
        Some("lock"),
    ),
    ("queue_free", "queue put and get, no wait", "turn", None),
    (
        "queue_handoff",
        "queue put and get, hand-off",
        "turn",
        Some("queue"),
    ),
    ("timer", "timer set and fired", "turn", Some("timer")),
    ("wake_future", "future made, set, awaited", "turn", None),
    ("async_generate", "async generator item", "turn", None),
];

const FEW: usize = 1_000;
const MANY: usize = 6_000;

/// The columns.
const WHO: [&str; 4] = ["lockstep", "CPython", "Lua", "tokio"];

/// Counts every operation.
pub fn measure(setting: &Setting) -> Block {
    let mut block = Block::new("operations");
    if !has_callgrind() {
        println!("skipped: no valgrind");
        block.text = "Not measured: no valgrind.\n".to_owned();
        return block;
    }
    let heads: Vec<_> = WHO
        .into_iter()
        .filter(|label| setting.contenders.get(label).is_some())
        .collect();
    let mut jobs: Vec<(&str, &str)> = OPERATIONS
        .iter()
        .flat_map(|operation| heads.iter().map(|who| (operation.0, *who)))
        .collect();
    // Counts don't mind company: two at a time.
    jobs.reverse();
    let jobs = Mutex::new(jobs);
    let counts = Mutex::new(HashMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let job = jobs.lock().expect("no thread has panicked").pop();
                    let Some((name, who)) = job else { break };
                    let each = each(setting, name, who);
                    let mut counts = counts.lock().expect("no thread has panicked");
                    counts.insert((name, who), each);
                }
            });
        }
    });
    let counts = counts.into_inner().expect("no thread has panicked");

    let titles: Vec<_> = heads.iter().map(|who| (*who).to_owned()).collect();
    let mut table = Table::new("instructions", &titles);
    for (name, title, base, _) in OPERATIONS {
        let mut cells = Vec::new();
        for who in &heads {
            let net = match &counts[&(name, *who)] {
                Some(Ok(each)) => {
                    let base = match counts.get(&(base, *who)) {
                        Some(Some(Ok(base))) => *base,
                        _ => 0.0,
                    };
                    Cell::Count(each - base)
                }
                Some(Err(error)) => {
                    block
                        .failures
                        .push(format!("operations/{name}, {who}: {error}"));
                    Cell::None
                }
                None => Cell::None,
            };
            cells.push(net);
        }
        table.row(title, cells);
    }
    block.text = table.markdown();
    block.records = table.records("operations");
    block
}

/// The instructions of one turn, or nothing where the language has no such operation here.
fn each(setting: &Setting, name: &str, who: &str) -> Option<Result<f64, String>> {
    let tokio_name = OPERATIONS
        .iter()
        .find(|operation| operation.0 == name)
        .and_then(|operation| operation.3);
    let lua_has = !matches!(
        name,
        "lock_free" | "queue_free" | "timer" | "wake_future" | "async_generate"
    );
    if (who == "tokio" && tokio_name.is_none()) || (who == "Lua" && !lua_has) {
        return None;
    }
    let folder = workspace::root().join("benches/operations");
    let command = |n: usize| {
        let n = n.to_string();
        let contender = setting
            .contenders
            .get(who)
            .expect("only those found are asked");
        match who {
            "Lua" => {
                let mut command = Command::new("lua5.4");
                command.arg(folder.join("operations.lua")).args([name, &n]);
                command
            }
            "tokio" => contender.program(&["op", tokio_name.unwrap_or_default(), &n]),
            _ => contender.file(&folder.join("operations.async"), &[name, &n]),
        }
    };
    let count = |n| instructions(&command(n)).map(|count| count as f64);
    let each = count(MANY).and_then(|many| Ok((many - count(FEW)?) / (MANY - FEW) as f64));
    Some(each)
}
