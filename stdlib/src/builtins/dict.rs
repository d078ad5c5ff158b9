//! `dict` and its views, and `mappingproxy`.

use lockstep_runtime::native::{ClassDef, class_method, getter, method, static_method};
use lockstep_runtime::object::dict::{Dict, DictView, MappingProxy, ViewOf};
use lockstep_runtime::planted::{self, Bug};
use lockstep_runtime::{B, Kind, PyResult, Value, Vm};

use super::{generic_alias, operators as op};
use crate::args;

pub static CLASS: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, /, *args, **kwargs)", new),
        method("__init__(self, /, *args, **kwargs)", init),
        op::REPR,
        op::GETATTRIBUTE,
        op::LEN,
        op::GETITEM.not_a_slot(),
        op::SETITEM,
        op::DELITEM,
        op::CONTAINS.not_a_slot(),
        op::ITER,
        op::OR,
        op::ROR,
        op::IOR,
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
        method("__reversed__(self, /)", reversed),
        class_method(
            "__class_getitem__(cls, object, /)",
            generic_alias::class_getitem,
        ),
        method("clear(self, /)", clear),
        method("copy(self, /)", copy),
        class_method("fromkeys(cls, iterable, value=None, /)", fromkeys),
        method("get(self, key, default=None, /)", get),
        method("items(self, /)", items),
        method("keys(self, /)", keys),
        method("pop(self, key, default=..., /)", pop),
        method("popitem(self, /)", popitem),
        method("setdefault(self, key, default=None, /)", setdefault),
        method("update(self, /, *args, **kwargs)", update),
        method("values(self, /)", values),
    ],
    attributes: &[],
    doc: "dict() -> new empty dictionary\ndict(mapping) -> new dictionary initialized from a mapping object's\n    (key, value) pairs\ndict(iterable) -> new dictionary initialized as if via:\n    d = {}\n    for k, v in iterable:\n        d[k] = v\ndict(**kwargs) -> new dictionary initialized with the name=value pairs\n    in the keyword argument list.  For example:  dict(one=1, two=2)",
};

fn new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let shape = vm.root_shape(a[0]);
    Ok(vm.heap.alloc(shape, Dict::default()))
}

fn init(vm: &mut Vm, a: &[Value]) -> PyResult {
    fill(vm, a[0], a[1], a[2], "dict")?;
    Ok(Value::NONE)
}

/// Adds what the arguments of `dict()` or `dict.update()` say.
fn fill(vm: &mut Vm, this: Value, positional: Value, keywords: Value, what: &str) -> PyResult<()> {
    match *vm.heap.tuple_items(positional) {
        [] => {}
        [other] => vm.dict_update(this, other)?,
        ref more => {
            let message = format!("{what} expected at most 1 argument, got {}", more.len());
            return Err(vm.type_error(message));
        }
    }
    for (key, value) in vm.heap.dict_entries(keywords) {
        vm.dict_set(this, key, value)?;
    }
    Ok(())
}

fn reversed(vm: &mut Vm, a: &[Value]) -> PyResult {
    match vm.builtin_reversed(a[0]) {
        Some(iter) => Ok(iter),
        None => vm.reversed(a[0]),
    }
}

fn clear(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.dict_clear(a[0]);
    Ok(Value::NONE)
}

fn copy(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.dict_copy(a[0])
}

fn fromkeys(vm: &mut Vm, a: &[Value]) -> PyResult {
    let value = a[2].given().unwrap_or(Value::NONE);
    if a[0] == vm.class(B::Dict) {
        return vm.dict_from_keys(a[1], value);
    }
    let dict = vm.call(a[0], &[])?;
    vm.root(dict);
    let (_, keys) = args::held_items(vm, a[1])?;
    for key in keys {
        vm.set_item(dict, key, value)?;
    }
    Ok(dict)
}

fn get(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(vm
        .dict_get(a[0], a[1])?
        .or(a[2].given())
        .unwrap_or(Value::NONE))
}

fn view(vm: &mut Vm, dict: Value, of: ViewOf) -> Value {
    let class = match of {
        ViewOf::Keys => B::DictKeys,
        ViewOf::Values => B::DictValues,
        ViewOf::Items => B::DictItems,
    };
    vm.heap.alloc(class.shape(), DictView { dict, of })
}

/// A view of an OrderedDict, which has classes of its own.
///
/// # Errors
/// TypeError if it is no dict.
pub fn ordered_view(vm: &mut Vm, dict: Value, of: ViewOf) -> PyResult {
    if vm.heap.kind(dict) != Some(Kind::Dict) {
        let message = format!("expected a dict, got {}", vm.type_name(dict));
        return Err(vm.type_error(message));
    }
    let class = match of {
        ViewOf::Keys => B::OdictKeys,
        ViewOf::Values => B::OdictValues,
        ViewOf::Items => B::OdictItems,
    };
    Ok(vm.heap.alloc(class.shape(), DictView { dict, of }))
}

/// `move_to_end` of an OrderedDict: `(dict, key, last)`.
///
/// # Errors
/// KeyError; TypeError if it is no dict; whatever the keys' methods raise.
pub fn ordered_move(vm: &mut Vm, a: &[Value]) -> PyResult {
    let [dict, key, last] = *a else {
        unreachable!("the signature has three parameters")
    };
    if vm.heap.kind(dict) != Some(Kind::Dict) {
        let message = format!("expected a dict, got {}", vm.type_name(dict));
        return Err(vm.type_error(message));
    }
    if vm.heap.cell::<Dict>(dict).table.is_empty() {
        return Err(vm.key_error_of(key));
    }
    let hash = vm.hash(key)?;
    let Some(at) = vm.dict_find(dict, key, hash)? else {
        return Err(vm.key_error_of(key));
    };
    let table = &mut vm.heap.cell_mut::<Dict>(dict).table;
    // CPython 3.13 odictobject.c OrderedDict_move_to_end_impl: what stands there already is no
    // change to iterators.
    if last == Value::TRUE {
        if table
            .prev_before(table.end())
            .is_some_and(|(end, _)| end != at)
        {
            table.move_last(at);
        }
    } else if table.next_from(0).is_some_and(|(start, _)| start != at) {
        table.move_first(at);
    }
    Ok(Value::NONE)
}

fn items(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(view(vm, a[0], ViewOf::Items))
}

fn keys(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(view(vm, a[0], ViewOf::Keys))
}

fn values(vm: &mut Vm, a: &[Value]) -> PyResult {
    Ok(view(vm, a[0], ViewOf::Values))
}

fn pop(vm: &mut Vm, a: &[Value]) -> PyResult {
    // CPython 3.13 dictobject.c _PyDict_Pop_KnownHash: an empty dict asks for no hash. An ordered
    // one does.
    let is_empty = vm.heap.cell::<Dict>(a[0]).table.is_empty();
    let found = match is_empty && !vm.is_ordered_dict(a[0]) {
        true => None,
        false => vm.dict_remove(a[0], a[1])?,
    };
    match found.or(a[2].given()) {
        Some(value) => Ok(value),
        // CPython 3.13 odictobject.c _odict_popkey_hash.
        None if vm.is_ordered_dict(a[0]) => Err(vm.key_error_of(a[1])),
        None => Err(vm.key_error(a[1])),
    }
}

fn popitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    if planted::is(Bug::PopsFirstItem)
        && let Some(&(key, value)) = vm.heap.dict_entries(a[0]).first()
    {
        vm.dict_remove(a[0], key)?;
        return Ok(vm.heap.tuple(&[key, value]));
    }
    match vm.heap.cell_mut::<Dict>(a[0]).table.pop_last() {
        Some(entry) => Ok(vm.heap.tuple(&[entry.key, entry.value])),
        None => {
            let message = vm.heap.str("popitem(): dictionary is empty");
            Err(vm.key_error(message))
        }
    }
}

fn setdefault(vm: &mut Vm, a: &[Value]) -> PyResult {
    let default = a[2].given().unwrap_or(Value::NONE);
    vm.dict_set_default(a[0], a[1], default)
}

fn update(vm: &mut Vm, a: &[Value]) -> PyResult {
    fill(vm, a[0], a[1], a[2], "update")?;
    Ok(Value::NONE)
}

// ---- views ---------------------------------------------------------------------

pub static KEYS: ClassDef = ClassDef {
    methods: SET_LIKE,
    attributes: VIEW_ATTRIBUTES,
    doc: "",
};
pub static ITEMS: ClassDef = ClassDef {
    methods: SET_LIKE,
    attributes: VIEW_ATTRIBUTES,
    doc: "",
};
pub static VALUES: ClassDef = ClassDef {
    methods: &[
        op::REPR,
        op::LEN,
        op::ITER,
        method("__reversed__(self, /)", reversed),
    ],
    attributes: VIEW_ATTRIBUTES,
    doc: "",
};

const SET_LIKE: &[lockstep_runtime::NativeDef] = &[
    op::REPR,
    op::LEN,
    op::ITER,
    op::CONTAINS,
    op::AND,
    op::RAND,
    op::OR,
    op::ROR,
    op::SUB,
    op::RSUB,
    op::XOR,
    op::RXOR,
    op::LT,
    op::LE,
    op::EQ,
    op::NE,
    op::GT,
    op::GE,
    method("__reversed__(self, /)", reversed),
    method("isdisjoint(self, other, /)", isdisjoint),
];

const VIEW_ATTRIBUTES: &[lockstep_runtime::native::GetSetDef] = &[getter("mapping", mapping)];

fn isdisjoint(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (mut asked, mut walked) = (a[0], a[1]);
    if asked == walked {
        return Ok(Value::bool(vm.len(asked)? == 0));
    }
    // CPython 3.13 dictobject.c dictviews_isdisjoint: of two that can be asked directly the
    // shorter one is walked.
    let can_be_asked = vm.heap.is_exact(walked, B::Set)
        || vm.heap.is_exact(walked, B::FrozenSet)
        || vm
            .heap
            .get::<DictView>(walked)
            .is_some_and(|view| view.of != ViewOf::Values);
    if can_be_asked && vm.len(walked)? > vm.len(asked)? {
        std::mem::swap(&mut asked, &mut walked);
    }
    let iter = vm.iter(walked)?;
    vm.root(iter);
    while let Some(item) = vm.next(iter)? {
        vm.tick()?;
        if vm.holding(&[item], |vm| vm.contains(asked, item))? {
            return Ok(Value::FALSE);
        }
    }
    Ok(Value::TRUE)
}

fn mapping(vm: &mut Vm, this: Value) -> PyResult {
    let mapping = vm.heap.cell::<DictView>(this).dict;
    Ok(vm
        .heap
        .alloc(B::MappingProxy.shape(), MappingProxy { mapping }))
}

// ---- mappingproxy ----------------------------------------------------------------

pub static PROXY: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls, mapping, /)", proxy_new),
        op::REPR,
        op::HASH,
        method("__str__(self, /)", proxy_str),
        method("__len__(self, /)", proxy_len),
        method("__getitem__(self, key, /)", proxy_getitem),
        method("__contains__(self, key, /)", proxy_contains),
        method("__iter__(self, /)", proxy_iter),
        method("__reversed__(self, /)", proxy_reversed),
        method("__or__(self, value, /)", proxy_or),
        method("__ror__(self, value, /)", proxy_ror),
        method("__ior__(self, value, /)", proxy_ior),
        op::LT,
        op::LE,
        op::EQ,
        op::NE,
        op::GT,
        op::GE,
        class_method(
            "__class_getitem__(cls, object, /)",
            generic_alias::class_getitem,
        ),
        method("get(self, key, default=None, /)", proxy_get),
        method("keys(self, /)", proxy_keys),
        method("values(self, /)", proxy_values),
        method("items(self, /)", proxy_items),
        method("copy(self, /)", proxy_copy),
    ],
    attributes: &[],
    doc: "Read-only proxy of a mapping.",
};

fn proxied(vm: &Vm, this: Value) -> Value {
    vm.heap
        .get::<MappingProxy>(this)
        .map_or(this, |p| p.mapping)
}

fn proxy_new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let has_items = vm.special(a[1], lockstep_runtime::N::getitem).is_some();
    if !has_items || vm.heap.as_sequence(a[1]).is_some() {
        let message = format!(
            "mappingproxy() argument must be a mapping, not {}",
            vm.type_name(a[1])
        );
        return Err(vm.type_error(message));
    }
    Ok(vm
        .heap
        .alloc(B::MappingProxy.shape(), MappingProxy { mapping: a[1] }))
}

fn proxy_str(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mapping = proxied(vm, a[0]);
    vm.str(mapping)
}

fn proxy_len(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mapping = proxied(vm, a[0]);
    let n = vm.len(mapping)?;
    Ok(vm.heap.usize(n))
}

fn proxy_getitem(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mapping = proxied(vm, a[0]);
    vm.get_item(mapping, a[1])
}

fn proxy_contains(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mapping = proxied(vm, a[0]);
    Ok(Value::bool(vm.contains(mapping, a[1])?))
}

fn proxy_iter(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mapping = proxied(vm, a[0]);
    vm.iter(mapping)
}

fn proxy_reversed(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mapping = proxied(vm, a[0]);
    vm.reversed(mapping)
}

fn proxy_or(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (x, y) = (proxied(vm, a[0]), proxied(vm, a[1]));
    vm.binary(
        lockstep_runtime::protocol::number::BinaryOp::Or,
        x,
        y,
        false,
    )
}

fn proxy_ror(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (x, y) = (proxied(vm, a[1]), proxied(vm, a[0]));
    vm.binary(
        lockstep_runtime::protocol::number::BinaryOp::Or,
        x,
        y,
        false,
    )
}

fn proxy_ior(vm: &mut Vm, _: &[Value]) -> PyResult {
    Err(vm.proxy_change_error())
}

fn proxy_get(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mapping = proxied(vm, a[0]);
    let default = a[2].given().unwrap_or(Value::NONE);
    if vm.heap.is_exact(mapping, B::Dict) {
        return Ok(vm.dict_get(mapping, a[1])?.unwrap_or(default));
    }
    vm.call_method(mapping, "get", &[a[1], default])
}

fn proxy_keys(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mapping = proxied(vm, a[0]);
    vm.call_method(mapping, "keys", &[])
}

fn proxy_values(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mapping = proxied(vm, a[0]);
    vm.call_method(mapping, "values", &[])
}

fn proxy_items(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mapping = proxied(vm, a[0]);
    vm.call_method(mapping, "items", &[])
}

fn proxy_copy(vm: &mut Vm, a: &[Value]) -> PyResult {
    let mapping = proxied(vm, a[0]);
    vm.call_method(mapping, "copy", &[])
}
