//! Formats of `struct`, read once: where each value stands among the bytes. Takes the bytes of a
//! format, gives `Format` or what is wrong with it; knows no values.

use crate::item;

/// Items of one kind, side by side.
pub struct Part {
    /// The code, as the format has it.
    pub letter: u8,
    /// What `item` calls an item of this code and size.
    pub code: u8,
    /// How many items; of a text (`s`, `p`), how many bytes.
    pub count: usize,
    /// The bytes of an item; of a text, 1.
    pub size: usize,
    /// The place of the first byte.
    pub offset: usize,
}

impl Part {
    pub fn is_text(&self) -> bool {
        matches!(self.letter, b's' | b'p')
    }
}

/// A format. Sizes and places fit in an i64.
pub struct Format {
    pub text: Box<str>,
    pub is_big_endian: bool,
    /// Whether the C compiler's own types are meant.
    pub is_native: bool,
    /// Padding is between them.
    pub parts: Vec<Part>,
    pub size: usize,
    pub n_values: usize,
}

const TOO_LONG: &str = "total struct size too long";
const SIZE_MAX: usize = isize::MAX as usize;

impl Format {
    /// Reads a format; what is wrong with it is the text of a `struct.error`.
    pub fn parse(text: &[u8]) -> Result<Format, &'static str> {
        if text.contains(&0) {
            return Err("embedded null character");
        }
        let (order, mut rest) = match text.split_first() {
            Some((&order @ (b'@' | b'=' | b'<' | b'>' | b'!'), rest)) => (order, rest),
            _ => (b'@', text),
        };
        let mut format = Format {
            text: String::from_utf8_lossy(text).into(),
            is_big_endian: matches!(order, b'>' | b'!'),
            is_native: order == b'@',
            parts: Vec::new(),
            size: 0,
            n_values: 0,
        };
        while let Some((&first, after)) = rest.split_first() {
            rest = after;
            // As C's isspace, to which a vertical tab is one.
            if first.is_ascii_whitespace() || first == 0x0b {
                continue;
            }
            let (mut letter, mut count) = (first, 1);
            if first.is_ascii_digit() {
                count = usize::from(first - b'0');
                loop {
                    let Some((&next, after)) = rest.split_first() else {
                        return Err("repeat count given without format specifier");
                    };
                    rest = after;
                    if !next.is_ascii_digit() {
                        letter = next;
                        break;
                    }
                    let digit = usize::from(next - b'0');
                    let longer = count.checked_mul(10).and_then(|n| n.checked_add(digit));
                    count = longer.filter(|&n| n <= SIZE_MAX).ok_or(TOO_LONG)?;
                }
            }
            format.add(letter, count)?;
        }
        Ok(format)
    }

    fn add(&mut self, letter: u8, count: usize) -> Result<(), &'static str> {
        let code = match letter {
            // In the standard sizes, a long has 4 bytes.
            b'l' if !self.is_native => b'i',
            b'L' if !self.is_native => b'I',
            _ => letter,
        };
        let size = match code {
            b's' | b'p' | b'x' => 1,
            b'n' | b'N' | b'P' if !self.is_native => return Err(BAD_CHAR),
            // Arrays have it, structures don't.
            b'w' => return Err(BAD_CHAR),
            _ => item::size(code).ok_or(BAD_CHAR)?,
        };
        let offset = match self.is_native {
            true => self.size.next_multiple_of(size),
            false => self.size,
        };
        let end = count.checked_mul(size).and_then(|n| n.checked_add(offset));
        self.size = end.filter(|&n| n <= SIZE_MAX).ok_or(TOO_LONG)?;
        let part = Part {
            letter,
            code,
            count,
            size,
            offset,
        };
        if part.is_text() {
            self.n_values += 1;
        } else if letter == b'x' || count == 0 {
            return Ok(());
        } else {
            self.n_values += count;
        }
        self.parts.push(part);
        Ok(())
    }

    /// About what it takes besides itself.
    pub fn heap_bytes(&self) -> usize {
        self.text.len() + self.parts.capacity() * size_of::<Part>()
    }
}

const BAD_CHAR: &str = "bad char in struct format";
