//! Memory per parked task: (peak resident memory with N parked tasks − with none) / N. Takes
//! everyone that can park tasks, gives bytes.

use super::contender::{Contender, Runs};
use super::measure::peak_rss_bytes;
use super::table::{Cell, Table};
use super::{Block, Setting, picture};
use lockstep_tests::workspace;

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

/// The floor, at the largest size.
const BYTES_MAX: f64 = 700.0;

/// Parks tasks on everyone.
pub fn measure(setting: &Setting) -> Block {
    let mut block = Block::new("memory");
    let sizes = if setting.quick {
        &SIZES[..2]
    } else {
        &SIZES[..]
    };
    // Neither another loop nor another build is another way to keep tasks, but the build is asked for.
    let contenders: Vec<_> = setting
        .contenders
        .found
        .iter()
        .filter(|contender| contender.label != "uvloop")
        .collect();
    let heads: Vec<_> = contenders.iter().map(|one| one.label.to_owned()).collect();
    let mut table = Table::new("bytes per parked task", &heads);
    let none: Vec<_> = contenders
        .iter()
        .map(|contender| {
            let rss = peak_rss_bytes(park(contender, 0));
            block.noted(&format!("memory, {}", contender.label), rss)
        })
        .collect();
    let mut bars = Vec::new();
    for &n in sizes {
        let mut cells = Vec::new();
        for (contender, none) in contenders.iter().zip(&none) {
            let what = format!("memory at {n}, {}", contender.label);
            let rss = block.noted(&what, peak_rss_bytes(park(contender, n)));
            let each = rss
                .zip(*none)
                .map(|(rss, none)| rss.saturating_sub(none) as f64 / n as f64);
            cells.push(each.map_or(Cell::None, Cell::Bytes));
            if let (Some(each), 1_000_000) = (each, n) {
                bars.push((contender.label.to_owned(), each));
                block.floor(
                    contender.label != "lockstep" || each <= BYTES_MAX,
                    format!("memory: {each:.0} B per parked task is above {BYTES_MAX} B"),
                );
            }
        }
        table.row(&format!("{n} tasks"), cells);
    }
    block.text = table.markdown();
    block.records = table.records("memory");
    bars.sort_by(|left, right| left.1.total_cmp(&right.1));
    let title = "bytes per parked task, at 1,000,000 tasks";
    block.picture(
        "memory.svg",
        title,
        picture::bars(title, &bars, &[BYTES_MAX]),
    );
    block
}

fn park(contender: &Contender, n: usize) -> std::process::Command {
    let n = n.to_string();
    match contender.runs {
        Runs::AsyncFiles => {
            let file = workspace::root().join("benches/memory/park.async");
            contender.file(&file, &[&n])
        }
        Runs::CoreWorkloads => contender.program(&["park", &n]),
    }
}
