//! How Rust functions are declared to scripts: one row each, with the Python
//! signature as text. Arity, keyword binding, error messages and `help()`
//! follow from the signature.
//!
//! ```ignore
//! pub const METHODS: &[NativeDef] = &[
//!     method("append(self, object, /)", append),
//!     method("sort(self, /, *, key=None, reverse=False)", sort),
//! ];
//! ```
//!
//! A native gets one value per parameter in the order of a code object's
//! registers (positional, keyword-only, `*args` as a tuple, `**kwargs` as a
//! dict); a parameter left to its default is `Value::EMPTY` (`value.given()`).

use smallvec::SmallVec;

use crate::value::Value;
use crate::vm::{Input, Vm};

/// An exception on its way up: the exception object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raised(pub Value);

/// What most natives and all protocol functions give.
pub type PyResult<T = Value> = Result<T, Raised>;

/// A Rust function that gives its result at once. It may call script code
/// through `Vm`'s protocol functions; values it uses after such a call must be
/// arguments of its own, reachable from them, or held by `Vm::root`.
pub type NativeFn = fn(&mut Vm, &[Value]) -> PyResult;

/// What a call with these positional arguments gives, without the binding of parameters; None,
/// with nothing done, where the general way must be taken, errors included.
pub type QuickFn = fn(&mut Vm, &[Value]) -> PyResult<Option<Value>>;

/// A Rust function whose result may be that of script code run after it, so
/// that the Rust stack doesn't grow.
pub type FlowFn = fn(&mut Vm, &[Value]) -> PyResult<Flow>;

/// What a `FlowFn` wants done.
pub enum Flow {
    /// This is the result.
    Return(Value),
    /// The result is that of calling `callee` with `args`.
    Call {
        callee: Value,
        args: SmallVec<[Value; 4]>,
    },
    /// Resume a suspended frame with a value: its next yield is the result,
    /// its return raises StopIteration.
    Send { generator: Value, value: Value },
    /// As `Send`, with an exception raised where the frame stands.
    Throw { generator: Value, exception: Value },
}

/// A Rust function that is given the arguments of a call as they are, names of keywords and all,
/// and may hand the call on to another callable. No parameter is bound, nothing is checked.
pub type ForwardFn = fn(&mut Vm, &[Value], &[(Value, Value)]) -> PyResult<Forward>;

/// What a `ForwardFn` wants done.
pub enum Forward {
    /// This is the result.
    Return(Value),
    /// The result is that of calling `callee`; where there is a `then`, an opaque object, it is
    /// what its `finish` makes of that.
    Call {
        callee: Value,
        args: SmallVec<[Value; 8]>,
        keywords: SmallVec<[(Value, Value); 4]>,
        then: Option<Value>,
    },
}

/// The frame of a coroutine written in Rust: its registers are the
/// parameters, then what was awaited last, then the native's own.
#[derive(Clone, Copy)]
pub struct StepFrame(pub(crate) Value);

/// One step of a coroutine written in Rust, from one suspension to the next.
/// It is told what the awaited thing gave or raised (at the first step, the
/// value is unbound); what it must remember it keeps in the frame's registers.
pub type StepFn = fn(&mut Vm, StepFrame, Input) -> PyResult<Step>;

/// What a step ended in.
pub enum Step {
    /// The coroutine's result.
    Return(Value),
    /// Go on when this has been awaited.
    Await(Value),
    /// Go on after one turn of the loop: a bare `yield`.
    Turn,
}

/// What an awaited call comes to without a frame of its own.
pub enum AtOnce {
    /// It has this result and suspends nothing.
    Done(Value),
    /// It has the result None after one turn of the loop.
    Turn,
    /// It needs a frame. Nothing has been done yet.
    Suspends,
}

impl AtOnce {
    /// `Done` with the value where there is one.
    pub fn done(value: Option<Value>) -> AtOnce {
        value.map_or(AtOnce::Suspends, AtOnce::Done)
    }
}

/// Tries an awaited call without a frame. Of the arguments, trailing ones that
/// were left to their defaults may be missing.
pub type AtOnceFn = fn(&mut Vm, &[Value]) -> PyResult<AtOnce>;

/// The body of a coroutine written in Rust.
#[derive(Clone, Copy)]
pub struct CoroutineBody {
    /// The number of its own registers.
    pub n_registers: u8,
    pub step: StepFn,
    pub at_once: Option<AtOnceFn>,
}

/// The body of a native.
#[derive(Clone, Copy)]
pub enum Body {
    Plain(NativeFn),
    Flow(FlowFn),
    Forward(ForwardFn),
    /// The scripts see an `async def`.
    Coroutine(CoroutineBody),
}

/// How a native in a class's table is looked up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DefKind {
    /// A module's function.
    Function,
    /// Binds to the instance.
    Method,
    /// Binds to the class.
    ClassMethod,
    /// Does not bind. `__new__` is one.
    StaticMethod,
}

/// One native function.
pub struct NativeDef {
    pub name: &'static str,
    /// The Python signature, name included.
    pub sig: &'static str,
    pub body: Body,
    pub kind: DefKind,
    pub arity: Arity,
    /// It stands for a slot of CPython's types (`__add__`), which has a wrapper for a method.
    pub is_slot: bool,
    /// Asked first where there are no keywords.
    pub quick: Option<QuickFn>,
    /// Where positional parameters are all there are: how many, and the body that takes them as
    /// they are given. None where there is more to be done.
    pub exact: Option<(u8, NativeFn)>,
}

impl NativeDef {
    /// A short way for the commonest calls, that binds no parameters.
    pub const fn quick(mut self, quick: QuickFn) -> NativeDef {
        self.quick = Some(quick);
        self
    }

    /// A method of its own where the name would make it a slot's wrapper, as `dict.__contains__`.
    pub const fn not_a_slot(mut self) -> NativeDef {
        self.is_slot = false;
        self
    }
}

/// The names of slots: CPython 3.13 typeobject.c `slotdefs`.
#[rustfmt::skip]
const SLOTS: &[&str] = &[
    "__getattribute__", "__getattr__", "__setattr__", "__delattr__", "__repr__", "__hash__",
    "__call__", "__str__", "__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__", "__iter__",
    "__next__", "__get__", "__set__", "__delete__", "__init__", "__new__", "__del__", "__buffer__",
    "__release_buffer__", "__await__", "__aiter__", "__anext__", "__add__", "__radd__", "__iadd__",
    "__sub__", "__rsub__", "__isub__", "__mul__", "__rmul__", "__imul__", "__mod__", "__rmod__",
    "__imod__", "__divmod__", "__rdivmod__", "__pow__", "__rpow__", "__ipow__", "__neg__",
    "__pos__", "__abs__", "__bool__", "__invert__", "__lshift__", "__rlshift__", "__ilshift__",
    "__rshift__", "__rrshift__", "__irshift__", "__and__", "__rand__", "__iand__", "__xor__",
    "__rxor__", "__ixor__", "__or__", "__ror__", "__ior__", "__int__", "__float__",
    "__floordiv__", "__rfloordiv__", "__ifloordiv__", "__truediv__", "__rtruediv__",
    "__itruediv__", "__index__", "__matmul__", "__rmatmul__", "__imatmul__", "__len__",
    "__getitem__", "__setitem__", "__delitem__", "__contains__",
];

const fn is_slot(name: &str) -> bool {
    let mut i = 0;
    while i < SLOTS.len() {
        if is_same(SLOTS[i].as_bytes(), name.as_bytes()) {
            return true;
        }
        i += 1;
    }
    false
}

const fn is_same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut i = 0;
    while i < left.len() {
        if left[i] != right[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// What a signature says of the number of arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arity {
    /// Positional parameters without a default.
    pub required: u8,
    /// Positional parameters.
    pub positional: u8,
    /// Of them, positional-only.
    pub posonly: u8,
    pub kwonly: u8,
    pub varargs: bool,
    pub varkw: bool,
}

impl Arity {
    /// How many values the body gets.
    pub const fn n_params(&self) -> usize {
        self.positional as usize
            + self.kwonly as usize
            + self.varargs as usize
            + self.varkw as usize
    }
}

/// A module's function.
pub const fn function(sig: &'static str, body: NativeFn) -> NativeDef {
    def(sig, Body::Plain(body), DefKind::Function)
}
/// A module's function that ends in script code.
pub const fn flow_function(sig: &'static str, body: FlowFn) -> NativeDef {
    def(sig, Body::Flow(body), DefKind::Function)
}
/// A module's function that is a coroutine.
pub const fn coroutine_function(sig: &'static str, body: CoroutineBody) -> NativeDef {
    def(sig, Body::Coroutine(body), DefKind::Function)
}
/// A method; the first parameter is the instance.
pub const fn method(sig: &'static str, body: NativeFn) -> NativeDef {
    def(sig, Body::Plain(body), DefKind::Method)
}
/// A method that ends in script code.
pub const fn flow_method(sig: &'static str, body: FlowFn) -> NativeDef {
    def(sig, Body::Flow(body), DefKind::Method)
}
/// A method that takes the arguments as they are; its signature is for those who read it.
pub const fn forward_method(sig: &'static str, body: ForwardFn) -> NativeDef {
    def(sig, Body::Forward(body), DefKind::Method)
}
/// A method that is a coroutine.
pub const fn coroutine(sig: &'static str, body: CoroutineBody) -> NativeDef {
    def(sig, Body::Coroutine(body), DefKind::Method)
}
/// A class method; the first parameter is the class.
pub const fn class_method(sig: &'static str, body: NativeFn) -> NativeDef {
    def(sig, Body::Plain(body), DefKind::ClassMethod)
}
/// A static method; also `__new__`, whose first parameter is the class.
pub const fn static_method(sig: &'static str, body: NativeFn) -> NativeDef {
    let mut made = def(sig, Body::Plain(body), DefKind::StaticMethod);
    // `__new__` has its class checked, which the short way to a body doesn't do.
    if is_new(made.name) {
        made.exact = None;
    }
    made
}

const fn is_new(name: &str) -> bool {
    matches!(name.as_bytes(), b"__new__")
}

const fn def(sig: &'static str, body: Body, kind: DefKind) -> NativeDef {
    let name = name_of(sig);
    let arity = arity_of(sig);
    let exact = match body {
        Body::Plain(body) if arity.n_params() == arity.positional as usize => {
            Some((arity.positional, body))
        }
        _ => None,
    };
    NativeDef {
        name,
        sig,
        body,
        kind,
        arity,
        exact,
        is_slot: matches!(kind, DefKind::Method) && is_slot(name),
        quick: None,
    }
}

const fn name_of(sig: &'static str) -> &'static str {
    let bytes = sig.as_bytes();
    let mut i = 0;
    while bytes[i] != b'(' {
        i += 1;
    }
    sig.split_at(i).0
}

/// Reads a signature; runs at compile time, where a malformed one is an error.
const fn arity_of(sig: &str) -> Arity {
    let s = sig.as_bytes();
    let mut arity = Arity {
        required: 0,
        positional: 0,
        posonly: 0,
        kwonly: 0,
        varargs: false,
        varkw: false,
    };
    let mut i = 0;
    while s[i] != b'(' {
        i += 1;
    }
    i += 1;
    let mut kwonly = false;
    while s[i] != b')' {
        while s[i] == b' ' || s[i] == b',' {
            i += 1;
        }
        if s[i] == b')' {
            break;
        }
        let start = i;
        let mut has_default = false;
        let mut quote = 0u8;
        while quote != 0 || (s[i] != b',' && s[i] != b')') {
            if quote != 0 {
                if s[i] == quote {
                    quote = 0;
                }
            } else if s[i] == b'\'' || s[i] == b'"' {
                quote = s[i];
            } else if s[i] == b'=' {
                has_default = true;
            } else if s[i] == b'(' {
                while s[i] != b')' {
                    i += 1;
                }
            }
            i += 1;
        }
        match s[start] {
            b'/' => arity.posonly = arity.positional,
            b'*' if i - start == 1 => kwonly = true,
            b'*' if s[start + 1] == b'*' => arity.varkw = true,
            b'*' => {
                arity.varargs = true;
                kwonly = true;
            }
            _ if kwonly => arity.kwonly += 1,
            _ => {
                arity.positional += 1;
                if !has_default {
                    assert!(
                        arity.required + 1 == arity.positional,
                        "a required parameter after an optional one"
                    );
                    arity.required += 1;
                }
            }
        }
    }
    arity
}

impl NativeDef {
    /// The parameter names in the order of the values the body gets.
    pub fn param_names(&self) -> Vec<&'static str> {
        let open = self.name.len() + 1;
        let close = self.sig.rfind(')').unwrap_or(self.sig.len());
        let (mut positional, mut kwonly, mut var, mut varkw) = (Vec::new(), Vec::new(), None, None);
        let mut after_star = false;
        for part in split_params(&self.sig[open..close]) {
            let name = part.split(['=', ':']).next().unwrap_or("").trim();
            if name == "/" || name.is_empty() {
            } else if let Some(name) = name.strip_prefix("**") {
                varkw = Some(name);
            } else if let Some(name) = name.strip_prefix('*') {
                after_star = true;
                if !name.is_empty() {
                    var = Some(name);
                }
            } else if after_star {
                kwonly.push(name);
            } else {
                positional.push(name);
            }
        }
        positional
            .into_iter()
            .chain(kwonly)
            .chain(var)
            .chain(varkw)
            .collect()
    }
}

/// Splits a parameter list at its top-level commas.
fn split_params(list: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quote) = (0, 0u32, None);
    for (i, c) in list.char_indices() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(list[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(list[start..].trim());
    parts
}

/// Reads an attribute of a native object.
pub type GetFn = fn(&mut Vm, Value) -> PyResult;
/// Writes an attribute of a native object, or deletes it (`Value::EMPTY`).
pub type SetFn = fn(&mut Vm, Value, Value) -> PyResult<()>;

/// One attribute of a native class.
pub struct GetSetDef {
    pub name: &'static str,
    pub get: GetFn,
    pub set: Option<SetFn>,
}

/// A read-only attribute.
pub const fn getter(name: &'static str, get: GetFn) -> GetSetDef {
    GetSetDef {
        name,
        get,
        set: None,
    }
}
/// An attribute that can be written.
pub const fn attribute(name: &'static str, get: GetFn, set: SetFn) -> GetSetDef {
    GetSetDef {
        name,
        get,
        set: Some(set),
    }
}

/// What a native class consists of.
pub struct ClassDef {
    pub methods: &'static [NativeDef],
    pub attributes: &'static [GetSetDef],
    pub doc: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &mut Vm, _: &[Value]) -> PyResult {
        Ok(Value::NONE)
    }

    #[test]
    fn signatures_give_arity_and_names() {
        const F: NativeDef = function("f(a, b, /, c=None, *args, d, e=', ', **kw)", nothing);
        assert_eq!(F.name, "f");
        assert_eq!(
            F.arity,
            Arity {
                required: 2,
                positional: 3,
                posonly: 2,
                kwonly: 2,
                varargs: true,
                varkw: true
            }
        );
        assert_eq!(F.param_names(), ["a", "b", "c", "d", "e", "args", "kw"]);
    }
}
