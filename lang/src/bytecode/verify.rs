//! Takes a code object, tells whether a VM may run it without checking
//! operands. Reads the opcode table; knows by name only the few opcodes whose
//! windows are wider than their operands say. Never runs anything.

use std::fmt;

use super::op::{Intrinsic, Operand};
use super::{Capture, Code, Const, Op, Word};
use crate::source::Span;

/// What is wrong with a code object, and at which word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The code object's qualified name.
    pub code: String,
    pub at: u32,
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at word {}: {}", self.code, self.at, self.what)
    }
}

impl std::error::Error for Fault {}

/// Checks a code object and those inside it: opcodes, their flags and their
/// extra words, registers, constants and their kinds, free variables, jump
/// targets, the Await behind what may answer it itself, handlers, captures,
/// and that control can't run off the end.
///
/// # Errors
/// The first fault.
pub fn verify(code: &Code) -> Result<(), Fault> {
    let mut pending = vec![(code, None)];
    while let Some((code, maker)) = pending.pop() {
        Verifier { code }.run(maker)?;
        for value in &code.body().consts {
            if let Const::Code(inner) = value {
                pending.push((inner, Some(code)));
            }
        }
    }
    Ok(())
}

/// How many registers the range or window of the instruction at word `at` spans.
pub(super) fn window_width(code: &Code, at: usize, op: Op) -> u32 {
    let word: Word = code.body().words[at];
    let n = u32::from(word.c());
    match op {
        Op::BuildSlice | Op::LoadSlice | Op::CallEx | Op::CallSuper => 3,
        Op::BuildDict => 2 * n,
        Op::Call | Op::CallKw => n + 1,
        Op::CallMethod | Op::CallMethodKw | Op::CallLoaded | Op::CallLoadedKw => n + 2,
        Op::UnpackEx => n + 1 + code.body().words[at + 1].e0().min(u32::from(u16::MAX) + 1),
        _ => n,
    }
}

/// The bits of `x` that compiled code may set; the others are an inline
/// cache's, or nobody's.
fn flag_bits(op: Op) -> u8 {
    match op {
        Op::Add | Op::Sub | Op::Mul | Op::TrueDiv | Op::FloorDiv | Op::Mod | Op::Pow => 1,
        Op::MatMul | Op::LShift | Op::RShift | Op::And | Op::Or | Op::Xor => 1,
        Op::AddI | Op::SubI | Op::MulI | Op::FloorDivI | Op::ModI => 1,
        Op::AndI | Op::LShiftI | Op::RShiftI => 1,
        Op::Is | Op::In | Op::JumpIs | Op::JumpIn => 1,
        Op::JumpLt | Op::JumpLe | Op::JumpGt | Op::JumpGe | Op::JumpEq | Op::JumpNe => 1,
        Op::JumpLtI | Op::JumpLeI | Op::JumpGtI | Op::JumpGeI | Op::JumpEqI | Op::JumpNeI => 1,
        Op::Call | Op::CallKw | Op::CallMethod | Op::CallMethodKw => 1,
        Op::CallLoaded | Op::CallLoadedKw => 1,
        Op::LoadFree | Op::NativeStep | Op::Import | Op::UnpackSeq => 1,
        Op::BeforeWith | Op::WithExit | Op::WithExitExc => 1,
        Op::CallEx | Op::Raise => 3,
        Op::CallSuper | Op::FormatValue => 7,
        Op::MakeFunction => 15,
        Op::Await | Op::Intrinsic => u8::MAX,
        _ => 0,
    }
}

/// The register whose `Await` must follow the instruction, because the VM may
/// leave it out.
fn awaited(op: Op, word: Word) -> Option<u32> {
    let flagged = word.x() & 1 != 0;
    match op {
        Op::Call | Op::CallKw | Op::CallEx | Op::CallMethod | Op::CallMethodKw => {
            flagged.then_some(word.a().into())
        }
        Op::CallLoaded | Op::CallLoadedKw | Op::WithExit | Op::WithExitExc => {
            flagged.then_some(word.a().into())
        }
        Op::GetAnext => Some(word.a().into()),
        Op::BeforeWith => flagged.then_some(u32::from(word.a()) + 1),
        _ => None,
    }
}

struct Verifier<'a> {
    code: &'a Code,
}

impl Verifier<'_> {
    fn fault<T>(&self, at: usize, what: impl Into<String>) -> Result<T, Fault> {
        Err(Fault {
            code: self.code.qualname.to_string(),
            at: at as u32,
            what: what.into(),
        })
    }

    fn run(&self, maker: Option<&Code>) -> Result<(), Fault> {
        let code = self.code;
        if code.body().words.len() >= i32::MAX as usize {
            return self.fault(0, "too many words");
        }
        if code.n_regs == 0 || code.n_regs > u32::from(u16::MAX) + 1 {
            return self.fault(0, format!("{} registers", code.n_regs));
        }
        if code.n_params() > code.n_regs as usize || code.n_params() != code.params.len() {
            return self.fault(0, "parameters and registers don't agree");
        }
        if code.n_posonly > code.n_pos {
            return self.fault(0, "more positional-only parameters than positional ones");
        }
        let flags = code.flags;
        let kinds = [flags.generator, flags.coroutine, flags.async_generator];
        if kinds.into_iter().filter(|&kind| kind).count() > 1 {
            return self.fault(0, "more than one kind of suspended frame");
        }
        if flags.class_body && (flags.suspends() || code.n_pos != 1 || code.n_params() != 1) {
            return self.fault(0, "a class body has one parameter");
        }
        self.captures(maker)?;
        let starts = self.instructions()?;
        self.targets(&starts)?;
        self.tables(&starts)
    }

    fn captures(&self, maker: Option<&Code>) -> Result<(), Fault> {
        let code = self.code;
        if code.captures.len() != code.free.len() {
            return self.fault(0, "free variables and captures don't agree");
        }
        for capture in &code.captures {
            let good = match (capture, maker) {
                (_, None) => false,
                (Capture::Local(reg), Some(maker)) => u32::from(reg.0) < maker.n_regs,
                (Capture::Free(index), Some(maker)) => usize::from(*index) < maker.free.len(),
            };
            if !good {
                return self.fault(0, format!("capture {capture:?} is not the maker's"));
            }
        }
        Ok(())
    }

    /// Checks each instruction; gives which words start one.
    fn instructions(&self) -> Result<Vec<bool>, Fault> {
        let words = &self.code.body().words;
        let mut starts = vec![false; words.len()];
        let mut at = 0;
        let mut last = None;
        while at < words.len() {
            let Some(op) = Op::from_byte(words[at].op_byte()) else {
                return self.fault(at, format!("no opcode {}", words[at].op_byte()));
            };
            starts[at] = true;
            let end = at + 1 + op.extra_words();
            if end > words.len() {
                return self.fault(at, "extra words are missing");
            }
            for (index, word) in words[at + 1..end].iter().enumerate() {
                let e0_used = match index {
                    0 => op.layout().e0 != Operand::None,
                    1 => op.layout().e1 != Operand::None,
                    _ => false,
                };
                if word.0 >> 32 != 0 || (!e0_used && word.0 != 0) {
                    return self.fault(at, "an inline cache is not empty");
                }
            }
            self.instruction(at, op)?;
            if let Some(reg) = awaited(op, words[at]) {
                let answers = words.get(end).is_some_and(|next| {
                    Op::from_byte(next.op_byte()) == Some(Op::Await)
                        && u32::from(next.a()) == reg
                        && u32::from(next.b()) == reg
                });
                if !answers {
                    return self.fault(at, "no Await of its result follows");
                }
            }
            last = Some(op);
            at = end;
        }
        let ends = [Op::Jump, Op::Return, Op::ReturnNone, Op::Raise, Op::Reraise];
        match last {
            Some(op) if ends.contains(&op) => Ok(starts),
            _ => self.fault(words.len(), "control runs off the end"),
        }
    }

    fn instruction(&self, at: usize, op: Op) -> Result<(), Fault> {
        let word = self.code.body().words[at];
        if word.x() & !flag_bits(op) != 0 {
            return self.fault(at, format!("{} has no flags {:#x}", op.name(), word.x()));
        }
        if op == Op::LoadBody {
            return self.fault(at, "LoadBody stands in no code");
        }
        let suspends = matches!(
            op,
            Op::Yield | Op::YieldFrom | Op::Await | Op::NativeStep | Op::GetAnext
        );
        if suspends && !self.code.flags.suspends() {
            return self.fault(
                at,
                format!("{} in a frame that can't be suspended", op.name()),
            );
        }
        let layout = op.layout();
        let extra = |index: usize| self.code.body().words[at + index].e0();
        self.operand(at, op, layout.a, word.a().into())?;
        if layout.bc == Operand::None {
            self.operand(at, op, layout.b, word.b().into())?;
            self.operand(at, op, layout.c, word.c().into())?;
        } else {
            self.operand(at, op, layout.bc, word.bc())?;
        }
        if op.extra_words() > 0 {
            self.operand(at, op, layout.e0, extra(1))?;
        }
        if op.extra_words() > 1 {
            self.operand(at, op, layout.e1, extra(2))?;
        }
        match op {
            Op::Intrinsic if usize::from(word.x()) >= Intrinsic::ALL.len() => {
                self.fault(at, format!("no intrinsic {}", word.x()))
            }
            Op::MakeFunction => match self.constant(at, extra(1))? {
                Const::Code(_) => {
                    let n_read = u8::BITS - word.x().leading_zeros();
                    self.registers(at, word.b().into(), n_read)
                }
                _ => self.fault(at, "the constant is no code"),
            },
            Op::CallKw | Op::CallLoadedKw => self.keywords(at, extra(1), word.c().into()),
            Op::CallMethodKw => self.keywords(at, extra(2), word.c().into()),
            Op::MatchClass => self.names(at, extra(2)).map(|_| ()),
            Op::Import => match self.constant(at, extra(2))? {
                Const::None => Ok(()),
                _ => self.names(at, extra(2)).map(|_| ()),
            },
            _ => Ok(()),
        }
    }

    fn operand(&self, at: usize, op: Op, operand: Operand, value: u32) -> Result<(), Fault> {
        match operand {
            Operand::None if value != 0 => self.fault(at, "an unused field is not zero"),
            Operand::None | Operand::Count | Operand::Imm | Operand::Imm32 | Operand::Jump => {
                Ok(())
            }
            Operand::Dst | Operand::Src => self.registers(at, value, 1),
            Operand::DstPair => self.registers(at, value, 2),
            Operand::SrcN | Operand::DstN | Operand::Window => {
                self.registers(at, value, window_width(self.code, at, op))
            }
            Operand::Free => {
                if (value as usize) < self.code.free.len() {
                    Ok(())
                } else {
                    self.fault(at, format!("no free variable {value}"))
                }
            }
            Operand::Const => self.constant(at, value).map(|_| ()),
            Operand::Name => match self.constant(at, value)? {
                Const::Name(_) => Ok(()),
                _ => self.fault(at, format!("constant {value} is no name")),
            },
        }
    }

    fn registers(&self, at: usize, first: u32, n: u32) -> Result<(), Fault> {
        // An empty range may begin just past the last one, as nothing is read.
        if first + n <= self.code.n_regs {
            return Ok(());
        }
        let last = first + n.saturating_sub(1);
        self.fault(at, format!("register {last} is outside the frame"))
    }

    fn constant(&self, at: usize, index: u32) -> Result<&Const, Fault> {
        match self.code.body().consts.get(index as usize) {
            Some(value) => Ok(value),
            None => self.fault(at, format!("no constant {index}")),
        }
    }

    /// A tuple of strs; gives its length.
    fn names(&self, at: usize, index: u32) -> Result<usize, Fault> {
        match self.constant(at, index)? {
            Const::Tuple(items) if items.iter().all(|item| matches!(item, Const::Str(_))) => {
                Ok(items.len())
            }
            _ => self.fault(at, format!("constant {index} is no tuple of names")),
        }
    }

    fn keywords(&self, at: usize, index: u32, n_args: usize) -> Result<(), Fault> {
        if self.names(at, index)? > n_args {
            return self.fault(at, "more keywords than arguments");
        }
        Ok(())
    }

    fn targets(&self, starts: &[bool]) -> Result<(), Fault> {
        for (at, &is_start) in starts.iter().enumerate() {
            let Some(op) = Op::from_byte(self.code.body().words[at].op_byte()).filter(|_| is_start)
            else {
                continue;
            };
            let layout = op.layout();
            let offset = if layout.bc == Operand::Jump {
                self.code.body().words[at].bci()
            } else if layout.e0 == Operand::Jump {
                self.code.body().words[at + 1].e0i()
            } else {
                continue;
            };
            let target = (at + 1 + op.extra_words()) as i64 + i64::from(offset);
            let lands =
                usize::try_from(target).is_ok_and(|target| starts.get(target) == Some(&true));
            if !lands {
                return self.fault(at, format!("jump to {target}, where no instruction starts"));
            }
        }
        Ok(())
    }

    fn tables(&self, starts: &[bool]) -> Result<(), Fault> {
        let code = self.code;
        let is_start = |at: u32| starts.get(at as usize) == Some(&true);
        for handler in &code.body().handlers {
            let ends_well = is_start(handler.end) || handler.end as usize == starts.len();
            if handler.start >= handler.end
                || !is_start(handler.start)
                || !ends_well
                || !is_start(handler.target)
            {
                return self.fault(handler.start as usize, "a handler's range is broken");
            }
            // A way back that no jump takes would go round without a tick.
            if handler.target < handler.end {
                return self.fault(handler.start as usize, "a handler stands before its range");
            }
            self.registers(handler.start as usize, handler.exc.0.into(), 1)?;
        }
        // A method's call has a span of its own, which begins at the second word.
        let is_call = |at: u32| {
            let first = at.checked_sub(1).filter(|&first| is_start(first));
            let op = first.and_then(|at| Op::from_byte(code.body().words[at as usize].op_byte()));
            matches!(op, Some(Op::CallMethod | Op::CallMethodKw))
        };
        let stands_well = |&(at, _): &(u32, Span)| is_start(at) || is_call(at);
        if !code.body().spans.is_sorted_by_key(|&(at, _)| at)
            || !code.body().spans.iter().all(stands_well)
        {
            return self.fault(0, "the spans are out of order");
        }
        for var in &code.body().locals {
            self.registers(0, var.reg.0.into(), 1)?;
        }
        match code.doc {
            Some(doc) => match self.constant(0, doc.0)? {
                Const::Str(_) => Ok(()),
                _ => self.fault(0, "the docstring is no str"),
            },
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bytecode::{CodeFlags, Handler, Reg};
    use crate::compile::{CompileOptions, compile_source};
    use crate::source::Source;

    /// The code of the function in a text, changed.
    fn verdict(text: &str, change: impl Fn(&mut Code)) -> String {
        let source = Arc::new(Source::new("test", text));
        let module = compile_source(source, CompileOptions::default()).expect("the test compiles");
        let mut module = Arc::into_inner(module.code).expect("the code is the test's alone");
        let code = std::mem::take(&mut module.body_mut().consts)
            .into_iter()
            .find_map(|c| match c {
                Const::Code(code) => Arc::into_inner(code),
                _ => None,
            });
        let mut code = code.expect("the module has a function");
        change(&mut code);
        verify(&code).map_or_else(|fault| fault.what, |()| String::from("ok"))
    }

    /// Changes the first instruction `op`, given its words.
    fn at_op(op: Op, change: impl Fn(&mut [Word])) -> impl Fn(&mut Code) {
        move |code| {
            let is_op = |word: &Word| Op::from_byte(word.op_byte()) == Some(op);
            let at = code.body().words.iter().position(is_op);
            change(&mut code.body_mut().words[at.expect("the function has the instruction")..]);
        }
    }

    const FUNCTION: &str = "def f(a):\n    a.b = lambda c=a: c\n    return a\n";
    const COROUTINE: &str = "async def f(a):\n    await a(a)\n";

    #[test]
    fn what_the_compiler_makes_is_accepted() {
        assert_eq!(verdict(FUNCTION, |_| ()), "ok");
        assert_eq!(verdict(COROUTINE, |_| ()), "ok");
    }

    #[test]
    fn registers_stay_within_the_frame() {
        let past_the_frame = at_op(Op::Return, |words| {
            words[0] = Word::abc(Op::Return, 0, 900, 0, 0);
        });
        assert_eq!(
            verdict(FUNCTION, past_the_frame),
            "register 900 is outside the frame"
        );
        // All four registers that MakeFunction may read, by its flags.
        let reads_four = |code: &mut Code| {
            let last = code.n_regs as u16 - 1;
            let change = at_op(Op::MakeFunction, |words| {
                words[0] = Word::abc(Op::MakeFunction, 8, 0, last, 0);
            });
            change(code);
        };
        let found = verdict(FUNCTION, reads_four);
        assert!(found.ends_with("is outside the frame"), "{found}");
        let catches_outside = |code: &mut Code| {
            let target = code.body().words.len() as u32 - 1;
            code.body_mut().handlers.push(Handler {
                start: 0,
                end: 1,
                target,
                exc: Reg(900),
            });
        };
        assert_eq!(
            verdict(FUNCTION, catches_outside),
            "register 900 is outside the frame"
        );
    }

    #[test]
    fn the_stand_in_for_a_body_is_in_none() {
        let stand_in = at_op(Op::Return, |words| {
            words[0] = Word::abc(Op::LoadBody, 0, 0, 0, 0);
        });
        assert_eq!(verdict(FUNCTION, stand_in), "LoadBody stands in no code");
    }

    #[test]
    fn an_inline_cache_is_empty_in_its_flags_too() {
        let cached = at_op(Op::StoreAttr, |words| words[0] = Word(words[0].0 | 2 << 8));
        assert_eq!(verdict(FUNCTION, cached), "StoreAttr has no flags 0x2");
        let cached = at_op(Op::StoreAttr, |words| words[3] = Word(1));
        assert_eq!(verdict(FUNCTION, cached), "an inline cache is not empty");
    }

    #[test]
    fn an_await_that_may_be_left_out_is_there() {
        let without = at_op(Op::Await, |words| words[0] = Word::abc(Op::Nop, 0, 0, 0, 0));
        assert_eq!(
            verdict(COROUTINE, without),
            "no Await of its result follows"
        );
        let of_another = at_op(Op::Await, |words| {
            words[0] = Word::abc(Op::Await, 0, 0, 0, 0);
        });
        assert_eq!(
            verdict(COROUTINE, of_another),
            "no Await of its result follows"
        );
    }

    #[test]
    fn an_exception_goes_forward() {
        let goes_back = |code: &mut Code| {
            let end = code.body().words.len() as u32;
            let (start, target, exc) = (0, 0, Reg(0));
            code.body_mut().handlers.push(Handler {
                start,
                end,
                target,
                exc,
            });
        };
        assert_eq!(
            verdict(FUNCTION, goes_back),
            "a handler stands before its range"
        );
    }

    #[test]
    fn only_what_can_be_suspended_suspends() {
        let plain = |code: &mut Code| code.flags = CodeFlags::default();
        assert_eq!(
            verdict(COROUTINE, plain),
            "Await in a frame that can't be suspended"
        );
        let both = |code: &mut Code| code.flags.generator = true;
        assert_eq!(
            verdict(COROUTINE, both),
            "more than one kind of suspended frame"
        );
    }
}
