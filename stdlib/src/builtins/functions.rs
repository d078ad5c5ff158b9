//! The builtin functions, from `abs` to `vars`; printing and files are in
//! `print` and `file`.

use lockstep_lang::subset;
use lockstep_runtime::native::{Flow, NativeDef, flow_function, function};
use lockstep_runtime::object::generator::{Flavor, Generator};
use lockstep_runtime::object::iter::Iter;
use lockstep_runtime::object::list::List;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::protocol::number::BinaryOp;
use lockstep_runtime::text::pystr::PyStr;
use lockstep_runtime::{B, Kind, N, PyResult, Value, Vm};

use super::{file, isinstance, object, print, sort};
use crate::args;

pub static FUNCTIONS: &[NativeDef] = &[
    function("abs(x, /)", |vm, a| vm.abs(a[0])),
    function("aiter(async_iterable, /)", aiter),
    function("all(iterable, /)", all),
    function("anext(aiterator, default=None, /)", anext),
    function("any(iterable, /)", any),
    function("ascii(obj, /)", |vm, a| vm.ascii(a[0])),
    function("bin(number, /)", |vm, a| radix(vm, a[0], 2, "0b")),
    function("breakpoint(*args, **kws)", |vm, _| {
        Err(vm.unsupported("breakpoint() is outside the subset: print what you want to see"))
    }),
    function("callable(obj, /)", |vm, a| {
        Ok(Value::bool(vm.is_callable(a[0])))
    }),
    function("chr(i, /)", chr),
    function("compile(*args, **kwargs)", |vm, _| {
        Err(vm.unsupported(subset::COMPILE.message()))
    }),
    function("delattr(obj, name, /)", delattr),
    function("dir(object=None, /)", dir),
    function("divmod(x, y, /)", |vm, a| vm.divmod(a[0], a[1])),
    function("eval(*args, **kwargs)", |vm, _| {
        Err(vm.unsupported(subset::EVAL.message()))
    }),
    function("exec(*args, **kwargs)", |vm, _| {
        Err(vm.unsupported(subset::EXEC.message()))
    }),
    function("exit(code=None)", exit),
    function("format(value, format_spec='', /)", format),
    function("getattr(object, name, default=None, /)", getattr),
    function("globals()", |vm, _| {
        Ok(vm.current_globals().unwrap_or(Value::NONE))
    }),
    function("hasattr(obj, name, /)", hasattr),
    function("hash(obj, /)", hash),
    function("help(object=None, /)", print::help),
    function("hex(number, /)", |vm, a| radix(vm, a[0], 16, "0x")),
    function("id(obj, /)", |vm, a| {
        let address = vm.address(a[0]);
        Ok(vm.heap.usize(address as usize))
    }),
    function("input(prompt='', /)", print::input),
    function("isinstance(obj, class_or_tuple, /)", |vm, a| {
        Ok(Value::bool(isinstance::isinstance(vm, a[0], a[1])?))
    }),
    function("issubclass(cls, class_or_tuple, /)", |vm, a| {
        Ok(Value::bool(isinstance::issubclass(vm, a[0], a[1])?))
    }),
    function("iter(object, sentinel=None, /)", iter),
    function("len(obj, /)", |vm, a| {
        let n = vm.len(a[0])?;
        Ok(vm.heap.usize(n))
    }),
    function("locals()", |vm, _| Ok(vm.current_locals())),
    function("max(*args, default=None, key=None)", |vm, a| {
        extreme(vm, a, CompareOp::Gt, "max")
    })
    .quick(|vm, a| Ok(extreme_number(vm, a, CompareOp::Gt))),
    function("min(*args, default=None, key=None)", |vm, a| {
        extreme(vm, a, CompareOp::Lt, "min")
    })
    .quick(|vm, a| Ok(extreme_number(vm, a, CompareOp::Lt))),
    flow_function("next(iterator, default=None, /)", next).quick(|vm, a| match *a {
        [iter] | [iter, _] => Ok(vm.next_fast(iter)),
        _ => Ok(None),
    }),
    function("oct(number, /)", |vm, a| radix(vm, a[0], 8, "0o")),
    function(
        "open(file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)",
        file::open,
    ),
    function("ord(c, /)", ord),
    function("pow(base, exp, mod=None)", |vm, a| {
        vm.power_mod(a[0], a[1], a[2].given().unwrap_or(Value::NONE))
    }),
    function(
        "print(*args, sep=' ', end='\\n', file=None, flush=False)",
        print::print,
    ),
    function("quit(code=None)", exit),
    function("repr(obj, /)", |vm, a| vm.repr(a[0])),
    function("round(number, ndigits=None)", round),
    function("setattr(obj, name, value, /)", setattr),
    function("sorted(iterable, /, *, key=None, reverse=False)", sorted),
    function("sum(iterable, /, start=0)", sum)
        .quick(|vm, a| Ok(sum_of_ints(vm, a).map(|n| vm.heap.int(n)))),
    function("vars(object=None, /)", vars),
    function(
        "__import__(name, globals=None, locals=None, fromlist=(), level=0)",
        import,
    ),
    function(
        "__build_class__(func, name, /, *bases, **kwds)",
        build_class,
    ),
];

/// `exit` and `quit`, which CPython's site module adds.
fn exit(vm: &mut Vm, a: &[Value]) -> PyResult {
    let class = vm.class(B::SystemExit);
    let code = a[0].given().unwrap_or(Value::NONE);
    let exception = vm.call(class, &[code])?;
    Err(vm.raise_given(exception))
}

fn all(vm: &mut Vm, a: &[Value]) -> PyResult {
    let iter = vm.iter(a[0])?;
    vm.root(iter);
    while let Some(item) = vm.next(iter)? {
        if !vm.truth(item)? {
            return Ok(Value::FALSE);
        }
        vm.tick()?;
    }
    Ok(Value::TRUE)
}

fn any(vm: &mut Vm, a: &[Value]) -> PyResult {
    let iter = vm.iter(a[0])?;
    vm.root(iter);
    while let Some(item) = vm.next(iter)? {
        if vm.truth(item)? {
            return Ok(Value::TRUE);
        }
        vm.tick()?;
    }
    Ok(Value::FALSE)
}

fn aiter(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.special(a[0], N::aiter).is_none() {
        let message = format!("'{}' object is not an async iterable", vm.type_name(a[0]));
        return Err(vm.type_error(message));
    }
    let iterator = match vm.call_special(a[0], N::aiter, &[])? {
        Some(iterator) => iterator,
        None => Value::NONE,
    };
    if vm.special(iterator, N::anext).is_none() {
        let message = format!(
            "aiter() returned not an async iterator of type '{}'",
            vm.type_name(iterator)
        );
        return Err(vm.type_error(message));
    }
    Ok(iterator)
}

fn anext(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.special(a[0], N::anext).is_none() {
        let message = format!("'{}' object is not an async iterator", vm.type_name(a[0]));
        return Err(vm.type_error(message));
    }
    // Whether it can be awaited is seen when it is.
    let awaitable = match vm.call_special(a[0], N::anext, &[])? {
        Some(awaitable) => awaitable,
        None => Value::NONE,
    };
    match a[1].given() {
        None => Ok(awaitable),
        Some(default) => super::anext::with_default(vm, awaitable, default),
    }
}

/// `bin`, `oct`, `hex`.
fn radix(vm: &mut Vm, v: Value, radix: u32, prefix: &str) -> PyResult {
    let n = vm.index(v)?;
    let n = vm.heap.as_big(n).unwrap_or_default();
    let digits = n.magnitude().to_str_radix(radix);
    let sign = if n.sign() == num_bigint::Sign::Minus {
        "-"
    } else {
        ""
    };
    args::str_value(vm, format!("{sign}{prefix}{digits}"))
}

fn chr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let n = vm.index(a[0])?;
    let cp = vm
        .heap
        .as_i64(n)
        .and_then(|n| u32::try_from(n).ok())
        .and_then(PyStr::from_code_point);
    match cp {
        Some(text) => Ok(vm.heap.str(text)),
        None => Err(vm.value_error("chr() arg not in range(0x110000)")),
    }
}

fn ord(vm: &mut Vm, a: &[Value]) -> PyResult {
    let len = if let Some(text) = vm.heap.as_str(a[0]) {
        if let (1, Some(cp)) = (text.len(), text.char_at(0)) {
            return Ok(Value::small(i64::from(cp)));
        }
        text.len()
    } else if let Some(bytes) = vm.heap.get::<lockstep_runtime::object::bytes::Bytes>(a[0]) {
        if let [byte] = bytes.data[..] {
            return Ok(Value::small(i64::from(byte)));
        }
        bytes.data.len()
    } else {
        let message = format!(
            "ord() expected string of length 1, but {} found",
            vm.type_name(a[0])
        );
        return Err(vm.type_error(message));
    };
    Err(vm.type_error(format!(
        "ord() expected a character, but string of length {len} found"
    )))
}

fn attr_name(vm: &mut Vm, name: Value) -> PyResult {
    object::attribute_name(vm, name)
}

fn getattr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let name = attr_name(vm, a[1])?;
    match a[2].given() {
        None => vm.get_attr(a[0], name),
        Some(default) => Ok(vm.get_attr_opt(a[0], name)?.unwrap_or(default)),
    }
}

fn hasattr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let name = attr_name(vm, a[1])?;
    Ok(Value::bool(vm.get_attr_opt(a[0], name)?.is_some()))
}

fn setattr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let name = attr_name(vm, a[1])?;
    vm.set_attr(a[0], name, a[2])?;
    Ok(Value::NONE)
}

fn delattr(vm: &mut Vm, a: &[Value]) -> PyResult {
    let name = attr_name(vm, a[1])?;
    vm.del_attr(a[0], name)?;
    Ok(Value::NONE)
}

fn dir(vm: &mut Vm, a: &[Value]) -> PyResult {
    let names = match a[0].given() {
        None => {
            let locals = vm.current_locals();
            let keys: Vec<Value> = vm.collect_iterable(locals)?;
            vm.heap.list(keys)
        }
        Some(obj) => match vm.call_special(obj, N::dir, &[])? {
            Some(names) => {
                vm.root(names);
                let names = vm.collect_iterable(names)?;
                vm.heap.list(names)
            }
            None => return Err(vm.type_error("object does not provide __dir__")),
        },
    };
    vm.root(names);
    sort::sort_list(vm, names, None, false)?;
    Ok(names)
}

fn format(vm: &mut Vm, a: &[Value]) -> PyResult {
    let spec = match a[1].given() {
        Some(spec) if vm.heap.as_str(spec).is_some() => spec,
        Some(spec) => {
            let message = format!(
                "format() argument 2 must be str, not {}",
                args::shown_type(vm, spec)
            );
            return Err(vm.type_error(message));
        }
        None => vm.heap.str(""),
    };
    vm.root(spec);
    vm.format(a[0], spec)
}

fn hash(vm: &mut Vm, a: &[Value]) -> PyResult {
    let hash = vm.hash(a[0])?;
    Ok(vm.heap.int(hash))
}

fn iter(vm: &mut Vm, a: &[Value]) -> PyResult {
    match a[1].given() {
        None => vm.iter(a[0]),
        Some(sentinel) => {
            if !vm.is_callable(a[0]) {
                return Err(vm.type_error("iter(v, w): v must be callable"));
            }
            let iter = Iter::Call {
                callable: a[0],
                sentinel,
            };
            Ok(vm.heap.alloc(B::CallableIterator.shape(), iter))
        }
    }
}

fn next(vm: &mut Vm, a: &[Value]) -> PyResult<Flow> {
    let default = a[1].given();
    if default.is_none()
        && vm
            .heap
            .get::<Generator>(a[0])
            .is_some_and(|g| g.flavor == Flavor::Generator)
    {
        return Ok(Flow::Send {
            generator: a[0],
            value: Value::NONE,
        });
    }
    let is_generator = vm
        .heap
        .get::<Generator>(a[0])
        .is_some_and(|g| g.flavor == Flavor::Generator);
    let item = if is_generator {
        Some(vm.next(a[0]))
    } else if vm.heap.kind(a[0]) == Some(Kind::Iter) && vm.has_own_next(a[0]) {
        Some(vm.builtin_next(a[0]))
    } else {
        None
    };
    match item {
        Some(Ok(item)) => {
            return match item.or(default) {
                Some(value) => Ok(Flow::Return(value)),
                None => Err(vm.stop_iteration(Value::NONE)),
            };
        }
        Some(Err(raised)) if vm.is_instance_of(raised.0, B::StopIteration) => {
            return default.map(Flow::Return).ok_or(raised);
        }
        Some(Err(raised)) => return Err(raised),
        None => {}
    }
    // The StopIteration of a script's iterator goes through as it is.
    match vm.call_special(a[0], N::next, &[]) {
        Ok(Some(value)) => Ok(Flow::Return(value)),
        Ok(None) => {
            let message = format!("'{}' object is not an iterator", vm.type_name(a[0]));
            Err(vm.type_error(message))
        }
        Err(raised) if vm.is_instance_of(raised.0, B::StopIteration) => {
            default.map(Flow::Return).ok_or(raised)
        }
        Err(raised) => Err(raised),
    }
}

/// `max` and `min` of ints, or of floats, that stand among the arguments or in one list: None
/// where there is anything else, or nothing.
fn extreme_number(vm: &Vm, a: &[Value], better: CompareOp) -> Option<Value> {
    let items = match *a {
        [list] if vm.heap.is_exact(list, B::List) => vm.heap.as_sequence(list)?,
        [_] => return None,
        _ => a,
    };
    let greater = better == CompareOp::Gt;
    let (&first, rest) = items.split_first()?;
    let mut best = first;
    if first.is_int() {
        for &item in rest {
            let (n, best_n) = (item.as_int()?, best.as_int()?);
            if if greater { n > best_n } else { n < best_n } {
                best = item;
            }
        }
    } else {
        let mut best_f = first.as_inline_float()?;
        for &item in rest {
            let f = item.as_inline_float()?;
            if if greater { f > best_f } else { f < best_f } {
                (best, best_f) = (item, f);
            }
        }
    }
    Some(best)
}

/// `max` and `min`; `a` is default, key and the tuple of arguments.
fn extreme(vm: &mut Vm, a: &[Value], better: CompareOp, name: &str) -> PyResult {
    let (default, key) = (a[0].given(), a[1].some());
    let given = vm.heap.tuple_items(a[2]).to_vec();
    let iter = match given[..] {
        [] => {
            return Err(vm.type_error(format!("{name} expected at least 1 argument, got 0")));
        }
        [iterable] => vm.iter(iterable)?,
        _ if default.is_some() => {
            return Err(vm.type_error(format!(
                "Cannot specify a default for {name}() with multiple positional arguments"
            )));
        }
        _ => vm.iter(a[2])?,
    };
    vm.root(iter);
    // What is best so far stays in view of the collector: item and key.
    let held = vm.heap.list(vec![Value::EMPTY, Value::EMPTY]);
    vm.root(held);
    while let Some(item) = vm.next(iter)? {
        let (best, best_key) = {
            let items = &vm.heap.cell::<List>(held).items;
            (items[0], items[1])
        };
        let item_key = match key {
            Some(key) => vm.holding(&[item], |vm| vm.call(key, &[item]))?,
            None => item,
        };
        let wins = best.is_empty()
            || vm.holding(&[item, item_key], |vm| {
                vm.compare_bool(better, item_key, best_key)
            })?;
        if wins {
            let items = &mut vm.heap.cell_mut::<List>(held).items;
            items[0] = item;
            items[1] = item_key;
        }
        vm.tick()?;
    }
    let best = vm.heap.cell::<List>(held).items[0];
    match best.given().or(default) {
        Some(value) => Ok(value),
        None => Err(vm.value_error(format!("{name}() iterable argument is empty"))),
    }
}

fn round(vm: &mut Vm, a: &[Value]) -> PyResult {
    let digits = a[1].some();
    let result = match digits {
        Some(digits) => vm.call_special(a[0], N::round, &[digits])?,
        None => vm.call_special(a[0], N::round, &[])?,
    };
    match result {
        Some(value) => Ok(value),
        None => {
            let message = format!(
                "type {} doesn't define __round__ method",
                vm.type_name_within(a[0], 100)
            );
            Err(vm.type_error(message))
        }
    }
}

fn sorted(vm: &mut Vm, a: &[Value]) -> PyResult {
    let items = vm.collect_iterable(a[0])?;
    let list = vm.heap.list(items);
    vm.root(list);
    let reverse = match a[2].given() {
        Some(v) => vm.truth(v)?,
        None => false,
    };
    sort::sort_list(vm, list, a[1].some(), reverse)?;
    Ok(list)
}

/// A running float sum with its compensation, as CPython 3.12 and later keep.
#[derive(Clone, Copy)]
struct Compensated {
    high: f64,
    low: f64,
}

impl Compensated {
    fn add(&mut self, x: f64) {
        let total = self.high + x;
        if self.high.abs() >= x.abs() {
            self.low += (self.high - total) + x;
        } else {
            self.low += (x - total) + self.high;
        }
        self.high = total;
    }

    fn value(self) -> f64 {
        if self.low != 0.0 && self.low.is_finite() {
            self.high + self.low
        } else {
            self.high
        }
    }
}

/// `sum` of a list or tuple of small ints; None where there is anything else.
fn sum_of_ints(vm: &Vm, a: &[Value]) -> Option<i64> {
    let (items, mut total) = match *a {
        [items] => (items, 0),
        [items, start] => (items, start.as_int()?),
        _ => return None,
    };
    if !vm.heap.is_exact(items, B::List) && !vm.heap.is_exact(items, B::Tuple) {
        return None;
    }
    for item in vm.heap.as_sequence(items)? {
        total = item.as_int()?.checked_add(total)?;
    }
    Some(total)
}

fn sum(vm: &mut Vm, a: &[Value]) -> PyResult {
    let iter = vm.iter(a[0])?;
    vm.root(iter);
    let start = a[1].given().unwrap_or(Value::small(0));
    for (class, advice) in [
        (B::Str, "can't sum strings [use ''.join(seq) instead]"),
        (B::Bytes, "can't sum bytes [use b''.join(seq) instead]"),
        (
            B::ByteArray,
            "can't sum bytearray [use b''.join(seq) instead]",
        ),
    ] {
        if vm.is_instance_of(start, class) {
            return Err(vm.type_error(format!("sum() {advice}")));
        }
    }
    let mut total = start;
    // Ints as long as they are small, then floats with compensation, then any.
    if let Some(mut n) = total.as_int() {
        loop {
            let Some(item) = vm.next(iter)? else {
                return Ok(vm.heap.int(n));
            };
            vm.tick()?;
            match item
                .as_int()
                .or(item.as_bool().map(i64::from))
                .and_then(|i| n.checked_add(i))
            {
                Some(sum) => n = sum,
                None => {
                    let so_far = vm.heap.int(n);
                    total = vm.binary(BinaryOp::Add, so_far, item, false)?;
                    break;
                }
            }
        }
    }
    if vm.heap.is_exact(total, B::Float) || total.is_inline_float() {
        let mut sum = Compensated {
            high: vm.heap.as_float(total).unwrap_or(0.0),
            low: 0.0,
        };
        loop {
            let Some(item) = vm.next(iter)? else {
                return Ok(vm.heap.float(sum.value()));
            };
            vm.tick()?;
            if let Some(f) = item.as_inline_float() {
                sum.add(f);
            } else if vm.heap.is_exact(item, B::Float) {
                sum.add(vm.heap.as_float(item).unwrap_or(0.0));
            } else if let Some(n) = vm.heap.as_i64(item) {
                sum.high += n as f64;
            } else {
                let so_far = vm.heap.float(sum.value());
                total = vm.binary(BinaryOp::Add, so_far, item, false)?;
                break;
            }
        }
    }
    let held = vm.heap.list(vec![total]);
    vm.root(held);
    while let Some(item) = vm.next(iter)? {
        vm.tick()?;
        total = vm.binary(BinaryOp::Add, total, item, false)?;
        vm.heap.cell_mut::<List>(held).items[0] = total;
    }
    Ok(total)
}

fn vars(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(obj) = a[0].given() else {
        return Ok(vm.current_locals());
    };
    let name = vm.n(N::dict);
    match vm.get_attr_opt(obj, name)? {
        Some(dict) => Ok(dict),
        None => Err(vm.type_error("vars() argument must have __dict__ attribute")),
    }
}

fn import(vm: &mut Vm, a: &[Value]) -> PyResult {
    if vm.heap.as_str(a[0]).is_none() {
        let message = format!(
            "__import__() argument 1 must be str, not {}",
            args::shown_type(vm, a[0])
        );
        return Err(vm.type_error(message));
    }
    let level = args::ssize_or(vm, a[4], 0)?;
    if level < 0 {
        return Err(vm.value_error("level must be >= 0"));
    }
    let globals = a[1]
        .some()
        .or_else(|| vm.current_globals())
        .unwrap_or(Value::NONE);
    let fromlist = a[3].given().unwrap_or(Value::NONE);
    vm.import(a[0], level, fromlist, globals, false)
}

fn build_class(vm: &mut Vm, a: &[Value]) -> PyResult {
    let bases = vm.heap.tuple_items(a[2]).to_vec();
    let keywords = args::keywords(vm, a[3])?;
    vm.build_class(a[0], a[1], &bases, &keywords)
}
