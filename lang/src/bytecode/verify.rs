//! Takes a code object, tells whether a VM may run it without checking
//! operands. Reads the opcode table; knows by name only the few opcodes whose
//! windows are wider than their operands say. Never runs anything.

use std::fmt;

use super::op::{Intrinsic, Operand};
use super::{Capture, Code, Const, Op, Word};

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

/// Checks a code object and those inside it: opcodes and their extra words,
/// registers, constants and their kinds, free variables, jump targets,
/// handlers, captures, and that control can't run off the end.
///
/// # Errors
/// The first fault.
pub fn verify(code: &Code) -> Result<(), Fault> {
    let mut pending = vec![(code, None)];
    while let Some((code, maker)) = pending.pop() {
        Verifier { code }.run(maker)?;
        for value in &code.consts {
            if let Const::Code(inner) = value {
                pending.push((inner, Some(code)));
            }
        }
    }
    Ok(())
}

/// How many registers the range or window of the instruction at word `at` spans.
pub(super) fn window_width(code: &Code, at: usize, op: Op) -> u32 {
    let word: Word = code.words[at];
    let n = u32::from(word.c());
    match op {
        Op::BuildSlice | Op::CallEx | Op::CallSuper => 3,
        Op::BuildDict => 2 * n,
        Op::Call | Op::CallKw => n + 1,
        Op::CallMethod | Op::CallMethodKw | Op::CallLoaded | Op::CallLoadedKw => n + 2,
        Op::UnpackEx => n + 1 + code.words[at + 1].e0().min(u32::from(u16::MAX) + 1),
        _ => n,
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
        if code.words.len() >= i32::MAX as usize {
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
        let words = &self.code.words;
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
        let word = self.code.words[at];
        let layout = op.layout();
        let extra = |index: usize| self.code.words[at + index].e0();
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
                Const::Code(_) => Ok(()),
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
        // An empty range may name any register, as nothing is read.
        if n == 0 || first + n <= self.code.n_regs {
            return Ok(());
        }
        self.fault(
            at,
            format!("register {} is outside the frame", first + n - 1),
        )
    }

    fn constant(&self, at: usize, index: u32) -> Result<&Const, Fault> {
        match self.code.consts.get(index as usize) {
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
            let Some(op) = Op::from_byte(self.code.words[at].op_byte()).filter(|_| is_start) else {
                continue;
            };
            let layout = op.layout();
            let offset = if layout.bc == Operand::Jump {
                self.code.words[at].bci()
            } else if layout.e0 == Operand::Jump {
                self.code.words[at + 1].e0i()
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
        for handler in &code.handlers {
            let ends_well = is_start(handler.end) || handler.end as usize == starts.len();
            if handler.start >= handler.end
                || !is_start(handler.start)
                || !ends_well
                || !is_start(handler.target)
            {
                return self.fault(handler.start as usize, "a handler's range is broken");
            }
            self.registers(handler.start as usize, handler.exc.0.into(), 1)?;
        }
        if !code.spans.is_sorted_by_key(|&(at, _)| at)
            || !code.spans.iter().all(|&(at, _)| is_start(at))
        {
            return self.fault(0, "the spans are out of order");
        }
        for var in &code.locals {
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
