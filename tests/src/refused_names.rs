//! The names of CPython's library that Lockstep refuses, against what both have. Takes the table
//! in `lang/src/refused_names.txt`, a binary and a CPython; gives what is wrong with the table, and
//! the list of it that stands in spec.md.

use crate::workspace;
use lockstep_lang::refused_names::{self, MODULES};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Around the list in spec.md.
const BEGIN: &str = "<!-- refused names: written by cargo xtask refusals -->\n";
const END: &str = "<!-- end of refused names -->\n";

/// A module and one of its names; [`MODULES`] and a module.
type Name = (String, String);

/// Tells which of the names on its stdin are there, and what modules there are.
const ASK: &str = r#"
import sys
from _types import module_names
for name in module_names():
    print("has", name)
for line in sys.stdin:
    module, name = line.split()
    try:
        if module == "import":
            __import__(name)
        else:
            getattr(__import__(module, None, None, ["*"]), name)
    except (ImportError, AttributeError):
        pass
    else:
        print(module, name)
"#;

fn table() -> BTreeSet<Name> {
    refused_names::sections()
        .flat_map(|section| {
            section
                .names()
                .map(move |name| (section.module.to_owned(), name.to_owned()))
        })
        .collect()
}

fn output(command: &mut Command, stdin: &str) -> Result<String, String> {
    use std::io::Write as _;
    use std::process::Stdio;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut pipe = child.stdin.take().ok_or("no stdin")?;
    let text = stdin.to_owned();
    let writer = std::thread::spawn(move || pipe.write_all(text.as_bytes()));
    let output = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    // Who ends without reading has said so in its status.
    let _ = writer.join();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn names(lines: &str) -> BTreeSet<Name> {
    lines
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(module, name)| (module.to_owned(), name.to_owned()))
        .collect()
}

/// Of `asked`, what a binary has; and its public modules.
fn there(lockstep: &Path, asked: &BTreeSet<Name>) -> Result<(BTreeSet<Name>, Vec<String>), String> {
    let dir = std::env::temp_dir().join(format!("lockstep-refused-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    let script = dir.join("ask.async");
    std::fs::write(&script, ASK).map_err(|error| error.to_string())?;
    let mut stdin = String::new();
    for (module, name) in asked {
        let _ = writeln!(stdin, "{module} {name}");
    }
    let answer = output(Command::new(lockstep).arg(&script), &stdin);
    let _ = std::fs::remove_dir_all(&dir);
    let mut found = names(&answer?);
    let modules = found
        .extract_if(.., |(module, _)| module == "has")
        .map(|(_, name)| name)
        .filter(|name| !name.split('.').any(|part| part.starts_with('_')))
        .collect();
    Ok((found, modules))
}

/// What is refused although it is there.
///
/// # Errors
/// Where the binary can't be asked.
pub fn refused_yet_there(lockstep: &Path) -> Result<Vec<String>, String> {
    let (found, _) = there(lockstep, &table())?;
    Ok(found
        .iter()
        .map(|(module, name)| format!("{module} {name}: is refused and there"))
        .collect())
}

/// Public names of CPython that are neither there nor refused, and refused ones that CPython lacks.
///
/// # Errors
/// Where either can't be asked.
pub fn differences(lockstep: &Path, python: &Path) -> Result<Vec<String>, String> {
    let table = table();
    let (_, modules) = there(lockstep, &BTreeSet::new())?;
    let inner = table
        .iter()
        .filter(|(module, name)| module == MODULES && name.contains('.'))
        .map(|(_, name)| name);
    let mut command = Command::new(python);
    command
        .args(["-I", "-S"])
        .arg(workspace::root().join("tests/oracle/public_names.py"))
        .args(&modules)
        .args(inner);
    let public = names(&output(&mut command, "")?);
    let asked: BTreeSet<Name> = public
        .iter()
        .filter(|(module, _)| module == MODULES || modules.contains(module))
        .cloned()
        .collect();
    let (found, _) = there(lockstep, &asked)?;
    let mut wrong = Vec::new();
    for (module, name) in asked.difference(&found) {
        if !table.contains(&(module.clone(), name.clone())) {
            wrong.push(format!("{module} {name}: is neither there nor refused"));
        }
    }
    for (module, name) in table.difference(&public) {
        wrong.push(format!(
            "{module} {name}: is refused, and CPython has no such name"
        ));
    }
    Ok(wrong)
}

/// The table as spec.md lists it.
fn list() -> String {
    let mut text = String::from("| of | refused | because | instead |\n|---|---|---|---|\n");
    for section in refused_names::sections() {
        let names: Vec<_> = section
            .names()
            .map(|name| name.replace('_', "\\_"))
            .collect();
        let of = match section.module {
            MODULES => String::from("modules"),
            module => format!("`{module}`"),
        };
        let _ = writeln!(
            text,
            "| {of} | {} | {} | {} |",
            names.join(", "),
            section.reason,
            section.way_out
        );
    }
    text
}

/// The text of spec.md with the list as the table has it.
///
/// # Errors
/// Where spec.md has no place for it.
pub fn with_list(spec: &str) -> Result<String, String> {
    let (head, rest) = spec.split_once(BEGIN).ok_or("spec.md has no list")?;
    let (_, tail) = rest.split_once(END).ok_or("spec.md's list has no end")?;
    Ok(format!("{head}{BEGIN}\n{}\n{END}{tail}", list()))
}
