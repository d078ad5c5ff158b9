//! The names that the runtime itself looks up, interned once per VM.

macro_rules! names {
    ($($id:ident = $text:literal;)*) => {
        /// A name the runtime knows; `Vm::n` gives its interned str.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[repr(u16)]
        pub enum N { $($id,)* }

        impl N {
            pub const ALL: &'static [N] = &[$(N::$id,)*];
            /// The name's text.
            pub const fn text(self) -> &'static str {
                match self { $(N::$id => $text,)* }
            }
        }
    };
}

names! {
    abs = "__abs__"; add = "__add__"; aenter = "__aenter__"; aexit = "__aexit__"; aiter = "__aiter__";
    and = "__and__"; anext = "__anext__"; annotations = "__annotations__"; await_ = "__await__";
    bases = "__bases__"; bool = "__bool__"; buffer = "__buffer__"; bytes = "__bytes__"; call = "__call__"; ceil = "__ceil__";
    cause = "__cause__"; class = "__class__"; class_getitem = "__class_getitem__"; classcell = "__classcell__";
    close = "close"; code = "__code__"; complex = "__complex__"; contains = "__contains__"; context = "__context__";
    del = "__del__"; delattr = "__delattr__"; delete = "__delete__"; delitem = "__delitem__";
    dict = "__dict__"; dir = "__dir__"; divmod = "__divmod__"; doc = "__doc__"; enter = "__enter__";
    eq = "__eq__"; exit = "__exit__"; float = "__float__"; floor = "__floor__"; floordiv = "__floordiv__";
    format = "__format__"; ge = "__ge__"; get = "__get__"; getattr = "__getattr__";
    getattribute = "__getattribute__"; getitem = "__getitem__"; gt = "__gt__"; hash = "__hash__";
    iadd = "__iadd__"; iand = "__iand__"; ifloordiv = "__ifloordiv__"; ilshift = "__ilshift__";
    imatmul = "__imatmul__"; imod = "__imod__"; imul = "__imul__"; index = "__index__"; init = "__init__";
    init_subclass = "__init_subclass__"; instancecheck = "__instancecheck__"; int = "__int__";
    invert = "__invert__"; ior = "__ior__"; ipow = "__ipow__"; irshift = "__irshift__"; isub = "__isub__";
    iter = "__iter__"; itruediv = "__itruediv__"; ixor = "__ixor__"; le = "__le__"; len = "__len__";
    length_hint = "__length_hint__"; lshift = "__lshift__"; lt = "__lt__"; main = "__main__";
    match_args = "__match_args__"; matmul = "__matmul__"; missing = "__missing__"; mod_ = "__mod__";
    module = "__module__"; mro_entries = "__mro_entries__"; mul = "__mul__"; name_ = "__name__"; ne = "__ne__";
    neg = "__neg__"; new = "__new__"; next = "__next__"; notes = "__notes__"; or = "__or__"; pos = "__pos__";
    pow = "__pow__"; prepare = "__prepare__"; qualname = "__qualname__"; radd = "__radd__"; rand = "__rand__";
    rdivmod = "__rdivmod__"; repr = "__repr__"; reversed = "__reversed__"; rfloordiv = "__rfloordiv__";
    rlshift = "__rlshift__"; rmatmul = "__rmatmul__"; rmod = "__rmod__"; rmul = "__rmul__"; ror = "__ror__";
    round = "__round__"; rpow = "__rpow__"; rrshift = "__rrshift__"; rshift = "__rshift__"; rsub = "__rsub__";
    rtruediv = "__rtruediv__"; rxor = "__rxor__"; send = "send"; set = "__set__"; set_name = "__set_name__";
    setattr = "__setattr__"; setitem = "__setitem__"; slots = "__slots__"; str = "__str__"; sub = "__sub__";
    subclasscheck = "__subclasscheck__"; suppress_context = "__suppress_context__"; throw = "throw";
    traceback = "__traceback__"; truediv = "__truediv__"; trunc = "__trunc__"; type_params = "__type_params__";
    weakref = "__weakref__"; xor = "__xor__"; all = "__all__"; path = "__path__"; file = "__file__";
    builtins = "__builtins__"; package = "__package__"; spec = "__spec__"; loader = "__loader__";
    keys = "keys"; items = "items"; get_plain = "get"; args = "args"; value = "value"; exc_code = "code";
    mro = "mro"; metaclass = "metaclass"; func_ = "__func__"; self_ = "__self__"; wrapped = "__wrapped__";
    firstlineno = "__firstlineno__"; static_attributes = "__static_attributes__";
    abstractmethods = "__abstractmethods__"; isabstractmethod = "__isabstractmethod__"; fspath = "__fspath__";
    defaults = "__defaults__"; kwdefaults = "__kwdefaults__"; closure = "__closure__"; globals = "__globals__";
    orig_bases = "__orig_bases__"; exceptions = "exceptions"; message = "message"; print = "print";
    sort_key = "key"; asyncio_future_blocking = "_asyncio_future_blocking"; super_ = "super";
    stdout = "stdout"; stderr = "stderr"; write = "write"; flush = "flush"; displayhook = "displayhook";
    underscore = "_"; derive = "derive"; reduce = "__reduce__"; reduce_ex = "__reduce_ex__"; sizeof = "__sizeof__";
    getnewargs = "__getnewargs__"; getstate = "__getstate__"; setstate = "__setstate__";
    subclasshook = "__subclasshook__"; copy = "__copy__"; deepcopy = "__deepcopy__"; exc_name = "name";
    msg = "msg"; filename = "filename"; lineno = "lineno"; offset = "offset"; text_ = "text"; errno = "errno";
    strerror = "strerror"; obj = "obj"; start = "start"; end = "end"; reason = "reason"; encoding = "encoding";
    object_ = "object"; selector = "_selector"; cr_origin = "cr_origin";
}
