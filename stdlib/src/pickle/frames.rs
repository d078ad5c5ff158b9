//! The bytes of a pickle as they gather: from protocol 4 on they stand in frames, except for what
//! is large.

use super::opcode::FRAME;

const FRAME_BYTES_MIN: usize = 4;
const FRAME_BYTES_TARGET: usize = 64 * 1024;
/// An opcode and a size.
const HEADER_BYTES: usize = 9;

/// A pickle that is being written.
pub struct Frames {
    pub bytes: Vec<u8>,
    /// Where the file gets a piece of its own, in rising order: CPython 3.13 _pickle.c writes
    /// what is complete when a frame is full, and what is large by itself.
    pub cuts: Vec<usize>,
    is_framing: bool,
    /// Where the header of the open frame stands.
    start: Option<usize>,
}

impl Frames {
    /// Begins with what stands before all frames.
    pub fn new(header: &[u8], is_framing: bool) -> Frames {
        Frames {
            bytes: header.to_vec(),
            cuts: Vec::new(),
            is_framing,
            start: None,
        }
    }

    fn open(&mut self) {
        if self.is_framing && self.start.is_none() {
            self.start = Some(self.bytes.len());
            self.bytes.extend_from_slice(&[0; HEADER_BYTES]);
        }
    }

    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.open();
        self.bytes.push(byte);
    }

    #[inline]
    pub fn write(&mut self, data: &[u8]) {
        self.open();
        self.bytes.extend_from_slice(data);
    }

    /// Between two values: a frame that is full ends.
    #[inline]
    pub fn boundary(&mut self) {
        if let Some(start) = self.start
            && self.bytes.len() - start - HEADER_BYTES >= FRAME_BYTES_TARGET
        {
            self.close();
            self.cuts.push(self.bytes.len());
        }
    }

    /// Writes what may be large enough to stand outside of frames.
    pub fn write_large(&mut self, header: &[u8], data: &[u8]) {
        if data.len() < FRAME_BYTES_TARGET {
            self.write(header);
            self.write(data);
            return;
        }
        self.close();
        self.bytes.extend_from_slice(header);
        self.cuts.push(self.bytes.len());
        self.bytes.extend_from_slice(data);
        self.cuts.push(self.bytes.len());
    }

    /// Ends the open frame; what is too small has none.
    pub fn close(&mut self) {
        let Some(start) = self.start.take() else {
            return;
        };
        let body = start + HEADER_BYTES;
        let size = self.bytes.len() - body;
        if size < FRAME_BYTES_MIN {
            self.bytes.drain(start..body);
            return;
        }
        self.bytes[start] = FRAME;
        self.bytes[start + 1..body].copy_from_slice(&(size as u64).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_frames_have_no_header() {
        let mut frames = Frames::new(b"\x80\x04", true);
        frames.write(b"N.");
        frames.close();
        assert_eq!(frames.bytes, b"\x80\x04N.");
    }

    #[test]
    fn large_data_stands_between_frames() {
        let mut frames = Frames::new(b"", true);
        frames.write(b"abcd");
        frames.write_large(b"B", &[b'x'; FRAME_BYTES_TARGET]);
        frames.push(b'.');
        frames.close();
        assert_eq!(&frames.bytes[..14], b"\x95\x04\0\0\0\0\0\0\0abcdB");
        assert_eq!(frames.cuts, [14, 14 + FRAME_BYTES_TARGET]);
        assert_eq!(frames.bytes.last(), Some(&b'.'));
        assert_eq!(frames.bytes.len(), 15 + FRAME_BYTES_TARGET);
    }
}
