//! Takes text, gives the token list that the parser reads: NEWLINE, INDENT and
//! DEDENT stand where the grammar wants them, line ends inside brackets are
//! gone, f-strings are in pieces. What can't be a token becomes an `Error`
//! token and a diagnostic. Never looks at what tokens mean together.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::lexer::{LexFault, Lexer, NumberFault, PieceEnd, Raw};
use crate::source::{Source, Span};
use crate::token::{Token, TokenKind};

/// CPython's MAXLEVEL.
const BRACKET_DEPTH_MAX: usize = 200;
/// CPython's MAXINDENT, which counts the zero column.
const INDENT_DEPTH_MAX: usize = 100;
/// CPython's MAXFSTRINGLEVEL.
const FSTRING_DEPTH_MAX: usize = 150;
/// How deep fields nest in format specs.
const SPEC_DEPTH_MAX: usize = 3;
const TAB_COLUMNS: usize = 8;

/// The tokens of one text. The last is `End`, the one before it closes the last line.
pub struct Layout {
    pub tokens: Vec<Token>,
    /// One for each `Error` token and each fault of indentation; in the order of `at`.
    pub faults: Vec<LexicalFault>,
    /// The text stops inside a bracket, a triple-quoted string or after a
    /// backslash, and more text may complete it.
    pub cut_off: bool,
}

/// A fault of the characters, whatever they mean together.
#[derive(Clone, Debug)]
pub struct LexicalFault {
    pub diagnostic: Diagnostic,
    /// Where it is noticed.
    pub at: u32,
    pub weight: Weight,
}

/// What a lexical fault counts beside a fault of the grammar that comes before it.
///
/// CPython 3.13 pegen_errors.c: after a fault of the grammar the rest of the
/// file is read for tokens, to see whether one of them says more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// It replaces the fault of the grammar.
    Overrides,
    /// It ends the reading.
    Quiet,
    /// A bracket that is never closed: it replaces what is faulty on a later
    /// line than the bracket's, which the diagnostic points at.
    Unclosed,
}

/// Makes the tokens of a source. Never fails: faults are in the result.
pub fn lay_out(source: &Source) -> Layout {
    let mut pass = Pass {
        source,
        lexer: Lexer::new(source.text()),
        tokens: Vec::with_capacity(source.text().len() / 4 + 4),
        faults: Vec::new(),
        brackets: Vec::new(),
        indents: vec![Indent {
            columns: 0,
            columns_tab1: 0,
        }],
        abandoned: Vec::new(),
        spilled: Vec::new(),
        fstrings: Vec::new(),
        cut_off: false,
    };
    pass.run();
    pass.finish()
}

#[derive(Clone, Copy)]
struct Bracket {
    kind: TokenKind,
    span: Span,
}

/// A bracket that a statement's keyword stands in. CPython goes on inside the
/// bracket, and whether it is closed in the end decides what is at fault.
struct Abandoned {
    bracket: Bracket,
    keyword: Span,
    // Which fault says that it is never closed; only the innermost one has one.
    fault_idx: Option<usize>,
}

/// The brace of a field whose format spec the f-string's quotes have cut short. CPython takes
/// what follows for its inside: the next closing bracket closes it, or doesn't match.
struct Spilled {
    bracket: Bracket,
    // How many brackets and f-strings are open where it counts.
    n_brackets: usize,
    n_fstrings: usize,
}

/// An indentation measured twice: with tabs to multiples of 8, and with tabs
/// as one column. Where the two disagree on which is deeper, tabs and spaces
/// are mixed inconsistently.
#[derive(Clone, Copy)]
struct Indent {
    columns: usize,
    columns_tab1: usize,
}

/// An f-string whose closing quotes are still to come.
struct OpenFString {
    quote: &'static str,
    raw: bool,
    start: Span,
    // How many brackets were open where it starts.
    n_brackets: usize,
    fields: Vec<Field>,
}

/// A field of an f-string: its `{` is on the bracket stack.
struct Field {
    // The depth of the bracket stack, with the field's own brace.
    n_brackets: usize,
    in_spec: bool,
}

impl OpenFString {
    /// Whether literal text comes next, rather than tokens of an expression.
    fn in_text(&self) -> bool {
        self.fields.last().is_none_or(|field| field.in_spec)
    }
}

struct Pass<'s> {
    source: &'s Source,
    lexer: Lexer<'s>,
    tokens: Vec<Token>,
    faults: Vec<LexicalFault>,
    brackets: Vec<Bracket>,
    // Invariant: never empty, ascending, the first is column zero.
    indents: Vec<Indent>,
    // Brackets that were left open when a statement's keyword came.
    abandoned: Vec<Abandoned>,
    spilled: Vec<Spilled>,
    fstrings: Vec<OpenFString>,
    cut_off: bool,
}

impl<'s> Pass<'s> {
    fn run(&mut self) {
        self.start_line();
        // The line end that the token before this one was, inside brackets.
        let mut hidden_newline = None;
        loop {
            if self.fstrings.last().is_some_and(OpenFString::in_text) {
                self.fstring_piece();
                continue;
            }
            let Some((raw, span)) = self.lexer.next_raw() else {
                return;
            };
            match raw {
                Ok(Raw::Newline) => {
                    if self.brackets.is_empty() {
                        self.push(TokenKind::Newline, span);
                        self.start_line();
                    } else {
                        hidden_newline = Some(span);
                    }
                    continue;
                }
                Ok(Raw::Continuation) => {}
                Ok(Raw::Name) => self.push(TokenKind::Name, span),
                Ok(Raw::Number(kind)) => self.push(kind, span),
                Ok(Raw::Str) => self.push(TokenKind::Str, span),
                Ok(Raw::Bytes) => self.push(TokenKind::Bytes, span),
                Ok(Raw::FStringStart) => self.open_fstring(span),
                Ok(Raw::Fixed(kind)) => match hidden_newline {
                    Some(newline) if self.fstrings.is_empty() && starts_only_statements(kind) => {
                        self.leave_brackets(newline, span);
                    }
                    _ => self.fixed(kind, span),
                },
                Err(fault) => self.lex_fault(fault, span),
            }
            hidden_newline = None;
        }
    }

    fn push(&mut self, kind: TokenKind, span: Span) {
        self.tokens.push(Token { kind, span });
    }

    /// The `Error` token stands at `at`; the diagnostic may point elsewhere.
    fn fault(&mut self, at: Span, diagnostic: Diagnostic) {
        self.push(TokenKind::Error, at);
        self.faults.push(LexicalFault {
            diagnostic,
            at: at.start,
            // In an f-string the field's own fault says more.
            weight: if self.fstrings.is_empty() {
                Weight::Overrides
            } else {
                Weight::Quiet
            },
        });
    }

    /// A fault that CPython's tokenizer notices, but does not name by itself.
    fn quiet_fault(&mut self, at: u32, diagnostic: Diagnostic) {
        self.faults.push(LexicalFault {
            diagnostic,
            at,
            weight: Weight::Quiet,
        });
    }

    // ------------------------------------------------------------ indentation

    /// Skips empty lines and compares the next line's indentation with the open blocks.
    fn start_line(&mut self) {
        let indent = loop {
            let (indent, n_bytes) = self.measure();
            self.lexer.skip(n_bytes);
            let rest = self.lexer.rest().as_bytes();
            match rest.first() {
                None => return,
                Some(b'#') => {
                    let line_end = rest.iter().position(|&byte| matches!(byte, b'\n' | b'\r'));
                    self.lexer.skip(line_end.unwrap_or(rest.len()));
                }
                Some(b'\n' | b'\r') => {}
                Some(_) => break indent,
            }
            let rest = self.lexer.rest();
            if rest.starts_with("\r\n") {
                self.lexer.skip(2);
            } else if !rest.is_empty() {
                self.lexer.skip(1);
            }
        };
        let end = self.lexer.position() as u32;
        let line_start = self.source.line_start(self.source.line(end));
        self.compare_indent(indent, Span::new(line_start, end), Span::new(end, end));
    }

    /// The indentation here and how many bytes of blanks make it. A backslash
    /// and a line end among them are skipped, and what follows counts for nothing.
    fn measure(&self) -> (Indent, usize) {
        let bytes = self.lexer.rest().as_bytes();
        let mut indent = Indent {
            columns: 0,
            columns_tab1: 0,
        };
        let mut continued = None;
        let mut at = 0;
        loop {
            match bytes.get(at) {
                Some(b' ') => {
                    indent.columns += 1;
                    indent.columns_tab1 += 1;
                }
                Some(b'\t') => {
                    indent.columns = (indent.columns / TAB_COLUMNS + 1) * TAB_COLUMNS;
                    indent.columns_tab1 += 1;
                }
                Some(b'\x0c') => {
                    indent.columns = 0;
                    indent.columns_tab1 = 0;
                }
                Some(b'\\') => {
                    let n_bytes = match (bytes.get(at + 1), bytes.get(at + 2)) {
                        (Some(b'\r'), Some(b'\n')) => 3,
                        (Some(b'\n' | b'\r'), _) => 2,
                        _ => break,
                    };
                    // At the end of the text the lexer must see the backslash.
                    if at + n_bytes == bytes.len() {
                        break;
                    }
                    continued.get_or_insert(indent);
                    at += n_bytes;
                    continue;
                }
                _ => break,
            }
            at += 1;
        }
        (continued.unwrap_or(indent), at)
    }

    fn compare_indent(&mut self, indent: Indent, blanks: Span, here: Span) {
        let top = self.top_indent();
        let tab_error = || {
            Diagnostic::new(
                "E0020",
                ErrorClass::TabError,
                "inconsistent use of tabs and spaces in indentation",
                blanks,
            )
            .help("indent every line of a block with the same tabs and spaces")
        };
        if indent.columns == top.columns {
            if indent.columns_tab1 != top.columns_tab1 {
                self.quiet_fault(here.start, tab_error());
            }
        } else if indent.columns > top.columns {
            if self.indents.len() >= INDENT_DEPTH_MAX {
                let diagnostic = Diagnostic::new(
                    "E0022",
                    ErrorClass::IndentationError,
                    "too many levels of indentation",
                    blanks,
                );
                self.quiet_fault(here.start, diagnostic);
                return;
            }
            if indent.columns_tab1 <= top.columns_tab1 {
                self.quiet_fault(here.start, tab_error());
            }
            self.indents.push(indent);
            self.push(TokenKind::Indent, blanks);
        } else {
            while indent.columns < self.top_indent().columns {
                self.indents.pop();
                self.push(TokenKind::Dedent, here);
            }
            let top = self.top_indent();
            if indent.columns != top.columns {
                let diagnostic = Diagnostic::new(
                    "E0021",
                    ErrorClass::IndentationError,
                    "unindent does not match any outer indentation level",
                    blanks,
                );
                self.quiet_fault(here.start, diagnostic);
            } else if indent.columns_tab1 != top.columns_tab1 {
                self.quiet_fault(here.start, tab_error());
            }
        }
    }

    fn top_indent(&self) -> Indent {
        *self
            .indents
            .last()
            .expect("column zero is never popped: no indentation is below it")
    }

    // --------------------------------------------------------------- brackets

    fn fixed(&mut self, kind: TokenKind, span: Span) {
        use TokenKind as T;
        match kind {
            T::LParen | T::LBracket | T::LBrace => self.open_bracket(kind, span),
            T::RParen | T::RBracket | T::RBrace => self.close_bracket(kind, span),
            T::Colon => {
                let n_brackets = self.brackets.len();
                let field = self.fstrings.last_mut().and_then(|f| f.fields.last_mut());
                if let Some(field) = field
                    && field.n_brackets == n_brackets
                {
                    field.in_spec = true;
                    self.push(kind, span);
                } else if self.lexer.rest().starts_with('=') {
                    self.lexer.skip(1);
                    self.push(T::ColonEqual, Span::new(span.start, span.end + 1));
                } else {
                    self.push(kind, span);
                }
            }
            _ => self.push(kind, span),
        }
    }

    fn open_bracket(&mut self, kind: TokenKind, span: Span) {
        if self.brackets.len() >= BRACKET_DEPTH_MAX {
            // Said once; the rest of the text is skipped, as every further
            // bracket would only repeat it.
            let diagnostic = Diagnostic::syntax("E0030", "too many nested parentheses", span);
            self.fault(span, diagnostic);
            self.give_up();
            return;
        }
        self.brackets.push(Bracket { kind, span });
        self.push(kind, span);
    }

    /// Drops the rest of the text and all that is open.
    fn give_up(&mut self) {
        let n_bytes = self.lexer.rest().len();
        self.lexer.skip(n_bytes);
        self.brackets.clear();
        self.fstrings.clear();
    }

    /// Reports the innermost open bracket, if there is one. Gives the fault's index.
    fn unclosed(&mut self, here: Span) -> Option<usize> {
        let spilled = self.spilled.last().map(|spilled| &spilled.bracket);
        let bracket = self.brackets.last().or(spilled)?;
        let message = format!("'{}' was never closed", bracket.kind.text());
        let diagnostic = Diagnostic::syntax("E0033", message, bracket.span);
        self.push(TokenKind::Error, here);
        self.faults.push(LexicalFault {
            diagnostic,
            at: here.start,
            weight: Weight::Unclosed,
        });
        Some(self.faults.len() - 1)
    }

    /// A line inside brackets that starts with a statement's keyword: no
    /// expression can go on there, so that a bracket was left open before it.
    /// Ends the line at `newline`, and reads the next one as a statement.
    fn leave_brackets(&mut self, newline: Span, keyword: Span) {
        let mut fault_idx = self.unclosed(Span::new(newline.start, newline.start));
        for bracket in self.brackets.drain(..).rev() {
            self.abandoned.push(Abandoned {
                bracket,
                keyword,
                fault_idx: fault_idx.take(),
            });
        }
        // Outer brackets stand below inner ones, as on the bracket stack.
        let n_before = self.abandoned.len();
        let from = self
            .abandoned
            .iter()
            .rposition(|abandoned| abandoned.fault_idx.is_some())
            .unwrap_or(n_before);
        self.abandoned[from..].reverse();
        self.push(TokenKind::Newline, newline);
        self.lexer.seek(newline.end as usize);
        self.start_line();
    }

    /// A bracket is closed that was abandoned: the keyword in it was the fault.
    fn close_abandoned(&mut self, abandoned: Abandoned, span: Span) {
        if let Some(fault_idx) = abandoned.fault_idx {
            let fault = &mut self.faults[fault_idx];
            fault.diagnostic = Diagnostic::syntax("E0100", "invalid syntax", abandoned.keyword);
            fault.weight = Weight::Quiet;
        }
        // What this line is cannot be said, but nothing is wrong with the bracket.
        self.push(TokenKind::Error, span);
    }

    fn close_bracket(&mut self, kind: TokenKind, span: Span) {
        let (n_brackets, n_fstrings) = (self.brackets.len(), self.fstrings.len());
        let is_next = |s: &mut Spilled| s.n_brackets == n_brackets && s.n_fstrings == n_fstrings;
        if let Some(spilled) = self.spilled.pop_if(is_next) {
            if closer(spilled.bracket.kind) == kind {
                self.push(TokenKind::Error, span);
                return;
            }
            self.spilled.clear();
            self.brackets.pop();
            let diagnostic = self.mismatch(kind, span, spilled.bracket);
            self.fault(span, diagnostic);
            return;
        }
        let n_before = self.fstrings.last().map_or(0, |f| f.n_brackets);
        // In an f-string's field only the field's own brackets can be closed.
        let open = (self.brackets.len() > n_before)
            .then(|| self.brackets.last())
            .flatten();
        let Some(open) = open else {
            if self.brackets.is_empty()
                && let Some(abandoned) = self.abandoned.pop_if(|a| closer(a.bracket.kind) == kind)
            {
                self.close_abandoned(abandoned, span);
                return;
            }
            let message = format!("unmatched '{}'", kind.text());
            self.fault(span, Diagnostic::syntax("E0031", message, span));
            return;
        };
        if closer(open.kind) == kind {
            let n_brackets = self.brackets.len();
            self.brackets.pop();
            if let Some(fstring) = self.fstrings.last_mut()
                && fstring
                    .fields
                    .last()
                    .is_some_and(|field| field.n_brackets == n_brackets)
            {
                fstring.fields.pop();
            }
            self.push(kind, span);
            return;
        }
        let is_field = self
            .fstrings
            .last()
            .and_then(|f| f.fields.last())
            .is_some_and(|field| field.n_brackets == self.brackets.len());
        let diagnostic = if is_field {
            let message = format!("f-string: unmatched '{}'", kind.text());
            Diagnostic::syntax("E0031", message, span)
        } else {
            self.mismatch(kind, span, *open)
        };
        // One wrong bracket should not swallow the rest of the file: it closes
        // what it stands for.
        if !is_field {
            self.brackets.pop();
        }
        self.fault(span, diagnostic);
    }

    fn mismatch(&self, kind: TokenKind, span: Span, open: Bracket) -> Diagnostic {
        let mut message = format!(
            "closing parenthesis '{}' does not match opening parenthesis '{}'",
            kind.text(),
            open.kind.text()
        );
        let open_line = self.source.line(open.span.start);
        if open_line != self.source.line(span.start) {
            message.push_str(&format!(" on line {open_line}"));
        }
        Diagnostic::syntax("E0032", message, span).label(open.span, "opened here")
    }

    // --------------------------------------------------------------- f-strings

    fn open_fstring(&mut self, span: Span) {
        if self.fstrings.len() >= FSTRING_DEPTH_MAX {
            let diagnostic = Diagnostic::syntax("E0041", "too many nested f-strings", span);
            self.fault(span, diagnostic);
            self.give_up();
            return;
        }
        let opening = self.source.slice(span);
        let quote = ["\"\"\"", "'''", "\"", "'"]
            .into_iter()
            .find(|quote| opening.ends_with(quote))
            .expect("an f-string's start ends with quotes");
        self.push(TokenKind::FStringStart, span);
        self.fstrings.push(OpenFString {
            quote,
            raw: opening.contains(['r', 'R']),
            start: span,
            n_brackets: self.brackets.len(),
            fields: Vec::new(),
        });
    }

    /// Reads literal text of the innermost f-string and what ends it.
    fn fstring_piece(&mut self) {
        let Some(fstring) = self.fstrings.last_mut() else {
            return;
        };
        let in_spec = !fstring.fields.is_empty();
        let quote = fstring.quote;
        let (piece, end) = self.lexer.fstring_piece(quote, fstring.raw, in_spec);
        if !piece.is_empty() {
            self.tokens.push(Token {
                kind: TokenKind::FStringMiddle,
                span: piece,
            });
        }
        let here = piece.end;
        let brace = Span::new(here, here + 1);
        match end {
            PieceEnd::Field => {
                if fstring.fields.len() >= SPEC_DEPTH_MAX {
                    let message = "f-string: expressions nested too deeply";
                    self.fault(brace, Diagnostic::syntax("E0042", message, brace));
                    self.close_fstring();
                    self.skip_line();
                    return;
                }
                self.lexer.skip(1);
                self.open_bracket(TokenKind::LBrace, brace);
                let n_brackets = self.brackets.len();
                if let Some(fstring) = self.fstrings.last_mut() {
                    fstring.fields.push(Field {
                        n_brackets,
                        in_spec: false,
                    });
                }
            }
            PieceEnd::Close => {
                self.lexer.skip(1);
                self.close_bracket(TokenKind::RBrace, brace);
            }
            PieceEnd::LoneClose => {
                self.lexer.skip(1);
                let message = "f-string: single '}' is not allowed";
                self.fault(brace, Diagnostic::syntax("E0043", message, brace));
            }
            PieceEnd::SpecNewline => {
                // CPython 3.13 ends the spec here and goes on with the field's tokens.
                if let Some(field) = fstring.fields.last_mut() {
                    field.in_spec = false;
                }
            }
            PieceEnd::Quote => {
                self.lexer.skip(quote.len());
                let n_outer = fstring.n_brackets;
                let open = self.brackets[n_outer..].to_vec();
                self.close_fstring();
                self.spilled.extend(open.into_iter().map(|bracket| Spilled {
                    bracket,
                    n_brackets: n_outer,
                    n_fstrings: self.fstrings.len(),
                }));
                let span = Span::new(here, here + quote.len() as u32);
                self.push(TokenKind::FStringEnd, span);
            }
            PieceEnd::Unterminated => {
                let start = fstring.start;
                let line = self.source.line(here.min(last_offset(self.source)));
                let triple = quote.len() == 3;
                let kind = if triple { "triple-quoted " } else { "" };
                let message =
                    format!("unterminated {kind}f-string literal (detected at line {line})");
                let here = Span::new(here, here);
                self.fault(here, Diagnostic::syntax("E0012", message, start));
                self.cut_off |= triple;
                self.close_fstring();
            }
        }
    }

    /// Forgets the innermost f-string and the fields that are open in it.
    fn close_fstring(&mut self) {
        if let Some(fstring) = self.fstrings.pop() {
            self.brackets.truncate(fstring.n_brackets);
        }
    }

    fn skip_line(&mut self) {
        let rest = self.lexer.rest();
        let n_bytes = rest.find(['\n', '\r']).unwrap_or(rest.len());
        self.lexer.skip(n_bytes);
    }

    // ------------------------------------------------------------------ faults

    fn lex_fault(&mut self, fault: LexFault, span: Span) {
        let diagnostic = match fault {
            LexFault::UnknownCharacter => {
                let c = self.source.slice(span).chars().next().unwrap_or('\0');
                if is_printable(c) {
                    // CPython's tokenizer lets these through; the parser says "invalid syntax".
                    self.push(TokenKind::Unknown, span);
                    return;
                }
                invalid_character(c, span)
            }
            LexFault::InvalidCharacter(c) => {
                let at = self.source.slice(span).find(c).unwrap_or(0) as u32;
                let start = span.start + at;
                invalid_character(c, Span::new(start, start + c.len_utf8() as u32))
            }
            LexFault::UnterminatedString => self.unterminated_string(span),
            LexFault::UnterminatedTripleString => {
                self.cut_off = true;
                let line = self.source.line(last_offset(self.source));
                let message =
                    format!("unterminated triple-quoted string literal (detected at line {line})");
                Diagnostic::syntax("E0011", message, opening_quotes(self.source, span))
            }
            LexFault::AfterBackslash => {
                let message = "unexpected character after line continuation character";
                self.push(TokenKind::Error, span);
                let diagnostic = Diagnostic::syntax("E0014", message, span);
                self.quiet_fault(span.start, diagnostic);
                return;
            }
            LexFault::BackslashAtEnd => {
                self.cut_off = true;
                // An open bracket says more.
                if self.brackets.is_empty() {
                    self.push(TokenKind::Error, span);
                    let message = "unexpected EOF while parsing";
                    let diagnostic = Diagnostic::syntax("E0015", message, span);
                    self.quiet_fault(span.start, diagnostic);
                }
                return;
            }
            LexFault::Number(fault) => number_fault(fault, span),
        };
        self.fault(span, diagnostic);
    }

    fn unterminated_string(&mut self, span: Span) -> Diagnostic {
        let opening = opening_quotes(self.source, span);
        let fstring = self.fstrings.last();
        // The quote that should have closed the f-string around this field has
        // opened a string instead: it is the field that is unfinished.
        if fstring.is_some_and(|f| f.quote == self.source.slice(last_byte(opening))) {
            return Diagnostic::syntax("E0040", "f-string: expecting '}'", opening);
        }
        let end = span.end.min(last_offset(self.source));
        let line = self.source.line(end);
        let mut message = format!("unterminated string literal (detected at line {line})");
        let body = self.source.slice(Span::new(opening.end, span.end));
        if hides_quote(body, self.source.slice(last_byte(opening))) {
            message.push_str("; perhaps you escaped the end quote?");
        }
        Diagnostic::syntax("E0010", message, opening)
    }

    // --------------------------------------------------------------------- end

    fn finish(mut self) -> Layout {
        let end = self.lexer.text().len() as u32;
        let here = Span::new(end, end);
        self.cut_off |= !self.brackets.is_empty() && self.faults.is_empty();
        self.unclosed(here);
        let is_open_line = |token: &Token| {
            !matches!(
                token.kind,
                TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent
            )
        };
        if self.tokens.last().is_some_and(is_open_line) {
            self.push(TokenKind::Newline, here);
        }
        for _ in 1..self.indents.len() {
            self.push(TokenKind::Dedent, here);
        }
        self.push(TokenKind::End, here);
        Layout {
            tokens: self.tokens,
            faults: self.faults,
            cut_off: self.cut_off,
        }
    }
}

/// Whether the keyword can't stand in an expression.
fn starts_only_statements(kind: TokenKind) -> bool {
    use TokenKind as T;
    matches!(
        kind,
        T::Assert
            | T::Break
            | T::Class
            | T::Continue
            | T::Def
            | T::Del
            | T::Elif
            | T::Except
            | T::Finally
            | T::Global
            | T::Import
            | T::Nonlocal
            | T::Pass
            | T::Raise
            | T::Return
            | T::Try
            | T::While
            | T::With
    )
}

fn closer(open: TokenKind) -> TokenKind {
    match open {
        TokenKind::LParen => TokenKind::RParen,
        TokenKind::LBracket => TokenKind::RBracket,
        _ => TokenKind::RBrace,
    }
}

/// The prefix and the quotes that a string literal starts with.
fn opening_quotes(source: &Source, literal: Span) -> Span {
    let text = source.slice(literal);
    let prefix: Range<usize> = 0..text.find(['"', '\'']).unwrap_or(0);
    let quotes = &text[prefix.end..];
    let n_quotes = if quotes.starts_with("\"\"\"") || quotes.starts_with("'''") {
        3
    } else {
        1
    };
    Span::new(
        literal.start,
        literal.start + (prefix.end + n_quotes) as u32,
    )
}

/// Whether a backslash stands before such a quote.
fn hides_quote(body: &str, quote: &str) -> bool {
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next().is_some_and(|hidden| quote.starts_with(hidden)) {
            return true;
        }
    }
    false
}

fn last_byte(span: Span) -> Span {
    Span::new(span.end.saturating_sub(1), span.end)
}

/// The last character that is not the file's final line end.
fn last_offset(source: &Source) -> u32 {
    source.text().trim_end_matches(['\n', '\r']).len() as u32
}

fn invalid_character(c: char, span: Span) -> Diagnostic {
    let code = u32::from(c);
    let message = if is_printable(c) {
        format!("invalid character '{c}' (U+{code:04X})")
    } else {
        format!("invalid non-printable character U+{code:04X}")
    };
    Diagnostic::syntax("E0013", message, span)
}

/// What `str.isprintable` says of the characters that turn up in source files
/// by accident: blanks, controls, format and private-use characters are not.
fn is_printable(c: char) -> bool {
    let format_or_private = matches!(u32::from(c),
        0xAD | 0x600..=0x605 | 0x61C | 0x6DD | 0x70F | 0x180E
        | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F
        | 0xE000..=0xF8FF | 0xFEFF | 0xFFF0..=0xFFFB | 0xFFFE..=0xFFFF
        | 0xE0000..=0x10FFFF);
    !(c.is_control() || c.is_whitespace() && c != ' ' || format_or_private)
}

fn number_fault(fault: NumberFault, span: Span) -> Diagnostic {
    match fault {
        NumberFault::Literal(name) => {
            Diagnostic::syntax("E0016", format!("invalid {name} literal"), span)
        }
        NumberFault::Digit(digit, name) => {
            let message = format!("invalid digit '{digit}' in {name} literal");
            Diagnostic::syntax("E0017", message, span)
        }
        NumberFault::LeadingZeros => Diagnostic::syntax(
            "E0018",
            "leading zeros in decimal integer literals are not permitted; \
             use an 0o prefix for octal integers",
            span,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(text: &str, expect: Expect) {
        let source = Source::new("test", text);
        let layout = lay_out(&source);
        let mut words: Vec<String> = Vec::new();
        for token in &layout.tokens {
            let text = source.slice(token.span);
            words.push(match token.kind {
                TokenKind::Newline => "NEWLINE\n".into(),
                TokenKind::Indent => "INDENT".into(),
                TokenKind::Dedent => "DEDENT".into(),
                TokenKind::End => "END".into(),
                TokenKind::Error => "ERROR".into(),
                TokenKind::FStringMiddle => format!("{text:?}"),
                _ => text.into(),
            });
        }
        let mut out = words.join(" ").replace("\n ", "\n");
        out.push('\n');
        let faults = layout.faults.iter().map(|fault| &fault.diagnostic);
        for fault in faults {
            out.push_str(&format!("{:?} {}\n", fault.span, fault.last_line()));
        }
        expect.assert_eq(&out);
    }

    #[test]
    fn blocks_and_blank_lines() {
        check(
            "if a:\n\n    b\n  # c\n    if d:\n\te\nf\n",
            expect![[r#"
                if a : NEWLINE
                INDENT b NEWLINE
                if d : NEWLINE
                INDENT e NEWLINE
                DEDENT DEDENT f NEWLINE
                END
                29..30 TabError: inconsistent use of tabs and spaces in indentation
            "#]],
        );
    }

    #[test]
    fn brackets_hide_line_ends() {
        check(
            "f(a,\n  b)\n[\n]\nx = 1 + \\\n  2",
            expect![[r#"
            f ( a , b ) NEWLINE
            [ ] NEWLINE
            x = 1 + 2 NEWLINE
            END
        "#]],
        );
    }

    #[test]
    fn indentation_faults() {
        check(
            "if a:\n    b\n  c\n",
            expect![[r#"
                if a : NEWLINE
                INDENT b NEWLINE
                DEDENT c NEWLINE
                END
                12..14 IndentationError: unindent does not match any outer indentation level
            "#]],
        );
        check(
            "if a:\n        b\n\tc\n",
            expect![[r#"
                if a : NEWLINE
                INDENT b NEWLINE
                c NEWLINE
                DEDENT END
                16..17 TabError: inconsistent use of tabs and spaces in indentation
            "#]],
        );
    }

    #[test]
    fn bracket_faults() {
        check(
            "f(a]\n",
            expect![[r#"
            f ( a ERROR NEWLINE
            END
            3..4 SyntaxError: closing parenthesis ']' does not match opening parenthesis '('
        "#]],
        );
        check(
            "f(\na]\n",
            expect![[r#"
            f ( a ERROR NEWLINE
            END
            4..5 SyntaxError: closing parenthesis ']' does not match opening parenthesis '(' on line 1
        "#]],
        );
        check(
            "f)\n",
            expect![[r#"
            f ERROR NEWLINE
            END
            1..2 SyntaxError: unmatched ')'
        "#]],
        );
        check(
            "f(a, [b\nc\n",
            expect![[r#"
            f ( a , [ b c ERROR NEWLINE
            END
            5..6 SyntaxError: '[' was never closed
        "#]],
        );
    }

    #[test]
    fn numbers() {
        check(
            "0 00 1_000 0xFF_ff 0b1 0o17 1.5 .5 5. 1e5 1E-5 1_0.5_0e1_0 2j 1if x else 0",
            expect![[r#"
                0 00 1_000 0xFF_ff 0b1 0o17 1.5 .5 5. 1e5 1E-5 1_0.5_0e1_0 2j 1 if x else 0 NEWLINE
                END
            "#]],
        );
        check(
            "1_\n",
            expect![[r#"
            ERROR NEWLINE
            END
            0..2 SyntaxError: invalid decimal literal
        "#]],
        );
        check(
            "0777\n",
            expect![[r#"
            ERROR NEWLINE
            END
            0..4 SyntaxError: leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers
        "#]],
        );
        check(
            "0b12\n",
            expect![[r#"
            ERROR 2 NEWLINE
            END
            0..3 SyntaxError: invalid digit '2' in binary literal
        "#]],
        );
        check(
            "0xg\n",
            expect![[r#"
            ERROR g NEWLINE
            END
            0..2 SyntaxError: invalid hexadecimal literal
        "#]],
        );
        check(
            "1abc\n",
            expect![[r#"
            ERROR abc NEWLINE
            END
            0..1 SyntaxError: invalid decimal literal
        "#]],
        );
        check(
            "1e+\n",
            expect![[r#"
            ERROR NEWLINE
            END
            0..3 SyntaxError: invalid decimal literal
        "#]],
        );
    }

    #[test]
    fn strings() {
        check(
            "'a' \"b\\\"\" r'\\\\' b'c' Rb'd' '''e\n'f'''\n''",
            expect![[r#"
                'a' "b\"" r'\\' b'c' Rb'd' '''e
                'f''' NEWLINE
                '' NEWLINE
                END
            "#]],
        );
        check(
            "x = 'abc\ny",
            expect![[r#"
            x = ERROR NEWLINE
            y NEWLINE
            END
            4..5 SyntaxError: unterminated string literal (detected at line 1)
        "#]],
        );
        check(
            "x = '''abc\ny\n",
            expect![[r#"
            x = ERROR NEWLINE
            END
            4..7 SyntaxError: unterminated triple-quoted string literal (detected at line 2)
        "#]],
        );
    }

    #[test]
    fn fstrings() {
        check(
            "f'a{b!r:>{w}}c{{d}}'",
            expect![[r#"
            f' "a" { b ! r : ">" { w } } "c{{d}}" ' NEWLINE
            END
        "#]],
        );
        check(
            "f'{x=}' f'{f'{y}'}' rf'\\{z}'",
            expect![[r#"
            f' { x = } ' f' { f' { y } ' } ' rf' "\\" { z } ' NEWLINE
            END
        "#]],
        );
        check(
            "f'{a[b:c]}{lambda:1}{(d:=1)}{e:=1}'",
            expect![[r#"
            f' { a [ b : c ] } { lambda : "1" } { ( d := 1 ) } { e : "=1" } ' NEWLINE
            END
        "#]],
        );
        check(
            "f'''{\na\n:x\n}'''",
            expect![[r#"
            f''' { a : "x\n" } ''' NEWLINE
            END
        "#]],
        );
        check(
            "f'\\N{BULLET}\\{x}'",
            expect![[r#"
            f' "\\N{BULLET}\\" { x } ' NEWLINE
            END
        "#]],
        );
        check(
            "f'{a'\nb",
            expect![[r#"
            f' { a ERROR b ERROR NEWLINE
            END
            4..5 SyntaxError: f-string: expecting '}'
            2..3 SyntaxError: '{' was never closed
        "#]],
        );
        check(
            "f'}'",
            expect![[r#"
            f' ERROR ' NEWLINE
            END
            2..3 SyntaxError: f-string: single '}' is not allowed
        "#]],
        );
        check(
            "f'{a:b'",
            expect![[r#"
                f' { a : "b" ' ERROR NEWLINE
                END
                2..3 SyntaxError: '{' was never closed
            "#]],
        );
        check(
            "f'abc",
            expect![[r#"
            f' "abc" ERROR NEWLINE
            END
            0..2 SyntaxError: unterminated f-string literal (detected at line 1)
        "#]],
        );
    }

    #[test]
    fn names_and_stray_characters() {
        check(
            "héé ª_ €",
            expect![[r#"
            héé ª_ ERROR NEWLINE
            END
            10..13 SyntaxError: invalid character '€' (U+20AC)
        "#]],
        );
        check(
            "a $ b ?",
            expect![[r#"
            a $ b ? NEWLINE
            END
        "#]],
        );
        check(
            "a\u{a0}b",
            expect![[r#"
            ERROR NEWLINE
            END
            1..3 SyntaxError: invalid non-printable character U+00A0
        "#]],
        );
        check(
            "a \\ b",
            expect![[r#"
            a ERROR b NEWLINE
            END
            2..3 SyntaxError: unexpected character after line continuation character
        "#]],
        );
        check(
            "a \\",
            expect![[r#"
            a ERROR NEWLINE
            END
            2..3 SyntaxError: unexpected EOF while parsing
        "#]],
        );
    }
}
