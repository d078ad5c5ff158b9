//! Compiling a long program that is made here, the same in every run. Takes Lockstep and CPython,
//! gives CPU time without start-up. The program defines and never calls, and as a script it is
//! not cached by CPython.

use super::measure::{cpu_s, median};
use super::table::{Cell, Table};
use super::{Block, Setting};
use std::fmt::Write as _;
use std::fs;

const N_LINES: usize = 100_000;

/// The floor: times CPython's speed.
const SPEED_MIN: f64 = 1.0;

/// Compiles the program on Lockstep and CPython.
pub fn measure(setting: &Setting) -> Block {
    let mut block = Block::new("compile");
    let contenders = setting.contenders.main();
    let mut heads: Vec<_> = contenders.iter().map(|one| one.label.to_owned()).collect();
    heads.push("/CPython".to_owned());
    let mut table = Table::new("compiling", &heads);
    let (long, empty) = (
        setting.dir.join("long.async"),
        setting.dir.join("empty.async"),
    );
    let written = fs::write(&long, program(N_LINES)).and_then(|()| fs::write(&empty, ""));
    if block
        .noted("compile", written.map_err(|error| error.to_string()))
        .is_none()
    {
        return block;
    }
    let mut times = vec![f64::INFINITY; contenders.len()];
    for _ in 0..setting.n_rounds {
        for (contender, best_s) in contenders.iter().zip(&mut times) {
            let run = |file| cpu_s(&mut contender.file(file, &[])).map(|(_, cpu_s)| cpu_s);
            let start = (0..5).map(|_| run(&empty)).collect::<Result<Vec<_>, _>>();
            let both = start.and_then(|start| Ok(run(&long)? - median(start)));
            let net_s = block.noted(&format!("compile, {}", contender.label), both);
            *best_s = net_s.map_or(*best_s, |net_s| best_s.min(net_s));
        }
    }
    let mut cells: Vec<_> = times.iter().map(|&time| Cell::Seconds(time)).collect();
    let cpython = contenders.iter().position(|one| one.label == "CPython");
    let ratio = cpython.map(|index| times[index] / times[0]);
    cells.push(ratio.map_or(Cell::None, Cell::Ratio));
    table.row("100,000 lines", cells);
    let mut cells: Vec<_> = times
        .iter()
        .map(|&time| Cell::Count(N_LINES as f64 / time))
        .collect();
    cells.push(Cell::None);
    table.row("lines per second", cells);
    let ratio = ratio.unwrap_or(SPEED_MIN);
    block.floor(
        ratio >= SPEED_MIN,
        format!("compiling: {ratio:.2}x CPython's speed is below {SPEED_MIN}x"),
    );
    block.text = table.markdown();
    block.records = table.records("compile");
    block
}

/// A choice that is the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n_sides: usize) -> usize {
        // Knuth's MMIX generator; its high bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n_sides
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len())]
    }

    fn name(&mut self) -> String {
        let (verb, noun) = (self.pick(&VERBS), self.pick(&NOUNS));
        format!("{verb}_{noun}")
    }

    /// An operand of an expression.
    fn operand(&mut self) -> String {
        match self.roll(9) {
            0 => format!("{}", self.roll(1000)),
            1 => format!("self.{}", self.pick(&NOUNS)),
            2 => format!("{}[{}]", self.pick(&NOUNS), self.roll(4)),
            3 => format!("len({})", self.pick(&NOUNS)),
            4 => format!("'{}'", self.pick(&NOUNS)),
            5 => format!("{}.{}()", self.pick(&NOUNS), self.name()),
            6 => format!(
                "{}({}, key={})",
                self.name(),
                self.pick(&NOUNS),
                self.roll(9)
            ),
            _ => self.pick(&NOUNS).to_owned(),
        }
    }

    fn expression(&mut self) -> String {
        let operators = ["+", "-", "*", "//", "%", "and", "or", "==", "<", "in", "!="];
        let mut text = self.operand();
        for _ in 0..self.roll(3) {
            let (operator, operand) = (self.pick(&operators), self.operand());
            let _ = write!(text, " {operator} {operand}");
        }
        text
    }
}

const VERBS: [&str; 10] = [
    "read", "write", "open", "merge", "split", "check", "count", "find", "drop", "send",
];
const NOUNS: [&str; 14] = [
    "items", "node", "table", "total", "queue", "task", "index", "result", "buffer", "name",
    "limit", "lock", "event", "value",
];

/// A program of at least `n_lines` lines.
fn program(n_lines: usize) -> String {
    let mut dice = Dice(2024);
    let mut text = String::from("import asyncio\nimport json\n");
    let mut n = 2;
    let mut n_classes = 0;
    while n < n_lines {
        let class = class(&mut dice, n_classes);
        n += class.lines().count();
        n_classes += 1;
        text += &class;
    }
    text
}

/// A class of methods, with what stands around it in a program.
fn class(dice: &mut Dice, number: usize) -> String {
    let mut text = format!("\n\nclass Service{number}:\n");
    let _ = writeln!(
        text,
        "    \"\"\"Keeps the {} of {}.\"\"\"\n",
        dice.pick(&NOUNS),
        dice.name()
    );
    let _ = writeln!(text, "    {} = {}\n", dice.name(), dice.roll(100));
    let _ = writeln!(
        text,
        "    def __init__(self, {}, limit=10, *, lock=None):",
        dice.pick(&NOUNS[..6])
    );
    for noun in &NOUNS[..4] {
        let _ = writeln!(
            text,
            "        self.{noun} = [{}, {}]",
            dice.roll(50),
            dice.roll(50)
        );
    }
    for method in 0..4 + dice.roll(8) {
        let is_async = dice.roll(3) == 0;
        let keyword = if is_async { "async def" } else { "def" };
        let _ = writeln!(
            text,
            "\n    {keyword} {}_{method}(self, items, node, table, *rest, **options):",
            dice.name()
        );
        let _ = writeln!(
            text,
            "        total = index = 0\n        result, buffer, queue = [], {{}}, items"
        );
        for _ in 0..2 + dice.roll(6) {
            statement(dice, &mut text, 2, is_async);
        }
        let _ = writeln!(text, "        return {}", dice.expression());
    }
    text
}

fn statement(dice: &mut Dice, text: &mut String, depth: usize, is_async: bool) {
    let pad = "    ".repeat(depth);
    let is_deep = depth > 4;
    let line = match dice.roll(if is_deep { 7 } else { 12 }) {
        0 | 1 => format!("{} = {}", dice.pick(&NOUNS), dice.expression()),
        2 => format!("self.{} += {}", dice.pick(&NOUNS), dice.operand()),
        3 => format!("result.append({})", dice.expression()),
        4 => format!(
            "{} = f\"{{{}}}: {{total:>{}}} of {}\"",
            dice.pick(&NOUNS),
            dice.pick(&NOUNS),
            dice.roll(20),
            dice.pick(&NOUNS)
        ),
        5 => format!(
            "buffer = {{'{}': {}, 'size': len(items), **options}}",
            dice.pick(&NOUNS),
            dice.operand()
        ),
        6 if is_async => format!("await self.{}({})", dice.name(), dice.operand()),
        6 => format!(
            "table = [value * 2 for value in {} if value]",
            dice.pick(&NOUNS)
        ),
        7 | 8 => format!("if {}:", dice.expression()),
        9 => format!("for index, value in enumerate({}):", dice.pick(&NOUNS)),
        10 if is_async => "async with self.lock:".to_owned(),
        10 => format!("with self.{}() as lock:", dice.name()),
        _ => "try:".to_owned(),
    };
    let _ = writeln!(text, "{pad}{line}");
    if line.ends_with(':') {
        for _ in 0..1 + dice.roll(3) {
            statement(dice, text, depth + 1, is_async);
        }
        if line == "try:" {
            let _ = writeln!(text, "{pad}except (ValueError, KeyError) as error:");
            let _ = writeln!(
                text,
                "{pad}    # The caller decides what a missing value means."
            );
            let _ = writeln!(
                text,
                "{pad}    raise RuntimeError(f\"bad {{error}}\") from error"
            );
        } else if line.starts_with("if") && dice.roll(3) == 0 {
            let _ = writeln!(text, "{pad}else:\n{pad}    total -= {}", dice.operand());
        }
    }
}
