//! The command line: subcommands, exit statuses, streams.

use lockstep_tests::launch::{self, assert_clean, assert_fails, command, source};
use lockstep_tests::process::Run;
use std::ffi::OsString;
use std::process::Stdio;

fn run(args: &[&str]) -> Run {
    launch::args(args, "")
}

/// Runs `lockstep BEFORE… FILE AFTER…`.
fn run_file(before: &[&str], text: &str, after: &[&str]) -> Run {
    let mut args: Vec<OsString> = before.iter().map(OsString::from).collect();
    args.push(launch::file(text).into());
    args.extend(after.iter().map(OsString::from));
    launch::args(&args, "")
}

#[track_caller]
fn assert_prints(run: &Run, stdout: &str) {
    assert_clean(run);
    assert_eq!(run.stdout, stdout, "stderr:\n{}", run.stderr);
    assert_eq!(run.exit, 0, "stderr:\n{}", run.stderr);
}

#[test]
fn help() {
    let run = run(&["--help"]);
    assert_clean(&run);
    assert_eq!(run.exit, 0);
    for word in ["run", "repl", "dis", "--version", "FILE"] {
        assert!(run.stdout.contains(word), "no {word} in\n{}", run.stdout);
    }
    for subcommand in ["run", "dis", "repl"] {
        let run = launch::args(&[subcommand, "--help"], "");
        assert_eq!(run.exit, 0, "{subcommand}: {}", run.stderr);
        assert!(run.stdout.contains("Usage"), "{}", run.stdout);
    }
}

#[test]
fn version() {
    let run = run(&["--version"]);
    assert_prints(&run, &format!("lockstep {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage() {
    assert_fails(&run(&["--no-such-option"]), 2, "--no-such-option");
    assert_fails(&run(&["run"]), 2, "");
    assert_fails(
        &run(&["run", "--clock", "sundial", "x.async"]),
        2,
        "sundial",
    );
    assert_fails(&run(&["run", "--seed", "many", "x.async"]), 2, "many");
    assert_fails(&run(&["dis"]), 2, "");
}

#[test]
fn exit_statuses() {
    for (text, exit) in [
        ("", 0),
        ("import sys\nsys.exit()", 0),
        ("import sys\nsys.exit(0)", 0),
        ("import sys\nsys.exit(3)", 3),
        ("import sys\nsys.exit(256 + 7)", 7),
        ("import sys\nsys.exit(-1)", 255),
        ("raise SystemExit(4)", 4),
        (
            "import asyncio, sys\nasync def f(): sys.exit(5)\nasyncio.run(f())",
            5,
        ),
        (
            "import sys\nawait __import__('asyncio').sleep(0)\nsys.exit(6)",
            6,
        ),
        ("1 / 0", 1),
        ("x = = 1", 1),
        ("import no_such_module", 1),
        ("raise KeyboardInterrupt", 130),
    ] {
        let run = source(text);
        assert_clean(&run);
        assert_eq!(run.exit, exit, "{text}\n{}", run.stderr);
    }
}

#[test]
fn exit_message_goes_to_stderr() {
    let run = source("import sys\nprint('out')\nsys.exit('no luck')");
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str(), run.exit),
        ("out\n", "no luck\n", 1)
    );
}

#[test]
fn last_line_of_a_traceback() {
    for (text, line) in [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise ValueError", "ValueError"),
        ("raise ValueError('a\\nb')", "b"),
        ("{}['k']", "KeyError: 'k'"),
        (
            "import no_such_module",
            "ModuleNotFoundError: No module named 'no_such_module'",
        ),
        ("class E(Exception): pass\nraise E('x')", "E: x"),
    ] {
        let run = source(format!("{text}\n"));
        assert_fails(&run, 1, "Traceback (most recent call last):");
        assert_eq!(run.last_stderr_line(), line, "{text}");
    }
}

#[test]
fn traceback_names_file_line_function_and_text() {
    let run = run_file(
        &[],
        "def broken():\n    return missing_name\n\nbroken()\n",
        &[],
    );
    assert_fails(&run, 1, "Traceback (most recent call last):");
    for part in [
        ".async\", line 4, in <module>",
        ".async\", line 2, in broken",
        "return missing_name",
    ] {
        assert!(run.stderr.contains(part), "no {part:?} in\n{}", run.stderr);
    }
    assert_eq!(
        run.last_stderr_line(),
        "NameError: name 'missing_name' is not defined"
    );
}

#[test]
fn arguments_reach_the_script() {
    let text = "import sys\nprint(sys.argv[1:])";
    assert_prints(&run_file(&[], text, &["a", "b c"]), "['a', 'b c']\n");
    assert_prints(&run_file(&["run"], text, &["a"]), "['a']\n");
    let options = ["--help", "--clock", "-x", "--", "-"];
    let all = "['--help', '--clock', '-x', '--', '-']\n";
    assert_prints(&run_file(&[], text, &options), all);
    assert_prints(&run_file(&["run"], text, &options), all);
    assert_prints(&run_file(&["run", "--clock", "virtual"], text, &[]), "[]\n");
}

#[test]
fn dash_reads_the_script_from_stdin() {
    let text = "import sys\nprint(sys.argv, __name__)\n";
    for args in [&["-", "a"][..], &["run", "-", "a"]] {
        assert_prints(&launch::args(args, text), "['-', 'a'] __main__\n");
    }
    let run = launch::args(&["-"], "print(1)\n1 / 0\n");
    assert_fails(&run, 1, "File \"<stdin>\", line 2, in <module>");
}

#[test]
fn stdin_belongs_to_the_script() {
    let path = launch::file("print(input().upper())\nprint(input('> '))\ninput()\n");
    let run = launch::args(&[path], "one\ntwo\n");
    assert_fails(&run, 1, "EOFError: EOF when reading a line");
    assert_eq!(run.stdout, "ONE\n> two\n");
}

#[test]
fn virtual_clock_and_seed() {
    let slow = "import asyncio, time\nt = time.monotonic()\nawait asyncio.sleep(3600)\ntime.sleep(3600)\nprint(time.monotonic() - t)";
    assert_prints(
        &run_file(&["run", "--clock", "virtual"], slow, &[]),
        "7200.0\n",
    );
    let quick = "import asyncio, time\nt = time.monotonic()\nawait asyncio.sleep(0.05)\nprint(0.05 <= time.monotonic() - t < 5)";
    assert_prints(&run_file(&["run", "--clock", "real"], quick, &[]), "True\n");

    let draw = "import random\nprint(random.random())";
    let seeded = |seed| run_file(&["run", "--clock", "virtual", "--seed", seed], draw, &[]).stdout;
    assert_eq!(seeded("0"), "0.8444218515250481\n");
    assert_eq!(seeded("7"), "0.32383276483316237\n");
}

#[test]
fn dis_shows_code_and_runs_nothing() {
    let path = launch::file("def add(a, b):\n    return a + b\nprint(add(1, 2))\n");
    let run = launch::args(&["dis".into(), path.into_os_string()], "");
    assert_clean(&run);
    assert_eq!(run.exit, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains("add") && run.stdout.lines().count() > 5,
        "{}",
        run.stdout
    );
    assert!(
        !run.stdout.lines().any(|line| line == "3"),
        "it ran:\n{}",
        run.stdout
    );
    let bad = launch::file("x = = 1\n");
    assert_fails(
        &launch::args(&["dis".into(), bad.into_os_string()], ""),
        1,
        "",
    );
}

/// Stdout and stderr on one pipe show what was printed before the error text.
#[test]
fn output_is_flushed_before_error_text() {
    for text in [
        "print('first')\n1 / 0\n",
        "print('first', end='')\nraise SystemExit('Traceback')\n",
        "import sys\nprint('first')\nprint('Traceback', file=sys.stderr)\n",
    ] {
        let (reader, writer) = std::io::pipe().expect("the system has pipes");
        let errors = writer.try_clone().expect("the system has pipes");
        let mut command = command();
        command
            .arg(launch::file(text))
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(errors);
        let mut child = command.spawn().expect("the binary can be started");
        // The command holds the writing ends: reading would not end while it lives.
        drop(command);
        let shown = std::io::read_to_string(reader).expect("it is UTF-8");
        child.wait().expect("it runs");
        let first = shown.find("first").expect("it was printed");
        let error = shown.find("Traceback").expect("it was printed");
        if !text.starts_with("import") {
            assert!(first < error, "{shown}");
        }
    }
}

#[test]
fn imports_stand_beside_the_script() {
    let dir = launch::scratch().join("imports");
    std::fs::create_dir_all(dir.join("pack")).expect("the target folder can be written to");
    for (name, text) in [
        (
            "main.async",
            "import side\nfrom pack import inner\nprint(side.x, inner.y, side.__name__)\n",
        ),
        ("side.async", "x = 1\n"),
        ("pack/__init__.async", ""),
        ("pack/inner.async", "y = 2\n"),
    ] {
        std::fs::write(dir.join(name), text).expect("the target folder can be written to");
    }
    let main = dir.join("main.async");
    assert_prints(&launch::args(&[main], ""), "1 2 side\n");
}

/// What names, arguments and variables that are no UTF-8 are in a script.
#[cfg(unix)]
#[test]
fn names_that_are_no_utf8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let odd = |bytes: &'static [u8]| OsStr::from_bytes(bytes);
    let dir = launch::scratch().join(odd(b"d\xe9"));
    std::fs::create_dir_all(dir.join("pack")).expect("the target folder can be written to");
    let main = "import os, sys, side, pack.inner\n\
        print(ascii(sys.argv[1:]), ascii(os.environ['ODD']), ascii(os.environ['N\\udcff']))\n\
        for path in (sys.argv[0], __file__, side.__file__, pack.__path__[0], pack.inner.__file__):\n    \
            print(ascii(os.path.relpath(path, os.path.dirname(sys.path[0]))))\n\
        raise ValueError(os.path.basename(__file__))\n";
    for (name, text) in [
        (odd(b"s\xff.async"), main),
        (odd(b"side.async"), ""),
        (odd(b"pack/__init__.async"), ""),
        (odd(b"pack/inner.async"), ""),
    ] {
        std::fs::write(dir.join(name), text).expect("the target folder can be written to");
    }
    let mut command = command();
    command.arg(dir.join(odd(b"s\xff.async")));
    command.args([odd(b"a\xe9"), OsStr::new("é"), odd(b"--x\xff")]);
    command
        .env("ODD", odd(b"v\xe9"))
        .env(odd(b"N\xff"), odd(b"\xf0"));
    let run = lockstep_tests::process::run(&mut command, b"", lockstep_tests::binary::LIMIT);
    let run = run.expect("the binary can be started");
    assert_clean(&run);
    assert_eq!(
        run.stdout,
        "['a\\udce9', '\\xe9', '--x\\udcff'] 'v\\udce9' '\\udcf0'\n\
         'd\\udce9/s\\udcff.async'\n'd\\udce9/s\\udcff.async'\n'd\\udce9/side.async'\n\
         'd\\udce9/pack'\n'd\\udce9/pack/inner.async'\n",
        "stderr:\n{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("d\\udce9/s\\udcff.async\", line 5"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.ends_with("ValueError: s\\udcff.async\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn bytes_of_standard_input() {
    let bytes = "import sys\nprint(sys.stdin.buffer.read())\n";
    let text = "try: input()\nexcept UnicodeDecodeError as e: print(e)\n";
    for (text, stdout) in [
        (bytes, "b'caf\\xe9\\n'\n"),
        (
            text,
            "'utf-8' codec can't decode byte 0xe9 in position 3: invalid continuation byte\n",
        ),
    ] {
        let mut command = command();
        command.arg(launch::file(text));
        let limit = lockstep_tests::binary::LIMIT;
        let run = lockstep_tests::process::run(&mut command, b"caf\xe9\n", limit);
        assert_prints(&run.expect("the binary can be started"), stdout);
    }
}

#[test]
fn repl_reads_piped_input() {
    let session = launch::args(
        &["repl"],
        "1 + 1\nx = 20\nx * 2 + 1\n'text'\nNone\ndef f(n):\n    return n + 1\n\nf(41)\n1 / 0\n\
         import asyncio\nawait asyncio.sleep(0, 'awaited')\nasyncio.run(asyncio.sleep(0, 'ran'))\n\
         x = = 1\nprint('still here')\n",
    );
    assert_clean(&session);
    assert_eq!(session.exit, 0, "{}", session.stderr);
    for line in [
        "2",
        "41",
        "'text'",
        "42",
        "'awaited'",
        "'ran'",
        "still here",
    ] {
        let found = session
            .stdout
            .lines()
            .any(|shown| shown.trim_start_matches(['>', '.', ' ']) == line);
        assert!(found, "no {line} in\n{}", session.stdout);
    }
    assert!(
        session
            .stderr
            .contains("ZeroDivisionError: division by zero"),
        "{}",
        session.stderr
    );
}

#[test]
fn repl_tasks_go_on_between_inputs() {
    let session = launch::args(
        &["repl"],
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    print('task ran')\n\n\
         t = asyncio.create_task(f())\nawait asyncio.sleep(0.01)\nt.done()\nexit()\n",
    );
    assert_clean(&session);
    assert!(
        session.stdout.contains("task ran"),
        "{}\n{}",
        session.stdout,
        session.stderr
    );
    assert!(session.stdout.contains("True"), "{}", session.stdout);
}

#[test]
fn repl_exit_status() {
    let session = launch::args(&["repl"], "import sys\nsys.exit(9)\n");
    assert_clean(&session);
    assert_eq!(session.exit, 9, "{}", session.stderr);
}

/// Addresses, hashes and the order of sets are the same in every run.
#[test]
fn runs_are_the_same() {
    let path = launch::file(
        "import asyncio, sync, random\nclass A: pass\n\
         print(A(), object(), sync.Lock(), len, A().__init__, hash('x'), id(A) == id(A))\n\
         print({A() for _ in range(20)}, {'a', 'b', 'c', 'd'}, random.random())\n\
         async def f(n): await asyncio.sleep(n % 3)\n\
         tasks = {asyncio.create_task(f(n)) for n in range(20)}\n\
         done, pending = await asyncio.wait(tasks, timeout=1.5)\nprint(done, pending)\n",
    );
    let args = [
        "run".into(),
        "--clock".into(),
        "virtual".into(),
        path.into_os_string(),
    ];
    let runs: [Run; 3] = std::array::from_fn(|_| launch::args(&args, ""));
    assert_clean(&runs[0]);
    assert_eq!(runs[0].exit, 0, "{}", runs[0].stderr);
    assert!(!runs[0].stdout.is_empty());
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0], runs[2]);
}
