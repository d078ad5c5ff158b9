//! Throw-away measurement for decision 0001: the hot core of the candidate VMs, with
//! hand-assembled bytecode. A record of how the figures were taken; not part of the build,
//! no collector, no error handling, nothing here is to be reused.
//! Cargo needs `libc`, release profile: lto = "fat", codegen-units = 1, opt-level = 3.
//! `spike VARIANT PROGRAM` prints result, CPU seconds, and RSS growth for `park`.
#![allow(unsafe_op_in_unsafe_fn, clippy::all)]
use std::mem::size_of;

// ---------------------------------------------------------------- opcodes
macro_rules! ops { ($($n:ident),*) => {
    #[repr(u8)] #[derive(Clone, Copy, PartialEq, Debug)] #[allow(non_camel_case_types)]
    enum Op { $($n),* }
} }
ops!(MOV, LOADI, LOADK, GETG, ADD, SUB, MUL, AND, XOR, ADDI, SUBI, LT, JF, JMP, LOOP, JLT, JGE, JGEI, JGT,
     FORR, CALL, CALLX, CALLM, RET, AWAIT, RETA, SUSPEND, TASKEND, HALT, NEWLIST, APPEND, INDEX, SETINDEX,
     GETATTR, SETATTR, CACHE);

trait Word: Copy {
    const CACHE: usize;
    fn enc(op: Op, a: i32, b: i32, c: i32) -> Self;
    fn raw(x: u32) -> Self;
    fn op(self) -> Op;
    fn a(self) -> usize;
    fn b(self) -> usize;
    fn c(self) -> usize;
    fn sb(self) -> i64;
    fn sc(self) -> isize;
    unsafe fn cache(pc: *const Self) -> (u32, u32);
    unsafe fn set_cache(pc: *mut Self, v: (u32, u32));
}
macro_rules! word { ($t:ty, $sh:expr, $u:ty, $s:ty, $first:expr, $cache:expr) => {
    impl Word for $t {
        const CACHE: usize = $cache;
        fn enc(op: Op, a: i32, b: i32, c: i32) -> Self {
            assert!(a as $u as i64 == a as i64 && (b as $s as i64 == b as i64 || b as $u as i64 == b as i64) && c as $s as i64 == c as i64);
            (op as u8 as $t) | (a as $u as $t) << $first | (b as $u as $t) << ($first + $sh) | (c as $u as $t) << ($first + 2 * $sh)
        }
        fn raw(x: u32) -> Self { x as $t }
        #[inline(always)] fn op(self) -> Op { unsafe { std::mem::transmute(self as u8) } }
        #[inline(always)] fn a(self) -> usize { (self >> $first) as $u as usize }
        #[inline(always)] fn b(self) -> usize { (self >> ($first + $sh)) as $u as usize }
        #[inline(always)] fn c(self) -> usize { (self >> ($first + 2 * $sh)) as $u as usize }
        #[inline(always)] fn sb(self) -> i64 { (self >> ($first + $sh)) as $s as i64 }
        #[inline(always)] fn sc(self) -> isize { (self >> ($first + 2 * $sh)) as $s as isize }
        #[inline(always)] unsafe fn cache(pc: *const Self) -> (u32, u32) { std::ptr::read_unaligned(pc as *const (u32, u32)) }
        #[inline(always)] unsafe fn set_cache(pc: *mut Self, v: (u32, u32)) { std::ptr::write_unaligned(pc as *mut (u32, u32), v) }
    }
} }
word!(u64, 16, u16, i16, 16, 1);
word!(u32, 8, u8, i8, 8, 2);

// ---------------------------------------------------------------- values
trait Val: Copy + 'static {
    const NONE: Self; const TRUE: Self; const FALSE: Self;
    fn try_int(i: i64) -> Option<Self>;
    fn try_float(f: f64) -> Option<Self>;
    fn from_ref(r: u64) -> Self;
    fn is_ref(self) -> bool;
    fn rf(self) -> u64;
    fn is_int(self) -> bool;
    fn int(self) -> i64;
    fn both_int(a: Self, b: Self) -> bool;
    fn both_float(a: Self, b: Self) -> bool;
    fn is_float(self) -> bool;
    fn float(self) -> f64;
    fn add(a: Self, b: Self) -> Option<Self>;
    fn sub(a: Self, b: Self) -> Option<Self>;
    fn mul(a: Self, b: Self) -> Option<Self>;
    fn addi(a: Self, i: i64) -> Option<Self>;
    fn and(a: Self, b: Self) -> Self;
    fn xor(a: Self, b: Self) -> Self;
    fn lt(a: Self, b: Self) -> bool;
    fn same(a: Self, b: Self) -> bool;
}

/// (a) 3 tag bits: int 3 and 7 (62 bits), reference 0, special 4, float 1, 2, 5, 6.
#[derive(Clone, Copy)] #[repr(transparent)] struct Tag8(u64);
impl Val for Tag8 {
    const NONE: Self = Tag8(4); const TRUE: Self = Tag8(12); const FALSE: Self = Tag8(20);
    #[inline(always)] fn try_int(i: i64) -> Option<Self> { let s = i << 2; if s >> 2 == i { Some(Tag8(s as u64 | 3)) } else { None } }
    #[inline(always)] fn try_float(f: f64) -> Option<Self> { let v = Tag8(f.to_bits().rotate_left(4).wrapping_sub(2)); if v.is_float() { Some(v) } else { None } }
    #[inline(always)] fn from_ref(r: u64) -> Self { Tag8(r) }
    #[inline(always)] fn is_ref(self) -> bool { self.0 & 7 == 0 }
    #[inline(always)] fn rf(self) -> u64 { self.0 }
    #[inline(always)] fn is_int(self) -> bool { self.0 & 3 == 3 }
    #[inline(always)] fn int(self) -> i64 { self.0 as i64 >> 2 }
    #[inline(always)] fn both_int(a: Self, b: Self) -> bool { a.0 & b.0 & 3 == 3 }
    // Low two bits 1 or 2, so that tag 5 (infinities, NaN, huge) is inline as well.
    #[inline(always)] fn is_float(self) -> bool { self.0.wrapping_add(1) & 2 != 0 }
    #[inline(always)] fn both_float(a: Self, b: Self) -> bool { a.0.wrapping_add(1) & b.0.wrapping_add(1) & 2 != 0 }
    #[inline(always)] fn float(self) -> f64 { f64::from_bits(self.0.wrapping_add(2).rotate_right(4)) }
    #[inline(always)] fn add(a: Self, b: Self) -> Option<Self> { (a.0 as i64).checked_add((b.0 & !3) as i64).map(|x| Tag8(x as u64)) }
    #[inline(always)] fn sub(a: Self, b: Self) -> Option<Self> { (a.0 as i64).checked_sub((b.0 & !3) as i64).map(|x| Tag8(x as u64)) }
    #[inline(always)] fn mul(a: Self, b: Self) -> Option<Self> { ((a.0 & !3) as i64).checked_mul(b.int()).map(|x| Tag8(x as u64 | 3)) }
    #[inline(always)] fn addi(a: Self, i: i64) -> Option<Self> { (a.0 as i64).checked_add(i << 2).map(|x| Tag8(x as u64)) }
    #[inline(always)] fn and(a: Self, b: Self) -> Self { Tag8(a.0 & b.0) }
    #[inline(always)] fn xor(a: Self, b: Self) -> Self { Tag8((a.0 ^ b.0) | 3) }
    #[inline(always)] fn lt(a: Self, b: Self) -> bool { (a.0 as i64) < (b.0 as i64) }
    #[inline(always)] fn same(a: Self, b: Self) -> bool { a.0 == b.0 }
}

/// (b) NaN-boxing: ints 0xFFFF in the top 16 bits (48 bits), doubles offset by 2^48, references top 16 zero.
#[derive(Clone, Copy)] #[repr(transparent)] struct Nan8(u64);
const NI: u64 = 0xFFFF << 48;
impl Val for Nan8 {
    const NONE: Self = Nan8(1); const TRUE: Self = Nan8(2); const FALSE: Self = Nan8(3);
    #[inline(always)] fn try_int(i: i64) -> Option<Self> { if (i << 16) >> 16 == i { Some(Nan8(i as u64 | NI)) } else { None } }
    #[inline(always)] fn try_float(f: f64) -> Option<Self> { Some(Nan8((if f != f { 0x7FF8 << 48 } else { f.to_bits() }) + (1 << 48))) }
    #[inline(always)] fn from_ref(r: u64) -> Self { Nan8(r) }
    #[inline(always)] fn is_ref(self) -> bool { self.0.wrapping_sub(16) < (1 << 48) - 16 }
    #[inline(always)] fn rf(self) -> u64 { self.0 }
    #[inline(always)] fn is_int(self) -> bool { self.0 >= NI }
    #[inline(always)] fn int(self) -> i64 { ((self.0 << 16) as i64) >> 16 }
    #[inline(always)] fn both_int(a: Self, b: Self) -> bool { a.0 & b.0 >= NI }
    #[inline(always)] fn is_float(self) -> bool { self.0.wrapping_sub(1 << 48) < (0xFFFE << 48) }
    #[inline(always)] fn both_float(a: Self, b: Self) -> bool { a.is_float() && b.is_float() }
    #[inline(always)] fn float(self) -> f64 { f64::from_bits(self.0 - (1 << 48)) }
    #[inline(always)] fn add(a: Self, b: Self) -> Option<Self> { ((a.0 << 16) as i64).checked_add((b.0 << 16) as i64).map(|x| Nan8(x as u64 >> 16 | NI)) }
    #[inline(always)] fn sub(a: Self, b: Self) -> Option<Self> { ((a.0 << 16) as i64).checked_sub((b.0 << 16) as i64).map(|x| Nan8(x as u64 >> 16 | NI)) }
    #[inline(always)] fn mul(a: Self, b: Self) -> Option<Self> { ((a.0 << 16) as i64).checked_mul(b.int()).map(|x| Nan8(x as u64 >> 16 | NI)) }
    #[inline(always)] fn addi(a: Self, i: i64) -> Option<Self> { ((a.0 << 16) as i64).checked_add(i << 16).map(|x| Nan8(x as u64 >> 16 | NI)) }
    #[inline(always)] fn and(a: Self, b: Self) -> Self { Nan8(a.0 & b.0) }
    #[inline(always)] fn xor(a: Self, b: Self) -> Self { Nan8((a.0 ^ b.0) | NI) }
    #[inline(always)] fn lt(a: Self, b: Self) -> bool { ((a.0 << 16) as i64) < ((b.0 << 16) as i64) }
    #[inline(always)] fn same(a: Self, b: Self) -> bool { a.0 == b.0 }
}

/// (c) 16 bytes: tag and payload; i64 and f64 inline.
#[derive(Clone, Copy)] #[repr(C)] struct Wide { t: u64, p: u64 }
impl Val for Wide {
    const NONE: Self = Wide { t: 3, p: 0 }; const TRUE: Self = Wide { t: 3, p: 1 }; const FALSE: Self = Wide { t: 3, p: 2 };
    #[inline(always)] fn try_int(i: i64) -> Option<Self> { Some(Wide { t: 1, p: i as u64 }) }
    #[inline(always)] fn try_float(f: f64) -> Option<Self> { Some(Wide { t: 2, p: f.to_bits() }) }
    #[inline(always)] fn from_ref(r: u64) -> Self { Wide { t: 0, p: r } }
    #[inline(always)] fn is_ref(self) -> bool { self.t == 0 }
    #[inline(always)] fn rf(self) -> u64 { self.p }
    #[inline(always)] fn is_int(self) -> bool { self.t == 1 }
    #[inline(always)] fn int(self) -> i64 { self.p as i64 }
    #[inline(always)] fn both_int(a: Self, b: Self) -> bool { a.t == 1 && b.t == 1 }
    #[inline(always)] fn is_float(self) -> bool { self.t == 2 }
    #[inline(always)] fn both_float(a: Self, b: Self) -> bool { a.t == 2 && b.t == 2 }
    #[inline(always)] fn float(self) -> f64 { f64::from_bits(self.p) }
    #[inline(always)] fn add(a: Self, b: Self) -> Option<Self> { (a.p as i64).checked_add(b.p as i64).and_then(Self::try_int) }
    #[inline(always)] fn sub(a: Self, b: Self) -> Option<Self> { (a.p as i64).checked_sub(b.p as i64).and_then(Self::try_int) }
    #[inline(always)] fn mul(a: Self, b: Self) -> Option<Self> { (a.p as i64).checked_mul(b.p as i64).and_then(Self::try_int) }
    #[inline(always)] fn addi(a: Self, i: i64) -> Option<Self> { (a.p as i64).checked_add(i).and_then(Self::try_int) }
    #[inline(always)] fn and(a: Self, b: Self) -> Self { Wide { t: 1, p: a.p & b.p } }
    #[inline(always)] fn xor(a: Self, b: Self) -> Self { Wide { t: 1, p: a.p ^ b.p } }
    #[inline(always)] fn lt(a: Self, b: Self) -> bool { (a.p as i64) < (b.p as i64) }
    #[inline(always)] fn same(a: Self, b: Self) -> bool { a.t == b.t && a.p == b.p }
}

// ---------------------------------------------------------------- heap
const K_INT: u32 = 1; const K_FLOAT: u32 = 2; const K_FUNC: u32 = 3; const K_LIST: u32 = 4; const K_INST: u32 = 5;
/// Every cell starts with 8 bytes: kind and shape.
#[repr(C)] struct Cell { kind: u32, shape: u32 }
#[repr(C)] struct Num64 { h: Cell, p: u64 }
#[repr(C)] struct Func<V, W> { h: Cell, code: *const Code<V, W> }
#[repr(C)] struct List<V> { h: Cell, ptr: *mut V, len: usize, cap: usize }
#[repr(C)] struct Inst { h: Cell }

struct Code<V, W> { words: *mut W, consts: *const V, n_params: u32, n_regs: u32, bytes: u32, name: &'static str }
/// A frame is this header with its registers behind it, on the VM stack, in a block or in a task's segment.
#[repr(C)] struct Frame<V, W> { parent: *mut Frame<V, W>, ret_pc: *const W, code: *const Code<V, W>, dst: u32, depth: u32 }
const FH: usize = 32;
#[repr(C)] struct FrameX<V, W> { f: Frame<V, W>, regs: *mut V }
/// top: innermost frame; pc: where it resumes. The rest stands for what a real task holds.
#[repr(C)] struct Task<V, W> { h: Cell, top: *mut Frame<V, W>, pc: *const W, seg: *mut u8, seg_end: *mut u8, result: V, waiters: u64, context: u64 }

struct Vm<V, W> {
    arena: *mut u8, arena_len: usize, nursery: usize, bump: usize,
    free: [*mut u8; 64], chunk: *mut u8, chunk_end: *mut u8,
    stack: *mut u8, limit: *mut u8,
    ready: *mut *mut Task<V, W>, head: usize, tail: usize, mask: usize, cur: *mut Task<V, W>,
    globals: Vec<V>, methods: Vec<V>, fuel_used: u64, n_suspend_stop: u64,
    tasks: usize,
}
const NURSERY: usize = 1 << 20;
impl<V: Val, W: Word> Vm<V, W> {
    fn new() -> Self {
        unsafe {
            let map = |n: usize| libc::mmap(std::ptr::null_mut(), n, 3, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE, -1, 0) as *mut u8;
            let stack = map(16 << 20);
            let n = 1 << 21;
            Vm { arena: map(1 << 32), arena_len: 1 << 32, nursery: 16, bump: NURSERY, free: [std::ptr::null_mut(); 64],
                 chunk: std::ptr::null_mut(), chunk_end: std::ptr::null_mut(), stack, limit: stack.add((16 << 20) - 4096),
                 ready: map(n * 8) as *mut _, head: 0, tail: 0, mask: n - 1, cur: std::ptr::null_mut(),
                 globals: vec![], methods: vec![], fuel_used: 0, n_suspend_stop: u64::MAX, tasks: 0 }
        }
    }
    #[inline(always)] unsafe fn cell<const IDX: bool, T>(&self, r: u64) -> *mut T {
        if IDX { if r as usize >= self.arena_len { bad(); } self.arena.add(r as usize) as *mut T } else { r as *mut T }
    }
    unsafe fn mk_ref<const IDX: bool>(&self, p: *mut u8) -> V { V::from_ref(if IDX { p as u64 - self.arena as u64 } else { p as u64 }) }
    unsafe fn alloc(&mut self, n: usize) -> *mut u8 { let p = self.arena.add(self.bump); self.bump += (n + 15) & !15; p }
    /// A boxed number goes to a ring of 1 MB: what a nursery would cost if none survived.
    #[inline(never)] unsafe fn box64<const IDX: bool>(&mut self, kind: u32, p: u64) -> V {
        if self.nursery + 16 > NURSERY { self.nursery = 16; }
        let c = self.arena.add(self.nursery) as *mut Num64; self.nursery += 16;
        *c = Num64 { h: Cell { kind, shape: 0 }, p };
        self.mk_ref::<IDX>(c as *mut u8)
    }
    #[inline(always)] unsafe fn mkf<const IDX: bool>(&mut self, f: f64) -> V { match V::try_float(f) { Some(v) => v, None => self.box64::<IDX>(K_FLOAT, f.to_bits()) } }
    #[inline(always)] unsafe fn block(&mut self, bytes: usize) -> *mut u8 {
        let c = bytes / 16;
        let p = self.free[c];
        if !p.is_null() { self.free[c] = *(p as *mut *mut u8); return p; }
        self.block_slow(bytes)
    }
    #[cold] #[inline(never)] unsafe fn block_slow(&mut self, bytes: usize) -> *mut u8 {
        if self.chunk as usize + bytes > self.chunk_end as usize {
            self.chunk = libc::mmap(std::ptr::null_mut(), 1 << 20, 3, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) as *mut u8;
            self.chunk_end = self.chunk.add(1 << 20);
        }
        let p = self.chunk; self.chunk = p.add(bytes); p
    }
    #[inline(always)] unsafe fn unblock(&mut self, p: *mut u8, bytes: usize) { *(p as *mut *mut u8) = self.free[bytes / 16]; self.free[bytes / 16] = p; }
}
#[cold] #[inline(never)] fn bad() -> ! { panic!("type error") }
#[cold] #[inline(never)] fn refuel<V, W>(vm: &mut Vm<V, W>) -> i64 { vm.fuel_used += 10000; 10000 }

enum N { I(i64), F(f64) }
unsafe fn num<V: Val, W: Word, const IDX: bool>(vm: &Vm<V, W>, v: V) -> N {
    if v.is_int() { N::I(v.int()) } else if v.is_float() { N::F(v.float()) } else if v.is_ref() {
        let c = vm.cell::<IDX, Num64>(v.rf());
        match (*c).h.kind { K_INT => N::I((*c).p as i64), K_FLOAT => N::F(f64::from_bits((*c).p)), _ => bad() }
    } else { bad() }
}
#[cold] #[inline(never)]
unsafe fn arith_slow<V: Val, W: Word, const IDX: bool>(vm: &mut Vm<V, W>, op: Op, a: V, b: V) -> V {
    match (num::<V, W, IDX>(vm, a), num::<V, W, IDX>(vm, b)) {
        (N::I(x), N::I(y)) => {
            let r = match op { Op::ADD => x.checked_add(y), Op::SUB => x.checked_sub(y), Op::MUL => x.checked_mul(y), Op::AND => Some(x & y), Op::XOR => Some(x ^ y), _ => bad() };
            let r = match r { Some(r) => r, None => bad() };
            match V::try_int(r) { Some(v) => v, None => vm.box64::<IDX>(K_INT, r as u64) }
        }
        (x, y) => {
            let f = |n| match n { N::I(i) => i as f64, N::F(f) => f };
            let (x, y) = (f(x), f(y));
            vm.mkf::<IDX>(match op { Op::ADD => x + y, Op::SUB => x - y, Op::MUL => x * y, _ => bad() })
        }
    }
}
#[cold] #[inline(never)]
unsafe fn lt_slow<V: Val, W: Word, const IDX: bool>(vm: &mut Vm<V, W>, a: V, b: V) -> bool {
    match (num::<V, W, IDX>(vm, a), num::<V, W, IDX>(vm, b)) {
        (N::I(x), N::I(y)) => x < y,
        (x, y) => { let f = |n| match n { N::I(i) => i as f64, N::F(f) => f }; f(x) < f(y) }
    }
}
#[inline(always)] unsafe fn less<V: Val, W: Word, const IDX: bool>(vm: &mut Vm<V, W>, a: V, b: V) -> bool {
    if V::both_int(a, b) { V::lt(a, b) } else if V::both_float(a, b) { a.float() < b.float() } else { lt_slow::<V, W, IDX>(vm, a, b) }
}
#[cold] #[inline(never)] unsafe fn grow_list<V>(l: *mut List<V>) {
    let cap = if (*l).cap == 0 { 8 } else { (*l).cap * 2 };
    (*l).ptr = libc::realloc((*l).ptr as *mut _, cap * size_of::<V>()) as *mut V; (*l).cap = cap;
}
/// Attribute slots by name id: x = 0, y = 1. A real VM looks in the shape.
#[cold] #[inline(never)] unsafe fn attr_miss<W: Word>(pc: *const W, shape: u32, name: usize) { W::set_cache(pc as *mut W, (shape, name as u32)) }
/// Moves a task's segment into one of twice the size and relocates its frame links.
#[cold] #[inline(never)]
unsafe fn grow_seg<V: Val, W: Word>(vm: &mut Vm<V, W>, regs: *mut V, need: *mut u8) -> *mut V {
    let t = vm.cur; let old = (*t).seg; let used = (*t).seg_end as usize - old as usize;
    let mut n = used; while n < need as usize - old as usize { n *= 2; }
    let new = libc::malloc(n) as *mut u8;
    std::ptr::copy_nonoverlapping(old, new, used);
    let d = new as isize - old as isize;
    let regs = (regs as *mut u8).offset(d) as *mut V;
    let mut f = (regs as *mut u8).sub(FH) as *mut Frame<V, W>;
    while (*f).depth > 1 { (*f).parent = ((*f).parent as *mut u8).offset(d) as *mut _; f = (*f).parent; }
    libc::free(old as *mut _);
    (*t).seg = new; (*t).seg_end = new.add(n); vm.limit = (*t).seg_end;
    regs
}

// ---------------------------------------------------------------- the loop
/// ZERO: clear the callee's other registers: 0 no, 1 a plain loop (LLVM vectorises it), 2 four at a time. IDX: cells by checked index. SEG: a contiguous stack per task.
/// FS: sync frame records on a stack of their own (sync programs only), so that no header stands between arguments.
#[inline(never)]
unsafe fn run<V: Val, W: Word, const ZERO: u8, const IDX: bool, const SEG: bool, const FS: bool>(vm: &mut Vm<V, W>, start: *mut Frame<V, W>, start_pc: *const W) -> V {
    let h = if FS { 0 } else { FH / size_of::<V>() };
    let mut fp = start as *mut FrameX<V, W>;
    let mut pc = start_pc;
    let mut regs = if FS { vm.stack as *mut V } else { (start as *mut u8).add(FH) as *mut V };
    let mut fuel: i64 = 10000;
    macro_rules! r { ($i:expr) => { *regs.add($i) } }
    macro_rules! fr { () => { if FS { fp as *mut Frame<V, W> } else { (regs as *mut u8).sub(FH) as *mut Frame<V, W> } } }
    macro_rules! tick { () => {{ fuel -= 1; if fuel == 0 { fuel = refuel(vm); } }} }
    macro_rules! arith { ($w:ident, $op:expr, $f:ident, $o:tt) => {{
        let (a, b) = (r!($w.b()), r!($w.c()));
        let v = if V::both_int(a, b) { match V::$f(a, b) { Some(v) => v, None => arith_slow::<V, W, IDX>(vm, $op, a, b) } }
            else if V::both_float(a, b) { let f = a.float() $o b.float(); vm.mkf::<IDX>(f) }
            else { arith_slow::<V, W, IDX>(vm, $op, a, b) };
        r!($w.a()) = v;
    }} }
    macro_rules! func { ($v:expr, $n:expr) => {{
        let v: V = $v; if !v.is_ref() { bad() }
        let f = vm.cell::<IDX, Func<V, W>>(v.rf());
        if (*f).h.kind != K_FUNC { bad() }
        let code = (*f).code;
        if (*code).n_params as usize != $n { bad() }
        code
    }} }
    // The empty asm keeps LLVM from vectorising loops that run once or twice.
    macro_rules! copy_args { ($new:ident, $a:ident, $n:ident) => {{
        for i in 0..$n { *$new.add(i) = r!($a + 1 + i); if ZERO == 2 { std::arch::asm!("", options(nomem, nostack, preserves_flags)); } }
    }} }
    // Pushes a frame whose registers start at $new (args already there), returning to $dst at the current pc.
    macro_rules! enter { ($code:expr, $new:expr, $n:expr, $dst:expr, $exact:expr) => {{
        let code: *const Code<V, W> = $code; let new: *mut V = $new;
        let depth = (*fr!()).depth + 1;
        if depth > 100_000 { bad() }
        let f = if FS { fp.add(1) as *mut Frame<V, W> } else { (new as *mut u8).sub(FH) as *mut Frame<V, W> };
        if FS { (*fp).regs = regs; fp = f as *mut FrameX<V, W>; }
        *f = Frame { parent: if FS { fp.sub(1) as *mut Frame<V, W> } else { fr!() }, ret_pc: pc, code, dst: $dst as u32, depth };
        if ZERO == 1 { for i in $n..(*code).n_regs as usize { *new.add(i) = V::NONE; } }
        // Four at a time, overshooting into the free stack (the limit keeps a margin).
        if ZERO == 2 && $exact { for i in $n..(*code).n_regs as usize { *new.add(i) = V::NONE; std::arch::asm!("", options(nomem, nostack, preserves_flags)); } }
        if ZERO == 2 && !$exact {
            let mut p = new.add($n); let e = new.add((*code).n_regs as usize);
            while p < e { *p = V::NONE; *p.add(1) = V::NONE; *p.add(2) = V::NONE; *p.add(3) = V::NONE; p = p.add(4); std::hint::black_box(()); }
        }
        regs = new; pc = (*code).words; tick!();
    }} }
    macro_rules! ret { ($w:ident, $free:expr) => {{
        let v = r!($w.a()); let f = fr!();
        let p = (*f).parent; pc = (*f).ret_pc; let dst = (*f).dst as usize;
        if $free { let n = (*(*f).code).bytes as usize; vm.unblock(f as *mut u8, n); }
        if FS { fp = fp.sub(1); regs = (*fp).regs; } else { regs = (p as *mut u8).add(FH) as *mut V; }
        r!(dst) = v;
    }} }
    macro_rules! resume { () => {{
        if vm.head == vm.tail { return V::NONE; }
        let t = *vm.ready.add(vm.head & vm.mask); vm.head += 1; vm.cur = t;
        regs = ((*t).top as *mut u8).add(FH) as *mut V; pc = (*t).pc;
        if SEG { vm.limit = (*t).seg_end; }
        tick!();
    }} }
    loop {
        let w = *pc;
        pc = pc.add(1);
        match w.op() {
            Op::MOV => r!(w.a()) = r!(w.b()),
            Op::LOADI => r!(w.a()) = V::try_int(w.sb()).unwrap_unchecked(),
            Op::LOADK => r!(w.a()) = *(*(*fr!()).code).consts.add(w.b()),
            Op::GETG => { let v = *vm.globals.get_unchecked(w.b()); if V::same(v, V::NONE) { bad() } r!(w.a()) = v }
            Op::ADD => arith!(w, Op::ADD, add, +),
            Op::SUB => arith!(w, Op::SUB, sub, -),
            Op::MUL => arith!(w, Op::MUL, mul, *),
            Op::AND => { let (a, b) = (r!(w.b()), r!(w.c())); r!(w.a()) = if V::both_int(a, b) { V::and(a, b) } else { arith_slow::<V, W, IDX>(vm, Op::AND, a, b) } }
            Op::XOR => { let (a, b) = (r!(w.b()), r!(w.c())); r!(w.a()) = if V::both_int(a, b) { V::xor(a, b) } else { arith_slow::<V, W, IDX>(vm, Op::XOR, a, b) } }
            Op::ADDI | Op::SUBI => {
                let a = r!(w.b()); let i = if w.op() == Op::ADDI { w.sc() as i64 } else { -(w.sc() as i64) };
                let fast = if a.is_int() { V::addi(a, i) } else { None };
                r!(w.a()) = match fast { Some(v) => v, None => arith_slow::<V, W, IDX>(vm, Op::ADD, a, V::try_int(i).unwrap_unchecked()) }
            }
            Op::LT => { let b = less::<V, W, IDX>(vm, r!(w.b()), r!(w.c())); r!(w.a()) = if b { V::TRUE } else { V::FALSE } }
            Op::JF => { let v = r!(w.a()); if V::same(v, V::FALSE) { pc = pc.offset(w.sc()) } else if !V::same(v, V::TRUE) { bad() } }
            Op::JMP => pc = pc.offset(w.sc()),
            Op::LOOP => { pc = pc.offset(w.sc()); tick!() }
            Op::JLT => { if less::<V, W, IDX>(vm, r!(w.a()), r!(w.b())) { pc = pc.offset(w.sc()); tick!() } }
            Op::JGE => { if !less::<V, W, IDX>(vm, r!(w.a()), r!(w.b())) { pc = pc.offset(w.sc()) } }
            Op::JGT => { if less::<V, W, IDX>(vm, r!(w.b()), r!(w.a())) { pc = pc.offset(w.sc()) } }
            Op::JGEI => { let i = V::try_int(w.sb()).unwrap_unchecked(); if !less::<V, W, IDX>(vm, r!(w.a()), i) { pc = pc.offset(w.sc()) } }
            Op::FORR => { // R[a] += 1; loop while R[a] < R[a+1]; both are ints by construction.
                let a = V::addi(r!(w.a()), 1).unwrap_unchecked(); r!(w.a()) = a; r!(w.b()) = a;
                if V::lt(a, r!(w.a() + 1)) { pc = pc.offset(w.sc()); tick!() }
            }
            Op::CALL => {
                let a = w.a(); let n = w.b();
                let code = func!(r!(a), n);
                let mut new = regs.add(a + 1 + h);
                if new.add((*code).n_regs as usize) as *mut u8 > vm.limit {
                    if SEG { regs = grow_seg(vm, regs, new.add((*code).n_regs as usize) as *mut u8); new = regs.add(a + 1 + h); } else { bad() }
                }
                enter!(code, new, n, a, SEG);
            }
            Op::CALLX => { // from a frame in a block: the arguments are copied to the VM stack.
                let a = w.a(); let n = w.b();
                let code = func!(r!(a), n);
                let new = vm.stack.add(FH) as *mut V;
                copy_args!(new, a, n);
                enter!(code, new, n, a, SEG);
            }
            Op::CALLM => {
                let a = w.a(); let n = w.b();
                let s = r!(a + 1 + h); if !s.is_ref() { bad() }
                let o = vm.cell::<IDX, Cell>(s.rf());
                let (shape, slot) = W::cache(pc);
                if (*o).shape != shape { attr_miss(pc, (*o).shape, w.c()); pc = pc.sub(1); continue; }
                pc = pc.add(W::CACHE);
                let code = func!(*vm.methods.get_unchecked(slot as usize), n);
                let new = regs.add(a + 1 + h);
                if new.add((*code).n_regs as usize) as *mut u8 > vm.limit { bad() }
                enter!(code, new, n, a, SEG);
            }
            Op::RET => ret!(w, false),
            Op::AWAIT => {
                let a = w.a(); let n = w.b();
                let code = func!(r!(a), n);
                if SEG {
                    let mut new = regs.add(a + 1 + h);
                    if new.add((*code).n_regs as usize) as *mut u8 > vm.limit { regs = grow_seg(vm, regs, new.add((*code).n_regs as usize) as *mut u8); new = regs.add(a + 1 + h); }
                    enter!(code, new, n, a, SEG);
                } else {
                    let new = vm.block((*code).bytes as usize).add(FH) as *mut V;
                    copy_args!(new, a, n);
                    enter!(code, new, n, a, true);
                }
            }
            Op::RETA => ret!(w, !SEG),
            Op::SUSPEND => {
                let t = vm.cur; (*t).top = fr!(); (*t).pc = pc;
                *vm.ready.add(vm.tail & vm.mask) = t; vm.tail += 1;
                vm.n_suspend_stop -= 1; if vm.n_suspend_stop == 0 { return V::NONE; }
                resume!();
            }
            Op::TASKEND => resume!(),
            Op::HALT => return r!(w.a()),
            Op::NEWLIST => { let l = vm.alloc(size_of::<List<V>>()) as *mut List<V>; *l = List { h: Cell { kind: K_LIST, shape: 9 }, ptr: std::ptr::null_mut(), len: 0, cap: 0 }; r!(w.a()) = vm.mk_ref::<IDX>(l as *mut u8); }
            Op::APPEND => {
                let o = r!(w.a()); if !o.is_ref() { bad() }
                let l = vm.cell::<IDX, List<V>>(o.rf()); if (*l).h.kind != K_LIST { bad() }
                if (*l).len == (*l).cap { grow_list(l) }
                *(*l).ptr.add((*l).len) = r!(w.b()); (*l).len += 1;
            }
            Op::INDEX => {
                let o = r!(w.b()); let i = r!(w.c()); if !o.is_ref() || !i.is_int() { bad() }
                let l = vm.cell::<IDX, List<V>>(o.rf()); if (*l).h.kind != K_LIST { bad() }
                let i = i.int() as usize; if i >= (*l).len { bad() }
                r!(w.a()) = *(*l).ptr.add(i);
            }
            Op::SETINDEX => {
                let o = r!(w.a()); let i = r!(w.b()); if !o.is_ref() || !i.is_int() { bad() }
                let l = vm.cell::<IDX, List<V>>(o.rf()); if (*l).h.kind != K_LIST { bad() }
                let i = i.int() as usize; if i >= (*l).len { bad() }
                *(*l).ptr.add(i) = r!(w.c());
            }
            Op::GETATTR => {
                let o = r!(w.b()); if !o.is_ref() { bad() }
                let i = vm.cell::<IDX, Inst>(o.rf());
                let (shape, slot) = W::cache(pc);
                if (*i).h.shape != shape { attr_miss(pc, (*i).h.shape, w.c()); pc = pc.sub(1); continue; }
                pc = pc.add(W::CACHE);
                r!(w.a()) = *(i.add(1) as *mut V).add(slot as usize);
            }
            Op::SETATTR => {
                let o = r!(w.b()); if !o.is_ref() { bad() }
                let i = vm.cell::<IDX, Inst>(o.rf());
                let (shape, slot) = W::cache(pc);
                if (*i).h.shape != shape { attr_miss(pc, (*i).h.shape, w.c()); pc = pc.sub(1); continue; }
                pc = pc.add(W::CACHE);
                *(i.add(1) as *mut V).add(slot as usize) = r!(w.a());
            }
            Op::CACHE => std::hint::unreachable_unchecked(),
        }
    }
}

// ---------------------------------------------------------------- assembler
/// Jumps name a label in c; `at(label)` places it.
struct Asm { ins: Vec<(Op, i32, i32, i32)>, labels: [usize; 16] }
impl Asm {
    fn new() -> Self { Asm { ins: vec![], labels: [0; 16] } }
    fn i(&mut self, op: Op, a: i32, b: i32, c: i32) -> &mut Self { self.ins.push((op, a, b, c)); self }
    fn at(&mut self, l: usize) -> &mut Self { self.labels[l] = self.ins.len(); self }
    fn done<V: Val, W: Word>(&self, name: &'static str, n_params: u32, n_regs: u32, consts: Vec<V>) -> *const Code<V, W> {
        use Op::*;
        let cached = |o: Op| matches!(o, GETATTR | SETATTR | CALLM);
        let mut pos = vec![0usize]; for x in &self.ins { pos.push(pos.last().unwrap() + 1 + if cached(x.0) { W::CACHE } else { 0 }); }
        let mut out: Vec<W> = vec![];
        for (k, &(op, a, b, c)) in self.ins.iter().enumerate() {
            let c = if matches!(op, JF | JMP | LOOP | JLT | JGE | JGEI | JGT | FORR) { pos[self.labels[c as usize]] as i32 - pos[k] as i32 - 1 } else { c };
            out.push(W::enc(op, a, b, c));
            if cached(op) { for _ in 0..W::CACHE { out.push(W::raw(0)); } }
        }
        let bytes = ((FH + n_regs as usize * size_of::<V>() + 15) & !15) as u32;
        Box::leak(Box::new(Code { words: out.leak().as_mut_ptr(), consts: consts.leak().as_ptr(), n_params, n_regs, bytes, name }))
    }
}
fn rss() -> usize { let s = std::fs::read_to_string("/proc/self/statm").unwrap(); s.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096 }
fn cpu() -> f64 { unsafe { let mut u: libc::rusage = std::mem::zeroed(); libc::getrusage(0, &mut u); let t = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 * 1e-6; t(u.ru_utime) + t(u.ru_stime) } }

unsafe fn go<V: Val, W: Word, const ZERO: u8, const IDX: bool, const SEG: bool, const FS: bool>(prog: &str, n: i64) {
    use Op::*;
    let mut vm = Vm::<V, W>::new();
    let int = |i: i64| V::try_int(i).unwrap();
    let fl = |f: f64| V::try_float(f).unwrap();
    let h = if FS { 0 } else { (FH / size_of::<V>()) as i32 };
    let ah = if SEG { h } else { 0 }; // gap before the arguments of calls made from async frames
    let mkfunc = |vm: &mut Vm<V, W>, c: *const Code<V, W>| -> V { let f = vm.alloc(16) as *mut Func<V, W>; *f = Func { h: Cell { kind: K_FUNC, shape: 7 }, code: c }; vm.mk_ref::<IDX>(f as *mut u8) };
    let mut a = Asm::new();
    let xcall = if SEG { CALL } else { CALLX };
    let main: *const Code<V, W> = match prog {
        "fib" => {
            let mut f = Asm::new();
            f.i(JGEI, 0, 2, 0).i(RET, 0, 0, 0).at(0)
                .i(GETG, 1, 0, 0).i(SUBI, 2 + h, 0, 1).i(CALL, 1, 1, 0)
                .i(GETG, 2, 0, 0).i(SUBI, 3 + h, 0, 2).i(CALL, 2, 1, 0)
                .i(ADD, 1, 1, 2).i(RET, 1, 0, 0);
            let c = f.done("fib", 1, 4 + h as u32, vec![]);
            let fv = mkfunc(&mut vm, c); vm.globals = vec![fv];
            a.i(GETG, 0, 0, 0).i(LOADK, 1 + h, 0, 0).i(CALL, 0, 1, 0).i(HALT, 0, 0, 0);
            a.done("main", 0, 20, vec![int(n)])
        }
        // i = s = 0; while i < n: s = (s + i) ^ n; i += 1
        "loop" => { a.i(LOADI, 0, 0, 0).i(LOADI, 1, 0, 0).i(LOADK, 2, 0, 0).i(JGE, 0, 2, 1).at(0)
            .i(ADD, 1, 1, 0).i(XOR, 1, 1, 2).i(ADDI, 0, 0, 1).i(JLT, 0, 2, 0).at(1).i(HALT, 1, 0, 0); a.done("main", 0, 8, vec![int(n)]) }
        "loop-sep" => { a.i(LOADI, 0, 0, 0).i(LOADI, 1, 0, 0).i(LOADK, 2, 0, 0).at(0).i(LT, 3, 0, 2).i(JF, 3, 0, 1)
            .i(ADD, 1, 1, 0).i(XOR, 1, 1, 2).i(ADDI, 0, 0, 1).i(LOOP, 0, 0, 0).at(1).i(HALT, 1, 0, 0); a.done("main", 0, 8, vec![int(n)]) }
        "lcg" => { // x = 1; for _ in range(n): x = (x * 1103515245 + 12345) & 0x7fffffff
            a.i(LOADI, 0, 1, 0).i(LOADI, 1, -1, 0).i(LOADK, 2, 0, 0).i(LOADK, 3, 1, 0).i(LOADK, 4, 2, 0).i(LOADK, 5, 3, 0).i(JMP, 0, 0, 1).at(0)
                .i(MUL, 6, 0, 3).i(ADD, 6, 6, 4).i(AND, 0, 6, 5).at(1).i(FORR, 1, 7, 0).i(HALT, 0, 0, 0);
            a.done("main", 0, 8, vec![int(n), int(1103515245), int(12345), int(0x7fffffff)]) }
        "mandel" => {
            // 0 ci 1 cr 2 zr 3 zi 4 zr2 5 zi2 6 n 7 count 8 yi 9 xi 10 t 11 d 12 four 13 two 14 size 15 fifty 16 -2.0 17 0.0
            a.i(LOADK, 0, 0, 0).i(LOADI, 7, 0, 0).i(LOADI, 8, 0, 0).i(LOADK, 11, 1, 0).i(LOADK, 12, 2, 0).i(LOADK, 13, 3, 0).i(LOADK, 14, 4, 0).i(LOADI, 15, 50, 0).i(LOADK, 16, 5, 0).i(LOADK, 17, 6, 0)
                .at(0).i(MOV, 1, 16, 0).i(LOADI, 9, 0, 0)
                .at(1).i(MOV, 2, 17, 0).i(MOV, 3, 17, 0).i(LOADI, 6, 0, 0)
                .at(2).i(MUL, 4, 2, 2).i(MUL, 5, 3, 3).i(ADD, 10, 4, 5).i(JGT, 10, 12, 3)
                .i(MUL, 10, 13, 2).i(MUL, 10, 10, 3).i(ADD, 3, 10, 0).i(SUB, 10, 4, 5).i(ADD, 2, 10, 1).i(ADDI, 6, 6, 1).i(JLT, 6, 15, 2)
                .at(3).i(ADD, 7, 7, 6).i(ADD, 1, 1, 11).i(ADDI, 9, 9, 1).i(JLT, 9, 14, 1)
                .i(ADD, 0, 0, 11).i(ADDI, 8, 8, 1).i(JLT, 8, 14, 0).i(HALT, 7, 0, 0);
            a.done("main", 0, 20, vec![fl(-1.5), fl(3.0 / n as f64), fl(4.0), fl(2.0), int(n), fl(-2.0), fl(0.0)])
        }
        // a = [1]*n by append; sieve; count
        "sieve" => {
            a.i(NEWLIST, 0, 0, 0).i(LOADK, 1, 0, 0).i(LOADI, 2, 0, 0).i(LOADI, 3, 1, 0).i(LOADI, 4, 0, 0)
                .at(0).i(APPEND, 0, 3, 0).i(ADDI, 2, 2, 1).i(JLT, 2, 1, 0)
                .i(LOADI, 2, 2, 0).at(1).i(INDEX, 5, 0, 2).i(JGT, 3, 5, 3)
                .i(ADD, 6, 2, 2).i(JGE, 6, 1, 3).at(2).i(SETINDEX, 0, 6, 4).i(ADD, 6, 6, 2).i(JLT, 6, 1, 2)
                .at(3).i(ADDI, 2, 2, 1).i(JLT, 2, 1, 1)
                .i(LOADI, 2, 0, 0).i(LOADI, 7, 0, 0).at(4).i(INDEX, 5, 0, 2).i(ADD, 7, 7, 5).i(ADDI, 2, 2, 1).i(JLT, 2, 1, 4).i(HALT, 7, 0, 0);
            a.done("main", 0, 8, vec![int(n)])
        }
        // a list of 1M filled by append, then summed n times
        "list" => {
            a.i(LOADK, 1, 0, 0).i(LOADK, 8, 1, 0).i(LOADI, 9, 0, 0).i(LOADI, 7, 0, 0)
                .i(NEWLIST, 0, 0, 0).i(LOADI, 2, 0, 0).at(0).i(APPEND, 0, 2, 0).i(ADDI, 2, 2, 1).i(JLT, 2, 1, 0)
                .at(5).i(LOADI, 2, 0, 0).at(4).i(INDEX, 5, 0, 2).i(ADD, 7, 7, 5).i(ADDI, 2, 2, 1).i(JLT, 2, 1, 4)
                .i(ADDI, 9, 9, 1).i(JLT, 9, 8, 5).i(HALT, 7, 0, 0);
            a.done("main", 0, 12, vec![int(1_000_000), int(n)])
        }
        // p.step(i): self.x = self.x + k; self.y = self.y ^ self.x
        "attr" => {
            let mut f = Asm::new();
            f.i(GETATTR, 2, 0, 0).i(ADD, 2, 2, 1).i(SETATTR, 2, 0, 0).i(GETATTR, 2, 0, 1).i(GETATTR, 3, 0, 0).i(XOR, 2, 2, 3).i(SETATTR, 2, 0, 1).i(LOADK, 2, 0, 0).i(RET, 2, 0, 0);
            let c = f.done("step", 2, 4, vec![V::NONE]);
            let m = mkfunc(&mut vm, c); vm.methods = vec![m];
            let o = vm.alloc(8 + 2 * size_of::<V>()) as *mut Inst; *o = Inst { h: Cell { kind: K_INST, shape: 42 } };
            for i in 0..2 { *(o.add(1) as *mut V).add(i) = int(0); }
            let ov = vm.mk_ref::<IDX>(o as *mut u8);
            a.i(LOADK, 0, 0, 0).i(LOADI, 1, -1, 0).i(LOADK, 2, 1, 0).i(JMP, 0, 0, 1)
                .at(0).i(MOV, 5 + h, 0, 0).i(MOV, 6 + h, 3, 0).i(CALLM, 4, 2, 0).at(1).i(FORR, 1, 3, 0).i(GETATTR, 4, 0, 1).i(HALT, 4, 0, 0);
            a.done("main", 0, 20, vec![ov, int(n)])
        }
        "afib" => { // async def fib(n), awaited: never suspends
            let mut f = Asm::new();
            f.i(JGEI, 0, 2, 0).i(RETA, 0, 0, 0).at(0)
                .i(GETG, 1, 0, 0).i(SUBI, 2 + ah, 0, 1).i(AWAIT, 1, 1, 0)
                .i(GETG, 2, 0, 0).i(SUBI, 3 + ah, 0, 2).i(AWAIT, 2, 1, 0)
                .i(ADD, 1, 1, 2).i(RETA, 1, 0, 0);
            let c = f.done("fib", 1, 4 + ah as u32, vec![]);
            let fv = mkfunc(&mut vm, c); vm.globals = vec![fv, V::NONE];
            let mut t = Asm::new();
            t.i(GETG, 1, 0, 0).i(LOADK, 2 + ah, 0, 0).i(AWAIT, 1, 1, 0).i(HALT, 1, 0, 0);
            t.done("task", 1, 4 + ah as u32, vec![int(n)])
        }
        // task(n): i = 0; while i < n: i = await leaf(i)   leaf(x): suspend; return x + 1
        "switch" | "park" => {
            let mut f = Asm::new();
            f.i(SUSPEND, 0, 0, 0).i(ADDI, 1, 0, 1).i(RETA, 1, 0, 0);
            let c = f.done("leaf", 1, 3, vec![]);
            let fv = mkfunc(&mut vm, c); vm.globals = vec![fv];
            let mut t = Asm::new();
            t.i(LOADK, 1, 0, 0).i(LOADI, 2, 0, 0).at(0).i(GETG, 3, 0, 0).i(MOV, 4 + ah, 2, 0).i(AWAIT, 3, 1, 0).i(MOV, 2, 3, 0).i(JLT, 2, 1, 0).i(RETA, 2, 0, 0);
            t.done("task", 1, 6 + ah as u32, vec![int(n)])
        }
        // task: while i < n: i = inc(i)   a sync function called from an async frame
        "asynccall" => {
            let mut f = Asm::new(); f.i(ADDI, 1, 0, 1).i(RET, 1, 0, 0);
            let c = f.done("inc", 1, 3, vec![]);
            let fv = mkfunc(&mut vm, c); vm.globals = vec![fv];
            let mut t = Asm::new();
            t.i(LOADK, 1, 0, 0).i(LOADI, 2, 0, 0).at(0).i(GETG, 3, 0, 0).i(MOV, 4 + ah, 2, 0).i(xcall, 3, 1, 0).i(MOV, 2, 3, 0).i(JLT, 2, 1, 0).i(HALT, 2, 0, 0);
            t.done("task", 1, 6 + ah as u32, vec![int(n)])
        }
        _ => panic!("program"),
    };
    let mut e = Asm::new(); e.i(TASKEND, 0, 0, 0);
    let end: *const Code<V, W> = e.done("end", 0, 2, vec![]);
    let dummy = vm.alloc(FH + 16 * 4) as *mut Frame<V, W>;
    *dummy = Frame { parent: std::ptr::null_mut(), ret_pc: (*end).words, code: end, dst: 0, depth: 0 };
    let n_tasks = match prog { "switch" => 1000, "park" => 1_000_000, "afib" | "asynccall" => 1, _ => 0 };
    let (m0, t0) = (rss(), cpu());
    let r = if n_tasks == 0 {
        let f = vm.stack as *mut Frame<V, W>; // with FS the records are 8 MB above the registers
        let f = if FS { (f as *mut u8).add(8 << 20) as *mut Frame<V, W> } else { f };
        *f = Frame { parent: dummy, ret_pc: (*end).words, code: main, dst: 0, depth: 1 };
        run::<V, W, ZERO, IDX, SEG, FS>(&mut vm, f, (*main).words)
    } else {
        for _ in 0..n_tasks {
            let t = vm.block((size_of::<Task<V, W>>() + 15) & !15) as *mut Task<V, W>;
            let (f, seg, seg_end) = if SEG { let mut n = 128; while n < (*main).bytes as usize { n *= 2; } let s = libc::malloc(n) as *mut u8; (s, s, s.add(n)) } else { (vm.block((*main).bytes as usize), std::ptr::null_mut(), std::ptr::null_mut()) };
            let f = f as *mut Frame<V, W>;
            *f = Frame { parent: dummy, ret_pc: (*end).words, code: main, dst: 0, depth: 1 };
            *((f as *mut u8).add(FH) as *mut V) = V::NONE;
            *t = Task { h: Cell { kind: 6, shape: 1 }, top: f, pc: (*main).words, seg, seg_end, result: V::NONE, waiters: 0, context: 0 };
            *vm.ready.add(vm.tail & vm.mask) = t; vm.tail += 1;
        }
        if prog == "park" { vm.n_suspend_stop = n_tasks as u64; }
        vm.tasks = n_tasks;
        let t = *vm.ready.add(vm.head); vm.head += 1; vm.cur = t;
        if SEG { vm.limit = (*t).seg_end; }
        run::<V, W, ZERO, IDX, SEG, FS>(&mut vm, (*t).top, (*t).pc)
    };
    let dt = cpu() - t0;
    let out = match num::<V, W, IDX>(&vm, if V::same(r, V::NONE) { int(-1) } else { r }) { N::I(i) => i.to_string(), N::F(f) => f.to_string() };
    let extra = if prog == "park" { (rss() - m0) as f64 / n_tasks as f64 } else { 0.0 };
    println!("{out} {dt:.4} {extra:.1}");
    let _ = (vm.fuel_used, (*main).name);
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let n: i64 = a.get(3).map(|x| x.parse().unwrap()).unwrap_or(match a[2].as_str() { "fib" => 30, "loop" | "loop-sep" => 10_000_000, "lcg" => 5_000_000, "mandel" => 300, "sieve" => 1_000_000, "list" => 10, "attr" => 3_000_000, "afib" => 27, "switch" => 1000, "park" => 10, "asynccall" => 5_000_000, _ => 1 });
    let p = a[2].as_str();
    unsafe { match a[1].as_str() {
        "tag" => go::<Tag8, u64, 1, false, false, false>(p, n),
        "nan" => go::<Nan8, u64, 1, false, false, false>(p, n),
        "wide" => go::<Wide, u64, 1, false, false, false>(p, n),
        "tag-nozero" => go::<Tag8, u64, 0, false, false, false>(p, n),
        "wide-nozero" => go::<Wide, u64, 0, false, false, false>(p, n),
        "tag-w32" => go::<Tag8, u32, 1, false, false, false>(p, n),
        "tag-idx" => go::<Tag8, u64, 1, true, false, false>(p, n),
        "tag-seg" => go::<Tag8, u64, 1, false, true, false>(p, n),
        "nan-seg" => go::<Nan8, u64, 1, false, true, false>(p, n),
        "wide-seg" => go::<Wide, u64, 1, false, true, false>(p, n),
        "tag-fs" => go::<Tag8, u64, 1, false, false, true>(p, n),
        "tag-fs-nozero" => go::<Tag8, u64, 0, false, false, true>(p, n),
        "wide-fs" => go::<Wide, u64, 1, false, false, true>(p, n),
        "tag-z4" => go::<Tag8, u64, 2, false, false, false>(p, n),
        "tag-seg-z4" => go::<Tag8, u64, 2, false, true, false>(p, n),
        "tag-fs-z4" => go::<Tag8, u64, 2, false, false, true>(p, n),
        "nan-fs-z4" => go::<Nan8, u64, 2, false, false, true>(p, n),
        "wide-fs-z4" => go::<Wide, u64, 2, false, false, true>(p, n),
        "tag-fs-z4-idx" => go::<Tag8, u64, 2, true, false, true>(p, n),
        "tag-fs-z4-w32" => go::<Tag8, u32, 2, false, false, true>(p, n),
        "tail" => tail::main(p, n),
        _ => panic!("variant"),
    } }
}

/// The same core as one function per opcode that ends in a call of the next (sibling calls, which LLVM
/// makes jumps at opt-level 3; stable Rust doesn't promise it). Tag8, u64 words, frames as above.
mod tail {
    use super::*;
    type V = Tag8;
    type M = Vm<V, u64>;
    type H = unsafe extern "C" fn(*const u64, *mut V, &mut M, *const [H2; 64], i64, u64) -> u64;
    #[derive(Clone, Copy)] #[repr(transparent)] struct H2(H);
    macro_rules! next { ($pc:expr, $regs:expr, $vm:expr, $t:expr, $fuel:expr) => {{ let pc = $pc; let w = *pc; return ((*$t).get_unchecked(w as u8 as usize).0)(pc.add(1), $regs, $vm, $t, $fuel, w) }} }
    macro_rules! ops { ($($n:ident ($pc:ident, $regs:ident, $vm:ident, $fuel:ident, $w:ident) $b:block)*) => {
        $(#[allow(unused_mut)] unsafe extern "C" fn $n(mut $pc: *const u64, mut $regs: *mut V, $vm: &mut M, t: *const [H2; 64], mut $fuel: i64, $w: u64) -> u64 { $b; next!($pc, $regs, $vm, t, $fuel) })* } }
    #[cold] #[inline(never)] unsafe fn add_slow(vm: &mut M, op: Op, regs: *mut V, w: u64) { let v = arith_slow::<V, u64, false>(vm, op, *regs.add(w.b()), *regs.add(w.c())); *regs.add(w.a()) = v; }
    #[cold] #[inline(never)] unsafe fn addi_slow(vm: &mut M, regs: *mut V, w: u64, i: i64) { let v = arith_slow::<V, u64, false>(vm, Op::ADD, *regs.add(w.b()), V::try_int(i).unwrap()); *regs.add(w.a()) = v; }
    ops! {
        loadi(pc, regs, vm, fuel, w) { *regs.add(w.a()) = V::try_int(w.sb()).unwrap_unchecked() }
        loadk(pc, regs, vm, fuel, w) { let f = (regs as *mut u8).sub(FH) as *mut Frame<V, u64>; *regs.add(w.a()) = *(*(*f).code).consts.add(w.b()) }
        getg(pc, regs, vm, fuel, w) { let v = *vm.globals.get_unchecked(w.b()); if V::same(v, V::NONE) { bad() } *regs.add(w.a()) = v }
        add(pc, regs, vm, fuel, w) { let (a, b) = (*regs.add(w.b()), *regs.add(w.c()));
            if V::both_int(a, b) { if let Some(v) = V::add(a, b) { *regs.add(w.a()) = v } else { add_slow(vm, Op::ADD, regs, w) } }
            else if V::both_float(a, b) { if let Some(v) = V::try_float(a.float() + b.float()) { *regs.add(w.a()) = v } else { add_slow(vm, Op::ADD, regs, w) } }
            else { add_slow(vm, Op::ADD, regs, w) } }
        xor(pc, regs, vm, fuel, w) { let (a, b) = (*regs.add(w.b()), *regs.add(w.c())); if V::both_int(a, b) { *regs.add(w.a()) = V::xor(a, b) } else { add_slow(vm, Op::XOR, regs, w) } }
        addi(pc, regs, vm, fuel, w) { let a = *regs.add(w.b()); let i = w.sc() as i64; match if a.is_int() { V::addi(a, i) } else { None } { Some(v) => *regs.add(w.a()) = v, None => addi_slow(vm, regs, w, i) } }
        subi(pc, regs, vm, fuel, w) { let a = *regs.add(w.b()); let i = -(w.sc() as i64); match if a.is_int() { V::addi(a, i) } else { None } { Some(v) => *regs.add(w.a()) = v, None => addi_slow(vm, regs, w, i) } }
        jlt(pc, regs, vm, fuel, w) { if less::<V, u64, false>(vm, *regs.add(w.a()), *regs.add(w.b())) { pc = pc.offset(w.sc()); fuel -= 1; if fuel == 0 { fuel = refuel(vm) } } }
        jge(pc, regs, vm, fuel, w) { if !less::<V, u64, false>(vm, *regs.add(w.a()), *regs.add(w.b())) { pc = pc.offset(w.sc()) } }
        jgei(pc, regs, vm, fuel, w) { let i = V::try_int(w.sb()).unwrap_unchecked(); if !less::<V, u64, false>(vm, *regs.add(w.a()), i) { pc = pc.offset(w.sc()) } }
        call(pc, regs, vm, fuel, w) {
            let a = w.a(); let n = w.b();
            let v = *regs.add(a); if !v.is_ref() { bad() }
            let f = v.rf() as *mut Func<V, u64>; if (*f).h.kind != K_FUNC { bad() }
            let code = (*f).code; if (*code).n_params as usize != n { bad() }
            let new = regs.add(a + 1 + 4);
            if new.add((*code).n_regs as usize) as *mut u8 > vm.limit { bad() }
            let p = (regs as *mut u8).sub(FH) as *mut Frame<V, u64>;
            let depth = (*p).depth + 1; if depth > 100_000 { bad() }
            *((new as *mut u8).sub(FH) as *mut Frame<V, u64>) = Frame { parent: p, ret_pc: pc, code, dst: a as u32, depth };
            for i in n..(*code).n_regs as usize { *new.add(i) = V::NONE; }
            regs = new; pc = (*code).words; fuel -= 1; if fuel == 0 { fuel = refuel(vm) }
        }
        ret(pc, regs, vm, fuel, w) { let v = *regs.add(w.a()); let f = (regs as *mut u8).sub(FH) as *mut Frame<V, u64>; pc = (*f).ret_pc; let dst = (*f).dst as usize; regs = ((*f).parent as *mut u8).add(FH) as *mut V; *regs.add(dst) = v }
    }
    unsafe extern "C" fn halt(_pc: *const u64, regs: *mut V, _vm: &mut M, _t: *const [H2; 64], _fuel: i64, w: u64) -> u64 { (*regs.add(w.a())).0 }
    pub unsafe fn main(prog: &str, n: i64) {
        let mut t = [H2(halt); 64];
        for (o, f) in [(Op::LOADI, loadi as H), (Op::LOADK, loadk), (Op::GETG, getg), (Op::ADD, add), (Op::XOR, xor), (Op::ADDI, addi), (Op::SUBI, subi), (Op::JLT, jlt), (Op::JGE, jge), (Op::JGEI, jgei), (Op::CALL, call), (Op::RET, ret)] { t[o as usize] = H2(f); }
        let mut vm = M::new();
        use Op::*;
        let mut a = Asm::new();
        let main: *const Code<V, u64> = if prog == "fib" {
            let mut f = Asm::new();
            f.i(JGEI, 0, 2, 0).i(RET, 0, 0, 0).at(0).i(GETG, 1, 0, 0).i(SUBI, 6, 0, 1).i(CALL, 1, 1, 0).i(GETG, 2, 0, 0).i(SUBI, 7, 0, 2).i(CALL, 2, 1, 0).i(ADD, 1, 1, 2).i(RET, 1, 0, 0);
            let c = f.done::<V, u64>("fib", 1, 8, vec![]);
            let p = vm.alloc(16) as *mut Func<V, u64>; *p = Func { h: Cell { kind: K_FUNC, shape: 7 }, code: c }; vm.globals = vec![Tag8(p as u64)];
            a.i(GETG, 0, 0, 0).i(LOADK, 5, 0, 0).i(CALL, 0, 1, 0).i(HALT, 0, 0, 0);
            a.done("main", 0, 20, vec![V::try_int(n).unwrap()])
        } else {
            a.i(LOADI, 0, 0, 0).i(LOADI, 1, 0, 0).i(LOADK, 2, 0, 0).i(JGE, 0, 2, 1).at(0).i(ADD, 1, 1, 0).i(XOR, 1, 1, 2).i(ADDI, 0, 0, 1).i(JLT, 0, 2, 0).at(1).i(HALT, 1, 0, 0);
            a.done("main", 0, 8, vec![V::try_int(n).unwrap()])
        };
        let f = vm.stack as *mut Frame<V, u64>;
        *f = Frame { parent: std::ptr::null_mut(), ret_pc: std::ptr::null(), code: main, dst: 0, depth: 1 };
        let t0 = cpu();
        let pc = (*main).words; let w = *pc;
        let r = (t[w as u8 as usize].0)(pc.add(1), (f as *mut u8).add(FH) as *mut V, &mut vm, &t, 10000, w);
        println!("{} {:.4} 0", Tag8(r).int(), cpu() - t0);
    }
}
