//! Damaged code objects. Bytes are an image, or the edits of one of a few
//! compiled programs: those keep most of a code object whole, so that what the
//! verifier looks at last is reached too.

use std::sync::{Arc, LazyLock};

use arbitrary::{Result, Unstructured};
use lockstep_lang::bytecode::{Capture, Code, Const, ConstIdx, Op, Reg, Word, image};
use lockstep_lang::source::Source;

/// What each program exercises, its code shows best.
const PROGRAMS: &[&str] = &[
    "a = [1, 2, 3]\nfor i in a:\n    b = i + 2 * i - a[0]\n    if b > 3 and i != 2: print(f'{b!r:>4}')\n",
    "def f(x, y=2, *z, k=3, **w):\n    def g():\n        nonlocal x\n        x += y\n        return x, k\n    return g\nprint(f(1, 5, 6, k=4, q=7)(), f(*[1], **{'y': 2})())\n",
    "class A:\n    n = 1\n    def __init__(self, v): self.v = v\n    def m(self, o): return super().__eq__(o)\n    @property\n    def p(self): return self.v\na = A(1)\na.v += a.p\na.m(a)\nprint(a.v, a.n, A.m(a, a))\n",
    "def g(n):\n    try:\n        while n:\n            n -= 1\n            x = yield n\n    except ValueError as e:\n        yield from [e]\n    finally:\n        n = None\ni = g(5)\nnext(i)\ni.send(1)\ni.throw(ValueError('v'))\nprint([j for j in g(3) if j], {**{'k': i}})\n",
    "import asyncio\nasync def c(n):\n    async with asyncio.Lock() as l:\n        await asyncio.sleep(0)\n        return n\nasync def a():\n    for i in range(2):\n        yield await c(i)\nasync def m():\n    async for i in a():\n        print(i)\n    async with asyncio.TaskGroup() as tg:\n        tg.create_task(c(1))\n    await asyncio.gather(c(1), c(2))\nasyncio.run(m())\n",
    "def p(v):\n    match v:\n        case [1, *r] | {'k': r}: return r\n        case int(x) if x: return x\n        case {'a': 1, **r}: return r\n        case _: return v\nprint([p(v) for v in ([1, 2], {'k': 1}, 5, {'a': 1, 'b': 2}, 'x')])\n",
    "a, *b, (c, d) = 1, 2, 3, (4, 5)\ntry:\n    try: [][1]\n    except* IndexError as e: raise KeyError(c) from e\nexcept KeyError: d = (a, b)[0:1]\nwith open as f: pass\n",
    "type T[K] = dict[K, int]\ndef f[X: int](x: X = 1) -> X: return lambda: x\nprint(f()(), T, 1 << 70, 2 ** 0.5, b'x'[0], {1, 2} | {3}, 7 // 2 % 3 < 4 <= 5, not 1, -2, ~3)\nglobal q\nq = 1\ndel q\n",
];

/// The images of `PROGRAMS`.
static IMAGES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let compiled = PROGRAMS.iter().map(|text| {
        let code = crate::world::compile(text).expect("the programs compile");
        image::encode(&code)
    });
    compiled.collect()
});

/// The code object that the bytes describe, if they do.
pub fn damaged(data: &[u8]) -> Option<Code> {
    let (&first, rest) = data.split_first()?;
    let source = Arc::new(Source::new("fuzz.async", ""));
    if first == 0 {
        return Arc::into_inner(image::decode(rest, &source).ok()?);
    }
    let base = &IMAGES[usize::from(first) % IMAGES.len()];
    let mut code = Arc::into_inner(image::decode(base, &source).ok()?)?;
    let mut bytes = Unstructured::new(rest);
    while !bytes.is_empty() {
        edit(&mut code, &mut bytes).ok()?;
    }
    Some(code)
}

/// Changes one thing in a code object, or in one within.
fn edit(code: &mut Code, u: &mut Unstructured) -> Result<()> {
    let inner = code.body_mut().consts.iter_mut().filter_map(|c| match c {
        Const::Code(code) => Some(code),
        _ => None,
    });
    let mut inner: Vec<_> = inner.collect();
    let which = u.int_in_range(0..=inner.len())?;
    if which < inner.len()
        && let Some(code) = Arc::get_mut(inner[which])
    {
        return edit(code, u);
    }
    // A number that is more often small, or just beyond what is allowed.
    let number = |u: &mut Unstructured, n: u32| -> Result<u32> {
        Ok(match u.int_in_range(0..=3)? {
            0 => u.arbitrary()?,
            1 => n.saturating_add(u.int_in_range(0..=2)?),
            _ => u.int_in_range(0..=n)?,
        })
    };
    match u.int_in_range(0..=15)? {
        0..=8 => {
            let at = u.choose_index(code.body().words.len())?;
            let n_regs = code.n_regs;
            let n_consts = code.body().consts.len() as u32;
            let word = &mut code.body_mut().words[at];
            let with = |word: &Word, shift: u32, bits: u32, value: u64| {
                let mask = ((1u64 << bits) - 1) << shift;
                Word(word.0 & !mask | value << shift & mask)
            };
            *word = match u.int_in_range(0..=7)? {
                0 => with(
                    word,
                    0,
                    8,
                    u64::from(u.int_in_range(0..=Op::ALL.len() as u8)?),
                ),
                1 => with(word, 8, 8, u64::from(u.int_in_range(0..=3u8)?)),
                2 => with(word, 16, 16, number(u, n_regs)?.into()),
                3 => with(word, 32, 16, number(u, n_regs)?.into()),
                4 => with(word, 48, 16, number(u, n_regs)?.into()),
                5 => with(word, 32, 32, number(u, n_consts)?.into()),
                6 => with(word, 0, 32, number(u, n_consts)?.into()),
                _ => Word(u.arbitrary()?),
            };
        }
        9 => {
            // An instruction's words move within the code.
            let (from, to) = (
                u.choose_index(code.body().words.len())?,
                u.choose_index(code.body().words.len())?,
            );
            code.body_mut().words.swap(from, to);
        }
        10 => code.n_regs = number(u, code.n_regs)?,
        11 => {
            let n = number(u, 3)? as u16;
            match u.int_in_range(0..=3)? {
                0 => code.n_pos = n,
                1 => code.n_posonly = n,
                2 => code.n_kwonly = n,
                _ => {
                    code.params.pop();
                }
            }
        }
        12 => {
            let flags = &mut code.flags;
            let flag = match u.int_in_range(0..=6)? {
                0 => &mut flags.generator,
                1 => &mut flags.coroutine,
                2 => &mut flags.async_generator,
                3 => &mut flags.class_body,
                4 => &mut flags.module,
                5 => &mut flags.varargs,
                _ => &mut flags.varkw,
            };
            *flag = !*flag;
        }
        13 => {
            let n_words = code.body().words.len() as u32;
            let n_regs = code.n_regs;
            if let Some(handler) = code.body_mut().handlers.first_mut() {
                match u.int_in_range(0..=3)? {
                    0 => handler.start = number(u, n_words)?,
                    1 => handler.end = number(u, n_words)?,
                    2 => handler.target = number(u, n_words)?,
                    _ => handler.exc = Reg(number(u, n_regs)? as u16),
                }
            }
        }
        14 => match u.int_in_range(0..=3)? {
            0 => {
                code.captures.pop();
            }
            1 => {
                if let Some(capture) = code.captures.first_mut() {
                    let at = number(u, 3)? as u16;
                    *capture = match *capture {
                        Capture::Local(_) => Capture::Free(at),
                        Capture::Free(_) => Capture::Local(Reg(at)),
                    };
                }
            }
            2 => code.doc = Some(ConstIdx(number(u, 3)?)),
            _ => {
                code.free.pop();
            }
        },
        _ => {
            let n_regs = code.n_regs;
            if let Some(local) = code.body_mut().locals.first_mut() {
                local.reg = Reg(number(u, n_regs)? as u16);
                local.is_cell = !local.is_cell;
            }
            if !code.body().consts.is_empty() {
                let (a, b) = (
                    u.choose_index(code.body().consts.len())?,
                    u.choose_index(code.body().consts.len())?,
                );
                code.body_mut().consts.swap(a, b);
            }
        }
    }
    Ok(())
}
