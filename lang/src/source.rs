//! Takes the text of a script, gives byte spans their line, column and excerpt.
//! Never reads files and never looks at what the text means.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use crate::diagnostic::Diagnostic;
use crate::subset;

/// A half-open range of byte offsets into a [`Source`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// Of instructions that no place in the source stands for.
    pub const NOWHERE: Span = Span::new(u32::MAX, u32::MAX);

    pub const fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// A place as a reader counts it: both start at 1, the column in characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineCol {
    pub line: u32,
    pub column: u32,
}

/// A script's text, its name, and where its lines start. Cheap to clone.
#[derive(Clone)]
pub struct Source {
    inner: Arc<SourceInner>,
}

struct SourceInner {
    name: String,
    text: Cow<'static, str>,
    // Found when first asked for. Invariant: ascending, the first entry is 0,
    // and every entry is a character boundary of `text`.
    line_starts: OnceLock<Vec<u32>>,
}

/// The largest source text: spans hold offsets in 32 bits.
pub const TEXT_BYTES_MAX: usize = u32::MAX as usize - 1;

impl Source {
    /// A source from text that is known to be good. A byte-order mark is dropped.
    ///
    /// # Panics
    /// When the text is longer than [`TEXT_BYTES_MAX`]; [`Source::from_bytes`] refuses it instead.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        let mut text: String = text.into();
        assert!(
            text.len() <= TEXT_BYTES_MAX,
            "a source is shorter than 4 GiB"
        );
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Source::of(name.into(), text.into())
    }

    /// A source whose text is part of the program: it isn't copied.
    pub fn embedded(name: impl Into<String>, text: &'static str) -> Source {
        Source::of(name.into(), text.into())
    }

    fn of(name: String, text: Cow<'static, str>) -> Source {
        Source {
            inner: Arc::new(SourceInner {
                name,
                text,
                line_starts: OnceLock::new(),
            }),
        }
    }

    /// Decodes a script's bytes.
    ///
    /// # Errors
    /// The bytes are not UTF-8, declare another encoding, hold a null byte, or
    /// are too many. The source
    /// that comes with the diagnostic holds the text with every bad byte
    /// replaced, so that the report has something to point at.
    pub fn from_bytes(
        name: impl Into<String>,
        bytes: &[u8],
    ) -> Result<Source, Box<(Source, Diagnostic)>> {
        let name = name.into();
        if bytes.len() > TEXT_BYTES_MAX {
            let diagnostic =
                Diagnostic::syntax("E0003", "source code is too large", Span::default());
            return Err(Box::new((Source::new(name, ""), diagnostic)));
        }
        let marked = bytes.starts_with(b"\xef\xbb\xbf");
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let cookie = encoding_cookie(bytes);
        if let Some((encoding, span)) = &cookie
            && !is_utf8(encoding)
            && !bytes.is_ascii()
        {
            let diagnostic = subset::SOURCE_ENCODING.at(*span);
            let text = String::from_utf8_lossy(bytes).into_owned();
            return Err(Box::new((Source::new(name, text), diagnostic)));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => match bytes.iter().position(|&byte| byte == 0) {
                None => Ok(Source::new(name, text)),
                Some(at) => {
                    let span = Span::new(at as u32, at as u32 + 1);
                    let diagnostic =
                        Diagnostic::syntax("E0002", "source code cannot contain null bytes", span);
                    Err(Box::new((Source::new(name, text), diagnostic)))
                }
            },
            Err(error) => {
                let declared = marked || cookie.is_some();
                Err(Box::new(undecodable(name, bytes, error, declared)))
            }
        }
    }

    pub fn name(&self) -> &str {
        &self.inner.name
    }

    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// The text under a span; a span that lies outside is cut to what is there.
    pub fn slice(&self, span: Span) -> &str {
        self.text().get(span.range()).unwrap_or("")
    }

    fn line_starts(&self) -> &[u32] {
        let inner = &self.inner;
        inner.line_starts.get_or_init(|| line_starts(&inner.text))
    }

    pub fn n_lines(&self) -> u32 {
        self.line_starts().len() as u32
    }

    /// The line (from 1) that holds this byte offset.
    pub fn line(&self, offset: u32) -> u32 {
        self.line_starts().partition_point(|&start| start <= offset) as u32
    }

    /// The line and the column of a byte offset. Costs the length of the line.
    pub fn line_col(&self, offset: u32) -> LineCol {
        let line = self.line(offset);
        let start = self.line_starts()[line as usize - 1];
        let mut end = (offset as usize).min(self.text().len());
        while !self.text().is_char_boundary(end) {
            end -= 1;
        }
        let column = self.text()[start as usize..end.max(start as usize)]
            .chars()
            .count() as u32
            + 1;
        LineCol { line, column }
    }

    /// Where a line (from 1) starts; the end of the text for a line that is not there.
    pub fn line_start(&self, line: u32) -> u32 {
        let index = (line as usize).saturating_sub(1);
        let end = self.text().len() as u32;
        self.line_starts().get(index).copied().unwrap_or(end)
    }

    /// The text of the lines from `first` to `last` (lines count from 1), without the last line's
    /// ending.
    pub fn lines_text(&self, first: u32, last: u32) -> &str {
        let span = Span::new(self.line_start(first), self.line_start(last + 1));
        self.slice(span).trim_end_matches(['\n', '\r'])
    }

    /// A line's text (lines count from 1) without its line ending.
    pub fn line_text(&self, line: u32) -> &str {
        self.lines_text(line, line)
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source({:?}, {} bytes)", self.name(), self.text().len())
    }
}

/// `\n`, `\r\n` and a lone `\r` each end a line, as in CPython's universal newlines.
fn line_starts(text: &str) -> Vec<u32> {
    let bytes = text.as_bytes();
    let mut starts = Vec::with_capacity(bytes.len() / 32 + 1);
    starts.push(0);
    for (at, &byte) in bytes.iter().enumerate() {
        let ends_line = match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        if ends_line {
            starts.push(at as u32 + 1);
        }
    }
    starts
}

/// The encoding that a comment in the first two lines declares (PEP 263).
fn encoding_cookie(bytes: &[u8]) -> Option<(String, Span)> {
    let mut start = 0;
    for line in bytes.split(|&byte| byte == b'\n').take(2) {
        let trimmed = line.trim_ascii();
        if !trimmed.is_empty() && !trimmed.starts_with(b"#") {
            return None;
        }
        let word = b"coding";
        for at in 0..line.len().saturating_sub(word.len()) {
            let after = &line[at + word.len()..];
            if !line[at..].starts_with(word) || !matches!(after[0], b':' | b'=') {
                continue;
            }
            let n_blanks = after[1..]
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t'))
                .count();
            let name: Vec<u8> = after[1 + n_blanks..]
                .iter()
                .copied()
                .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
                .collect();
            if name.is_empty() {
                continue;
            }
            let from = start + at + word.len() + 1 + n_blanks;
            let span = Span::new(from as u32, (from + name.len()) as u32);
            return Some((String::from_utf8_lossy(&name).to_lowercase(), span));
        }
        start += line.len() + 1;
    }
    None
}

fn is_utf8(encoding: &str) -> bool {
    let encoding = encoding.replace('_', "-");
    encoding == "utf8" || encoding == "utf-8" || encoding.starts_with("utf-8-")
}

/// What CPython 3.13 says of the first byte that is not UTF-8. It blames the
/// file where no encoding is declared, else the byte.
fn undecodable(
    name: String,
    bytes: &[u8],
    error: std::str::Utf8Error,
    declared: bool,
) -> (Source, Diagnostic) {
    let at = error.valid_up_to();
    let bad = bytes[at];
    let text = String::from_utf8_lossy(bytes).into_owned();
    let source = Source::new(name, text);
    // The replacement character that stands for the bad bytes is 3 bytes long.
    let span = Span::new(at as u32, at as u32 + 3);
    let message = if declared {
        // The codec's three complaints: a byte that starts nothing, a sequence
        // that goes wrong, and one that the text's end cuts off.
        let complaint = match error.error_len() {
            _ if !(0xc2..=0xf4).contains(&bad) => "invalid start byte",
            Some(_) => "invalid continuation byte",
            None => "unexpected end of data",
        };
        let position = at as u32 - source.line_start(source.line(at as u32));
        format!(
            "(unicode error) 'utf-8' codec can't decode byte 0x{bad:02x} \
             in position {position}: {complaint}"
        )
    } else {
        let line = source.line(at as u32);
        format!(
            "Non-UTF-8 code starting with '\\x{bad:02x}' in file {} on line {line}, but no \
             encoding declared; see https://peps.python.org/pep-0263/ for details",
            source.name()
        )
    };
    let diagnostic = Diagnostic::syntax("E0001", message, span).help("save the file as UTF-8");
    (source, diagnostic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        match Source::from_bytes("f.async", bytes) {
            Ok(_) => "ok".into(),
            Err(refused) => refused.1.last_line(),
        }
    }

    #[test]
    fn bytes_that_are_no_source() {
        let non_utf8 = "SyntaxError: Non-UTF-8 code starting with '\\xff' in file f.async on line 2, \
                        but no encoding declared; see https://peps.python.org/pep-0263/ for details";
        assert_eq!(refused(b"x = 1\ny = \"\xff\"\n"), non_utf8);
        assert_eq!(
            refused(b"# coding: utf-8\n\xff\n"),
            "SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xff in position 0: \
             invalid start byte"
        );
        assert_eq!(
            refused(b"x = 1\0"),
            "SyntaxError: source code cannot contain null bytes"
        );
        assert!(refused(b"# -*- coding: latin-1 -*-\n'\xff'").starts_with("Unsupported: "));
        assert_eq!(refused(b"# -*- coding: latin-1 -*-\n'a'"), "ok");
        assert_eq!(refused("\u{feff}# coding=utf_8\n'ä'".as_bytes()), "ok");
    }

    #[test]
    fn lines_and_columns() {
        let source = Source::new("f", "a\r\nbä c\rd\n");
        assert_eq!(source.n_lines(), 4);
        assert_eq!(source.line_text(2), "bä c");
        assert_eq!(source.line_col(7), LineCol { line: 2, column: 4 });
        assert_eq!(source.line_col(9), LineCol { line: 3, column: 1 });
        assert_eq!(source.line_col(100), LineCol { line: 4, column: 1 });
    }
}
