//! A table of figures: printed row by row while it is measured, and markdown afterwards, which
//! are the same text. Takes cells with their unit, gives lines; never measures.

use serde_json::{Value, json};
use std::fmt;

/// A figure with its unit.
#[derive(Clone, Copy)]
pub enum Cell {
    Seconds(f64),
    Millis(f64),
    Nanos(f64),
    Bytes(f64),
    Ratio(f64),
    Count(f64),
    /// Not measured, or it failed.
    None,
}

impl Cell {
    fn value(self) -> Option<f64> {
        match self {
            Cell::Seconds(x)
            | Cell::Millis(x)
            | Cell::Nanos(x)
            | Cell::Bytes(x)
            | Cell::Ratio(x)
            | Cell::Count(x) => Some(x),
            Cell::None => None,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match *self {
            Cell::Seconds(x) => format!("{x:.3} s"),
            Cell::Millis(x) => format!("{x:.1} ms"),
            Cell::Nanos(x) => format!("{x:.0} ns"),
            Cell::Bytes(x) => format!("{x:.0} B"),
            Cell::Ratio(x) => format!("{x:.2}x"),
            Cell::Count(x) => format!("{x:.0}"),
            Cell::None => "-".to_owned(),
        };
        f.pad(&text)
    }
}

/// See the module's text.
pub struct Table {
    heads: Vec<String>,
    rows: Vec<(String, Vec<Cell>)>,
    lines: Vec<String>,
}

const NAME_WIDTH: usize = 30;
const CELL_WIDTH: usize = 9;

impl Table {
    /// A table, whose head is printed at once.
    pub fn new(name: &str, heads: &[String]) -> Table {
        let mut head = format!("| {name:<NAME_WIDTH$} |");
        let mut rule = format!("|{:-<1$}|", "", NAME_WIDTH + 2);
        for title in heads {
            let width = CELL_WIDTH.max(title.len());
            head += &format!(" {title:>width$} |");
            rule += &format!("{:->1$}:|", "", width + 1);
        }
        println!("{head}\n{rule}");
        Table {
            heads: heads.to_vec(),
            rows: Vec::new(),
            lines: vec![head, rule],
        }
    }

    /// Adds a row and prints it.
    pub fn row(&mut self, name: &str, cells: Vec<Cell>) {
        let mut line = format!("| {name:<NAME_WIDTH$} |");
        for (cell, head) in cells.iter().zip(&self.heads) {
            line += &format!(" {cell:>0$} |", CELL_WIDTH.max(head.len()));
        }
        println!("{line}");
        self.lines.push(line);
        self.rows.push((name.to_owned(), cells));
    }

    /// The table as markdown.
    pub fn markdown(&self) -> String {
        self.lines.join("\n") + "\n"
    }

    /// One record per row.
    pub fn records(&self, block: &str) -> Vec<Value> {
        let record = |(name, cells): &(String, Vec<Cell>)| {
            let mut record = json!({ "block": block, "name": name });
            for (head, cell) in self.heads.iter().zip(cells) {
                record[head] = json!(cell.value());
            }
            record
        };
        self.rows.iter().map(record).collect()
    }
}
