//! Compiles expressions into registers.
//!
//! Two rules keep plain locals safe as operands and destinations:
//! - a destination that is a variable is written by the last instruction
//!   alone, so that an exception on the way leaves the old value;
//! - a variable used as an operand is copied first when a later operand may
//!   assign it, which only `:=` can do.

use super::format::{percent_pieces, pieces};
use super::frame::Frame;
use crate::ast::*;
use crate::bytecode::op::Intrinsic;
use crate::bytecode::{Const, Op, Reg};
use crate::fold;
use crate::source::Span;
use crate::subset::{self, Refusal};

/// Displays and calls longer than this are built in parts, so that registers don't explode.
pub(super) const BATCH: usize = 200;

/// How much text is searched for a `:=` at each operand.
const SEARCHED_BYTES_MAX: usize = 256;

impl<'a> Frame<'a> {
    pub fn at(&mut self, span: Span) {
        self.asm.span = span;
    }

    /// Whether `dst` may hold something else before the expression's value.
    pub fn may_clobber(&self, dst: Reg) -> bool {
        self.regs.is_temp(dst)
    }

    /// Whether `dst` may be written before what follows in the same expression
    /// has run, when that doesn't read it: a handler in this frame would see it.
    pub fn may_write_early(&self, dst: Reg) -> bool {
        self.regs.is_temp(dst) || self.observed == 0
    }

    /// Compiles for the effects alone.
    pub fn discard(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Name(name) => {
                if let Some(reg) = self.local_reg(name) {
                    self.at(expr.span);
                    self.check_bound(reg);
                    return;
                }
            }
            ExprKind::Named { target, value } => {
                if let Some(reg) = self.local_reg(&target.name) {
                    self.expr(value, reg);
                    self.asm.set_bound(reg);
                    return;
                }
            }
            _ if fold::constant(expr).is_some() => return,
            _ => {}
        }
        let mark = self.regs.mark();
        let dst = self.regs.alloc();
        self.expr(expr, dst);
        self.regs.release(mark);
    }

    /// A register that holds the expression's value: a variable's own, or a
    /// temporary. Good until something assigns the variable.
    pub fn operand(&mut self, expr: &'a Expr) -> Reg {
        match &expr.kind {
            ExprKind::Name(name) => {
                if let Some(reg) = self.local_reg(name) {
                    self.at(expr.span);
                    self.check_bound(reg);
                    return reg;
                }
            }
            ExprKind::Named { target, value } => {
                if let Some(reg) = self.local_reg(&target.name) {
                    self.expr(value, reg);
                    self.asm.set_bound(reg);
                    return reg;
                }
            }
            _ => {}
        }
        let dst = self.regs.alloc();
        self.expr(expr, dst);
        dst
    }

    /// As `operand`, for the first operand of an expression that goes to `dst`:
    /// a temporary `dst` holds it, so that no further register is needed.
    pub fn operand_in(&mut self, expr: &'a Expr, dst: Reg) -> Reg {
        let is_local = match &expr.kind {
            ExprKind::Name(name) => self.local_reg(name).is_some(),
            ExprKind::Named { target, .. } => self.local_reg(&target.name).is_some(),
            _ => false,
        };
        if is_local || !self.regs.is_temp(dst) {
            return self.operand(expr);
        }
        self.expr(expr, dst);
        dst
    }

    /// As `operand`; the register keeps its value while `later` are evaluated.
    pub fn operand_before(&mut self, expr: &'a Expr, later: &[&'a Expr]) -> Reg {
        let reg = self.operand(expr);
        self.keep(reg, later)
    }

    /// As `operand_in`; the register keeps its value while `later` are evaluated.
    pub fn operand_in_before(&mut self, expr: &'a Expr, dst: Reg, later: &[&'a Expr]) -> Reg {
        let reg = self.operand_in(expr, dst);
        self.keep(reg, later)
    }

    /// `reg`, or a copy of it where one of `later` may assign it.
    fn keep(&mut self, reg: Reg, later: &[&'a Expr]) -> Reg {
        if self.regs.is_temp(reg) || !self.may_assign(later, reg) {
            return reg;
        }
        let copy = self.regs.alloc();
        self.asm.move_to(copy, reg);
        copy
    }

    /// Whether evaluating expressions that follow each other in the source may
    /// assign the variable in `reg`. A false alarm costs one move.
    fn may_assign(&self, later: &[&Expr], reg: Reg) -> bool {
        if !self.walrus.contains(reg) {
            return false;
        }
        let spans = later.iter().map(|expr| expr.span);
        let Some(all) = spans.reduce(|all, span| all.to(span)) else {
            return false;
        };
        let text = self.shared.source.slice(all);
        text.len() > SEARCHED_BYTES_MAX || text.contains(":=")
    }

    /// Compiles the value into `dst`.
    pub fn expr(&mut self, expr: &'a Expr, dst: Reg) {
        let span = expr.span;
        self.at(span);
        match &expr.kind {
            ExprKind::Name(name) => self.load_name(dst, name),
            ExprKind::None
            | ExprKind::True
            | ExprKind::False
            | ExprKind::Ellipsis
            | ExprKind::Int(_)
            | ExprKind::BigInt(_)
            | ExprKind::Float(_)
            | ExprKind::Str(_)
            | ExprKind::Bytes(_) => {
                if let Some(value) = fold::constant(expr) {
                    self.asm.load_const(dst, value);
                }
            }
            ExprKind::Complex(_) => {
                // The parser has reported it; this is for `refuse_late`.
                self.refuse(&subset::COMPLEX_LITERAL, span);
                self.asm.load_const(dst, Const::None);
            }
            ExprKind::FString(string) => self.joined(&pieces(string), dst, span),
            ExprKind::Unary { op, operand } => match fold::constant(expr) {
                Some(value) => self.asm.load_const(dst, value),
                None => self.unary(*op, operand, dst, span),
            },
            ExprKind::Binary(node) => self.binary(node, dst),
            ExprKind::BoolOp { op, values } => self.bool_op(*op, values, dst, span),
            ExprKind::Compare(node) => self.compare(node, dst, span),
            ExprKind::Lambda(lambda) => self.lambda(lambda, dst, span),
            ExprKind::IfExp(node) => self.if_exp(node, dst),
            ExprKind::Dict(items) => self.dict(items, dst, span),
            ExprKind::Set(items) => self.set(items, dst, span),
            ExprKind::List(items) => self.list(items, dst, span),
            ExprKind::Tuple(items) => self.tuple(items, dst, span),
            ExprKind::ListComp(_) | ExprKind::SetComp(_) | ExprKind::DictComp(_) => {
                self.comprehension(expr, dst);
            }
            ExprKind::Generator(comp) => self.generator(comp, dst, span),
            ExprKind::Await(value) => self.await_expr(value, dst, span),
            ExprKind::Yield(value) => {
                let mark = self.regs.mark();
                let value = match value {
                    Some(value) => self.operand(value),
                    None => {
                        let none = self.regs.alloc();
                        self.asm.a(Op::LoadNone, none);
                        none
                    }
                };
                self.regs.release(mark);
                self.at(span);
                self.asm.ab(Op::Yield, dst, value);
            }
            ExprKind::YieldFrom(value) => {
                let mark = self.regs.mark();
                let iter = self.regs.alloc();
                let value = self.operand(value);
                self.at(span);
                self.asm.ab(Op::GetYieldFromIter, iter, value);
                self.asm.ab(Op::YieldFrom, dst, iter);
                self.regs.release(mark);
            }
            ExprKind::Call(call) => self.call(call, dst, span, false),
            ExprKind::Attribute { value, attr } => {
                let mark = self.regs.mark();
                let (object, at) = match self.super_of(value, attr) {
                    Some(call) => {
                        let object = self.scratch(dst);
                        self.call(call, object, span, false);
                        (object, span)
                    }
                    None => (self.operand_in(value, dst), self.attr_span(attr, span)),
                };
                self.regs.release(mark);
                self.at(at);
                let name = self.attr_name(attr);
                self.asm.emit(Op::LoadAttr, 0, dst.0, object.0, 0, &[name]);
            }
            ExprKind::Subscript { value, index } => self.subscript(value, index, dst, span),
            ExprKind::Slice(slice) => {
                let mark = self.regs.mark();
                self.slice(slice, dst, span);
                self.regs.release(mark);
            }
            // scope.rs lets none through to here.
            ExprKind::Starred(value) => self.expr(value, dst),
            ExprKind::Named { target, value } => {
                if let Some(reg) = self.local_reg(&target.name) {
                    self.expr(value, reg);
                    self.asm.set_bound(reg);
                    self.at(span);
                    self.asm.move_to(dst, reg);
                } else if self.may_clobber(dst) {
                    self.expr(value, dst);
                    self.at(span);
                    self.store_name(&target.name, dst);
                } else {
                    let mark = self.regs.mark();
                    let value = self.operand(value);
                    self.at(span);
                    self.store_name(&target.name, value);
                    self.asm.move_to(dst, value);
                    self.regs.release(mark);
                }
            }
        }
    }

    /// What is outside the subset: a diagnostic, or `Unsupported` raised here.
    pub fn refuse(&mut self, refusal: &Refusal, span: Span) {
        if !self.shared.options.refuse_late {
            self.shared.errors.borrow_mut().push(refusal.at(span));
            return;
        }
        let mark = self.regs.mark();
        self.at(span);
        let text = self.regs.alloc();
        self.asm
            .load_const(text, Const::Str(StrLit::Text(refusal.message())));
        self.intrinsic(Intrinsic::Refuse, text, text, text);
        self.regs.release(mark);
    }

    pub fn intrinsic(&mut self, which: Intrinsic, dst: Reg, left: Reg, right: Reg) {
        self.asm
            .emit(Op::Intrinsic, which as u8, dst.0, left.0, right.0, &[]);
    }

    // --------------------------------------------------------- attributes

    pub fn attr_name(&mut self, attr: &Ident) -> u32 {
        let name = self.table().mangled(self.scope, &attr.name);
        self.asm.name(&name)
    }

    /// CPython 3.13 compile.c `update_start_location_to_match_attr`: where the
    /// name stands on a later line than its object, that line is reported.
    pub fn attr_span(&self, attr: &Ident, span: Span) -> Span {
        let source = &self.shared.source;
        let before = source.slice(Span::new(span.start, attr.span.start));
        let same_line = if before.len() <= SEARCHED_BYTES_MAX {
            !before.contains(['\n', '\r'])
        } else {
            source.line(span.start) == source.line(attr.span.start)
        };
        if same_line {
            span
        } else {
            Span::new(attr.span.start, span.end.max(attr.span.end))
        }
    }

    fn subscript(&mut self, value: &'a Expr, index: &'a Expr, dst: Reg, span: Span) {
        let mark = self.regs.mark();
        let object = self.operand_in_before(value, dst, &[index]);
        if let Some(immediate) = fold::immediate(index) {
            self.regs.release(mark);
            self.at(span);
            self.asm
                .emit(Op::LoadItemI, 0, dst.0, object.0, immediate as u16, &[]);
            return;
        }
        if let ExprKind::Slice(slice) = &index.kind {
            let parts = self.slice_parts(slice);
            self.regs.release(mark);
            self.at(span);
            self.asm.abc(Op::LoadSlice, dst, object, parts);
            return;
        }
        let index = self.operand(index);
        self.regs.release(mark);
        self.at(span);
        self.asm.abc(Op::LoadItem, dst, object, index);
    }

    /// Evaluates the three parts of a slice into a window of registers.
    fn slice_parts(&mut self, slice: &'a Slice) -> Reg {
        let window = self.regs.alloc_n(3);
        for (at, part) in [&slice.lower, &slice.upper, &slice.step]
            .into_iter()
            .enumerate()
        {
            let reg = Reg(window.0 + at as u16);
            match part {
                Some(part) => self.expr(part, reg),
                None => self.asm.a(Op::LoadNone, reg),
            }
        }
        window
    }

    fn slice(&mut self, slice: &'a Slice, dst: Reg, span: Span) {
        let parts = self.slice_parts(slice);
        self.at(span);
        self.asm.ab(Op::BuildSlice, dst, parts);
    }

    // --------------------------------------------------------- arithmetic

    fn unary(&mut self, op: UnaryOp, operand: &'a Expr, dst: Reg, span: Span) {
        let op = match op {
            UnaryOp::Not => Op::Not,
            UnaryOp::Neg => Op::Neg,
            UnaryOp::Pos => Op::Pos,
            UnaryOp::Invert => Op::Invert,
        };
        let mark = self.regs.mark();
        let operand = match &operand.kind {
            // CPython 3.13 flowgraph.c optimize_basic_block: a comparison that is only asked for
            // its truth stands where that is asked.
            ExprKind::Compare(node) if op == Op::Not && is_ordering(node) => {
                let reg = self.scratch(dst);
                self.compare(node, reg, span);
                reg
            }
            _ => self.operand_in(operand, dst),
        };
        self.regs.release(mark);
        self.at(span);
        self.asm.ab(op, dst, operand);
    }

    fn binary(&mut self, node: &'a Binary, dst: Reg) {
        let mark = self.regs.mark();
        let terms = &node.rest;
        // A constant prefix is computed now: `2 * 3 * x`.
        let mut folded = fold::constant(&node.first);
        let mut next = 0;
        while let (Some(left), Some(term)) = (&folded, terms.get(next)) {
            let right = fold::constant(&term.operand);
            match right.and_then(|right| fold::binary(term.op, left, &right)) {
                Some(value) => folded = Some(value),
                None => break,
            }
            next += 1;
        }
        let formatted = match (&folded, terms.get(next)) {
            (Some(format), Some(term)) => percent_pieces(format, term),
            _ => None,
        };
        let mut left = match folded {
            Some(value) => {
                let at = next;
                next += usize::from(formatted.is_some());
                let reg = match terms.get(next) {
                    None => dst,
                    Some(_) => self.regs.alloc(),
                };
                match formatted {
                    Some(pieces) => self.joined(&pieces, reg, terms[at].span),
                    None => self.asm.load_const(reg, value),
                }
                reg
            }
            None => {
                let later: Vec<&Expr> = match &terms[..] {
                    [] => Vec::new(),
                    [only] => vec![&only.operand],
                    [first, .., last] => vec![&first.operand, &last.operand],
                };
                self.operand_in_before(&node.first, dst, &later)
            }
        };
        for (index, term) in terms.iter().enumerate().skip(next) {
            let last = index + 1 == terms.len();
            let inner = self.regs.mark();
            let right = match fold::immediate(&term.operand) {
                Some(value) if immediate_op(term.op).is_some() => Err(value),
                _ => Ok(self.operand(&term.operand)),
            };
            self.regs.release(inner);
            let to = if last {
                dst
            } else if self.regs.is_temp(left) {
                left
            } else {
                self.regs.alloc()
            };
            self.at(term.span);
            self.arithmetic(term.op, 0, to, left, right);
            left = to;
        }
        self.regs.release(mark);
    }

    /// `dst = left op right`, the right side in a register or immediate.
    pub fn arithmetic(
        &mut self,
        op: BinaryOp,
        x: u8,
        dst: Reg,
        left: Reg,
        right: Result<Reg, i16>,
    ) {
        match right {
            Ok(right) => {
                self.asm.emit(binary_op(op), x, dst.0, left.0, right.0, &[]);
            }
            Err(value) => {
                let op = immediate_op(op).expect("the caller has asked whether there is one");
                self.asm.emit(op, x, dst.0, left.0, value as u16, &[]);
            }
        }
    }

    // -------------------------------------------------------- truth, tests

    fn bool_op(&mut self, op: BoolOp, values: &'a [Expr], dst: Reg, span: Span) {
        let jump = match op {
            BoolOp::And => Op::JumpIfNot,
            BoolOp::Or => Op::JumpIf,
        };
        let mark = self.regs.mark();
        let value = if self.may_clobber(dst) {
            dst
        } else {
            self.regs.alloc()
        };
        let end = self.asm.label();
        for (index, expr) in values.iter().enumerate() {
            self.expr(expr, value);
            if index + 1 < values.len() {
                self.at(span);
                self.asm.jump_on(jump, value, end);
            }
        }
        self.asm.place(end);
        self.asm.move_to(dst, value);
        self.regs.release(mark);
    }

    fn if_exp(&mut self, node: &'a IfExp, dst: Reg) {
        let orelse = self.asm.label();
        let end = self.asm.label();
        self.cond(&node.test, orelse, false);
        self.expr(&node.body, dst);
        self.asm.jump(end);
        self.asm.place(orelse);
        if self.asm.reachable() {
            self.expr(&node.orelse, dst);
        }
        self.asm.place(end);
    }

    fn compare(&mut self, node: &'a Compare, dst: Reg, span: Span) {
        let mark = self.regs.mark();
        let chained = node.rest.len() > 1;
        let value = if !chained || self.may_clobber(dst) {
            dst
        } else {
            self.regs.alloc()
        };
        let end = self.asm.label();
        let later: Vec<&Expr> = node.rest.iter().map(|term| &term.operand).collect();
        // A chain's first result goes to `dst` while its operands are in use.
        let mut left = if chained {
            self.operand_before(&node.first, &later)
        } else {
            self.operand_in_before(&node.first, dst, &later)
        };
        for (index, term) in node.rest.iter().enumerate() {
            let last = index + 1 == node.rest.len();
            let right = self.comparand(term, &later[index + 1..]);
            if last {
                self.regs.release(mark);
            }
            self.at(span);
            let (op, x) = compare_op(term.op);
            self.asm.emit(op, x, value.0, left.0, right.0, &[]);
            if !last {
                self.asm.jump_on(Op::JumpIfNot, value, end);
            }
            left = right;
        }
        if chained {
            self.asm.place(end);
            self.asm.move_to(dst, value);
        }
    }

    /// The right operand of a comparison; `in` of a constant display needs no
    /// fresh one (CPython 3.13 ast_opt.c `fold_compare`).
    pub fn comparand(&mut self, term: &'a CompareTerm, later: &[&'a Expr]) -> Reg {
        if matches!(term.op, CmpOp::In | CmpOp::NotIn)
            && let Some(value) = frozen_display(&term.operand)
        {
            let reg = self.regs.alloc();
            self.at(term.operand.span);
            self.asm.load_const(reg, value);
            return reg;
        }
        self.operand_before(&term.operand, later)
    }

    // ------------------------------------------------------------ displays

    /// Compiles into adjacent new temporaries.
    pub fn window(&mut self, exprs: &'a [Expr]) -> Reg {
        let first = self.regs.alloc_n(exprs.len() as u32);
        for (at, expr) in exprs.iter().enumerate() {
            self.expr(expr, Reg(first.0.wrapping_add(at as u16)));
        }
        first
    }

    pub fn build(&mut self, op: Op, dst: Reg, first: Reg, n: usize) {
        self.asm.emit(op, 0, dst.0, first.0, n as u16, &[]);
    }

    pub fn tuple(&mut self, items: &'a [Expr], dst: Reg, span: Span) {
        let mark = self.regs.mark();
        if let Some(values) = fold::constants(items) {
            self.asm.load_const(dst, Const::Tuple(values));
        } else if items.len() > BATCH || items.iter().any(is_starred) {
            let list = self.regs.alloc();
            self.list_parts(items, list, span);
            self.at(span);
            self.asm.ab(Op::ListToTuple, dst, list);
        } else {
            let first = self.window(items);
            self.at(span);
            self.build(Op::BuildTuple, dst, first, items.len());
        }
        self.regs.release(mark);
    }

    fn list(&mut self, items: &'a [Expr], dst: Reg, span: Span) {
        let mark = self.regs.mark();
        if items.len() > BATCH
            || items.iter().any(is_starred)
            || (items.len() > 2 && fold::constants(items).is_some())
        {
            let list = self.scratch(dst);
            self.list_parts(items, list, span);
            self.asm.move_to(dst, list);
        } else {
            let first = self.window(items);
            self.at(span);
            self.build(Op::BuildList, dst, first, items.len());
        }
        self.regs.release(mark);
    }

    /// `dst` where that may be written early, else a temporary.
    pub fn scratch(&mut self, dst: Reg) -> Reg {
        if self.may_clobber(dst) {
            dst
        } else {
            self.regs.alloc()
        }
    }

    /// Builds a list of items that may be starred, part by part.
    pub fn list_parts(&mut self, items: &'a [Expr], list: Reg, span: Span) {
        let mark = self.regs.mark();
        let mut started = false;
        for part in parts(items) {
            match part {
                Part::Star(value) => {
                    if !started {
                        self.at(span);
                        self.build(Op::BuildList, list, Reg(0), 0);
                    }
                    let value = self.operand(value);
                    self.at(span);
                    self.asm.ab(Op::ListExtend, list, value);
                }
                Part::Run(run) => {
                    let constants = match run.len() {
                        0..=2 => None,
                        _ => fold::constants(run),
                    };
                    if let Some(values) = constants {
                        if !started {
                            self.at(span);
                            self.build(Op::BuildList, list, Reg(0), 0);
                        }
                        let tuple = self.regs.alloc();
                        self.asm.load_const(tuple, Const::Tuple(values));
                        self.asm.ab(Op::ListExtend, list, tuple);
                    } else if started {
                        for item in run {
                            let inner = self.regs.mark();
                            let value = self.operand(item);
                            self.at(span);
                            self.asm.ab(Op::ListAppend, list, value);
                            self.regs.release(inner);
                        }
                    } else {
                        let first = self.window(run);
                        self.at(span);
                        self.build(Op::BuildList, list, first, run.len());
                    }
                }
            }
            started = true;
            self.regs.release(mark);
        }
        if !started {
            self.at(span);
            self.build(Op::BuildList, list, Reg(0), 0);
        }
    }

    /// CPython 3.13 compile.c `starunpack_helper` decides in which order a
    /// set's table is filled, which shows in its iteration: constants come
    /// from a frozenset.
    fn set(&mut self, items: &'a [Expr], dst: Reg, span: Span) {
        let mark = self.regs.mark();
        let constants = match items.len() {
            0..=2 => None,
            _ => fold::constants(items),
        };
        if let Some(values) = constants {
            let set = self.scratch(dst);
            self.build(Op::BuildSet, set, Reg(0), 0);
            let frozen = self.regs.alloc();
            self.asm.load_const(frozen, Const::FrozenSet(values));
            self.asm.ab(Op::SetUpdate, set, frozen);
            self.asm.move_to(dst, set);
        } else if items.len() > BATCH || items.iter().any(is_starred) {
            let set = self.scratch(dst);
            let mut started = false;
            for part in parts(items) {
                let inner = self.regs.mark();
                match part {
                    Part::Run(run) if !started => {
                        let first = self.window(run);
                        self.at(span);
                        self.build(Op::BuildSet, set, first, run.len());
                    }
                    Part::Run(run) => {
                        for item in run {
                            let inner = self.regs.mark();
                            let value = self.operand(item);
                            self.at(span);
                            self.asm.ab(Op::SetAdd, set, value);
                            self.regs.release(inner);
                        }
                    }
                    Part::Star(value) => {
                        if !started {
                            self.at(span);
                            self.build(Op::BuildSet, set, Reg(0), 0);
                        }
                        let value = self.operand(value);
                        self.at(span);
                        self.asm.ab(Op::SetUpdate, set, value);
                    }
                }
                started = true;
                self.regs.release(inner);
            }
            self.asm.move_to(dst, set);
        } else {
            let first = self.window(items);
            self.at(span);
            self.build(Op::BuildSet, dst, first, items.len());
        }
        self.regs.release(mark);
    }

    fn dict(&mut self, items: &'a [DictItem], dst: Reg, span: Span) {
        let mark = self.regs.mark();
        let pairs_only = items
            .iter()
            .all(|item| matches!(item, DictItem::Pair { .. }));
        if pairs_only && items.len() <= BATCH / 2 {
            let first = self.pairs(items);
            self.at(span);
            self.build(Op::BuildDict, dst, first, items.len());
            self.regs.release(mark);
            return;
        }
        let dict = self.scratch(dst);
        self.build(Op::BuildDict, dict, Reg(0), 0);
        for item in items {
            let inner = self.regs.mark();
            match item {
                DictItem::Pair { key, value } => {
                    let key = self.operand_before(key, &[value]);
                    let value = self.operand(value);
                    self.at(span);
                    self.asm.abc(Op::DictSet, dict, key, value);
                }
                DictItem::Spread(value) => {
                    let value = self.operand(value);
                    self.at(span);
                    self.asm.ab(Op::DictUpdate, dict, value);
                }
            }
            self.regs.release(inner);
        }
        self.asm.move_to(dst, dict);
        self.regs.release(mark);
    }

    fn pairs(&mut self, items: &'a [DictItem]) -> Reg {
        let first = self.regs.alloc_n(2 * items.len() as u32);
        let mut at = first;
        for item in items {
            if let DictItem::Pair { key, value } = item {
                self.expr(key, at);
                self.expr(value, Reg(at.0.wrapping_add(1)));
            }
            at = Reg(at.0.wrapping_add(2));
        }
        first
    }

    // ---------------------------------------------------------------- await

    fn await_expr(&mut self, value: &'a Expr, dst: Reg, span: Span) {
        let mark = self.regs.mark();
        // The coroutine is in `dst` while it runs.
        let result = if self.may_write_early(dst) {
            dst
        } else {
            self.regs.alloc()
        };
        match &value.kind {
            ExprKind::Call(call) => {
                self.at(value.span);
                self.call(call, result, value.span, true);
                self.at(span);
                self.asm.ab(Op::Await, result, result);
            }
            _ => {
                let value = self.operand(value);
                self.at(span);
                self.asm.ab(Op::Await, result, value);
            }
        }
        self.asm.move_to(dst, result);
        self.regs.release(mark);
    }
}

pub(super) fn is_starred(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Starred(_))
}

enum Part<'a> {
    Run(&'a [Expr]),
    Star(&'a Expr),
}

/// Items in runs without stars, none longer than a batch.
fn parts(items: &[Expr]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = items;
    while let Some(first) = rest.first() {
        if let ExprKind::Starred(value) = &first.kind {
            parts.push(Part::Star(value));
            rest = &rest[1..];
            continue;
        }
        let run = rest.iter().take_while(|item| !is_starred(item)).count();
        // A long run of constants is one tuple.
        let n = if fold::constants(&rest[..run]).is_some() {
            run
        } else {
            run.min(BATCH)
        };
        parts.push(Part::Run(&rest[..n]));
        rest = &rest[n..];
    }
    parts
}

/// A list or set of constants that is only looked into or iterated.
pub(super) fn frozen_display(expr: &Expr) -> Option<Const> {
    match &expr.kind {
        ExprKind::List(items) => fold::constants(items).map(Const::Tuple),
        ExprKind::Set(items) => fold::constants(items).map(Const::FrozenSet),
        _ => None,
    }
}

/// Whether there is one operator, which is neither `is` nor `in`.
fn is_ordering(node: &Compare) -> bool {
    use CmpOp::{Eq, Gt, GtE, Lt, LtE, NotEq};
    matches!(&node.rest[..], [term] if matches!(term.op, Eq | NotEq | Lt | LtE | Gt | GtE))
}

pub(super) fn binary_op(op: BinaryOp) -> Op {
    match op {
        BinaryOp::Add => Op::Add,
        BinaryOp::Sub => Op::Sub,
        BinaryOp::Mul => Op::Mul,
        BinaryOp::MatMul => Op::MatMul,
        BinaryOp::Div => Op::TrueDiv,
        BinaryOp::FloorDiv => Op::FloorDiv,
        BinaryOp::Mod => Op::Mod,
        BinaryOp::Pow => Op::Pow,
        BinaryOp::LShift => Op::LShift,
        BinaryOp::RShift => Op::RShift,
        BinaryOp::BitOr => Op::Or,
        BinaryOp::BitXor => Op::Xor,
        BinaryOp::BitAnd => Op::And,
    }
}

/// The form with an immediate right operand.
pub(super) fn immediate_op(op: BinaryOp) -> Option<Op> {
    Some(match op {
        BinaryOp::Add => Op::AddI,
        BinaryOp::Sub => Op::SubI,
        BinaryOp::Mul => Op::MulI,
        BinaryOp::FloorDiv => Op::FloorDivI,
        BinaryOp::Mod => Op::ModI,
        BinaryOp::BitAnd => Op::AndI,
        BinaryOp::LShift => Op::LShiftI,
        BinaryOp::RShift => Op::RShiftI,
        _ => return None,
    })
}

fn compare_op(op: CmpOp) -> (Op, u8) {
    match op {
        CmpOp::Eq => (Op::Eq, 0),
        CmpOp::NotEq => (Op::Ne, 0),
        CmpOp::Lt => (Op::Lt, 0),
        CmpOp::LtE => (Op::Le, 0),
        CmpOp::Gt => (Op::Gt, 0),
        CmpOp::GtE => (Op::Ge, 0),
        CmpOp::Is => (Op::Is, 0),
        CmpOp::IsNot => (Op::Is, 1),
        CmpOp::In => (Op::In, 0),
        CmpOp::NotIn => (Op::In, 1),
    }
}
