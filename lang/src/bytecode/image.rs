//! A code object as bytes and back: what lets the library be compiled when
//! Lockstep is built rather than when it runs. Takes verified code, gives an
//! image; takes an image and the source it was made from, gives the code.
//! Knows no files and no versions: an image is read by the build that wrote it.

use std::fmt;
use std::sync::Arc;

use num_bigint::BigInt;
use rustc_hash::FxHashMap;

use super::code::LazyBody;
use super::{Body, Capture, Code, CodeFlags, Const, ConstIdx, Handler, LocalVar, Reg, Word};
use crate::ast::{Name, StrLit};
use crate::source::{Source, Span};

/// Bytes that are no image: they end early, or hold what no image does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed bytecode image")
    }
}

impl std::error::Error for Malformed {}

/// The image of a code object and of those inside it; their source is left out.
///
/// ```
/// use std::sync::Arc;
/// use lockstep_lang::{bytecode::image, compile::{CompileOptions, compile_source}, source::Source};
/// let source = Arc::new(Source::new("demo.async", "def f(x): return x + 1\n"));
/// let code = compile_source(source.clone(), CompileOptions::default()).unwrap().code;
/// let image = image::encode(&code);
/// let again = image::decode(&image, &source).unwrap();
/// assert_eq!(format!("{again:?}"), format!("{code:?}"));
/// ```
pub fn encode(code: &Code) -> Vec<u8> {
    let mut body = Encoder::default();
    body.code(code);
    let mut image = Encoder::default();
    image.size(body.order.len());
    for name in &body.order {
        image.bytes(name.as_str().as_bytes());
    }
    image.out.extend(body.out);
    image.out
}

/// The code object that an image was made of. It isn't verified again.
///
/// # Errors
/// The bytes are no image.
pub fn decode(image: &[u8], source: &Arc<Source>) -> Result<Arc<Code>, Malformed> {
    read(image, source, |decoder, bytes| {
        let part = &mut Decoder {
            rest: bytes,
            names: decoder.names.clone(),
            source: decoder.source.clone(),
            read_body: decoder.read_body,
        };
        part.body().map(LazyBody::from)
    })
}

/// As `decode`, but that each body is read when somebody asks for it (`Code::body`): for images
/// that are part of the program.
///
/// # Errors
/// The bytes are no image, as far as that is seen at once.
pub fn decode_lazily(image: &'static [u8], source: &Arc<Source>) -> Result<Arc<Code>, Malformed> {
    read(image, source, later)
}

fn later(decoder: &Decoder<'static>, bytes: &'static [u8]) -> Result<LazyBody, Malformed> {
    let names = decoder.names.clone();
    Ok(LazyBody::later(Part { bytes, names }))
}

/// Where a body lies in an image, with the image's names.
pub struct Part {
    bytes: &'static [u8],
    names: Arc<[Name]>,
}

impl Part {
    /// The body.
    ///
    /// # Panics
    /// If the bytes are none: what they were made of was read back when Lockstep was built.
    pub(super) fn body(&self, source: &Arc<Source>) -> Body {
        let mut decoder = Decoder {
            rest: self.bytes,
            names: self.names.clone(),
            source: source.clone(),
            read_body: later,
        };
        let body = decoder.body();
        body.expect("the library's images are as they were built")
    }
}

type ReadBody<'a> = fn(&Decoder<'a>, &'a [u8]) -> Result<LazyBody, Malformed>;

fn read<'a>(
    image: &'a [u8],
    source: &Arc<Source>,
    read_body: ReadBody<'a>,
) -> Result<Arc<Code>, Malformed> {
    let mut decoder = Decoder {
        rest: image,
        names: Arc::default(),
        source: source.clone(),
        read_body,
    };
    decoder.names = decoder.list(|d| d.text().map(Name::from))?.into();
    let code = decoder.code()?;
    if decoder.rest.is_empty() {
        Ok(Arc::new(code))
    } else {
        Err(Malformed)
    }
}

/// The kinds of constants, as an image writes them.
mod tag {
    pub const NONE: u8 = 0;
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const ELLIPSIS: u8 = 3;
    pub const INT: u8 = 4;
    pub const BIG_INT: u8 = 5;
    pub const FLOAT: u8 = 6;
    pub const TEXT: u8 = 7;
    pub const CODE_POINTS: u8 = 8;
    pub const BYTES: u8 = 9;
    pub const TUPLE: u8 = 10;
    pub const FROZEN_SET: u8 = 11;
    pub const NAME: u8 = 12;
    pub const CODE: u8 = 13;
}

#[derive(Default)]
struct Encoder {
    out: Vec<u8>,
    /// Each name's place in the table that stands before the code.
    names: FxHashMap<Name, usize>,
    order: Vec<Name>,
}

impl Encoder {
    fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    /// Seven bits to a byte, the lowest first.
    fn number(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.out.push(n as u8 | 0x80);
            n >>= 7;
        }
        self.out.push(n as u8);
    }

    fn size(&mut self, n: usize) {
        self.number(n as u64);
    }

    fn signed(&mut self, n: i64) {
        self.number((n << 1 ^ n >> 63) as u64);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.size(bytes.len());
        self.out.extend_from_slice(bytes);
    }

    fn name(&mut self, name: &Name) {
        let index = match self.names.get(name) {
            Some(&index) => index,
            None => {
                let index = self.order.len();
                self.order.push(name.clone());
                self.names.insert(name.clone(), index);
                index
            }
        };
        self.size(index);
    }

    fn name_list(&mut self, names: &[Name]) {
        self.size(names.len());
        for name in names {
            self.name(name);
        }
    }

    fn code(&mut self, code: &Code) {
        self.name(&code.name);
        self.name(&code.qualname);
        self.number(flag_bits(code.flags));
        for n in [code.n_posonly, code.n_pos, code.n_kwonly] {
            self.number(n.into());
        }
        self.name_list(&code.params);
        self.number(code.n_regs.into());
        let before = std::mem::take(&mut self.out);
        self.body(code.body());
        let body = std::mem::replace(&mut self.out, before);
        self.bytes(&body);
        self.name_list(&code.free);
        self.size(code.captures.len());
        for capture in &code.captures {
            let (kind, index) = match *capture {
                Capture::Local(reg) => (0, reg.0),
                Capture::Free(index) => (1, index),
            };
            self.byte(kind);
            self.number(index.into());
        }
        self.number(code.doc.map_or(0, |doc| u64::from(doc.0) + 1));
        self.number(code.first_line.into());
    }

    fn body(&mut self, body: &Body) {
        self.size(body.words.len());
        for word in &body.words {
            self.out.extend_from_slice(&word.0.to_le_bytes());
        }
        self.constants(&body.consts);
        self.size(body.handlers.len());
        for handler in &body.handlers {
            for n in [handler.start, handler.end, handler.target] {
                self.number(n.into());
            }
            self.number(handler.exc.0.into());
        }
        self.spans(&body.spans);
        self.size(body.locals.len());
        for local in &body.locals {
            self.name(&local.name);
            self.number(local.reg.0.into());
            self.byte(u8::from(local.is_cell) | u8::from(local.hidden) << 1);
            self.number(local.start.into());
            self.number(local.end.into());
        }
    }

    /// Each pair by its distance from the one before.
    fn spans(&mut self, spans: &[(u32, Span)]) {
        self.size(spans.len());
        let (mut word, mut start) = (0, 0);
        for &(at, span) in spans {
            self.number(u64::from(at - word));
            self.signed(i64::from(span.start) - i64::from(start));
            self.signed(i64::from(span.end) - i64::from(span.start));
            (word, start) = (at, span.start);
        }
    }

    fn constants(&mut self, constants: &[Const]) {
        self.size(constants.len());
        for constant in constants {
            self.constant(constant);
        }
    }

    fn constant(&mut self, constant: &Const) {
        match constant {
            Const::None => self.byte(tag::NONE),
            Const::True => self.byte(tag::TRUE),
            Const::False => self.byte(tag::FALSE),
            Const::Ellipsis => self.byte(tag::ELLIPSIS),
            Const::Int(n) => {
                self.byte(tag::INT);
                self.signed(*n);
            }
            Const::BigInt(n) => {
                self.byte(tag::BIG_INT);
                self.bytes(&n.to_signed_bytes_le());
            }
            Const::Float(x) => {
                self.byte(tag::FLOAT);
                self.out.extend_from_slice(&x.to_bits().to_le_bytes());
            }
            Const::Str(StrLit::Text(text)) => {
                self.byte(tag::TEXT);
                self.bytes(text.as_bytes());
            }
            Const::Str(StrLit::CodePoints(points)) => {
                self.byte(tag::CODE_POINTS);
                self.size(points.len());
                for &point in points {
                    self.number(point.into());
                }
            }
            Const::Bytes(bytes) => {
                self.byte(tag::BYTES);
                self.bytes(bytes);
            }
            Const::Tuple(items) => {
                self.byte(tag::TUPLE);
                self.constants(items);
            }
            Const::FrozenSet(items) => {
                self.byte(tag::FROZEN_SET);
                self.constants(items);
            }
            Const::Name(name) => {
                self.byte(tag::NAME);
                self.name(name);
            }
            Const::Code(code) => {
                self.byte(tag::CODE);
                self.code(code);
            }
        }
    }
}

fn flag_bits(flags: CodeFlags) -> u64 {
    let CodeFlags {
        generator,
        coroutine,
        async_generator,
        class_body,
        module,
        varargs,
        varkw,
        closes,
    } = flags;
    let bits = [generator, coroutine, async_generator, class_body, module];
    let bits = bits.into_iter().chain([varargs, varkw, closes]).enumerate();
    bits.fold(0, |all, (i, flag)| all | u64::from(flag) << i)
}

fn flags_of(bits: u64) -> CodeFlags {
    let has = |i: u32| bits >> i & 1 == 1;
    CodeFlags {
        generator: has(0),
        coroutine: has(1),
        async_generator: has(2),
        class_body: has(3),
        module: has(4),
        varargs: has(5),
        varkw: has(6),
        closes: has(7),
    }
}

struct Decoder<'a> {
    rest: &'a [u8],
    names: Arc<[Name]>,
    source: Arc<Source>,
    /// What is done with the bytes of a body.
    read_body: ReadBody<'a>,
}

impl<'a> Decoder<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let (&byte, rest) = self.rest.split_first().ok_or(Malformed)?;
        self.rest = rest;
        Ok(byte)
    }

    #[inline]
    fn number(&mut self) -> Result<u64, Malformed> {
        let mut n = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(Malformed)
    }

    fn short(&mut self) -> Result<u16, Malformed> {
        u16::try_from(self.number()?).map_err(|_| Malformed)
    }

    fn half(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.number()?).map_err(|_| Malformed)
    }

    fn signed(&mut self) -> Result<i64, Malformed> {
        let n = self.number()?;
        Ok((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    /// How many things follow; each takes a byte at least.
    fn count(&mut self) -> Result<usize, Malformed> {
        match usize::try_from(self.number()?) {
            Ok(n) if n <= self.rest.len() => Ok(n),
            _ => Err(Malformed),
        }
    }

    /// So many things as the next number says.
    fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let n = self.count()?;
        let mut items = Vec::with_capacity(n);
        for _ in 0..n {
            items.push(read(self)?);
        }
        Ok(items)
    }

    fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let n = self.count()?;
        self.take(n)
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    fn eight_bytes(&mut self) -> Result<u64, Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Malformed)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn name(&mut self) -> Result<Name, Malformed> {
        let index = self.number()? as usize;
        self.names.get(index).cloned().ok_or(Malformed)
    }

    fn code(&mut self) -> Result<Code, Malformed> {
        Ok(Code {
            name: self.name()?,
            qualname: self.name()?,
            source: self.source.clone(),
            flags: flags_of(self.number()?),
            n_posonly: self.short()?,
            n_pos: self.short()?,
            n_kwonly: self.short()?,
            params: self.list(Self::name)?,
            n_regs: self.half()?,
            body: {
                let bytes = self.bytes()?;
                (self.read_body)(self, bytes)?
            },
            free: self.list(Self::name)?,
            captures: self.list(Self::capture)?,
            doc: match self.half()? {
                0 => None,
                n => Some(ConstIdx(n - 1)),
            },
            first_line: self.half()?,
        })
    }

    fn body(&mut self) -> Result<Body, Malformed> {
        let body = Body {
            words: self.words()?,
            consts: self.list(Self::constant)?,
            handlers: self.list(Self::handler)?,
            spans: self.spans()?,
            locals: self.list(Self::local)?,
        };
        if self.rest.is_empty() {
            Ok(body)
        } else {
            Err(Malformed)
        }
    }

    fn words(&mut self) -> Result<Vec<Word>, Malformed> {
        let n = self.count()?;
        let bytes = self.take(n.checked_mul(8).ok_or(Malformed)?)?;
        let (words, _) = bytes.as_chunks();
        Ok(words
            .iter()
            .map(|word| Word(u64::from_le_bytes(*word)))
            .collect())
    }

    fn handler(&mut self) -> Result<Handler, Malformed> {
        Ok(Handler {
            start: self.half()?,
            end: self.half()?,
            target: self.half()?,
            exc: Reg(self.short()?),
        })
    }

    fn spans(&mut self) -> Result<Vec<(u32, Span)>, Malformed> {
        let (mut word, mut start) = (0u32, 0u32);
        let moved = |from: u32, by: i64| u32::try_from(i64::from(from).checked_add(by)?).ok();
        self.list(|decoder| {
            word = word.checked_add(decoder.half()?).ok_or(Malformed)?;
            start = moved(start, decoder.signed()?).ok_or(Malformed)?;
            let end = moved(start, decoder.signed()?).ok_or(Malformed)?;
            Ok((word, Span::new(start, end)))
        })
    }

    fn local(&mut self) -> Result<LocalVar, Malformed> {
        let (name, reg) = (self.name()?, Reg(self.short()?));
        let bits = self.byte()?;
        Ok(LocalVar {
            name,
            reg,
            is_cell: bits & 1 != 0,
            hidden: bits & 2 != 0,
            start: self.half()?,
            end: self.half()?,
        })
    }

    fn capture(&mut self) -> Result<Capture, Malformed> {
        match self.byte()? {
            0 => Ok(Capture::Local(Reg(self.short()?))),
            1 => Ok(Capture::Free(self.short()?)),
            _ => Err(Malformed),
        }
    }

    fn constant(&mut self) -> Result<Const, Malformed> {
        Ok(match self.byte()? {
            tag::NONE => Const::None,
            tag::TRUE => Const::True,
            tag::FALSE => Const::False,
            tag::ELLIPSIS => Const::Ellipsis,
            tag::INT => Const::Int(self.signed()?),
            tag::BIG_INT => Const::BigInt(BigInt::from_signed_bytes_le(self.bytes()?)),
            tag::FLOAT => Const::Float(f64::from_bits(self.eight_bytes()?)),
            tag::TEXT => Const::Str(StrLit::Text(self.text()?.to_owned())),
            tag::CODE_POINTS => Const::Str(StrLit::CodePoints(self.list(Self::half)?)),
            tag::BYTES => Const::Bytes(self.bytes()?.to_vec()),
            tag::TUPLE => Const::Tuple(self.list(Self::constant)?),
            tag::FROZEN_SET => Const::FrozenSet(self.list(Self::constant)?),
            tag::NAME => Const::Name(self.name()?),
            tag::CODE => Const::Code(Arc::new(self.code()?)),
            _ => return Err(Malformed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{CompileOptions, compile_source};

    /// Every kind of constant, capture, handler and flag.
    const SCRIPT: &str = r#"
"""doc"""
import a.b as c
def f(x, /, y=1, *args, z: int = 2.5, **kw):
    """inner"""
    global g
    try:
        n = lambda: (x, kw, 123456789012345678901234567890, -7, b"\x00\xff", "\ud800", ...)
        return x in {1, "two", (3, None, True, False)}
    except* ValueError as e:
        raise
async def h(q):
    async with q as r:
        yield [i async for i in r if (lambda: i)]
class C[T]:
    __slots__ = ()
    def m(self): return super().m(__class__)
"#;

    fn sample() -> (Arc<Code>, Arc<Source>) {
        let source = Arc::new(Source::new("sample", SCRIPT));
        let compiled = compile_source(source.clone(), CompileOptions::default());
        (compiled.expect("the sample compiles").code, source)
    }

    #[test]
    fn what_was_written_is_read() {
        let (code, source) = sample();
        let again = decode(&encode(&code), &source).expect("an image of the same build");
        assert_eq!(format!("{again:#?}"), format!("{code:#?}"));
    }

    /// Asks for the body of a code object and of those inside it; gives how many they are.
    fn read_all(code: &Code) -> usize {
        let inner = code
            .body()
            .consts
            .iter()
            .filter_map(|constant| match constant {
                Const::Code(code) => Some(read_all(code)),
                _ => None,
            });
        1 + inner.sum::<usize>()
    }

    #[test]
    fn a_body_is_read_when_it_is_asked_for() {
        let (code, source) = sample();
        let image = encode(&code).leak();
        let again = decode_lazily(image, &source).expect("an image of the same build");
        assert_eq!(format!("{:?}", again.body), "None");
        assert_eq!(read_all(&again), read_all(&code));
        assert_eq!(format!("{again:#?}"), format!("{code:#?}"));
    }

    #[test]
    fn other_bytes_are_refused_or_read_but_never_panic() {
        let (code, source) = sample();
        let image = encode(&code);
        for end in 0..image.len() {
            assert!(decode(&image[..end], &source).is_err(), "cut at {end}");
        }
        for at in 0..image.len() {
            for bit in 0..8 {
                let mut damaged = image.clone();
                damaged[at] ^= 1 << bit;
                let _ = decode(&damaged, &source);
            }
        }
    }
}
