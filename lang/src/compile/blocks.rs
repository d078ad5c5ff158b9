//! Compiles what has a way out to guard: loops, `try`, `with`, and the exits
//! through them by `return`, `break` and `continue`.
//!
//! A protected region costs nothing until an exception comes: it is a range in
//! the handler table. Where an exit runs a `finally` body on its way, that
//! code lies inside the region's range but must not be protected by it, so the
//! region is paused meanwhile. A short `finally` body is copied to each exit;
//! a longer one stands once and a selector register says how to go on.

use super::asm::{Label, RegSet, RegionId};
use super::frame::Frame;
use crate::ast::*;
use crate::bytecode::{Op, Reg, await_of};
use crate::fold;
use crate::source::Span;

/// A `finally` body longer than this many bytes of source is not copied.
const COPIED_BYTES_MAX: u32 = 160;

/// Selector values below this one are `NORMAL` and `EXCEPTION`; above are exits.
const NORMAL: u32 = 0;
const EXCEPTION: u32 = 1;
const FIRST_EXIT: u32 = 2;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exit {
    /// With the register that holds the value; `None` is None.
    Return(Option<Reg>),
    Break,
    Continue,
}

/// Something that an exit passes through.
pub(super) enum Block<'a> {
    Loop {
        on_break: Label,
        on_continue: Label,
        /// The iterator to close on leaving early, and the region that does it
        /// for exceptions.
        close: Option<(Reg, RegionId)>,
    },
    /// A protected body whose way out needs no code.
    Region(RegionId),
    /// A body with a `finally` that is copied to each exit.
    FinallyCopied { body: &'a [Stmt], region: RegionId },
    /// A body with a `finally` that stands once.
    FinallyShared {
        region: RegionId,
        start: Label,
        selector: Reg,
        value: Reg,
        exits: Vec<Exit>,
    },
    /// A `finally` body at work; leaving it drops the exception.
    FinallyBody {
        region: RegionId,
        saved: Reg,
        /// With a selector, only its `EXCEPTION` has something to drop.
        selector: Option<Reg>,
    },
    /// The body of an `except` clause.
    Handler {
        region: RegionId,
        named: Option<(RegionId, &'a Name)>,
        saved: Reg,
    },
    With {
        region: RegionId,
        exit: Reg,
        is_async: bool,
        span: Span,
    },
}

/// The start of an `async for` round, until `async_next_end`.
pub(super) struct AsyncNext {
    done: Label,
    exc: Reg,
    item: Reg,
    bound: RegSet,
}

/// Whether a loop over this makes the generator itself, if it is one: leaving
/// early then closes it.
pub(super) fn closes_generator(iter: &Expr) -> bool {
    matches!(iter.kind, ExprKind::Call(_) | ExprKind::Generator(_))
}

impl<'a> Frame<'a> {
    // ---------------------------------------------------------------- state

    /// What is surely bound wherever the code that follows is interrupted or
    /// repeated.
    pub fn stable_state(&self) -> Option<RegSet> {
        let mut bound = self.asm.bound()?.clone();
        bound.subtract(&self.deletable);
        Some(bound)
    }

    /// As `stable_state`, just after the jump to a loop's `next`.
    pub fn loop_state(&mut self, next: Label) -> Option<RegSet> {
        let mut bound = self.asm.bound_at(next)?.clone();
        bound.subtract(&self.deletable);
        Some(bound)
    }

    fn place_handler(&mut self, label: Label, bound: RegSet) {
        self.asm.end_flow();
        self.asm.place_with(label, bound);
    }

    // ---------------------------------------------------------------- exits

    /// Leaves by `return`, `break` or `continue`, running what lies on the way.
    pub fn exit(&mut self, exit: Exit) {
        let mut popped = Vec::new();
        let mut target = None;
        let span = self.asm.span;
        while self.asm.reachable() {
            let Some(block) = self.blocks.last() else {
                break;
            };
            if let Block::Loop {
                on_break,
                on_continue,
                close,
            } = block
                && !matches!(exit, Exit::Return(_))
            {
                target = Some(match exit {
                    Exit::Break => {
                        let (on_break, close) = (*on_break, *close);
                        if let Some((iter, region)) = close {
                            self.asm.pause_region(region);
                            self.asm.a(Op::IterClose, iter);
                            self.asm.jump(on_break);
                            self.asm.resume_region(region);
                        }
                        on_break
                    }
                    _ => *on_continue,
                });
                break;
            }
            let Some(mut block) = self.blocks.pop() else {
                break;
            };
            self.leave_block(&mut block, exit);
            popped.push(block);
            self.asm.span = span;
        }
        match (exit, target) {
            (Exit::Return(Some(value)), _) => self.asm.a(Op::Return, value),
            (Exit::Return(None), _) => self.asm.emit(Op::ReturnNone, 0, 0, 0, 0, &[]),
            (_, Some(label)) => self.asm.jump(label),
            (_, None) => {}
        }
        self.asm.end_flow();
        while let Some(block) = popped.pop() {
            for region in block.regions().into_iter().flatten() {
                self.asm.resume_region(region);
            }
            self.blocks.push(block);
        }
    }

    /// The code that runs when an exit passes through a block, which has been
    /// taken off the stack; its regions stay paused.
    fn leave_block(&mut self, block: &mut Block<'a>, exit: Exit) {
        for region in block.regions().into_iter().flatten() {
            self.asm.pause_region(region);
        }
        match block {
            Block::Loop { close, .. } => {
                if let Some((iter, _)) = close {
                    self.asm.a(Op::IterClose, *iter);
                }
            }
            Block::Region(_) => {}
            Block::FinallyCopied { body, .. } => self.block(body),
            Block::FinallyShared {
                start,
                selector,
                value,
                exits,
                ..
            } => {
                let wanted = match exit {
                    Exit::Return(Some(reg)) => {
                        self.asm.move_to(*value, reg);
                        Exit::Return(Some(*value))
                    }
                    exit => exit,
                };
                let index = match exits.iter().position(|known| *known == wanted) {
                    Some(index) => index,
                    None => {
                        exits.push(wanted);
                        exits.len() - 1
                    }
                };
                self.select(*selector, FIRST_EXIT + index as u32);
                self.asm.jump(*start);
            }
            Block::FinallyBody {
                saved, selector, ..
            } => {
                let skip = self.asm.label();
                if let Some(selector) = selector {
                    self.asm
                        .branch(Op::JumpEqI, 0, *selector, 0, EXCEPTION as u16, skip);
                }
                self.asm.a(Op::LeaveHandler, *saved);
                self.asm.place(skip);
            }
            Block::Handler { named, saved, .. } => {
                self.asm.a(Op::LeaveHandler, *saved);
                if let Some((_, name)) = named {
                    // Who returns has no more use for a name, but where a `finally` around
                    // it may look.
                    let plain = self.local_reg(name).is_some();
                    let is_seen = self.blocks.iter().any(|outer| {
                        matches!(
                            outer,
                            Block::FinallyCopied { .. } | Block::FinallyShared { .. }
                        )
                    });
                    if is_seen || !(plain && matches!(exit, Exit::Return(_))) {
                        self.unbind_name(name);
                    }
                }
            }
            Block::With {
                exit: reg,
                is_async,
                span,
                ..
            } => {
                let (reg, is_async, span) = (*reg, *is_async, *span);
                self.with_exit(reg, is_async, span);
            }
        }
    }

    fn select(&mut self, selector: Reg, value: u32) {
        self.asm.abx(Op::LoadInt, selector, value);
    }

    /// `return value`.
    pub fn return_stmt(&mut self, value: Option<&'a Expr>, span: Span) {
        let mark = self.regs.mark();
        let value = match value {
            None => None,
            Some(value) if matches!(value.kind, ExprKind::None) => None,
            Some(value) => {
                let reg = self.operand(value);
                let runs_code = self.blocks.iter().any(|block| {
                    matches!(
                        block,
                        Block::FinallyCopied { .. } | Block::FinallyShared { .. }
                    )
                });
                if runs_code && !self.regs.is_temp(reg) {
                    // A `finally` body may assign the variable.
                    let copy = self.regs.alloc();
                    self.asm.move_to(copy, reg);
                    Some(copy)
                } else {
                    Some(reg)
                }
            }
        };
        self.at(span);
        self.exit(Exit::Return(value));
        self.regs.release(mark);
    }

    // ---------------------------------------------------------------- loops

    /// Opens the region that closes a loop's own generator when an exception
    /// leaves the loop.
    pub fn open_close_guard(&mut self, close: Option<Reg>) -> Option<(RegionId, Label, Reg)> {
        close?;
        let handler = self.asm.label();
        let exc = self.regs.alloc();
        Some((self.asm.open_region(handler, exc), handler, exc))
    }

    pub fn close_close_guard(
        &mut self,
        guard: Option<(RegionId, Label, Reg)>,
        close: Option<Reg>,
        span: Span,
    ) {
        let (Some((region, handler, exc)), Some(iter)) = (guard, close) else {
            return;
        };
        if !self.asm.close_region(region) {
            return;
        }
        let cold = self.asm.begin_cold();
        self.at(span);
        self.place_handler(handler, RegSet::default());
        self.asm.a(Op::IterClose, iter);
        self.asm.a(Op::Reraise, exc);
        self.asm.end_flow();
        self.asm.end_cold(cold);
    }

    pub fn for_stmt(&mut self, node: &'a For, span: Span) {
        let mark = self.regs.mark();
        if node.is_async {
            self.async_for(node, span);
        } else {
            self.sync_for(node);
        }
        self.regs.release(mark);
    }

    fn sync_for(&mut self, node: &'a For) {
        let iter = self.regs.alloc();
        let mark = self.regs.mark();
        let value = self.iterable(&node.iter);
        self.at(node.iter.span);
        self.asm.ab(Op::GetIter, iter, value);
        self.regs.release(mark);
        let close = closes_generator(&node.iter).then_some(iter);
        let head = self.asm.label();
        let next = self.asm.label();
        let end = self.asm.label();
        self.asm.jump(next);
        let Some(bound) = self.loop_state(next) else {
            return;
        };
        let guard = self.open_close_guard(close);
        self.asm.place_with(head, bound);
        let item = match self.target_reg(&node.target) {
            Some(reg) => {
                self.asm.set_bound(reg);
                reg
            }
            None => {
                let item = self.regs.alloc();
                self.store_item(&node.target, item);
                item
            }
        };
        self.blocks.push(Block::Loop {
            on_break: end,
            on_continue: next,
            close: close.zip(guard.map(|(region, ..)| region)),
        });
        self.block(&node.body);
        self.blocks.pop();
        self.asm.place(next);
        self.at(node.iter.span);
        self.asm.branch(Op::ForIter, 0, item, iter.0, 0, head);
        self.close_close_guard(guard, close, node.iter.span);
        self.block(&node.orelse);
        self.asm.place(end);
    }

    pub fn while_stmt(&mut self, test: &'a Expr, body: &'a [Stmt], orelse: &'a [Stmt]) {
        let head = self.asm.label();
        let next = self.asm.label();
        let end = self.asm.label();
        let constant = fold::constant(test).map(|value| fold::truth(&value));
        if constant == Some(false) {
            self.block(orelse);
            return;
        }
        self.at(test.span);
        let bound = if constant == Some(true) {
            // The loop's end is its head.
            self.stable_state()
        } else {
            self.asm.jump(next);
            self.loop_state(next)
        };
        let Some(mut bound) = bound else { return };
        self.bound_by_test(test, &mut bound);
        self.asm.place_with(head, bound);
        self.blocks.push(Block::Loop {
            on_break: end,
            on_continue: next,
            close: None,
        });
        self.block(body);
        self.blocks.pop();
        self.asm.place(next);
        if self.asm.reachable() {
            self.cond(test, head, true);
        }
        self.block(orelse);
        self.asm.place(end);
    }

    /// Adds what a loop's test has surely assigned when the body runs:
    /// `while (line := f()):`.
    fn bound_by_test(&self, test: &Expr, bound: &mut RegSet) {
        match &test.kind {
            ExprKind::Named { target, .. } => {
                if let Some(reg) = self.local_reg(&target.name) {
                    bound.insert(reg);
                }
            }
            ExprKind::Compare(node) => self.bound_by_test(&node.first, bound),
            ExprKind::Unary { operand, .. } => self.bound_by_test(operand, bound),
            ExprKind::BoolOp { values, .. } => {
                if let Some(first) = values.first() {
                    self.bound_by_test(first, bound);
                }
            }
            _ => {}
        }
    }

    fn async_for(&mut self, node: &'a For, span: Span) {
        let iter = self.regs.alloc();
        let mark = self.regs.mark();
        let value = self.operand(&node.iter);
        self.at(node.iter.span);
        self.asm.ab(Op::GetAiter, iter, value);
        self.regs.release(mark);
        let next = self.asm.label();
        let end = self.asm.label();
        let Some(mut round) = self.async_next_start(next, node.iter.span) else {
            return;
        };
        let item = self.async_next(&mut round, iter, span);
        let close = closes_generator(&node.iter).then_some(iter);
        let guard = self.open_close_guard(close);
        self.store(&node.target, item);
        let again = self.asm.label();
        self.blocks.push(Block::Loop {
            on_break: end,
            on_continue: again,
            close: close.zip(guard.map(|(region, ..)| region)),
        });
        self.block(&node.body);
        self.blocks.pop();
        self.close_close_guard(guard, close, span);
        self.asm.place(again);
        self.at(span);
        self.asm.jump(next);
        self.async_next_end(round, node.iter.span);
        self.block(&node.orelse);
        self.asm.place(end);
    }

    /// Places the head of an `async for` loop.
    pub fn async_next_start(&mut self, next: Label, span: Span) -> Option<AsyncNext> {
        let bound = self.stable_state()?;
        self.at(span);
        self.asm.place_with(next, bound.clone());
        Some(AsyncNext {
            done: self.asm.label(),
            exc: self.regs.alloc(),
            item: self.regs.alloc(),
            bound,
        })
    }

    /// Awaits the next item; gives its register.
    pub fn async_next(&mut self, round: &mut AsyncNext, iter: Reg, span: Span) -> Reg {
        self.at(span);
        let region = self.asm.open_region(round.done, round.exc);
        self.asm.ab(Op::GetAnext, round.item, iter);
        self.asm.await_given(round.item, await_of::ANEXT);
        self.asm.close_region(region);
        round.item
    }

    /// After the jump back: where the iterator's end leads.
    pub fn async_next_end(&mut self, round: AsyncNext, span: Span) {
        self.place_handler(round.done, round.bound);
        self.at(span);
        self.asm.a(Op::EndAsyncFor, round.exc);
    }

    // ------------------------------------------------------------------ try

    pub fn try_stmt(&mut self, node: &'a Try, span: Span) {
        let mark = self.regs.mark();
        if node.finalbody.is_empty() {
            self.try_except(node, span);
        } else if is_copied(&node.finalbody) {
            self.finally_copied(node, span);
        } else {
            self.finally_shared(node, span);
        }
        self.regs.release(mark);
    }

    fn try_body(&mut self, node: &'a Try, span: Span) {
        if node.handlers.is_empty() {
            self.block(&node.body);
            self.block(&node.orelse);
        } else {
            self.try_except(node, span);
        }
    }

    fn try_except(&mut self, node: &'a Try, span: Span) {
        let Some(bound) = self.stable_state() else {
            return;
        };
        let handler = self.asm.label();
        let end = self.asm.label();
        let exc = self.regs.alloc();
        let saved = self.regs.alloc();
        let region = self.asm.open_region(handler, exc);
        self.observed += 1;
        self.blocks.push(Block::Region(region));
        self.block(&node.body);
        self.blocks.pop();
        self.observed -= 1;
        let protects = self.asm.close_region(region);
        self.block(&node.orelse);
        if !protects {
            return;
        }
        let cold = self.asm.begin_cold();
        self.at(span);
        self.place_handler(handler, bound.clone());
        self.asm.ab(Op::EnterHandler, saved, exc);
        // An exception inside the handler puts the one before back in place.
        let cleanup = self.asm.label();
        let cleanup_exc = self.regs.alloc();
        let cleanup_region = self.asm.open_region(cleanup, cleanup_exc);
        if node.is_star {
            self.star_handlers(node, exc, saved, cleanup_region, end);
        } else {
            self.handlers(node, exc, saved, cleanup_region, end);
        }
        if self.asm.close_region(cleanup_region) {
            self.leave_and_reraise(cleanup, bound, saved, cleanup_exc);
        }
        self.asm.end_flow();
        self.asm.end_cold(cold);
        self.asm.place(end);
    }

    /// A handler that only ends the handling of an exception and passes the new one on.
    fn leave_and_reraise(&mut self, label: Label, bound: RegSet, saved: Reg, exc: Reg) {
        self.place_handler(label, bound);
        self.asm.a(Op::LeaveHandler, saved);
        self.asm.a(Op::Reraise, exc);
        self.asm.end_flow();
    }

    fn handlers(&mut self, node: &'a Try, exc: Reg, saved: Reg, region: RegionId, end: Label) {
        for handler in &node.handlers {
            let next = self.asm.label();
            let mark = self.regs.mark();
            if let Some(exc_type) = &handler.exc_type {
                let class = self.operand(exc_type);
                self.at(handler.span);
                self.asm.branch(Op::JumpIfNoMatch, 0, exc, class.0, 0, next);
            }
            self.regs.release(mark);
            let name = handler.name.as_ref().map(|name| &name.name);
            let named = name.map(|name| {
                self.at(handler.span);
                self.store_name(name, exc);
                let unbind = self.asm.label();
                let inner_exc = self.regs.alloc();
                let inner = self.asm.open_region(unbind, inner_exc);
                (inner, unbind, inner_exc, name)
            });
            let bound = self.stable_state().unwrap_or_default();
            self.blocks.push(Block::Handler {
                region,
                named: named.map(|(inner, _, _, name)| (inner, name)),
                saved,
            });
            self.block(&handler.body);
            self.blocks.pop();
            let unbinds = match named {
                Some((inner, ..)) => self.asm.close_region(inner),
                None => false,
            };
            self.asm.pause_region(region);
            self.asm.a(Op::LeaveHandler, saved);
            if let Some(name) = name {
                self.unbind_name(name);
            }
            self.asm.jump(end);
            if let Some((_, unbind, inner_exc, name)) = named
                && unbinds
            {
                self.place_handler(unbind, bound);
                self.asm.a(Op::LeaveHandler, saved);
                self.unbind_name(name);
                self.asm.a(Op::Reraise, inner_exc);
                self.asm.end_flow();
            }
            self.asm.resume_region(region);
            self.regs.release(mark);
            self.asm.place(next);
        }
        self.asm.pause_region(region);
        self.asm.a(Op::LeaveHandler, saved);
        self.asm.a(Op::Reraise, exc);
        self.asm.end_flow();
        self.asm.resume_region(region);
    }

    fn star_handlers(&mut self, node: &'a Try, exc: Reg, saved: Reg, region: RegionId, end: Label) {
        let raised = self.regs.alloc();
        let rest = self.regs.alloc();
        self.asm.emit(Op::BuildList, 0, raised.0, 0, 0, &[]);
        self.asm.move_to(rest, exc);
        for handler in &node.handlers {
            let next = self.asm.label();
            let mark = self.regs.mark();
            let pair = self.regs.alloc_n(2);
            if let Some(exc_type) = &handler.exc_type {
                let inner = self.regs.mark();
                let class = self.operand(exc_type);
                self.at(handler.span);
                self.asm.abc(Op::SplitGroup, pair, rest, class);
                self.regs.release(inner);
            }
            self.asm.move_to(rest, Reg(pair.0.wrapping_add(1)));
            self.asm.jump_on(Op::JumpIfNone, pair, next);
            self.star_handler(handler, pair, raised, region);
            self.regs.release(mark);
            self.asm.place(next);
        }
        let done = self.asm.label();
        self.asm.jump_on(Op::JumpIfNone, rest, done);
        self.asm.ab(Op::ListAppend, raised, rest);
        self.asm.place(done);
        // As in CPython, where a failing `derive` is called from line None.
        self.at(Span::NOWHERE);
        self.asm.abc(Op::JoinGroups, raised, exc, raised);
        self.asm.pause_region(region);
        self.asm.a(Op::LeaveHandler, saved);
        self.asm.jump_on(Op::JumpIfNone, raised, end);
        self.asm.a(Op::Reraise, raised);
        self.asm.end_flow();
        self.asm.resume_region(region);
    }

    /// One `except*` clause, whose group is in `group`; what it raises is
    /// gathered in the list `raised`.
    fn star_handler(
        &mut self,
        handler: &'a ExceptHandler,
        group: Reg,
        raised: Reg,
        region: RegionId,
    ) {
        let inner_exc = self.regs.alloc();
        let failed = self.asm.label();
        let end = self.asm.label();
        self.at(handler.span);
        // CPython 3.13 bytecodes.c CHECK_EG_MATCH: it stays the handled exception until another
        // clause takes some, or the statement ends. The one before them all is saved there.
        let unused = self.regs.alloc();
        self.asm.ab(Op::EnterHandler, unused, group);
        let bound = self.stable_state().unwrap_or_default();
        let inner = self.asm.open_region(failed, inner_exc);
        let name = handler.name.as_ref().map(|name| &name.name);
        if let Some(name) = name {
            self.store_name(name, group);
        }
        // No exit passes through here: scope.rs refuses them.
        self.blocks.push(Block::Region(inner));
        self.blocks.push(Block::Region(region));
        self.observed += 1;
        self.block(&handler.body);
        self.observed -= 1;
        self.blocks.pop();
        self.blocks.pop();
        let protects = self.asm.close_region(inner);
        if let Some(name) = name {
            self.unbind_name(name);
        }
        if protects {
            self.asm.jump(end);
            self.place_handler(failed, bound);
            self.asm.ab(Op::ListAppend, raised, inner_exc);
            if let Some(name) = name {
                self.unbind_name(name);
            }
        }
        self.asm.place(end);
    }

    fn finally_copied(&mut self, node: &'a Try, span: Span) {
        let Some(bound) = self.stable_state() else {
            return;
        };
        let handler = self.asm.label();
        let exc = self.regs.alloc();
        let saved = self.regs.alloc();
        let region = self.asm.open_region(handler, exc);
        self.observed += 1;
        self.blocks.push(Block::FinallyCopied {
            body: &node.finalbody,
            region,
        });
        self.try_body(node, span);
        self.blocks.pop();
        self.observed -= 1;
        let protects = self.asm.close_region(region);
        if self.asm.reachable() {
            self.block(&node.finalbody);
        }
        if !protects {
            return;
        }
        let cold = self.asm.begin_cold();
        self.at(span);
        self.place_handler(handler, bound.clone());
        self.asm.ab(Op::EnterHandler, saved, exc);
        let cleanup = self.asm.label();
        let cleanup_exc = self.regs.alloc();
        let cleanup_region = self.asm.open_region(cleanup, cleanup_exc);
        self.blocks.push(Block::FinallyBody {
            region: cleanup_region,
            saved,
            selector: None,
        });
        self.block(&node.finalbody);
        self.blocks.pop();
        let cleans = self.asm.close_region(cleanup_region);
        self.asm.a(Op::LeaveHandler, saved);
        self.asm.a(Op::Reraise, exc);
        self.asm.end_flow();
        if cleans {
            self.leave_and_reraise(cleanup, bound, saved, cleanup_exc);
        }
        self.asm.end_cold(cold);
    }

    fn finally_shared(&mut self, node: &'a Try, span: Span) {
        let Some(bound) = self.stable_state() else {
            return;
        };
        let handler = self.asm.label();
        let start = self.asm.label();
        let exc = self.regs.alloc();
        let saved = self.regs.alloc();
        let selector = self.regs.alloc();
        let value = self.regs.alloc();
        let region = self.asm.open_region(handler, exc);
        self.observed += 1;
        self.blocks.push(Block::FinallyShared {
            region,
            start,
            selector,
            value,
            exits: Vec::new(),
        });
        self.try_body(node, span);
        let block = self.blocks.pop();
        self.observed -= 1;
        let protects = self.asm.close_region(region);
        let falls_through = self.asm.reachable();
        self.select(selector, NORMAL);
        if protects {
            let cold = self.asm.begin_cold();
            self.at(span);
            self.place_handler(handler, bound.clone());
            self.select(selector, EXCEPTION);
            self.asm.ab(Op::EnterHandler, saved, exc);
            self.asm.jump(start);
            self.asm.end_cold(cold);
        }
        self.asm.place(start);
        let Some(bound) = self.stable_state() else {
            return;
        };
        let cleanup = self.asm.label();
        let cleanup_exc = self.regs.alloc();
        let cleanup_region = self.asm.open_region(cleanup, cleanup_exc);
        self.blocks.push(Block::FinallyBody {
            region: cleanup_region,
            saved,
            selector: Some(selector),
        });
        self.block(&node.finalbody);
        self.blocks.pop();
        let cleans = self.asm.close_region(cleanup_region);
        let end = self.asm.label();
        if falls_through {
            self.asm
                .branch(Op::JumpEqI, 1, selector, 0, NORMAL as u16, end);
        }
        if let Some(Block::FinallyShared { exits, .. }) = block {
            for (index, exit) in exits.into_iter().enumerate() {
                let other = self.asm.label();
                let value = FIRST_EXIT + index as u32;
                self.asm
                    .branch(Op::JumpEqI, 0, selector, 0, value as u16, other);
                self.exit(exit);
                self.asm.place(other);
            }
        }
        self.asm.a(Op::LeaveHandler, saved);
        self.asm.a(Op::Reraise, exc);
        self.asm.end_flow();
        if cleans {
            let cold = self.asm.begin_cold();
            self.place_handler(cleanup, bound);
            let skip = self.asm.label();
            self.asm
                .branch(Op::JumpEqI, 0, selector, 0, EXCEPTION as u16, skip);
            self.asm.a(Op::LeaveHandler, saved);
            self.asm.place(skip);
            self.asm.a(Op::Reraise, cleanup_exc);
            self.asm.end_flow();
            self.asm.end_cold(cold);
        }
        self.asm.place(end);
    }

    // ----------------------------------------------------------------- with

    /// `with a, b: body` is `with a:` around `with b: body`.
    pub fn with_stmt(&mut self, items: &'a [WithItem], body: &'a [Stmt], is_async: bool) {
        let Some((item, rest)) = items.split_first() else {
            self.block(body);
            return;
        };
        let mark = self.regs.mark();
        let span = item.context.span;
        let pair = self.regs.alloc_n(2);
        let entered = Reg(pair.0.wrapping_add(1));
        let inner = self.regs.mark();
        let manager = self.operand(&item.context);
        self.regs.release(inner);
        self.at(span);
        self.asm
            .emit(Op::BeforeWith, is_async as u8, pair.0, manager.0, 0, &[]);
        if is_async {
            self.asm.await_given(entered, await_of::AENTER);
        }
        let Some(bound) = self.stable_state() else {
            return;
        };
        let handler = self.asm.label();
        let end = self.asm.label();
        let exc = self.regs.alloc();
        let saved = self.regs.alloc();
        let region = self.asm.open_region(handler, exc);
        self.observed += 1;
        self.blocks.push(Block::With {
            region,
            exit: pair,
            is_async,
            span,
        });
        if let Some(target) = &item.target {
            self.store(target, entered);
        }
        self.with_stmt(rest, body, is_async);
        self.blocks.pop();
        self.observed -= 1;
        let protects = self.asm.close_region(region);
        self.with_exit(pair, is_async, span);
        if protects {
            let cold = self.asm.begin_cold();
            self.place_handler(handler, bound.clone());
            self.with_handler(pair, exc, saved, is_async, bound, span, end);
            self.asm.end_cold(cold);
        }
        self.asm.place(end);
        self.regs.release(mark);
    }

    fn with_exit(&mut self, exit: Reg, is_async: bool, span: Span) {
        let mark = self.regs.mark();
        let result = self.regs.alloc();
        self.at(span);
        self.asm
            .emit(Op::WithExit, is_async as u8, result.0, exit.0, 0, &[]);
        if is_async {
            self.asm.await_given(result, await_of::AEXIT);
        }
        self.regs.release(mark);
    }

    #[allow(clippy::too_many_arguments)]
    fn with_handler(
        &mut self,
        exit: Reg,
        exc: Reg,
        saved: Reg,
        is_async: bool,
        bound: RegSet,
        span: Span,
        end: Label,
    ) {
        let cleanup = self.asm.label();
        let suppressed = self.asm.label();
        let cleanup_exc = self.regs.alloc();
        let result = self.regs.alloc();
        self.at(span);
        self.asm.ab(Op::EnterHandler, saved, exc);
        let region = self.asm.open_region(cleanup, cleanup_exc);
        self.asm.emit(
            Op::WithExitExc,
            is_async as u8,
            result.0,
            exit.0,
            exc.0,
            &[],
        );
        if is_async {
            self.asm.await_given(result, await_of::AEXIT);
        }
        self.asm.jump_on(Op::JumpIf, result, suppressed);
        self.asm.close_region(region);
        self.asm.a(Op::LeaveHandler, saved);
        self.asm.a(Op::Reraise, exc);
        self.asm.end_flow();
        self.asm.place(suppressed);
        self.asm.a(Op::LeaveHandler, saved);
        self.asm.jump(end);
        self.leave_and_reraise(cleanup, bound, saved, cleanup_exc);
    }
}

impl Block<'_> {
    /// The regions that are open inside the block, inner first.
    fn regions(&self) -> [Option<RegionId>; 2] {
        match self {
            Block::Loop { close, .. } => [close.map(|(_, region)| region), None],
            Block::Region(region)
            | Block::FinallyCopied { region, .. }
            | Block::FinallyShared { region, .. }
            | Block::FinallyBody { region, .. }
            | Block::With { region, .. } => [Some(*region), None],
            Block::Handler { region, named, .. } => [named.map(|(inner, _)| inner), Some(*region)],
        }
    }
}

/// Whether a `finally` body is short and flat enough to be copied to each exit.
fn is_copied(body: &[Stmt]) -> bool {
    let flat = |stmt: &Stmt| {
        matches!(
            stmt.kind,
            StmtKind::Expr(_)
                | StmtKind::Assign { .. }
                | StmtKind::AugAssign { .. }
                | StmtKind::Pass
                | StmtKind::Delete(_)
        )
    };
    let bytes = match (body.first(), body.last()) {
        (Some(first), Some(last)) => last.span.end.saturating_sub(first.span.start),
        _ => 0,
    };
    bytes <= COPIED_BYTES_MAX && body.iter().all(flat)
}
