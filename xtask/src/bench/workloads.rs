//! The workloads of `benches/async` and `benches/compute`: every file on everyone that runs
//! `.async` files. Gives CPU times and their ratios; a file that prints something else than on
//! Lockstep gets no ratio.

use super::measure::{fastest_s, geometric_mean};
use super::table::{Cell, Table};
use super::{Block, Setting, picture};
use lockstep_tests::workspace;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of workloads with its floor.
pub struct Group {
    pub name: &'static str,
    /// Of the geometric mean against CPython.
    pub mean_min: f64,
}

pub const ASYNC: Group = Group {
    name: "async",
    mean_min: 6.0,
};
pub const COMPUTE: Group = Group {
    name: "compute",
    mean_min: 1.5,
};

/// The floor of every single workload.
const SINGLE_RATIO_MIN: f64 = 0.8;

/// Runs all workloads of a group.
pub fn measure(setting: &Setting, group: &Group) -> Block {
    let mut block = Block::new(group.name);
    let contenders: Vec<_> = setting.contenders.of_files();
    // uvloop is a loop: it has nothing to say where there is none.
    let contenders: Vec<_> = contenders
        .into_iter()
        .filter(|contender| group.name == "async" || contender.label != "uvloop")
        .collect();
    let n_main = contenders
        .iter()
        .filter(|contender| contender.is_main())
        .count();
    let others = &contenders[1..];
    let mut heads = vec!["lockstep".to_owned()];
    heads.extend(others.iter().map(|contender| contender.label.to_owned()));
    heads.extend(others.iter().map(|contender| match contender.label {
        "dist" => "dist /CPython".to_owned(),
        label => format!("/{label}"),
    }));
    let mut table = Table::new(group.name, &heads);

    let files = files(group.name);
    let mut ratios: Vec<Vec<f64>> = vec![Vec::new(); others.len()];
    let mut bars = Vec::new();
    let cpython = contenders.iter().position(|one| one.label == "CPython");
    for file in block.noted(group.name, files).unwrap_or_default() {
        let name = name_of(&file);
        let full = format!("{}/{name}", group.name);
        if !setting
            .filter
            .as_ref()
            .is_none_or(|filter| full.contains(filter))
        {
            continue;
        }
        let mut commands: Vec<_> = contenders
            .iter()
            .map(|contender| contender.file(&file, &[]))
            .collect();
        let times = fastest_s(&mut commands, n_main, setting.n_rounds);
        let own_s = block.noted(&format!("{full}, lockstep"), times[0].clone());
        let mut row = vec![own_s.map_or(Cell::None, Cell::Seconds)];
        let mut shares = Vec::new();
        let cpython_s = cpython.and_then(|index| times[index].clone().ok());
        for (index, (other, time)) in others.iter().zip(&times[1..]).enumerate() {
            // What an older Python or another loop can't run is no failure of ours.
            let time = match time.clone() {
                Err(_) if !other.is_main() => None,
                time => block.noted(&format!("{full}, {}", other.label), time),
            };
            row.push(time.map_or(Cell::None, Cell::Seconds));
            let ratio = match other.label {
                "dist" => cpython_s
                    .zip(time)
                    .map(|(cpython_s, time)| cpython_s / time),
                _ => time.zip(own_s).map(|(time, own_s)| time / own_s),
            };
            ratios[index].extend(ratio);
            shares.push(ratio.map_or(Cell::None, Cell::Ratio));
            if let (Some(ratio), "CPython") = (ratio, other.label) {
                bars.push((name.clone(), ratio));
                block.floor(
                    ratio >= SINGLE_RATIO_MIN,
                    format!("{full}: {ratio:.2}x is below {SINGLE_RATIO_MIN}x"),
                );
            }
        }
        row.extend(shares);
        table.row(&name, row);
    }

    let mut row = vec![Cell::None; 1 + others.len()];
    for (other, ratios) in others.iter().zip(&ratios) {
        let mean = geometric_mean(ratios);
        row.push(mean.map_or(Cell::None, Cell::Ratio));
        if let (Some(mean), "CPython") = (mean, other.label) {
            block.floor(
                mean >= group.mean_min,
                format!(
                    "{}: mean {mean:.2}x is below {}x",
                    group.name, group.mean_min
                ),
            );
        }
    }
    table.row(&format!("geometric mean of {}", bars.len()), row);

    block.text = table.markdown();
    block.records = table.records(group.name);
    bars.sort_by(|left, right| right.1.total_cmp(&left.1));
    let title = format!("{} workloads, times as fast as CPython 3.13", group.name);
    let svg = picture::bars(&title, &bars, &[1.0, group.mean_min]);
    block.picture(&format!("{}.svg", group.name), &title, svg);
    block
}

/// The programs of a folder of `benches/`.
fn files(folder: &str) -> Result<Vec<PathBuf>, String> {
    let dir = workspace::root().join("benches").join(folder);
    let entries = fs::read_dir(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "async"))
        .collect();
    files.sort();
    Ok(files)
}

fn name_of(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
