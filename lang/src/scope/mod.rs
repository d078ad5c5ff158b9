//! Takes a syntax tree, gives the table of its scopes: for each name in each
//! scope where the variable lives, and for each function which cells it
//! captures. Rejects what CPython's symbol table and the context checks of its
//! compiler reject, in CPython's words. Never looks at bytecode.
//!
//! A *scope* is a region of names; a *frame* is what runs with registers of its
//! own. Comprehensions and the type parameters of a `def` or `class` are scopes
//! inside their enclosing frame; functions, classes, generator expressions and
//! lazily evaluated values (thunks) are frames.

mod analyze;
mod collect;
mod patterns;

use rustc_hash::FxHashMap;

use crate::ast::{self, Name};
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// An index into [`ScopeTable`]'s scopes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ScopeId(pub u32);

/// The module's own scope.
pub const MODULE: ScopeId = ScopeId(0);

/// The variable in which a generic class's body finds its type parameters. No
/// name of a source is spelled like it.
pub const TYPE_PARAMS: &str = ".type_params";

/// A variable: a symbol of the scope that binds it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct VarId {
    pub scope: ScopeId,
    pub symbol: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ScopeKind {
    Module,
    Class,
    Function,
    Lambda,
    /// A generator expression: a function whose one parameter is the iterator.
    Generator,
    /// A list, set or dict comprehension: its code stands in the enclosing frame.
    Comprehension,
    /// `[T, …]` of a `def`, `class` or `type`: its code stands in the enclosing frame.
    TypeParams,
    /// A bound, constraint, default or alias value: a function called when first asked for.
    Thunk,
}

impl ScopeKind {
    /// Whether code of this scope runs with registers of its own.
    pub fn is_frame(self) -> bool {
        !matches!(self, ScopeKind::Comprehension | ScopeKind::TypeParams)
    }
}

/// How a scope reaches a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// A register of this frame, holding the value or (`Symbol::captured`) its cell.
    Local(VarId),
    /// A free variable of this frame.
    Free(u16),
    /// A variable of the module, else a builtin.
    Global,
    /// The class body's namespace, else as `Global`.
    ClassName,
    /// The class body's namespace, else this free variable; stores go to the free variable.
    ClassFree(u16),
    /// The namespace in free variable `dict` of the enclosing class body, else as `Global`.
    DictGlobal { dict: u16 },
    /// The namespace in free variable `dict`, else free variable `free`.
    DictFree { dict: u16, free: u16 },
}

/// One name in one scope.
#[derive(Debug)]
pub struct Symbol {
    pub name: Name,
    pub access: Access,
    /// An inner frame uses it, so its register holds a cell.
    pub captured: bool,
    /// `del` or the end of `except … as` may unbind it.
    pub deleted: bool,
    /// `:=` assigns it somewhere.
    pub walrus: bool,
    flags: Flags,
}

#[derive(Clone, Copy, Default, Debug)]
struct Flags {
    used: bool,
    bound: bool,
    param: bool,
    annotated: bool,
    global: bool,
    nonlocal: bool,
    /// The target of a comprehension's `for`.
    comp_target: bool,
    /// `:=` in a comprehension put it into the scope around.
    lifted: bool,
}

/// What a captured variable is to the frame that uses it.
#[derive(Clone, PartialEq, Debug)]
pub struct FreeVar {
    pub name: Name,
    pub var: VarId,
}

#[derive(Debug)]
pub struct Scope {
    pub kind: ScopeKind,
    pub parent: Option<ScopeId>,
    /// The scope that is the frame in which this scope's code runs.
    pub frame: ScopeId,
    pub symbols: Vec<Symbol>,
    index: FxHashMap<Name, u32>,
    /// (frames) The free variables, in closure order.
    pub free: Vec<FreeVar>,
    free_index: FxHashMap<VarId, u16>,
    /// The class whose private names (`__x`) this scope sees.
    private: Option<Name>,
    /// `async def`, or a generator expression that awaits.
    pub is_async: bool,
    pub has_yield: bool,
    /// (module) There is an `await` at the top level.
    pub awaits: bool,
    /// (module, class) There are annotated names, so that `__annotations__` exists.
    pub annotated: bool,
    /// (class) The symbol of the implicit `__class__`, when a method uses it.
    pub class_cell: Option<u32>,
    /// (class) The symbol of the namespace, when a thunk uses it.
    pub class_dict: Option<u32>,
    /// (class) Names that methods assign as attributes of `self`.
    pub static_attributes: Vec<Name>,
    /// (comprehension) Some part of it suspends.
    pub is_coroutine: bool,
}

/// What a scope belongs to: the address of its node, and which of the node's scopes it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct NodeKey(usize, ScopeKind);

impl NodeKey {
    fn new<T>(node: &T, kind: ScopeKind) -> NodeKey {
        NodeKey(std::ptr::from_ref(node) as usize, kind)
    }
}

/// All scopes of one module. Valid for the tree it was made from, while that doesn't move.
#[derive(Debug)]
pub struct ScopeTable {
    scopes: Vec<Scope>,
    by_node: FxHashMap<NodeKey, ScopeId>,
    /// `from __future__ import annotations`: annotations are strings.
    pub future_annotations: bool,
    /// `from … import *` may bind any name.
    has_star_import: bool,
    /// What CPython warns of when it compiles the module, in source order.
    pub warnings: Vec<Diagnostic>,
}

/// What the host allows.
#[derive(Clone, Copy, Default, Debug)]
pub struct ScopeOptions {
    /// `await` outside of functions makes the module a coroutine.
    pub top_level_await: bool,
}

/// Resolves every name of a module.
///
/// # Errors
/// What CPython 3.13 refuses after parsing; the first is the one that CPython names.
pub fn resolve(module: &ast::Module, options: ScopeOptions) -> Result<ScopeTable, Vec<Diagnostic>> {
    let (mut table, mut errors) = collect::collect(module, options);
    if errors.future.is_empty() {
        analyze::analyze(&mut table, &mut errors);
    }
    match errors.into_diagnostics() {
        diagnostics if diagnostics.is_empty() => Ok(table),
        diagnostics => Err(diagnostics),
    }
}

impl ScopeTable {
    pub fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.0 as usize]
    }

    fn scope_mut(&mut self, id: ScopeId) -> &mut Scope {
        &mut self.scopes[id.0 as usize]
    }

    pub fn symbol(&self, var: VarId) -> &Symbol {
        &self.scope(var.scope).symbols[var.symbol as usize]
    }

    fn symbol_mut(&mut self, var: VarId) -> &mut Symbol {
        &mut self.scopes[var.scope.0 as usize].symbols[var.symbol as usize]
    }

    /// The scope of this kind that a node opens.
    pub fn of_node<T>(&self, node: &T, kind: ScopeKind) -> ScopeId {
        self.by_node[&NodeKey::new(node, kind)]
    }

    /// The symbol that `scope` has for `name`, private names mangled.
    pub fn lookup(&self, scope: ScopeId, name: &Name) -> Option<&Symbol> {
        let scope = self.scope(scope);
        let index = match mangle(scope.private.as_ref(), name) {
            None => scope.index.get(name),
            Some(mangled) => scope.index.get(&mangled),
        };
        index.map(|&index| &scope.symbols[index as usize])
    }

    /// `name` as it is stored: `__x` in class `C` is `_C__x`.
    pub fn mangled(&self, scope: ScopeId, name: &Name) -> Name {
        mangle(self.scope(scope).private.as_ref(), name).unwrap_or_else(|| name.clone())
    }

    /// Whether something in the source may bind this name in the module.
    pub fn module_may_bind(&self, name: &Name) -> bool {
        let binds = |scope: &Scope| {
            let flags = scope.flags(name);
            flags.bound && (scope.kind == ScopeKind::Module || flags.global)
        };
        self.has_star_import || self.scopes.iter().any(binds)
    }

    /// Whether the module's own code has this name, to read or to bind.
    pub fn module_has(&self, name: &Name) -> bool {
        self.lookup(MODULE, name).is_some()
    }

    /// The index of a variable among the free variables of a frame.
    pub fn free_index(&self, frame: ScopeId, var: VarId) -> Option<u16> {
        self.scope(frame).free_index.get(&var).copied()
    }
}

/// CPython 3.13 compile.c `_Py_Mangle`: names that start with two underscores,
/// don't end with two and hold no dot get the class's name without its leading
/// underscores; a class named only by underscores mangles nothing.
fn mangle(private: Option<&Name>, name: &Name) -> Option<Name> {
    if !name.starts_with("__") || name.ends_with("__") || name.contains('.') {
        return None;
    }
    let class = private?.trim_start_matches('_');
    (!class.is_empty()).then(|| Name::from(format!("_{class}{}", name.as_str()).as_str()))
}

impl Scope {
    /// Whether this is the body of a fragment with variables of its own
    /// (compile/fragment.rs): a class without a name.
    pub fn is_fragment(&self) -> bool {
        let is_unnamed = |name: &Name| name.as_str().is_empty();
        self.kind == ScopeKind::Class && self.private.as_ref().is_some_and(is_unnamed)
    }

    fn new(kind: ScopeKind, id: ScopeId, parent: Option<(ScopeId, &Scope)>) -> Scope {
        Scope {
            kind,
            parent: parent.map(|(id, _)| id),
            frame: match parent {
                Some((_, scope)) if !kind.is_frame() => scope.frame,
                _ => id,
            },
            symbols: Vec::new(),
            index: FxHashMap::default(),
            free: Vec::new(),
            free_index: FxHashMap::default(),
            private: parent.and_then(|(_, scope)| scope.private.clone()),
            is_async: false,
            has_yield: false,
            awaits: false,
            annotated: false,
            class_cell: None,
            class_dict: None,
            static_attributes: Vec::new(),
            is_coroutine: false,
        }
    }

    fn flags(&self, name: &Name) -> Flags {
        self.index
            .get(name)
            .map_or_else(Flags::default, |&index| self.symbols[index as usize].flags)
    }

    /// The symbol of `name`, made where there is none.
    fn symbol_index(&mut self, name: &Name) -> u32 {
        if let Some(&index) = self.index.get(name) {
            return index;
        }
        let index = self.push_symbol(name.clone());
        self.index.insert(name.clone(), index);
        index
    }

    /// A symbol that no name of the source reaches.
    fn push_symbol(&mut self, name: Name) -> u32 {
        self.symbols.push(Symbol {
            name,
            access: Access::Global,
            captured: false,
            deleted: false,
            walrus: false,
            flags: Flags::default(),
        });
        self.symbols.len() as u32 - 1
    }

    fn entry(&mut self, name: &Name) -> &mut Symbol {
        let index = self.symbol_index(name);
        &mut self.symbols[index as usize]
    }
}

impl Symbol {
    /// Whether this scope is the one that holds the variable.
    pub fn is_own(&self) -> bool {
        self.flags.bound && !self.flags.global && !self.flags.nonlocal && !self.flags.lifted
    }

    pub fn is_param(&self) -> bool {
        self.flags.param
    }

    pub fn is_explicit_global(&self) -> bool {
        self.flags.global
    }
}

/// A fault and where; kept apart by the stage of CPython that finds it, as an
/// earlier stage's errors hide a later one's.
#[derive(Default)]
struct Errors {
    future: Vec<Diagnostic>,
    symbols: Vec<Diagnostic>,
    context: Vec<Diagnostic>,
}

impl Errors {
    fn symbol(&mut self, code: &'static str, message: impl Into<String>, span: Span) {
        self.symbols.push(Diagnostic::syntax(code, message, span));
    }

    fn context(&mut self, code: &'static str, message: impl Into<String>, span: Span) {
        self.context.push(Diagnostic::syntax(code, message, span));
    }

    fn into_diagnostics(self) -> Vec<Diagnostic> {
        for mut stage in [self.future, self.symbols, self.context] {
            if !stage.is_empty() {
                stage.sort_by_key(|diagnostic| diagnostic.span.start);
                stage.dedup();
                return stage;
            }
        }
        Vec::new()
    }
}
