//! Compiles `match`: each pattern is a run of tests that jump to the next case
//! on failure. Names are bound after the whole pattern has matched, as in
//! CPython 3.13.

use super::asm::Label;
use super::call::text;
use super::frame::Frame;
use crate::ast::*;
use crate::bytecode::{Const, Op, Reg};
use crate::fold;
use crate::source::Span;

/// A name and the register of what it will be bound to.
type Binding<'a> = (&'a Name, Reg, Span);

fn plus(reg: Reg, n: usize) -> Reg {
    Reg(reg.0.wrapping_add(n as u16))
}

impl<'a> Frame<'a> {
    pub fn match_stmt(&mut self, subject: &'a Expr, cases: &'a [MatchCase]) {
        let mark = self.regs.mark();
        // A variable could be bound by a pattern whose guard then fails.
        let subject_reg = self.regs.alloc();
        self.expr(subject, subject_reg);
        let end = self.asm.label();
        for case in cases {
            if !self.asm.reachable() {
                break;
            }
            let inner = self.regs.mark();
            let fail = self.asm.label();
            let mut bindings = Vec::new();
            self.pattern(&case.pattern, subject_reg, fail, &mut bindings);
            for (name, reg, span) in bindings {
                self.at(span);
                self.store_name(name, reg);
            }
            if let Some(guard) = &case.guard {
                self.cond(guard, fail, false);
            }
            self.regs.release(inner);
            self.block(&case.body);
            self.asm.jump(end);
            self.asm.place(fail);
        }
        self.asm.place(end);
        self.regs.release(mark);
    }

    /// Jumps to `fail` unless the value in `subject` matches. Temporaries that
    /// bindings name stay taken: the caller gives them back.
    fn pattern(
        &mut self,
        pattern: &'a Pattern,
        subject: Reg,
        fail: Label,
        bindings: &mut Vec<Binding<'a>>,
    ) {
        self.at(pattern.span);
        match &pattern.kind {
            PatternKind::Wildcard | PatternKind::Star(None) => {}
            PatternKind::Capture(name) | PatternKind::Star(Some(name)) => {
                bindings.push((&name.name, subject, pattern.span));
            }
            PatternKind::Value(value) => self.value_pattern(value, subject, fail, pattern.span),
            PatternKind::None => self.asm.jump_on(Op::JumpIfNotNone, subject, fail),
            PatternKind::True => self.singleton(Const::True, subject, fail),
            PatternKind::False => self.singleton(Const::False, subject, fail),
            PatternKind::Sequence(items) => {
                self.sequence(items, subject, fail, bindings, pattern.span);
            }
            PatternKind::Mapping { entries, rest } => {
                self.mapping(
                    entries,
                    rest.as_ref(),
                    subject,
                    fail,
                    bindings,
                    pattern.span,
                );
            }
            PatternKind::Class(node) => {
                self.class_pattern(node, subject, fail, bindings, pattern.span);
            }
            PatternKind::Or(items) => self.or_pattern(items, subject, fail, bindings),
            PatternKind::As { pattern, name } => {
                self.pattern(pattern, subject, fail, bindings);
                bindings.push((&name.name, subject, name.span));
            }
        }
    }

    fn value_pattern(&mut self, value: &'a Expr, subject: Reg, fail: Label, span: Span) {
        if let Some(immediate) = fold::immediate(value) {
            self.asm
                .branch(Op::JumpEqI, 0, subject, 0, immediate as u16, fail);
            return;
        }
        let mark = self.regs.mark();
        let value = self.operand(value);
        self.regs.release(mark);
        self.at(span);
        self.asm.branch(Op::JumpEq, 0, subject, value.0, 0, fail);
    }

    fn singleton(&mut self, value: Const, subject: Reg, fail: Label) {
        let mark = self.regs.mark();
        let reg = self.regs.alloc();
        self.asm.load_const(reg, value);
        self.asm.branch(Op::JumpIs, 0, subject, reg.0, 0, fail);
        self.regs.release(mark);
    }

    /// Tests with an instruction that gives a bool.
    fn test(&mut self, op: Op, subject: Reg, fail: Label) {
        let mark = self.regs.mark();
        let reg = self.regs.alloc();
        self.asm.ab(op, reg, subject);
        self.asm.jump_on(Op::JumpIfNot, reg, fail);
        self.regs.release(mark);
    }

    fn sequence(
        &mut self,
        items: &'a [Pattern],
        subject: Reg,
        fail: Label,
        bindings: &mut Vec<Binding<'a>>,
        span: Span,
    ) {
        self.test(Op::MatchSequence, subject, fail);
        let n = items.len();
        let star = items
            .iter()
            .position(|item| matches!(item.kind, PatternKind::Star(_)));
        let len = self.regs.alloc();
        let least = if star.is_some() { n - 1 } else { n };
        let is_wildcard =
            |item: &Pattern| matches!(item.kind, PatternKind::Wildcard | PatternKind::Star(None));
        if star.is_none() || least > 0 {
            self.asm.ab(Op::GetLen, len, subject);
            self.length_test(len, least, star.is_none(), fail);
        }
        if items.iter().all(is_wildcard) {
            return;
        }
        match star {
            Some(at) if is_wildcard(&items[at]) => {
                // No list of the rest is made: items are taken one by one.
                for (index, item) in items.iter().enumerate() {
                    if is_wildcard(item) {
                        continue;
                    }
                    let value = self.regs.alloc();
                    self.at(span);
                    let place = self.regs.alloc();
                    if index < at {
                        self.asm.load_const(place, Const::Int(index as i64));
                    } else {
                        let back = self.regs.alloc();
                        self.asm.load_const(back, Const::Int((n - index) as i64));
                        self.asm.abc(Op::Sub, place, len, back);
                    }
                    self.asm.abc(Op::LoadItem, value, subject, place);
                    self.pattern(item, value, fail, bindings);
                }
            }
            _ => {
                let first = self.regs.alloc_n(n as u32);
                self.at(span);
                match star {
                    None => self
                        .asm
                        .emit(Op::UnpackSeq, 0, subject.0, first.0, n as u16, &[]),
                    Some(at) => {
                        let after = (n - at - 1) as u32;
                        self.asm
                            .emit(Op::UnpackEx, 0, subject.0, first.0, at as u16, &[after]);
                    }
                }
                for (index, item) in items.iter().enumerate() {
                    self.pattern(item, plus(first, index), fail, bindings);
                }
            }
        }
    }

    /// Fails unless the length is `n`, or at least `n`.
    fn length_test(&mut self, len: Reg, n: usize, exact: bool, fail: Label) {
        let immediate = i16::try_from(n);
        match (immediate, exact) {
            (Ok(n), true) => self.asm.branch(Op::JumpEqI, 0, len, 0, n as u16, fail),
            (Ok(n), false) => self.asm.branch(Op::JumpLtI, 1, len, 0, n as u16, fail),
            (Err(_), _) => {
                let mark = self.regs.mark();
                let reg = self.regs.alloc();
                self.asm.load_const(reg, Const::Int(n as i64));
                let (op, x) = if exact {
                    (Op::JumpEq, 0)
                } else {
                    (Op::JumpLt, 1)
                };
                self.asm.branch(op, x, len, reg.0, 0, fail);
                self.regs.release(mark);
            }
        }
    }

    fn mapping(
        &mut self,
        entries: &'a [MappingEntry],
        rest: Option<&'a Ident>,
        subject: Reg,
        fail: Label,
        bindings: &mut Vec<Binding<'a>>,
        span: Span,
    ) {
        self.test(Op::MatchMapping, subject, fail);
        let n = entries.len();
        if n == 0 && rest.is_none() {
            return;
        }
        let keys = self.regs.alloc();
        if n > 0 {
            let mark = self.regs.mark();
            let len = self.regs.alloc();
            self.asm.ab(Op::GetLen, len, subject);
            self.length_test(len, n, false, fail);
            self.regs.release(mark);
            let constants: Option<Vec<Const>> = entries
                .iter()
                .map(|entry| fold::constant(&entry.key))
                .collect();
            match constants {
                Some(values) => self.asm.load_const(keys, Const::Tuple(values)),
                None => {
                    let first = self.regs.alloc_n(n as u32);
                    for (index, entry) in entries.iter().enumerate() {
                        self.expr(&entry.key, plus(first, index));
                    }
                    self.at(span);
                    self.asm
                        .emit(Op::BuildTuple, 0, keys.0, first.0, n as u16, &[]);
                    self.regs.release(mark);
                }
            }
            let values = self.regs.alloc();
            self.asm.abc(Op::MatchKeys, values, subject, keys);
            self.asm.jump_on(Op::JumpIfNone, values, fail);
            let first = self.regs.alloc_n(n as u32);
            self.asm
                .emit(Op::UnpackSeq, 0, values.0, first.0, n as u16, &[]);
            for (index, entry) in entries.iter().enumerate() {
                self.pattern(&entry.pattern, plus(first, index), fail, bindings);
            }
        } else {
            self.asm.load_const(keys, Const::Tuple(Vec::new()));
        }
        if let Some(rest) = rest {
            let dict = self.regs.alloc();
            self.at(span);
            self.asm.abc(Op::MatchRest, dict, subject, keys);
            bindings.push((&rest.name, dict, rest.span));
        }
    }

    fn class_pattern(
        &mut self,
        node: &'a ClassPattern,
        subject: Reg,
        fail: Label,
        bindings: &mut Vec<Binding<'a>>,
        span: Span,
    ) {
        let n = node.positional.len() + node.keywords.len();
        let parts = self.regs.alloc();
        let mark = self.regs.mark();
        let class = self.operand(&node.class);
        self.regs.release(mark);
        self.at(span);
        if !self.asm.reachable() {
            return;
        }
        let names = node.keywords.iter().map(|(name, _)| text(&name.name));
        let names = self.asm.constant(Const::Tuple(names.collect()));
        self.asm.emit(
            Op::MatchClass,
            0,
            parts.0,
            subject.0,
            class.0,
            &[node.positional.len() as u32, names],
        );
        self.asm.jump_on(Op::JumpIfNone, parts, fail);
        if n == 0 {
            return;
        }
        let first = self.regs.alloc_n(n as u32);
        self.asm
            .emit(Op::UnpackSeq, 0, parts.0, first.0, n as u16, &[]);
        let items = node
            .positional
            .iter()
            .chain(node.keywords.iter().map(|(_, item)| item));
        for (index, item) in items.enumerate() {
            self.pattern(item, plus(first, index), fail, bindings);
        }
    }

    fn or_pattern(
        &mut self,
        items: &'a [Pattern],
        subject: Reg,
        fail: Label,
        bindings: &mut Vec<Binding<'a>>,
    ) {
        let mut names: Vec<(&'a Name, Span)> = Vec::new();
        if let Some(first) = items.first() {
            bound_names(first, &mut names);
        }
        let home = self.regs.alloc_n(names.len() as u32);
        let matched = self.asm.label();
        let mark = self.regs.mark();
        for (index, item) in items.iter().enumerate() {
            let last = index + 1 == items.len();
            let next = if last { fail } else { self.asm.label() };
            let mut own = Vec::new();
            self.pattern(item, subject, next, &mut own);
            for (at, (name, _)) in names.iter().enumerate() {
                if let Some((_, reg, _)) = own.iter().find(|(own, ..)| own == name) {
                    self.asm.move_to(plus(home, at), *reg);
                }
            }
            if !last {
                self.asm.jump(matched);
                self.asm.place(next);
            }
            self.regs.release(mark);
        }
        self.asm.place(matched);
        for (at, (name, span)) in names.into_iter().enumerate() {
            bindings.push((name, plus(home, at), span));
        }
    }
}

/// The names that a pattern binds, in source order.
fn bound_names<'a>(pattern: &'a Pattern, names: &mut Vec<(&'a Name, Span)>) {
    match &pattern.kind {
        PatternKind::Capture(name) | PatternKind::Star(Some(name)) => {
            names.push((&name.name, pattern.span));
        }
        PatternKind::Sequence(items) => items.iter().for_each(|item| bound_names(item, names)),
        // All alternatives bind the same ones.
        PatternKind::Or(items) => {
            if let Some(first) = items.first() {
                bound_names(first, names);
            }
        }
        PatternKind::Mapping { entries, rest } => {
            for entry in entries {
                bound_names(&entry.pattern, names);
            }
            if let Some(rest) = rest {
                names.push((&rest.name, rest.span));
            }
        }
        PatternKind::Class(node) => {
            for item in &node.positional {
                bound_names(item, names);
            }
            for (_, item) in &node.keywords {
                bound_names(item, names);
            }
        }
        PatternKind::As { pattern, name } => {
            bound_names(pattern, names);
            names.push((&name.name, name.span));
        }
        PatternKind::Value(_)
        | PatternKind::None
        | PatternKind::True
        | PatternKind::False
        | PatternKind::Wildcard
        | PatternKind::Star(None) => {}
    }
}
