//! Classes, and the table of the builtin ones.

use crate::heap::{Kind, Marker, Object, ShapeId};
use crate::native::QuickFn;
use crate::value::Value;

macro_rules! builtin_classes {
    ($($name:ident $py:literal < $base:ident, $layout:ident, $sub:literal;)*) => {
        /// The builtin classes. The number of each is also the `ShapeId` of its
        /// exact instances.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u16)]
        pub enum B { $($name,)* }

        impl B {
            pub const ALL: &'static [B] = &[$(B::$name,)*];
            /// The name scripts see.
            pub const fn name(self) -> &'static str {
                match self { $(B::$name => $py,)* }
            }
            /// The base class (its own, for `object`).
            pub const fn base(self) -> B {
                match self { $(B::$name => B::$base,)* }
            }
            /// The kind of cell its instances are.
            pub const fn layout(self) -> Kind {
                match self { $(B::$name => Kind::$layout,)* }
            }
            /// Whether scripts may subclass it.
            pub const fn subclassable(self) -> bool {
                match self { $(B::$name => $sub,)* }
            }
        }
    };
}

impl B {
    /// The shape of exact instances.
    #[inline(always)]
    pub const fn shape(self) -> ShapeId {
        ShapeId(self as u32)
    }
}

builtin_classes! {
    Object "object" < Object, Instance, true;
    Type "type" < Object, Class, true;
    NoneType "NoneType" < Object, Free, false;
    Ellipsis "ellipsis" < Object, Free, false;
    NotImplemented "NotImplementedType" < Object, Free, false;
    Int "int" < Object, BigInt, true;
    Bool "bool" < Int, Free, false;
    Float "float" < Object, Float, true;
    Str "str" < Object, Str, true;
    Bytes "bytes" < Object, Bytes, true;
    ByteArray "bytearray" < Object, Bytes, true;
    List "list" < Object, List, true;
    Tuple "tuple" < Object, Tuple, true;
    Dict "dict" < Object, Dict, true;
    DictKeys "dict_keys" < Object, DictView, false;
    DictValues "dict_values" < Object, DictView, false;
    DictItems "dict_items" < Object, DictView, false;
    OdictKeys "odict_keys" < DictKeys, DictView, false;
    OdictValues "odict_values" < DictValues, DictView, false;
    OdictItems "odict_items" < DictItems, DictView, false;
    MappingProxy "mappingproxy" < Object, MappingProxy, false;
    Set "set" < Object, Set, true;
    FrozenSet "frozenset" < Object, Set, true;
    Range "range" < Object, Range, false;
    Slice "slice" < Object, Slice, false;
    Function "function" < Object, Function, false;
    Method "method" < Object, Method, false;
    NativeFunction "builtin_function_or_method" < Object, Native, false;
    MethodDescriptor "method_descriptor" < Object, Native, false;
    WrapperDescriptor "wrapper_descriptor" < Object, Native, false;
    MethodWrapper "method-wrapper" < Object, Native, false;
    Cell "cell" < Object, Cell, false;
    Code "code" < Object, Code, false;
    Property "property" < Object, Property, true;
    StaticMethod "staticmethod" < Object, StaticMethod, true;
    ClassMethod "classmethod" < Object, ClassMethod, true;
    GetSet "getset_descriptor" < Object, GetSet, false;
    Member "member_descriptor" < Object, SlotDescriptor, false;
    Super "super" < Object, Super, true;
    Module "module" < Object, Module, true;
    Generator "generator" < Object, Generator, false;
    Coroutine "coroutine" < Object, Generator, false;
    AsyncGenerator "async_generator" < Object, Generator, false;
    AsyncGenAsend "async_generator_asend" < Object, AsyncGenOp, false;
    AsyncGenAthrow "async_generator_athrow" < Object, AsyncGenOp, false;
    CoroutineWrapper "coroutine_wrapper" < Object, Iter, false;
    Traceback "traceback" < Object, Traceback, false;
    WeakRef "ReferenceType" < Object, WeakRef, true;

    ListIterator "list_iterator" < Object, Iter, false;
    ListReverseIterator "list_reverseiterator" < Object, Iter, false;
    TupleIterator "tuple_iterator" < Object, Iter, false;
    RangeIterator "range_iterator" < Object, Iter, false;
    LongRangeIterator "longrange_iterator" < Object, Iter, false;
    StrIterator "str_iterator" < Object, Iter, false;
    StrAsciiIterator "str_ascii_iterator" < Object, Iter, false;
    BytesIterator "bytes_iterator" < Object, Iter, false;
    DictKeyIterator "dict_keyiterator" < Object, Iter, false;
    DictValueIterator "dict_valueiterator" < Object, Iter, false;
    DictItemIterator "dict_itemiterator" < Object, Iter, false;
    DictReverseKeyIterator "dict_reversekeyiterator" < Object, Iter, false;
    DictReverseValueIterator "dict_reversevalueiterator" < Object, Iter, false;
    DictReverseItemIterator "dict_reverseitemiterator" < Object, Iter, false;
    SetIterator "set_iterator" < Object, Iter, false;
    SequenceIterator "iterator" < Object, Iter, false;
    CallableIterator "callable_iterator" < Object, Iter, false;
    Enumerate "enumerate" < Object, Iter, true;
    Zip "zip" < Object, Iter, true;
    Map "map" < Object, Iter, true;
    Filter "filter" < Object, Iter, true;
    Reversed "reversed" < Object, Iter, true;

    BaseException "BaseException" < Object, Exception, true;
    Exception "Exception" < BaseException, Exception, true;
    GeneratorExit "GeneratorExit" < BaseException, Exception, true;
    KeyboardInterrupt "KeyboardInterrupt" < BaseException, Exception, true;
    SystemExit "SystemExit" < BaseException, Exception, true;
    BaseExceptionGroup "BaseExceptionGroup" < BaseException, Exception, true;
    ExceptionGroup "ExceptionGroup" < BaseExceptionGroup, Exception, true;
    CancelledError "CancelledError" < BaseException, Exception, true;
    Unsupported "Unsupported" < BaseException, Exception, true;
    DeadlockError "DeadlockError" < BaseException, Exception, true;
    ArithmeticError "ArithmeticError" < Exception, Exception, true;
    FloatingPointError "FloatingPointError" < ArithmeticError, Exception, true;
    OverflowError "OverflowError" < ArithmeticError, Exception, true;
    ZeroDivisionError "ZeroDivisionError" < ArithmeticError, Exception, true;
    AssertionError "AssertionError" < Exception, Exception, true;
    AttributeError "AttributeError" < Exception, Exception, true;
    UnsupportedAttribute "UnsupportedAttribute" < AttributeError, Exception, true;
    BufferError "BufferError" < Exception, Exception, true;
    EOFError "EOFError" < Exception, Exception, true;
    ImportError "ImportError" < Exception, Exception, true;
    UnsupportedImport "UnsupportedImport" < ImportError, Exception, true;
    ModuleNotFoundError "ModuleNotFoundError" < ImportError, Exception, true;
    LookupError "LookupError" < Exception, Exception, true;
    IndexError "IndexError" < LookupError, Exception, true;
    KeyError "KeyError" < LookupError, Exception, true;
    MemoryError "MemoryError" < Exception, Exception, true;
    NameError "NameError" < Exception, Exception, true;
    UnboundLocalError "UnboundLocalError" < NameError, Exception, true;
    OSError "OSError" < Exception, Exception, true;
    BlockingIOError "BlockingIOError" < OSError, Exception, true;
    ChildProcessError "ChildProcessError" < OSError, Exception, true;
    ConnectionError "ConnectionError" < OSError, Exception, true;
    BrokenPipeError "BrokenPipeError" < ConnectionError, Exception, true;
    ConnectionAbortedError "ConnectionAbortedError" < ConnectionError, Exception, true;
    ConnectionRefusedError "ConnectionRefusedError" < ConnectionError, Exception, true;
    ConnectionResetError "ConnectionResetError" < ConnectionError, Exception, true;
    FileExistsError "FileExistsError" < OSError, Exception, true;
    FileNotFoundError "FileNotFoundError" < OSError, Exception, true;
    InterruptedError "InterruptedError" < OSError, Exception, true;
    IsADirectoryError "IsADirectoryError" < OSError, Exception, true;
    NotADirectoryError "NotADirectoryError" < OSError, Exception, true;
    PermissionError "PermissionError" < OSError, Exception, true;
    ProcessLookupError "ProcessLookupError" < OSError, Exception, true;
    TimeoutError "TimeoutError" < OSError, Exception, true;
    ReferenceError "ReferenceError" < Exception, Exception, true;
    RuntimeError "RuntimeError" < Exception, Exception, true;
    NotImplementedError "NotImplementedError" < RuntimeError, Exception, true;
    PythonFinalizationError "PythonFinalizationError" < RuntimeError, Exception, true;
    RecursionError "RecursionError" < RuntimeError, Exception, true;
    StopAsyncIteration "StopAsyncIteration" < Exception, Exception, true;
    StopIteration "StopIteration" < Exception, Exception, true;
    SyntaxError "SyntaxError" < Exception, Exception, true;
    IndentationError "IndentationError" < SyntaxError, Exception, true;
    TabError "TabError" < IndentationError, Exception, true;
    SystemError "SystemError" < Exception, Exception, true;
    TypeError "TypeError" < Exception, Exception, true;
    ValueError "ValueError" < Exception, Exception, true;
    UnicodeError "UnicodeError" < ValueError, Exception, true;
    UnicodeDecodeError "UnicodeDecodeError" < UnicodeError, Exception, true;
    UnicodeEncodeError "UnicodeEncodeError" < UnicodeError, Exception, true;
    UnicodeTranslateError "UnicodeTranslateError" < UnicodeError, Exception, true;
    Warning "Warning" < Exception, Exception, true;
    BytesWarning "BytesWarning" < Warning, Exception, true;
    DeprecationWarning "DeprecationWarning" < Warning, Exception, true;
    EncodingWarning "EncodingWarning" < Warning, Exception, true;
    FutureWarning "FutureWarning" < Warning, Exception, true;
    ImportWarning "ImportWarning" < Warning, Exception, true;
    PendingDeprecationWarning "PendingDeprecationWarning" < Warning, Exception, true;
    ResourceWarning "ResourceWarning" < Warning, Exception, true;
    RuntimeWarning "RuntimeWarning" < Warning, Exception, true;
    SyntaxWarning "SyntaxWarning" < Warning, Exception, true;
    UnicodeWarning "UnicodeWarning" < Warning, Exception, true;
    UserWarning "UserWarning" < Warning, Exception, true;
}

/// A class: builtin, of the standard library, or of a script.
pub struct Class {
    /// `__name__`, a str.
    pub name: Value,
    /// `__qualname__`, a str.
    pub qualname: Value,
    pub bases: Vec<Value>,
    /// `__base__`: the one of the bases whose layout instances have; None of `object`. It stays
    /// where that one's own bases change.
    pub base: Value,
    /// The class itself first, `object` last.
    pub mro: Vec<Value>,
    /// The namespace: a dict keyed by interned strs.
    pub attrs: Value,
    /// The shape of a new instance, without attributes.
    pub root_shape: ShapeId,
    /// The kind of cell an instance is.
    pub layout: Kind,
    /// Whether instances have a `__dict__`.
    pub has_dict: bool,
    /// Whether instances of a script's class can be weakly referenced.
    pub has_weakref: bool,
    /// Whether `bool`, `NoneType` and the like: no subclasses.
    pub is_final: bool,
    /// Made by a class statement or `type()`; builtin ones can't be changed.
    pub is_heap: bool,
    /// The builtin class whose natives know the instances' layout.
    pub builtin_base: B,
    /// Changes whenever the class or one of its bases does; caches compare it.
    /// Invariant: never 0 and never used twice in one VM.
    pub version: u32,
    /// Whether a mere value among its attributes was ever replaced by another: from then on that
    /// makes no new version, and no cache keeps a mere value of this class.
    pub data_varies: bool,
    /// Whether messages about its instances name the module, too: CPython has it in C.
    pub named_with_module: bool,
    /// A class of natives, not among the builtin ones, whose `+` and `*` are a
    /// sequence's: CPython asks them after both operands' methods for numbers.
    pub concatenates: bool,
    /// Slots that a new instance gets in its cell.
    pub slot_hint: u16,
    /// Number of `__slots__` descriptors, own and inherited.
    pub n_slots: u16,
    /// The names in its own `__slots__`, mangled and sorted.
    pub own_slots: Box<[Value]>,
    /// Weak references to the direct subclasses.
    pub subclasses: Vec<Value>,
    /// Which names that decide the hooks it has itself (see `protocol/hooks.rs`).
    pub own_specials: u16,
    pub hooks: Hooks,
    pub fast_init: FastInit,
    /// A builtin class's short way for calls with positional arguments.
    pub constructor: Option<QuickFn>,
}

/// What calling a class comes to when nothing special is defined: a new
/// instance and one plain call of this `__init__`.
#[derive(Clone, Copy)]
pub struct FastInit {
    /// The class's version when this was learnt; 0: never.
    pub version: u32,
    /// Arguments of `func`, the instance included.
    pub n_args: u16,
    pub func: Value,
    pub code: Value,
}

impl FastInit {
    pub const UNKNOWN: FastInit = FastInit {
        version: 0,
        n_args: 0,
        func: Value::EMPTY,
        code: Value::EMPTY,
    };
}

/// What the fast paths must know of a class; computed when it is made and
/// whenever it or a base changes.
#[derive(Clone, Copy, Default, Debug)]
pub struct Hooks {
    /// `__getattribute__` is overridden, or there is a `__getattr__`.
    pub custom_getattr: bool,
    /// `__setattr__` or `__delattr__` is overridden.
    pub custom_setattr: bool,
    /// `__new__` is `object`'s.
    pub plain_new: bool,
    /// An exception class without fields besides those of BaseException.
    pub plain_exceptions: bool,
    /// Of such a class, no script has a `__new__`.
    pub plain_exception_new: bool,
    /// Nor an `__init__`: its instances only keep the arguments of the call.
    pub keeps_args: bool,
    /// Some class of the MRO has an `__eq__` of its own (not object's).
    pub custom_eq: bool,
    /// Some class of the MRO has a `__hash__` of its own (not object's).
    pub custom_hash: bool,
    /// `__del__` exists.
    pub has_del: bool,
    /// `__bool__` or `__len__` exists.
    pub custom_truth: bool,
}

impl Object for Class {
    const KIND: Kind = Kind::Class;
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.name, self.qualname, self.base, self.attrs]);
        marker.mark_all(&self.bases);
        marker.mark_all(&self.mro);
        marker.mark_all(&self.subclasses);
        marker.mark_all(&self.own_slots);
    }
    fn external_bytes(&self) -> usize {
        (self.bases.len() + self.mro.len() + self.subclasses.len()) * 8
    }
}
