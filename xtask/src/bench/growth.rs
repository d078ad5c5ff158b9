//! How the cost of one item grows with the number of items: `benches/growth`. Takes Lockstep and
//! CPython, gives nanoseconds of CPU time per item, which the programs measure themselves.

use super::contender::Contender;
use super::measure::cpu_s;
use super::table::{Cell, Table};
use super::{Block, Setting, picture};
use lockstep_tests::workspace;

/// Programs, what an item is, the largest size, and whether growth has a floor.
const CURVES: [(&str, &str, usize, bool); 8] = [
    ("tasks", "task spawned and joined", 1_000_000, true),
    ("timers", "timer set and fired", 1_000_000, true),
    ("queue", "queue item put and got", 1_000_000, false),
    ("dict", "dict key set, read, deleted", 1_000_000, false),
    ("list", "list item added, read, popped", 1_000_000, false),
    ("string", "piece added to a string", 1_000_000, false),
    ("recursion", "level of recursion", 100_000, false),
    ("awaits", "level of awaits", 100_000, false),
];

const SIZES: [usize; 5] = [10_000, 30_000, 100_000, 300_000, 1_000_000];

/// The floor of tasks and timers, from the smallest size to the largest.
const GROWTH_MAX: f64 = 1.5;

/// Runs every curve.
pub fn measure(setting: &Setting) -> Block {
    let mut block = Block::new("growth");
    let contenders = setting.contenders.main();
    let mut heads = Vec::new();
    for contender in &contenders {
        for kind in ["first", "last", "growth"] {
            heads.push(format!("{} {kind}", contender.label));
        }
    }
    let mut table = Table::new("per item, smallest and largest", &heads);
    let mut curves = Vec::new();
    for (name, title, largest, is_bound) in CURVES {
        let all = if setting.quick {
            vec![SIZES[0], largest]
        } else {
            SIZES.into_iter().filter(|&n| n <= largest).collect()
        };
        let mut points: Vec<Vec<(f64, f64)>> = vec![Vec::new(); contenders.len()];
        for &n in &all {
            let mut best = vec![f64::INFINITY; contenders.len()];
            // Where a million items are made, how fast the system has memory at hand differs by
            // as much as the floor allows: it takes more rounds to see what is ours.
            let n_rounds = setting.n_rounds * if is_bound { 2 } else { 1 };
            // One contender after the other: a gigabyte that another one has just given back is
            // the system's to find again, and whoever comes next would pay for it.
            for (contender, best_ns) in contenders.iter().zip(&mut best) {
                for _ in 0..n_rounds {
                    let what = format!("growth/{name} at {n}, {}", contender.label);
                    let ns = block.noted(&what, each_ns(contender, name, n));
                    *best_ns = ns.map_or(*best_ns, |ns| best_ns.min(ns));
                }
            }
            for (points, best_ns) in points.iter_mut().zip(best) {
                points.push((n as f64, best_ns));
            }
        }
        let mut cells = Vec::new();
        for (contender, points) in contenders.iter().zip(&points) {
            let (first, last) = (points[0].1, points[points.len() - 1].1);
            let growth = last / first;
            cells.extend([Cell::Nanos(first), Cell::Nanos(last), Cell::Ratio(growth)]);
            block.floor(
                contender.label != "lockstep" || !is_bound || growth <= GROWTH_MAX,
                format!("growth of {name}: {growth:.2}x is above {GROWTH_MAX}x"),
            );
        }
        table.row(title, cells);
        let lines = contenders
            .iter()
            .zip(points)
            .map(|(contender, points)| (contender.label.to_owned(), points))
            .collect();
        curves.push((title.to_owned(), lines));
    }
    block.text = table.markdown();
    block.records = table.records("growth");
    let title = "nanoseconds per item by number of items";
    block.picture("growth.svg", title, picture::curves(&curves));
    block
}

fn each_ns(contender: &Contender, name: &str, n: usize) -> Result<f64, String> {
    let file = workspace::root().join(format!("benches/growth/{name}.async"));
    let (printed, _) = cpu_s(&mut contender.file(&file, &[&n.to_string()]))?;
    let ns: Result<f64, _> = printed.trim().parse();
    ns.map_err(|_| format!("it prints {printed:?}"))
}
