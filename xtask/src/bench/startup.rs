//! Start-up: an empty script, one that runs a task, one with many imports. Takes everyone that
//! runs `.async` files, gives the median CPU time of many runs.

use super::measure::{cpu_s, median};
use super::table::{Cell, Table};
use super::{Block, Setting};
use lockstep_tests::workspace;
use std::process::Command;

/// Programs of `benches/startup`, what they show, and the share of CPython's time that is the
/// floor.
const PROGRAMS: [(&str, &str, f64); 3] = [
    ("empty", "empty script", 0.3),
    ("hello", "asyncio and a task", 0.1),
    ("imports", "25 imports", f64::INFINITY),
];

const N_RUNS: usize = 15;

/// Languages that start by themselves, for the empty script.
const EMPTY: [(&str, &[&str]); 3] = [
    ("Lua", &["lua5.4", "-e", ""]),
    ("LuaJIT", &["luajit", "-e", ""]),
    ("Node", &["node", "-e", ""]),
];

/// Starts everyone.
pub fn measure(setting: &Setting) -> Block {
    let mut block = Block::new("startup");
    let contenders = setting.contenders.of_files();
    let contenders: Vec<_> = contenders
        .into_iter()
        .filter(|contender| contender.label != "uvloop")
        .collect();
    let languages: Vec<_> = EMPTY
        .into_iter()
        .filter(|(label, _)| setting.contenders.get(label).is_some())
        .collect();
    let mut heads: Vec<_> = contenders.iter().map(|one| one.label.to_owned()).collect();
    heads.extend(languages.iter().map(|(label, _)| (*label).to_owned()));
    heads.push("share of CPython's".to_owned());
    let mut table = Table::new("start-up", &heads);
    let n_runs = if setting.quick { 5 } else { N_RUNS };
    for (name, title, share_max) in PROGRAMS {
        let file = workspace::root().join(format!("benches/startup/{name}.async"));
        let mut commands: Vec<_> = contenders
            .iter()
            .map(|contender| contender.file(&file, &[]))
            .collect();
        for (_, command) in &languages {
            // Only the empty script says the same in every language.
            if name == "empty" {
                let mut started = Command::new(command[0]);
                started.args(&command[1..]);
                commands.push(started);
            }
        }
        let mut times: Vec<Vec<f64>> = vec![Vec::new(); commands.len()];
        for _ in 0..n_runs {
            for (command, times) in commands.iter_mut().zip(&mut times) {
                // PyPy may be too old for a module.
                times.extend(cpu_s(command).ok().map(|(_, cpu_s)| cpu_s));
            }
        }
        let medians: Vec<_> = times
            .into_iter()
            .map(|times| (!times.is_empty()).then(|| median(times)))
            .collect();
        let mut cells: Vec<_> = medians
            .iter()
            .map(|time| time.map_or(Cell::None, |time| Cell::Millis(time * 1e3)))
            .collect();
        cells.resize(heads.len() - 1, Cell::None);
        let cpython = contenders.iter().position(|one| one.label == "CPython");
        let share = cpython
            .and_then(|index| medians[index])
            .zip(medians[0])
            .map(|(cpython, own)| own / cpython);
        cells.push(share.map_or(Cell::None, Cell::Ratio));
        table.row(title, cells);
        if medians[0].is_none() {
            block.failures.push(format!("startup/{name} fails"));
        }
        let share = share.unwrap_or(0.0);
        block.floor(
            share <= share_max,
            format!("start-up, {title}: {share:.2} of CPython's is above {share_max}"),
        );
    }
    block.text = table.markdown();
    block.records = table.records("startup");
    block
}
