//! One frame under construction: its registers, its variables and how names
//! are read, written and deleted. Knows no statement.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Shared;
use super::asm::{Assembler, RegSet};
use super::blocks::Block;
use super::registers::Registers;
use crate::ast::{self, Name};
use crate::bytecode::{Body, Capture, Code, CodeFlags, Const, ConstIdx, LocalVar, Op, Reg};
use crate::diagnostic::Diagnostic;
use crate::scope::{Access, MODULE, Scope, ScopeId, ScopeKind, ScopeTable, VarId};
use crate::source::Span;

/// A frame being compiled.
pub(super) struct Frame<'a> {
    pub shared: &'a Shared<'a>,
    /// The scope that is this frame.
    pub id: ScopeId,
    /// The scope of the code being compiled: `id` or one inside it.
    pub scope: ScopeId,
    pub asm: Assembler,
    pub regs: Registers,
    pub vars: FxHashMap<VarId, Reg>,
    pub locals: Vec<LocalVar>,
    pub qualname: Name,
    /// What `return`, `break` and `continue` leave on their way; innermost last.
    pub blocks: Vec<Block<'a>>,
    /// How many regions are open whose handlers go on in this frame, where
    /// they can see what an interrupted statement left in its variables.
    pub observed: u32,
    /// Registers of variables that `del` or `except … as` may unbind.
    pub deletable: RegSet,
    /// Registers of variables that `:=` assigns somewhere.
    pub walrus: RegSet,
    /// R[0] is a positional parameter: what `super()` takes as the instance.
    pub first_is_positional: bool,
}

/// What a code object needs beside its instructions.
#[derive(Default)]
pub(super) struct Header {
    pub name: Option<Name>,
    pub flags: CodeFlags,
    pub n_posonly: u16,
    pub n_pos: u16,
    pub n_kwonly: u16,
    pub params: Vec<Name>,
    pub doc: Option<ConstIdx>,
    pub first_line: u32,
}

pub(super) fn compile_module_body<'a>(
    shared: &'a Shared<'a>,
    module: &'a ast::Module,
    name: &str,
) -> Code {
    let name = Name::from(name);
    let mut frame = Frame::new(shared, MODULE, name.clone());
    frame.prologue();
    let doc = frame.module_body(&module.body);
    let scope = shared.table.scope(MODULE);
    let header = Header {
        name: Some(name),
        flags: CodeFlags {
            module: true,
            coroutine: scope.awaits,
            ..CodeFlags::default()
        },
        doc,
        first_line: 1,
        ..Header::default()
    };
    frame.finish(header, module.span)
}

impl<'a> Frame<'a> {
    pub fn new(shared: &'a Shared<'a>, id: ScopeId, qualname: Name) -> Frame<'a> {
        Frame {
            shared,
            id,
            scope: id,
            asm: Assembler::new(),
            regs: Registers::default(),
            vars: FxHashMap::default(),
            locals: Vec::new(),
            qualname,
            blocks: Vec::new(),
            observed: 0,
            deletable: RegSet::default(),
            walrus: RegSet::default(),
            first_is_positional: false,
        }
    }

    pub fn table(&self) -> &'a ScopeTable {
        self.shared.table
    }

    pub fn kind(&self) -> ScopeKind {
        self.table().scope(self.id).kind
    }

    /// Gives the frame's variables their registers and makes the cells.
    pub fn prologue(&mut self) {
        let scope: &Scope = self.table().scope(self.id);
        let named = !matches!(scope.kind, ScopeKind::Module | ScopeKind::Class);
        if scope.kind == ScopeKind::Class {
            // R[0] is the namespace.
            self.regs.variable();
        }
        let mut cells = Vec::new();
        for (index, symbol) in scope.symbols.iter().enumerate() {
            let var = VarId {
                scope: self.id,
                symbol: index as u32,
            };
            let implicit =
                scope.class_cell == Some(var.symbol) || scope.class_dict == Some(var.symbol);
            let own = if named {
                symbol.is_own()
            } else {
                implicit && symbol.captured
            };
            if !own {
                continue;
            }
            let reg = self.regs.variable();
            self.vars.insert(var, reg);
            self.locals.push(LocalVar {
                name: symbol.name.clone(),
                reg,
                is_cell: symbol.captured,
                hidden: implicit,
                start: 0,
                end: u32::MAX,
            });
            if symbol.is_param() {
                self.asm.set_bound(reg);
            }
            if symbol.deleted {
                self.deletable.insert(reg);
            }
            if symbol.walrus {
                self.walrus.insert(reg);
            }
            if symbol.captured {
                cells.push((var, reg));
            }
        }
        for (var, reg) in cells {
            if scope.class_dict == Some(var.symbol) {
                self.asm.move_to(reg, Reg(0));
            }
            self.asm.a(Op::MakeCell, reg);
        }
    }

    /// Opens a scope whose code stands in this frame: its variables live in
    /// temporaries until `leave_scope`. Gives what to hand to that.
    pub fn enter_scope(&mut self, id: ScopeId, clear: bool) -> InnerScope {
        let outer = std::mem::replace(&mut self.scope, id);
        let first_local = self.locals.len();
        for (index, symbol) in self.table().scope(id).symbols.iter().enumerate() {
            if !symbol.is_own() {
                continue;
            }
            let var = VarId {
                scope: id,
                symbol: index as u32,
            };
            let reg = self.regs.inner_variable();
            self.vars.insert(var, reg);
            self.asm.set_unbound(reg);
            if symbol.captured || clear {
                // Left over from other use of the register, else.
                self.asm.a(Op::LoadUnbound, reg);
            }
            if symbol.captured {
                self.asm.a(Op::MakeCell, reg);
            }
            self.locals.push(LocalVar {
                name: symbol.name.clone(),
                reg,
                is_cell: symbol.captured,
                hidden: true,
                start: self.asm.here(),
                end: u32::MAX,
            });
        }
        InnerScope {
            outer,
            locals: first_local..self.locals.len(),
        }
    }

    pub fn leave_scope(&mut self, inner: InnerScope) {
        self.scope = inner.outer;
        let here = self.asm.here();
        for local in &mut self.locals[inner.locals] {
            local.end = here;
        }
    }

    pub fn finish(mut self, header: Header, span: Span) -> Code {
        self.asm.emit(Op::ReturnNone, 0, 0, 0, 0, &[]);
        let scope = self.table().scope(self.id);
        let source = self.shared.source.clone();
        if self.regs.overflowed {
            self.too_large("too many variables and nested values in one function", span);
        }
        if scope.free.len() > u16::MAX as usize {
            self.too_large("too many variables of enclosing functions", span);
        }
        let free = scope.free.iter().map(|free| free.name.clone()).collect();
        // A frame has a register even where the code uses none.
        let n_regs = self.regs.n_regs().max(1);
        let assembled = match std::mem::take(&mut self.asm).finish(&self.locals) {
            Ok(assembled) => assembled,
            Err(()) => {
                self.too_large("too much code in one function", span);
                Assembler::new()
                    .finish(&[])
                    .unwrap_or_else(|()| unreachable!("an empty function is not too long"))
            }
        };
        let closes = !assembled.handlers.is_empty() || assembled.delegates;
        Code {
            name: header.name.unwrap_or_else(|| self.qualname.clone()),
            qualname: self.qualname,
            source,
            flags: CodeFlags {
                closes,
                ..header.flags
            },
            n_posonly: header.n_posonly,
            n_pos: header.n_pos,
            n_kwonly: header.n_kwonly,
            params: header.params,
            n_regs,
            body: Body {
                words: assembled.words,
                consts: assembled.consts,
                handlers: assembled.handlers,
                spans: assembled.spans,
                locals: assembled.locals,
            }
            .into(),
            free,
            // The frame that makes the function knows them: `captured`.
            captures: Vec::new(),
            doc: header.doc,
            first_line: header.first_line,
        }
    }

    /// Where this frame finds the cells of the free variables of `child`.
    pub fn captures_for(&self, child: ScopeId) -> Vec<Capture> {
        let free = &self.table().scope(child).free;
        let capture = |var: VarId| match self.vars.get(&var) {
            Some(&reg) => Capture::Local(reg),
            None => {
                let index = self.table().free_index(self.id, var);
                Capture::Free(index.expect("what an inner function captures passes through here"))
            }
        };
        free.iter().map(|free| capture(free.var)).collect()
    }

    pub fn too_large(&self, message: &str, span: Span) {
        let diagnostic =
            Diagnostic::syntax("E0430", message, span).help("split it into several functions");
        self.shared.errors.borrow_mut().push(diagnostic);
    }

    // -------------------------------------------------------------- names

    pub fn access(&self, name: &Name) -> Access {
        match self.table().lookup(self.scope, name) {
            Some(symbol) => symbol.access,
            // Names that only the compiler mentions.
            None if self.kind() == ScopeKind::Class => Access::ClassName,
            None => Access::Global,
        }
    }

    /// The register of a name that is a plain local: no cell, not a global.
    pub fn local_reg(&self, name: &Name) -> Option<Reg> {
        match self.access(name) {
            Access::Local(var) if !self.table().symbol(var).captured => Some(self.vars[&var]),
            _ => None,
        }
    }

    /// Makes sure that a plain local is bound before it is read.
    pub fn check_bound(&mut self, reg: Reg) {
        if !self.asm.is_bound(reg) {
            self.asm.a(Op::CheckBound, reg);
            self.asm.set_bound(reg);
        }
    }

    pub fn global(&mut self, op: Op, reg: Reg, name: &Name) {
        let name = self.table().mangled(self.scope, name);
        if self.asm.reachable() {
            let name = self.asm.name(&name);
            self.asm.emit(op, 0, reg.0, 0, 0, &[name]);
        }
    }

    pub fn load_name(&mut self, dst: Reg, name: &Name) {
        if name.as_str() == "__debug__" {
            self.asm.load_const(dst, Const::True);
            return;
        }
        match self.access(name) {
            Access::Local(var) => {
                let reg = self.vars[&var];
                if self.table().symbol(var).captured {
                    self.asm.ab(Op::LoadCell, dst, reg);
                } else {
                    self.check_bound(reg);
                    self.asm.move_to(dst, reg);
                }
            }
            Access::Free(free) => self.asm.emit(Op::LoadFree, 0, dst.0, free, 0, &[]),
            Access::Global => self.global(Op::LoadGlobal, dst, name),
            Access::ClassName => self.global(Op::LoadName, dst, name),
            Access::ClassFree(free) => {
                self.asm.emit(Op::LoadClassFree, 0, dst.0, free, 0, &[]);
            }
            Access::DictGlobal { dict } => {
                self.asm.emit(Op::LoadFree, 0, dst.0, dict, 0, &[]);
                let name = self.table().mangled(self.scope, name);
                let name = self.asm.name(&name);
                self.asm
                    .emit(Op::LoadDictGlobal, 0, dst.0, dst.0, 0, &[name]);
            }
            Access::DictFree { dict, free } => {
                self.asm.emit(Op::LoadFree, 0, dst.0, dict, 0, &[]);
                self.asm.emit(Op::LoadDictFree, 0, dst.0, dst.0, free, &[]);
            }
        }
    }

    pub fn store_name(&mut self, name: &Name, src: Reg) {
        match self.access(name) {
            Access::Local(var) => {
                let reg = self.vars[&var];
                if self.table().symbol(var).captured {
                    self.asm.ab(Op::StoreCell, reg, src);
                } else {
                    self.asm.move_to(reg, src);
                    self.asm.set_bound(reg);
                }
            }
            Access::Free(free) | Access::ClassFree(free) | Access::DictFree { free, .. } => {
                self.asm.emit(Op::StoreFree, 0, free, src.0, 0, &[]);
            }
            Access::ClassName => self.global(Op::StoreName, src, name),
            Access::Global | Access::DictGlobal { .. } => {
                self.global(Op::StoreGlobal, src, name);
            }
        }
    }

    pub fn delete_name(&mut self, name: &Name) {
        match self.access(name) {
            Access::Local(var) => {
                let reg = self.vars[&var];
                if self.table().symbol(var).captured {
                    self.asm.a(Op::DelCell, reg);
                } else {
                    self.check_bound(reg);
                    self.asm.a(Op::LoadUnbound, reg);
                    self.asm.set_unbound(reg);
                }
            }
            Access::Free(free) | Access::ClassFree(free) | Access::DictFree { free, .. } => {
                self.asm.emit(Op::DelFree, 0, free, 0, 0, &[]);
            }
            Access::ClassName => self.global(Op::DelName, Reg(0), name),
            Access::Global | Access::DictGlobal { .. } => {
                self.global(Op::DelGlobal, Reg(0), name);
            }
        }
    }

    /// Unbinds a name whether it is bound or not: the end of `except … as`.
    pub fn unbind_name(&mut self, name: &Name) {
        if let Some(reg) = self.local_reg(name) {
            self.asm.a(Op::LoadUnbound, reg);
            self.asm.set_unbound(reg);
            return;
        }
        let none = self.regs.mark();
        let temp = self.regs.alloc();
        self.asm.a(Op::LoadNone, temp);
        self.store_name(name, temp);
        self.delete_name(name);
        self.regs.release(none);
    }
}

/// An open scope inside a frame.
pub(super) struct InnerScope {
    outer: ScopeId,
    locals: std::ops::Range<usize>,
}

/// A code object with its captures set by the frame that makes the function.
pub(super) fn captured(mut code: Code, captures: Vec<Capture>) -> Arc<Code> {
    debug_assert_eq!(code.free.len(), captures.len());
    code.captures = captures;
    Arc::new(code)
}
