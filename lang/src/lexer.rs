//! Takes text, gives one raw token at a time: names, numbers, strings,
//! operators, line ends. Knows neither lines nor brackets: layout.rs does, and
//! asks here for the pieces of an f-string when it stands in one.
//!
//! Never recurses: logos' generated state machine and the scanners here are loops.

use logos::Logos;

use crate::source::Span;
use crate::token::TokenKind;

/// What the lexer can't make a token of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LexFault {
    /// The next character starts no token.
    #[default]
    UnknownCharacter,
    /// A name holds a character that names can't have.
    InvalidCharacter(char),
    UnterminatedString,
    UnterminatedTripleString,
    AfterBackslash,
    BackslashAtEnd,
    Number(NumberFault),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NumberFault {
    /// "invalid decimal literal" and its sisters for the other bases.
    Literal(&'static str),
    /// A digit that the base does not have.
    Digit(char, &'static str),
    LeadingZeros,
}

/// A token before layout: blanks and comments are dropped here.
#[derive(Logos, Clone, Copy, PartialEq, Eq, Debug)]
#[logos(error = LexFault)]
#[logos(skip r"[ \t\x0c]+")]
#[logos(skip(r"#[^\r\n]*", allow_greedy = true))]
pub enum Raw {
    #[regex(r"\r\n|\n|\r")]
    Newline,
    #[regex(r"\\", continuation)]
    Continuation,

    #[regex(r"[a-zA-Z_\u{80}-\u{10FFFF}][a-zA-Z0-9_\u{80}-\u{10FFFF}]*", name)]
    Name,
    #[regex(r"[0-9]", number)]
    #[regex(r"\.[0-9]", number)]
    Number(TokenKind),
    #[regex("[uU]?(\"\"\"|\"|'''|')", string)]
    #[regex("[rR](\"\"\"|\"|'''|')", string)]
    Str,
    #[regex("([bB][rR]?|[rR][bB])(\"\"\"|\"|'''|')", string)]
    Bytes,
    #[regex("([fF][rR]?|[rR][fF])(\"\"\"|\"|'''|')")]
    FStringStart,

    #[token("match", |_| TokenKind::Match)]
    #[token("case", |_| TokenKind::Case)]
    #[token("type", |_| TokenKind::Type)]
    #[token("_", |_| TokenKind::Underscore, priority = 3)]
    #[token("False", |_| TokenKind::False)]
    #[token("None", |_| TokenKind::None)]
    #[token("True", |_| TokenKind::True)]
    #[token("and", |_| TokenKind::And)]
    #[token("as", |_| TokenKind::As)]
    #[token("assert", |_| TokenKind::Assert)]
    #[token("async", |_| TokenKind::Async)]
    #[token("await", |_| TokenKind::Await)]
    #[token("break", |_| TokenKind::Break)]
    #[token("class", |_| TokenKind::Class)]
    #[token("continue", |_| TokenKind::Continue)]
    #[token("def", |_| TokenKind::Def)]
    #[token("del", |_| TokenKind::Del)]
    #[token("elif", |_| TokenKind::Elif)]
    #[token("else", |_| TokenKind::Else)]
    #[token("except", |_| TokenKind::Except)]
    #[token("finally", |_| TokenKind::Finally)]
    #[token("for", |_| TokenKind::For)]
    #[token("from", |_| TokenKind::From)]
    #[token("global", |_| TokenKind::Global)]
    #[token("if", |_| TokenKind::If)]
    #[token("import", |_| TokenKind::Import)]
    #[token("in", |_| TokenKind::In)]
    #[token("is", |_| TokenKind::Is)]
    #[token("lambda", |_| TokenKind::Lambda)]
    #[token("nonlocal", |_| TokenKind::Nonlocal)]
    #[token("not", |_| TokenKind::Not)]
    #[token("or", |_| TokenKind::Or)]
    #[token("pass", |_| TokenKind::Pass)]
    #[token("raise", |_| TokenKind::Raise)]
    #[token("return", |_| TokenKind::Return)]
    #[token("try", |_| TokenKind::Try)]
    #[token("while", |_| TokenKind::While)]
    #[token("with", |_| TokenKind::With)]
    #[token("yield", |_| TokenKind::Yield)]
    #[token("(", |_| TokenKind::LParen)]
    #[token(")", |_| TokenKind::RParen)]
    #[token("[", |_| TokenKind::LBracket)]
    #[token("]", |_| TokenKind::RBracket)]
    #[token("{", |_| TokenKind::LBrace)]
    #[token("}", |_| TokenKind::RBrace)]
    #[token(",", |_| TokenKind::Comma)]
    // `:=` is joined by the layout pass: in an f-string's field it is two tokens.
    #[token(":", |_| TokenKind::Colon)]
    #[token(";", |_| TokenKind::Semicolon)]
    #[token(".", |_| TokenKind::Dot)]
    #[token("...", |_| TokenKind::Ellipsis)]
    #[token("->", |_| TokenKind::Arrow)]
    #[token("!", |_| TokenKind::Exclamation)]
    #[token("@", |_| TokenKind::At)]
    #[token("+", |_| TokenKind::Plus)]
    #[token("-", |_| TokenKind::Minus)]
    #[token("*", |_| TokenKind::Star)]
    #[token("**", |_| TokenKind::DoubleStar)]
    #[token("/", |_| TokenKind::Slash)]
    #[token("//", |_| TokenKind::DoubleSlash)]
    #[token("%", |_| TokenKind::Percent)]
    #[token("&", |_| TokenKind::Amper)]
    #[token("|", |_| TokenKind::VBar)]
    #[token("^", |_| TokenKind::Caret)]
    #[token("~", |_| TokenKind::Tilde)]
    #[token("<<", |_| TokenKind::LeftShift)]
    #[token(">>", |_| TokenKind::RightShift)]
    #[token("<", |_| TokenKind::Less)]
    #[token(">", |_| TokenKind::Greater)]
    #[token("<=", |_| TokenKind::LessEqual)]
    #[token(">=", |_| TokenKind::GreaterEqual)]
    #[token("==", |_| TokenKind::EqEqual)]
    #[token("!=", |_| TokenKind::NotEqual)]
    #[token("=", |_| TokenKind::Equal)]
    #[token("+=", |_| TokenKind::PlusEqual)]
    #[token("-=", |_| TokenKind::MinusEqual)]
    #[token("*=", |_| TokenKind::StarEqual)]
    #[token("/=", |_| TokenKind::SlashEqual)]
    #[token("//=", |_| TokenKind::DoubleSlashEqual)]
    #[token("%=", |_| TokenKind::PercentEqual)]
    #[token("@=", |_| TokenKind::AtEqual)]
    #[token("&=", |_| TokenKind::AmperEqual)]
    #[token("|=", |_| TokenKind::VBarEqual)]
    #[token("^=", |_| TokenKind::CaretEqual)]
    #[token("<<=", |_| TokenKind::LeftShiftEqual)]
    #[token(">>=", |_| TokenKind::RightShiftEqual)]
    #[token("**=", |_| TokenKind::DoubleStarEqual)]
    Fixed(TokenKind),
}

/// Reads raw tokens and f-string pieces of one text, from any position on.
pub struct Lexer<'s> {
    text: &'s str,
    raw: logos::Lexer<'s, Raw>,
}

/// What ended a stretch of literal text in an f-string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PieceEnd {
    /// `{` opens a field; not consumed.
    Field,
    /// `}` closes the field whose format spec this is; not consumed.
    Close,
    /// A `}` outside any field; not consumed.
    LoneClose,
    /// The closing quotes; not consumed.
    Quote,
    /// A line end in the format spec of a string with single quotes; not consumed.
    SpecNewline,
    /// The text, or the line of a string with single quotes, is over.
    Unterminated,
}

impl<'s> Lexer<'s> {
    pub fn new(text: &'s str) -> Lexer<'s> {
        Lexer {
            text,
            raw: Raw::lexer(text),
        }
    }

    pub fn text(&self) -> &'s str {
        self.text
    }

    /// Where the next token is looked for.
    pub fn position(&self) -> usize {
        self.raw.span().end
    }

    /// Skips bytes that the caller has read by itself; they end at a character.
    pub fn skip(&mut self, n_bytes: usize) {
        self.raw.bump(n_bytes);
    }

    /// Goes to another place, which starts a token or a line.
    pub fn seek(&mut self, position: usize) {
        self.raw = Raw::lexer(self.text);
        self.raw.bump(position);
    }

    pub fn rest(&self) -> &'s str {
        self.raw.remainder()
    }

    /// The next raw token and its span; `None` at the end of the text.
    pub fn next_raw(&mut self) -> Option<(Result<Raw, LexFault>, Span)> {
        let token = self.raw.next()?;
        let range = self.raw.span();
        Some((token, Span::new(range.start as u32, range.end as u32)))
    }

    /// Reads literal text of an f-string up to what ends it. `quote` is the
    /// closing quotes, one or three of the same character.
    pub fn fstring_piece(&mut self, quote: &str, raw: bool, in_spec: bool) -> (Span, PieceEnd) {
        let bytes = self.rest().as_bytes();
        let single = quote.len() == 1;
        let mut at = 0;
        let end = loop {
            let Some(&byte) = bytes.get(at) else {
                break PieceEnd::Unterminated;
            };
            match byte {
                b'\n' | b'\r' if single => {
                    break if in_spec {
                        PieceEnd::SpecNewline
                    } else {
                        PieceEnd::Unterminated
                    };
                }
                b'{' if !in_spec && bytes.get(at + 1) == Some(&b'{') => at += 2,
                b'{' => break PieceEnd::Field,
                b'}' if in_spec => break PieceEnd::Close,
                b'}' if bytes.get(at + 1) == Some(&b'}') => at += 2,
                b'}' => break PieceEnd::LoneClose,
                b'\\' => at += escape_len(&bytes[at..], raw),
                b'"' | b'\'' if bytes[at..].starts_with(quote.as_bytes()) => break PieceEnd::Quote,
                _ => at += 1,
            }
        };
        // An escape may reach past the end of the text.
        let at = at.min(bytes.len());
        let start = self.position();
        self.skip(at);
        (Span::new(start as u32, (start + at) as u32), end)
    }
}

/// How many bytes a backslash and what it escapes take in an f-string. A brace
/// after a backslash keeps its meaning, but for that of `\N{name}`.
fn escape_len(bytes: &[u8], raw: bool) -> usize {
    match bytes.get(1) {
        Some(b'{' | b'}') | None => 1,
        Some(b'\r') if bytes.get(2) == Some(&b'\n') => 3,
        Some(b'N') if !raw && bytes.get(2) == Some(&b'{') => {
            let close = bytes
                .iter()
                .position(|&byte| matches!(byte, b'}' | b'"' | b'\'' | b'\n'));
            match close {
                Some(at) if bytes[at] == b'}' => at + 1,
                _ => 3,
            }
        }
        // The rest of a longer character is skipped as ordinary bytes.
        Some(_) => 2,
    }
}

fn continuation(lex: &mut logos::Lexer<'_, Raw>) -> Result<(), LexFault> {
    let rest = lex.remainder();
    if rest.is_empty() {
        return Err(LexFault::BackslashAtEnd);
    }
    let n_bytes = if rest.starts_with("\r\n") {
        2
    } else if rest.starts_with(['\n', '\r']) {
        1
    } else {
        return Err(LexFault::AfterBackslash);
    };
    lex.bump(n_bytes);
    if lex.remainder().is_empty() {
        return Err(LexFault::BackslashAtEnd);
    }
    Ok(())
}

/// The regex takes every non-ASCII character, as CPython's tokenizer does; here
/// the whole name is checked.
fn name(lex: &mut logos::Lexer<'_, Raw>) -> Result<(), LexFault> {
    let text = lex.slice();
    if text.is_ascii() {
        return Ok(());
    }
    for (index, c) in text.chars().enumerate() {
        let ok = match index {
            _ if c.is_ascii() => true,
            0 => is_name_start(c),
            _ => is_name_continue(c),
        };
        if !ok {
            return Err(LexFault::InvalidCharacter(c));
        }
    }
    Ok(())
}

/// Python normalises before it looks: a few characters are letters only by their NFKC form.
fn is_name_start(c: char) -> bool {
    use unicode_normalization::UnicodeNormalization;
    unicode_ident::is_xid_start(c)
        || OTHER_ID_START.contains(&c)
            && std::iter::once(c)
                .nfkc()
                .next()
                .is_some_and(|first| unicode_ident::is_xid_start(first) || first == c)
}

fn is_name_continue(c: char) -> bool {
    unicode_ident::is_xid_continue(c)
}

/// Unicode's Other_ID_Start: letters for compatibility's sake.
const OTHER_ID_START: [char; 6] = [
    '\u{1885}', '\u{1886}', '\u{2118}', '\u{212E}', '\u{309B}', '\u{309C}',
];

/// Scans a string's body and closing quotes. A backslash hides the next
/// character from the search in raw strings too.
fn string(lex: &mut logos::Lexer<'_, Raw>) -> Result<(), LexFault> {
    let opening = lex.slice().as_bytes();
    let triple = opening.ends_with(b"\"\"\"") || opening.ends_with(b"'''");
    let quote = opening[opening.len() - 1];
    let body = lex.remainder().as_bytes();
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'\\' => {
                // `\` before `\r\n` hides both.
                let crlf = body.get(at + 1) == Some(&b'\r') && body.get(at + 2) == Some(&b'\n');
                at += if crlf { 3 } else { 2 };
            }
            b'\n' | b'\r' if !triple => {
                lex.bump(at);
                return Err(LexFault::UnterminatedString);
            }
            _ if byte == quote && !triple => {
                lex.bump(at + 1);
                return Ok(());
            }
            _ if byte == quote
                && body.get(at + 1) == Some(&quote)
                && body.get(at + 2) == Some(&quote) =>
            {
                lex.bump(at + 3);
                return Ok(());
            }
            _ => at += 1,
        }
    }
    lex.bump(body.len());
    Err(if triple {
        LexFault::UnterminatedTripleString
    } else {
        LexFault::UnterminatedString
    })
}

/// Scans a number of any form; the regex has taken its first digit, or a dot
/// and a digit. Follows CPython's tokenizer in what is an error where.
fn number(lex: &mut logos::Lexer<'_, Raw>) -> Result<TokenKind, LexFault> {
    let mut scan = NumberScan {
        bytes: lex.remainder().as_bytes(),
        at: 0,
    };
    let first = lex.slice();
    let outcome = match first {
        "0" => scan.after_zero(),
        _ if first.starts_with('.') => scan.fraction(),
        _ => scan.decimal(),
    };
    let n_bytes = scan.at;
    let outcome = outcome.and_then(|kind| {
        let literal = match kind {
            TokenKind::Imaginary => "imaginary",
            _ => literal_name(first, scan.bytes),
        };
        verify_end(lex.remainder(), n_bytes, literal)?;
        Ok(kind)
    });
    // A fault may point at a character beyond the number; the token stops before it.
    lex.bump(n_bytes);
    outcome.map_err(LexFault::Number)
}

/// How CPython calls the number that it complains about.
fn literal_name(first: &str, rest: &[u8]) -> &'static str {
    match rest.first() {
        Some(b'x' | b'X') if first == "0" => "hexadecimal",
        Some(b'o' | b'O') if first == "0" => "octal",
        Some(b'b' | b'B') if first == "0" => "binary",
        _ => "decimal",
    }
}

struct NumberScan<'b> {
    bytes: &'b [u8],
    // What of `bytes` belongs to the number.
    at: usize,
}

impl NumberScan<'_> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn after_zero(&mut self) -> Result<TokenKind, NumberFault> {
        match self.peek() {
            b'x' | b'X' => self.radix("hexadecimal", |byte| byte.is_ascii_hexdigit()),
            b'o' | b'O' => self.radix("octal", |byte| matches!(byte, b'0'..=b'7')),
            b'b' | b'B' => self.radix("binary", |byte| matches!(byte, b'0' | b'1')),
            _ => {
                let mut nonzero = false;
                loop {
                    if self.peek() == b'_' {
                        self.at += 1;
                        if !self.peek().is_ascii_digit() {
                            return Err(NumberFault::Literal("decimal"));
                        }
                    }
                    match self.peek() {
                        b'0' => self.at += 1,
                        b'1'..=b'9' => {
                            nonzero = true;
                            self.digits("decimal")?;
                        }
                        _ => break,
                    }
                }
                match self.peek() {
                    b'.' | b'e' | b'E' | b'j' | b'J' => self.after_whole(),
                    _ if nonzero => Err(NumberFault::LeadingZeros),
                    _ => Ok(TokenKind::Int),
                }
            }
        }
    }

    fn radix(
        &mut self,
        name: &'static str,
        is_digit: fn(u8) -> bool,
    ) -> Result<TokenKind, NumberFault> {
        self.at += 1;
        loop {
            if self.peek() == b'_' {
                self.at += 1;
            }
            if !is_digit(self.peek()) {
                return Err(match self.peek() {
                    digit if digit.is_ascii_digit() => NumberFault::Digit(digit as char, name),
                    _ => NumberFault::Literal(name),
                });
            }
            while is_digit(self.peek()) {
                self.at += 1;
            }
            if self.peek() != b'_' {
                break;
            }
        }
        match self.peek() {
            digit if digit.is_ascii_digit() => Err(NumberFault::Digit(digit as char, name)),
            _ => Ok(TokenKind::Int),
        }
    }

    /// Digits with single underscores between them; the first may be already taken.
    fn digits(&mut self, name: &'static str) -> Result<(), NumberFault> {
        loop {
            while self.peek().is_ascii_digit() {
                self.at += 1;
            }
            if self.peek() != b'_' {
                return Ok(());
            }
            self.at += 1;
            if !self.peek().is_ascii_digit() {
                return Err(NumberFault::Literal(name));
            }
        }
    }

    fn decimal(&mut self) -> Result<TokenKind, NumberFault> {
        self.digits("decimal")?;
        self.after_whole()
    }

    fn after_whole(&mut self) -> Result<TokenKind, NumberFault> {
        if self.peek() == b'.' {
            self.at += 1;
            if self.peek().is_ascii_digit() {
                self.digits("decimal")?;
            }
            return self.exponent(TokenKind::Float);
        }
        self.exponent(TokenKind::Int)
    }

    /// The regex has taken the dot and the first digit.
    fn fraction(&mut self) -> Result<TokenKind, NumberFault> {
        self.digits("decimal")?;
        self.exponent(TokenKind::Float)
    }

    fn exponent(&mut self, without: TokenKind) -> Result<TokenKind, NumberFault> {
        let mut kind = without;
        if matches!(self.peek(), b'e' | b'E') {
            let sign = matches!(self.bytes.get(self.at + 1), Some(b'+' | b'-'));
            let digit_at = self.at + 1 + usize::from(sign);
            if self.bytes.get(digit_at).is_some_and(u8::is_ascii_digit) {
                self.at = digit_at;
                self.digits("decimal")?;
                kind = TokenKind::Float;
            } else if sign {
                self.at = digit_at;
                return Err(NumberFault::Literal("decimal"));
            }
            // Without digits the `e` may start a keyword: `1else`; verify_end judges.
        }
        if matches!(self.peek(), b'j' | b'J') {
            self.at += 1;
            kind = TokenKind::Imaginary;
        }
        Ok(kind)
    }
}

/// CPython's verify_end_of_number: a name may not follow a number directly, but
/// for the keywords that can follow an operand (`1if x else y`).
fn verify_end(rest: &str, n_bytes: usize, name: &'static str) -> Result<(), NumberFault> {
    let after = &rest[n_bytes..];
    let Some(c) = after.chars().next() else {
        return Ok(());
    };
    let keywords: &[&str] = match c {
        'a' => &["and"],
        'e' => &["else"],
        'f' => &["for"],
        'i' => &["if", "in", "is"],
        'n' => &["not"],
        'o' => &["or"],
        _ => &[],
    };
    if keywords.iter().any(|keyword| after.starts_with(keyword)) {
        return Ok(());
    }
    if c.is_ascii_alphanumeric() || c == '_' {
        return Err(NumberFault::Literal(name));
    }
    Ok(())
}
