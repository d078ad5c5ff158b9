//! Takes diagnostics and their source, gives the report that a reader sees.
//! Draws with ariadne from excerpts: long lines are cut to a window, and only
//! the lines that a diagnostic points at are handed on.

use std::ops::Range;

use ariadne::{CharSet, Color, Config, IndexType, Label, Report, ReportKind};

use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

/// How many diagnostics are drawn; the rest are counted.
const DRAWN_MAX: usize = 20;
/// How much of a line is shown before and after where a span starts.
const CHARS_BEFORE: usize = 60;
const CHARS_AFTER: usize = 100;

/// The report of all diagnostics, ready to be printed. The caller prints
/// [`Diagnostic::last_line`] of the first one after it.
pub fn render(source: &Source, diagnostics: &[Diagnostic], color: bool) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(DRAWN_MAX) {
        out.push_str(&draw(source, diagnostic, color));
    }
    let n_more = diagnostics.len().saturating_sub(DRAWN_MAX);
    if n_more > 0 {
        out.push_str(&format!("… and {n_more} more\n"));
    }
    out
}

fn draw(source: &Source, diagnostic: &Diagnostic, color: bool) -> String {
    let spans: Vec<Span> = std::iter::once(diagnostic.span)
        .chain(diagnostic.labels.iter().map(|label| label.span))
        .collect();
    let excerpt = Excerpt::new(source, &spans);
    let id = source.name().to_string();
    let main = excerpt.place(diagnostic.span);
    let config = Config::default()
        .with_index_type(IndexType::Byte)
        .with_char_set(CharSet::Unicode)
        .with_color(color);
    let kind = ReportKind::Custom(diagnostic.exception.name(), Color::Red);
    let mut report = Report::build(kind, (id.clone(), main.clone()))
        .with_config(config)
        .with_code(diagnostic.code)
        .with_message(&diagnostic.message)
        .with_label(
            Label::new((id.clone(), main.clone()))
                .with_message("here")
                .with_color(Color::Red),
        );
    for label in &diagnostic.labels {
        report.add_label(
            Label::new((id.clone(), excerpt.place(label.span)))
                .with_message(&label.text)
                .with_color(Color::Cyan),
        );
    }
    if let Some(help) = &diagnostic.help {
        report.set_help(help);
    }
    let mut bytes = Vec::new();
    let drawn = ariadne::Source::from(excerpt.text.as_str());
    let written = report.finish().write((id, drawn), &mut bytes);
    // Writing to memory fails only if ariadne can't place a span; the words are
    // what matters then.
    if written.is_err() {
        return format!("[{}] {}\n", diagnostic.code, diagnostic.last_line());
    }
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if !color {
        // ariadne colours a custom kind whatever the configuration says.
        text = without_escapes(&text);
    }
    let lines = text.lines().map(|line| line.trim_end().to_string() + "\n");
    let text: String = lines.collect();
    excerpt.correct_column(source, diagnostic.span, text)
}

/// The text without ANSI colour sequences. Excerpts hold none: control
/// characters have become blanks there.
fn without_escapes(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let mut out = pieces.next().unwrap_or("").to_string();
    for piece in pieces {
        out.push_str(piece.split_once('m').map_or("", |(_, rest)| rest));
    }
    out
}

/// The lines that some spans touch, each cut to a window, with empty lines for
/// all before and between them.
struct Excerpt {
    text: String,
    // Invariant: in the order of the source, without overlap.
    windows: Vec<Window>,
}

/// A stretch of the source that the excerpt shows, and where it shows it.
struct Window {
    source: Range<usize>,
    /// Where in the excerpt the stretch starts.
    at: usize,
    line: u32,
}

impl Excerpt {
    fn new(source: &Source, spans: &[Span]) -> Excerpt {
        let mut points: Vec<(u32, usize)> = spans
            .iter()
            .map(|span| (source.line(span.start), span.start as usize))
            .collect();
        points.sort_unstable();
        // One window per line: around the first span on it.
        points.dedup_by_key(|(line, _)| *line);
        let mut excerpt = Excerpt {
            text: String::new(),
            windows: Vec::new(),
        };
        let mut line = 1;
        for (wanted, at) in points {
            while line < wanted {
                excerpt.text.push('\n');
                line += 1;
            }
            excerpt.push_line(source, line, at);
        }
        excerpt.text.push('\n');
        excerpt
    }

    fn push_line(&mut self, source: &Source, line: u32, at: usize) {
        let text = source.line_text(line);
        let line_start = source.line_start(line) as usize;
        let middle = floor_boundary(text, at.saturating_sub(line_start));
        let from = text[..middle]
            .char_indices()
            .rev()
            .nth(CHARS_BEFORE - 1)
            .map_or(0, |(at, _)| at);
        let to = text[middle..]
            .char_indices()
            .nth(CHARS_AFTER)
            .map_or(text.len(), |(at, _)| middle + at);
        if from > 0 {
            self.text.push('…');
        }
        self.windows.push(Window {
            source: line_start + from..line_start + to,
            at: self.text.len(),
            line,
        });
        // What ariadne takes for a line end, but Python does not, becomes
        // something of the same length.
        for c in text[from..to].chars() {
            match c {
                '\t' => self.text.push('\t'),
                c if c.is_ascii_control() => self.text.push(' '),
                '\u{85}' => self.text.push('\u{a0}'),
                '\u{2028}' | '\u{2029}' => self.text.push('\u{fffd}'),
                c => self.text.push(c),
            }
        }
        if to < text.len() {
            self.text.push('…');
        }
    }

    /// Where a span is in the excerpt: cut to its first line's window, and at
    /// least one character long where there is one.
    fn place(&self, span: Span) -> Range<usize> {
        let start = span.start as usize;
        let window = self
            .windows
            .iter()
            .find(|window| start <= window.source.end)
            .or(self.windows.last());
        let Some(window) = window else {
            return 0..0;
        };
        let place = |offset: usize| {
            let inside = offset.clamp(window.source.start, window.source.end);
            floor_boundary(&self.text, window.at + inside - window.source.start)
        };
        let from = place(start);
        let to = place(span.end as usize);
        if to > from {
            return from..to;
        }
        let next = self.text[from..].chars().next().map_or(0, char::len_utf8);
        from..from + next
    }

    /// ariadne counts the column in the excerpt; the header should have the file's.
    fn correct_column(&self, source: &Source, span: Span, text: String) -> String {
        let Some(window) = self
            .windows
            .iter()
            .find(|window| window.line == source.line(span.start) && window.at > 0)
        else {
            return text;
        };
        let column = source.line_col(span.start).column;
        let from = self.place(span).start;
        let line_start = self.text[..from].rfind('\n').map_or(0, |at| at + 1);
        let shown = self.text[line_start..from].chars().count() + 1;
        let header = |column: u32| format!("{}:{}:{column} ", source.name(), window.line);
        text.replacen(&header(shown as u32), &header(column), 1)
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parser::parse_module;
    use expect_test::{Expect, expect};

    fn check(text: &str, expect: Expect) {
        let source = Source::new("demo.async", text);
        let parsed = parse_module(&source);
        expect.assert_eq(&render(&source, &parsed.diagnostics, false));
    }

    #[test]
    fn one_fault() {
        check(
            "x = 1\ny = 2 3\n",
            expect![[r#"
                [E0100] SyntaxError: invalid syntax
                   ╭─[ demo.async:2:7 ]
                   │
                 2 │ y = 2 3
                   │       ┬
                   │       ╰── here
                ───╯
            "#]],
        );
    }

    #[test]
    fn non_ascii_text_keeps_the_place() {
        check(
            "größe = 'ünï' + )\n",
            expect![[r#"
                [E0031] SyntaxError: unmatched ')'
                   ╭─[ demo.async:1:17 ]
                   │
                 1 │ größe = 'ünï' + )
                   │                 ┬
                   │                 ╰── here
                ───╯
            "#]],
        );
    }

    #[test]
    fn labels_on_other_lines() {
        check(
            "f(a,\n\n\n\n  b]\n",
            expect![[r#"
                [E0032] SyntaxError: closing parenthesis ']' does not match opening parenthesis '(' on line 1
                   ╭─[ demo.async:5:4 ]
                   │
                 5 │   b]
                   │    ┬
                   │    ╰── here
                   │
                   ├─[ demo.async:5:4 ]
                   │
                 1 │ f(a,
                   │  ┬
                   │  ╰── opened here
                ───╯
            "#]],
        );
        check(
            "if a:\nb\n",
            expect![[r#"
                [E0023] IndentationError: expected an indented block after 'if' statement on line 1
                   ╭─[ demo.async:2:1 ]
                   │
                 2 │ b
                   │ ┬
                   │ ╰── here
                   │
                   ├─[ demo.async:2:1 ]
                   │
                 1 │ if a:
                   │ ┬
                   │ ╰── its block is missing
                ───╯
            "#]],
        );
    }

    #[test]
    fn form_feeds_are_no_lines() {
        check(
            "\x0c\x0ca = 1\n'\x0c' ? 2\n",
            expect![[r#"
                [E0100] SyntaxError: invalid syntax
                   ╭─[ demo.async:2:5 ]
                   │
                 2 │ ' ' ? 2
                   │     ┬
                   │     ╰── here
                ───╯
            "#]],
        );
    }

    #[test]
    fn a_long_line_is_cut() {
        let long = format!(
            "x = [{}? {}]\n",
            "ä, ".repeat(100_000),
            "b, ".repeat(100_000)
        );
        check(
            &long,
            expect![[r#"
                [E0100] SyntaxError: invalid syntax
                   ╭─[ demo.async:1:300006 ]
                   │
                 1 │ …ä, ä, ä, ä, ä, ä, ä, ä, ä, ä, ä, ä, ä, ä, ä, ä, ä, ä, ä, ä, ? b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b,…
                   │                                                              ┬
                   │                                                              ╰── here
                ───╯
            "#]],
        );
    }

    #[test]
    fn the_end_of_the_text() {
        check(
            "if a:",
            expect![[r#"
                [E0023] IndentationError: expected an indented block after 'if' statement on line 1
                   ╭─[ demo.async:1:6 ]
                   │
                 1 │ if a:
                   │ ┬    ┬
                   │ ╰─────── its block is missing
                   │      │
                   │      ╰── here
                ───╯
            "#]],
        );
        check(
            "(",
            expect![[r#"
                [E0033] SyntaxError: '(' was never closed
                   ╭─[ demo.async:1:1 ]
                   │
                 1 │ (
                   │ ┬
                   │ ╰── here
                ───╯
            "#]],
        );
    }
}
