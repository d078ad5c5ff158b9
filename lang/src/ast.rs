//! The syntax tree: what the parser gives and scope.rs and compile/ take. Data only.
//!
//! Every node has the byte span that CPython's `ast` gives it: parentheses
//! around an expression are outside its span, those of a tuple are inside.
//!
//! Depth is bounded so that consumers may recurse: an expression nests at most
//! [`EXPR_DEPTH_MAX`] operators, calls, brackets and the like (fewer than twice
//! as many nodes), patterns likewise, and blocks nest at most [`BLOCK_DEPTH_MAX`]. What ordinary generated code makes long is flat here:
//! a run of left-associative operators is one [`Binary`] with many terms, an
//! `elif` chain is one `If` with many branches, `and`/`or`/comparisons hold
//! their operands in a list. A consumer that recurses over a whole expression
//! runs inside [`crate::stack::with_deep_stack`].

use std::sync::Arc;

use crate::diagnostic::Diagnostic;

pub use num_bigint::BigInt;

pub use crate::source::Span;

/// How deep expressions nest in a tree that the parser gives.
pub const EXPR_DEPTH_MAX: usize = 1_000;

/// How deep blocks nest: CPython's limit on indentation.
pub const BLOCK_DEPTH_MAX: usize = 100;

/// An identifier's text, NFKC-normalised. Equal names of one parse share their text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Arc<str>);

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn as_arc(&self) -> &Arc<str> {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Name {
        Name(Arc::from(text))
    }
}

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct Ident {
    pub name: Name,
    pub span: Span,
}

/// A file, or one input of the REPL.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Module {
    pub body: Vec<Stmt>,
    pub span: Span,
    /// What the text of its literals is to be warned of.
    pub warnings: Vec<Diagnostic>,
}

// ---------------------------------------------------------------- statements

#[derive(Clone, PartialEq, Debug)]
pub struct Stmt {
    pub kind: StmtKind,
    /// A compound statement's span ends with its last block; decorators are outside.
    pub span: Span,
}

#[derive(Clone, PartialEq, Debug)]
pub enum StmtKind {
    FunctionDef(Box<FunctionDef>),
    ClassDef(Box<ClassDef>),
    Return(Option<Box<Expr>>),
    Delete(Vec<Expr>),
    /// `a = b = value`: the targets from left to right.
    Assign {
        targets: Vec<Expr>,
        value: Box<Expr>,
    },
    AugAssign {
        target: Box<Expr>,
        op: BinaryOp,
        op_span: Span,
        value: Box<Expr>,
    },
    /// `simple`: the target is a bare name, not in parentheses.
    AnnAssign {
        target: Box<Expr>,
        annotation: Box<Expr>,
        value: Option<Box<Expr>>,
        simple: bool,
    },
    TypeAlias {
        name: Ident,
        type_params: Vec<TypeParam>,
        value: Box<Expr>,
    },
    For(Box<For>),
    While {
        test: Box<Expr>,
        body: Vec<Stmt>,
        orelse: Vec<Stmt>,
    },
    /// `if` and its `elif`s are the branches; at least one.
    If {
        branches: Vec<IfBranch>,
        orelse: Vec<Stmt>,
    },
    With {
        items: Vec<WithItem>,
        body: Vec<Stmt>,
        is_async: bool,
    },
    Match {
        subject: Box<Expr>,
        cases: Vec<MatchCase>,
    },
    Raise {
        exc: Option<Box<Expr>>,
        cause: Option<Box<Expr>>,
    },
    Try(Box<Try>),
    Assert {
        test: Box<Expr>,
        msg: Option<Box<Expr>>,
    },
    Import(Vec<ImportModule>),
    ImportFrom(Box<ImportFrom>),
    Global(Vec<Ident>),
    Nonlocal(Vec<Ident>),
    Expr(Box<Expr>),
    Pass,
    Break,
    Continue,
}

#[derive(Clone, PartialEq, Debug)]
pub struct FunctionDef {
    pub name: Ident,
    pub type_params: Vec<TypeParam>,
    pub params: Params,
    pub returns: Option<Expr>,
    pub body: Vec<Stmt>,
    /// The expressions after `@`, in source order.
    pub decorators: Vec<Expr>,
    pub is_async: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct ClassDef {
    pub name: Ident,
    pub type_params: Vec<TypeParam>,
    /// Bases and keywords (`metaclass=`) in source order.
    pub args: Vec<Arg>,
    pub body: Vec<Stmt>,
    pub decorators: Vec<Expr>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct For {
    pub target: Expr,
    pub iter: Expr,
    pub body: Vec<Stmt>,
    pub orelse: Vec<Stmt>,
    pub is_async: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct IfBranch {
    pub test: Expr,
    pub body: Vec<Stmt>,
    /// From `if` or `elif` to the end of the block.
    pub span: Span,
}

#[derive(Clone, PartialEq, Debug)]
pub struct WithItem {
    pub context: Expr,
    pub target: Option<Expr>,
    pub span: Span,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Try {
    pub body: Vec<Stmt>,
    pub handlers: Vec<ExceptHandler>,
    pub orelse: Vec<Stmt>,
    pub finalbody: Vec<Stmt>,
    /// `except*`: every handler has an exception type.
    pub is_star: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct ExceptHandler {
    pub exc_type: Option<Expr>,
    pub name: Option<Ident>,
    pub body: Vec<Stmt>,
    pub span: Span,
}

/// `import a.b as c`.
#[derive(Clone, PartialEq, Debug)]
pub struct ImportModule {
    pub path: DottedName,
    pub asname: Option<Ident>,
    pub span: Span,
}

/// `a.b.c` in an import; at least one part.
#[derive(Clone, PartialEq, Debug)]
pub struct DottedName {
    pub parts: Vec<Ident>,
    pub span: Span,
}

impl DottedName {
    /// The parts joined by dots.
    pub fn text(&self) -> String {
        let parts: Vec<&str> = self.parts.iter().map(|part| part.name.as_str()).collect();
        parts.join(".")
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct ImportFrom {
    /// How many dots stand before the module's name.
    pub level: u32,
    pub module: Option<DottedName>,
    pub names: ImportNames,
}

#[derive(Clone, PartialEq, Debug)]
pub enum ImportNames {
    Star(Span),
    Names(Vec<ImportName>),
}

/// `name as asname` of a `from` import.
#[derive(Clone, PartialEq, Debug)]
pub struct ImportName {
    pub name: Ident,
    pub asname: Option<Ident>,
    pub span: Span,
}

// ---------------------------------------------------- parameters, arguments

/// The parameters of a `def` or `lambda`. The parser has checked the order of
/// markers and defaults; names may still repeat.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Params {
    pub posonly: Vec<Param>,
    pub regular: Vec<Param>,
    pub vararg: Option<Box<Param>>,
    pub kwonly: Vec<Param>,
    pub kwarg: Option<Box<Param>>,
}

impl Params {
    /// All parameters in source order.
    pub fn iter(&self) -> impl Iterator<Item = &Param> {
        self.posonly
            .iter()
            .chain(&self.regular)
            .chain(self.vararg.as_deref())
            .chain(&self.kwonly)
            .chain(self.kwarg.as_deref())
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Param {
    pub name: Ident,
    /// On `*args` it may be `Starred` (`*args: *Ts`). Always `None` in a lambda.
    pub annotation: Option<Expr>,
    /// Never on `*args` and `**kwargs`.
    pub default: Option<Expr>,
    /// The name and the annotation.
    pub span: Span,
}

/// One argument of a call or of a class statement.
#[derive(Clone, PartialEq, Debug)]
pub enum Arg {
    Positional(Expr),
    /// `*value`; the span starts at the star.
    Star {
        value: Expr,
        span: Span,
    },
    /// `name=value`.
    Keyword {
        name: Ident,
        value: Expr,
        span: Span,
    },
    /// `**value`; the span starts at the stars.
    DoubleStar {
        value: Expr,
        span: Span,
    },
}

/// One entry of `[T: bound = default, *Ts, **P]`.
#[derive(Clone, PartialEq, Debug)]
pub struct TypeParam {
    pub kind: TypeParamKind,
    pub name: Ident,
    pub default: Option<Expr>,
    pub span: Span,
}

#[derive(Clone, PartialEq, Debug)]
pub enum TypeParamKind {
    TypeVar { bound: Option<Expr> },
    TypeVarTuple,
    ParamSpec,
}

// --------------------------------------------------------------- expressions

#[derive(Clone, PartialEq, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

/// Targets of assignment, `for`, `with` and `del` are expressions of the kinds
/// Name, Attribute, Subscript, Starred, Tuple and List; the parser lets no
/// other through.
#[derive(Clone, PartialEq, Debug)]
pub enum ExprKind {
    Name(Name),
    None,
    True,
    False,
    Ellipsis,
    Int(i64),
    /// An int that does not fit an `i64`; never negative.
    BigInt(Box<BigInt>),
    Float(f64),
    /// The imaginary part; subset.rs refuses it.
    Complex(f64),
    Str(StrLit),
    Bytes(Vec<u8>),
    FString(FString),
    Unary {
        op: UnaryOp,
        operand: Box<Expr>,
    },
    Binary(Box<Binary>),
    /// At least two operands.
    BoolOp {
        op: BoolOp,
        values: Vec<Expr>,
    },
    Compare(Box<Compare>),
    Lambda(Box<Lambda>),
    /// `body if test else orelse`.
    IfExp(Box<IfExp>),
    Dict(Vec<DictItem>),
    Set(Vec<Expr>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    ListComp(Box<Comprehension>),
    SetComp(Box<Comprehension>),
    DictComp(Box<DictComprehension>),
    Generator(Box<Comprehension>),
    Await(Box<Expr>),
    Yield(Option<Box<Expr>>),
    YieldFrom(Box<Expr>),
    Call(Box<Call>),
    Attribute {
        value: Box<Expr>,
        attr: Ident,
    },
    Subscript {
        value: Box<Expr>,
        /// A `Tuple` where there are commas; `Slice` only here and in that tuple.
        index: Box<Expr>,
    },
    Slice(Box<Slice>),
    Starred(Box<Expr>),
    /// `target := value`.
    Named {
        target: Ident,
        value: Box<Expr>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOp {
    Not,
    Neg,
    Pos,
    Invert,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    MatMul,
    Div,
    FloorDiv,
    Mod,
    Pow,
    LShift,
    RShift,
    BitOr,
    BitXor,
    BitAnd,
}

impl BinaryOp {
    /// The operator as it is written, without `=`.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::MatMul => "@",
            BinaryOp::Div => "/",
            BinaryOp::FloorDiv => "//",
            BinaryOp::Mod => "%",
            BinaryOp::Pow => "**",
            BinaryOp::LShift => "<<",
            BinaryOp::RShift => ">>",
            BinaryOp::BitOr => "|",
            BinaryOp::BitXor => "^",
            BinaryOp::BitAnd => "&",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BoolOp {
    And,
    Or,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CmpOp {
    Eq,
    NotEq,
    Lt,
    LtE,
    Gt,
    GtE,
    Is,
    IsNot,
    In,
    NotIn,
}

/// `((first op operand) op operand) …`: operators of one precedence, applied
/// from left to right. `a ** b` has one term, as `**` nests to the right.
#[derive(Clone, PartialEq, Debug)]
pub struct Binary {
    pub first: Expr,
    /// At least one.
    pub rest: Vec<BinaryTerm>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct BinaryTerm {
    pub op: BinaryOp,
    pub op_span: Span,
    pub operand: Expr,
    /// The whole operation so far: from the start of the chain to the end of
    /// this operand, with its parentheses.
    pub span: Span,
}

/// `first op operand op operand …`: a chained comparison.
#[derive(Clone, PartialEq, Debug)]
pub struct Compare {
    pub first: Expr,
    /// At least one.
    pub rest: Vec<CompareTerm>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct CompareTerm {
    pub op: CmpOp,
    pub op_span: Span,
    pub operand: Expr,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Lambda {
    pub params: Params,
    pub body: Expr,
}

#[derive(Clone, PartialEq, Debug)]
pub struct IfExp {
    pub test: Expr,
    pub body: Expr,
    pub orelse: Expr,
}

#[derive(Clone, PartialEq, Debug)]
pub enum DictItem {
    Pair {
        key: Expr,
        value: Expr,
    },
    /// `**value`.
    Spread(Expr),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Comprehension {
    pub element: Expr,
    /// At least one.
    pub clauses: Vec<ForClause>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct DictComprehension {
    pub key: Expr,
    pub value: Expr,
    /// At least one.
    pub clauses: Vec<ForClause>,
}

/// `for target in iter if cond if cond`.
#[derive(Clone, PartialEq, Debug)]
pub struct ForClause {
    pub target: Expr,
    pub iter: Expr,
    pub conditions: Vec<Expr>,
    pub is_async: bool,
    pub span: Span,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    pub func: Expr,
    /// In source order. A lone generator's span is that of the call's parentheses.
    pub args: Vec<Arg>,
    /// From `(` to `)`.
    pub args_span: Span,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Slice {
    pub lower: Option<Expr>,
    pub upper: Option<Expr>,
    pub step: Option<Expr>,
}

/// A string's decoded content. An escape may make a lone surrogate, which a
/// `String` can't hold.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum StrLit {
    Text(String),
    /// Holds at least one surrogate.
    CodePoints(Vec<u32>),
}

impl StrLit {
    pub fn is_empty(&self) -> bool {
        match self {
            StrLit::Text(text) => text.is_empty(),
            StrLit::CodePoints(units) => units.is_empty(),
        }
    }

    pub fn code_points(&self) -> Vec<u32> {
        match self {
            StrLit::Text(text) => text.chars().map(u32::from).collect(),
            StrLit::CodePoints(units) => units.clone(),
        }
    }
}

/// Adjacent literals are joined, empty literal parts left out, and `{x=}` has
/// become the literal `x=` and a field (with `!r` where CPython implies it).
#[derive(Clone, PartialEq, Debug)]
pub struct FString {
    pub parts: Vec<FStringPart>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum FStringPart {
    Literal(StrLit),
    Field(Box<FStringField>),
}

#[derive(Clone, PartialEq, Debug)]
pub struct FStringField {
    pub value: Expr,
    pub conversion: Option<Conversion>,
    /// `None` without a colon.
    pub format_spec: Option<FString>,
    /// From `{` to `}`.
    pub span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Conversion {
    Str,
    Repr,
    Ascii,
}

// ------------------------------------------------------------------ patterns

#[derive(Clone, PartialEq, Debug)]
pub struct MatchCase {
    pub pattern: Pattern,
    pub guard: Option<Expr>,
    pub body: Vec<Stmt>,
    pub span: Span,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Pattern {
    pub kind: PatternKind,
    pub span: Span,
}

#[derive(Clone, PartialEq, Debug)]
pub enum PatternKind {
    /// Compared with `==`: a literal, a signed number, or a dotted name.
    Value(Expr),
    /// Compared with `is`.
    None,
    True,
    False,
    /// `_`.
    Wildcard,
    Capture(Ident),
    /// At most one `Star` among them.
    Sequence(Vec<Pattern>),
    /// Only in a sequence; `None` for `*_`.
    Star(Option<Ident>),
    Mapping {
        entries: Vec<MappingEntry>,
        rest: Option<Ident>,
    },
    Class(Box<ClassPattern>),
    /// At least two.
    Or(Vec<Pattern>),
    As {
        pattern: Box<Pattern>,
        name: Ident,
    },
}

#[derive(Clone, PartialEq, Debug)]
pub struct MappingEntry {
    /// A literal, a signed number, or a dotted name.
    pub key: Expr,
    pub pattern: Pattern,
}

#[derive(Clone, PartialEq, Debug)]
pub struct ClassPattern {
    /// A name or a dotted name.
    pub class: Expr,
    pub positional: Vec<Pattern>,
    pub keywords: Vec<(Ident, Pattern)>,
}
