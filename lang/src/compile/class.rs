//! Compiles class statements and class bodies.

use super::call::text;
use super::docstring::docstring;
use super::frame::{Frame, Header};
use crate::ast::*;
use crate::bytecode::op::Intrinsic;
use crate::bytecode::{Code, CodeFlags, Const, Op, Reg};
use crate::scope::{Access, ScopeId, ScopeKind, TYPE_PARAMS, VarId};
use crate::source::Span;

fn plus(reg: Reg, n: usize) -> Reg {
    Reg(reg.0.wrapping_add(n as u16))
}

impl<'a> Frame<'a> {
    pub fn class_def(&mut self, def: &'a ClassDef, span: Span) {
        let mark = self.regs.mark();
        let decorators = self.decorators(&def.decorators);
        let class = match self.local_reg(&def.name.name) {
            Some(reg) if def.decorators.is_empty() => reg,
            _ => self.regs.alloc(),
        };
        self.make_class(def, class, span);
        self.decorate(&def.decorators, decorators, class);
        self.at(span);
        self.store_name(&def.name.name, class);
        self.regs.release(mark);
    }

    fn make_class(&mut self, def: &'a ClassDef, dst: Reg, span: Span) {
        let mark = self.regs.mark();
        let generic = if def.type_params.is_empty() {
            None
        } else {
            let id = self.table().of_node(def, ScopeKind::TypeParams);
            let inner = self.enter_scope(id, false);
            let tuple = self.regs.alloc();
            self.type_params(&def.type_params, tuple);
            self.at(span);
            self.store_name(&Name::from(TYPE_PARAMS), tuple);
            let base = self.regs.alloc();
            self.intrinsic(Intrinsic::SubscriptGeneric, base, tuple, tuple);
            Some((inner, base))
        };
        let id = self.table().of_node(def, ScopeKind::Class);
        let qualname = self.qualname_of(&def.name.name, true);
        let code = self.class_code(def, id, qualname, span);
        let window = self.regs.alloc_n(3);
        self.at(span);
        self.asm.a(Op::LoadBuildClass, window);
        let scratch = self.regs.mark();
        let free = self.regs.alloc_n(4);
        self.make_function(code, id, plus(window, 1), free, 0);
        self.regs.release(scratch);
        self.asm.load_const(plus(window, 2), text(&def.name.name));
        let base = generic.as_ref().map(|(_, base)| *base);
        self.class_call(&def.args, base, window, dst, span);
        if let Some((inner, _)) = generic {
            self.leave_scope(inner);
        }
        self.regs.release(mark);
    }

    fn class_code(&self, def: &'a ClassDef, id: ScopeId, qualname: Name, span: Span) -> Code {
        let mut frame = Frame::new(self.shared, id, qualname.clone());
        let first_line = self.first_line(&def.decorators, span);
        frame.at(span);
        frame.prologue();
        let scope = frame.table().scope(id);
        if scope.is_fragment() {
            return frame.fragment_code(&def.body, span);
        }
        let mark = frame.regs.mark();
        let reg = frame.regs.alloc();
        frame.load_module_name(reg);
        frame.store_class_name("__module__", reg);
        frame.asm.load_const(reg, text(&qualname));
        frame.store_class_name("__qualname__", reg);
        frame.asm.load_const(reg, Const::Int(i64::from(first_line)));
        frame.store_class_name("__firstlineno__", reg);
        let type_params = Name::from(TYPE_PARAMS);
        if let Some(symbol) = frame.table().lookup(id, &type_params)
            && let Access::ClassFree(free) = symbol.access
        {
            frame.asm.emit(Op::LoadFree, 0, reg.0, free, 0, &[]);
            frame.store_class_name("__type_params__", reg);
        }
        if scope.annotated {
            frame.intrinsic(Intrinsic::Annotations, reg, Reg(0), Reg(0));
        }
        let doc = docstring(&def.body).map(|doc| {
            frame.asm.load_const(reg, Const::Str(doc.clone()));
            frame.store_class_name("__doc__", reg);
            super::asm::doc_index(&mut frame.asm, &doc)
        });
        frame.regs.release(mark);
        frame.block(&def.body);
        frame.at(span);
        let reg = frame.regs.alloc();
        let attributes = scope.static_attributes.iter().map(|name| text(name));
        frame
            .asm
            .load_const(reg, Const::Tuple(attributes.collect()));
        frame.store_class_name("__static_attributes__", reg);
        let cell = scope.class_cell.and_then(|symbol| {
            let var = VarId { scope: id, symbol };
            frame.vars.get(&var).copied()
        });
        if let Some(cell) = cell {
            // type.__new__ fills it, before `__init_subclass__` runs.
            frame.store_class_name("__classcell__", cell);
            frame.asm.a(Op::Return, cell);
            frame.asm.end_flow();
        }
        let header = Header {
            name: Some(def.name.name.clone()),
            flags: CodeFlags {
                class_body: true,
                ..CodeFlags::default()
            },
            // The builder calls the body with its namespace.
            n_pos: 1,
            params: vec![Name::from(".namespace")],
            doc,
            first_line,
            ..Header::default()
        };
        frame.finish(header, span)
    }

    /// The statements alone, without the names that a class has of its own.
    fn fragment_code(mut self, body: &'a [Stmt], span: Span) -> Code {
        if self.table().scope(self.scope).annotated {
            let mark = self.regs.mark();
            let reg = self.regs.alloc();
            self.intrinsic(Intrinsic::Annotations, reg, Reg(0), Reg(0));
            self.regs.release(mark);
        }
        self.block(body);
        let header = Header {
            name: Some(Name::from("<module>")),
            flags: CodeFlags {
                class_body: true,
                ..CodeFlags::default()
            },
            n_pos: 1,
            params: vec![Name::from(".namespace")],
            first_line: 1,
            ..Header::default()
        };
        self.finish(header, span)
    }

    fn load_module_name(&mut self, dst: Reg) {
        let name = self.asm.name(&Name::from("__name__"));
        self.asm.emit(Op::LoadName, 0, dst.0, 0, 0, &[name]);
    }

    fn store_class_name(&mut self, name: &str, src: Reg) {
        if self.asm.reachable() {
            let name = self.asm.name(&Name::from(name));
            self.asm.emit(Op::StoreName, 0, src.0, 0, 0, &[name]);
        }
    }

    /// Calls the class builder: the body and the name stand in the window
    /// already, the bases follow.
    fn class_call(
        &mut self,
        args: &'a [Arg],
        generic_base: Option<Reg>,
        window: Reg,
        dst: Reg,
        span: Span,
    ) {
        self.call_prepared(args, 2, generic_base, window, dst, span);
    }
}
