//! Compiles assignment to targets, unpacking, augmented assignment and `del`.

use super::expr::is_starred;
use super::frame::Frame;
use crate::ast::*;
use crate::bytecode::{Op, Reg};
use crate::fold;
use crate::scope::Access;
use crate::source::Span;

impl<'a> Frame<'a> {
    /// The registers of the plain locals in a target.
    fn target_regs(&self, target: &Expr, regs: &mut Vec<Reg>) {
        match &target.kind {
            ExprKind::Tuple(items) | ExprKind::List(items) => {
                for item in items {
                    self.target_regs(item, regs);
                }
            }
            ExprKind::Starred(inner) => self.target_regs(inner, regs),
            _ => regs.extend(self.target_reg(target)),
        }
    }

    /// The register of a target that is a plain local.
    pub fn target_reg(&self, target: &Expr) -> Option<Reg> {
        match &target.kind {
            ExprKind::Name(name) => self.local_reg(name),
            _ => None,
        }
    }

    /// Compiles a value for a target: into the target's register where it has
    /// one, else anywhere. Gives where it is; the target may still need `store`.
    fn value_for(&mut self, target: &Expr, value: &'a Expr) -> Reg {
        match self.target_reg(target) {
            Some(reg) => {
                self.expr(value, reg);
                self.asm.set_bound(reg);
                reg
            }
            None => self.operand(value),
        }
    }

    pub fn assign(&mut self, targets: &'a [Expr], value: &'a Expr, span: Span) {
        let mark = self.regs.mark();
        match targets {
            [target] => match (&target.kind, &value.kind) {
                (
                    ExprKind::Tuple(targets) | ExprKind::List(targets),
                    ExprKind::Tuple(values) | ExprKind::List(values),
                ) if targets.len() == values.len()
                    && !targets.iter().any(is_starred)
                    && !values.iter().any(is_starred)
                    && targets.len() <= super::expr::BATCH =>
                {
                    self.assign_parallel(targets, values, span);
                }
                _ => {
                    let value = self.value_for(target, value);
                    self.store(target, value);
                }
            },
            [first, ..] => {
                // A later target may hold a `:=` that assigns the first.
                let value = match self.target_reg(first) {
                    Some(reg) if self.walrus.contains(reg) => {
                        let temp = self.regs.alloc();
                        self.expr(value, temp);
                        temp
                    }
                    _ => self.value_for(first, value),
                };
                for target in targets {
                    self.store(target, value);
                }
            }
            [] => {}
        }
        self.regs.release(mark);
    }

    /// `a, b = x, y` without a tuple: all values first, then the targets from
    /// left to right.
    fn assign_parallel(&mut self, targets: &'a [Expr], values: &'a [Expr], span: Span) {
        let later: Vec<&Expr> = values.iter().chain(targets).collect();
        let mut sources = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            sources.push(self.operand_before(value, &later[index + 1..]));
        }
        for (index, target) in targets.iter().enumerate() {
            let mut assigned = Vec::new();
            self.target_regs(target, &mut assigned);
            for reg in assigned {
                if !sources[index + 1..].contains(&reg) {
                    continue;
                }
                // A value still to be stored is in the way.
                let copy = self.regs.alloc();
                self.at(span);
                self.asm.move_to(copy, reg);
                for source in &mut sources[index + 1..] {
                    if *source == reg {
                        *source = copy;
                    }
                }
            }
            self.store(target, sources[index]);
        }
    }

    /// Stores a value that is in a register.
    pub fn store(&mut self, target: &'a Expr, value: Reg) {
        match &target.kind {
            ExprKind::Name(name) => {
                self.at(target.span);
                self.store_name(name, value);
            }
            ExprKind::Attribute {
                value: object,
                attr,
            } => {
                let mark = self.regs.mark();
                let object = self.operand(object);
                self.regs.release(mark);
                self.at(self.attr_span(attr, target.span));
                let name = self.attr_name(attr);
                self.asm
                    .emit(Op::StoreAttr, 0, object.0, value.0, 0, &[name]);
            }
            ExprKind::Subscript {
                value: object,
                index,
            } => {
                let mark = self.regs.mark();
                let object = self.operand_before(object, &[index]);
                let index = self.operand(index);
                self.regs.release(mark);
                self.at(target.span);
                self.asm.abc(Op::StoreItem, object, index, value);
            }
            ExprKind::Tuple(items) | ExprKind::List(items) => {
                self.unpack(items, value, 0, target.span);
            }
            ExprKind::Starred(inner) => self.store(inner, value),
            // The parser lets no other target through.
            _ => {}
        }
    }

    /// Stores what a loop's iterator gave to `item`, a temporary of which nothing else is read:
    /// the VM may hand a pair on without making a tuple of it.
    pub fn store_item(&mut self, target: &'a Expr, item: Reg) {
        match &target.kind {
            ExprKind::Tuple(items) | ExprKind::List(items) => {
                self.unpack(items, item, 1, target.span);
            }
            _ => self.store(target, item),
        }
    }

    /// Unpacks a value over targets; `x` is that of `UnpackSeq`.
    fn unpack(&mut self, items: &'a [Expr], value: Reg, x: u8, span: Span) {
        let mark = self.regs.mark();
        let star = items.iter().position(is_starred);
        if star.is_none()
            && let Some(first) = self.adjacent_locals(items)
        {
            self.at(span);
            self.asm
                .emit(Op::UnpackSeq, x, value.0, first.0, items.len() as u16, &[]);
            for index in 0..items.len() {
                self.asm.set_bound(Reg(first.0.wrapping_add(index as u16)));
            }
            return;
        }
        let first = self.regs.alloc_n(items.len() as u32);
        self.at(span);
        match star {
            None => {
                let n = items.len() as u16;
                self.asm.emit(Op::UnpackSeq, x, value.0, first.0, n, &[]);
            }
            Some(at) => {
                let after = (items.len() - at - 1) as u32;
                self.asm
                    .emit(Op::UnpackEx, 0, value.0, first.0, at as u16, &[after]);
            }
        }
        for (index, item) in items.iter().enumerate() {
            self.store(item, Reg(first.0.wrapping_add(index as u16)));
        }
        self.regs.release(mark);
    }

    /// The first register when the targets are plain locals in adjacent
    /// registers, in order: they can be unpacked in place.
    fn adjacent_locals(&self, items: &[Expr]) -> Option<Reg> {
        let first = self.target_reg(items.first()?)?;
        for (index, item) in items.iter().enumerate() {
            if self.target_reg(item)?.0 != first.0.wrapping_add(index as u16) {
                return None;
            }
        }
        Some(first)
    }

    // ------------------------------------------------------------ augmented

    pub fn aug_assign(&mut self, target: &'a Expr, op: BinaryOp, value: &'a Expr, span: Span) {
        let mark = self.regs.mark();
        match &target.kind {
            ExprKind::Name(name) => {
                let left = self.operand_before(target, &[value]);
                let right = self.aug_value(op, value);
                let dst = match self.local_reg(name) {
                    Some(reg) => reg,
                    None => left,
                };
                self.at(span);
                self.aug_op(op, dst, left, right);
                self.at(target.span);
                self.store_name(name, dst);
            }
            ExprKind::Attribute {
                value: object,
                attr,
            } => {
                let object_reg = self.operand_before(object, &[value]);
                let temp = self.regs.alloc();
                let attr_span = self.attr_span(attr, target.span);
                let name = self.attr_name(attr);
                self.at(attr_span);
                self.asm
                    .emit(Op::LoadAttr, 0, temp.0, object_reg.0, 0, &[name]);
                let right = self.aug_value(op, value);
                self.at(span);
                self.aug_op(op, temp, temp, right);
                self.at(attr_span);
                self.asm
                    .emit(Op::StoreAttr, 0, object_reg.0, temp.0, 0, &[name]);
            }
            ExprKind::Subscript {
                value: object,
                index,
            } => {
                let object = self.operand_before(object, &[index, value]);
                let index = self.operand_before(index, &[value]);
                let temp = self.regs.alloc();
                self.at(target.span);
                self.asm.abc(Op::LoadItem, temp, object, index);
                let right = self.aug_value(op, value);
                self.at(span);
                self.aug_op(op, temp, temp, right);
                self.at(target.span);
                self.asm.abc(Op::StoreItem, object, index, temp);
            }
            // The parser lets no other target through.
            _ => {}
        }
        self.regs.release(mark);
    }

    fn aug_value(&mut self, op: BinaryOp, value: &'a Expr) -> Result<Reg, i16> {
        match fold::immediate(value) {
            Some(immediate) if super::expr::immediate_op(op).is_some() => Err(immediate),
            _ => Ok(self.operand(value)),
        }
    }

    fn aug_op(&mut self, op: BinaryOp, dst: Reg, left: Reg, right: Result<Reg, i16>) {
        self.arithmetic(op, 1, dst, left, right);
    }

    // ------------------------------------------------------------------ del

    pub fn delete(&mut self, target: &'a Expr) {
        let mark = self.regs.mark();
        match &target.kind {
            ExprKind::Name(name) => {
                self.at(target.span);
                let held = self.held_by(target);
                self.delete_name(name);
                self.let_go(held);
            }
            ExprKind::Attribute { value, attr } => {
                let object = self.operand(value);
                self.at(self.attr_span(attr, target.span));
                let name = self.attr_name(attr);
                self.asm.emit(Op::DelAttr, 0, object.0, 0, 0, &[name]);
            }
            ExprKind::Subscript { value, index } => {
                let object = self.operand_before(value, &[index]);
                let index = self.operand(index);
                self.at(target.span);
                self.asm.ab(Op::DelItem, object, index);
            }
            ExprKind::Tuple(items) | ExprKind::List(items) => {
                for item in items {
                    self.delete(item);
                }
            }
            // The parser lets no other target through.
            _ => {}
        }
        self.regs.release(mark);
    }

    /// Whether an assignment is the `x = None` by which scripts drop what a variable held.
    pub fn forgets(&self, targets: &[Expr], value: &Expr) -> bool {
        matches!(
            targets,
            [Expr {
                kind: ExprKind::Name(_),
                ..
            }]
        ) && matches!(value.kind, ExprKind::None)
    }

    /// A register with what a variable holds, which it is about to lose; None where nothing is
    /// known of that.
    pub fn held_by(&mut self, target: &Expr) -> Option<Reg> {
        let ExprKind::Name(name) = &target.kind else {
            return None;
        };
        match self.access(name) {
            Access::Local(var) if !self.table().symbol(var).captured => {
                let reg = self.vars[&var];
                self.asm.bound().filter(|bound| bound.contains(reg))?;
                let held = self.regs.alloc();
                self.asm.move_to(held, reg);
                Some(held)
            }
            Access::Global => {
                let held = self.regs.alloc();
                self.global(Op::TakeGlobal, held, name);
                Some(held)
            }
            _ => None,
        }
    }

    pub fn let_go(&mut self, held: Option<Reg>) {
        if let Some(held) = held {
            self.asm.a(Op::LetGo, held);
        }
    }
}
