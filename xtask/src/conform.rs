//! `cargo xtask conform`: runs the test files of an installed CPython 3.13 on Lockstep, each
//! method in a fresh VM. Takes names of files and methods, gives a table and the failures, and
//! writes docs/conformance.md when all files were run. The files are read where they are.

use lockstep_tests::{binary, launch, oracle, workspace};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// The files that make up the table, as modules of the package `test`.
const FILES: &[&str] = &[
    "test_grammar",
    "test_generators",
    "test_coroutines",
    "test_asyncgen",
    "test_dict",
    "test_list",
    "test_tuple",
    "test_set",
    "test_int",
    "test_float",
    "test_long",
    "test_str",
    "test_bytes",
    "test_fstring",
    "test_format",
    "test_unpack",
    "test_unpack_ex",
    "test_patma",
    "test_exceptions",
    "test_traceback",
    "test_exception_group",
    "test_except_star",
    "test_class",
    "test_descr",
    "test_super",
    "test_property",
    "test_scope",
    "test_decorators",
    "test_with",
    "test_named_expressions",
    "test_keywordonlyarg",
    "test_positional_only_arg",
    "test_range",
    "test_slice",
    "test_bool",
    "test_hash",
    "test_sort",
    "test_iter",
    "test_enumerate",
    "test_global",
    "test_yield_from",
    "test_typechecks",
    "test_generator_stop",
    "test_context",
    "test_contextlib",
    "test_contextlib_async",
    "test_itertools",
    "test_functools",
    "test_operator",
    "test_heapq",
    "test_bisect",
    "test_json.test_decode",
    "test_json.test_default",
    "test_json.test_dump",
    "test_json.test_encode_basestring_ascii",
    "test_json.test_enum",
    "test_json.test_fail",
    "test_json.test_float",
    "test_json.test_indent",
    "test_json.test_pass1",
    "test_json.test_pass2",
    "test_json.test_pass3",
    "test_json.test_recursion",
    "test_json.test_scanstring",
    "test_json.test_separators",
    "test_json.test_speedups",
    "test_json.test_unicode",
    "test_enum",
    "test_dataclasses",
    "test_collections",
    "test_string",
    "test_textwrap",
    "test_urlparse",
    "test_math",
    "test_random",
    "test_statistics",
    "test_copy",
    "test_copyreg",
    "test_abc",
    "test_types",
    "test_typing",
    "test_weakref",
    "test_weakset",
    "test_builtin",
    "test_genexps",
    "test_listcomps",
    "test_setcomps",
    "test_dictcomps",
    "test_augassign",
    "test_compare",
    "test_richcmp",
    "test_contains",
    "test_index",
    "test_pow",
    "test_isinstance",
    "test_subclassinit",
    "test_metaclass",
    "test_dynamic",
    "test_dynamicclassattribute",
    "test_raise",
    "test_opcodes",
    "test_defaultdict",
    "test_deque",
    "test_ordered_dict",
    "test_userdict",
    "test_userlist",
    "test_userstring",
    "test_string_literals",
    "test_eof",
    "test_syntax",
    "test_call",
    "test_extcall",
    "test_funcattrs",
    "test_type_params",
    "test_type_aliases",
    "test_type_annotations",
    "test_genericalias",
    "test_secrets",
    "test_pprint",
    "test_re",
    "test_struct",
    "test_memoryview",
    "test_array",
    "test_html",
    "test_configparser",
    "test_ipaddress",
    "test_numeric_tower",
    "test_abstract_numbers",
    "test_dictviews",
    "test_exception_variations",
    "test_baseexception",
    "test_pep646_syntax",
    "test_binop",
    "test_unary",
    "test_int_literal",
    "test_longexp",
    "test_print",
    "test_keyword",
    "test_unicode_identifiers",
    "test_utf8source",
    "test_descrtut",
    "test_module",
    "test_asyncio.test_base_events",
    "test_asyncio.test_eager_task_factory",
    "test_asyncio.test_events",
    "test_asyncio.test_futures",
    "test_asyncio.test_futures2",
    "test_asyncio.test_locks",
    "test_asyncio.test_pep492",
    "test_asyncio.test_protocols",
    "test_asyncio.test_queues",
    "test_asyncio.test_runners",
    "test_asyncio.test_staggered",
    "test_asyncio.test_streams",
    "test_asyncio.test_taskgroups",
    "test_asyncio.test_tasks",
    "test_asyncio.test_threads",
    "test_asyncio.test_timeouts",
    "test_asyncio.test_transports",
    "test_asyncio.test_waitfor",
    "test_unittest.test_assertions",
    "test_unittest.test_async_case",
    "test_unittest.test_case",
    "test_unittest.test_functiontestcase",
    "test_unittest.test_loader",
    "test_unittest.test_program",
    "test_unittest.test_result",
    "test_unittest.test_runner",
    "test_unittest.test_setups",
    "test_unittest.test_skipping",
    "test_unittest.test_suite",
    "test_unittest.test_util",
    "test_unittest.testmock.testasync",
    "test_unittest.testmock.testcallable",
    "test_unittest.testmock.testhelpers",
    "test_unittest.testmock.testmagicmethods",
    "test_unittest.testmock.testmock",
    "test_unittest.testmock.testpatch",
    "test_unittest.testmock.testsealable",
    "test_unittest.testmock.testsentinel",
    "test_unittest.testmock.testwith",
];

/// How long one method may run.
const LIMIT: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub struct Options {
    /// Files of CPython's tests: `test_dict`, `test_asyncio/test_locks`; all of the table without
    files: Vec<String>,
    /// Only methods whose `Class.method` contains this; shows their tracebacks and output
    #[arg(long)]
    method: Option<String>,
    /// How many run at once
    #[arg(long)]
    jobs: Option<usize>,
    /// Write nothing; fail where a failure has no reason yet. Skipped where there is no CPython
    /// whose tests the table is of
    #[arg(long, conflicts_with_all = ["files", "method"])]
    check: bool,
    /// Cargo profile of the VM
    #[arg(long, default_value = "quick")]
    profile: String,
}

/// The release whose tests the table and its reasons are of.
const RELEASE: &str = "CPython 3.13.0";

/// What one method, or a module that couldn't be imported, came to.
struct Outcome {
    method: String,
    kind: Kind,
    /// What it raised, in a line.
    reason: String,
    /// Its traceback and what it printed.
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Passed,
    Refused,
    Skipped,
    Failed,
}

/// Runs the command.
///
/// # Errors
/// Where no CPython 3.13 is found, or the worker can't be built.
pub fn run(options: &Options) -> Result<(), String> {
    let python = match oracle::find() {
        Err(why) if options.check => {
            println!("skipped: {why}");
            return Ok(());
        }
        python => python?,
    };
    let version = oracle::version(&python)?;
    if options.check && version != RELEASE {
        println!("skipped: the table is of {RELEASE}, and this is {version}");
        return Ok(());
    }
    let lib = library(&python)?;
    let worker = binary::build(
        "lockstep-conform",
        &["-p", "lockstep-conform"],
        &options.profile,
        &workspace::target_and_profile().0,
    )?;
    let files: Vec<String> = if options.files.is_empty() {
        FILES.iter().map(|&name| name.to_owned()).collect()
    } else {
        options.files.iter().map(|name| module_name(name)).collect()
    };
    let n_jobs = options
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let outcomes = run_files(&worker, &lib, &files, options.method.as_deref(), n_jobs)?;
    let mut reasons = Reasons::read()?;
    for file in &files {
        print_file(
            file,
            &outcomes[file],
            options.method.is_some(),
            &mut reasons,
        );
    }
    if options.check {
        return reasons.check();
    }
    if options.files.is_empty() && options.method.is_none() {
        let path = workspace::root().join("docs/conformance.md");
        std::fs::write(
            &path,
            // Where CPython and this workspace stand is the machine's affair.
            document(&version, &files, &outcomes, &mut reasons)
                .replace(&*lib.to_string_lossy(), "<lib>")
                .replace(&*workspace::root().to_string_lossy(), "<lockstep>"),
        )
        .map_err(|error| format!("{}: {error}", path.display()))?;
        println!("written: docs/conformance.md");
        reasons.check()?;
    }
    Ok(())
}

/// Why methods fail that are to fail: `tests/conform/reasons.txt`.
struct Reasons {
    rows: Vec<Reason>,
    /// Failures for which no row was found.
    unnamed: Vec<String>,
}

struct Reason {
    /// `file Class.method`, with `*` for any text.
    pattern: String,
    text: String,
    used: bool,
}

impl Reasons {
    const FILE: &'static str = "tests/conform/reasons.txt";

    fn read() -> Result<Reasons, String> {
        let path = workspace::root().join(Self::FILE);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let mut rows = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (pattern, text) = line
                .split_once(": ")
                .ok_or_else(|| format!("{}: no reason in {line:?}", Self::FILE))?;
            rows.push(Reason {
                pattern: pattern.to_owned(),
                text: text.to_owned(),
                used: false,
            });
        }
        Ok(Reasons {
            rows,
            unnamed: Vec::new(),
        })
    }

    /// The reason for which a method fails; the first row that fits counts.
    fn of(&mut self, file: &str, method: &str) -> Option<String> {
        let name = format!("{file} {method}");
        let Some(row) = self.rows.iter_mut().find(|row| fits(&row.pattern, &name)) else {
            if !self.unnamed.contains(&name) {
                self.unnamed.push(name);
            }
            return None;
        };
        row.used = true;
        Some(row.text.clone())
    }

    /// After all files were run: every failure has its reason, and every reason a failure.
    fn check(&self) -> Result<(), String> {
        let stale = self.rows.iter().filter(|row| !row.used);
        let stale = stale.map(|row| format!("no failure is left for: {}", row.pattern));
        let unnamed = self
            .unnamed
            .iter()
            .map(|name| format!("no reason for: {name}"));
        let wrong: Vec<String> = unnamed.chain(stale).collect();
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(format!("{}:\n  {}", Self::FILE, wrong.join("\n  "))),
        }
    }
}

/// Whether a text is as a pattern says, in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// `test_asyncio/test_locks.py` is `test_asyncio.test_locks`.
fn module_name(file: &str) -> String {
    let name = file.strip_suffix(".py").unwrap_or(file).replace('/', ".");
    name.strip_prefix("test.").unwrap_or(&name).to_owned()
}

/// The folder of an interpreter's library, with the tests in it.
fn library(python: &Path) -> Result<PathBuf, String> {
    let path = oracle::library(python)?;
    if path.join("test/test_grammar.py").is_file() {
        Ok(path)
    } else {
        Err(format!(
            "{} is installed without its tests",
            python.display()
        ))
    }
}

/// Runs all methods of the files; the outcomes of a file are sorted by method.
fn run_files(
    worker: &Path,
    lib: &Path,
    files: &[String],
    filter: Option<&str>,
    n_jobs: usize,
) -> Result<BTreeMap<String, Vec<Outcome>>, String> {
    let mut outcomes: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
    let mut jobs: Vec<(&String, String)> = Vec::new();
    let mut first = Worker::start(worker, lib)?;
    for file in files {
        let found = outcomes.entry(file.clone()).or_default();
        let answer = first.ask(&json!({ "module": format!("test.{file}") }));
        match answer["methods"].as_array() {
            Some(methods) => jobs.extend(
                methods
                    .iter()
                    .filter_map(Json::as_str)
                    .filter(|method| filter.is_none_or(|filter| method.contains(filter)))
                    .map(|method| (file, method.to_owned())),
            ),
            None => found.push(Outcome::new("(import)", &answer)),
        }
    }
    drop(first);
    let next = AtomicUsize::new(0);
    let results = Mutex::new(&mut outcomes);
    std::thread::scope(|scope| {
        let run_some = || -> Result<(), String> {
            let mut worker = Worker::start(worker, lib)?;
            while let Some((file, method)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let request = json!({ "module": format!("test.{file}"), "method": method });
                let outcome = Outcome::new(method, &worker.ask(&request));
                let mut results = results
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                results.entry((*file).clone()).or_default().push(outcome);
            }
            Ok(())
        };
        let threads: Vec<_> = (0..n_jobs.clamp(1, jobs.len().max(1)))
            .map(|_| scope.spawn(run_some))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
    })?;
    for found in outcomes.values_mut() {
        found.sort_by(|left, right| left.method.cmp(&right.method));
    }
    Ok(outcomes)
}

impl Outcome {
    fn new(method: &str, answer: &Json) -> Outcome {
        let text = |key: &str| answer[key].as_str().unwrap_or_default();
        let kind = match text("outcome") {
            "passed" => Kind::Passed,
            "refused" => Kind::Refused,
            "skipped" => Kind::Skipped,
            _ => Kind::Failed,
        };
        Outcome {
            method: method.to_owned(),
            kind,
            reason: text("reason").to_owned(),
            text: format!("{}{}", text("printed").trim_start(), text("text")),
        }
    }
}

/// A process that runs one method after another, in a folder of its own: tests write files under
/// one fixed name.
struct Worker {
    program: PathBuf,
    lib: PathBuf,
    dir: PathBuf,
    child: Child,
    answers: Receiver<String>,
}

impl Worker {
    fn start(program: &Path, lib: &Path) -> Result<Worker, String> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = launch::scratch().join(format!("worker{number}"));
        std::fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let mut child = Command::new(program)
            .arg(lib)
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let stdout = child.stdout.take().expect("its stdout is a pipe");
        let (sender, answers) = channel();
        // The thread ends with the child, whose end closes the pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Worker {
            program: program.to_path_buf(),
            lib: lib.to_path_buf(),
            dir,
            child,
            answers,
        })
    }

    /// The answer to a request. A worker that hangs or dies is replaced.
    fn ask(&mut self, request: &Json) -> Json {
        let stdin = self.child.stdin.as_mut().expect("its stdin is a pipe");
        // Where it has died already, so has its answer.
        drop(writeln!(stdin, "{request}").and_then(|()| stdin.flush()));
        let reason = match self.answers.recv_timeout(LIMIT) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(answer) => return answer,
                Err(error) => format!("the worker's answer is no JSON: {error}"),
            },
            Err(RecvTimeoutError::Timeout) => format!("timed out after {} s", LIMIT.as_secs()),
            Err(RecvTimeoutError::Disconnected) => "the process has died".to_owned(),
        };
        if let Ok(fresh) = Worker::start(&self.program, &self.lib) {
            *self = fresh;
        }
        json!({ "outcome": "failed", "reason": reason })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It runs nothing between requests, and has already ended where the kill fails.
        drop(self.child.kill());
        drop(self.child.wait());
        // What stays is removed with the scratch folder of another day.
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

/// How many of each kind, in the order of `Kind`.
fn count(outcomes: &[Outcome]) -> [usize; 4] {
    let mut counts = [0; 4];
    for outcome in outcomes {
        counts[outcome.kind as usize] += 1;
    }
    counts
}

/// Of those that are neither refused nor skipped, how many pass: "97%".
fn share([passed, _, _, failed]: [usize; 4]) -> String {
    match passed + failed {
        0 => String::from("-"),
        n => format!("{}%", 100 * passed / n),
    }
}

fn print_file(file: &str, outcomes: &[Outcome], with_text: bool, reasons: &mut Reasons) {
    let counts = count(outcomes);
    let [passed, refused, skipped, failed] = counts;
    println!(
        "{file}: {passed} passed, {refused} refused, {skipped} skipped, {failed} failed ({})",
        share(counts)
    );
    for outcome in outcomes {
        if with_text {
            let kind = ["passed", "refused", "skipped", "failed"][outcome.kind as usize];
            println!("  {} {kind}: {}", outcome.method, outcome.reason);
            for line in outcome.text.lines() {
                println!("    {line}");
            }
        } else if outcome.kind == Kind::Failed {
            println!("  {}: {}", outcome.method, outcome.reason);
            if let Some(reason) = reasons.of(file, &outcome.method) {
                println!("    {reason}");
            }
        }
    }
}

fn document(
    version: &str,
    files: &[String],
    outcomes: &BTreeMap<String, Vec<Outcome>>,
    reasons: &mut Reasons,
) -> String {
    let mut out = format!(
        "# CPython's own tests\n\n\
         Written by `cargo xtask conform`, which runs the test files of an installed {version} \
         unmodified, each method in a fresh VM. A method is *refused* if it raises `Unsupported`, \
         or its module's import does; *skipped* if it skips itself. The share is of those that are \
         neither. What a file asks for outside of its methods and does not get is a row `(module) NAME`. \
         `exec`, `eval` and `compile`, which tests use to say what they are about, are the tool's: a \
         script has none of them. Each failure stands with its reason, from `tests/conform/reasons.txt`, and with what \
         it raised.\n\n\
         | file | passed | refused | skipped | failed | share |\n|---|---|---|---|---|---|\n"
    );
    let mut total = [0; 4];
    for file in files {
        let counts = count(&outcomes[file]);
        for (sum, n) in total.iter_mut().zip(counts) {
            *sum += n;
        }
        push_row(&mut out, file, counts);
    }
    push_row(&mut out, "**all**", total);
    out.push_str("\n## Failures\n");
    for file in files {
        let failures = outcomes[file].iter().filter(|o| o.kind == Kind::Failed);
        for (index, outcome) in failures.enumerate() {
            if index == 0 {
                // A String can't fail to be written to.
                let _ = write!(out, "\n### {file}\n\n");
            }
            let why = reasons.of(file, &outcome.method);
            let why = why.as_deref().unwrap_or("no reason is known");
            let raised = outcome.reason.replace('`', "'");
            let _ = writeln!(out, "- {}: {why}. `{raised}`", outcome.method);
        }
    }
    out.push_str("\n## Modules that can't be imported\n\n");
    for file in files {
        for outcome in &outcomes[file] {
            if outcome.method == "(import)" && outcome.kind != Kind::Failed {
                let reason = outcome.reason.replace('`', "'");
                let _ = writeln!(out, "- {file}: `{reason}`");
            }
        }
    }
    out
}

fn push_row(out: &mut String, name: &str, counts: [usize; 4]) {
    let [passed, refused, skipped, failed] = counts;
    let _ = writeln!(
        out,
        "| {name} | {passed} | {refused} | {skipped} | {failed} | {} |",
        share(counts)
    );
}
