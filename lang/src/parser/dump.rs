//! Writes a syntax tree as one line of nested lists, for tests.

use crate::ast::*;

pub(crate) fn dump_module(module: &Module) -> String {
    let mut out = String::new();
    for stmt in &module.body {
        out.push_str(&format!("{}\n", stmt_text(stmt)));
    }
    out
}

fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    let texts: Vec<String> = items.iter().map(text).collect();
    format!("[{}]", texts.join(" "))
}

fn opt<T>(item: Option<&T>, text: impl Fn(&T) -> String) -> String {
    item.map_or("-".into(), text)
}

fn body(stmts: &[Stmt]) -> String {
    list(stmts, stmt_text)
}

fn exprs(items: &[Expr]) -> String {
    list(items, expr_text)
}

fn opt_expr(item: Option<&Expr>) -> String {
    opt(item, expr_text)
}

fn is_async(flag: bool) -> &'static str {
    if flag { "async-" } else { "" }
}

fn ident(name: &Ident) -> String {
    name.name.to_string()
}

pub(crate) fn stmt_text(stmt: &Stmt) -> String {
    match &stmt.kind {
        StmtKind::FunctionDef(def) => format!(
            "({}def {} {} {} {} {} {})",
            is_async(def.is_async),
            def.name.name,
            list(&def.type_params, type_param),
            params(&def.params),
            opt_expr(def.returns.as_ref()),
            exprs(&def.decorators),
            body(&def.body)
        ),
        StmtKind::ClassDef(def) => format!(
            "(class {} {} {} {} {})",
            def.name.name,
            list(&def.type_params, type_param),
            list(&def.args, arg),
            exprs(&def.decorators),
            body(&def.body)
        ),
        StmtKind::Return(value) => format!("(return {})", opt_expr(value.as_deref())),
        StmtKind::Delete(targets) => format!("(del {})", exprs(targets)),
        StmtKind::Assign { targets, value } => {
            format!("(= {} {})", exprs(targets), expr_text(value))
        }
        StmtKind::AugAssign {
            target, op, value, ..
        } => format!(
            "({}= {} {})",
            op.symbol(),
            expr_text(target),
            expr_text(value)
        ),
        StmtKind::AnnAssign {
            target,
            annotation,
            value,
            simple,
        } => format!(
            "(ann {} {} {} {})",
            expr_text(target),
            expr_text(annotation),
            opt_expr(value.as_deref()),
            u8::from(*simple)
        ),
        StmtKind::TypeAlias {
            name,
            type_params,
            value,
        } => format!(
            "(type {} {} {})",
            name.name,
            list(type_params, type_param),
            expr_text(value)
        ),
        StmtKind::For(f) => format!(
            "({}for {} {} {} {})",
            is_async(f.is_async),
            expr_text(&f.target),
            expr_text(&f.iter),
            body(&f.body),
            body(&f.orelse)
        ),
        StmtKind::While {
            test,
            body: stmts,
            orelse,
        } => format!(
            "(while {} {} {})",
            expr_text(test),
            body(stmts),
            body(orelse)
        ),
        StmtKind::If { branches, orelse } => {
            let branches = list(branches, |branch| {
                format!("{} {}", expr_text(&branch.test), body(&branch.body))
            });
            format!("(if {branches} {})", body(orelse))
        }
        StmtKind::With {
            items,
            body: stmts,
            is_async: flag,
        } => {
            let items = list(items, |item| {
                format!(
                    "{} {}",
                    expr_text(&item.context),
                    opt_expr(item.target.as_ref())
                )
            });
            format!("({}with {items} {})", is_async(*flag), body(stmts))
        }
        StmtKind::Match { subject, cases } => {
            let cases = list(cases, |case| {
                format!(
                    "(case {} {} {})",
                    pattern_text(&case.pattern),
                    opt_expr(case.guard.as_ref()),
                    body(&case.body)
                )
            });
            format!("(match {} {cases})", expr_text(subject))
        }
        StmtKind::Raise { exc, cause } => format!(
            "(raise {} {})",
            opt_expr(exc.as_deref()),
            opt_expr(cause.as_deref())
        ),
        StmtKind::Try(t) => {
            let handlers = list(&t.handlers, |handler| {
                format!(
                    "({} {} {})",
                    opt_expr(handler.exc_type.as_ref()),
                    opt(handler.name.as_ref(), ident),
                    body(&handler.body)
                )
            });
            format!(
                "(try{} {} {handlers} {} {})",
                if t.is_star { "*" } else { "" },
                body(&t.body),
                body(&t.orelse),
                body(&t.finalbody)
            )
        }
        StmtKind::Assert { test, msg } => {
            format!("(assert {} {})", expr_text(test), opt_expr(msg.as_deref()))
        }
        StmtKind::Import(modules) => {
            let modules = list(modules, |module| {
                format!(
                    "({} {})",
                    module.path.text(),
                    opt(module.asname.as_ref(), ident)
                )
            });
            format!("(import {modules})")
        }
        StmtKind::ImportFrom(from) => {
            let names = match &from.names {
                ImportNames::Star(_) => "[(* -)]".to_string(),
                ImportNames::Names(names) => list(names, |name| {
                    format!("({} {})", name.name.name, opt(name.asname.as_ref(), ident))
                }),
            };
            format!(
                "(from {} {} {names})",
                from.level,
                opt(from.module.as_ref(), DottedName::text)
            )
        }
        StmtKind::Global(names) => format!("(global {})", list(names, ident)),
        StmtKind::Nonlocal(names) => format!("(nonlocal {})", list(names, ident)),
        StmtKind::Expr(value) => expr_text(value),
        StmtKind::Pass => "pass".into(),
        StmtKind::Break => "break".into(),
        StmtKind::Continue => "continue".into(),
    }
}

fn param(param: &Param) -> String {
    format!(
        "({} {})",
        param.name.name,
        opt_expr(param.annotation.as_ref())
    )
    .replace(" -)", ")")
}

fn param_with_default(p: &Param) -> String {
    match &p.default {
        None => param(p),
        Some(default) => format!("({} = {})", param(p), expr_text(default)),
    }
}

fn params(params: &Params) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(params.posonly.iter().map(param_with_default));
    if !params.posonly.is_empty() {
        parts.push("/".into());
    }
    parts.extend(params.regular.iter().map(param_with_default));
    if let Some(vararg) = &params.vararg {
        parts.push(format!("*{}", param(vararg)));
    } else if !params.kwonly.is_empty() {
        parts.push("*".into());
    }
    parts.extend(params.kwonly.iter().map(param_with_default));
    if let Some(kwarg) = &params.kwarg {
        parts.push(format!("**{}", param(kwarg)));
    }
    format!("[{}]", parts.join(" "))
}

fn type_param(param: &TypeParam) -> String {
    let default = opt_expr(param.default.as_ref());
    match &param.kind {
        TypeParamKind::TypeVar { bound } => {
            format!(
                "({} {} {default})",
                param.name.name,
                opt_expr(bound.as_ref())
            )
        }
        TypeParamKind::TypeVarTuple => format!("(*{} {default})", param.name.name),
        TypeParamKind::ParamSpec => format!("(**{} {default})", param.name.name),
    }
}

fn arg(arg: &Arg) -> String {
    match arg {
        Arg::Positional(value) => expr_text(value),
        Arg::Star { value, .. } => format!("(* {})", expr_text(value)),
        Arg::Keyword { name, value, .. } => format!("{}={}", name.name, expr_text(value)),
        Arg::DoubleStar { value, .. } => format!("**{}", expr_text(value)),
    }
}

fn clauses(clauses: &[ForClause]) -> String {
    list(clauses, |clause| {
        format!(
            "({}for {} {} {})",
            is_async(clause.is_async),
            expr_text(&clause.target),
            expr_text(&clause.iter),
            exprs(&clause.conditions)
        )
    })
}

fn str_lit(lit: &StrLit) -> String {
    let mut out = String::from("'");
    for point in lit.code_points() {
        match char::from_u32(point) {
            Some(c @ (' '..='~')) if c != '\'' && c != '\\' => out.push(c),
            _ => out.push_str(&format!("\\{point:x};")),
        }
    }
    out.push('\'');
    out
}

fn fstring(f: &FString) -> String {
    list(&f.parts, |part| match part {
        FStringPart::Literal(lit) => str_lit(lit),
        FStringPart::Field(field) => {
            let conversion = match field.conversion {
                None => "-",
                Some(Conversion::Str) => "s",
                Some(Conversion::Repr) => "r",
                Some(Conversion::Ascii) => "a",
            };
            format!(
                "{{{} {conversion} {}}}",
                expr_text(&field.value),
                opt(field.format_spec.as_ref(), fstring)
            )
        }
    })
}

fn cmp_op(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => "==",
        CmpOp::NotEq => "!=",
        CmpOp::Lt => "<",
        CmpOp::LtE => "<=",
        CmpOp::Gt => ">",
        CmpOp::GtE => ">=",
        CmpOp::Is => "is",
        CmpOp::IsNot => "is-not",
        CmpOp::In => "in",
        CmpOp::NotIn => "not-in",
    }
}

pub(crate) fn expr_text(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Name(name) => name.to_string(),
        ExprKind::None => "None".into(),
        ExprKind::True => "True".into(),
        ExprKind::False => "False".into(),
        ExprKind::Ellipsis => "...".into(),
        ExprKind::Int(value) => value.to_string(),
        ExprKind::BigInt(value) => value.to_string(),
        ExprKind::Float(value) => format!("f{:016x}", value.to_bits()),
        ExprKind::Complex(value) => format!("j{:016x}", value.to_bits()),
        ExprKind::Str(lit) => str_lit(lit),
        ExprKind::Bytes(bytes) => {
            let points = bytes.iter().map(|&byte| u32::from(byte)).collect();
            format!("b{}", str_lit(&StrLit::CodePoints(points)))
        }
        ExprKind::FString(f) => format!("f{}", fstring(f)),
        ExprKind::Unary { op, operand } => {
            let op = match op {
                UnaryOp::Not => "not",
                UnaryOp::Neg => "-",
                UnaryOp::Pos => "+",
                UnaryOp::Invert => "~",
            };
            format!("({op} {})", expr_text(operand))
        }
        ExprKind::Binary(chain) => {
            let mut text = expr_text(&chain.first);
            for term in &chain.rest {
                text = format!("({} {text} {})", term.op.symbol(), expr_text(&term.operand));
            }
            text
        }
        ExprKind::BoolOp { op, values } => {
            let op = match op {
                BoolOp::And => "and",
                BoolOp::Or => "or",
            };
            format!("({op} {})", exprs(values))
        }
        ExprKind::Compare(chain) => {
            let rest = list(&chain.rest, |term| {
                format!("{} {}", cmp_op(term.op), expr_text(&term.operand))
            });
            format!("(cmp {} {rest})", expr_text(&chain.first))
        }
        ExprKind::Lambda(lambda) => format!(
            "(lambda {} {})",
            params(&lambda.params),
            expr_text(&lambda.body)
        ),
        ExprKind::IfExp(parts) => format!(
            "(?: {} {} {})",
            expr_text(&parts.test),
            expr_text(&parts.body),
            expr_text(&parts.orelse)
        ),
        ExprKind::Dict(items) => {
            let items = list(items, |item| match item {
                DictItem::Pair { key, value } => {
                    format!("{}:{}", expr_text(key), expr_text(value))
                }
                DictItem::Spread(value) => format!("**{}", expr_text(value)),
            });
            format!("(dict {items})")
        }
        ExprKind::Set(items) => format!("(set {})", exprs(items)),
        ExprKind::List(items) => format!("(list {})", exprs(items)),
        ExprKind::Tuple(items) => format!("(tuple {})", exprs(items)),
        ExprKind::ListComp(comp) => comprehension("list-comp", comp),
        ExprKind::SetComp(comp) => comprehension("set-comp", comp),
        ExprKind::Generator(comp) => comprehension("gen", comp),
        ExprKind::DictComp(comp) => format!(
            "(dict-comp {}:{} {})",
            expr_text(&comp.key),
            expr_text(&comp.value),
            clauses(&comp.clauses)
        ),
        ExprKind::Await(value) => format!("(await {})", expr_text(value)),
        ExprKind::Yield(value) => format!("(yield {})", opt_expr(value.as_deref())),
        ExprKind::YieldFrom(value) => format!("(yield-from {})", expr_text(value)),
        ExprKind::Call(call) => {
            format!("(call {} {})", expr_text(&call.func), list(&call.args, arg))
        }
        ExprKind::Attribute { value, attr } => format!("(. {} {})", expr_text(value), attr.name),
        ExprKind::Subscript { value, index } => {
            format!("(@ {} {})", expr_text(value), expr_text(index))
        }
        ExprKind::Slice(parts) => format!(
            "(slice {} {} {})",
            opt_expr(parts.lower.as_ref()),
            opt_expr(parts.upper.as_ref()),
            opt_expr(parts.step.as_ref())
        ),
        ExprKind::Starred(value) => format!("(* {})", expr_text(value)),
        ExprKind::Named { target, value } => format!("(:= {} {})", target.name, expr_text(value)),
    }
}

fn comprehension(kind: &str, comp: &Comprehension) -> String {
    format!(
        "({kind} {} {})",
        expr_text(&comp.element),
        clauses(&comp.clauses)
    )
}

fn pattern_text(pattern: &Pattern) -> String {
    match &pattern.kind {
        PatternKind::Value(value) => format!("(value {})", expr_text(value)),
        PatternKind::None => "None".into(),
        PatternKind::True => "True".into(),
        PatternKind::False => "False".into(),
        PatternKind::Wildcard => "_".into(),
        PatternKind::Capture(name) => format!("${}", name.name),
        PatternKind::Sequence(all) => format!("(seq {})", list(all, pattern_text)),
        PatternKind::Star(name) => format!("*{}", opt(name.as_ref(), ident)),
        PatternKind::Mapping { entries, rest } => {
            let entries = list(entries, |entry| {
                format!("{}:{}", expr_text(&entry.key), pattern_text(&entry.pattern))
            });
            format!("(map {entries} {})", opt(rest.as_ref(), ident))
        }
        PatternKind::Class(class) => {
            let keywords = list(&class.keywords, |(name, pattern)| {
                format!("{}={}", name.name, pattern_text(pattern))
            });
            format!(
                "(class {} {} {keywords})",
                expr_text(&class.class),
                list(&class.positional, pattern_text)
            )
        }
        PatternKind::Or(all) => format!("(| {})", list(all, pattern_text)),
        PatternKind::As { pattern, name } => {
            format!("(as {} {})", pattern_text(pattern), name.name)
        }
    }
}
