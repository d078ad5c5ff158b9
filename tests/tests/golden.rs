//! Runs every golden, every example and every example of spec.md on Lockstep, and holds rules and
//! goldens together. Takes libtest's arguments; a part of a name is a filter.

use libtest_mimic::{Arguments, Failed, Trial};
use lockstep_tests::case::{self, Case, Kind};
use lockstep_tests::{binary, compare, pending, spec, workspace};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(2);
    let binary = if arguments.list {
        PathBuf::new()
    } else {
        match binary::lockstep() {
            Ok(binary) => binary,
            Err(error) => {
                eprintln!("the lockstep binary can't be built:\n{error}");
                return ExitCode::FAILURE;
            }
        }
    };
    let binary = Arc::new(binary);
    let pending = match pending::names() {
        Ok(names) => names,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };

    let mut trials = vec![Trial::test(
        "rules/every_rule_has_a_golden",
        rules_and_goldens,
    )];
    let mut unknown = pending.clone();
    for case in case::all() {
        trials.push(match case {
            Ok(case) => {
                unknown.remove(&case.name);
                let binary = Arc::clone(&binary);
                let is_pending = pending.contains(&case.name);
                Trial::test(case.name.clone(), move || {
                    let result = check(&binary, &case);
                    if is_pending {
                        still_fails(result)
                    } else {
                        result
                    }
                })
                .with_kind(if is_pending { "pending" } else { "" })
            }
            Err(error) => Trial::test(error.clone(), move || Err(error.into())),
        });
    }
    trials.push(Trial::test("pending/names_exist", move || {
        if unknown.is_empty() {
            return Ok(());
        }
        Err(format!("tests/pending.txt names cases that are not there: {unknown:?}").into())
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A case of tests/pending.txt has to fail: once it passes, its line has to go.
fn still_fails(result: Result<(), Failed>) -> Result<(), Failed> {
    match result {
        Ok(()) => Err("it passes: take it out of tests/pending.txt".into()),
        Err(_) => Ok(()),
    }
}

fn check(binary: &std::path::Path, case: &Case) -> Result<(), Failed> {
    let run = binary::run_case(binary, case)?;
    let differences = compare::lockstep(&case.expected, &run);
    if differences.is_empty() {
        return Ok(());
    }
    let text: String = differences.into_values().collect();
    Err(format!("{}\n{text}", case.dir.join(&case.file).display()).into())
}

/// Every rule of spec.md is shown by a golden, every golden shows a rule that exists, and the
/// text of spec.md is in order.
fn rules_and_goldens() -> Result<(), Failed> {
    let text = std::fs::read_to_string(workspace::spec())
        .map_err(|error| format!("spec.md can't be read: {error}"))?;
    let spec = spec::parse(&text);
    let mut problems: Vec<String> = spec
        .problems
        .iter()
        .map(|problem| format!("spec.md: {problem}"))
        .collect();

    let rules: BTreeMap<&str, usize> = spec
        .rules
        .iter()
        .map(|rule| (rule.name.as_str(), rule.line))
        .collect();
    let mut shown = BTreeSet::new();
    for case in case::goldens()
        .iter()
        .flatten()
        .filter(|case| case.kind == Kind::Golden)
    {
        if case.header.rules.is_empty() {
            problems.push(format!("golden {} names no rule", case.name));
        }
        for rule in &case.header.rules {
            if rules.contains_key(rule.as_str()) {
                shown.insert(rule.clone());
            } else {
                problems.push(format!("golden {} names an unknown rule {rule}", case.name));
            }
        }
    }
    for (rule, line) in rules {
        if !shown.contains(rule) {
            problems.push(format!("spec.md:{line}: no golden shows rule {rule}"));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n").into())
    }
}
