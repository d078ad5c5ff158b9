//! Takes the text of a script, gives byte spans their line, column and excerpt.
//! Never reads files and never looks at what the text means.

use std::sync::Arc;

use crate::diagnostic::Diagnostic;

/// A half-open range of byte offsets into a [`Source`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
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
    text: String,
    // Invariant: ascending, the first entry is 0, and every entry is a
    // character boundary of `text`.
    line_starts: Vec<u32>,
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
        let line_starts = line_starts(&text);
        Source {
            inner: Arc::new(SourceInner {
                name: name.into(),
                text,
                line_starts,
            }),
        }
    }

    /// Decodes a script's bytes.
    ///
    /// # Errors
    /// The bytes are not UTF-8, hold a null byte, or are too many. The source
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
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
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
            Err(error) => Err(Box::new(undecodable(name, bytes, error))),
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

    pub fn n_lines(&self) -> u32 {
        self.inner.line_starts.len() as u32
    }

    /// The line (from 1) that holds this byte offset.
    pub fn line(&self, offset: u32) -> u32 {
        self.inner
            .line_starts
            .partition_point(|&start| start <= offset) as u32
    }

    /// The line and the column of a byte offset. Costs the length of the line.
    pub fn line_col(&self, offset: u32) -> LineCol {
        let line = self.line(offset);
        let start = self.inner.line_starts[line as usize - 1];
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
        self.inner.line_starts.get(index).copied().unwrap_or(end)
    }

    /// A line's text (lines count from 1) without its line ending.
    pub fn line_text(&self, line: u32) -> &str {
        let span = Span::new(self.line_start(line), self.line_start(line + 1));
        self.slice(span).trim_end_matches(['\n', '\r'])
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

/// CPython 3.13 names the line and the codec's complaint: "(unicode error)
/// 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte".
fn undecodable(name: String, bytes: &[u8], error: std::str::Utf8Error) -> (Source, Diagnostic) {
    let at = error.valid_up_to();
    let text = String::from_utf8_lossy(bytes).into_owned();
    let line_start = bytes[..at]
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let bad = bytes[at];
    // The codec's three complaints: a byte that starts nothing, a sequence that
    // goes wrong, and one that the text's end cuts off.
    let can_start = (0xc2..=0xf4).contains(&bad);
    let complaint = match error.error_len() {
        _ if !can_start => "invalid start byte",
        Some(_) => "invalid continuation byte",
        None => "unexpected end of data",
    };
    let last = at + error.error_len().unwrap_or(bytes.len() - at);
    let bytes_at = if last - at > 1 {
        format!(
            "bytes in position {}-{}",
            at - line_start,
            last - line_start - 1
        )
    } else {
        format!("byte 0x{bad:02x} in position {}", at - line_start)
    };
    let diagnostic = Diagnostic::syntax(
        "E0001",
        format!("(unicode error) 'utf-8' codec can't decode {bytes_at}: {complaint}"),
        // The replacement character that stands for the bad bytes is 3 bytes long.
        Span::new(at as u32, at as u32 + 3),
    )
    .help("save the file as UTF-8");
    (Source::new(name, text), diagnostic)
}
