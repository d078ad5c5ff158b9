//! The core async workloads, which other languages have too: `benches/peers`. Gives CPU times of
//! whole processes and what each contender's are to CPython's; outputs must be equal.

use super::contender::Runs;
use super::measure::{fastest_s, geometric_mean};
use super::table::{Cell, Table};
use super::{Block, Setting, picture};
use lockstep_tests::workspace;

pub const CORE: [&str; 8] = [
    "spawn_join",
    "sleep0_switch",
    "await_chain",
    "lock_handoff",
    "semaphore",
    "event_pingpong",
    "queue",
    "timers",
];

/// Runs the core workloads on everyone.
pub fn measure(setting: &Setting) -> Block {
    let mut block = Block::new("core");
    let contenders = &setting.contenders.found;
    let heads: Vec<_> = contenders.iter().map(|one| one.label.to_owned()).collect();
    let mut table = Table::new("core async workloads", &heads);
    let cpython = contenders.iter().position(|one| one.label == "CPython");
    let mut ratios: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for name in CORE {
        let file = workspace::root().join(format!("benches/async/{name}.async"));
        let mut commands: Vec<_> = contenders
            .iter()
            .map(|contender| match contender.runs {
                Runs::AsyncFiles => contender.file(&file, &[]),
                Runs::CoreWorkloads => contender.program(&[name]),
            })
            .collect();
        let fastest: Vec<_> = fastest_s(&mut commands, contenders.len(), setting.n_rounds)
            .into_iter()
            .zip(contenders)
            .map(|(time, contender)| {
                block.noted(&format!("core/{name}, {}", contender.label), time)
            })
            .collect();
        let base_s = cpython.and_then(|index| fastest[index]);
        for (ratios, fastest_s) in ratios.iter_mut().zip(&fastest) {
            let pair = base_s.zip(*fastest_s);
            ratios.extend(pair.map(|(base_s, fastest_s)| base_s / fastest_s));
        }
        let seconds = |time: &Option<f64>| time.map_or(Cell::None, Cell::Seconds);
        table.row(name, fastest.iter().map(seconds).collect());
    }
    let means: Vec<_> = ratios.iter().map(|ratios| geometric_mean(ratios)).collect();
    let cells = means
        .iter()
        .map(|mean| mean.map_or(Cell::None, Cell::Ratio));
    table.row("times CPython's speed (mean)", cells.collect());

    block.text = table.markdown();
    block.records = table.records("core");
    let mut bars: Vec<_> = contenders
        .iter()
        .zip(means)
        .filter_map(|(contender, mean)| Some((contender.label.to_owned(), mean?)))
        .collect();
    bars.sort_by(|left, right| right.1.total_cmp(&left.1));
    let title = "core async workloads, times as fast as CPython 3.13";
    block.picture("core.svg", title, picture::bars(title, &bars, &[1.0]));
    block
}
