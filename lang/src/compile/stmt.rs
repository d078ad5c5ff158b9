//! Compiles statements, in the order of the source; what can't be reached is
//! left out.

use super::asm::Label;
use super::blocks::{Block, Exit};
use super::call::text;
use super::docstring::docstring;
use super::frame::Frame;
use crate::ast::*;
use crate::bytecode::op::Intrinsic;
use crate::bytecode::{Const, ConstIdx, Op, Reg};
use crate::scope::{MODULE, ScopeKind};
use crate::source::Span;

impl<'a> Frame<'a> {
    /// A module's statements; gives its docstring.
    pub fn module_body(&mut self, body: &'a [Stmt]) -> Option<ConstIdx> {
        let options = &self.shared.options;
        let doc = match options.interactive || options.expression {
            true => None,
            false => docstring(body),
        };
        if self.table().scope(MODULE).annotated {
            self.annotations_dict();
        }
        let doc = doc.map(|doc| {
            let mark = self.regs.mark();
            let reg = self.regs.alloc();
            self.asm.load_const(reg, Const::Str(doc.clone()));
            self.store_name(&Name::from("__doc__"), reg);
            self.regs.release(mark);
            super::asm::doc_index(&mut self.asm, &doc)
        });
        self.block(body);
        doc
    }

    /// Makes sure that `__annotations__` exists; gives a register that holds it.
    fn annotations_dict(&mut self) -> Reg {
        let reg = self.regs.alloc();
        self.intrinsic(Intrinsic::Annotations, reg, Reg(0), Reg(0));
        reg
    }

    pub fn block(&mut self, body: &'a [Stmt]) {
        for stmt in body {
            if !self.asm.reachable() {
                return;
            }
            let mark = self.regs.mark();
            self.stmt(stmt);
            self.regs.release(mark);
        }
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        let span = stmt.span;
        self.at(span);
        match &stmt.kind {
            StmtKind::FunctionDef(def) => self.function_def(def, span),
            StmtKind::ClassDef(def) => self.class_def(def, span),
            StmtKind::Return(value) => self.return_stmt(value.as_deref(), span),
            StmtKind::Delete(targets) => {
                for target in targets {
                    self.delete(target);
                }
            }
            StmtKind::Assign { targets, value } if self.forgets(targets, value) => {
                let mark = self.regs.mark();
                let held = self.held_by(&targets[0]);
                self.assign(targets, value, span);
                self.let_go(held);
                self.regs.release(mark);
            }
            StmtKind::Assign { targets, value } => self.assign(targets, value, span),
            StmtKind::AugAssign {
                target, op, value, ..
            } => self.aug_assign(target, *op, value, span),
            StmtKind::AnnAssign {
                target,
                annotation,
                value,
                simple,
            } => self.ann_assign(target, annotation, value.as_deref(), *simple, span),
            StmtKind::TypeAlias {
                name,
                type_params,
                value,
            } => self.type_alias(stmt, name, type_params, value),
            StmtKind::For(node) => self.for_stmt(node, span),
            StmtKind::While { test, body, orelse } => self.while_stmt(test, body, orelse),
            StmtKind::If { branches, orelse } => self.if_stmt(branches, orelse),
            StmtKind::With {
                items,
                body,
                is_async,
            } => self.with_stmt(items, body, *is_async),
            StmtKind::Match { subject, cases } => self.match_stmt(subject, cases),
            StmtKind::Raise { exc, cause } => self.raise(exc.as_deref(), cause.as_deref(), span),
            StmtKind::Try(node) => self.try_stmt(node, span),
            StmtKind::Assert { test, msg } => self.assert_stmt(test, msg.as_deref(), span),
            StmtKind::Import(modules) => {
                for module in modules {
                    self.import(module, span);
                }
            }
            StmtKind::ImportFrom(node) => self.import_from(node, span),
            StmtKind::Global(_) | StmtKind::Nonlocal(_) | StmtKind::Pass => {}
            StmtKind::Expr(value) => {
                if self.shared.options.expression {
                    let value = self.operand(value);
                    self.at(span);
                    self.asm.a(Op::Return, value);
                    self.asm.end_flow();
                } else if self.shared.options.interactive && self.kind() == ScopeKind::Module {
                    let value = self.operand(value);
                    self.at(span);
                    self.asm.a(Op::PrintExpr, value);
                } else {
                    self.discard(value);
                }
            }
            StmtKind::Break => self.exit(Exit::Break),
            StmtKind::Continue => self.exit(Exit::Continue),
        }
    }

    fn if_stmt(&mut self, branches: &'a [IfBranch], orelse: &'a [Stmt]) {
        let end = self.asm.label();
        for (index, branch) in branches.iter().enumerate() {
            if let Some(target) = self.plain_jump(&branch.body) {
                self.cond(&branch.test, target, true);
                if !self.asm.reachable() {
                    break;
                }
                continue;
            }
            let next = self.asm.label();
            let last = index + 1 == branches.len() && orelse.is_empty();
            self.cond(&branch.test, next, false);
            self.block(&branch.body);
            if !last {
                self.asm.jump(end);
            }
            self.asm.place(next);
            if !self.asm.reachable() {
                break;
            }
        }
        self.block(orelse);
        self.asm.place(end);
    }

    /// Where a body that is `break` or `continue` alone jumps, when nothing
    /// has to run on the way.
    fn plain_jump(&self, body: &[Stmt]) -> Option<Label> {
        let [only] = body else { return None };
        let Some(Block::Loop {
            on_break,
            on_continue,
            close,
        }) = self.blocks.last()
        else {
            return None;
        };
        match only.kind {
            StmtKind::Continue => Some(*on_continue),
            StmtKind::Break if close.is_none() => Some(*on_break),
            _ => None,
        }
    }

    fn raise(&mut self, exc: Option<&'a Expr>, cause: Option<&'a Expr>, span: Span) {
        let (x, exc, cause) = match (exc, cause) {
            (None, _) => (0, Reg(0), Reg(0)),
            (Some(exc), None) => (1, self.operand(exc), Reg(0)),
            (Some(exc), Some(cause)) => {
                let exc = self.operand_before(exc, &[cause]);
                (2, exc, self.operand(cause))
            }
        };
        self.at(span);
        self.asm.emit(Op::Raise, x, exc.0, cause.0, 0, &[]);
        self.asm.end_flow();
    }

    fn assert_stmt(&mut self, test: &'a Expr, msg: Option<&'a Expr>, span: Span) {
        let passed = self.asm.label();
        self.cond(test, passed, true);
        self.at(span);
        let window = self.regs.alloc_n(2);
        self.asm.a(Op::LoadAssertionError, window);
        if let Some(msg) = msg {
            self.expr(msg, Reg(window.0.wrapping_add(1)));
            self.at(span);
            self.asm.emit(Op::Call, 0, window.0, window.0, 1, &[]);
        }
        self.at(test.span);
        self.asm.emit(Op::Raise, 1, window.0, 0, 0, &[]);
        self.asm.end_flow();
        self.asm.place(passed);
    }

    // --------------------------------------------------------- annotations

    fn ann_assign(
        &mut self,
        target: &'a Expr,
        annotation: &'a Expr,
        value: Option<&'a Expr>,
        simple: bool,
        span: Span,
    ) {
        if let Some(value) = value {
            self.assign(std::slice::from_ref(target), value, span);
            self.at(span);
        }
        let evaluated = matches!(self.kind(), ScopeKind::Module | ScopeKind::Class);
        match &target.kind {
            ExprKind::Name(name) if simple && evaluated => {
                let mark = self.regs.mark();
                let value = self.regs.alloc();
                self.annotation(annotation, value);
                self.at(span);
                let dict = self.annotations_dict();
                let key = self.regs.alloc();
                let name = self.table().mangled(self.scope, name);
                self.asm.load_const(key, text(&name));
                self.asm.abc(Op::StoreItem, dict, key, value);
                self.regs.release(mark);
            }
            ExprKind::Name(_) if evaluated => self.discard_annotation(annotation),
            ExprKind::Attribute { value: object, .. } => {
                if value.is_none() {
                    self.discard(object);
                }
                if evaluated {
                    self.discard_annotation(annotation);
                }
            }
            ExprKind::Subscript {
                value: object,
                index,
            } => {
                if value.is_none() {
                    self.discard(object);
                    self.discard(index);
                }
                if evaluated {
                    self.discard_annotation(annotation);
                }
            }
            // A bare name in a function: nothing is evaluated.
            _ => {}
        }
    }

    fn discard_annotation(&mut self, annotation: &'a Expr) {
        if !self.table().future_annotations {
            self.discard(annotation);
        }
    }

    /// An annotation's value: the expression's, or its text.
    pub fn annotation(&mut self, annotation: &'a Expr, dst: Reg) {
        if self.table().future_annotations {
            self.at(annotation.span);
            let source = crate::unparse::expression(annotation);
            self.asm.load_const(dst, text(&source));
            return;
        }
        match &annotation.kind {
            ExprKind::Starred(value) => self.unpack_one(value, dst, annotation.span),
            _ => self.expr(annotation, dst),
        }
    }

    /// `*args: *Ts` means the one item that `Ts` unpacks to.
    pub fn unpack_one(&mut self, value: &'a Expr, dst: Reg, span: Span) {
        let mark = self.regs.mark();
        let value = self.operand(value);
        self.regs.release(mark);
        self.at(span);
        self.asm.emit(Op::UnpackSeq, 0, value.0, dst.0, 1, &[]);
    }

    // -------------------------------------------------------------- imports

    /// CPython mangles the names of modules too, when they have no dots.
    fn import_op(&mut self, dst: Reg, x: u8, name: &str, level: u32, names: Const) {
        if !self.asm.reachable() {
            return;
        }
        let name = self.table().mangled(self.scope, &Name::from(name));
        let name = self.asm.name(&name);
        let names = self.asm.constant(names);
        let level = level.min(u16::MAX.into()) as u16;
        self.asm
            .emit(Op::Import, x, dst.0, level, 0, &[name, names]);
    }

    fn import(&mut self, module: &'a ImportModule, span: Span) {
        let mark = self.regs.mark();
        self.at(span);
        let reg = self.regs.alloc();
        let path = module.path.text();
        match &module.asname {
            Some(asname) => {
                self.import_op(reg, 1, &path, 0, Const::None);
                self.store_name(&asname.name, reg);
            }
            None => {
                self.import_op(reg, 0, &path, 0, Const::None);
                if let Some(first) = module.path.parts.first() {
                    self.store_name(&first.name, reg);
                }
            }
        }
        self.regs.release(mark);
    }

    fn import_from(&mut self, node: &'a ImportFrom, span: Span) {
        let mark = self.regs.mark();
        self.at(span);
        let module = self.regs.alloc();
        let path = node
            .module
            .as_ref()
            .map_or_else(String::new, |module| module.text());
        let names = match &node.names {
            ImportNames::Star(_) => vec![text("*")],
            ImportNames::Names(names) => names.iter().map(|name| text(&name.name.name)).collect(),
        };
        self.import_op(module, 1, &path, node.level, Const::Tuple(names));
        match &node.names {
            ImportNames::Star(_) => self.asm.a(Op::ImportStar, module),
            ImportNames::Names(names) => {
                for name in names {
                    self.import_name(name, module);
                }
            }
        }
        self.regs.release(mark);
    }

    fn import_name(&mut self, name: &'a ImportName, module: Reg) {
        if !self.asm.reachable() {
            return;
        }
        let mark = self.regs.mark();
        let bound = name.asname.as_ref().unwrap_or(&name.name);
        let value = match self.local_reg(&bound.name) {
            Some(reg) => reg,
            None => self.regs.alloc(),
        };
        let imported = self.table().mangled(self.scope, &name.name.name);
        let imported = self.asm.name(&imported);
        self.asm
            .emit(Op::ImportFrom, 0, value.0, module.0, 0, &[imported]);
        self.store_name(&bound.name, value);
        self.regs.release(mark);
    }
}
