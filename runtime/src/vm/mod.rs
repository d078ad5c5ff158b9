//! The virtual machine: one heap, one stack, its modules and classes. It runs
//! bytecode and natives; it knows no tasks. Several live in one process.

mod arguments;
mod async_iter;
mod bind;
#[allow(unsafe_code)]
mod cache;
#[allow(unsafe_code)]
mod call;
#[allow(unsafe_code)]
mod closure;
#[allow(unsafe_code)]
mod dispatch;
pub mod errors;
mod finalize;
pub mod frame;
pub mod import;
mod intrinsic;
mod load;
mod matching;
pub mod names;
mod native_arguments;
mod native_coroutine;
mod raise;
mod recall;
pub mod report;
#[allow(unsafe_code)]
mod resume;
mod source_faults;
#[allow(unsafe_code)]
mod stack;
#[allow(unsafe_code)]
mod stale;
mod state;
pub mod trace;
#[allow(unsafe_code)]
mod unwind;
#[allow(unsafe_code)]
mod variables;
mod with;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use resume::{Input, Outcome};

use crate::clock::Clock;
use crate::heap::{Heap, Marker};
use crate::host::Host;
use crate::native::{ClassDef, NativeDef, PyResult, Raised};
use crate::object::class::B;
use crate::object::descriptor::GetSet;
use crate::object::function::Native;
use crate::object::opaque;
use crate::protocol::class::MethodCache;
use crate::task::TaskState;
use crate::value::Value;
use frame::{Activation, Frame};
use names::N;
use rustc_hash::FxHashMap;
use stack::Stack;
use state::States;

/// Depth of calls at which RecursionError is raised, as CPython's default.
pub const RECURSION_LIMIT: usize = 1000;

/// How deep Rust may nest, in natives that call script code and in nested data, as CPython 3.13's
/// `Py_C_RECURSION_LIMIT`.
const NATIVE_DEPTH_MAX: usize = 9_999;

/// At each so many levels of it is looked how much stack is left: how much there must be, and how
/// much more is taken where there is less. A level takes up to 3 KiB, or 30 where nothing is
/// optimised.
const LEVELS_PER_LOOK: usize = 16;
const ROOM_BYTES: usize = if cfg!(debug_assertions) {
    4 << 20
} else {
    1 << 20
};
const STACK_PART_BYTES: usize = 64 << 20;

/// The script was told that it wants too much since the last collection.
const TOLD_BEFORE_COLLECTION: usize = usize::MAX;

/// So much is allocated without a look at the cap.
pub(crate) const UNCHECKED_BYTES: usize = 512 << 10;

/// Whether so much memory can be had is tried before it is counted on.
const PROBED_BYTES: usize = 256 << 20;

/// See the module's text.
pub struct Vm {
    pub heap: Heap,
    stack: Stack,
    /// Index of the first free stack value.
    sp: usize,
    frames: Vec<Frame>,
    activations: Vec<Activation>,
    /// The exception being handled; `Value::EMPTY` if none.
    handled: Value,
    native_depth: usize,
    /// What a frame just resumed has yet to take.
    pending_input: Option<Input>,
    /// `asyncio.InvalidStateError`, once asyncio was loaded; else RuntimeError.
    pub invalid_state_error: Value,
    pub recursion_limit: usize,
    classes: Vec<Value>,
    names: Vec<Value>,
    roots: Vec<Value>,
    /// `sys.modules`: a dict from name to module.
    pub modules: Value,
    /// The dict of the builtins' names.
    pub builtins: Value,
    next_version: u32,
    method_cache: MethodCache,
    /// What inline caches have learnt.
    recall: recall::Recall,
    /// Tasks, contexts, the running loop.
    pub tasks: TaskState,
    pub(crate) clock: Clock,
    pub host: Box<dyn Host>,
    /// Set from outside: Ctrl-C was pressed.
    pub interrupt: Arc<AtomicBool>,
    /// Called with an async generator at its first operation; None when not set.
    pub asyncgen_firstiter: Value,
    /// What stands in the traceback of an exception that is being raised again
    /// for the running frame: it is not added once more, so that the line is
    /// where the exception first came by, not that of the `raise`.
    is_reraised: bool,
    /// Called with an async generator that is given up; None when not set.
    pub asyncgen_finalizer: Value,
    /// How many frames a coroutine notes when it is made (`cr_origin`); 0: none.
    pub coroutine_origin_depth: usize,
    /// What other crates keep per VM.
    ext: States,
    /// `reprs` under way, to cut cycles.
    pub(crate) repr_stack: Vec<Value>,
    /// The parameter names of natives called with keywords, by the address of
    /// their declaration.
    native_params: FxHashMap<usize, Box<[Value]>>,
    /// Bytes that may be live after a collection.
    pub memory_max: usize,
    /// What was live when the script was last told that it is too much; 0 where it no longer is.
    memory_told: usize,
    /// Digits that an int converted to or from decimal text may have; 0 is
    /// without limit. `sys.set_int_max_str_digits`.
    pub(crate) int_digits_max: usize,
    /// How often the VM may look up before its fuel is spent: from then on
    /// each look-up raises KeyboardInterrupt, so that no handler saves a loop.
    pub fuel: u64,
}

impl Vm {
    /// A VM with the builtin classes, without any method or module: the
    /// standard library fills it.
    pub fn new(host: Box<dyn Host>) -> Vm {
        let mut heap = Heap::new();
        let names = N::ALL.iter().map(|n| heap.intern(n.text())).collect();
        let mut vm = Vm {
            heap,
            stack: Stack::new(),
            sp: 0,
            frames: Vec::with_capacity(64),
            activations: Vec::new(),
            handled: Value::EMPTY,
            native_depth: 0,
            pending_input: None,
            invalid_state_error: Value::NONE,
            recursion_limit: RECURSION_LIMIT,
            classes: Vec::new(),
            names,
            roots: Vec::new(),
            modules: Value::NONE,
            builtins: Value::NONE,
            next_version: 1,
            method_cache: MethodCache::default(),
            recall: recall::Recall::default(),
            tasks: TaskState::default(),
            clock: Clock::default(),
            host,
            interrupt: Arc::new(AtomicBool::new(false)),
            asyncgen_firstiter: Value::NONE,
            is_reraised: false,
            asyncgen_finalizer: Value::NONE,
            coroutine_origin_depth: 0,
            ext: States::default(),
            repr_stack: Vec::new(),
            native_params: FxHashMap::default(),
            memory_max: 16 << 30,
            memory_told: 0,
            int_digits_max: 4300,
            fuel: u64::MAX,
        };
        vm.make_builtin_classes();
        vm.modules = vm.heap.dict();
        vm.builtins = vm.heap.dict();
        vm.invalid_state_error = vm.class(B::RuntimeError);
        vm
    }

    /// The builtin class.
    #[inline(always)]
    pub fn class(&self, class: B) -> Value {
        self.classes[class as usize]
    }

    pub(crate) fn push_class(&mut self, class: Value) {
        self.classes.push(class);
    }

    /// The interned str of a name the runtime knows.
    #[inline(always)]
    pub fn n(&self, name: N) -> Value {
        self.names[name as usize]
    }

    /// A class version never used before.
    pub(crate) fn new_version(&mut self) -> u32 {
        self.next_version = self.next_version.checked_add(1).unwrap_or(1);
        self.next_version
    }

    pub(crate) fn method_cache(&mut self) -> &mut MethodCache {
        &mut self.method_cache
    }

    /// The state that type `T` keeps per VM, made at the first call.
    #[inline(always)]
    pub fn ext<T: opaque::Native + Default>(&mut self) -> &mut T {
        self.ext.get()
    }

    /// Keeps a value alive until the native that is running returns.
    #[inline]
    pub fn root(&mut self, v: Value) -> Value {
        self.roots.push(v);
        v
    }

    /// Keeps values alive while `body` runs, and what it roots besides.
    #[inline]
    pub fn holding<T>(&mut self, values: &[Value], body: impl FnOnce(&mut Vm) -> T) -> T {
        let n_roots = self.roots.len();
        self.roots.extend_from_slice(values);
        let result = body(self);
        self.roots.truncate(n_roots);
        result
    }

    // ---- natives ---------------------------------------------------------

    /// Adds methods and attributes to a builtin class.
    pub fn install(&mut self, class: B, def: &'static ClassDef) {
        let class = self.class(class);
        self.install_in(class, def);
    }

    /// Adds methods and attributes to a native class.
    pub fn install_in(&mut self, class: Value, def: &'static ClassDef) {
        use crate::native::DefKind;
        for native in def.methods {
            if let crate::native::Body::Coroutine(body) = native.body {
                let function = self.native_coroutine_method(class, native, body);
                self.class_attr_init(class, native.name, function);
                continue;
            }
            let shape = match native.kind {
                DefKind::Method if native.is_slot => B::WrapperDescriptor,
                DefKind::Method => B::MethodDescriptor,
                DefKind::ClassMethod | DefKind::StaticMethod | DefKind::Function => {
                    B::NativeFunction
                }
            }
            .shape();
            let native_value = self.heap.alloc(
                shape,
                Native {
                    def: native,
                    owner: class,
                    this: Value::EMPTY,
                    module: Value::NONE,
                },
            );
            let value = match native.kind {
                DefKind::ClassMethod => self.heap.alloc(
                    B::ClassMethod.shape(),
                    crate::object::descriptor::ClassMethod { func: native_value },
                ),
                DefKind::StaticMethod | DefKind::Function if native.name != "__new__" => {
                    self.heap.alloc(
                        B::StaticMethod.shape(),
                        crate::object::descriptor::StaticMethod { func: native_value },
                    )
                }
                _ => native_value,
            };
            self.class_attr_init(class, native.name, value);
        }
        for attribute in def.attributes {
            let value = self.heap.alloc(
                B::GetSet.shape(),
                GetSet {
                    def: attribute,
                    owner: class,
                },
            );
            self.class_attr_init(class, attribute.name, value);
        }
        let has_doc = def.attributes.iter().any(|a| a.name == "__doc__");
        if !def.doc.is_empty() && !has_doc {
            let doc = self.heap.str(def.doc);
            self.class_attr_init(class, "__doc__", doc);
        }
        self.class_changed(class);
    }

    /// A function value for a native.
    pub fn native_function(&mut self, def: &'static NativeDef, module: Value) -> Value {
        self.heap.alloc(
            B::NativeFunction.shape(),
            Native {
                def,
                owner: Value::EMPTY,
                this: Value::EMPTY,
                module,
            },
        )
    }

    // ---- safepoint ---------------------------------------------------------

    /// Called when the countdown has run out: collects, answers Ctrl-C.
    ///
    /// # Errors
    /// KeyboardInterrupt, MemoryError.
    #[cold]
    #[inline(never)]
    pub fn look_up(&mut self) -> PyResult<()> {
        self.heap.countdown = self.heap.ticks();
        if self.heap.wants_collection() {
            let is_too_large = self.heap.used_bytes() > self.memory_max;
            let has_collected = if self.heap.collects_in_steps() && !is_too_large {
                self.collect_some()
            } else {
                self.collect();
                true
            };
            if has_collected {
                self.run_finalizers()?;
                if self.is_told_of_memory() {
                    return Err(self.raise(B::MemoryError, ""));
                }
            }
        } else {
            self.heap.sweep_some();
        }
        if self.interrupt.swap(false, Ordering::Relaxed) {
            return self.answer_interrupt();
        }
        match self.fuel.checked_sub(1) {
            Some(left) => self.fuel = left,
            None => {
                self.heap.countdown = 1;
                return Err(self.raise(B::KeyboardInterrupt, "out of fuel"));
            }
        }
        Ok(())
    }

    /// One tick of the countdown, for natives that loop long.
    ///
    /// # Errors
    /// As `look_up`.
    #[inline(always)]
    pub fn tick(&mut self) -> PyResult<()> {
        self.heap.countdown -= 1;
        if self.heap.countdown <= 0 {
            self.look_up()
        } else {
            Ok(())
        }
    }

    /// As `check_size`, of the bytes of a bytes object: there is none that with its head would be
    /// larger than an index (CPython 3.13 bytesobject.c _PyBytes_FromSize).
    ///
    /// # Errors
    /// OverflowError, MemoryError.
    pub fn check_bytes_size(&mut self, bytes: usize) -> PyResult<()> {
        const HEAD_BYTES: usize = 33;
        if bytes > isize::MAX as usize - HEAD_BYTES {
            return Err(self.overflow_error("byte string is too large"));
        }
        self.check_size(bytes)
    }

    /// Raises MemoryError rather than let `bytes` be allocated beyond the cap. Little is always
    /// given: a collection will tell what many of them come to.
    ///
    /// # Errors
    /// MemoryError.
    #[inline]
    pub fn check_size(&mut self, bytes: usize) -> PyResult<()> {
        if bytes <= UNCHECKED_BYTES {
            Ok(())
        } else {
            self.check_large(bytes)
        }
    }

    #[cold]
    fn check_large(&mut self, bytes: usize) -> PyResult<()> {
        let max = self.memory_max;
        let (used, live) = (self.heap.used_bytes(), self.heap.live_bytes());
        let mut fits = used.saturating_add(bytes) <= max;
        if !fits && live.saturating_add(bytes) <= max && used + bytes <= max + max / 2 {
            // Much of what came since the last collection may be gone.
            self.heap.collect_soon();
            fits = true;
        }
        // The cap may be more than the machine gives: an allocation that is
        // refused later would end the process.
        if fits && bytes >= PROBED_BYTES {
            fits = Vec::<u8>::new().try_reserve_exact(bytes).is_ok();
        }
        if fits {
            Ok(())
        } else {
            self.memory_told = TOLD_BEFORE_COLLECTION;
            Err(self.raise(B::MemoryError, ""))
        }
    }

    /// Whether the script is to be told that what is live after a collection is beyond the cap.
    /// Once told it may use a little more: what handles the exception can't give memory back before
    /// the exception itself is gone.
    fn is_told_of_memory(&mut self) -> bool {
        let (used_bytes, grace) = (self.heap.used_bytes(), self.memory_max / 16);
        let room = self.room();
        if room > grace {
            self.memory_told = 0;
        }
        if self.memory_told == TOLD_BEFORE_COLLECTION {
            self.memory_told = used_bytes;
        }
        let is_told = room == 0
            && (used_bytes > self.memory_told + grace || used_bytes > self.memory_max + 8 * grace);
        if is_told {
            self.memory_told = used_bytes;
        }
        is_told
    }

    /// Bytes that may still be allocated.
    pub fn room(&self) -> usize {
        self.memory_max.saturating_sub(self.heap.used_bytes())
    }

    /// A complete collection. Only at a safepoint, or where every value in use is rooted.
    pub fn collect(&mut self) {
        self.forget_learnt();
        self.clear_dead_registers();
        self.with_roots(|heap, roots| heap.collect(roots));
    }

    /// A step of a collection; where `collect` may be called. Whether it was the last one.
    fn collect_some(&mut self) -> bool {
        if self.heap.step_wants_roots() {
            // The last step looks at the roots.
            self.forget_learnt();
            self.clear_dead_registers();
        }
        self.with_roots(|heap, roots| heap.collect_some(roots))
    }

    /// What was learnt of objects without keeping them alive.
    fn forget_learnt(&mut self) {
        self.method_cache.clear();
        self.recall.forget();
    }

    /// Gives the heap, and what marks the roots.
    fn with_roots<R>(&mut self, job: impl FnOnce(&mut Heap, &dyn Fn(&mut Marker)) -> R) -> R {
        let Vm {
            heap,
            stack,
            sp,
            frames,
            activations,
            handled,
            classes,
            names,
            roots,
            modules,
            builtins,
            ext,
            repr_stack,
            invalid_state_error,
            native_params,
            pending_input,
            asyncgen_firstiter,
            asyncgen_finalizer,
            tasks,
            ..
        } = self;
        job(heap, &|marker| {
            stack::mark_used(stack, *sp, marker);
            for frame in frames.iter() {
                marker.mark_all(&[frame.code_value, frame.func]);
                marker.mark_running(frame.generator);
            }
            for a in activations.iter() {
                marker.mark_all(&[a.root, a.instance, a.outer_handled]);
            }
            marker.mark_all(&[*asyncgen_firstiter, *asyncgen_finalizer]);
            marker.mark_all(&[*handled, *modules, *builtins, *invalid_state_error]);
            if let Some(Input::Send(v) | Input::Throw(v)) = *pending_input {
                marker.mark(v);
            }
            marker.mark_all(classes);
            marker.mark_all(names);
            marker.mark_all(roots);
            marker.mark_all(repr_stack);
            for params in native_params.values() {
                marker.mark_all(params);
            }
            tasks.trace(marker);
            ext.trace(marker);
        })
    }

    /// Depth of calls now.
    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Runs `body` one level of Rust deeper.
    ///
    /// # Errors
    /// RecursionError when there are too many; whatever `body` raises.
    pub fn deeper<T>(&mut self, body: impl FnOnce(&mut Vm) -> PyResult<T>) -> PyResult<T> {
        self.deeper_in("", body)
    }

    /// As `deeper`; the error says in what, such as " in comparison".
    ///
    /// # Errors
    /// As `deeper`.
    pub(crate) fn deeper_in<T>(
        &mut self,
        activity: &str,
        body: impl FnOnce(&mut Vm) -> PyResult<T>,
    ) -> PyResult<T> {
        if self.native_depth >= NATIVE_DEPTH_MAX {
            return Err(self.raise(
                B::RecursionError,
                format!("maximum recursion depth exceeded{activity}"),
            ));
        }
        self.native_depth += 1;
        let result = if self.native_depth.is_multiple_of(LEVELS_PER_LOOK) {
            self.with_room(body)
        } else {
            body(self)
        };
        self.native_depth -= 1;
        result
    }

    /// Runs `body` with stack enough for the levels until the next look.
    #[inline(never)]
    fn with_room<T>(&mut self, body: impl FnOnce(&mut Vm) -> PyResult<T>) -> PyResult<T> {
        stacker::maybe_grow(ROOM_BYTES, STACK_PART_BYTES, || body(self))
    }

    pub(crate) fn recursion_error(&mut self) -> Raised {
        self.raise(B::RecursionError, "maximum recursion depth exceeded")
    }
}
