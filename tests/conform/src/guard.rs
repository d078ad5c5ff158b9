//! Keeps what a test file asks for and doesn't get from costing the whole file: each statement of a
//! module and of a class body stands in a `try` of its own. What is refused or missing is noted with
//! the names it would have bound, in the stand-in `_refusals`, where it counts as a test of its own;
//! so does each test that lacks one of the names.

use lockstep_lang::ast::{
    Arg, ExceptHandler, Expr, ExprKind, ImportFrom, ImportNames, Module, Stmt, StmtKind, StrLit,
    Try,
};
use lockstep_lang::parser;
use lockstep_lang::source::{Source, Span};

/// What a handler looks like; it is parsed once, and its last argument replaced.
const HANDLER: &str = "\
try:
    pass
except (Unsupported, NameError, AttributeError, ImportError):
    __import__('_refusals').note('NAMES')
";

/// Guards the statements of a module.
pub fn guard(module: &mut Module) {
    let template = parser::parse_module(&Source::new("<guard>", HANDLER)).module;
    if let Some(StmtKind::Try(template)) = template.body.into_iter().next().map(|stmt| stmt.kind) {
        guard_all(&mut module.body, &template);
    }
}

fn guard_all(body: &mut Vec<Stmt>, template: &Try) {
    let statements = std::mem::take(body);
    for (index, mut stmt) in statements.into_iter().enumerate() {
        if let StmtKind::ClassDef(class) = &mut stmt.kind {
            guard_all(&mut class.body, template);
        }
        let span = stmt.span;
        if is_left_alone(&stmt, index == 0) {
            body.push(stmt);
            continue;
        }
        for stmt in split(stmt) {
            let mut names = Vec::new();
            bound_names(&stmt, &mut names);
            let mut guarded = template.clone();
            note_names(&mut guarded.handlers, names.join(" "), span);
            guarded.body = vec![stmt];
            body.push(Stmt {
                kind: StmtKind::Try(Box::new(guarded)),
                span,
            });
        }
    }
}

/// What can't be refused, or may stand nowhere else.
fn is_left_alone(stmt: &Stmt, is_first: bool) -> bool {
    match &stmt.kind {
        StmtKind::Expr(value) => is_first && matches!(value.kind, ExprKind::Str(_)),
        StmtKind::ImportFrom(import) => {
            let is_star = matches!(import.names, ImportNames::Star(_));
            is_star || module_of(import) == "__future__"
        }
        StmtKind::FunctionDef(def) => def.decorators.is_empty(),
        StmtKind::Pass | StmtKind::Global(_) | StmtKind::Nonlocal(_) => true,
        _ => false,
    }
}

fn module_of(import: &ImportFrom) -> &str {
    let path = import.module.as_ref();
    path.and_then(|path| path.parts.first())
        .map_or("", |part| part.name.as_str())
}

/// An import of several names as one import for each.
fn split(stmt: Stmt) -> Vec<Stmt> {
    let StmtKind::ImportFrom(import) = stmt.kind else {
        return vec![stmt];
    };
    let ImportNames::Names(names) = import.names else {
        return Vec::new();
    };
    let (level, module) = (import.level, import.module);
    let one = |name| Stmt {
        kind: StmtKind::ImportFrom(Box::new(ImportFrom {
            level,
            module: module.clone(),
            names: ImportNames::Names(vec![name]),
        })),
        span: stmt.span,
    };
    names.into_iter().map(one).collect()
}

/// The names that a statement binds where it stands, as far as tests miss them.
fn bound_names(stmt: &Stmt, names: &mut Vec<String>) {
    let name_of = |target: &Expr| match &target.kind {
        ExprKind::Name(name) => vec![name.to_string()],
        ExprKind::Tuple(items) | ExprKind::List(items) => items
            .iter()
            .filter_map(|item| match &item.kind {
                ExprKind::Name(name) => Some(name.to_string()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    match &stmt.kind {
        StmtKind::FunctionDef(def) => names.push(def.name.name.to_string()),
        StmtKind::ClassDef(def) => names.push(def.name.name.to_string()),
        StmtKind::Assign { targets, .. } => names.extend(targets.iter().flat_map(name_of)),
        StmtKind::AnnAssign { target, .. } => names.extend(name_of(target)),
        StmtKind::For(node) => names.extend(name_of(&node.target)),
        StmtKind::ImportFrom(import) => {
            if let ImportNames::Names(imported) = &import.names {
                let bound = imported
                    .iter()
                    .map(|name| name.asname.as_ref().unwrap_or(&name.name));
                names.extend(bound.map(|ident| ident.name.to_string()));
            }
        }
        StmtKind::If { branches, orelse } => {
            for inner in branches.iter().flat_map(|b| &b.body).chain(orelse) {
                bound_names(inner, names);
            }
        }
        StmtKind::With { body, .. } => body.iter().for_each(|inner| bound_names(inner, names)),
        StmtKind::Try(node) => node.body.iter().for_each(|inner| bound_names(inner, names)),
        _ => {}
    }
}

/// Puts the names in the place of the template's argument.
fn note_names(handlers: &mut [ExceptHandler], names: String, span: Span) {
    let handler = handlers.first_mut();
    let Some(note) = handler.and_then(|handler| handler.body.first_mut()) else {
        return;
    };
    if let StmtKind::Expr(value) = &mut note.kind
        && let ExprKind::Call(call) = &mut value.kind
    {
        let kind = ExprKind::Str(StrLit::Text(names));
        call.args = vec![Arg::Positional(Expr { kind, span })];
    }
}
