//! Takes a body, gives its docstring as scripts see it: CPython 3.13 compile.c
//! `_PyCompile_CleanDoc` takes the common indentation away.

use crate::ast::{ExprKind, Stmt, StmtKind, StrLit};

/// The docstring of a body, cleaned.
pub(super) fn docstring(body: &[Stmt]) -> Option<StrLit> {
    let StmtKind::Expr(value) = &body.first()?.kind else {
        return None;
    };
    match &value.kind {
        ExprKind::Str(StrLit::Text(text)) => Some(StrLit::Text(clean(text))),
        ExprKind::Str(text) => Some(text.clone()),
        _ => None,
    }
}

fn clean(text: &str) -> String {
    let text = expand_tabs(text);
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let is_blank = |line: &str| line.trim_start_matches(' ').is_empty();
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or("");
    let rest: Vec<&str> = lines.collect();
    let counted = rest.iter().filter(|line| !is_blank(line));
    let margin = counted.map(|line| indent(line)).min().unwrap_or(0);
    let mut cleaned = String::from(first.trim_start_matches(' '));
    for line in rest {
        cleaned.push('\n');
        cleaned.push_str(&line[indent(line).min(margin)..]);
    }
    cleaned
}

/// `str.expandtabs` with stops at every eighth column.
fn expand_tabs(text: &str) -> String {
    if !text.contains('\t') {
        return String::from(text);
    }
    let mut expanded = String::with_capacity(text.len() + 8);
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let n = 8 - column % 8;
                expanded.extend(std::iter::repeat_n(' ', n));
                column += n;
            }
            '\n' | '\r' => {
                expanded.push(c);
                column = 0;
            }
            _ => {
                expanded.push(c);
                column += 1;
            }
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn indentation_goes() {
        for (text, cleaned) in [
            ("one", "one"),
            ("  one", "one"),
            ("one\n    two\n      three\n    ", "one\ntwo\n  three\n"),
            ("one\n\n  two\n ", "one\n\ntwo\n"),
            ("one\n\ttwo", "one\ntwo"),
            ("\n    one\n  two\n", "\n  one\ntwo\n"),
        ] {
            assert_eq!(clean(text), cleaned);
        }
    }
}
