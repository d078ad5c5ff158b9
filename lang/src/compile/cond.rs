//! Compiles the truth of expressions into jumps.

use super::asm::Label;
use super::frame::Frame;
use crate::ast::*;
use crate::bytecode::Op;
use crate::fold;

impl<'a> Frame<'a> {
    /// Jumps to `target` when the truth of `expr` is `wanted`, else falls through.
    pub fn cond(&mut self, expr: &'a Expr, target: Label, wanted: bool) {
        if let Some(value) = fold::constant(expr) {
            if fold::truth(&value) == wanted {
                self.asm.jump(target);
            }
            return;
        }
        match &expr.kind {
            ExprKind::Unary {
                op: UnaryOp::Not,
                operand,
            } => self.cond(operand, target, !wanted),
            ExprKind::BoolOp { op, values } => {
                // `and` is settled by a false operand, `or` by a true one.
                let settles = *op == BoolOp::Or;
                let Some((last, first)) = values.split_last() else {
                    return;
                };
                if settles == wanted {
                    for value in values {
                        self.cond(value, target, wanted);
                    }
                } else {
                    let skip = self.asm.label();
                    for value in first {
                        self.cond(value, skip, settles);
                    }
                    self.cond(last, target, wanted);
                    self.asm.place(skip);
                }
            }
            ExprKind::IfExp(node) => {
                let orelse = self.asm.label();
                let end = self.asm.label();
                self.cond(&node.test, orelse, false);
                self.cond(&node.body, target, wanted);
                self.asm.jump(end);
                self.asm.place(orelse);
                self.cond(&node.orelse, target, wanted);
                self.asm.place(end);
            }
            ExprKind::Compare(node) => {
                self.cond_compare(expr, node, target, wanted);
            }
            _ => {
                let mark = self.regs.mark();
                let value = self.operand(expr);
                self.regs.release(mark);
                self.at(expr.span);
                let op = if wanted { Op::JumpIf } else { Op::JumpIfNot };
                self.asm.jump_on(op, value, target);
            }
        }
    }

    fn cond_compare(&mut self, expr: &'a Expr, node: &'a Compare, target: Label, wanted: bool) {
        let mark = self.regs.mark();
        let later: Vec<&Expr> = node.rest.iter().map(|term| &term.operand).collect();
        let mut left = self.operand_before(&node.first, &later);
        // A chain is an `and` of its comparisons.
        let skip = self.asm.label();
        for (index, term) in node.rest.iter().enumerate() {
            let last = index + 1 == node.rest.len();
            let (to, truth) = match (last, wanted) {
                (true, _) => (target, wanted),
                (false, false) => (target, false),
                (false, true) => (skip, false),
            };
            let immediate = fold::immediate(&term.operand);
            if last
                && let Some(value) = immediate
                && let Some(op) = immediate_jump(term.op)
            {
                self.at(expr.span);
                self.asm.branch(op, truth as u8, left, 0, value as u16, to);
                break;
            }
            if last
                && matches!(term.operand.kind, ExprKind::None)
                && matches!(term.op, CmpOp::Is | CmpOp::IsNot)
            {
                let is_none = (term.op == CmpOp::Is) == truth;
                self.at(expr.span);
                let op = if is_none {
                    Op::JumpIfNone
                } else {
                    Op::JumpIfNotNone
                };
                self.asm.jump_on(op, left, to);
                break;
            }
            let right = self.comparand(term, &later[index + 1..]);
            let (op, flip) = compare_jump(term.op);
            self.at(expr.span);
            self.asm
                .branch(op, (truth != flip) as u8, left, right.0, 0, to);
            left = right;
        }
        self.asm.place(skip);
        self.regs.release(mark);
    }
}

/// The fused jump of a comparison, and whether it tests the opposite.
fn compare_jump(op: CmpOp) -> (Op, bool) {
    match op {
        CmpOp::Eq => (Op::JumpEq, false),
        CmpOp::NotEq => (Op::JumpNe, false),
        CmpOp::Lt => (Op::JumpLt, false),
        CmpOp::LtE => (Op::JumpLe, false),
        CmpOp::Gt => (Op::JumpGt, false),
        CmpOp::GtE => (Op::JumpGe, false),
        CmpOp::Is => (Op::JumpIs, false),
        CmpOp::IsNot => (Op::JumpIs, true),
        CmpOp::In => (Op::JumpIn, false),
        CmpOp::NotIn => (Op::JumpIn, true),
    }
}

fn immediate_jump(op: CmpOp) -> Option<Op> {
    Some(match op {
        CmpOp::Eq => Op::JumpEqI,
        CmpOp::NotEq => Op::JumpNeI,
        CmpOp::Lt => Op::JumpLtI,
        CmpOp::LtE => Op::JumpLeI,
        CmpOp::Gt => Op::JumpGtI,
        CmpOp::GtE => Op::JumpGeI,
        _ => return None,
    })
}
