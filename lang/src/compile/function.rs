//! Compiles functions, lambdas, decorators, type parameters and type aliases.

use super::call::text;
use super::docstring::docstring;
use super::frame::{Frame, Header, captured};
use crate::ast::*;
use crate::bytecode::op::Intrinsic;
use crate::bytecode::{Code, CodeFlags, Const, Op, Reg};
use crate::fold;
use crate::scope::{ScopeId, ScopeKind};
use crate::source::Span;

/// Bits of MakeFunction.
const HAS_DEFAULTS: u8 = 1;
const HAS_KW_DEFAULTS: u8 = 2;
const HAS_ANNOTATIONS: u8 = 4;
const HAS_TYPE_PARAMS: u8 = 8;

fn plus(reg: Reg, n: usize) -> Reg {
    Reg(reg.0.wrapping_add(n as u16))
}

impl<'a> Frame<'a> {
    /// CPython 3.13 compile.c `compiler_set_qualname`. `declared`: a `def` or
    /// `class`, whose name a `global` statement can make the module's.
    pub fn qualname_of(&self, name: &Name, declared: bool) -> Name {
        let is_global = || {
            let symbol = self.table().lookup(self.scope, name);
            symbol.is_some_and(|symbol| symbol.is_explicit_global())
        };
        let outer = match self.kind() {
            ScopeKind::Module => return name.clone(),
            _ if declared && is_global() => return name.clone(),
            ScopeKind::Class if self.table().scope(self.scope).is_fragment() => {
                return name.clone();
            }
            // CPython 3.13 compile.c compiler_set_qualname: a generator expression is no function.
            ScopeKind::Class | ScopeKind::Generator => self.qualname.to_string(),
            _ => format!("{}.<locals>", self.qualname),
        };
        Name::from(format!("{outer}.{name}").as_str())
    }

    /// The 1-based line on which a definition starts, decorators included.
    pub fn first_line(&self, decorators: &[Expr], span: Span) -> u32 {
        let start = decorators
            .first()
            .map_or(span.start, |first| first.span.start);
        self.shared.source.line(start.min(span.start))
    }

    pub fn function_def(&mut self, def: &'a FunctionDef, span: Span) {
        let mark = self.regs.mark();
        let decorators = self.decorators(&def.decorators);
        let dst = match self.local_reg(&def.name.name) {
            Some(reg) if def.decorators.is_empty() => reg,
            _ => self.regs.alloc(),
        };
        self.make_def(def, dst, span);
        self.decorate(&def.decorators, decorators, dst);
        self.at(span);
        self.store_name(&def.name.name, dst);
        self.regs.release(mark);
    }

    /// Evaluates decorators into adjacent registers, right below the next one.
    pub fn decorators(&mut self, decorators: &'a [Expr]) -> Reg {
        self.window(decorators)
    }

    /// Calls the decorators from the last to the first on the value in the
    /// register above them; the result is there.
    pub fn decorate(&mut self, decorators: &'a [Expr], first: Reg, value: Reg) {
        for (index, decorator) in decorators.iter().enumerate().rev() {
            self.at(decorator.span);
            let window = plus(first, index);
            self.asm.emit(Op::Call, 0, window.0, window.0, 1, &[]);
        }
        if !decorators.is_empty() {
            self.asm.move_to(value, first);
        }
    }

    fn make_def(&mut self, def: &'a FunctionDef, dst: Reg, span: Span) {
        let mark = self.regs.mark();
        // Defaults are evaluated outside of the type parameters' scope.
        let window = self.regs.alloc_n(4);
        let mut x = self.defaults(&def.params, window);
        let inner = (!def.type_params.is_empty()).then(|| {
            let id = self.table().of_node(def, ScopeKind::TypeParams);
            let inner = self.enter_scope(id, false);
            self.type_params(&def.type_params, plus(window, 3));
            x |= HAS_TYPE_PARAMS;
            inner
        });
        x |= self.annotations(def, plus(window, 2));
        let id = self.table().of_node(def, ScopeKind::Function);
        let qualname = self.qualname_of(&def.name.name, true);
        let code = self.function_code(def, id, qualname, span);
        self.at(span);
        self.make_function(code, id, dst, window, x);
        if let Some(inner) = inner {
            self.leave_scope(inner);
        }
        self.regs.release(mark);
    }

    /// Makes a function of a compiled frame.
    pub fn make_function(&mut self, code: Code, id: ScopeId, dst: Reg, window: Reg, x: u8) {
        if !self.asm.reachable() {
            return;
        }
        let code = captured(code, self.captures_for(id));
        let code = self.asm.constant(Const::Code(code));
        self.asm
            .emit(Op::MakeFunction, x, dst.0, window.0, 0, &[code]);
    }

    /// Evaluates the defaults of parameters into `window` and the next register.
    fn defaults(&mut self, params: &'a Params, window: Reg) -> u8 {
        let mut x = 0;
        let mark = self.regs.mark();
        let positional: Vec<&Expr> = params
            .posonly
            .iter()
            .chain(&params.regular)
            .filter_map(|param| param.default.as_ref())
            .collect();
        if !positional.is_empty() {
            x |= HAS_DEFAULTS;
            let constants: Option<Vec<Const>> =
                positional.iter().map(|expr| fold::constant(expr)).collect();
            match constants {
                Some(values) => self.asm.load_const(window, Const::Tuple(values)),
                None => {
                    let n = positional.len();
                    let first = self.regs.alloc_n(n as u32);
                    for (index, value) in positional.into_iter().enumerate() {
                        self.expr(value, plus(first, index));
                    }
                    self.asm
                        .emit(Op::BuildTuple, 0, window.0, first.0, n as u16, &[]);
                }
            }
        }
        let named: Vec<(&Ident, &Expr)> = params
            .kwonly
            .iter()
            .filter_map(|param| Some((&param.name, param.default.as_ref()?)))
            .collect();
        if !named.is_empty() {
            x |= HAS_KW_DEFAULTS;
            self.named_values(&named, plus(window, 1), |frame, value, reg| {
                frame.expr(value, reg);
            });
        }
        self.regs.release(mark);
        x
    }

    /// A dict from names to what `eval` makes of their expressions.
    fn named_values(
        &mut self,
        named: &[(&'a Ident, &'a Expr)],
        dst: Reg,
        eval: impl Fn(&mut Self, &'a Expr, Reg),
    ) {
        let mark = self.regs.mark();
        let first = self.regs.alloc_n(2 * named.len() as u32);
        for (index, (name, value)) in named.iter().enumerate() {
            let name = self.table().mangled(self.scope, &name.name);
            self.asm.load_const(plus(first, 2 * index), text(&name));
            eval(self, value, plus(first, 2 * index + 1));
        }
        let n = named.len() as u16;
        self.asm.emit(Op::BuildDict, 0, dst.0, first.0, n, &[]);
        self.regs.release(mark);
    }

    /// CPython 3.13 compile.c `compiler_visit_annotations`: positional ones,
    /// `*args`, keyword-only ones, `**kwargs`, the result.
    fn annotations(&mut self, def: &'a FunctionDef, dst: Reg) -> u8 {
        let returns = Ident {
            name: Name::from("return"),
            span: Span::default(),
        };
        let mut named: Vec<(Name, &Expr)> = Vec::new();
        for param in def.params.iter() {
            if let Some(annotation) = &param.annotation {
                named.push((param.name.name.clone(), annotation));
            }
        }
        if let Some(annotation) = &def.returns {
            named.push((returns.name, annotation));
        }
        if named.is_empty() {
            return 0;
        }
        let mark = self.regs.mark();
        let first = self.regs.alloc_n(2 * named.len() as u32);
        let n = named.len() as u16;
        for (index, (name, annotation)) in named.into_iter().enumerate() {
            let name = self.table().mangled(self.scope, &name);
            self.asm.load_const(plus(first, 2 * index), text(&name));
            self.annotation(annotation, plus(first, 2 * index + 1));
        }
        self.asm.emit(Op::BuildDict, 0, dst.0, first.0, n, &[]);
        self.regs.release(mark);
        HAS_ANNOTATIONS
    }

    fn function_code(&self, def: &'a FunctionDef, id: ScopeId, qualname: Name, span: Span) -> Code {
        let mut frame = Frame::new(self.shared, id, qualname);
        frame.at(span);
        let mut header = frame.params_header(&def.params);
        frame.prologue();
        let scope = frame.table().scope(id);
        header.name = Some(def.name.name.clone());
        header.flags.generator = scope.has_yield && !def.is_async;
        header.flags.coroutine = def.is_async && !scope.has_yield;
        header.flags.async_generator = def.is_async && scope.has_yield;
        header.first_line = self.first_line(&def.decorators, span);
        header.doc = docstring(&def.body).map(|doc| super::asm::doc_index(&mut frame.asm, &doc));
        frame.block(&def.body);
        frame.finish(header, span)
    }

    fn params_header(&mut self, params: &Params) -> Header {
        let n = |params: &[Param]| params.len().min(u16::MAX as usize) as u16;
        let n_pos = n(&params.posonly).saturating_add(n(&params.regular));
        self.first_is_positional = n_pos > 0;
        let ordered = params
            .posonly
            .iter()
            .chain(&params.regular)
            .chain(&params.kwonly)
            .chain(params.vararg.as_deref())
            .chain(params.kwarg.as_deref());
        let names = ordered.map(|param| self.table().mangled(self.id, &param.name.name));
        Header {
            flags: CodeFlags {
                varargs: params.vararg.is_some(),
                varkw: params.kwarg.is_some(),
                ..CodeFlags::default()
            },
            n_posonly: n(&params.posonly),
            n_pos,
            n_kwonly: n(&params.kwonly),
            params: names.collect(),
            ..Header::default()
        }
    }

    pub fn lambda(&mut self, lambda: &'a Lambda, dst: Reg, span: Span) {
        let mark = self.regs.mark();
        let window = self.regs.alloc_n(4);
        let x = self.defaults(&lambda.params, window);
        let id = self.table().of_node(lambda, ScopeKind::Lambda);
        let name = Name::from("<lambda>");
        let mut frame = Frame::new(self.shared, id, self.qualname_of(&name, false));
        frame.at(span);
        let mut header = frame.params_header(&lambda.params);
        frame.prologue();
        header.name = Some(name);
        header.flags.generator = frame.table().scope(id).has_yield;
        header.first_line = self.shared.source.line(span.start);
        let value = frame.operand(&lambda.body);
        frame.at(lambda.body.span);
        frame.asm.a(Op::Return, value);
        frame.asm.end_flow();
        let code = frame.finish(header, span);
        self.at(span);
        self.make_function(code, id, dst, window, x);
        self.regs.release(mark);
    }

    // ---------------------------------------------------------- type params

    /// Makes the type parameters of the scope that is open, their tuple in `tuple`.
    pub fn type_params(&mut self, params: &'a [TypeParam], tuple: Reg) {
        let mark = self.regs.mark();
        let n = params.len();
        let first = self.regs.alloc_n(n as u32);
        for (index, param) in params.iter().enumerate() {
            let made = plus(first, index);
            self.type_param(param, made);
            self.store_name(&param.name.name, made);
        }
        self.asm
            .emit(Op::BuildTuple, 0, tuple.0, first.0, n as u16, &[]);
        self.regs.release(mark);
    }

    fn type_param(&mut self, param: &'a TypeParam, dst: Reg) {
        let mark = self.regs.mark();
        let name = self.regs.alloc();
        let thunks = self.regs.alloc_n(3);
        self.at(param.span);
        self.asm.load_const(name, text(&param.name.name));
        let (which, bound) = match &param.kind {
            TypeParamKind::TypeVar { bound } => (Intrinsic::TypeVar, bound.as_ref()),
            TypeParamKind::TypeVarTuple => (Intrinsic::TypeVarTuple, None),
            TypeParamKind::ParamSpec => (Intrinsic::ParamSpec, None),
        };
        let is_tuple = |bound: &&Expr| matches!(bound.kind, ExprKind::Tuple(_));
        let values = [
            bound.filter(|bound| !is_tuple(bound)),
            bound.filter(is_tuple),
            param.default.as_ref(),
        ];
        for (index, value) in values.into_iter().enumerate() {
            match value {
                Some(value) => self.thunk(value, &param.name.name, plus(thunks, index)),
                None => self.asm.a(Op::LoadNone, plus(thunks, index)),
            }
        }
        self.at(param.span);
        self.asm.emit(Op::BuildTuple, 0, thunks.0, thunks.0, 3, &[]);
        self.intrinsic(which, dst, name, thunks);
        self.regs.release(mark);
    }

    /// A function that gives the value when it is first asked for.
    fn thunk(&mut self, value: &'a Expr, name: &Name, dst: Reg) {
        let id = self.table().of_node(value, ScopeKind::Thunk);
        let mut frame = Frame::new(self.shared, id, self.qualname_of(name, false));
        frame.at(value.span);
        frame.prologue();
        let result = match &value.kind {
            ExprKind::Starred(inner) => {
                let reg = frame.regs.alloc();
                frame.unpack_one(inner, reg, value.span);
                reg
            }
            _ => frame.operand(value),
        };
        frame.asm.a(Op::Return, result);
        frame.asm.end_flow();
        let header = Header {
            name: Some(name.clone()),
            first_line: self.shared.source.line(value.span.start),
            ..Header::default()
        };
        let code = frame.finish(header, value.span);
        let mark = self.regs.mark();
        let window = self.regs.alloc_n(4);
        self.at(value.span);
        self.make_function(code, id, dst, window, 0);
        self.regs.release(mark);
    }

    pub fn type_alias(
        &mut self,
        stmt: &'a Stmt,
        name: &'a Ident,
        params: &'a [TypeParam],
        value: &'a Expr,
    ) {
        let mark = self.regs.mark();
        let alias = match self.local_reg(&name.name) {
            Some(reg) => reg,
            None => self.regs.alloc(),
        };
        let name_reg = self.regs.alloc();
        let pair = self.regs.alloc_n(2);
        self.at(stmt.span);
        self.asm.load_const(name_reg, text(&name.name));
        let inner = if params.is_empty() {
            self.asm.load_const(pair, Const::Tuple(Vec::new()));
            None
        } else {
            let id = self.table().of_node(stmt, ScopeKind::TypeParams);
            let inner = self.enter_scope(id, false);
            self.type_params(params, pair);
            Some(inner)
        };
        self.thunk(value, &name.name, plus(pair, 1));
        self.at(stmt.span);
        self.asm.emit(Op::BuildTuple, 0, pair.0, pair.0, 2, &[]);
        self.intrinsic(Intrinsic::TypeAlias, alias, name_reg, pair);
        if let Some(inner) = inner {
            self.leave_scope(inner);
        }
        self.store_name(&name.name, alias);
        self.regs.release(mark);
    }
}
