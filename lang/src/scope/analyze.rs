//! Takes the collected scopes, decides for each name where its variable lives,
//! and which frames capture it. Rejects `nonlocal` without a binding.
//!
//! CPython 3.13 symtable.c `analyze_name` is the rule; the walk differs: each
//! name looks upward by itself, and marks what it captures on the way.

use super::{Access, Errors, FreeVar, MODULE, ScopeId, ScopeKind, ScopeTable, VarId};
use crate::ast::Name;
use crate::source::Span;

/// A `nonlocal` statement's name, checked once all scopes are known.
pub(super) struct NonlocalUse {
    pub scope: ScopeId,
    pub name: Name,
    pub span: Span,
}

enum Found {
    Var(VarId),
    Global,
}

pub(super) fn analyze(table: &mut ScopeTable, errors: &mut Errors) {
    let _ = errors;
    for scope in 0..table.scopes.len() as u32 {
        let scope = ScopeId(scope);
        for symbol in 0..table.scope(scope).symbols.len() as u32 {
            let var = VarId { scope, symbol };
            let access = access_of(table, var);
            let entry = table.symbol_mut(var);
            entry.access = access;
            let (walrus, deleted) = (entry.walrus, entry.deleted);
            if let Access::Local(home) = access {
                let home = table.symbol_mut(home);
                home.walrus |= walrus;
                home.deleted |= deleted;
            }
        }
    }
}

/// Checks the `nonlocal` statements: what they name must be a function's variable.
pub(super) fn check_nonlocals(table: &ScopeTable, uses: &[NonlocalUse], errors: &mut Errors) {
    for NonlocalUse { scope, name, span } in uses {
        let found = match table.scope(*scope).parent {
            None => {
                let text = "nonlocal declaration not allowed at module level";
                errors.symbol("E0304", text, *span);
                continue;
            }
            Some(parent) => find_enclosing(table, parent, name),
        };
        match found {
            Found::Var(var) if table.scope(var.scope).kind == ScopeKind::TypeParams => {
                let text = format!("nonlocal binding not allowed for type parameter '{name}'");
                errors.symbol("E0305", text, *span);
            }
            Found::Var(_) => {}
            Found::Global => {
                let text = format!("no binding for nonlocal '{name}' found");
                errors.symbol("E0303", text, *span);
            }
        }
    }
}

fn access_of(table: &mut ScopeTable, var: VarId) -> Access {
    let scope = table.scope(var.scope);
    let symbol = &scope.symbols[var.symbol as usize];
    // The implicit symbols of a class body are registers that no name reaches.
    if scope.class_cell == Some(var.symbol) || scope.class_dict == Some(var.symbol) {
        return Access::Local(var);
    }
    let name = symbol.name.clone();
    name_access(table, var.scope, var.scope, &name)
}

/// How code of `user` reaches `name`, seen from `scope`, which is `user` or a
/// scope around it that shows `user` all its names.
fn name_access(table: &mut ScopeTable, user: ScopeId, scope: ScopeId, name: &Name) -> Access {
    let here = table.scope(scope);
    let flags = here.flags(name);
    let (parent, frame) = (here.parent, here.frame);
    if flags.global || scope == MODULE {
        return Access::Global;
    }
    let above = parent.unwrap_or(MODULE);
    if flags.nonlocal || flags.lifted {
        return match find_enclosing(table, above, name) {
            Found::Global => global_access(table, user),
            Found::Var(var) => match reach(table, user, var) {
                Access::Free(free) if here_is_class(table, scope) => Access::ClassFree(free),
                access => access,
            },
        };
    }
    match here.kind {
        ScopeKind::Class if flags.bound => Access::ClassName,
        ScopeKind::Class => match find_enclosing(table, above, name) {
            Found::Global => Access::ClassName,
            Found::Var(var) => match reach(table, user, var) {
                Access::Free(free) => Access::ClassFree(free),
                access => access,
            },
        },
        _ if flags.bound => {
            let symbol = here.index[name];
            reach(table, user, VarId { scope, symbol })
        }
        ScopeKind::TypeParams => name_access(table, user, above, name),
        ScopeKind::Thunk => thunk_access(table, user, above, name),
        _ => match find_enclosing(table, above, name) {
            Found::Global => global_access(table, user),
            // CPython 3.13 symtable.c inline_comprehension: never free through the class itself.
            Found::Var(var) if is_class_cell(table, var) && frame == var.scope => Access::Global,
            Found::Var(var) => reach(table, user, var),
        },
    }
}

fn is_class_cell(table: &ScopeTable, var: VarId) -> bool {
    table.scope(var.scope).class_cell == Some(var.symbol)
}

/// How code of `user` reaches a name that no function around it binds. A comprehension that runs
/// in the frame of a fragment's body sees that body's names.
fn global_access(table: &ScopeTable, user: ScopeId) -> Access {
    let here = table.scope(user);
    let body = table.scope(here.frame);
    match here.kind == ScopeKind::Comprehension && body.is_fragment() {
        true => Access::ClassName,
        false => Access::Global,
    }
}

fn here_is_class(table: &ScopeTable, scope: ScopeId) -> bool {
    table.scope(scope).kind == ScopeKind::Class
}

/// A thunk that stands in a class body sees the names of that body.
fn thunk_access(table: &mut ScopeTable, user: ScopeId, from: ScopeId, name: &Name) -> Access {
    let mut at = from;
    while matches!(
        table.scope(at).kind,
        ScopeKind::TypeParams | ScopeKind::Thunk
    ) && !table.scope(at).flags(name).bound
    {
        let Some(parent) = table.scope(at).parent else {
            break;
        };
        at = parent;
    }
    if table.scope(at).kind != ScopeKind::Class {
        return match find_enclosing(table, at, name) {
            Found::Global => Access::Global,
            Found::Var(var) => reach(table, user, var),
        };
    }
    let flags = table.scope(at).flags(name);
    if flags.global {
        return Access::Global;
    }
    let class_dict = match table.scope(at).class_dict {
        Some(symbol) => symbol,
        None => {
            let scope = table.scope_mut(at);
            let symbol = scope.push_symbol(Name::from("__classdict__"));
            scope.class_dict = Some(symbol);
            let var = VarId { scope: at, symbol };
            table.symbol_mut(var).access = Access::Local(var);
            symbol
        }
    };
    let dict_var = VarId {
        scope: at,
        symbol: class_dict,
    };
    let Access::Free(dict) = reach(table, user, dict_var) else {
        unreachable!("a thunk is a frame inside the class body's frame");
    };
    let above = table.scope(at).parent.unwrap_or(MODULE);
    let outer = match flags.bound && !flags.nonlocal {
        true => Found::Global,
        false => find_enclosing(table, above, name),
    };
    match outer {
        Found::Global => Access::DictGlobal { dict },
        Found::Var(var) => match reach(table, user, var) {
            Access::Free(free) => Access::DictFree { dict, free },
            access => access,
        },
    }
}

/// The variable that `name` means to a function inside `scope`.
fn find_enclosing(table: &ScopeTable, scope: ScopeId, name: &Name) -> Found {
    let mut at = Some(scope);
    while let Some(id) = at {
        let here = table.scope(id);
        match here.kind {
            ScopeKind::Module => return Found::Global,
            ScopeKind::Class => {
                if let Some(symbol) = here.class_cell
                    && name.as_str() == "__class__"
                {
                    return Found::Var(VarId { scope: id, symbol });
                }
            }
            _ => {
                let flags = here.flags(name);
                if flags.global {
                    return Found::Global;
                }
                if flags.bound && !flags.nonlocal && !flags.lifted {
                    let symbol = here.index[name];
                    return Found::Var(VarId { scope: id, symbol });
                }
            }
        }
        at = here.parent;
    }
    Found::Global
}

/// How code of `user` reaches the variable `var`; where frames lie between,
/// the variable becomes a cell that each of them captures.
fn reach(table: &mut ScopeTable, user: ScopeId, var: VarId) -> Access {
    let home = table.scope(var.scope).frame;
    let user_frame = table.scope(user).frame;
    if user_frame == home {
        return Access::Local(var);
    }
    let name = table.symbol(var).name.clone();
    table.symbol_mut(var).captured = true;
    let mut frame = user_frame;
    while frame != home {
        let scope = table.scope_mut(frame);
        if scope.free_index.contains_key(&var) {
            break;
        }
        // An overflow is reported when the frame is compiled.
        let index = scope.free.len().min(u16::MAX as usize) as u16;
        scope.free_index.insert(var, index);
        scope.free.push(FreeVar {
            name: name.clone(),
            var,
        });
        let parent = scope.parent.unwrap_or(MODULE);
        frame = table.scope(parent).frame;
    }
    Access::Free(table.scope(user_frame).free_index[&var])
}
