//! Small scripts through the whole machine, from text to output, in one
//! process: what Miri can run (`CONTRIBUTING.md`, "Miri"). What scripts mean is
//! the goldens' business; here each only has to come to its end as it should.

#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use lockstep_lang::compile::{CompileOptions, compile_source};
use lockstep_lang::source::Source;
use lockstep_runtime::Vm;
use lockstep_runtime::host::{FoundModule, Host, LoadError};

/// A world whose time is virtual and whose output is kept.
#[derive(Default)]
struct Kept {
    out: Rc<RefCell<Vec<u8>>>,
    now_ns: u64,
}

impl Host for Kept {
    fn write_stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }
    fn flush_stdout(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn write_stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_stdout(bytes)
    }
    fn read_line(&mut self) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }
    fn load_module(
        &mut self,
        _: &str,
        _: Option<&std::ffi::OsStr>,
    ) -> Result<FoundModule, LoadError> {
        Err(LoadError::NotFound)
    }
    fn monotonic_ns(&mut self) -> u64 {
        self.now_ns
    }
    fn time_ns(&mut self) -> u64 {
        self.now_ns
    }
    fn sleep_ns(&mut self, ns: u64) {
        self.now_ns += ns;
    }
    fn process_time_ns(&mut self) -> u64 {
        self.now_ns
    }
    fn is_virtual(&self) -> bool {
        true
    }
    fn seed(&mut self) -> Option<u64> {
        Some(0)
    }
}

fn run(vm: &mut Vm, script: &str) -> Result<(), String> {
    let source = Arc::new(Source::new("test.async", script));
    let compiled = compile_source(source, CompileOptions::default())
        .map_err(|diagnostics| diagnostics[0].message.clone())?;
    let module = vm.new_module("__main__");
    vm.root(module);
    let globals = vm.module_dict(module);
    match vm.run_module_code(compiled.code, globals) {
        Ok(_) => Ok(()),
        Err(raised) => Err(vm.format_exception(raised.0)),
    }
}

/// Runs a script, with collections on the way, to see what it prints.
fn check(script: &str, expected: &str) {
    let host = Kept::default();
    let out = host.out.clone();
    let mut vm = lockstep_stdlib::new_vm(Box::new(host));
    vm.heap
        .set_stress(lockstep_runtime::heap::Stress::Whole(25));
    let result = run(&mut vm, script);
    vm.finalize_what_is_left();
    vm.collect();
    drop(vm);
    let printed = String::from_utf8(out.borrow().clone()).expect("it is UTF-8");
    assert_eq!((result, printed.as_str()), (Ok(()), expected));
}

#[test]
fn containers() {
    check(
        "a = [3, 1, 2]\na.sort(key=lambda x: -x)\na[1:2] = [7, 8]\nd = {k: v for v, k in enumerate('abc')}\n\
         d.update(z=1)\ndel d['a']\ns = {1, 2} | {x * 2 for x in a}\nfor i in range(40): d[i] = [i]\n\
         print(a, list(d)[:3], sorted(s), (*a, 1)[-2:], d.pop(3))\n",
        "[3, 7, 8, 1] ['b', 'c', 'z'] [1, 2, 6, 14, 16] (1, 1) [3]\n",
    );
}

#[test]
fn strings() {
    check(
        "s = ''\nfor i in range(30): s += chr(97 + i % 26)\nt = s[::-1].replace('a', 'é€')\n\
         print(len(t), t.upper()[-3:], f'{s[:3]!r:>8}|{3.5:.2f}', '%s-%d' % ('x', 5), b'ab'.hex(), ','.join('abc').split(','))\n",
        "32 BÉ€    'abc'|3.50 x-5 6162 ['a', 'b', 'c']\n",
    );
}

#[test]
fn numbers() {
    check(
        "n = 1\nfor i in range(1, 30): n *= i\nprint(n, n % 1000007, -7 // 2, 2 ** 70 >> 60, 0.1 + 0.2, round(2.5), int('-12'))\n",
        "8841761993739701954543616000000 659692 -4 1024 0.30000000000000004 2 -12\n",
    );
}

#[test]
fn classes() {
    check(
        "class A:\n    n = 0\n    def __init__(self, v): self.v = v\n    @property\n    def p(self): return self.v + 1\n\
         \x20   def __eq__(self, o): return self.v == o.v\n    def __hash__(self): return 1\n\
         class B(A):\n    __slots__ = ('w',)\n    def __init__(self, v):\n        super().__init__(v)\n        self.w = v\n\
         for i in range(4):\n    b = B(i)\n    b.x = i\n    A.n += b.p\n\
         print(A.n, B(1) == B(1), len({B(1), B(1)}), b.w, B.__mro__[1].__name__)\n",
        "10 True 1 3 A\n",
    );
}

#[test]
fn exceptions() {
    check(
        "def f(n):\n    try:\n        return 1 // n\n    except ZeroDivisionError as e:\n        raise KeyError(n) from e\n    finally:\n        print('finally')\n\
         try: f(0)\nexcept KeyError as e: print(repr(e), repr(e.__cause__))\n\
         try: raise ExceptionGroup('g', [ValueError(1), TypeError(2)])\nexcept* ValueError as g: print(g.exceptions)\nexcept* TypeError: pass\n\
         def r(): r()\ntry: r()\nexcept RecursionError as e: print('deep')\n",
        "finally\nKeyError(0) ZeroDivisionError('integer division or modulo by zero')\n(ValueError(1),)\ndeep\n",
    );
}

#[test]
fn generators() {
    check(
        "def g(n):\n    try:\n        while n:\n            n -= 1\n            x = yield n\n            if x: yield from h(x)\n    finally: print('closed')\n\
         def h(x):\n    yield x\n    return 1\n\
         i = g(3)\nprint(next(i), i.send('s'), next(i))\ni.close()\n\
         print(sum(x for x in g(4)), list(zip(g(2), 'ab')))\nfor x in g(5): break\n\
         i = g(2)\nnext(i)\ntry: i.throw(ValueError('v'))\nexcept ValueError as e: print(e)\n",
        "2 s 1\nclosed\nclosed\nclosed\n6 [(1, 'a'), (0, 'b')]\nclosed\nclosed\nv\n",
    );
}

#[test]
fn finalizers() {
    check(
        "class D:\n    def __init__(self, n): self.n = n\n    def __del__(self): print('del', self.n)\n\
         def g(held):\n    try: yield held\n    finally: print('closed')\n\
         def f():\n    i = g(D(1))\n    next(i)\n    del i\n    d = D(2)\n    d = None\n    print('f')\n\
         f()\n\
         class Turn:\n    def __await__(self): yield\n\
         async def c():\n    d = D(3)\n    print(d.n)\n    await Turn()\n    del d\n    a, b = D(4), D(5)\n    a.b, b.a = b, a\n    del a, b\n\
         \x20   try: await Turn()\n    finally: print('c')\n\
         x = c()\nx.send(None)\nx.send(None)\ndel x\nkept = g(D(6))\nnext(kept)\nlast = D(7)\n",
        "closed\ndel 1\ndel 2\nf\n3\ndel 3\nc\ndel 4\ndel 5\ndel 6\nclosed\ndel 7\n",
    );
}

#[test]
fn coroutines() {
    check(
        "class Turn:\n    def __await__(self):\n        x = yield 1\n        return x\n\
         async def inner(n):\n    if n: return await inner(n - 1)\n    return await Turn()\n\
         async def numbers():\n    for i in range(3): yield i\n\
         async def main():\n    t = 0\n    async for i in numbers(): t += i\n    return t, await inner(5)\n\
         c = main()\nprint(c.send(None))\ntry: c.send('s')\nexcept StopIteration as e: print(e.value)\n\
         c = inner(1)\nc.send(None)\nc.close()\n",
        "1\n(3, 's')\n",
    );
}

#[test]
fn matching_and_closures() {
    check(
        "def p(v):\n    match v:\n        case [1, *r] | {'k': r}: return r\n        case int(x) if x > 1: return x\n        case _: return None\n\
         print([p(v) for v in ([1, 2], {'k': 1}, 5, 'x')])\n\
         def c():\n    n = 0\n    def add(k, *a, by=1, **w):\n        nonlocal n\n        n += k * by + len(a) + len(w)\n        return n\n    return add\n\
         f = c()\nprint(f(1), f(2, 3, by=5, z=1), f(*[1, 2], **{'by': 2}))\n",
        "[[2], 1, 5, None]\n1 13 16\n",
    );
}

#[test]
fn an_embedded_module() {
    check(
        "import heapq, bisect\nfrom functools import reduce\nh = [5, 2, 8]\nheapq.heapify(h)\n\
         print(heapq.heappop(h), bisect.bisect([1, 3, 5], 3), reduce(lambda a, b: a + b, h))\n",
        "2 2 13\n",
    );
}

#[test]
fn tasks() {
    check(
        "import asyncio, sync\nasync def worker(lock, out, n):\n    async with lock:\n        await asyncio.sleep(0.1 * n)\n        out.append(n)\n\
         async def main():\n    lock, out = sync.Lock(), []\n    async with asyncio.TaskGroup() as tg:\n        for n in range(3): tg.create_task(worker(lock, out, n))\n\
         \x20   t = asyncio.create_task(asyncio.sleep(9))\n    await asyncio.sleep(0)\n    t.cancel()\n    try: await t\n    except asyncio.CancelledError: out.append('cancelled')\n    return out\n\
         print(asyncio.run(main()))\n",
        "[0, 1, 2, 'cancelled']\n",
    );
}
