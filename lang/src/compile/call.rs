//! Compiles calls: arguments are evaluated straight into the call's window at
//! the top of the registers.

use super::expr::{BATCH, is_starred};
use super::frame::Frame;
use crate::ast::*;
use crate::bytecode::{Const, Op, Reg};
use crate::fold;
use crate::scope::{Access, ScopeKind};
use crate::source::Span;
use crate::subset::{self, Refusal};

fn plus(reg: Reg, n: usize) -> Reg {
    Reg(reg.0.wrapping_add(n as u16))
}

/// Bit 1 of CallEx: the arguments are those of a lone `*`.
const LONE_STAR: u8 = 2;
/// Bits of CallSuper.
const SUPER_NO_PARAM: u8 = 2;
const SUPER_NO_CLASS: u8 = 4;

/// The arguments of a call, as CPython evaluates them: positional ones first.
struct Args<'a> {
    positional: Vec<&'a Expr>,
    keywords: Vec<(&'a Ident, &'a Expr)>,
    /// A star, two stars or too many arguments: the call takes a list and a dict.
    spread: bool,
}

fn sort_args(args: &[Arg]) -> Args<'_> {
    let mut sorted = Args {
        positional: Vec::new(),
        keywords: Vec::new(),
        spread: args.len() > BATCH,
    };
    for arg in args {
        match arg {
            Arg::Positional(value) => {
                sorted.spread |= is_starred(value);
                sorted.positional.push(value);
            }
            Arg::Keyword { name, value, .. } => sorted.keywords.push((name, value)),
            Arg::Star { .. } | Arg::DoubleStar { .. } => sorted.spread = true,
        }
    }
    sorted
}

impl<'a> Frame<'a> {
    /// `x` of the call says whether the next instruction awaits its result.
    pub fn call(&mut self, call: &'a Call, dst: Reg, span: Span, awaited: bool) {
        let x = awaited as u8;
        // Called late, the builtin itself is what refuses.
        if !self.shared.options.refuse_late
            && let Some(refusal) = self.refused(call)
        {
            self.refuse(refusal, span);
        }
        if self.is_zero_super(call) {
            self.super_call(call, dst, span, x);
            return;
        }
        let args = sort_args(&call.args);
        if !args.spread
            && let ExprKind::Attribute { value, attr } = &call.func.kind
        {
            self.method_call(call, value, attr, &args, dst, span, x);
            return;
        }
        let mark = self.regs.mark();
        let window = self.window_at(dst);
        self.expr(&call.func, window);
        self.call_window(&call.args, window, dst, span, x);
        self.regs.release(mark);
    }

    /// Calls what stands in `window`, the topmost register, with `args`.
    fn call_window(&mut self, args: &'a [Arg], window: Reg, dst: Reg, span: Span, x: u8) {
        let sorted = sort_args(args);
        if sorted.spread {
            self.spread_call(args, 0, None, window, dst, span, x);
        } else {
            self.plain_call(&sorted, 0, None, window, dst, span, x);
        }
    }

    /// As `call_window`: `n_ready` arguments stand in the window already, and
    /// `extra` is one more positional argument after those of `args`.
    pub fn call_prepared(
        &mut self,
        args: &'a [Arg],
        n_ready: usize,
        extra: Option<Reg>,
        window: Reg,
        dst: Reg,
        span: Span,
    ) {
        let sorted = sort_args(args);
        if sorted.spread {
            self.spread_call(args, n_ready, extra, window, dst, span, 0);
        } else {
            self.plain_call(&sorted, n_ready, extra, window, dst, span, 0);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn plain_call(
        &mut self,
        args: &Args<'a>,
        n_ready: usize,
        extra: Option<Reg>,
        window: Reg,
        dst: Reg,
        span: Span,
        x: u8,
    ) {
        for value in &args.positional {
            let reg = self.regs.alloc();
            self.expr(value, reg);
        }
        let mut n = n_ready + args.positional.len();
        if let Some(extra) = extra {
            let reg = self.regs.alloc();
            self.asm.move_to(reg, extra);
            n += 1;
        }
        n += self.keyword_values(&args.keywords);
        self.at(span);
        if args.keywords.is_empty() {
            self.asm.emit(Op::Call, x, dst.0, window.0, n as u16, &[]);
        } else if self.asm.reachable() {
            let names = self.keyword_names(&args.keywords);
            self.asm
                .emit(Op::CallKw, x, dst.0, window.0, n as u16, &[names]);
        }
    }

    /// The first register of a call's window: `dst` where that is the topmost
    /// temporary, else a new one.
    fn window_at(&mut self, dst: Reg) -> Reg {
        if self.regs.is_topmost(dst) {
            dst
        } else {
            self.regs.alloc()
        }
    }

    fn keyword_values(&mut self, keywords: &[(&'a Ident, &'a Expr)]) -> usize {
        for (_, value) in keywords {
            let reg = self.regs.alloc();
            self.expr(value, reg);
        }
        keywords.len()
    }

    fn keyword_names(&mut self, keywords: &[(&Ident, &Expr)]) -> u32 {
        let name = |(name, _): &(&Ident, &Expr)| text(&name.name);
        let names = keywords.iter().map(name).collect();
        self.asm.constant(Const::Tuple(names))
    }

    /// The refusal of a builtin's call by its bare name, which the module does
    /// not bind itself.
    fn refused(&self, call: &Call) -> Option<&'static Refusal> {
        let ExprKind::Name(name) = &call.func.kind else {
            return None;
        };
        let refusal = subset::refused_call(name)?;
        let reaches_builtin = match self.access(name) {
            Access::Global => true,
            Access::ClassName => {
                let symbol = self.table().lookup(self.scope, name);
                symbol.is_none_or(|symbol| !symbol.is_own())
            }
            _ => false,
        };
        (reaches_builtin && !self.table().module_may_bind(name)).then_some(refusal)
    }

    // -------------------------------------------------------------- methods

    /// CPython looks the method up before it evaluates the arguments. One
    /// instruction does both where nobody can tell: the arguments neither
    /// raise nor run code.
    #[allow(clippy::too_many_arguments)]
    fn method_call(
        &mut self,
        call: &'a Call,
        object: &'a Expr,
        attr: &Ident,
        args: &Args<'a>,
        dst: Reg,
        span: Span,
        x: u8,
    ) {
        let mark = self.regs.mark();
        let n_args = args.positional.len() + args.keywords.len();
        let window = self.window_at(dst);
        let receiver = self.regs.alloc();
        let call_span = self.attr_span(attr, span);
        let keyword_values = args.keywords.iter().map(|(_, value)| *value);
        let simple = args
            .positional
            .iter()
            .copied()
            .chain(keyword_values)
            .all(|arg| self.is_inert(arg));
        let mut func_span = self.attr_span_of(&call.func);
        let super_call = self.super_of(object, attr);
        if super_call.is_some() {
            func_span = call.func.span;
        }
        if simple {
            match super_call {
                Some(inner) => self.call(inner, receiver, func_span, false),
                None => self.expr(object, receiver),
            }
        } else {
            let inner = self.regs.mark();
            let object = match super_call {
                Some(call) => {
                    let reg = self.regs.alloc();
                    self.call(call, reg, func_span, false);
                    reg
                }
                None => self.operand(object),
            };
            self.regs.release(inner);
            self.at(func_span);
            let name = self.attr_name(attr);
            self.asm
                .emit(Op::LoadMethod, 0, window.0, object.0, 0, &[name]);
        }
        for value in &args.positional {
            let reg = self.regs.alloc();
            self.expr(value, reg);
        }
        self.keyword_values(&args.keywords);
        self.regs.release(mark);
        self.at(if simple { func_span } else { call_span });
        if !self.asm.reachable() {
            return;
        }
        let n = n_args as u16;
        let has_keywords = !args.keywords.is_empty();
        match (simple, has_keywords) {
            (true, false) => {
                let name = self.attr_name(attr);
                self.asm
                    .emit(Op::CallMethod, x, dst.0, window.0, n, &[name]);
                self.asm.go_on_at(Op::CallMethod, call_span);
            }
            (true, true) => {
                let name = self.attr_name(attr);
                let names = self.keyword_names(&args.keywords);
                self.asm
                    .emit(Op::CallMethodKw, x, dst.0, window.0, n, &[name, names]);
                self.asm.go_on_at(Op::CallMethodKw, call_span);
            }
            (false, false) => {
                self.asm.emit(Op::CallLoaded, x, dst.0, window.0, n, &[]);
            }
            (false, true) => {
                let names = self.keyword_names(&args.keywords);
                self.asm
                    .emit(Op::CallLoadedKw, x, dst.0, window.0, n, &[names]);
            }
        }
    }

    /// The call of `super` that an attribute is asked of, where CPython makes one instruction of
    /// both, which stands where the attribute does: compile.c can_optimize_super_call.
    pub fn super_of<'b>(&self, object: &'b Expr, attr: &Ident) -> Option<&'b Call> {
        let ExprKind::Call(call) = &object.kind else {
            return None;
        };
        let ExprKind::Name(name) = &call.func.kind else {
            return None;
        };
        let is_plain = |arg: &Arg| matches!(arg, Arg::Positional(value) if !is_starred(value));
        let fits = name.as_str() == "super"
            && attr.name.as_str() != "__class__"
            && self.access(name) == Access::Global
            && !self.table().module_has(name)
            && match call.args.len() {
                0 => {
                    let class = self.access(&Name::from("__class__"));
                    self.first_is_positional && matches!(class, Access::Free(_))
                }
                n => n == 2 && call.args.iter().all(is_plain),
            };
        fits.then_some(call)
    }

    fn attr_span_of(&self, func: &Expr) -> Span {
        match &func.kind {
            ExprKind::Attribute { attr, .. } => self.attr_span(attr, func.span),
            _ => func.span,
        }
    }

    /// Whether evaluating the expression can neither raise nor be observed.
    fn is_inert(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Name(name) => match self.access(name) {
                Access::Local(var) if !self.table().symbol(var).captured => {
                    self.asm.is_bound(self.vars[&var])
                }
                _ => name.as_str() == "__debug__",
            },
            ExprKind::Tuple(items) | ExprKind::List(items) => {
                items.iter().all(|item| self.is_inert(item))
            }
            ExprKind::Starred(_) => false,
            _ => fold::constant(expr).is_some(),
        }
    }

    // ---------------------------------------------------------- * and **

    /// `n_ready` arguments stand right above the callee; they move into the list.
    #[allow(clippy::too_many_arguments)]
    fn spread_call(
        &mut self,
        args: &'a [Arg],
        n_ready: usize,
        extra: Option<Reg>,
        window: Reg,
        dst: Reg,
        span: Span,
        mut x: u8,
    ) {
        let list = plus(window, 1);
        let dict = plus(window, 2);
        if n_ready < 2 {
            self.regs.alloc_n(2 - n_ready as u32);
        }
        let positional: Vec<&Arg> = args
            .iter()
            .filter(|arg| matches!(arg, Arg::Positional(_) | Arg::Star { .. }))
            .collect();
        match positional[..] {
            [Arg::Star { value, .. }] if extra.is_none() && n_ready == 0 => {
                self.expr(value, list);
                x |= LONE_STAR;
            }
            _ => self.spread_list(&positional, n_ready, extra, list, span),
        }
        self.spread_dict(args, window, dict, span);
        self.at(span);
        self.asm.emit(Op::CallEx, x, dst.0, window.0, 0, &[]);
    }

    fn spread_list(
        &mut self,
        args: &[&'a Arg],
        n_ready: usize,
        extra: Option<Reg>,
        list: Reg,
        span: Span,
    ) {
        let mark = self.regs.mark();
        let mut run = n_ready;
        let is_plain = |arg: &&&Arg| matches!(arg, Arg::Positional(value) if !is_starred(value));
        let leading = args.iter().take_while(is_plain).count().min(BATCH);
        let first = if n_ready > 0 {
            // They are the list's first items where they stand.
            list
        } else {
            self.regs.alloc_n(leading as u32)
        };
        if n_ready > 0 {
            self.regs.alloc_n(leading as u32);
        }
        for arg in &args[..leading] {
            if let Arg::Positional(value) = arg {
                self.expr(value, plus(first, run));
                run += 1;
            }
        }
        self.at(span);
        self.asm
            .emit(Op::BuildList, 0, list.0, first.0, run as u16, &[]);
        self.regs.release(mark);
        for arg in &args[leading..] {
            let (op, value) = match arg {
                Arg::Star { value, .. } => (Op::ListExtend, value),
                Arg::Positional(value) => match &value.kind {
                    ExprKind::Starred(value) => (Op::ListExtend, &**value),
                    _ => (Op::ListAppend, value),
                },
                Arg::Keyword { .. } | Arg::DoubleStar { .. } => continue,
            };
            let value = self.operand(value);
            self.at(span);
            self.asm.ab(op, list, value);
            self.regs.release(mark);
        }
        if let Some(extra) = extra {
            self.asm.ab(Op::ListAppend, list, extra);
        }
    }

    fn spread_dict(&mut self, args: &'a [Arg], callee: Reg, dict: Reg, span: Span) {
        let is_named = |arg: &Arg| matches!(arg, Arg::Keyword { .. } | Arg::DoubleStar { .. });
        if !args.iter().any(is_named) {
            self.asm.a(Op::LoadNone, dict);
            return;
        }
        let mark = self.regs.mark();
        // CPython gathers neighbouring keywords in a dict of their own and
        // merges them: a name given twice is then found in source order.
        let leading: Vec<(&Ident, &Expr)> = args
            .iter()
            .filter(|arg| is_named(arg))
            .map_while(|arg| match arg {
                Arg::Keyword { name, value, .. } => Some((name, value)),
                _ => None,
            })
            .take(BATCH / 2)
            .collect();
        self.keyword_dict(&leading, dict, span);
        self.regs.release(mark);
        for arg in args.iter().filter(|arg| is_named(arg)).skip(leading.len()) {
            match arg {
                Arg::DoubleStar { value, .. } => {
                    let value = self.operand(value);
                    self.at(span);
                    self.asm.abc(Op::DictMerge, dict, value, callee);
                }
                Arg::Keyword { name, value, .. } => {
                    let one = self.regs.alloc();
                    self.keyword_dict(&[(name, value)], one, span);
                    self.asm.abc(Op::DictMerge, dict, one, callee);
                }
                Arg::Positional(_) | Arg::Star { .. } => {}
            }
            self.regs.release(mark);
        }
    }

    fn keyword_dict(&mut self, keywords: &[(&'a Ident, &'a Expr)], dict: Reg, span: Span) {
        let first = self.regs.alloc_n(2 * keywords.len() as u32);
        for (index, (name, value)) in keywords.iter().enumerate() {
            self.at(span);
            self.asm
                .load_const(plus(first, 2 * index), text(&name.name));
            self.expr(value, plus(first, 2 * index + 1));
        }
        self.at(span);
        let n = keywords.len() as u16;
        self.asm.emit(Op::BuildDict, 0, dict.0, first.0, n, &[]);
    }

    // ---------------------------------------------------------------- super

    /// `super()` in a function, where `super` is nothing of the script's own functions.
    fn is_zero_super(&self, call: &Call) -> bool {
        let ExprKind::Name(name) = &call.func.kind else {
            return false;
        };
        name.as_str() == "super"
            && call.args.is_empty()
            && self.access(name) == Access::Global
            && !matches!(self.kind(), ScopeKind::Module | ScopeKind::Class)
    }

    fn super_call(&mut self, call: &'a Call, dst: Reg, span: Span, mut x: u8) {
        let mark = self.regs.mark();
        let window = self.window_at(dst);
        self.regs.alloc_n(2);
        self.expr(&call.func, window);
        self.at(span);
        let class = Name::from("__class__");
        match self.access(&class) {
            // An empty cell is for `super` to complain of.
            Access::Free(free) => {
                let to = plus(window, 1);
                self.asm.emit(Op::LoadFree, 1, to.0, free, 0, &[]);
            }
            _ => {
                self.asm.a(Op::LoadUnbound, plus(window, 1));
                x |= SUPER_NO_CLASS;
            }
        }
        let first = self.table().scope(self.id).symbols.first();
        match first {
            Some(symbol) if symbol.is_param() && self.first_is_positional => {
                let reg = Reg(0);
                if symbol.captured {
                    self.asm.ab(Op::LoadCell, plus(window, 2), reg);
                } else {
                    self.asm.move_to(plus(window, 2), reg);
                }
            }
            _ => {
                self.asm.a(Op::LoadUnbound, plus(window, 2));
                x |= SUPER_NO_PARAM;
            }
        }
        self.asm.emit(Op::CallSuper, x, dst.0, window.0, 0, &[]);
        self.regs.release(mark);
    }
}

/// A name as a str constant.
pub(super) fn text(name: &str) -> Const {
    Const::Str(StrLit::Text(String::from(name)))
}
