//! Compiles comprehensions into their enclosing frame, and generator
//! expressions into functions.

use super::blocks::closes_generator;
use super::expr::frozen_display;
use super::frame::{Frame, Header, captured};
use crate::ast::*;
use crate::bytecode::{CodeFlags, Const, Op, Reg};
use crate::scope::ScopeKind;
use crate::source::Span;

/// What the innermost loop does with an element.
#[derive(Clone, Copy)]
enum Element<'a> {
    Append(Reg, &'a Expr),
    Add(Reg, &'a Expr),
    Pair(Reg, &'a Expr, &'a Expr),
    Yield(&'a Expr),
}

impl<'a> Frame<'a> {
    /// A list, set or dict comprehension.
    pub fn comprehension(&mut self, expr: &'a Expr, dst: Reg) {
        let mark = self.regs.mark();
        let span = expr.span;
        let (clauses, id): (&'a [ForClause], _) = match &expr.kind {
            ExprKind::ListComp(comp) | ExprKind::SetComp(comp) => (
                &comp.clauses,
                self.table().of_node(&**comp, ScopeKind::Comprehension),
            ),
            ExprKind::DictComp(comp) => (
                &comp.clauses,
                self.table().of_node(&**comp, ScopeKind::Comprehension),
            ),
            _ => return,
        };
        let Some(first) = clauses.first() else { return };
        let result = self.scratch(dst);
        let iter = self.iterator(first);
        let clear = clauses.len() > 1 || !is_plain_target(&first.target);
        let inner = self.enter_scope(id, clear);
        self.at(span);
        let (build, element) = match &expr.kind {
            ExprKind::ListComp(comp) => (Op::BuildList, Element::Append(result, &comp.element)),
            ExprKind::SetComp(comp) => (Op::BuildSet, Element::Add(result, &comp.element)),
            ExprKind::DictComp(comp) => {
                (Op::BuildDict, Element::Pair(result, &comp.key, &comp.value))
            }
            _ => return,
        };
        self.asm.emit(build, 0, result.0, 0, 0, &[]);
        self.clause_loop(clauses, iter, element, span);
        self.leave_scope(inner);
        self.at(span);
        self.asm.move_to(dst, result);
        self.regs.release(mark);
    }

    /// The iterator over a clause's iterable, in a new temporary.
    fn iterator(&mut self, clause: &'a ForClause) -> Reg {
        let iter = self.regs.alloc();
        let mark = self.regs.mark();
        let value = self.iterable(&clause.iter);
        self.at(clause.iter.span);
        let op = if clause.is_async {
            Op::GetAiter
        } else {
            Op::GetIter
        };
        self.asm.ab(op, iter, value);
        self.regs.release(mark);
        iter
    }

    /// What a loop runs over; a constant display needs no fresh one
    /// (CPython 3.13 ast_opt.c `fold_iter`).
    pub fn iterable(&mut self, expr: &'a Expr) -> Reg {
        match frozen_display(expr) {
            Some(value) => {
                let reg = self.regs.alloc();
                self.at(expr.span);
                self.asm.load_const(reg, value);
                reg
            }
            None => self.operand(expr),
        }
    }

    /// The loop of the first clause, whose iterator is there, around the others.
    fn clause_loop(
        &mut self,
        clauses: &'a [ForClause],
        iter: Reg,
        element: Element<'a>,
        span: Span,
    ) {
        let Some((clause, rest)) = clauses.split_first() else {
            return;
        };
        let mark = self.regs.mark();
        if clause.is_async {
            self.async_clause(clause, rest, iter, element, span);
        } else {
            self.sync_clause(clause, rest, iter, element, span);
        }
        self.regs.release(mark);
    }

    fn sync_clause(
        &mut self,
        clause: &'a ForClause,
        rest: &'a [ForClause],
        iter: Reg,
        element: Element<'a>,
        span: Span,
    ) {
        let close = closes_generator(&clause.iter).then_some(iter);
        let head = self.asm.label();
        let next = self.asm.label();
        self.at(clause.iter.span);
        self.asm.jump(next);
        let Some(bound) = self.loop_state(next) else {
            return;
        };
        let guard = self.open_close_guard(close);
        self.asm.place_with(head, bound);
        let target = self.target_reg(&clause.target);
        let item = match target {
            Some(reg) => {
                self.asm.set_bound(reg);
                reg
            }
            None => {
                let item = self.regs.alloc();
                self.store_item(&clause.target, item);
                item
            }
        };
        self.conditions_and_rest(clause, rest, element, span, next);
        self.asm.place(next);
        self.at(clause.iter.span);
        self.asm.branch(Op::ForIter, 0, item, iter.0, 0, head);
        self.close_close_guard(guard, close, span);
    }

    fn async_clause(
        &mut self,
        clause: &'a ForClause,
        rest: &'a [ForClause],
        iter: Reg,
        element: Element<'a>,
        span: Span,
    ) {
        let next = self.asm.label();
        let start = self.async_next_start(next, span);
        let Some(mut start) = start else { return };
        let item = self.async_next(&mut start, iter, span);
        let close = closes_generator(&clause.iter).then_some(iter);
        let guard = self.open_close_guard(close);
        self.store(&clause.target, item);
        let again = self.asm.label();
        self.conditions_and_rest(clause, rest, element, span, again);
        self.close_close_guard(guard, close, span);
        self.asm.place(again);
        self.asm.jump(next);
        self.async_next_end(start, span);
    }

    fn conditions_and_rest(
        &mut self,
        clause: &'a ForClause,
        rest: &'a [ForClause],
        element: Element<'a>,
        span: Span,
        next: super::asm::Label,
    ) {
        for condition in &clause.conditions {
            self.cond(condition, next, false);
        }
        match rest.first() {
            Some(inner) => {
                let iter = self.iterator(inner);
                self.clause_loop(rest, iter, element, span);
            }
            None => self.element(element),
        }
    }

    fn element(&mut self, element: Element<'a>) {
        let mark = self.regs.mark();
        match element {
            Element::Append(list, value) => {
                let reg = self.operand(value);
                self.at(value.span);
                self.asm.ab(Op::ListAppend, list, reg);
            }
            Element::Add(set, value) => {
                let reg = self.operand(value);
                self.at(value.span);
                self.asm.ab(Op::SetAdd, set, reg);
            }
            Element::Pair(dict, key, value) => {
                let key_reg = self.operand_before(key, &[value]);
                let value_reg = self.operand(value);
                self.at(key.span.to(value.span));
                self.asm.abc(Op::DictSet, dict, key_reg, value_reg);
            }
            Element::Yield(value) => {
                let sent = self.regs.alloc();
                let reg = self.operand(value);
                self.at(value.span);
                self.asm.ab(Op::Yield, sent, reg);
            }
        }
        self.regs.release(mark);
    }

    // ------------------------------------------------- generator expressions

    pub fn generator(&mut self, comp: &'a Comprehension, dst: Reg, span: Span) {
        let Some(first) = comp.clauses.first() else {
            return;
        };
        let id = self.table().of_node(comp, ScopeKind::Generator);
        let mark = self.regs.mark();
        let window = self.regs.alloc_n(5);
        let name = Name::from("<genexpr>");
        let qualname = self.qualname_of(&name, false);
        let mut inner = Frame::new(self.shared, id, qualname);
        inner.first_is_positional = true;
        inner.prologue();
        inner.at(span);
        let element = Element::Yield(&comp.element);
        inner.clause_loop(&comp.clauses, Reg(0), element, span);
        let scope = self.table().scope(id);
        let header = Header {
            name: Some(name),
            flags: CodeFlags {
                generator: !scope.is_async,
                async_generator: scope.is_async,
                ..CodeFlags::default()
            },
            n_pos: 1,
            params: vec![Name::from(".0")],
            first_line: self.shared.source.line(span.start),
            ..Header::default()
        };
        let code = captured(inner.finish(header, span), self.captures_for(id));
        self.at(span);
        if self.asm.reachable() {
            let code = self.asm.constant(Const::Code(code));
            self.asm
                .emit(Op::MakeFunction, 0, window.0, window.0, 0, &[code]);
        }
        let argument = Reg(window.0.wrapping_add(1));
        let value = self.iterable(&first.iter);
        self.at(first.iter.span);
        let op = if first.is_async {
            Op::GetAiter
        } else {
            Op::GetIter
        };
        self.asm.ab(op, argument, value);
        self.at(span);
        self.asm.emit(Op::Call, 0, dst.0, window.0, 1, &[]);
        self.regs.release(mark);
    }
}

/// A target that a loop binds before anything can read it.
fn is_plain_target(target: &Expr) -> bool {
    match &target.kind {
        ExprKind::Name(_) => true,
        ExprKind::Starred(inner) => is_plain_target(inner),
        ExprKind::Tuple(items) | ExprKind::List(items) => items.iter().all(is_plain_target),
        _ => false,
    }
}
