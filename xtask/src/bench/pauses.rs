//! The longest pause that work sees while many objects live: `benches/pause`. Takes Lockstep and
//! CPython, gives milliseconds of CPU time, the smallest of some runs, since whatever else stops a
//! program is no pause of its collector.

use super::measure::cpu_s;
use super::table::{Cell, Table};
use super::{Block, Setting};
use lockstep_tests::workspace;

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

/// The floor, at the largest size.
const PAUSE_MAX_MS: f64 = 50.0;

/// Runs every size.
pub fn measure(setting: &Setting) -> Block {
    let mut block = Block::new("pauses");
    let contenders = setting.contenders.main();
    let heads: Vec<_> = contenders.iter().map(|one| one.label.to_owned()).collect();
    let mut table = Table::new("longest pause", &heads);
    let file = workspace::root().join("benches/pause/pause.async");
    for n in SIZES {
        let mut best = vec![f64::INFINITY; contenders.len()];
        for _ in 0..setting.n_rounds {
            for (contender, best_ms) in contenders.iter().zip(&mut best) {
                let run = cpu_s(&mut contender.file(&file, &[&n.to_string()]));
                let ms = run.and_then(|(printed, _)| {
                    let ms: Result<f64, _> = printed.trim().parse();
                    ms.map_err(|_| format!("it prints {printed:?}"))
                });
                let ms = block.noted(&format!("pauses at {n}, {}", contender.label), ms);
                *best_ms = ms.map_or(*best_ms, |ms| best_ms.min(ms));
            }
        }
        let cells = best.iter().map(|&ms| Cell::Millis(ms)).collect();
        table.row(&format!("{n} live objects"), cells);
        block.floor(
            n < 1_000_000 || best[0] <= PAUSE_MAX_MS,
            format!(
                "pause at {n} objects: {:.1} ms is above {PAUSE_MAX_MS} ms",
                best[0]
            ),
        );
    }
    block.text = table.markdown();
    block.records = table.records("pauses");
    block
}
