//! The loader: the opcodes of a pickle that is one piece of bytes. An opcode that is none of the
//! common ones, or whose operands are not as they should be, is left to the module, which has all
//! the rules and all the errors, with the stack and the memo as they are.

use lockstep_runtime::native::ClassDef;
use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::dict::Dict;
use lockstep_runtime::object::list::List;
use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::object::set::Set;
use lockstep_runtime::text::pystr::PyStr;
use lockstep_runtime::{B, Kind, Marker, N, PyResult, Value, Vm};
use num_bigint::BigInt;

use super::opcode::*;

/// How far beyond its end the memo grows at once; numbers further on are the module's.
const MEMO_GAP_MAX: usize = 1 << 16;

struct Loader {
    data: Vec<u8>,
    /// Where the opcode stands that is run, or its operands from where they are read.
    at: usize,
    state: State,
    find_class: Value,
    build: Value,
}

/// What has become of an opcode.
enum Ran {
    Done,
    /// It was the last one, and this is the object.
    Stopped(Value),
}

/// What a run has come to, for the next one or for the module.
#[derive(Clone)]
struct State {
    proto: i64,
    /// A list.
    stack: Value,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    /// A list, with unbound places for numbers that have not come.
    memo: Value,
    n_memoized: usize,
}

impl Native for State {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.stack, self.memo]);
    }
}

/// The class of a `State`.
#[derive(Default)]
struct StateClass(Option<Value>);

impl Native for StateClass {
    fn trace(&self, marker: &mut Marker) {
        if let Some(class) = self.0 {
            marker.mark(class);
        }
    }
}

static STATE: ClassDef = ClassDef {
    methods: &[],
    attributes: &[],
    doc: "What a loader has read.",
};

pub fn init(vm: &mut Vm, _: Value) -> PyResult<()> {
    let object = vm.class(B::Object);
    let class = vm.new_native_class("_pickle_parts", "State", object, Kind::Opaque, &STATE);
    vm.ext::<StateClass>().0 = Some(class);
    Ok(())
}

/// `load(data, proto, find_class, build, state)`: runs the opcodes of a piece of a pickle, the
/// first one if the state is None. Gives a tuple of where it has stopped and of the state; and of
/// the object, where that was the end.
pub fn load(vm: &mut Vm, a: &[Value]) -> PyResult {
    let data = match vm.heap.get::<Bytes>(a[0]) {
        Some(bytes) => bytes.data.clone(),
        None => return Err(vm.type_error("a bytes-like object is required")),
    };
    let proto = vm.index_i64(a[1])?;
    let state = match vm.heap.native::<State>(a[4]) {
        Some(state) => state.clone(),
        None => {
            let [stack, memo] = [(); 2].map(|()| {
                let list = vm.heap.list(Vec::new());
                vm.root(list)
            });
            State {
                proto,
                stack,
                marks: Vec::new(),
                memo,
                n_memoized: 0,
            }
        }
    };
    let mut loader = Loader {
        data,
        at: 0,
        state,
        find_class: a[2],
        build: a[3],
    };
    let (end, value) = loader.run_all(vm)?;
    let kept = match vm.ext::<StateClass>().0 {
        Some(class) => {
            let shape = vm.root_shape(class);
            vm.heap.opaque(shape, loader.state)
        }
        None => Value::NONE,
    };
    let end = vm.heap.usize(end);
    Ok(match value {
        Some(value) => vm.heap.tuple(&[end, kept, value]),
        None => vm.heap.tuple(&[end, kept]),
    })
}

/// `parts(state)`: the stack, cut at its marks; the memo, as a dict; the protocol.
pub fn parts(vm: &mut Vm, a: &[Value]) -> PyResult {
    let Some(state) = vm.heap.native::<State>(a[0]).cloned() else {
        return Err(vm.type_error("parts() takes a state"));
    };
    let parts = vm.heap.list(Vec::new());
    vm.root(parts);
    let items = vm.heap.cell::<List>(state.stack).items.clone();
    let mut from = 0;
    for to in state.marks.into_iter().chain([items.len()]) {
        let part = items.get(from..to).unwrap_or_default().to_vec();
        let part = vm.heap.list(part);
        vm.heap.list_push(parts, part);
        from = to;
    }
    let memo = vm.heap.dict();
    vm.root(memo);
    let known = vm.heap.cell::<List>(state.memo).items.clone();
    for (at, value) in known.into_iter().enumerate() {
        if !value.is_empty() {
            let at = vm.heap.usize(at);
            vm.dict_set(memo, at, value)?;
        }
    }
    let proto = vm.heap.int(state.proto);
    Ok(vm.heap.tuple(&[parts, memo, proto]))
}

impl Loader {
    /// Runs all opcodes there are: where the last one ended or another one is left to the module,
    /// and the object after the very last.
    fn run_all(&mut self, vm: &mut Vm) -> PyResult<(usize, Option<Value>)> {
        loop {
            vm.tick()?;
            let start = self.at;
            let Some(&op) = self.data.get(start) else {
                return Ok((start, None));
            };
            self.at += 1;
            match self.run(vm, op)? {
                Some(Ran::Done) => {}
                Some(Ran::Stopped(value)) => return Ok((self.at, Some(value))),
                None => return Ok((start, None)),
            }
        }
    }

    /// Runs an opcode; None where nothing was done, so that a missing operand ends it by `?`.
    fn run(&mut self, vm: &mut Vm, op: u8) -> PyResult<Option<Ran>> {
        Ok(match op {
            REDUCE => return self.reduce(vm),
            NEWOBJ => return self.newobj(vm),
            NEWOBJ_EX => return self.newobj_ex(vm),
            BUILD => return self.build(vm),
            GLOBAL | STACK_GLOBAL => return self.global(vm, op),
            APPEND | APPENDS => return self.append(vm, op),
            SETITEM | SETITEMS => return self.set_items(vm, op),
            ADDITEMS | FROZENSET => return self.add_items(vm, op),
            DICT => return self.dict(vm),
            _ => self.run_plain(vm, op),
        })
    }

    /// The opcodes that run no script code.
    fn run_plain(&mut self, vm: &mut Vm, op: u8) -> Option<Ran> {
        let value = match op {
            PROTO => {
                let proto = self.number(1)?;
                if proto > 5 {
                    return None;
                }
                self.state.proto = proto as i64;
                return Some(Ran::Done);
            }
            FRAME => {
                // It must be there as a whole.
                let size = self.number(8)?;
                let left = self.data.len() - self.at;
                if size > left as u64 {
                    return None;
                }
                return Some(Ran::Done);
            }
            MARK => {
                self.state.marks.push(self.height(vm));
                return Some(Ran::Done);
            }
            STOP => {
                let value = self.top(vm, 0)?;
                return Some(Ran::Stopped(value));
            }
            POP => {
                if self.top(vm, 0).is_some() {
                    self.shrink(vm, 1);
                } else {
                    self.state.marks.pop()?;
                }
                return Some(Ran::Done);
            }
            POP_MARK => {
                let from = self.state.marks.pop()?;
                self.cut(vm, from);
                return Some(Ran::Done);
            }
            MEMOIZE | PUT | BINPUT | LONG_BINPUT => return self.memoize(vm, op),
            DUP => self.top(vm, 0)?,
            NONE => Value::NONE,
            NEWTRUE => Value::TRUE,
            NEWFALSE => Value::FALSE,
            BININT1 => vm.heap.int(self.number(1)? as i64),
            BININT2 => vm.heap.int(self.number(2)? as i64),
            BININT => vm.heap.int(i64::from(self.number(4)? as u32 as i32)),
            LONG1 | LONG4 => {
                let width = if op == LONG1 { 1 } else { 4 };
                let size = self.number(width)?;
                if width == 4 && size > i32::MAX as u64 {
                    return None;
                }
                let n = signed(self.take(size)?);
                vm.heap.big(n)
            }
            INT => match self.line()? {
                b"01" => Value::TRUE,
                b"00" => Value::FALSE,
                digits => {
                    let n = plain_int(digits)?;
                    vm.heap.int(n)
                }
            },
            LONG => {
                let line = self.line()?;
                let n = plain_int(line.strip_suffix(b"L").unwrap_or(line))?;
                vm.heap.int(n)
            }
            BINFLOAT => {
                let bits = self.number(8)?.swap_bytes();
                vm.heap.float(f64::from_bits(bits))
            }
            FLOAT => {
                let line = self.line()?;
                let is_plain = |b: &u8| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'e' | b'+');
                let text = std::str::from_utf8(line).ok()?;
                let f = if line.iter().all(is_plain) {
                    text.parse().ok()?
                } else {
                    return None;
                };
                vm.heap.float(f)
            }
            SHORT_BINUNICODE | BINUNICODE | BINUNICODE8 => {
                let data = self.sized(op, SHORT_BINUNICODE, BINUNICODE)?;
                let text = PyStr::from(std::str::from_utf8(data).ok()?);
                vm.heap.str(text)
            }
            UNICODE => {
                let line = self.line()?;
                if line.contains(&b'\\') {
                    return None;
                }
                let text = PyStr::from_latin1(line);
                vm.heap.str(text)
            }
            SHORT_BINBYTES | BINBYTES | BINBYTES8 => {
                let data = self.sized(op, SHORT_BINBYTES, BINBYTES)?.to_vec();
                vm.heap.bytes(data)
            }
            BYTEARRAY8 => {
                let data = self.sized(op, 0, 0)?.to_vec();
                vm.heap.charge(data.capacity());
                vm.heap.alloc(B::ByteArray.shape(), Bytes { data })
            }
            EMPTY_TUPLE => vm.heap.tuple(&[]),
            EMPTY_LIST => vm.heap.list(Vec::new()),
            EMPTY_DICT => vm.heap.dict(),
            EMPTY_SET => vm.heap.set(),
            TUPLE1 | TUPLE2 | TUPLE3 => {
                let n = usize::from(op - TUPLE1) + 1;
                self.top(vm, n - 1)?;
                let from = self.height(vm) - n;
                let items = self.cut(vm, from);
                vm.heap.tuple(&items)
            }
            TUPLE | LIST => {
                let from = self.state.marks.pop()?;
                let items = self.cut(vm, from);
                if op == TUPLE {
                    vm.heap.tuple(&items)
                } else {
                    vm.heap.list(items)
                }
            }
            GET | BINGET | LONG_BINGET => {
                let at = match op {
                    GET => u64::try_from(plain_int(self.line()?)?).ok()?,
                    BINGET => self.number(1)?,
                    _ => self.number(4)?,
                };
                let memo = &vm.heap.cell::<List>(self.state.memo).items;
                memo.get(at as usize)?.given()?
            }
            _ => return None,
        };
        vm.heap.list_push(self.state.stack, value);
        Some(Ran::Done)
    }

    // ---- operands --------------------------------------------------------------

    fn take(&mut self, n: u64) -> Option<&[u8]> {
        let end = self.at.checked_add(usize::try_from(n).ok()?)?;
        let data = self.data.get(self.at..end)?;
        self.at = end;
        Some(data)
    }

    /// A number of so many bytes, the lowest first.
    fn number(&mut self, width: u64) -> Option<u64> {
        let mut whole = [0; 8];
        let data = self.take(width)?;
        whole.get_mut(..data.len())?.copy_from_slice(data);
        Some(u64::from_le_bytes(whole))
    }

    /// The bytes behind their number, which has 1 byte, 4, or else 8.
    fn sized(&mut self, op: u8, short: u8, middle: u8) -> Option<&[u8]> {
        let width = match op {
            _ if op == short => 1,
            _ if op == middle => 4,
            _ => 8,
        };
        let size = self.number(width)?;
        self.take(size)
    }

    fn line(&mut self) -> Option<&[u8]> {
        let rest = self.data.get(self.at..)?;
        let end = memchr::memchr(b'\n', rest)?;
        self.at += end + 1;
        Some(&rest[..end])
    }

    // ---- the stack -------------------------------------------------------------

    fn height(&self, vm: &Vm) -> usize {
        vm.heap.cell::<List>(self.state.stack).items.len()
    }

    /// The value `below` the top one, if that is above the last mark.
    fn top(&self, vm: &Vm, below: usize) -> Option<Value> {
        let items = &vm.heap.cell::<List>(self.state.stack).items;
        let floor = self.state.marks.last().copied().unwrap_or(0);
        let at = items.len().checked_sub(below + 1)?;
        (at >= floor).then(|| items.get(at).copied())?
    }

    fn cut(&self, vm: &mut Vm, from: usize) -> Vec<Value> {
        let items = &mut vm.heap.cell_mut::<List>(self.state.stack).items;
        items.split_off(from.min(items.len()))
    }

    fn shrink(&self, vm: &mut Vm, n: usize) {
        let items = &mut vm.heap.cell_mut::<List>(self.state.stack).items;
        items.truncate(items.len().saturating_sub(n));
    }

    /// Puts a value in the place of the top ones.
    fn replace(&self, vm: &mut Vm, n: usize, value: Value) -> Option<Ran> {
        self.shrink(vm, n);
        vm.heap.list_push(self.state.stack, value);
        Some(Ran::Done)
    }

    /// Where the values above the last mark begin that has so many below it, of which there is
    /// one at least.
    fn marked(&self, vm: &Vm) -> Option<usize> {
        let from = *self.state.marks.last()?;
        let floor = match self.state.marks.len() {
            1 => 0,
            n => self.state.marks[n - 2],
        };
        (from > floor && from <= self.height(vm)).then_some(from)
    }

    fn items_from(&self, vm: &Vm, from: usize) -> Vec<Value> {
        let items = &vm.heap.cell::<List>(self.state.stack).items;
        items.get(from..).unwrap_or_default().to_vec()
    }

    fn memoize(&mut self, vm: &mut Vm, op: u8) -> Option<Ran> {
        let value = self.top(vm, 0)?;
        let at = match op {
            MEMOIZE => self.state.n_memoized,
            PUT => usize::try_from(plain_int(self.line()?)?).ok()?,
            BINPUT => self.number(1)? as usize,
            _ => self.number(4)? as usize,
        };
        let len = vm.heap.cell::<List>(self.state.memo).items.len();
        if at == len {
            vm.heap.list_push(self.state.memo, value);
            self.state.n_memoized += 1;
            return Some(Ran::Done);
        }
        if at > len + MEMO_GAP_MAX {
            return None;
        }
        if at > len {
            vm.heap.charge((at - len) * 8);
        }
        let memo = &mut vm.heap.cell_mut::<List>(self.state.memo).items;
        if at >= memo.len() {
            memo.resize(at + 1, Value::EMPTY);
        }
        self.state.n_memoized += usize::from(memo[at].is_empty());
        memo[at] = value;
        Some(Ran::Done)
    }

    // ---- what may run script code: the values stay on the stack meanwhile --------

    fn append(&mut self, vm: &mut Vm, op: u8) -> PyResult<Option<Ran>> {
        let from = match op {
            APPEND if self.top(vm, 1).is_some() => self.height(vm) - 1,
            APPENDS => match self.marked(vm) {
                Some(from) => from,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let target = vm.heap.cell::<List>(self.state.stack).items[from - 1];
        if vm.heap.is_exact(target, B::List) {
            let items = self.cut(vm, from);
            if let [item] = items[..] {
                vm.heap.list_push(target, item);
            } else {
                vm.heap.charge(items.len() * 8);
                vm.heap.cell_mut::<List>(target).items.extend(items);
            }
        } else if op == APPEND {
            let item = vm.heap.cell::<List>(self.state.stack).items[from];
            vm.call_method(target, "append", &[item])?;
            self.shrink(vm, 1);
        } else {
            let name = vm.heap.intern("extend");
            let items = self.items_from(vm, from);
            match vm.get_attr_opt(target, name)? {
                Some(extend) => {
                    let items = vm.heap.list(items);
                    vm.call(extend, &[items])?;
                }
                None => {
                    for item in items {
                        vm.call_method(target, "append", &[item])?;
                    }
                }
            }
            self.cut(vm, from);
        }
        if op == APPENDS {
            self.state.marks.pop();
        }
        Ok(Some(Ran::Done))
    }

    fn set_items(&mut self, vm: &mut Vm, op: u8) -> PyResult<Option<Ran>> {
        let from = match op {
            SETITEM if self.top(vm, 2).is_some() => self.height(vm) - 2,
            SETITEMS => match self.marked(vm) {
                Some(from) if (self.height(vm) - from).is_multiple_of(2) => from,
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let items = self.items_from(vm, from);
        let target = vm.heap.cell::<List>(self.state.stack).items[from - 1];
        let is_dict = vm.heap.is_exact(target, B::Dict);
        for pair in items.chunks_exact(2) {
            let [key, value] = [pair[0], pair[1]];
            if is_dict {
                vm.dict_set(target, key, value)?;
            } else {
                vm.set_item(target, key, value)?;
            }
        }
        self.cut(vm, from);
        if op == SETITEMS {
            self.state.marks.pop();
        }
        Ok(Some(Ran::Done))
    }

    fn dict(&mut self, vm: &mut Vm) -> PyResult<Option<Ran>> {
        let height = self.height(vm);
        let Some(from) = self
            .state
            .marks
            .last()
            .copied()
            .filter(|&from| (height - from).is_multiple_of(2))
        else {
            return Ok(None);
        };
        let items = self.items_from(vm, from);
        let dict = vm.heap.dict();
        vm.holding(&[dict], |vm| {
            let mut pairs = items.chunks_exact(2);
            pairs.try_for_each(|pair| vm.dict_set(dict, pair[0], pair[1]))
        })?;
        self.state.marks.pop();
        Ok(self.replace(vm, height - from, dict))
    }

    fn add_items(&mut self, vm: &mut Vm, op: u8) -> PyResult<Option<Ran>> {
        if op == FROZENSET {
            let Some(&from) = self.state.marks.last() else {
                return Ok(None);
            };
            let items = self.items_from(vm, from);
            let made = vm.heap.alloc(B::FrozenSet.shape(), Set::default());
            self.add_all(vm, made, &items)?;
            self.state.marks.pop();
            return Ok(self.replace(vm, items.len(), made));
        }
        let Some(from) = self.marked(vm) else {
            return Ok(None);
        };
        let target = vm.heap.cell::<List>(self.state.stack).items[from - 1];
        if !vm.heap.is_exact(target, B::Set) {
            return Ok(None);
        }
        let items = self.items_from(vm, from);
        self.add_all(vm, target, &items)?;
        self.state.marks.pop();
        self.cut(vm, from);
        Ok(Some(Ran::Done))
    }

    fn add_all(&self, vm: &mut Vm, set: Value, items: &[Value]) -> PyResult<()> {
        vm.holding(&[set], |vm| {
            items
                .iter()
                .try_for_each(|&item| vm.set_add(set, item).map(|_| ()))
        })
    }

    fn global(&mut self, vm: &mut Vm, op: u8) -> PyResult<Option<Ran>> {
        let (module, name, n) = if op == GLOBAL {
            let Some([module, name]) = self.two_lines() else {
                return Ok(None);
            };
            let [module, name] = [module, name].map(|text| vm.heap.str(text));
            (module, name, 0)
        } else {
            let (Some(module), Some(name)) = (self.top(vm, 1), self.top(vm, 0)) else {
                return Ok(None);
            };
            if !vm.heap.is_exact(module, B::Str) || !vm.heap.is_exact(name, B::Str) {
                return Ok(None);
            }
            (module, name, 2)
        };
        let proto = vm.heap.int(self.state.proto);
        let found = vm.call(self.find_class, &[module, name, proto])?;
        Ok(self.replace(vm, n, found))
    }

    fn two_lines(&mut self) -> Option<[PyStr; 2]> {
        let module = PyStr::from(std::str::from_utf8(self.line()?).ok()?);
        let name = PyStr::from(std::str::from_utf8(self.line()?).ok()?);
        Some([module, name])
    }

    fn reduce(&mut self, vm: &mut Vm) -> PyResult<Option<Ran>> {
        let (Some(callee), Some(args)) = (self.top(vm, 1), self.top(vm, 0)) else {
            return Ok(None);
        };
        if !vm.heap.is_exact(args, B::Tuple) {
            return Ok(None);
        }
        let args = vm.heap.tuple_items(args).to_vec();
        let made = vm.call(callee, &args)?;
        Ok(self.replace(vm, 2, made))
    }

    fn newobj(&mut self, vm: &mut Vm) -> PyResult<Option<Ran>> {
        let (Some(class), Some(args)) = (self.top(vm, 1), self.top(vm, 0)) else {
            return Ok(None);
        };
        if vm.heap.kind(class) != Some(Kind::Class) || !vm.heap.is_exact(args, B::Tuple) {
            return Ok(None);
        }
        let args = vm.heap.tuple_items(args).to_vec();
        let c = vm.heap.cell::<Class>(class);
        let is_quick = args.is_empty()
            && c.is_heap
            && c.hooks.plain_new
            && c.layout == Kind::Instance
            && vm.heap.class_of(class) == vm.class(B::Type);
        let made = if is_quick {
            vm.new_instance(class)?
        } else {
            let new = vm.get_attr(class, vm.n(N::new))?;
            let mut all = vec![class];
            all.extend(args);
            vm.call(new, &all)?
        };
        Ok(self.replace(vm, 2, made))
    }

    fn newobj_ex(&mut self, vm: &mut Vm) -> PyResult<Option<Ran>> {
        let (Some(class), Some(args), Some(keywords)) =
            (self.top(vm, 2), self.top(vm, 1), self.top(vm, 0))
        else {
            return Ok(None);
        };
        if vm.heap.kind(class) != Some(Kind::Class)
            || !vm.heap.is_exact(args, B::Tuple)
            || !vm.heap.is_exact(keywords, B::Dict)
        {
            return Ok(None);
        }
        let new = vm.get_attr(class, vm.n(N::new))?;
        let mut all = vec![class];
        all.extend_from_slice(vm.heap.tuple_items(args));
        let keywords = vm.keywords_of(keywords)?;
        let made = vm.call_kw(new, &all, &keywords)?;
        Ok(self.replace(vm, 3, made))
    }

    /// Gives an object its state: here, if that is a dict of attributes for an instance whose
    /// class has no say in it.
    fn build(&mut self, vm: &mut Vm) -> PyResult<Option<Ran>> {
        let (Some(obj), Some(state)) = (self.top(vm, 1), self.top(vm, 0)) else {
            return Ok(None);
        };
        if !self.set_attributes(vm, obj, state)? {
            vm.call(self.build, &[obj, state])?;
        }
        self.shrink(vm, 1);
        Ok(Some(Ran::Done))
    }

    fn set_attributes(&self, vm: &mut Vm, obj: Value, state: Value) -> PyResult<bool> {
        if vm.heap.kind(obj) != Some(Kind::Instance) || !vm.heap.is_exact(state, B::Dict) {
            return Ok(false);
        }
        let class = vm.heap.class_of(obj);
        let c = vm.heap.cell::<Class>(class);
        if !c.is_heap || !c.has_dict || c.hooks.custom_getattr {
            return Ok(false);
        }
        let setstate = vm.heap.intern("__setstate__");
        if vm.lookup_class(class, setstate).is_some() || vm.own_attr(obj, setstate).is_some() {
            return Ok(false);
        }
        let mut names = Vec::with_capacity(vm.heap.cell::<Dict>(state).table.len());
        for (name, value) in vm.heap.dict_entries(state) {
            // What the class has may be a descriptor that keeps the value elsewhere.
            if !vm.heap.is_exact(name, B::Str) {
                return Ok(false);
            }
            let name = vm.heap.intern_value(name);
            if let Some(attr) = vm.lookup_class(class, name)
                && vm.is_data_descriptor(attr)
            {
                return Ok(false);
            }
            names.push((name, value));
        }
        for (name, value) in names {
            vm.generic_set_attr(obj, name, value)?;
        }
        Ok(true)
    }
}

/// The int of bytes that have the sign in the last one.
fn signed(data: &[u8]) -> BigInt {
    match data.len() {
        0 => BigInt::from(0),
        n @ 1..=8 => {
            let mut whole = [0; 8];
            whole[..n].copy_from_slice(data);
            let unused = 64 - 8 * n as u32;
            BigInt::from((u64::from_le_bytes(whole) << unused) as i64 >> unused)
        }
        _ => BigInt::from_signed_bytes_le(data),
    }
}

/// The int of digits and a sign, where it is small and nothing else is there.
fn plain_int(line: &[u8]) -> Option<i64> {
    let digits = line.strip_prefix(b"-").unwrap_or(line);
    let is_plain = (1..=18).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit)
        && (digits[0] != b'0' || digits.len() == 1);
    let text = std::str::from_utf8(line).ok()?;
    if is_plain { text.parse().ok() } else { None }
}
