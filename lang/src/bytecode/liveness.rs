//! Which registers a collector has to look at where a frame has stopped. Takes
//! a verified code object; never changes it.
//!
//! Named variables count as live throughout, as CPython keeps them until the
//! frame ends. A temporary is live while an instruction that can still be
//! reached may read it before it is written: a backward data-flow over the
//! instructions, exception handlers included.

use super::op::Operand;
use super::verify::window_width;
use super::{Code, Op};

/// Above this many bits the analysis is not made: all registers are live.
const BITS_MAX: usize = 1 << 23;

/// The live registers of a code object, per instruction.
#[derive(Debug)]
pub struct Liveness {
    /// Word index of each instruction, ascending.
    starts: Vec<u32>,
    /// One row per instruction; empty when the analysis was not made.
    rows: Vec<u64>,
    row_words: usize,
}

impl Liveness {
    /// Analyses a code object.
    pub fn of(code: &Code) -> Liveness {
        let starts = starts(code);
        let row_words = (code.n_regs as usize).div_ceil(64);
        let mut liveness = Liveness {
            rows: Vec::new(),
            row_words,
            starts,
        };
        if liveness.starts.len() * row_words * 64 <= BITS_MAX {
            liveness.analyse(code);
        }
        liveness
    }

    /// Calls `dead` for each register that holds nothing which can still be
    /// read when the frame has stopped in the instruction before word `pc`
    /// (or has not begun, at 0).
    pub fn dead_registers(&self, pc: u32, n_regs: u32, mut dead: impl FnMut(u32)) {
        let at = self.starts.partition_point(|&start| start < pc);
        let row = at.saturating_sub(1) * self.row_words;
        let Some(row) = self.rows.get(row..row + self.row_words) else {
            return;
        };
        for reg in 0..n_regs {
            if row[reg as usize / 64] >> (reg % 64) & 1 == 0 {
                dead(reg);
            }
        }
    }

    fn analyse(&mut self, code: &Code) {
        let n = self.starts.len();
        let row_words = self.row_words;
        // What is live before each instruction, its own reads included.
        let mut before = vec![0u64; n * row_words];
        let mut always = vec![0u64; row_words];
        let variables = code.body().locals.iter().map(|var| usize::from(var.reg.0));
        for reg in variables.chain(0..code.n_params()) {
            set(&mut always, reg);
        }
        let index_of = |word: usize| self.starts.partition_point(|&s| (s as usize) < word);
        // Inner regions come first, so the last one entered here is the innermost.
        let mut handlers: Vec<Option<(usize, usize)>> = vec![None; n];
        for handler in code.body().handlers.iter().rev() {
            let region = index_of(handler.start as usize)..index_of(handler.end as usize);
            let target = index_of(handler.target as usize);
            handlers[region].fill(Some((target, usize::from(handler.exc.0))));
        }
        let mut row = vec![0u64; row_words];
        let mut changed = true;
        while changed {
            changed = false;
            for i in (0..n).rev() {
                row.copy_from_slice(&always);
                for next in self.successors(code, i).into_iter().flatten() {
                    union(&mut row, &before, next, row_words);
                }
                let effect = Effect::of(code, self.starts[i] as usize);
                effect.written(|reg| clear(&mut row, reg));
                if let Some((target, exc)) = handlers[i] {
                    let had = get(&row, exc);
                    union(&mut row, &before, target, row_words);
                    if !had {
                        clear(&mut row, exc);
                    }
                }
                effect.read(|reg| set(&mut row, reg));
                for (word, &always) in row.iter_mut().zip(&always) {
                    *word |= always;
                }
                let old = &mut before[i * row_words..(i + 1) * row_words];
                if *old != row[..] {
                    old.copy_from_slice(&row);
                    changed = true;
                }
            }
        }
        // A frame that has stopped inside an instruction needs what that reads,
        // what it has written already, and what comes after it.
        self.rows = before.clone();
        for i in 0..n {
            let mut row = before[i * row_words..(i + 1) * row_words].to_vec();
            for next in self.successors(code, i).into_iter().flatten() {
                union(&mut row, &before, next, row_words);
            }
            let effect = Effect::of(code, self.starts[i] as usize);
            let op = Op::from_byte(code.body().words[self.starts[i] as usize].op_byte());
            if let Some(Op::CallMethod | Op::CallMethodKw) = op {
                // Its result is written once the callee has returned.
                row.copy_from_slice(&before[i * row_words..(i + 1) * row_words]);
                effect.read(|reg| set(&mut row, reg));
            } else {
                effect.touched(|reg| set(&mut row, reg));
            }
            self.rows[i * row_words..(i + 1) * row_words].copy_from_slice(&row);
        }
    }

    /// The instructions that may follow instruction `i` without an exception.
    fn successors(&self, code: &Code, i: usize) -> [Option<usize>; 2] {
        let at = self.starts[i] as usize;
        let word = code.body().words[at];
        let Some(op) = Op::from_byte(word.op_byte()) else {
            return [None, None];
        };
        let end = at + 1 + op.extra_words();
        let layout = op.layout();
        let offset = if layout.bc == Operand::Jump {
            Some(word.bci())
        } else if layout.e0 == Operand::Jump {
            Some(code.body().words[at + 1].e0i())
        } else {
            None
        };
        let target = offset.map(|offset| {
            let target = (end as i64 + i64::from(offset)) as u32;
            self.starts.partition_point(|&s| s < target)
        });
        let leaves = matches!(
            op,
            Op::Jump | Op::Return | Op::ReturnNone | Op::Raise | Op::Reraise
        );
        [
            (!leaves && i + 1 < self.starts.len()).then_some(i + 1),
            target,
        ]
    }
}

fn starts(code: &Code) -> Vec<u32> {
    let mut starts = Vec::new();
    let mut at = 0;
    while at < code.body().words.len() {
        starts.push(at as u32);
        at += 1 + Op::from_byte(code.body().words[at].op_byte()).map_or(0, Op::extra_words);
    }
    starts
}

fn set(row: &mut [u64], reg: usize) {
    row[reg / 64] |= 1 << (reg % 64);
}

fn clear(row: &mut [u64], reg: usize) {
    row[reg / 64] &= !(1 << (reg % 64));
}

fn get(row: &[u64], reg: usize) -> bool {
    row[reg / 64] >> (reg % 64) & 1 == 1
}

fn union(row: &mut [u64], rows: &[u64], i: usize, row_words: usize) {
    for (word, &other) in row.iter_mut().zip(&rows[i * row_words..]) {
        *word |= other;
    }
}

/// What one instruction does with registers: pairs (first, how many).
struct Effect {
    reads: [(usize, usize); 3],
    /// Written whenever the instruction ends without an exception.
    writes: (usize, usize),
    /// Written, but perhaps not always or not all of them.
    may_write: (usize, usize),
}

impl Effect {
    fn of(code: &Code, at: usize) -> Effect {
        let word = code.body().words[at];
        let mut effect = Effect {
            reads: [(0, 0); 3],
            writes: (0, 0),
            may_write: (0, 0),
        };
        let Some(op) = Op::from_byte(word.op_byte()) else {
            return effect;
        };
        let layout = op.layout();
        let fields = [
            (layout.a, word.a()),
            (layout.b, word.b()),
            (layout.c, word.c()),
        ];
        for (i, (operand, value)) in fields.into_iter().enumerate() {
            if i > 0 && layout.bc != Operand::None {
                break;
            }
            let first = usize::from(value);
            let width = || window_width(code, at, op) as usize;
            match operand {
                Operand::Src => effect.reads[i] = (first, 1),
                Operand::SrcN | Operand::Window => effect.reads[i] = (first, width()),
                Operand::Dst => effect.writes = (first, 1),
                Operand::DstPair => effect.may_write = (first, 2),
                Operand::DstN => effect.may_write = (first, width()),
                _ => {}
            }
        }
        match op {
            // A loop's variable is not written where the loop ends.
            Op::ForIter => effect.may_write = std::mem::take(&mut effect.writes),
            // The first of the window is the result's, and nobody's before.
            Op::CallMethod | Op::CallMethodKw => {
                effect.reads[1].0 += 1;
                effect.reads[1].1 -= 1;
            }
            // Which of the four are there, `x` tells.
            Op::MakeFunction => {
                let which = word.x() & 15;
                let first = which.trailing_zeros() as usize;
                let end = 8 - which.leading_zeros() as usize;
                let n = end.saturating_sub(first);
                effect.reads[1] = (usize::from(word.b()) + first, n);
            }
            _ => {}
        }
        for range in effect.reads.iter_mut().chain([&mut effect.may_write]) {
            range.1 = range.1.min((code.n_regs as usize).saturating_sub(range.0));
        }
        effect
    }

    fn read(&self, mut each: impl FnMut(usize)) {
        for (first, n) in self.reads {
            (first..first + n).for_each(&mut each);
        }
    }

    fn written(&self, each: impl FnMut(usize)) {
        (self.writes.0..self.writes.0 + self.writes.1).for_each(each);
    }

    fn touched(&self, mut each: impl FnMut(usize)) {
        self.read(&mut each);
        self.written(&mut each);
        (self.may_write.0..self.may_write.0 + self.may_write.1).for_each(each);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bytecode::Const;
    use crate::compile::{CompileOptions, compile_source};
    use crate::source::Source;

    /// The registers that are dead in the call of `collect` in a function.
    fn dead_at_collect(body: &str) -> Vec<u32> {
        let source = format!("def f(a, b):\n{body}");
        let source = Arc::new(Source::new("test", source));
        let options = CompileOptions::default();
        let module = compile_source(source, options).expect("the test compiles");
        let code = module
            .code
            .body()
            .consts
            .iter()
            .find_map(|c| match c {
                Const::Code(code) => Some(code.clone()),
                _ => None,
            })
            .expect("the module has a function");
        let at = starts(&code)
            .into_iter()
            .find(|&at| {
                let word = code.body().words[at as usize];
                Op::from_byte(word.op_byte()) == Some(Op::Call) && word.c() == 0
            })
            .expect("collect() is called");
        let mut dead = Vec::new();
        let liveness = Liveness::of(&code);
        liveness.dead_registers(at + 1, code.n_regs, |reg| dead.push(reg));
        dead
    }

    #[test]
    fn variables_live_on_and_spent_temporaries_do_not() {
        // r0 = a, r1 = b, r2.. temporaries: the list of three is gone.
        let dead = dead_at_collect("    g([a, b, 1])\n    collect()\n    return a\n");
        assert!(!dead.contains(&0) && !dead.contains(&1), "{dead:?}");
        assert!(dead.contains(&3) && dead.contains(&4), "{dead:?}");
    }

    #[test]
    fn operands_of_an_expression_under_way_live() {
        // r2 holds a + b while collect() runs, and is read after it.
        let dead = dead_at_collect("    return (a + b) * collect()\n");
        assert!(!dead.contains(&2), "{dead:?}");
    }

    #[test]
    fn a_loops_iterator_lives_and_what_a_handler_reads() {
        let dead = dead_at_collect("    for x in a:\n        collect()\n    g(1, 2, 3)\n");
        // r0 = a, r1 = b, r2 = x, r3 = the iterator.
        assert!(!dead.contains(&3), "{dead:?}");
        let dead = dead_at_collect(
            "    with a as c:\n        collect()\n    g(1, 2, 3, 4, 5, 6, 7, 8, 9)\n",
        );
        assert!(!dead.contains(&3) && dead.contains(&12), "{dead:?}");
    }
}
