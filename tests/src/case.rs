//! The programs of the suite: goldens, examples and the examples in spec.md. Takes the folders of
//! the workspace, gives cases with their expected output, never runs one.

use crate::header::{self, Header};
use crate::{spec, workspace};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where a case comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Golden,
    Example,
    Spec,
}

/// A program and what it must print.
#[derive(Clone, Debug)]
pub struct Case {
    /// `async/lock/fifo`, `examples/ex_4_1`, `spec/lang.call.keyword-1`.
    pub name: String,
    pub kind: Kind,
    /// The folder that it runs in.
    pub dir: PathBuf,
    /// Its file name in there, which is what tracebacks name.
    pub file: String,
    pub header: Header,
    pub expected: Expected,
}

/// What a run is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub stdout: String,
    /// The last line of stderr, where it is compared.
    pub last_stderr_line: Option<String>,
    /// All of Lockstep's stderr, where it is compared.
    pub stderr: Option<String>,
    pub exit: i32,
}

impl Case {
    /// The file beside the program with another extension: `NAME.out`.
    pub fn beside(&self, extension: &str) -> PathBuf {
        self.dir.join(&self.file).with_extension(extension)
    }
}

/// Every case of the suite, or what is wrong with each that can't be read.
pub fn all() -> Vec<Result<Case, String>> {
    let mut cases = goldens();
    cases.extend(examples());
    cases.extend(spec_examples());
    cases
}

/// The goldens under `tests/golden`, in the order of their names.
pub fn goldens() -> Vec<Result<Case, String>> {
    programs(&workspace::goldens(), "", Kind::Golden)
}

/// The programs in `examples`.
pub fn examples() -> Vec<Result<Case, String>> {
    programs(&workspace::examples(), "examples/", Kind::Example)
}

/// The examples in spec.md, written out as files below cargo's target folder.
pub fn spec_examples() -> Vec<Result<Case, String>> {
    let Ok(text) = fs::read_to_string(workspace::spec()) else {
        return Vec::new();
    };
    let dir = workspace::target_and_profile().0.join("spec-examples");
    let write = |example: spec::Example| {
        let name = format!("spec/{}", example.name);
        let at = |error: &dyn std::fmt::Display| format!("spec.md:{}: {error}", example.line);
        let file = format!("{}.async", example.name.replace('.', "_"));
        // Another runner may be reading the same file: it must never see half of it.
        write_whole(&dir, &file, &example.source).map_err(|error| at(&error))?;
        Ok(Case {
            name,
            kind: Kind::Spec,
            dir: dir.clone(),
            file,
            header: header::parse(&example.source).map_err(|error| at(&error))?,
            expected: Expected {
                stdout: example.stdout,
                exit: i32::from(example.error.is_some()),
                last_stderr_line: example.error,
                stderr: None,
            },
        })
    };
    spec::parse(&text).examples.into_iter().map(write).collect()
}

fn write_whole(dir: &Path, file: &str, text: &str) -> io::Result<()> {
    let path = dir.join(file);
    if fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::create_dir_all(dir)?;
    let partial = dir.join(format!("{file}.{}", std::process::id()));
    fs::write(&partial, text)?;
    fs::rename(&partial, &path)
}

fn programs(root: &Path, prefix: &str, kind: Kind) -> Vec<Result<Case, String>> {
    let mut files = Vec::new();
    collect(root, &mut files);
    files.sort();
    files
        .iter()
        .map(|path| read(root, path, prefix, kind))
        .collect()
}

/// Gathers `.async` files, but not those that others import (in `lib/`, or named `_…`).
fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if path.is_dir() {
            if name != "lib" {
                collect(&path, files);
            }
        } else if name.ends_with(".async") && !name.starts_with('_') {
            files.push(path);
        }
    }
}

fn read(root: &Path, path: &Path, prefix: &str, kind: Kind) -> Result<Case, String> {
    let relative = path.strip_prefix(root).unwrap_or(path).with_extension("");
    let name = format!("{prefix}{}", relative.display());
    let at = |error: &dyn std::fmt::Display| format!("{name}: {error}");
    // A golden may hold text that isn't UTF-8 on purpose; its header is ASCII.
    let source = fs::read(path).map_err(|error| at(&error))?;
    let header = header::parse(&String::from_utf8_lossy(&source)).map_err(|error| at(&error))?;
    let beside = |extension| match fs::read(path.with_extension(extension)) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(&error)),
    };
    let last_stderr_line = beside("err")?.map(|text| text.trim_end().to_owned());
    let exit = match beside("exit")? {
        Some(text) => text.trim().parse().map_err(|error| at(&error))?,
        None => i32::from(last_stderr_line.is_some()),
    };
    Ok(Case {
        kind,
        dir: path.parent().unwrap_or(root).to_path_buf(),
        file: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        header,
        expected: Expected {
            stdout: beside("out")?.unwrap_or_default(),
            last_stderr_line,
            stderr: beside("stderr")?,
            exit,
        },
        name,
    })
}
