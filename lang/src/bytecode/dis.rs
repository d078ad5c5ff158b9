//! Takes a code object, gives a listing for people. Reads the opcode table and
//! knows no opcode by name.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::op::{Layout, Operand};
use super::{Capture, Code, Const, Op};
use crate::ast::StrLit;

/// The listing of a code object and of those inside it, outer first.
///
/// ```
/// use std::sync::Arc;
/// use lockstep_lang::bytecode::dis::listing;
/// use lockstep_lang::{compile::{CompileOptions, compile_source}, source::Source};
/// let source = Arc::new(Source::new("demo.async", "x = 1\n"));
/// let code = compile_source(source, CompileOptions::default()).unwrap().code;
/// assert!(listing(&code).contains("StoreGlobal"));
/// ```
pub fn listing(code: &Code) -> String {
    let mut out = String::new();
    let mut pending = vec![code];
    while let Some(code) = pending.pop() {
        if !out.is_empty() {
            out.push('\n');
        }
        header(&mut out, code);
        instructions(&mut out, code);
        handlers(&mut out, code);
        let inner = code
            .body()
            .consts
            .iter()
            .rev()
            .filter_map(|value| match value {
                Const::Code(inner) => Some(&**inner),
                _ => None,
            });
        pending.extend(inner);
    }
    out
}

/// One instruction, decoded.
struct Decoded {
    at: u32,
    op: Op,
    end: u32,
    /// Where it may jump.
    target: Option<u32>,
}

/// The instructions of a code object; ends early at a byte that is no opcode.
fn decode(code: &Code) -> Vec<Decoded> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while let Some(word) = code.body().words.get(at) {
        let Some(op) = Op::from_byte(word.op_byte()) else {
            break;
        };
        let layout = op.layout();
        let end = at + 1 + op.extra_words();
        let offset = if layout.bc == Operand::Jump {
            Some(word.bci())
        } else if layout.e0 == Operand::Jump {
            code.body().words.get(at + 1).map(|extra| extra.e0i())
        } else {
            None
        };
        let target = offset.map(|offset| (end as i64 + i64::from(offset)) as u32);
        decoded.push(Decoded {
            at: at as u32,
            op,
            end: end as u32,
            target,
        });
        at = end;
    }
    decoded
}

fn header(out: &mut String, code: &Code) {
    let _ = write!(out, "{}(", code.qualname.as_str());
    let names: Vec<&str> = code.params.iter().map(|name| name.as_str()).collect();
    let _ = write!(out, "{})", names.join(", "));
    let flags = code.flags;
    let words = [
        (flags.generator, " generator"),
        (flags.coroutine, " coroutine"),
        (flags.async_generator, " async_generator"),
        (flags.class_body, " class_body"),
        (flags.module, " module"),
    ];
    for (_, word) in words.into_iter().filter(|(set, _)| *set) {
        out.push_str(word);
    }
    let _ = writeln!(out, " line {}, {} registers", code.first_line, code.n_regs);
    if !code.body().locals.is_empty() {
        let local = |var: &super::LocalVar| {
            let cell = if var.is_cell { " cell" } else { "" };
            format!("r{}={}{cell}", var.reg.0, var.name.as_str())
        };
        let locals: Vec<String> = code.body().locals.iter().map(local).collect();
        let _ = writeln!(out, "  locals: {}", locals.join(", "));
    }
    if !code.free.is_empty() {
        let free = code.free.iter().zip(&code.captures).map(|(name, capture)| {
            let from = match capture {
                Capture::Local(reg) => format!("r{}", reg.0),
                Capture::Free(index) => format!("free {index}"),
            };
            format!("{}={from}", name.as_str())
        });
        let free: Vec<String> = free.collect();
        let _ = writeln!(out, "  free: {}", free.join(", "));
    }
}

fn labels(code: &Code, decoded: &[Decoded]) -> BTreeMap<u32, usize> {
    let targets = decoded.iter().filter_map(|instruction| instruction.target);
    let handlers = code.body().handlers.iter().map(|handler| handler.target);
    let mut labels: BTreeMap<u32, usize> = targets.chain(handlers).map(|at| (at, 0)).collect();
    for (number, label) in labels.values_mut().enumerate() {
        *label = number + 1;
    }
    labels
}

fn instructions(out: &mut String, code: &Code) {
    let decoded = decode(code);
    let labels = labels(code, &decoded);
    let mut line = 0;
    for instruction in &decoded {
        if let Some(label) = labels.get(&instruction.at) {
            let _ = writeln!(out, "  L{label}:");
        }
        let own_line = code.line_at(instruction.at);
        let shown = if own_line == line {
            String::new()
        } else {
            own_line.to_string()
        };
        line = own_line;
        let operands = operands(code, instruction, &labels);
        let text = format!(
            "{shown:>5} {:>5}  {:<14} {}",
            instruction.at,
            instruction.op.name(),
            operands.join(", ")
        );
        let _ = writeln!(out, "{}", text.trim_end());
    }
}

fn operands(code: &Code, instruction: &Decoded, labels: &BTreeMap<u32, usize>) -> Vec<String> {
    let layout: Layout = instruction.op.layout();
    let word = code.body().words[instruction.at as usize];
    let extra = |index: u32| {
        let at = (instruction.at + index) as usize;
        code.body().words.get(at).map_or(0, |word| word.e0())
    };
    let mut texts = Vec::new();
    let mut field = |operand: Operand, value: u32| {
        let text = match operand {
            Operand::None => return,
            Operand::Dst | Operand::Src | Operand::SrcN | Operand::DstN | Operand::Window => {
                format!("r{value}")
            }
            Operand::DstPair => format!("r{value}:r{}", value + 1),
            Operand::Count => format!("n={value}"),
            Operand::Imm => format!("{}", value as u16 as i16),
            Operand::Imm32 => format!("{}", value as i32),
            Operand::Free => match code.free.get(value as usize) {
                Some(name) => format!("free {}", name.as_str()),
                None => format!("free {value}"),
            },
            Operand::Const | Operand::Name => match code.body().consts.get(value as usize) {
                Some(value) => constant(value),
                None => format!("const {value}?"),
            },
            Operand::Jump => match instruction.target.and_then(|target| labels.get(&target)) {
                Some(label) => format!("L{label}"),
                None => String::from("L?"),
            },
        };
        texts.push(text);
    };
    field(layout.a, word.a().into());
    if layout.bc == Operand::None {
        field(layout.b, word.b().into());
        field(layout.c, word.c().into());
    } else {
        field(layout.bc, word.bc());
    }
    if instruction.end > instruction.at + 1 {
        field(layout.e0, extra(1));
    }
    if instruction.end > instruction.at + 2 {
        field(layout.e1, extra(2));
    }
    if word.x() != 0 || (layout.e0 == Operand::Jump && layout.bc == Operand::None) {
        texts.push(format!("x={}", word.x()));
    }
    texts
}

fn handlers(out: &mut String, code: &Code) {
    if code.body().handlers.is_empty() {
        return;
    }
    let labels = labels(code, &decode(code));
    for handler in &code.body().handlers {
        let _ = writeln!(
            out,
            "  {}..{} -> L{} r{}",
            handler.start,
            handler.end,
            labels.get(&handler.target).copied().unwrap_or(0),
            handler.exc.0
        );
    }
}

/// A constant as it would be written in a script; names bare.
pub fn constant(value: &Const) -> String {
    let list = |items: &[Const]| items.iter().map(constant).collect::<Vec<_>>().join(", ");
    match value {
        Const::None => String::from("None"),
        Const::True => String::from("True"),
        Const::False => String::from("False"),
        Const::Ellipsis => String::from("..."),
        Const::Int(value) => value.to_string(),
        Const::BigInt(value) => value.to_string(),
        Const::Float(value) => format!("{value:?}"),
        Const::Str(StrLit::Text(text)) => format!("{text:?}"),
        Const::Str(StrLit::CodePoints(units)) => format!("<str of {} code points>", units.len()),
        Const::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
        Const::Tuple(items) if items.len() == 1 => format!("({},)", list(items)),
        Const::Tuple(items) => format!("({})", list(items)),
        Const::FrozenSet(items) => format!("frozenset({})", list(items)),
        Const::Name(name) => name.to_string(),
        Const::Code(code) => format!("<code {}>", code.qualname.as_str()),
    }
}
