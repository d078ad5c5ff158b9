//! The programs of `tests/matrix`, run on Lockstep and on CPython 3.13 and compared line by line.
//! Takes programs whose lines read `label => result`; gives the differences, grouped by what they
//! look like, and fails on one that `declared.txt` has no reason for. Never says which side is
//! right.

use lockstep_lang::refused_names;
use lockstep_tests::case::{Case, Expected, Kind};
use lockstep_tests::header::Header;
use lockstep_tests::oracle::{self, Server};
use lockstep_tests::process::Run;
use lockstep_tests::{binary, workspace};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Options of `matrix`.
#[derive(clap::Args)]
pub struct Options {
    /// Run the programs whose names contain this
    filter: Option<String>,
    /// Which samples of the matrix to take
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Show so many calls of each group
    #[arg(long, default_value_t = 1)]
    show: usize,
    /// Cargo profile of the binary under test
    #[arg(long, default_value = "quick")]
    profile: String,
}

/// A difference that is meant: labels that match, and why.
struct Declared {
    program: String,
    /// With `*` for anything.
    pattern: String,
    /// CPython's addresses decide whether it is met: it may be declared in vain.
    by_chance: bool,
    line: usize,
}

/// One label that the two sides tell differently of; None where a side says nothing.
struct Difference {
    label: String,
    theirs: Option<String>,
    ours: Option<String>,
}

/// Runs the programs.
///
/// # Errors
/// Where a difference is not declared, a declaration is not needed, or there is no CPython 3.13.
pub fn run(options: &Options) -> Result<(), String> {
    let python = oracle::find()?;
    let lockstep = binary::lockstep_of_profile(&options.profile)?;
    let dir = workspace::root().join("tests/matrix");
    let declared = declared(&dir)?;
    let mut used = vec![false; declared.len()];
    let mut server = Server::start(&python)?;
    let mut undeclared = 0;
    let mut ran = Vec::new();
    for program in programs(&dir)? {
        if options
            .filter
            .as_ref()
            .is_some_and(|filter| !program.contains(filter))
        {
            continue;
        }
        let case = case(&dir, &program, options.seed);
        let theirs = server.run(&case)?;
        let ours = binary::run_case(&lockstep, &case)?;
        let (n_labels, differences) = differences(&program, &theirs, &ours)?;
        let (mut meant, mut rest) = (0, Vec::new());
        for difference in differences {
            let is_meant = |(_, declared): &(usize, &Declared)| {
                declared.program == program && matches(&declared.pattern, &difference.label)
            };
            match declared.iter().enumerate().find(is_meant) {
                _ if is_refused(&difference) => meant += 1,
                Some((at, _)) => {
                    used[at] = true;
                    meant += 1;
                }
                None => rest.push(difference),
            }
        }
        println!(
            "{program}: {n_labels} calls, {meant} differ as declared, {} otherwise",
            rest.len()
        );
        undeclared += rest.len();
        print_groups(&rest, options.show);
        ran.push(program);
    }
    let unused: Vec<String> = declared
        .iter()
        .zip(&used)
        .filter(|(declared, used)| !*used && !declared.by_chance && ran.contains(&declared.program))
        .map(|(declared, _)| format!("line {}: {}", declared.line, declared.pattern))
        .collect();
    if undeclared > 0 {
        return Err(format!("{undeclared} calls differ"));
    }
    // Other samples than the recorded ones need not meet every declaration.
    if !unused.is_empty() && options.seed == 1 {
        return Err(format!("declared in vain: {}", unused.join("; ")));
    }
    Ok(())
}

fn programs(dir: &Path) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(|error| error.to_string())? {
        let name = entry.map_err(|error| error.to_string())?.file_name();
        let name = name.to_string_lossy();
        if let Some(program) = name.strip_suffix(".async")
            && !program.starts_with('_')
        {
            names.push(program.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Whether Lockstep refuses by name what CPython does, or (`surface`) has.
fn is_refused(difference: &Difference) -> bool {
    let raised = difference.ours.as_deref().unwrap_or_default();
    if difference.theirs.is_some() && raised.starts_with("Unsupported: ") {
        return true;
    }
    match difference.label.split_once(' ') {
        Some(("name", path)) => path
            .rsplit_once('.')
            .is_some_and(|(module, name)| refused_names::of_module(module, name).is_some()),
        Some(("module", path)) => refused_names::module(path).is_some(),
        _ => false,
    }
}

/// Reads `declared.txt`: below a line `[program]` lines of `pattern # reason`.
fn declared(dir: &Path) -> Result<Vec<Declared>, String> {
    let text = fs::read_to_string(dir.join("declared.txt")).map_err(|error| error.to_string())?;
    let mut program = String::new();
    let mut all = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
        } else if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            name.clone_into(&mut program);
        } else {
            let Some((pattern, reason)) = line.split_once(" # ") else {
                return Err(format!("declared.txt:{}: no reason given", index + 1));
            };
            all.push(Declared {
                program: program.clone(),
                pattern: pattern.trim().to_owned(),
                by_chance: reason.trim_start().starts_with("by chance: "),
                line: index + 1,
            });
        }
    }
    Ok(all)
}

fn case(dir: &Path, program: &str, seed: u64) -> Case {
    Case {
        name: program.to_owned(),
        kind: Kind::Golden,
        dir: dir.to_path_buf(),
        file: format!("{program}.async"),
        header: Header {
            masks_addresses: true,
            args: vec![seed.to_string()],
            ..Header::default()
        },
        expected: Expected::default(),
    }
}

fn differences(
    program: &str,
    theirs: &Run,
    ours: &Run,
) -> Result<(usize, Vec<Difference>), String> {
    for (side, run) in [("CPython", theirs), ("Lockstep", ours)] {
        if run.exit != 0 {
            return Err(format!(
                "{program} ends with {} on {side}: {}",
                run.exit,
                run.last_stderr_line()
            ));
        }
    }
    let (theirs, ours) = (lines(theirs), lines(ours));
    let mut found = Vec::new();
    for (label, result) in &theirs {
        if ours.get(label) != Some(result) {
            found.push(Difference {
                label: (*label).to_owned(),
                theirs: Some((*result).to_owned()),
                ours: ours.get(label).map(|&result| result.to_owned()),
            });
        }
    }
    for (label, result) in &ours {
        if !theirs.contains_key(label) {
            found.push(Difference {
                label: (*label).to_owned(),
                theirs: None,
                ours: Some((*result).to_owned()),
            });
        }
    }
    // Of what is absent as a whole, the parts say nothing more.
    let absent: Vec<String> = found
        .iter()
        .filter_map(|difference| {
            let (kind, path) = difference.label.split_once(' ')?;
            let is_whole = matches!(kind, "module" | "name") && difference.theirs.is_some();
            is_whole.then(|| format!("{path}."))
        })
        .collect();
    let is_part = |label: &str| {
        let path = label.split_once(' ').map_or("", |(_, path)| path);
        let path = format!("{path}.");
        absent.iter().any(|whole| {
            path.starts_with(whole.as_str())
                && (path.len() > whole.len() || label.starts_with("signature "))
        })
    };
    found.retain(|difference| !is_part(&difference.label));
    Ok((theirs.len(), found))
}

fn lines(run: &Run) -> BTreeMap<&str, &str> {
    run.stdout
        .lines()
        .filter_map(|line| line.split_once(" => "))
        .collect()
}

/// Whether a pattern with `*` for anything is the whole of a text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            (0..=tail.len()).any(|at| tail.is_char_boundary(at) && matches(rest, &tail[at..]))
        }),
    }
}

/// Prints differences that look alike once, those of the most callables first.
fn print_groups(differences: &[Difference], n_shown: usize) {
    let mut groups: BTreeMap<(String, String), Vec<&Difference>> = BTreeMap::new();
    for difference in differences {
        let shapes = (shape(&difference.theirs), shape(&difference.ours));
        groups.entry(shapes).or_default().push(difference);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    for group in groups {
        println!("  {} like this:", group.len());
        for difference in group.iter().take(n_shown) {
            println!("    {}", difference.label);
            for (side, result) in [
                ("CPython ", &difference.theirs),
                ("Lockstep", &difference.ours),
            ] {
                let text: String = result
                    .as_deref()
                    .unwrap_or("(nothing)")
                    .chars()
                    .take(200)
                    .collect();
                println!("      {side} {text}");
            }
        }
    }
}

/// A result without its numbers and quoted parts.
fn shape(result: &Option<String>) -> String {
    let Some(result) = result else {
        return String::new();
    };
    let mut out = String::new();
    let mut quoted = false;
    for c in result.chars() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '0'..='9' if out.ends_with('0') => {}
            '0'..='9' => out.push('0'),
            c => out.push(c),
        }
        if out.len() > 60 {
            break;
        }
    }
    out
}
