//! The saver: an object to the bytes of a pickle. What contains others is taken in steps from a
//! stack, so nothing recurses; the depth is counted as CPython 3.13 _pickle.c counts its calls.

use lockstep_runtime::object::bytes::Bytes;
use lockstep_runtime::object::class::Class;
use lockstep_runtime::object::dict::Dict;
use lockstep_runtime::object::list::List;
use lockstep_runtime::object::set::Set;
use lockstep_runtime::text::float;
use lockstep_runtime::text::pystr::PyStr;
use lockstep_runtime::{B, Kind, N, PyResult, Raised, Value, Vm};
use num_traits::ToPrimitive;
use rustc_hash::FxHashMap;

use super::frames::Frames;
use super::opcode::*;

/// How many items one opcode puts into a container.
const BATCH: usize = 1000;
/// CPython 3.13's limit for calls in C; lists and dicts count twice.
const DEPTH_MAX: usize = 9999;

/// Why a pickle ends early.
enum Fault {
    Raised(Raised),
    /// A protocol below 4 has other ways for what is met; no script code has run yet.
    NotMine,
}

impl From<Raised> for Fault {
    fn from(raised: Raised) -> Fault {
        Fault::Raised(raised)
    }
}

type Saved<T = ()> = Result<T, Fault>;

/// What is still to be written.
enum Step {
    Save(Value),
    Op(u8),
    /// The items of an exact list from an index on.
    List {
        of: Value,
        at: usize,
        batch: Batch,
    },
    /// The entries of an exact dict; `in_batch` of them since the mark.
    Dict {
        of: Value,
        at: u32,
        in_batch: usize,
        len: usize,
    },
    /// The items of an exact set, likewise.
    Set {
        of: Value,
        at: u32,
        in_batch: usize,
        len: usize,
    },
    /// Items for what a reduction makes: a list of them, or of keys and values in turn.
    Items {
        list: Value,
        at: usize,
        in_batch: usize,
        is_pairs: bool,
    },
    Tuple {
        of: Value,
        at: usize,
    },
    Frozenset {
        of: Value,
        at: u32,
    },
    /// What a reduction makes has been made, and goes into the memo. If it is there already, it
    /// was met inside of itself, and the steps down to `base` fall away.
    Made {
        of: Value,
        base: usize,
    },
    /// The end of what has been held, and of levels of depth.
    Leave {
        levels: usize,
        n_held: usize,
    },
}

/// How items become those of a container.
#[derive(Clone, Copy)]
enum Batch {
    /// Each by an opcode.
    Single,
    /// By one opcode for all since the mark, which are so many.
    Of(usize),
}

struct Saver {
    protocol: u8,
    out: Frames,
    steps: Vec<Step>,
    depth: usize,
    /// A list that keeps alive what the steps are of.
    held: Value,
    /// Under which number the memo has a value: those in `memoized`, which keeps them alive.
    memo: FxHashMap<u64, u32>,
    memoized: Value,
    /// Classes whose instances are taken apart here, and those whose are not. No script code has
    /// run since.
    plain: FxHashMap<u64, bool>,
    apart: Value,
    dispatch_table: Value,
}

/// `save(obj, protocol, memo, apart, dispatch_table)`: the pickle in the pieces that a file gets,
/// and None where a protocol below 4 has other ways. `memo` is a list of what the memo has, which
/// grows.
pub fn save(vm: &mut Vm, a: &[Value]) -> PyResult {
    let protocol = vm.index_i64(a[1])?;
    if !vm.heap.is_exact(a[2], B::List) || !vm.heap.is_exact(a[4], B::Dict) {
        return Err(vm.type_error("save() takes a list and a dict"));
    }
    let protocol = u8::try_from(protocol).unwrap_or(0).min(5);
    let known = vm.heap.cell::<List>(a[2]).items.iter();
    let memo = known.zip(0..).map(|(v, at)| (v.bits(), at)).collect();
    let held = vm.heap.list(Vec::new());
    vm.root(held);
    let header: &[u8] = match protocol {
        0 | 1 => &[],
        _ => &[PROTO, protocol],
    };
    let mut saver = Saver {
        protocol,
        out: Frames::new(header, protocol >= 4),
        steps: Vec::new(),
        depth: 0,
        held,
        memo,
        memoized: a[2],
        plain: FxHashMap::default(),
        apart: a[3],
        dispatch_table: a[4],
    };
    match saver.run(vm, a[0]) {
        Ok(()) => {}
        Err(Fault::Raised(raised)) => return Err(raised),
        Err(Fault::NotMine) => return Ok(Value::NONE),
    }
    let Frames { bytes, cuts, .. } = saver.out;
    vm.check_bytes_size(bytes.len())?;
    if cuts.is_empty() {
        let whole = vm.heap.bytes(bytes);
        return Ok(vm.heap.list(vec![whole]));
    }
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    let mut from = 0;
    for to in cuts.into_iter().chain([bytes.len()]) {
        if to > from {
            let piece = vm.heap.bytes(bytes[from..to].to_vec());
            pieces.push(vm.root(piece));
        }
        from = to;
    }
    Ok(vm.heap.list(pieces))
}

impl Saver {
    fn run(&mut self, vm: &mut Vm, obj: Value) -> Saved {
        self.save(vm, obj)?;
        while let Some(step) = self.steps.pop() {
            vm.tick()?;
            self.take(vm, step)?;
        }
        self.out.push(STOP);
        self.out.close();
        Ok(())
    }

    fn is_binary(&self) -> bool {
        self.protocol >= 1
    }

    /// Writes a value, or begins to.
    fn save(&mut self, vm: &mut Vm, v: Value) -> Saved {
        self.out.boundary();
        if let Some(n) = v.as_int() {
            self.push_int(n);
            return Ok(());
        }
        match v {
            Value::NONE => self.out.push(NONE),
            Value::TRUE | Value::FALSE if self.protocol >= 2 => {
                self.out
                    .push(if v == Value::TRUE { NEWTRUE } else { NEWFALSE });
            }
            Value::TRUE => self.out.write(b"I01\n"),
            Value::FALSE => self.out.write(b"I00\n"),
            _ => match v.as_inline_float() {
                Some(f) => self.push_float(f),
                None => return self.save_cell(vm, v),
            },
        }
        Ok(())
    }

    fn save_cell(&mut self, vm: &mut Vm, v: Value) -> Saved {
        let shape = vm.heap.shape(v);
        let is = |class: B| shape == Some(class.shape());
        if is(B::Int) {
            return self.push_big(vm, v);
        }
        if is(B::Float) {
            self.push_float(vm.heap.as_float(v).unwrap_or_default());
            return Ok(());
        }
        if let Some(&at) = self.memo.get(&v.bits()) {
            self.push_get(at);
            return Ok(());
        }
        if is(B::Str) {
            self.push_str(vm, v);
            self.memoize(vm, v);
        } else if is(B::Bytes) && self.protocol >= 3 {
            let data = &vm.heap.cell::<Bytes>(v).data;
            self.push_bytes(data);
            self.memoize(vm, v);
        } else if is(B::Tuple) {
            return self.begin_tuple(vm, v);
        } else if is(B::List) {
            return self.begin_list(vm, v);
        } else if is(B::Dict) {
            return self.begin_dict(vm, v);
        } else if is(B::Set) && self.protocol >= 4 {
            self.enter(vm, v, 1)?;
            self.out.push(EMPTY_SET);
            self.memoize(vm, v);
            let len = vm.heap.cell::<Set>(v).table.len();
            if len == 0 {
                self.leave(vm, 1);
            } else {
                self.out.push(MARK);
                let (at, in_batch) = (0, 0);
                self.steps.push(Step::Set {
                    of: v,
                    at,
                    in_batch,
                    len,
                });
            }
        } else if is(B::FrozenSet) && self.protocol >= 4 {
            self.enter(vm, v, 1)?;
            self.out.push(MARK);
            self.steps.push(Step::Frozenset { of: v, at: 0 });
        } else if is(B::ByteArray) && self.protocol >= 5 {
            let data = &vm.heap.cell::<Bytes>(v).data;
            let mut header = vec![BYTEARRAY8];
            header.extend_from_slice(&(data.len() as u64).to_le_bytes());
            self.out.write_large(&header, data);
            self.memoize(vm, v);
        } else {
            return self.begin_other(vm, v);
        }
        Ok(())
    }

    /// One more value is open. It is held until `leave`.
    fn enter(&mut self, vm: &mut Vm, of: Value, levels: usize) -> Saved {
        if self.depth + levels > DEPTH_MAX {
            let message = "maximum recursion depth exceeded while pickling an object";
            return Err(vm.raise(B::RecursionError, message).into());
        }
        self.depth += levels;
        vm.heap.list_push(self.held, of);
        Ok(())
    }

    fn leave(&mut self, vm: &mut Vm, levels: usize) {
        self.depth -= levels;
        vm.heap.cell_mut::<List>(self.held).items.pop();
    }

    fn memoize(&mut self, vm: &mut Vm, v: Value) {
        let at = self.memo.len() as u32;
        self.memo.insert(v.bits(), at);
        vm.heap.list_push(self.memoized, v);
        if self.protocol >= 4 {
            self.out.push(MEMOIZE);
        } else if !self.is_binary() {
            self.out.write(format!("p{at}\n").as_bytes());
        } else if let Ok(at) = u8::try_from(at) {
            self.out.write(&[BINPUT, at]);
        } else {
            self.out.push(LONG_BINPUT);
            self.out.write(&at.to_le_bytes());
        }
    }

    fn push_get(&mut self, at: u32) {
        if !self.is_binary() {
            self.out.write(format!("g{at}\n").as_bytes());
        } else if let Ok(at) = u8::try_from(at) {
            self.out.write(&[BINGET, at]);
        } else {
            self.out.push(LONG_BINGET);
            self.out.write(&at.to_le_bytes());
        }
    }

    // ---- values without parts ------------------------------------------------

    fn push_int(&mut self, n: i64) {
        let binary = self.is_binary();
        if let Ok(n) = u8::try_from(n)
            && binary
        {
            self.out.write(&[BININT1, n]);
        } else if let Ok(n) = u16::try_from(n)
            && binary
        {
            let [low, high] = n.to_le_bytes();
            self.out.write(&[BININT2, low, high]);
        } else if let Ok(n) = i32::try_from(n) {
            if binary {
                self.out.push(BININT);
                self.out.write(&n.to_le_bytes());
            } else {
                self.out.write(format!("I{n}\n").as_bytes());
            }
        } else if self.protocol >= 2 {
            let bytes = n.to_le_bytes();
            // The last byte has the sign, and what only repeats it is left out.
            let mut len = bytes.len();
            let fill = if n < 0 { 0xff } else { 0 };
            while bytes[len - 1] == fill && (bytes[len - 2] ^ fill) & 0x80 == 0 {
                len -= 1;
            }
            self.out.write(&[LONG1, len as u8]);
            self.out.write(&bytes[..len]);
        } else {
            self.out.write(format!("L{n}L\n").as_bytes());
        }
    }

    fn push_big(&mut self, vm: &mut Vm, v: Value) -> Saved {
        if self.protocol < 2 {
            let digits = vm.int_text(v)?.to_lossy();
            self.out.write(format!("L{digits}L\n").as_bytes());
            return Ok(());
        }
        let big = vm.heap.as_big(v).unwrap_or_default();
        if let Some(n) = big.to_i64() {
            self.push_int(n);
            return Ok(());
        }
        let bytes = big.to_signed_bytes_le();
        match u8::try_from(bytes.len()) {
            Ok(len) => self.out.write(&[LONG1, len]),
            Err(_) => {
                self.out.push(LONG4);
                self.out.write(&(bytes.len() as u32).to_le_bytes());
            }
        }
        self.out.write(&bytes);
        Ok(())
    }

    fn push_float(&mut self, f: f64) {
        if self.is_binary() {
            self.out.push(BINFLOAT);
            self.out.write(&f.to_be_bytes());
        } else {
            self.out.write(format!("F{}\n", float::repr(f)).as_bytes());
        }
    }

    fn push_str(&mut self, vm: &Vm, v: Value) {
        let text = vm.heap.text(v);
        if !self.is_binary() {
            self.push_text_line(text);
            return;
        }
        let mut data = Vec::new();
        if text.push_utf8(&mut data).is_err() {
            push_with_surrogates(text, &mut data);
        }
        if let Ok(len) = u8::try_from(data.len())
            && self.protocol >= 4
        {
            self.out.write(&[SHORT_BINUNICODE, len]);
            self.out.write(&data);
        } else {
            self.push_sized(BINUNICODE, BINUNICODE8, &data);
        }
    }

    /// Protocol 0: Latin-1 with escapes, to the end of the line.
    fn push_text_line(&mut self, text: &PyStr) {
        let mut line = vec![UNICODE];
        for cp in text.chars() {
            match cp {
                0 | 0x0a | 0x0d | 0x1a | 0x5c => {
                    line.extend_from_slice(format!("\\u{cp:04x}").as_bytes());
                }
                0..0x100 => line.push(cp as u8),
                0x100..0x1_0000 => line.extend_from_slice(format!("\\u{cp:04x}").as_bytes()),
                _ => line.extend_from_slice(format!("\\U{cp:08x}").as_bytes()),
            }
        }
        line.push(b'\n');
        self.out.write(&line);
    }

    fn push_bytes(&mut self, data: &[u8]) {
        if let Ok(len) = u8::try_from(data.len()) {
            self.out.write(&[SHORT_BINBYTES, len]);
            self.out.write(data);
        } else {
            self.push_sized(BINBYTES, BINBYTES8, data);
        }
    }

    fn push_sized(&mut self, short: u8, long: u8, data: &[u8]) {
        let mut header = Vec::with_capacity(9);
        match u32::try_from(data.len()) {
            Ok(len) => {
                header.push(short);
                header.extend_from_slice(&len.to_le_bytes());
            }
            Err(_) => {
                header.push(long);
                header.extend_from_slice(&(data.len() as u64).to_le_bytes());
            }
        }
        self.out.write_large(&header, data);
    }

    // ---- values with parts ---------------------------------------------------

    fn begin_tuple(&mut self, vm: &mut Vm, of: Value) -> Saved {
        let len = vm.heap.tuple_items(of).len();
        if len == 0 {
            let empty: &[u8] = if self.is_binary() {
                &[EMPTY_TUPLE]
            } else {
                &[MARK, TUPLE]
            };
            self.out.write(empty);
            return Ok(());
        }
        self.enter(vm, of, 1)?;
        if !self.is_short(len) {
            self.out.push(MARK);
        }
        self.steps.push(Step::Tuple { of, at: 0 });
        Ok(())
    }

    /// Whether a tuple of this length has an opcode of its own.
    fn is_short(&self, len: usize) -> bool {
        len <= 3 && self.protocol >= 2
    }

    fn end_tuple(&mut self, vm: &mut Vm, of: Value) {
        let len = vm.heap.tuple_items(of).len();
        self.leave(vm, 1);
        let short = self.is_short(len);
        if let Some(&at) = self.memo.get(&of.bits()) {
            // It has been met inside of itself.
            if short {
                self.out.write(&[POP; 3][..len]);
            } else if self.is_binary() {
                self.out.push(POP_MARK);
            } else {
                self.out.write(&vec![POP; len + 1]);
            }
            self.push_get(at);
            return;
        }
        self.out.push(match len {
            1 if short => TUPLE1,
            2 if short => TUPLE2,
            3 if short => TUPLE3,
            _ => TUPLE,
        });
        self.memoize(vm, of);
    }

    /// An empty list or dict goes out and into the memo; false where it stays empty.
    fn begin_empty(&mut self, vm: &mut Vm, of: Value, len: usize, ops: [u8; 2]) -> Saved<bool> {
        let [binary, text] = ops;
        self.enter(vm, of, if len == 0 { 1 } else { 2 })?;
        match self.is_binary() {
            true => self.out.push(binary),
            false => self.out.write(&[MARK, text]),
        }
        self.memoize(vm, of);
        if len == 0 {
            self.leave(vm, 1);
        } else if len > 1 && self.is_binary() {
            self.out.push(MARK);
        }
        Ok(len > 0)
    }

    fn begin_list(&mut self, vm: &mut Vm, of: Value) -> Saved {
        let len = vm.heap.cell::<List>(of).items.len();
        if self.begin_empty(vm, of, len, [EMPTY_LIST, LIST])? {
            let batch = match len > 1 && self.is_binary() {
                true => Batch::Of(0),
                false => Batch::Single,
            };
            self.steps.push(Step::List { of, at: 0, batch });
        }
        Ok(())
    }

    fn begin_dict(&mut self, vm: &mut Vm, of: Value) -> Saved {
        let len = vm.heap.cell::<Dict>(of).table.len();
        if self.begin_empty(vm, of, len, [EMPTY_DICT, DICT])? {
            let (at, in_batch) = (0, 0);
            self.steps.push(Step::Dict {
                of,
                at,
                in_batch,
                len,
            });
        }
        Ok(())
    }

    fn take(&mut self, vm: &mut Vm, step: Step) -> Saved {
        match step {
            Step::Save(v) => self.save(vm, v),
            Step::Op(op) => {
                self.out.push(op);
                Ok(())
            }
            Step::List { of, at, batch } => self.go_on_list(vm, of, at, batch),
            Step::Dict { .. } => self.go_on_dict(vm, step),
            Step::Set {
                of,
                at,
                in_batch,
                len,
            } => {
                let next = vm.heap.cell::<Set>(of).table.next_from(at);
                if next.is_none() || in_batch == BATCH {
                    self.out.push(ADDITEMS);
                    if vm.heap.cell::<Set>(of).table.len() != len {
                        return Err(vm.runtime_error("set changed size during iteration").into());
                    }
                    if in_batch < BATCH {
                        self.leave(vm, 1);
                        return Ok(());
                    }
                    // CPython 3.13 _pickle.c save_set: after a full batch another one follows,
                    // if an empty one.
                    self.out.push(MARK);
                    let in_batch = 0;
                    self.steps.push(Step::Set {
                        of,
                        at,
                        in_batch,
                        len,
                    });
                    return Ok(());
                }
                if let Some((found, _, item)) = next {
                    let (at, in_batch) = (found + 1, in_batch + 1);
                    self.steps.push(Step::Set {
                        of,
                        at,
                        in_batch,
                        len,
                    });
                    return self.save(vm, item);
                }
                Ok(())
            }
            Step::Items { .. } => self.go_on_items(vm, step),
            Step::Tuple { of, at } => match vm.heap.tuple_items(of).get(at).copied() {
                Some(item) => {
                    self.steps.push(Step::Tuple { of, at: at + 1 });
                    self.save(vm, item)
                }
                None => {
                    self.end_tuple(vm, of);
                    Ok(())
                }
            },
            Step::Frozenset { of, at } => {
                if let Some((found, _, item)) = vm.heap.cell::<Set>(of).table.next_from(at) {
                    self.steps.push(Step::Frozenset { of, at: found + 1 });
                    return self.save(vm, item);
                }
                self.leave(vm, 1);
                if let Some(&at) = self.memo.get(&of.bits()) {
                    self.out.push(POP_MARK);
                    self.push_get(at);
                } else {
                    self.out.push(FROZENSET);
                    self.memoize(vm, of);
                }
                Ok(())
            }
            Step::Made { of, base } => {
                if let Some(&at) = self.memo.get(&of.bits()) {
                    self.out.push(POP);
                    self.push_get(at);
                    self.steps.truncate(base);
                } else {
                    self.memoize(vm, of);
                }
                Ok(())
            }
            Step::Leave { levels, n_held } => {
                self.depth -= levels;
                let held = &mut vm.heap.cell_mut::<List>(self.held).items;
                held.truncate(held.len().saturating_sub(n_held));
                Ok(())
            }
        }
    }

    fn go_on_list(&mut self, vm: &mut Vm, of: Value, at: usize, batch: Batch) -> Saved {
        // CPython 3.13 _pickle.c batch_list_exact looks at a list anew for each item, but one of
        // one item once.
        let item = match batch {
            Batch::Single if at > 0 && self.is_binary() => None,
            _ => vm.heap.cell::<List>(of).items.get(at).copied(),
        };
        let batch = match batch {
            Batch::Single => {
                if at > 0 {
                    self.out.push(APPEND);
                }
                batch
            }
            Batch::Of(BATCH) if item.is_some() => {
                self.out.write(&[APPENDS, MARK]);
                Batch::Of(1)
            }
            Batch::Of(n) => Batch::Of(n + 1),
        };
        let Some(item) = item else {
            if let Batch::Of(_) = batch {
                self.out.push(APPENDS);
            }
            self.leave(vm, 2);
            return Ok(());
        };
        self.steps.push(Step::List {
            of,
            at: at + 1,
            batch,
        });
        self.save(vm, item)
    }

    fn go_on_dict(&mut self, vm: &mut Vm, step: Step) -> Saved {
        let Step::Dict {
            of,
            at,
            mut in_batch,
            len,
        } = step
        else {
            return Ok(());
        };
        let table = &vm.heap.cell::<Dict>(of).table;
        let len_now = table.len();
        let next = table
            .next_from(at)
            .map(|(found, entry)| (found, entry.key, entry.value));
        // Without marks each pair has its opcode.
        let is_alone = len == 1 || !self.is_binary();
        if is_alone && in_batch > 0 {
            self.out.push(SETITEM);
        }
        let is_full = in_batch == BATCH && !is_alone;
        if is_full || next.is_none() {
            if !is_alone {
                self.out.push(SETITEMS);
            }
            if len_now != len {
                let message = "dictionary changed size during iteration";
                return Err(vm.runtime_error(message).into());
            }
            if !is_full {
                self.leave(vm, 2);
                return Ok(());
            }
            // CPython 3.13 _pickle.c batch_dict_exact: after a full batch another one follows,
            // if an empty one.
            self.out.push(MARK);
            in_batch = 0;
        }
        let Some((found, key, value)) = next else {
            self.steps.push(Step::Dict {
                of,
                at,
                in_batch,
                len,
            });
            return Ok(());
        };
        if is_full {
            self.steps.push(Step::Dict {
                of,
                at,
                in_batch,
                len,
            });
            return Ok(());
        }
        let (at, in_batch) = (found + 1, in_batch + 1);
        self.steps.push(Step::Dict {
            of,
            at,
            in_batch,
            len,
        });
        self.save_pair(vm, key, value)
    }

    fn save_pair(&mut self, vm: &mut Vm, key: Value, value: Value) -> Saved {
        if !key.is_ptr() || vm.heap.is_exact(key, B::Str) {
            self.save(vm, key)?;
            return self.save(vm, value);
        }
        // While a key is written, script code may run and take the value away.
        vm.heap.list_push(self.held, value);
        let (levels, n_held) = (0, 1);
        self.steps.push(Step::Leave { levels, n_held });
        self.steps.push(Step::Save(value));
        self.save(vm, key)
    }

    fn go_on_items(&mut self, vm: &mut Vm, step: Step) -> Saved {
        let Step::Items {
            list,
            at,
            in_batch,
            is_pairs,
        } = step
        else {
            return Ok(());
        };
        let width = if is_pairs { 2 } else { 1 };
        let (one, many) = if is_pairs {
            (SETITEM, SETITEMS)
        } else {
            (APPEND, APPENDS)
        };
        let items = &vm.heap.cell::<List>(list).items;
        let left = items.len().saturating_sub(at) / width;
        let item = items.get(at).copied();
        let value = items.get(at + width - 1).copied();
        // A batch of one item has no mark; `in_batch` is `BATCH + 1` behind it.
        if in_batch > BATCH {
            self.out.push(one);
            return Ok(());
        }
        let mut in_batch = in_batch;
        if left == 0 || in_batch == BATCH {
            if in_batch > 0 {
                self.out.push(many);
            }
            in_batch = 0;
        }
        let (Some(item), Some(value)) = (item, value) else {
            return Ok(());
        };
        if left == 0 {
            return Ok(());
        }
        if in_batch == 0 {
            if left == 1 {
                in_batch = BATCH;
            } else {
                self.out.push(MARK);
            }
        }
        let (at, in_batch) = (at + width, in_batch + 1);
        self.steps.push(Step::Items {
            list,
            at,
            in_batch,
            is_pairs,
        });
        if is_pairs {
            self.steps.push(Step::Save(value));
        }
        self.save(vm, item)
    }

    // ---- everything else -------------------------------------------------------

    /// Takes an object apart: here, if nothing says how, else in the module.
    fn begin_other(&mut self, vm: &mut Vm, v: Value) -> Saved {
        if self.protocol < 4 {
            return Err(Fault::NotMine);
        }
        if self.is_plain(vm, v)? {
            return self.begin_plain(vm, v);
        }
        self.enter(vm, v, 1)?;
        self.plain.clear();
        let protocol = Value::small(i64::from(self.protocol));
        let parts = vm.call(self.apart, &[v, protocol])?;
        vm.heap.list_push(self.held, parts);
        let base = self.steps.len() + 1;
        let (levels, n_held) = (1, 2);
        self.steps.push(Step::Leave { levels, n_held });
        if vm.heap.is_exact(parts, B::Bytes) {
            // The code of an extension, which has no place in the memo.
            let code = &vm.heap.cell::<Bytes>(parts).data;
            self.out.write(code);
            return Ok(());
        }
        match *vm.heap.as_tuple(parts).unwrap_or_default() {
            [module, name] => {
                self.steps.push(Step::Made { of: v, base });
                self.steps.push(Step::Op(STACK_GLOBAL));
                self.steps.push(Step::Save(name));
                self.steps.push(Step::Save(module));
                Ok(())
            }
            [op, callee, args, keywords, state, items, pairs, setter] => {
                self.push_state(v, state, setter);
                for (list, is_pairs) in [(pairs, true), (items, false)] {
                    if vm.heap.is_exact(list, B::List) {
                        let (at, in_batch) = (0, 0);
                        self.steps.push(Step::Items {
                            list,
                            at,
                            in_batch,
                            is_pairs,
                        });
                    }
                }
                self.steps.push(Step::Made { of: v, base });
                let op = op.as_int().and_then(|op| u8::try_from(op).ok());
                self.steps.push(Step::Op(op.unwrap_or(REDUCE)));
                if !keywords.is_none() {
                    self.steps.push(Step::Save(keywords));
                }
                self.steps.push(Step::Save(args));
                self.steps.push(Step::Save(callee));
                Ok(())
            }
            _ => Err(vm.type_error("an object was not taken apart").into()),
        }
    }

    fn push_state(&mut self, of: Value, state: Value, setter: Value) {
        if state.is_none() {
            return;
        }
        if setter.is_none() {
            self.steps.push(Step::Op(BUILD));
            self.steps.push(Step::Save(state));
            return;
        }
        for op in [POP, REDUCE, TUPLE2] {
            self.steps.push(Step::Op(op));
        }
        for part in [state, of, setter] {
            self.steps.push(Step::Save(part));
        }
    }

    /// Whether an object is an instance of a script's class that says nothing of how it is taken
    /// apart and has no slots: then its class and its attributes are all there is.
    fn is_plain(&mut self, vm: &mut Vm, v: Value) -> Saved<bool> {
        if vm.heap.kind(v) != Some(Kind::Instance) {
            return Ok(false);
        }
        let class = vm.heap.class_of(v);
        let is_plain = match self.plain.get(&class.bits()) {
            Some(&known) => known,
            None => {
                let found = self.is_plain_class(vm, class)?;
                self.plain.insert(class.bits(), found);
                found
            }
        };
        if !is_plain {
            return Ok(false);
        }
        let getstate = vm.heap.intern("__getstate__");
        let own = [vm.n(N::reduce_ex), vm.n(N::reduce), getstate];
        Ok(own.iter().all(|&name| vm.own_attr(v, name).is_none()))
    }

    fn is_plain_class(&self, vm: &mut Vm, class: Value) -> Saved<bool> {
        let c = vm.heap.cell::<Class>(class);
        if !c.is_heap || !c.has_dict || c.n_slots > 0 || c.hooks.custom_getattr {
            return Ok(false);
        }
        if vm.heap.class_of(class) != vm.class(B::Type)
            || vm.dict_get(self.dispatch_table, class)?.is_some()
        {
            return Ok(false);
        }
        let object = vm.class(B::Object);
        for name in ["__reduce_ex__", "__reduce__", "__getstate__", "__class__"] {
            let name = vm.heap.intern(name);
            if vm.lookup_class(class, name) != vm.lookup_class(object, name) {
                return Ok(false);
            }
        }
        let dict = vm.lookup_class(class, vm.n(N::dict));
        if dict.is_some_and(|found| !vm.heap.is_exact(found, B::GetSet)) {
            return Ok(false);
        }
        for name in ["__getnewargs_ex__", "__getnewargs__", "__slotnames__"] {
            let name = vm.heap.intern(name);
            if vm.lookup_class(class, name).is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn begin_plain(&mut self, vm: &mut Vm, v: Value) -> Saved {
        self.enter(vm, v, 1)?;
        let state = self.attributes(vm, v);
        vm.heap.list_push(self.held, state);
        let base = self.steps.len() + 1;
        let (levels, n_held) = (1, 2);
        self.steps.push(Step::Leave { levels, n_held });
        self.push_state(v, state, Value::NONE);
        self.steps.push(Step::Made { of: v, base });
        self.steps.push(Step::Op(NEWOBJ));
        self.steps.push(Step::Op(EMPTY_TUPLE));
        let class = vm.heap.class_of(v);
        self.save(vm, class)
    }

    /// The dict of an instance's attributes, or None where it has none. Where they stand in slots
    /// there is no such dict yet, and as nobody can have seen it, another one is as good.
    fn attributes(&self, vm: &mut Vm, v: Value) -> Value {
        let shape = vm.heap.shape_of(v);
        if let Some(slot) = vm.heap.shapes.dict_slot(shape) {
            let dict = vm.heap.slot(v, slot);
            let is_empty = vm
                .heap
                .get::<Dict>(dict)
                .is_some_and(|d| d.table.is_empty());
            return if is_empty { Value::NONE } else { dict };
        }
        let names = vm.heap.shapes.names(shape).to_vec();
        let first = vm.heap.shapes.first_slot(shape);
        let dict = vm.heap.dict();
        let mut any = false;
        for (slot, name) in (first..).zip(names) {
            let value = vm.heap.slot(v, slot);
            if !value.is_empty() {
                vm.heap.ns_set(dict, name, value);
                any = true;
            }
        }
        if any { dict } else { Value::NONE }
    }
}

/// UTF-8 that has lone surrogates, too.
fn push_with_surrogates(text: &PyStr, out: &mut Vec<u8>) {
    for cp in text.chars() {
        match char::from_u32(cp) {
            Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => out.extend_from_slice(&[
                0xe0 | (cp >> 12) as u8,
                0x80 | (cp >> 6 & 0x3f) as u8,
                0x80 | (cp & 0x3f) as u8,
            ]),
        }
    }
}
