//! Names and texts of the machine: paths, arguments, the environment. Takes the machine's bytes and
//! gives a str, and the other way round; where the bytes are no UTF-8 each of them is a lone
//! surrogate (the handler `surrogateescape`), so that what was listed can be opened again. All that
//! crosses between scripts and the machine does so here.

use std::ffi::{OsStr, OsString};

use super::pystr::PyStr;
#[cfg(unix)]
use super::pystr::StrBuilder;

/// The byte 0x80 is U+DC80, and so on up to 0xff.
#[cfg(unix)]
const ESCAPE: u32 = 0xdc00;

/// The str that stands for a text of the machine.
#[cfg(unix)]
pub fn from_os(text: &OsStr) -> PyStr {
    use std::os::unix::ffi::OsStrExt;

    let mut out = StrBuilder::with_capacity(text.len());
    for chunk in text.as_bytes().utf8_chunks() {
        out.push_str(chunk.valid());
        for &byte in chunk.invalid() {
            out.push_cp(ESCAPE + u32::from(byte));
        }
    }
    out.finish()
}

/// The text of the machine that a str stands for.
///
/// # Errors
/// The index of the first code point that stands for none.
#[cfg(unix)]
pub fn to_os(text: &PyStr) -> Result<OsString, usize> {
    use std::os::unix::ffi::OsStringExt;

    let mut out = Vec::with_capacity(text.len());
    if text.push_utf8(&mut out).is_err() {
        for (at, cp) in text.chars().enumerate() {
            match (char::from_u32(cp), cp.checked_sub(ESCAPE)) {
                (Some(c), _) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                (None, Some(byte @ 0x80..=0xff)) => out.push(byte as u8),
                (None, _) => return Err(at),
            }
        }
    }
    Ok(OsString::from_vec(out))
}

/// The text of the machine that these bytes are.
#[cfg(unix)]
pub fn from_bytes(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStrExt;

    OsStr::from_bytes(bytes).to_os_string()
}

/// As on Unix; only what is Unicode is kept whole.
#[cfg(not(unix))]
pub fn from_os(text: &OsStr) -> PyStr {
    PyStr::from(text.to_string_lossy().as_ref())
}

/// As on Unix; only Unicode is taken.
///
/// # Errors
/// The index of the first code point that stands for none.
#[cfg(not(unix))]
pub fn to_os(text: &PyStr) -> Result<OsString, usize> {
    text.to_utf8().map(OsString::from)
}

/// As on Unix; only what is Unicode is kept whole.
#[cfg(not(unix))]
pub fn from_bytes(bytes: &[u8]) -> OsString {
    OsString::from(String::from_utf8_lossy(bytes).as_ref())
}

/// The bytes of a text of the machine.
pub fn bytes(text: &OsStr) -> &[u8] {
    text.as_encoded_bytes()
}

/// A text of the machine where it can only be shown, as the name of a source is: what is no UTF-8
/// stands there as CPython writes it to standard error, `\udce9`.
pub fn shown(text: &OsStr) -> String {
    from_os(text).to_escaped()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn check(bytes: &[u8], code_points: &[u32]) {
        let text = from_bytes(bytes);
        let str = from_os(&text);
        assert_eq!(str.chars().collect::<Vec<_>>(), code_points);
        assert_eq!(to_os(&str), Ok(text));
    }

    #[test]
    fn there_and_back() {
        check(b"", &[]);
        check("café".as_bytes(), &[0x63, 0x61, 0x66, 0xe9]);
        check(b"caf\xe9", &[0x63, 0x61, 0x66, 0xdce9]);
        check(b"\xed\xa0\x80", &[0xdced, 0xdca0, 0xdc80]);
        check(b"\xf0\x9f\x98", &[0xdcf0, 0xdc9f, 0xdc98]);
        check("\u{1f600}\u{10ffff}".as_bytes(), &[0x1f600, 0x10_ffff]);
    }

    #[test]
    fn what_stands_for_no_byte() {
        for (cp, at) in [(0xd800, 1), (0xdc7f, 1), (0xdd00, 1), (0xdfff, 1)] {
            let mut out = StrBuilder::new();
            out.push_cp(0xdc80);
            out.push_cp(cp);
            assert_eq!(to_os(&out.finish()), Err(at));
        }
    }

    #[test]
    fn shown_as_on_standard_error() {
        assert_eq!(shown(&from_bytes(b"caf\xe9")), "caf\\udce9");
        assert_eq!(shown(OsStr::new("é")), "é");
    }
}
