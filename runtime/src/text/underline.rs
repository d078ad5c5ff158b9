//! The source lines of a traceback's entry, with lines of `^` and `~` below what failed. Takes
//! lines and a range of columns, gives text; knows the grammar, but neither files nor frames.
//! CPython 3.13 traceback.py StackSummary.format_frame_summary.

use lockstep_lang::ast::{Expr, ExprKind, Stmt, StmtKind};
use lockstep_lang::parser::parse_module;
use lockstep_lang::source::Source;

use super::unicode;

/// What stands before each line.
const INDENT: &str = "    ";

/// The part of an expression that failed itself, as its operator: the rest of the expression is
/// underlined with `~`. Both are byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Anchor {
    start: usize,
    end: usize,
}

/// A place in lines: both count from 0, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    line: usize,
    column: usize,
}

/// The lines from the first of an instruction to its last, which begins at byte `start` of the
/// first and ends at byte `end` of the last. Each line of the result ends with a newline; of many
/// lines only the significant ones are shown. Empty where there is nothing but blanks.
pub fn underlined(text: &str, start: usize, end: usize) -> String {
    let original: Vec<&str> = text.lines().map(str::trim_end).collect();
    let (Some(first), Some(last)) = (original.first(), original.last()) else {
        return String::new();
    };
    if original.iter().all(|line| line.is_empty()) {
        return String::new();
    }
    let lines = dedented(&original);
    let n_cut = n_chars(first).saturating_sub(n_chars(lines[0]));
    let start = chars_before(first, start).saturating_sub(n_cut);
    let end = chars_before(last, end).saturating_sub(n_cut);
    let layout = Layout::of(lines, start, end);
    let mut out = Vec::new();
    let mut before = None;
    for at in layout.significant() {
        if let Some(before) = before {
            match at - before {
                0 | 1 => {}
                2 => layout.push_line(at - 1, &mut out),
                n => out.push(format!("...<{} lines>...", n - 1)),
            }
        }
        layout.push_line(at, &mut out);
        before = Some(at);
    }
    let shown: Vec<&str> = out.iter().map(String::as_str).collect();
    let shown = dedented(&shown);
    shown
        .iter()
        .map(|line| format!("{INDENT}{line}\n"))
        .collect()
}

struct Layout<'a> {
    lines: Vec<&'a str>,
    start_width: usize,
    end_width: usize,
    /// The first and the last place of what is underlined with `^`, the column in widths; all is,
    /// where there is none.
    anchor: Option<(Place, Place)>,
    is_underlined: bool,
}

impl Layout<'_> {
    fn of(lines: Vec<&str>, start: usize, end: usize) -> Layout<'_> {
        let last = lines.len() - 1;
        let segment = segment(&lines, start, end);
        // What isn't an expression may become one in parentheses: `) (`.
        let found = anchor(&segment).filter(|anchor| anchor.end <= segment.len());
        let place = |offset: usize| {
            let before = &segment[..offset];
            let line = before.matches('\n').count();
            let column = n_chars(before.rsplit('\n').next().unwrap_or(""));
            let column = if line == 0 { column + start } else { column };
            Place {
                line,
                column: width(lines[line.min(last)], column),
            }
        };
        let is_underlined = !is_whole_call(&lines, start, end)
            && (found.is_some()
                || !lines[0][..byte_at(lines[0], start)].trim().is_empty()
                || !lines[last][byte_at(lines[last], end)..].trim().is_empty());
        Layout {
            start_width: width(lines[0], start),
            end_width: width(lines[last], end),
            anchor: found.map(|anchor| (place(anchor.start), place(anchor.end))),
            is_underlined,
            lines,
        }
    }

    /// The lines that are shown: the first, the last, and those around the ends of the anchor.
    fn significant(&self) -> Vec<usize> {
        let mut significant = vec![0, self.lines.len() - 1];
        for place in self.anchor.iter().flat_map(|&(start, end)| [start, end]) {
            significant.extend(place.line.saturating_sub(1)..=place.line + 1);
        }
        significant.retain(|&line| line < self.lines.len());
        significant.sort_unstable();
        significant.dedup();
        significant
    }

    fn push_line(&self, at: usize, out: &mut Vec<String>) {
        let line = self.lines[at];
        out.push(line.to_owned());
        if !self.is_underlined {
            return;
        }
        let n_blank = n_chars(line) - n_chars(line.trim_start());
        let n = match at == self.lines.len() - 1 {
            true => self.end_width,
            false => width(line, usize::MAX),
        };
        let mark = |column: usize| {
            if column < n_blank || at == 0 && column < self.start_width {
                return ' ';
            }
            let here = Place { line: at, column };
            match self.anchor {
                Some((start, end)) if here < start || here >= end => '~',
                _ => '^',
            }
        };
        out.push((0..n).map(mark).collect());
    }
}

/// Whether all that the lines hold is a call: `return f()`, or `x = f()`. No line is needed then.
fn is_whole_call(lines: &[&str], start: usize, end: usize) -> bool {
    let text = lines.join("\n");
    let Some(statement) = first_statement(&text) else {
        return false;
    };
    let call = match &statement.kind {
        StmtKind::Return(Some(value)) => match &value.kind {
            ExprKind::Call(call) if matches!(call.func.kind, ExprKind::Name(_)) => Some(value),
            _ => None,
        },
        StmtKind::Assign { targets, value } => match (&targets[..], &value.kind) {
            ([target], ExprKind::Call(_)) if matches!(target.kind, ExprKind::Name(_)) => {
                Some(value)
            }
            _ => None,
        },
        _ => None,
    };
    let last_start = text.len() - lines[lines.len() - 1].len();
    call.is_some_and(|call| {
        let (from, to) = (call.span.start as usize, call.span.end as usize);
        from == start && to.checked_sub(last_start) == Some(end)
    })
}

/// Where an operator, a subscript or the arguments of a call stand, if the text is such an
/// expression: CPython 3.13 traceback.py _extract_caret_anchors_from_line_segment.
fn anchor(segment: &str) -> Option<Anchor> {
    // In parentheses it may have several lines.
    const OPENING: usize = 2;
    let statement = first_statement(&format!("(\n{segment}\n)"))?;
    let StmtKind::Expr(expr) = &statement.kind else {
        return None;
    };
    let end_of = |expr: &Expr| (expr.span.end as usize).checked_sub(OPENING);
    match &expr.kind {
        ExprKind::Binary(binary) => {
            let last = binary.rest.last()?;
            let left = match binary.rest.len() {
                1 => &binary.first,
                n => &binary.rest[n - 2].operand,
            };
            let right = (last.operand.span.start as usize).checked_sub(OPENING)?;
            let start = find(segment, end_of(left)?, |c| !is_space(c) && c != ')')?;
            let mut end = start + segment[start..].chars().next()?.len_utf8();
            // An operator has one or two characters, and something may stand right behind it.
            if end < right
                && let Some(c) = segment[end..].chars().next()
                && !is_space(c)
                && !matches!(c, '\\' | '#')
            {
                end += c.len_utf8();
            }
            Some(Anchor { start, end })
        }
        ExprKind::Subscript { value, .. } => Some(Anchor {
            start: find(segment, end_of(value)?, |c| c == '[')?,
            end: end_of(expr)?,
        }),
        ExprKind::Call(call) => Some(Anchor {
            start: find(segment, end_of(&call.func)?, |c| c == '(')?,
            end: end_of(expr)?,
        }),
        _ => None,
    }
}

/// The first place from `at` on where `is_it` holds, outside of comments and of what continues a
/// line.
fn find(text: &str, mut at: usize, is_it: impl Fn(char) -> bool) -> Option<usize> {
    loop {
        let c = text.get(at..)?.chars().next()?;
        match c {
            '\\' | '#' => at += text[at..].find('\n')? + 1,
            '\n' => at += 1,
            c if is_it(c) => return Some(at),
            c => at += c.len_utf8(),
        }
    }
}

/// The first statement of a text, if all of it can be parsed.
fn first_statement(text: &str) -> Option<Stmt> {
    let parsed = parse_module(&Source::new("", text));
    match parsed.diagnostics.is_empty() {
        true => parsed.module.body.into_iter().next(),
        false => None,
    }
}

/// What stands between a column of the first line and one of the last.
fn segment(lines: &[&str], start: usize, end: usize) -> String {
    let text = lines.join("\n");
    let last = lines[lines.len() - 1];
    let from = byte_at(lines[0], start);
    let to = text.len() - last.len() + byte_at(last, end);
    text.get(from..to).unwrap_or("").to_owned()
}

/// The lines without the blanks that all of them begin with. One of nothing but blanks is empty.
fn dedented<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let blank = [' ', '\t'];
    let is_blank = |line: &str| line.trim_matches(blank).is_empty();
    let mut margin: Option<&str> = None;
    for line in lines.iter().filter(|line| !is_blank(line)) {
        let own = &line[..line.len() - line.trim_start_matches(blank).len()];
        let common = margin.map_or(own, |margin| {
            let both = margin.bytes().zip(own.bytes());
            &own[..both.take_while(|(a, b)| a == b).count()]
        });
        margin = Some(common);
    }
    let n = margin.map_or(0, str::len);
    let cut = |line: &&'a str| if is_blank(line) { "" } else { &line[n..] };
    lines.iter().map(cut).collect()
}

fn is_space(c: char) -> bool {
    unicode::is_space(c.into())
}

fn n_chars(text: &str) -> usize {
    text.chars().count()
}

/// How many characters begin before a byte offset.
fn chars_before(line: &str, offset: usize) -> usize {
    line.char_indices()
        .take_while(|&(at, _)| at < offset)
        .count()
}

/// The byte offset of a column; the line's end where it is shorter.
fn byte_at(line: &str, column: usize) -> usize {
    line.char_indices()
        .nth(column)
        .map_or(line.len(), |(at, _)| at)
}

/// How wide a terminal shows what stands before a column.
fn width(line: &str, column: usize) -> usize {
    if line.is_ascii() {
        return match column {
            usize::MAX => line.len(),
            column => column,
        };
    }
    let wide = |c: char| if unicode::is_wide(c.into()) { 2 } else { 1 };
    line.chars().take(column).map(wide).sum()
}

#[cfg(test)]
mod tests {
    use super::underlined;

    #[test]
    fn columns_may_be_anything() {
        let texts = [
            "",
            " ",
            "x",
            "() ()",
            "\t日本[1] +\n  f(é)",
            "a\\\n#",
            "'\\d' + b",
            "f(\n\n\n\n)",
        ];
        for text in texts {
            for start in 0..=text.len() + 1 {
                for end in 0..=text.len() + 1 {
                    let shown = underlined(text, start, end);
                    assert!(
                        shown.lines().all(|line| line.starts_with("    ")),
                        "{shown}"
                    );
                }
            }
        }
    }

    #[test]
    fn an_operator_is_marked_within_its_expression() {
        let shown = underlined("    x = a + b * c", 8, 17);
        assert_eq!(shown, "    x = a + b * c\n        ~~^~~~~~~\n");
        assert_eq!(underlined("return f(1)", 7, 11), "    return f(1)\n");
        assert_eq!(
            underlined("y = '日' + n", 4, 13),
            "    y = '日' + n\n        ~~~~~^~~\n"
        );
    }
}
