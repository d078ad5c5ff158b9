//! Bad input of every kind ends in a clear error with the right exit status: never in a panic, an
//! abort or a hang.

use lockstep_tests::binary;
use lockstep_tests::launch::{self, assert_clean, assert_fails, command, source};
use lockstep_tests::process::{self, Run};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

/// Bytes from a fixed sequence, so that a failure can be seen again.
fn noise(seed: u64, n_bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..n_bytes).map(|_| next()).collect()
}

#[test]
fn binary_garbage() {
    for seed in 1..=8 {
        assert_fails(&source(noise(seed, 4096)), 1, "");
    }
    assert_fails(&source(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"), 1, "");
}

#[test]
fn garbage_in_ascii() {
    for seed in 1..=16 {
        let text: Vec<u8> = noise(seed, 2000)
            .iter()
            .map(|byte| byte % 95 + 32)
            .collect();
        let run = source(text);
        assert_fails(&run, 1, "");
    }
}

#[test]
fn null_byte() {
    assert_fails(&source("x = 1\0\n"), 1, "null byte");
}

#[test]
fn invalid_utf8() {
    for bytes in [
        &b"x = 'caf\xe9'\n"[..],
        b"# caf\xe9\n",
        b"x = 1\n\xff\xfe\n",
    ] {
        let run = source(bytes);
        assert_fails(&run, 1, "");
        assert!(
            run.stderr.to_lowercase().contains("utf-8"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn byte_order_mark_and_line_ends() {
    for text in [
        "\u{feff}print(1)\n",
        "print(1)\r\n",
        "if 1:\r\n  print(1)\r\n",
        "print(1)",
    ] {
        let run = source(text);
        assert_clean(&run);
        assert_eq!(
            (run.stdout.as_str(), run.exit),
            ("1\n", 0),
            "{text:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn unclosed_brackets() {
    for text in ["print((1, 2)\n", "x = [1,\n", "x = {1: 2,\nprint(3)\n"] {
        assert_fails(&source(text), 1, "never closed");
    }
    assert_fails(&source("x = (1]\n"), 1, "]");
    assert_fails(&source("x = 1)\n"), 1, ")");
}

#[test]
fn unclosed_strings() {
    for text in [
        "x = 'abc\n",
        "x = \"abc",
        "x = '''abc\n\n",
        "x = f'{1}",
        "x = f'{",
        "x = f'''{1\n",
    ] {
        assert_fails(&source(text), 1, "");
    }
}

#[test]
fn nested_brackets() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("f(", ")"),
        ("{1:", "}"),
    ] {
        let text = format!("x = {}1{}\n", open.repeat(10_000), close.repeat(10_000));
        assert_fails(&source(text), 1, "too many nested parentheses");
        assert_fails(&source(format!("x = {}", open.repeat(10_000))), 1, "");
    }
    let deep_enough = format!("x = {}1{}\nprint(x)\n", "(".repeat(150), ")".repeat(150));
    let run = source(deep_enough);
    assert_clean(&run);
    assert_eq!(run.stdout, "1\n", "{}", run.stderr);
}

/// Text that nests without brackets may be refused or run, as long as it does neither badly.
#[test]
fn nesting_without_brackets() {
    let many = |piece: &str| piece.repeat(20_000);
    for text in [
        format!("x = {}1\n", many("-")),
        format!("x = {}1\n", many("not ")),
        format!("x = 1{}\n", many(" + 1")),
        format!("x = 1{}\n", many(" ** 1")),
        format!("x = 1{}\n", many(" if 1 else 2")),
        format!("x = {}1\n", many("lambda: ")),
        format!("class A: pass\nx = A()\nx.a = x\nx{}\n", many(".a")),
        format!("def f(*a): return f\nf{}\n", many("()")),
        format!("x = 1\nx{}\n", many("[0]")),
        format!("if 0: pass\n{}", many("elif 0: pass\n")),
        format!("x = {}1\n", many("x = ")),
        format!("x = 1 {}\n", many("< 2 ")),
        format!("x = {}0\n", many("1 and ")),
        format!("async def f():\n    {}1\n", many("await ")),
        format!("{}pass\n", many("if 1: ")),
        format!("x = {}1{}\n", "f'{".repeat(5_000), "}'".repeat(5_000)),
        format!("x: {}int\n", many("int | ")),
        format!("match 1:\n    case {}1: pass\n", many("1 | ")),
        format!("@{}\ndef f(): pass\n", many("x.")),
    ] {
        let run = source(&text);
        let start: String = text.chars().take(60).collect();
        assert!(
            run.exit == 0 || run.exit == 1,
            "{start:?}: {} {}",
            run.exit,
            run.last_stderr_line()
        );
        assert_clean(&run);
    }
}

#[test]
fn nested_blocks() {
    let nested = |n_levels: usize| {
        let mut text = String::new();
        for level in 0..n_levels {
            text += &format!("{}if True:\n", " ".repeat(level));
        }
        text + &format!("{}print('deep')\n", " ".repeat(n_levels))
    };
    let run = source(nested(99));
    assert_clean(&run);
    assert_eq!(run.stdout, "deep\n", "{}", run.stderr);
    assert_fails(&source(nested(100)), 1, "too many levels of indentation");
    assert_fails(&source(nested(1_000)), 1, "too many levels of indentation");
}

#[test]
fn runaway_recursion() {
    for text in [
        "def f(): return f()\nf()\n",
        "f = lambda x: f(x) + 1\nf(1)\n",
        "async def f(): await f()\nawait f()\n",
        "class A:\n    def __repr__(self): return repr(self)\nrepr(A())\n",
        "class A:\n    def __eq__(self, other): return self == other\nA() == A()\n",
        "class A:\n    def __getattr__(self, name): return getattr(self, name)\nA().x\n",
        "class A:\n    def __lt__(self, other): return bool(sorted([self, self]))\nsorted([A(), A()])\n",
        "def g(): yield from g()\nlist(g())\n",
        "x = []\nfor i in range(100_000): x = [x]\nrepr(x)\n",
        "x = []\ny = []\nfor i in range(100_000): x = [x]; y = [y]\nx == y\n",
    ] {
        let run = source(text);
        assert_fails(&run, 1, "");
        let last = run.last_stderr_line();
        assert!(
            last.starts_with("RecursionError: maximum recursion depth exceeded"),
            "{text}{last}"
        );
    }
}

/// CPython's stack happens to hold these; ours may refuse them.
#[test]
fn deep_structures_are_walked_or_refused() {
    for text in [
        "x = ()\nfor i in range(100_000): x = (x,)\nhash(x)\n",
        "import copy\nx = []\nfor i in range(100_000): x = [x]\ncopy.deepcopy(x)\n",
        "x = 0\nfor i in range(100_000): x = (x, 0)\nisinstance(1, x)\n",
        "class A: pass\nfor i in range(500): A = type('A', (A,), {})\nA().x\n",
        "e = None\nfor i in range(20_000):\n    n = ValueError(i)\n    n.__context__ = e\n    e = n\nraise e\n",
        "e = ValueError()\nfor i in range(20_000): e = ExceptionGroup('g', [e])\nraise e\n",
        "import functools\nf = int\nfor i in range(20_000): f = functools.partial(f)\nf()\n",
    ] {
        let run = source(text);
        assert_clean(&run);
        assert!(run.exit == 0 || run.exit == 1, "{text}: {}", run.exit);
    }
}

#[test]
fn deep_structures_are_dropped() {
    let run = source(
        "import gc\nx = []\nfor i in range(1_000_000): x = [x]\ndel x\ngc.collect()\n\
         class N: pass\nn = N()\nfor i in range(200_000):\n    m = N()\n    m.next = n\n    n = m\n\
         del n, m\ngc.collect()\nprint('done')\n",
    );
    assert_clean(&run);
    assert_eq!(run.stdout, "done\n", "{}", run.stderr);
}

#[test]
fn long_lines() {
    let run = source(format!("x = '{}'\nprint(len(x))\n", "a".repeat(1_000_000)));
    assert_clean(&run);
    assert_eq!(run.stdout, "1000000\n", "{}", run.stderr);
    let run = source(format!("x = [{}]\nprint(len(x))\n", "1, ".repeat(333_333)));
    assert_clean(&run);
    assert_eq!(run.stdout, "333333\n", "{}", run.stderr);
    assert_fails(
        &source(format!("x = '{}' $\n", "a".repeat(1_000_000))),
        1,
        "",
    );
    assert_fails(&source("? ".repeat(500_000)), 1, "");
    assert_fails(
        &source(format!("{} {}", "a".repeat(500_000), "b".repeat(500_000))),
        1,
        "",
    );
    assert_fails(
        &source(format!("raise ValueError('{}')", "a".repeat(20_000))),
        1,
        "ValueError",
    );
}

#[test]
fn tabs_mixed_with_spaces() {
    let words = "inconsistent use of tabs and spaces in indentation";
    assert_fails(&source("if True:\n\tx = 1\n        y = 2\n"), 1, words);
    assert_fails(&source("if True:\n        x = 1\n\ty = 2\n"), 1, words);
}

#[test]
fn wrong_indentation() {
    assert_fails(&source("  x = 1\n"), 1, "unexpected indent");
    assert_fails(
        &source("if True:\nx = 1\n"),
        1,
        "expected an indented block",
    );
    let words = "unindent does not match any outer indentation level";
    assert_fails(&source("if True:\n    x = 1\n  y = 2\n"), 1, words);
}

#[test]
fn several_errors_are_reported_at_once() {
    let run = source("x = = 1\nprint(2)\ny = (1 +\n    )\nz = 3 $ 4\n");
    assert_fails(&run, 1, "");
    assert_eq!(run.stdout, "", "nothing runs where the source is bad");
    for line in [":1:", ":3:", ":5:"] {
        let found = run.stderr.contains(line) || run.stderr.contains(&line.replace(":3:", ":4:"));
        assert!(found, "no report for line {line}\n{}", run.stderr);
    }
}

#[test]
fn empty_files() {
    for text in ["", "\n", "\n\n  \n", "# nothing\n", "\t", "\\\n"] {
        let run = source(text);
        // CPython too refuses a backslash before the end of the file.
        assert_clean(&run);
        if text != "\\\n" {
            assert_eq!(
                (run.stdout.as_str(), run.stderr.as_str(), run.exit),
                ("", "", 0),
                "{text:?}"
            );
        }
    }
}

#[test]
fn missing_file_and_directory() {
    assert_fails(
        &launch::args(&["no_such_file.async"], ""),
        2,
        "no_such_file.async",
    );
    assert_fails(
        &launch::args(&["run", "no_such_file.async"], ""),
        2,
        "no_such_file.async",
    );
    assert_fails(
        &launch::args(&["dis", "no_such_file.async"], ""),
        2,
        "no_such_file.async",
    );
    assert_fails(&launch::args(&["."], ""), 2, "directory");
    assert_fails(&launch::args(&["run", "."], ""), 2, "directory");
}

/// Sizes that no machine has are refused before anything is allocated.
#[test]
fn impossible_sizes() {
    for text in [
        "'a' * 10**15",
        "b'a' * 10**15",
        "[0] * 10**15",
        "(0,) * 10**15",
        "1 << 10**15",
        "'%1000000000000000d' % 1",
        "f'{1:1000000000000000}'",
        "'x'.ljust(10**15)",
        "'x'.zfill(10**15)",
        "list(range(10**15))",
        "bytes(10**15)",
        "'a' * 10**30",
        "10 ** 10 ** 10",
    ] {
        let run = source(format!("x = {text}\n"));
        assert_clean(&run);
        assert_eq!(run.exit, 1, "{text}: {}", run.stderr);
        let last = run.last_stderr_line();
        let kinds = ["MemoryError", "OverflowError", "ValueError"];
        assert!(
            kinds.iter().any(|kind| last.starts_with(kind)),
            "{text}: {last}"
        );
    }
}

/// What grows without end ends in a MemoryError, also where the process may have little.
#[cfg(target_os = "linux")]
#[test]
fn growth_beyond_what_the_process_may_have() {
    let grows = [
        "l = []\n    while True: l.append(1)",
        "l = [1]\n    l.extend(iter(l))",
        "l = [1]\n    while True: l += l",
        "l = [n for n in itertools.count()]",
        "t = tuple(itertools.count())",
        "t = (1,)\n    while True: t += t",
        "d = {}\n    for n in itertools.count(): d[n] = n",
        "s = set(itertools.count())",
        "q = collections.deque()\n    q.extend(itertools.count())",
        "b = bytearray(b'b')\n    while True: b += b",
        "b = bytearray()\n    while True: b.extend(b'b' * 1000)",
        "a = array.array('q')\n    while True: a.append(1)",
        "s = 's'\n    while True: s += s",
        "f = io.StringIO()\n    while True: f.write('text' * 50_000)",
        "s = ''.join(map(str, itertools.count()))",
        "parts = []\n    while True: parts.append([0] * 1000)",
    ];
    let mut text = String::from("import array, collections, io, itertools\n");
    for grow in grows {
        text.push_str(&format!(
            "def grow():\n    {grow}\ntry:\n    grow()\nexcept MemoryError as e:\n    print(repr(e))\n"
        ));
    }
    let path = launch::file(text);
    let mut limited = std::process::Command::new("sh");
    limited
        .args(["-c", "ulimit -v 750000; exec \"$0\" run \"$1\""])
        .arg(launch::lockstep())
        .arg(&path);
    let run = process::run(&mut limited, b"", binary::LIMIT).expect("sh can be started");
    assert_clean(&run);
    assert_eq!(run.exit, 0, "{}", run.stderr);
    assert_eq!(run.stdout, "MemoryError()\n".repeat(grows.len()));
}

#[test]
fn huge_int_literal() {
    assert_fails(&source(format!("x = {}\n", "1".repeat(5_000))), 1, "4300");
    assert_fails(
        &source("x = str(10 ** 5000)\n"),
        1,
        "ValueError: Exceeds the limit (4300 digits)",
    );
}

#[test]
fn closed_stdout_pipe() {
    for text in [
        "while True: print('x' * 100)\n",
        "import asyncio\nasync def f():\n    while True:\n        print('x' * 100)\n        await asyncio.sleep(0)\nasyncio.run(f())\n",
    ] {
        let mut child = start(text);
        let mut stdout = child.stdout.take().expect("it is a pipe");
        let mut some = [0; 100];
        stdout.read_exact(&mut some).expect("it prints");
        drop(stdout);
        let run = process::finish(child, b"", binary::LIMIT);
        assert_clean(&run);
        assert_eq!(run.stderr, "", "a closed pipe ends quietly");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn full_disk() {
    let path = launch::file("print('x')\n");
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    let child = command()
        .arg(path)
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be started");
    let run = process::finish(child, b"", binary::LIMIT);
    assert_clean(&run);
    assert_ne!(run.exit, 0, "what was printed is lost");
    assert!(
        run.stderr.contains("No space left on device"),
        "{}",
        run.stderr
    );
}

#[test]
#[cfg(unix)]
fn interrupt() {
    for text in [
        "while True: pass",
        "sum(range(10**12))",
        "import itertools\n{1}.isdisjoint(itertools.repeat(2))",
        "import itertools\ndict(zip(itertools.repeat(1), itertools.repeat(2)))",
        "import asyncio\nasyncio.run(asyncio.sleep(1000))",
        "import asyncio\nawait asyncio.sleep(1000)",
        "import asyncio\nasync def f():\n    while True: await asyncio.sleep(0)\nasyncio.run(f())",
        "import time\ntime.sleep(1000)",
        "input()",
    ] {
        let run = interrupted(text);
        assert_clean(&run);
        assert_eq!(run.exit, 130, "{text}\n{}", run.stderr);
        assert_eq!(run.last_stderr_line(), "KeyboardInterrupt", "{text}");
    }
}

#[test]
#[cfg(unix)]
fn interrupt_can_be_caught() {
    let run =
        interrupted("try:\n    while True: pass\nexcept KeyboardInterrupt:\n    print('caught')");
    assert_clean(&run);
    assert_eq!(
        (run.stdout.as_str(), run.exit),
        ("caught\n", 0),
        "{}",
        run.stderr
    );
}

/// Runs a program under the real clock and sends it Ctrl-C once it is at work.
#[cfg(unix)]
fn interrupted(text: &str) -> Run {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let mut child = start(&format!("print('ready', flush=True)\n{text}\n"));
    // Stdin stays open, so that input() waits.
    let stdin = child.stdin.take();
    let mut stdout = BufReader::new(child.stdout.take().expect("it is a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it prints");
    // It has yet to come from printing to the statement that is meant.
    std::thread::sleep(std::time::Duration::from_millis(100));
    let pid = i32::try_from(child.id()).expect("a process id is an i32");
    kill(Pid::from_raw(pid), Signal::SIGINT).expect("it runs");
    let mut run = process::finish(child, b"", binary::LIMIT);
    drop(stdin);
    stdout.read_to_string(&mut run.stdout).expect("it is UTF-8");
    run
}

fn start(text: &str) -> Child {
    command()
        .arg(launch::file(text))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be started")
}
