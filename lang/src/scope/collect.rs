//! Takes a syntax tree, gives its scopes with what each binds and uses. Rejects
//! what stands where it may not: CPython 3.13's future.c, symtable.c and the
//! context checks of compile.c. Decides nothing about names of other scopes.

use rustc_hash::{FxHashMap, FxHashSet};

use super::analyze::{self, NonlocalUse};
use super::patterns;
use super::{
    Errors, MODULE, NodeKey, Scope, ScopeId, ScopeKind, ScopeOptions, ScopeTable, TYPE_PARAMS,
    mangle,
};
use crate::ast::*;
use crate::diagnostic::Diagnostic;
use crate::suspicious;

/// CPython 3.13 compile.c `CO_MAXBLOCKS`.
const NESTED_BLOCKS_MAX: usize = 21;

/// The features that `from __future__ import` knows, in __future__.py's order.
const FUTURE_FEATURES: [&str; 10] = [
    "nested_scopes",
    "generators",
    "division",
    "absolute_import",
    "with_statement",
    "print_function",
    "unicode_literals",
    "barry_as_FLUFL",
    "generator_stop",
    "annotations",
];

pub(super) fn collect(module: &Module, options: ScopeOptions) -> (ScopeTable, Errors) {
    let mut collector = Collector {
        table: ScopeTable {
            scopes: vec![Scope::new(ScopeKind::Module, MODULE, None)],
            by_node: FxHashMap::default(),
            future_annotations: false,
            has_star_import: false,
            warnings: Vec::new(),
        },
        errors: Errors::default(),
        nonlocals: Vec::new(),
        options,
        cur: MODULE,
        contexts: vec![Context::new("", 0)],
        static_attributes: FxHashSet::default(),
    };
    collector.futures(&module.body);
    collector.block(&module.body);
    let Collector {
        table,
        mut errors,
        nonlocals,
        ..
    } = collector;
    analyze::check_nonlocals(&table, &nonlocals, &mut errors);
    (table, errors)
}

/// What surrounds a statement inside its scope.
#[derive(Clone, Copy, PartialEq)]
enum Block {
    Loop,
    ExceptStar,
    Other,
}

struct Context {
    /// How many comprehension iterables are being visited, in this scope and in
    /// those around it.
    iterables: u32,
    blocks: Vec<Block>,
    /// `return` statements with a value.
    returns: Vec<Span>,
    /// For messages: what kind of thunk it is ("a type alias"); of a comprehension,
    /// what a `yield` in it is told.
    place: &'static str,
}

impl Context {
    fn new(place: &'static str, iterables: u32) -> Context {
        Context {
            iterables,
            blocks: Vec::new(),
            returns: Vec::new(),
            place,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Bind {
    Assign,
    Param,
    Annotated,
    CompTarget,
    TypeParam,
}

pub(super) struct Collector {
    table: ScopeTable,
    pub(super) errors: Errors,
    nonlocals: Vec<NonlocalUse>,
    options: ScopeOptions,
    cur: ScopeId,
    /// One for each scope that is open; the innermost last.
    contexts: Vec<Context>,
    /// What each class's `static_attributes` holds.
    static_attributes: FxHashSet<(ScopeId, Name)>,
}

impl Collector {
    // ------------------------------------------------------------- scopes

    fn scope(&mut self) -> &mut Scope {
        self.table.scope_mut(self.cur)
    }

    fn context(&mut self) -> &mut Context {
        self.contexts
            .last_mut()
            .expect("the module's context is never popped")
    }

    fn enter<T>(&mut self, node: &T, kind: ScopeKind, place: &'static str) -> ScopeId {
        let id = ScopeId(self.table.scopes.len() as u32);
        let scope = Scope::new(kind, id, Some((self.cur, self.table.scope(self.cur))));
        self.table.scopes.push(scope);
        self.table.by_node.insert(NodeKey::new(node, kind), id);
        let iterables = self.context().iterables;
        self.contexts.push(Context::new(place, iterables));
        self.cur = id;
        id
    }

    fn leave(&mut self) {
        self.contexts.pop();
        let parent = self.scope().parent;
        self.cur = parent.unwrap_or(MODULE);
    }

    fn mangled(&self, name: &Name) -> Name {
        let private = self.table.scope(self.cur).private.as_ref();
        mangle(private, name).unwrap_or_else(|| name.clone())
    }

    // -------------------------------------------------------------- names

    fn use_name(&mut self, name: &Name) {
        let name = self.mangled(name);
        let scope = self.scope();
        scope.entry(&name).flags.used = true;
        // `super` is compiled with `__class__` at hand.
        if name.as_str() == "super" && !matches!(scope.kind, ScopeKind::Module | ScopeKind::Class) {
            scope.entry(&Name::from("__class__")).flags.used = true;
        }
    }

    fn bind(&mut self, name: &Name, span: Span, how: Bind) {
        self.check_debug(name, span);
        let name = self.mangled(name);
        let symbol = self.scope().entry(&name);
        let before = symbol.flags;
        symbol.flags.bound = true;
        match how {
            Bind::Assign => {}
            Bind::Annotated => symbol.flags.annotated = true,
            Bind::Param => {
                symbol.flags.param = true;
                if before.param {
                    let text = format!("duplicate argument '{name}' in function definition");
                    self.errors.symbol("E0306", text, span);
                }
            }
            Bind::TypeParam => {
                if before.bound {
                    let text = format!("duplicate type parameter '{name}'");
                    self.errors.symbol("E0307", text, span);
                }
            }
            Bind::CompTarget => {
                symbol.flags.comp_target = true;
                if before.global || before.nonlocal || before.lifted {
                    let text = format!(
                        "comprehension inner loop cannot rebind assignment expression target '{name}'"
                    );
                    self.errors.symbol("E0310", text, span);
                }
            }
        }
    }

    fn check_debug(&mut self, name: &Name, span: Span) {
        if name.as_str() == "__debug__" {
            self.errors
                .context("E0401", "cannot assign to __debug__", span);
        }
    }

    fn declare_global(&mut self, name: &Ident, stmt: Span) {
        let text = self.mangled(&name.name);
        let flags = self.scope().flags(&text);
        if let Some(message) = declared_late(&text, flags, "global") {
            self.errors.symbol("E0301", message, stmt);
        } else if flags.nonlocal {
            let message = format!("name '{text}' is nonlocal and global");
            self.errors.symbol("E0302", message, stmt);
        }
        self.scope().entry(&text).flags.global = true;
        // CPython 3.13 symtable.c symtable_add_def_helper: it is the module's name there too. The
        // first scope inside the module is that of a fragment where there is one.
        if let Some(outermost) = self.table.scopes.get_mut(1)
            && outermost.is_fragment()
        {
            outermost.entry(&text).flags.global = true;
        }
    }

    fn declare_nonlocal(&mut self, name: &Ident, stmt: Span) {
        let text = self.mangled(&name.name);
        let flags = self.scope().flags(&text);
        if let Some(message) = declared_late(&text, flags, "nonlocal") {
            self.errors.symbol("E0301", message, stmt);
        } else if flags.global {
            let message = format!("name '{text}' is nonlocal and global");
            self.errors.symbol("E0302", message, stmt);
        } else {
            self.nonlocals.push(NonlocalUse {
                scope: self.cur,
                name: text.clone(),
                span: stmt,
            });
        }
        self.scope().entry(&text).flags.nonlocal = true;
    }

    /// `name := …` inside comprehensions binds in the scope around them.
    fn lift(&mut self, target: &Ident) {
        let name = self.mangled(&target.name);
        let mut at = self.cur;
        loop {
            let scope = self.table.scope(at);
            let message = match scope.kind {
                ScopeKind::Comprehension | ScopeKind::Generator => {
                    if !scope.flags(&name).comp_target {
                        at = scope.parent.unwrap_or(MODULE);
                        continue;
                    }
                    format!(
                        "assignment expression cannot rebind comprehension iteration variable '{}'",
                        target.name
                    )
                }
                ScopeKind::Class if !scope.is_fragment() => String::from(
                    "assignment expression within a comprehension cannot be used in a class body",
                ),
                ScopeKind::TypeParams => String::from(
                    "assignment expression within a comprehension cannot be used within the definition of a generic",
                ),
                ScopeKind::Thunk => String::from(
                    "assignment expression within a comprehension cannot be used in a type alias",
                ),
                ScopeKind::Module | ScopeKind::Class | ScopeKind::Function | ScopeKind::Lambda => {
                    let symbol = self.table.scope_mut(at).entry(&name);
                    symbol.flags.bound = true;
                    symbol.walrus = true;
                    let symbol = self.scope().entry(&name);
                    symbol.flags.lifted = true;
                    symbol.walrus = true;
                    return;
                }
            };
            self.errors.symbol("E0311", message, target.span);
            return;
        }
    }

    /// Expressions that a scope of lazily evaluated or type-parameter code may not hold.
    fn refuse_in_annotation(&mut self, what: &str, span: Span) -> bool {
        let kind = self.scope().kind;
        let place = match kind {
            ScopeKind::TypeParams => "the definition of a generic",
            ScopeKind::Thunk => self.context().place,
            _ => return false,
        };
        let text = format!("{what} cannot be used within {place}");
        self.errors.symbol("E0312", text, span);
        true
    }

    // ------------------------------------------------------------ futures

    /// CPython 3.13 future.c: a docstring and other future imports may come first.
    fn futures(&mut self, body: &[Stmt]) {
        let mut at_start = true;
        for (index, stmt) in body.iter().enumerate() {
            match &stmt.kind {
                StmtKind::ImportFrom(import) if is_future(import) => {
                    if !at_start {
                        self.late_future(stmt.span);
                        continue;
                    }
                    self.future_names(import, stmt.span);
                }
                StmtKind::Expr(value) if index == 0 && matches!(value.kind, ExprKind::Str(_)) => {}
                _ => at_start = false,
            }
        }
    }

    fn late_future(&mut self, span: Span) {
        let text = "from __future__ imports must occur at the beginning of the file";
        self.errors.context("E0402", text, span);
    }

    fn future_names(&mut self, import: &ImportFrom, span: Span) {
        let names: Vec<&str> = match &import.names {
            ImportNames::Star(_) => vec!["*"],
            ImportNames::Names(names) => names.iter().map(|name| name.name.name.as_str()).collect(),
        };
        for name in names {
            let message = match name {
                "annotations" => {
                    self.table.future_annotations = true;
                    continue;
                }
                "braces" => String::from("not a chance"),
                name if FUTURE_FEATURES.contains(&name) => continue,
                name => format!("future feature {name} is not defined"),
            };
            self.errors
                .future
                .push(Diagnostic::syntax("E0300", message, span));
        }
    }

    // --------------------------------------------------------- statements

    fn block(&mut self, body: &[Stmt]) {
        for stmt in body {
            self.stmt(stmt);
        }
    }

    /// A block inside a loop, `try` or `with`.
    fn nested(&mut self, block: Block, body: &[Stmt], span: Span) {
        self.push_block(block, span);
        self.block(body);
        self.context().blocks.pop();
    }

    fn push_block(&mut self, block: Block, span: Span) {
        let blocks = &mut self.context().blocks;
        blocks.push(block);
        if blocks.len() == NESTED_BLOCKS_MAX + 1 {
            let text = "too many statically nested blocks";
            self.errors.context("E0403", text, span);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let span = stmt.span;
        match &stmt.kind {
            StmtKind::FunctionDef(def) => self.function_def(def, span),
            StmtKind::ClassDef(def) => self.class_def(def, span),
            StmtKind::Return(value) => self.return_stmt(value.as_deref(), span),
            StmtKind::Delete(targets) => targets.iter().for_each(|target| self.delete(target)),
            StmtKind::Assign { targets, value } => {
                self.expr(value);
                targets.iter().for_each(|target| self.target(target));
            }
            StmtKind::AugAssign { target, value, .. } => {
                match &target.kind {
                    ExprKind::Name(name) => {
                        self.use_name(name);
                        self.bind(name, target.span, Bind::Assign);
                    }
                    ExprKind::Attribute { value, attr } => {
                        self.check_debug(&attr.name, target.span);
                        self.expr(value);
                    }
                    _ => self.target(target),
                }
                self.expr(value);
            }
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
            } => {
                self.bind(&name.name, name.span, Bind::Assign);
                if !type_params.is_empty() {
                    self.enter(stmt, ScopeKind::TypeParams, "");
                    self.type_params(type_params);
                }
                self.thunk(value, "a type alias");
                if !type_params.is_empty() {
                    self.leave();
                }
            }
            StmtKind::For(node) => {
                if node.is_async {
                    self.check_async_stmt("'async for' outside async function", span);
                }
                self.target(&node.target);
                self.expr(&node.iter);
                self.nested(Block::Loop, &node.body, span);
                self.block(&node.orelse);
            }
            StmtKind::While { test, body, orelse } => {
                self.expr(test);
                self.nested(Block::Loop, body, span);
                self.block(orelse);
            }
            StmtKind::If { branches, orelse } => {
                for branch in branches {
                    self.expr(&branch.test);
                    self.block(&branch.body);
                }
                self.block(orelse);
            }
            StmtKind::With {
                items,
                body,
                is_async,
            } => {
                if *is_async {
                    self.check_async_stmt("'async with' outside async function", span);
                }
                for item in items {
                    self.expr(&item.context);
                    self.push_block(Block::Other, span);
                    if let Some(target) = &item.target {
                        self.target(target);
                    }
                }
                self.block(body);
                for _ in items {
                    self.context().blocks.pop();
                }
            }
            StmtKind::Match { subject, cases } => {
                self.expr(subject);
                patterns::check_cases(cases, &mut self.errors);
                for case in cases {
                    self.pattern(&case.pattern);
                    if let Some(guard) = &case.guard {
                        self.expr(guard);
                    }
                    self.block(&case.body);
                }
            }
            StmtKind::Raise { exc, cause } => {
                self.opt_expr(exc.as_deref());
                self.opt_expr(cause.as_deref());
            }
            StmtKind::Try(node) => self.try_stmt(node, span),
            StmtKind::Assert { test, msg } => {
                self.table
                    .warnings
                    .extend(suspicious::in_assert(test, span));
                self.expr(test);
                self.opt_expr(msg.as_deref());
            }
            StmtKind::Import(modules) => {
                for module in modules {
                    let bound = module.asname.as_ref().or(module.path.parts.first());
                    if let Some(name) = bound {
                        self.bind(&name.name, module.span, Bind::Assign);
                    }
                }
            }
            StmtKind::ImportFrom(import) => self.import_from(import, span),
            StmtKind::Global(names) => {
                for name in names {
                    self.declare_global(name, span);
                }
            }
            StmtKind::Nonlocal(names) => {
                for name in names {
                    self.declare_nonlocal(name, span);
                }
            }
            StmtKind::Expr(value) => self.expr(value),
            StmtKind::Pass => {}
            StmtKind::Break | StmtKind::Continue => self.leave_loop(stmt),
        }
    }

    fn leave_loop(&mut self, stmt: &Stmt) {
        let blocks = &self.context().blocks;
        let stop = blocks.iter().rev().find(|&&block| block != Block::Other);
        let message = match stop {
            Some(Block::Loop) => return,
            Some(_) => EXCEPT_STAR_EXIT,
            None if matches!(stmt.kind, StmtKind::Break) => "'break' outside loop",
            None => "'continue' not properly in loop",
        };
        self.errors.context("E0404", message, stmt.span);
    }

    fn return_stmt(&mut self, value: Option<&Expr>, span: Span) {
        self.opt_expr(value);
        if !matches!(self.scope().kind, ScopeKind::Function) {
            self.errors
                .context("E0405", "'return' outside function", span);
        } else if self.context().blocks.contains(&Block::ExceptStar) {
            self.errors.context("E0404", EXCEPT_STAR_EXIT, span);
        }
        if value.is_some() {
            self.context().returns.push(span);
        }
    }

    fn try_stmt(&mut self, node: &Try, span: Span) {
        let has_finally = !node.finalbody.is_empty();
        if has_finally {
            self.push_block(Block::Other, span);
        }
        if node.handlers.is_empty() {
            self.block(&node.body);
        } else {
            self.nested(Block::Other, &node.body, span);
        }
        for (index, handler) in node.handlers.iter().enumerate() {
            if handler.exc_type.is_none() && index + 1 < node.handlers.len() {
                let text = "default 'except:' must be last";
                self.errors.context("E0406", text, handler.span);
            }
            self.opt_expr(handler.exc_type.as_ref());
            if let Some(name) = &handler.name {
                self.bind(&name.name, handler.span, Bind::Assign);
                let text = self.mangled(&name.name);
                self.scope().entry(&text).deleted = true;
            }
            let block = match node.is_star {
                true => Block::ExceptStar,
                false => Block::Other,
            };
            self.push_block(Block::Other, handler.span);
            self.nested(block, &handler.body, handler.span);
            self.context().blocks.pop();
        }
        self.block(&node.orelse);
        if has_finally {
            self.context().blocks.pop();
            self.nested(Block::Other, &node.finalbody, span);
        }
    }

    fn import_from(&mut self, import: &ImportFrom, span: Span) {
        if is_future(import) && (self.cur != MODULE || !self.context().blocks.is_empty()) {
            self.late_future(span);
        }
        match &import.names {
            ImportNames::Star(star) => {
                self.table.has_star_import = true;
                if self.cur != MODULE {
                    let text = "import * only allowed at module level";
                    self.errors.symbol("E0308", text, *star);
                }
            }
            ImportNames::Names(names) => {
                for name in names {
                    let bound = name.asname.as_ref().unwrap_or(&name.name);
                    self.bind(&bound.name, name.span, Bind::Assign);
                }
            }
        }
    }

    fn ann_assign(
        &mut self,
        target: &Expr,
        annotation: &Expr,
        value: Option<&Expr>,
        simple: bool,
        span: Span,
    ) {
        match &target.kind {
            ExprKind::Name(name) => {
                let text = self.mangled(name);
                let flags = self.scope().flags(&text);
                if simple && self.cur != MODULE && (flags.global || flags.nonlocal) {
                    let word = if flags.global { "global" } else { "nonlocal" };
                    let message = format!("annotated name '{text}' can't be {word}");
                    self.errors.symbol("E0309", message, span);
                }
                if simple {
                    self.bind(name, target.span, Bind::Annotated);
                    self.scope().annotated = true;
                } else if value.is_some() {
                    self.bind(name, target.span, Bind::Assign);
                } else {
                    self.use_name(name);
                }
            }
            _ => self.target(target),
        }
        self.annotation(annotation);
        self.opt_expr(value);
    }

    fn annotation(&mut self, annotation: &Expr) {
        if self.table.future_annotations {
            // The text is all that is ever used; only what CPython refuses in it matters.
            if let Some((what, span)) = refused_in_text(annotation) {
                let text = format!("{what} cannot be used within an annotation");
                self.errors.symbol("E0312", text, span);
            }
            return;
        }
        match &annotation.kind {
            // `*args: *Ts`.
            ExprKind::Starred(value) => self.expr(value),
            _ => self.expr(annotation),
        }
    }

    // ------------------------------------------------ functions and classes

    fn function_def(&mut self, def: &FunctionDef, span: Span) {
        self.bind(&def.name.name, span, Bind::Assign);
        self.defaults(&def.params);
        def.decorators.iter().for_each(|expr| self.expr(expr));
        let generic = !def.type_params.is_empty();
        if generic {
            self.enter(def, ScopeKind::TypeParams, "");
            self.type_params(&def.type_params);
        }
        for param in def.params.iter() {
            if let Some(annotation) = &param.annotation {
                self.annotation(annotation);
            }
        }
        if let Some(returns) = &def.returns {
            self.annotation(returns);
        }
        self.enter(def, ScopeKind::Function, "");
        self.scope().is_async = def.is_async;
        self.params(&def.params);
        self.block(&def.body);
        if def.is_async && self.scope().has_yield {
            for span in std::mem::take(&mut self.context().returns) {
                let text = "'return' with value in async generator";
                self.errors.context("E0407", text, span);
            }
        }
        self.leave();
        if generic {
            self.leave();
        }
    }

    fn class_def(&mut self, def: &ClassDef, span: Span) {
        self.bind(&def.name.name, span, Bind::Assign);
        def.decorators.iter().for_each(|expr| self.expr(expr));
        let generic = !def.type_params.is_empty();
        if generic {
            self.enter(def, ScopeKind::TypeParams, "");
            self.type_params(&def.type_params);
            let tuple = Name::from(TYPE_PARAMS);
            self.scope().entry(&tuple).flags.bound = true;
        }
        self.args(&def.args);
        self.enter(def, ScopeKind::Class, "");
        let scope = self.scope();
        scope.private = Some(def.name.name.clone());
        if !scope.is_fragment() {
            scope.class_cell = Some(scope.push_symbol(Name::from("__class__")));
        }
        if generic {
            scope.entry(&Name::from(TYPE_PARAMS)).flags.used = true;
        }
        self.block(&def.body);
        self.leave();
        if generic {
            self.leave();
        }
    }

    fn lambda(&mut self, lambda: &Lambda) {
        self.defaults(&lambda.params);
        self.enter(lambda, ScopeKind::Lambda, "");
        self.params(&lambda.params);
        self.expr(&lambda.body);
        self.leave();
    }

    fn defaults(&mut self, params: &Params) {
        for param in params.iter() {
            self.opt_expr(param.default.as_ref());
        }
    }

    /// Binds the parameters in the order of their registers.
    fn params(&mut self, params: &Params) {
        let positional = params.posonly.iter().chain(&params.regular);
        let ordered = positional
            .chain(&params.kwonly)
            .chain(params.vararg.as_deref())
            .chain(params.kwarg.as_deref());
        for param in ordered {
            self.bind(&param.name.name, param.name.span, Bind::Param);
        }
    }

    fn type_params(&mut self, params: &[TypeParam]) {
        for param in params {
            self.bind(&param.name.name, param.span, Bind::TypeParam);
            let default_place = match &param.kind {
                TypeParamKind::TypeVar { bound } => {
                    if let Some(bound) = bound {
                        let place = match bound.kind {
                            ExprKind::Tuple(_) => "a TypeVar constraint",
                            _ => "a TypeVar bound",
                        };
                        self.thunk(bound, place);
                    }
                    "a TypeVar default"
                }
                TypeParamKind::TypeVarTuple => "a TypeVarTuple default",
                TypeParamKind::ParamSpec => "a ParamSpec default",
            };
            if let Some(default) = &param.default {
                self.thunk(default, default_place);
            }
        }
    }

    fn thunk(&mut self, value: &Expr, place: &'static str) {
        self.enter(value, ScopeKind::Thunk, place);
        match &value.kind {
            // `*Ts = *tuple[int]`.
            ExprKind::Starred(value) => self.expr(value),
            _ => self.expr(value),
        }
        self.leave();
    }

    // -------------------------------------------------------- expressions

    fn opt_expr(&mut self, expr: Option<&Expr>) {
        if let Some(expr) = expr {
            self.expr(expr);
        }
    }

    fn exprs(&mut self, exprs: &[Expr]) {
        for expr in exprs {
            self.element(expr);
        }
    }

    /// An item of a display, where a star may stand.
    fn element(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Starred(value) => self.expr(value),
            _ => self.expr(expr),
        }
    }

    fn comparison(&mut self, node: &Compare) {
        self.expr(&node.first);
        for term in &node.rest {
            self.expr(&term.operand);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        let span = expr.span;
        self.table.warnings.extend(suspicious::in_expr(expr));
        match &expr.kind {
            ExprKind::Name(name) => self.use_name(name),
            ExprKind::None
            | ExprKind::True
            | ExprKind::False
            | ExprKind::Ellipsis
            | ExprKind::Int(_)
            | ExprKind::BigInt(_)
            | ExprKind::Float(_)
            | ExprKind::Complex(_)
            | ExprKind::Str(_)
            | ExprKind::Bytes(_) => {}
            ExprKind::FString(string) => self.fstring(string),
            ExprKind::Unary {
                op: UnaryOp::Not,
                operand,
            } => {
                // What is to be said of a comparison below was said of the whole.
                match suspicious::comparison_below_not(expr) {
                    Some((_, node, _)) => self.comparison(node),
                    None => self.expr(operand),
                }
            }
            ExprKind::Unary { operand, .. } => self.expr(operand),
            ExprKind::Binary(node) => {
                self.expr(&node.first);
                for term in &node.rest {
                    self.expr(&term.operand);
                }
            }
            ExprKind::BoolOp { values, .. } => values.iter().for_each(|value| self.expr(value)),
            ExprKind::Compare(node) => self.comparison(node),
            ExprKind::Lambda(lambda) => self.lambda(lambda),
            ExprKind::IfExp(node) => {
                self.expr(&node.test);
                self.expr(&node.body);
                self.expr(&node.orelse);
            }
            ExprKind::Dict(items) => {
                for item in items {
                    match item {
                        DictItem::Pair { key, value } => {
                            self.expr(key);
                            self.expr(value);
                        }
                        DictItem::Spread(value) => self.expr(value),
                    }
                }
            }
            ExprKind::Set(items) | ExprKind::List(items) | ExprKind::Tuple(items) => {
                self.exprs(items);
            }
            ExprKind::ListComp(comp) | ExprKind::SetComp(comp) => self.comprehension(
                &**comp,
                &comp.clauses,
                &[&comp.element],
                ScopeKind::Comprehension,
                expr,
            ),
            ExprKind::DictComp(comp) => self.comprehension(
                &**comp,
                &comp.clauses,
                &[&comp.key, &comp.value],
                ScopeKind::Comprehension,
                expr,
            ),
            ExprKind::Generator(comp) => self.comprehension(
                &**comp,
                &comp.clauses,
                &[&comp.element],
                ScopeKind::Generator,
                expr,
            ),
            ExprKind::Await(value) => {
                if !self.refuse_in_annotation("await expression", span) {
                    self.check_await(span);
                }
                self.expr(value);
            }
            ExprKind::Yield(value) => {
                self.check_yield(expr, span);
                self.opt_expr(value.as_deref());
            }
            ExprKind::YieldFrom(value) => {
                self.check_yield(expr, span);
                self.expr(value);
            }
            ExprKind::Call(call) => {
                self.expr(&call.func);
                self.args(&call.args);
            }
            ExprKind::Attribute { value, .. } => self.expr(value),
            ExprKind::Subscript { value, index } => {
                self.expr(value);
                self.expr(index);
            }
            ExprKind::Slice(slice) => {
                self.opt_expr(slice.lower.as_ref());
                self.opt_expr(slice.upper.as_ref());
                self.opt_expr(slice.step.as_ref());
            }
            ExprKind::Starred(value) => {
                let text = "can't use starred expression here";
                self.errors.context("E0408", text, span);
                self.expr(value);
            }
            ExprKind::Named { target, value } => self.named(target, value, span),
        }
    }

    fn fstring(&mut self, string: &FString) {
        for part in &string.parts {
            if let FStringPart::Field(field) = part {
                self.expr(&field.value);
                if let Some(spec) = &field.format_spec {
                    self.fstring(spec);
                }
            }
        }
    }

    fn named(&mut self, target: &Ident, value: &Expr, span: Span) {
        if self.refuse_in_annotation("named expression", span) {
            return;
        }
        if self.context().iterables > 0 {
            let text =
                "assignment expression cannot be used in a comprehension iterable expression";
            self.errors.symbol("E0311", text, span);
            return;
        }
        self.check_debug(&target.name, target.span);
        let kind = self.scope().kind;
        if matches!(kind, ScopeKind::Comprehension | ScopeKind::Generator) {
            self.lift(target);
            self.expr(value);
            return;
        }
        self.expr(value);
        self.bind(&target.name, target.span, Bind::Assign);
        let text = self.mangled(&target.name);
        self.scope().entry(&text).walrus = true;
    }

    fn args(&mut self, args: &[Arg]) {
        let mut names: FxHashSet<&Name> = FxHashSet::default();
        for arg in args {
            match arg {
                Arg::Positional(value)
                | Arg::Star { value, .. }
                | Arg::DoubleStar { value, .. } => self.expr(value),
                Arg::Keyword { name, value, span } => {
                    self.check_debug(&name.name, *span);
                    if !names.insert(&name.name) {
                        let text = format!("keyword argument repeated: {}", name.name);
                        self.errors.context("E0409", text, *span);
                    }
                    self.expr(value);
                }
            }
        }
    }

    fn comprehension<T>(
        &mut self,
        node: &T,
        clauses: &[ForClause],
        elements: &[&Expr],
        kind: ScopeKind,
        expr: &Expr,
    ) {
        let yield_text = match &expr.kind {
            ExprKind::ListComp(_) => "'yield' inside list comprehension",
            ExprKind::SetComp(_) => "'yield' inside set comprehension",
            ExprKind::DictComp(_) => "'yield' inside dict comprehension",
            _ => "'yield' inside generator expression",
        };
        let Some((first, rest)) = clauses.split_first() else {
            return;
        };
        self.iterable(&first.iter);
        self.enter(node, kind, yield_text);
        if kind == ScopeKind::Generator {
            let symbol = self.scope().entry(&Name::from(".0"));
            symbol.flags.bound = true;
            symbol.flags.param = true;
            self.scope().has_yield = true;
        }
        self.scope().is_coroutine |= first.is_async;
        self.comp_target(&first.target);
        first.conditions.iter().for_each(|expr| self.expr(expr));
        for clause in rest {
            self.scope().is_coroutine |= clause.is_async;
            self.comp_target(&clause.target);
            self.iterable(&clause.iter);
            clause.conditions.iter().for_each(|expr| self.expr(expr));
        }
        for element in elements {
            self.expr(element);
        }
        let is_coroutine = self.scope().is_coroutine;
        if kind == ScopeKind::Generator {
            self.scope().is_async = is_coroutine;
            self.leave();
            return;
        }
        self.leave();
        if is_coroutine && !self.may_suspend() {
            let text = "asynchronous comprehension outside of an asynchronous function";
            self.errors.context("E0410", text, expr.span);
        }
    }

    fn iterable(&mut self, iter: &Expr) {
        self.context().iterables += 1;
        self.expr(iter);
        self.context().iterables -= 1;
    }

    /// Whether this scope may suspend; notes that it does.
    fn may_suspend(&mut self) -> bool {
        let top_level = self.options.top_level_await;
        let scope = self.scope();
        match scope.kind {
            ScopeKind::Comprehension | ScopeKind::Generator => {
                scope.is_coroutine = true;
                true
            }
            ScopeKind::Function => scope.is_async,
            ScopeKind::Module => {
                scope.awaits |= top_level;
                top_level
            }
            _ => false,
        }
    }

    fn check_await(&mut self, span: Span) {
        if self.may_suspend() {
            return;
        }
        let text = match self.scope().kind {
            ScopeKind::Module | ScopeKind::Class => "'await' outside function",
            _ => "'await' outside async function",
        };
        self.errors.context("E0411", text, span);
    }

    fn check_async_stmt(&mut self, message: &'static str, span: Span) {
        if !self.may_suspend() {
            self.errors.context("E0411", message, span);
        }
    }

    fn check_yield(&mut self, expr: &Expr, span: Span) {
        if self.refuse_in_annotation("yield expression", span) {
            return;
        }
        let from = matches!(expr.kind, ExprKind::YieldFrom(_));
        let scope = self.scope();
        let kind = scope.kind;
        let is_async = scope.is_async;
        scope.has_yield = true;
        let text = match kind {
            ScopeKind::Module | ScopeKind::Class if from => "'yield from' outside function",
            ScopeKind::Module | ScopeKind::Class => "'yield' outside function",
            ScopeKind::Function if from && is_async => "'yield from' inside async function",
            ScopeKind::Comprehension | ScopeKind::Generator => {
                let text = self.context().place;
                self.errors.symbol("E0412", text, span);
                return;
            }
            _ => return,
        };
        self.errors.context("E0412", text, span);
    }

    // ------------------------------------------------------------ targets

    fn target(&mut self, target: &Expr) {
        match &target.kind {
            ExprKind::Name(name) => self.bind(name, target.span, Bind::Assign),
            ExprKind::Tuple(items) | ExprKind::List(items) => {
                self.check_stars(items, target.span);
                for item in items {
                    match &item.kind {
                        ExprKind::Starred(inner) => self.target(inner),
                        _ => self.target(item),
                    }
                }
            }
            ExprKind::Starred(inner) => {
                let text = "starred assignment target must be in a list or tuple";
                self.errors.context("E0413", text, target.span);
                self.target(inner);
            }
            ExprKind::Attribute { value, attr } => {
                self.check_debug(&attr.name, target.span);
                if matches!(&value.kind, ExprKind::Name(name) if name.as_str() == "self") {
                    self.note_static_attribute(&attr.name);
                }
                self.expr(value);
            }
            _ => self.expr(target),
        }
    }

    fn check_stars(&mut self, items: &[Expr], span: Span) {
        let starred = |item: &Expr| matches!(item.kind, ExprKind::Starred(_));
        let Some(at) = items.iter().position(starred) else {
            return;
        };
        if items[at + 1..].iter().any(starred) {
            let text = "multiple starred expressions in assignment";
            self.errors.context("E0413", text, span);
        }
        if at >= 1 << 8 || items.len() - at > 1 << 15 {
            let text = "too many expressions in star-unpacking assignment";
            self.errors.context("E0413", text, span);
        }
    }

    /// CPython 3.13 compile.c `compiler_maybe_add_static_attribute_to_class`.
    fn note_static_attribute(&mut self, attr: &Name) {
        let mut at = Some(self.cur);
        while let Some(id) = at {
            let scope = self.table.scope_mut(id);
            if scope.kind == ScopeKind::Class {
                if self.static_attributes.insert((id, attr.clone())) {
                    scope.static_attributes.push(attr.clone());
                }
                return;
            }
            at = scope.parent;
        }
    }

    fn comp_target(&mut self, target: &Expr) {
        match &target.kind {
            ExprKind::Name(name) => self.bind(name, target.span, Bind::CompTarget),
            ExprKind::Tuple(items) | ExprKind::List(items) => {
                self.check_stars(items, target.span);
                for item in items {
                    match &item.kind {
                        ExprKind::Starred(inner) => self.comp_target(inner),
                        _ => self.comp_target(item),
                    }
                }
            }
            _ => self.target(target),
        }
    }

    fn delete(&mut self, target: &Expr) {
        match &target.kind {
            ExprKind::Name(name) => {
                if name.as_str() == "__debug__" {
                    let text = "cannot delete __debug__";
                    self.errors.context("E0401", text, target.span);
                    return;
                }
                self.bind(name, target.span, Bind::Assign);
                let text = self.mangled(name);
                self.scope().entry(&text).deleted = true;
            }
            ExprKind::Tuple(items) | ExprKind::List(items) => {
                items.iter().for_each(|item| self.delete(item));
            }
            ExprKind::Attribute { value, attr } => {
                if attr.name.as_str() == "__debug__" {
                    let text = "cannot delete __debug__";
                    self.errors.context("E0401", text, target.span);
                }
                self.expr(value);
            }
            _ => self.expr(target),
        }
    }

    // ----------------------------------------------------------- patterns

    fn pattern(&mut self, pattern: &Pattern) {
        match &pattern.kind {
            PatternKind::Value(value) => self.expr(value),
            PatternKind::None
            | PatternKind::True
            | PatternKind::False
            | PatternKind::Wildcard
            | PatternKind::Star(None) => {}
            PatternKind::Capture(name) | PatternKind::Star(Some(name)) => {
                self.bind(&name.name, pattern.span, Bind::Assign);
            }
            PatternKind::Sequence(items) | PatternKind::Or(items) => {
                items.iter().for_each(|item| self.pattern(item));
            }
            PatternKind::Mapping { entries, rest } => {
                for entry in entries {
                    self.expr(&entry.key);
                    self.pattern(&entry.pattern);
                }
                if let Some(rest) = rest {
                    self.bind(&rest.name, rest.span, Bind::Assign);
                }
            }
            PatternKind::Class(node) => {
                self.expr(&node.class);
                node.positional.iter().for_each(|item| self.pattern(item));
                for (_, item) in &node.keywords {
                    self.pattern(item);
                }
            }
            PatternKind::As { pattern, name } => {
                self.pattern(pattern);
                self.bind(&name.name, name.span, Bind::Assign);
            }
        }
    }
}

const EXCEPT_STAR_EXIT: &str = "'break', 'continue' and 'return' cannot appear in an except* block";

fn is_future(import: &ImportFrom) -> bool {
    let Some(module) = &import.module else {
        return false;
    };
    import.level == 0 && module.parts.len() == 1 && module.parts[0].name.as_str() == "__future__"
}

/// CPython 3.13 symtable.c: a declaration after another mention is refused.
fn declared_late(name: &Name, flags: super::Flags, word: &str) -> Option<String> {
    if flags.param {
        Some(format!("name '{name}' is parameter and {word}"))
    } else if flags.used {
        Some(format!("name '{name}' is used prior to {word} declaration"))
    } else if flags.annotated {
        Some(format!("annotated name '{name}' can't be {word}"))
    } else if flags.bound {
        Some(format!(
            "name '{name}' is assigned to before {word} declaration"
        ))
    } else {
        None
    }
}

/// The first expression in an annotation that is text only which CPython still refuses.
fn refused_in_text(expr: &Expr) -> Option<(&'static str, Span)> {
    let list = |exprs: &[Expr]| exprs.iter().find_map(refused_in_text);
    match &expr.kind {
        ExprKind::Yield(_) | ExprKind::YieldFrom(_) => Some(("yield expression", expr.span)),
        ExprKind::Await(_) => Some(("await expression", expr.span)),
        ExprKind::Named { .. } => Some(("named expression", expr.span)),
        ExprKind::Unary { operand: value, .. }
        | ExprKind::Starred(value)
        | ExprKind::Attribute { value, .. } => refused_in_text(value),
        ExprKind::Subscript { value, index } => {
            refused_in_text(value).or_else(|| refused_in_text(index))
        }
        ExprKind::Tuple(items) | ExprKind::List(items) | ExprKind::Set(items) => list(items),
        ExprKind::BoolOp { values, .. } => list(values),
        ExprKind::Binary(node) => refused_in_text(&node.first).or_else(|| {
            let mut operands = node.rest.iter().map(|term| &term.operand);
            operands.find_map(refused_in_text)
        }),
        _ => None,
    }
}
