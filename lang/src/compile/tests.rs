//! Listings of the shapes that matter, and CPython's library as a corpus.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::{CompileOptions, compile_source};
use crate::bytecode::Code;
use crate::bytecode::dis::listing;
use crate::bytecode::verify::verify;
use crate::source::Source;

fn compile_with(text: &str, options: CompileOptions) -> Result<Arc<Code>, Vec<String>> {
    let source = Arc::new(Source::new("test", text));
    let code = compile_source(source, options).map_err(|diagnostics| {
        let messages = diagnostics.into_iter().map(|diagnostic| diagnostic.message);
        messages.collect::<Vec<_>>()
    })?;
    if let Err(fault) = verify(&code) {
        panic!("{fault}\n{}", listing(&code));
    }
    Ok(code)
}

#[test]
fn show_errors() {
    let Ok(path) = std::env::var("SHOW_ERRORS") else {
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    for case in text.split("\n=====\n") {
        let source = Arc::new(Source::new("test", case));
        let got = match compile_source(source.clone(), CompileOptions::default()) {
            Ok(_) => String::from("OK"),
            Err(d) => {
                let (s, e) = (
                    source.line_col(d[0].span.start),
                    source.line_col(d[0].span.end),
                );
                format!(
                    "{} @{}:{}-{}:{}",
                    d[0].message, s.line, s.column, e.line, e.column
                )
            }
        };
        println!("{case:?} => {got}");
    }
}

#[test]
fn show() {
    let Ok(path) = std::env::var("SHOW") else {
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    match compile_with(
        &text,
        CompileOptions {
            top_level_await: true,
            ..Default::default()
        },
    ) {
        Ok(code) => println!("{}", listing(&code)),
        Err(errors) => println!("{errors:#?}"),
    }
}

/// A CPython 3.13, if one is to be found.
fn oracle() -> Option<PathBuf> {
    let named = std::env::var_os("LOCKSTEP_ORACLE").map(PathBuf::from);
    let on_path = std::env::var_os("PATH").into_iter().flat_map(|path| {
        let dirs: Vec<_> = std::env::split_paths(&path).collect();
        dirs.into_iter().map(|dir| dir.join("python3.13"))
    });
    let pyenv = std::env::var_os("HOME")
        .and_then(|home| {
            let versions = Path::new(&home).join(".pyenv/versions");
            std::fs::read_dir(versions).ok()
        })
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("3.13")
        })
        .map(|path| path.join("bin/python"));
    named
        .into_iter()
        .chain(on_path)
        .chain(pyenv)
        .find(|path| is_python_3_13(path))
}

fn is_python_3_13(path: &Path) -> bool {
    // A name on the path may be a shim that runs nothing.
    let output = Command::new(path).arg("--version").output();
    output.is_ok_and(|output| output.stdout.starts_with(b"Python 3.13."))
}

/// The library's Python files, those left out that are meant to be bad.
fn library(python: &Path) -> Vec<PathBuf> {
    let ask = "import sysconfig; print(sysconfig.get_path('stdlib'))";
    let output = Command::new(python)
        .args(["-I", "-c", ask])
        .output()
        .expect("the oracle runs");
    let root = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut files = Vec::new();
    let mut dirs = vec![PathBuf::from(root)];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && name != "site-packages" {
                dirs.push(path);
            } else if name.ends_with(".py") && !name.starts_with("bad") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[test]
fn the_library_of_cpython_compiles() {
    let Some(python) = oracle() else {
        eprintln!("skipped: no CPython 3.13 found (LOCKSTEP_ORACLE names one)");
        return;
    };
    let mut n_files = 0;
    let mut wrong = Vec::new();
    for path in library(&python) {
        // Files in another encoding are of no use here.
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        n_files += 1;
        if let Err(message) = verdict(&path, text) {
            wrong.push(format!("{}: {message}", path.display()));
        }
    }
    assert!(n_files > 100, "the library has many files");
    let n_wrong = wrong.len();
    assert!(
        wrong.is_empty(),
        "{n_wrong} of {n_files}:\n{}",
        wrong.join("\n")
    );
}

/// What is wrong with the text or the code made of it.
fn verdict(path: &Path, text: String) -> Result<(), String> {
    let options = CompileOptions {
        refuse_late: true,
        ..CompileOptions::default()
    };
    let source = Arc::new(Source::new(path.display().to_string(), text));
    let code = compile_source(source, options).map_err(|errors| errors[0].message.clone())?;
    verify(&code).map_err(|fault| fault.to_string())
}
