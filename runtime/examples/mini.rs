use lockstep_lang::compile::*;
use lockstep_lang::source::Source;
use lockstep_runtime::host::*;
use lockstep_runtime::native::*;
use lockstep_runtime::*;
use std::sync::Arc;
struct H;
impl Host for H {
    fn write_stdout(&mut self, b: &[u8]) -> std::io::Result<()> {
        use std::io::Write;
        std::io::stdout().write_all(b)
    }
    fn flush_stdout(&mut self) -> std::io::Result<()> {
        Ok(())
    }
    fn write_stderr(&mut self, _b: &[u8]) -> std::io::Result<()> {
        Ok(())
    }
    fn read_line(&mut self) -> std::io::Result<String> {
        Ok(String::new())
    }
    fn load_module(&mut self, _: &str, _: Option<&str>) -> Result<FoundModule, LoadError> {
        Err(LoadError::NotFound)
    }
    fn monotonic_ns(&mut self) -> u64 {
        0
    }
    fn time_ns(&mut self) -> u64 {
        0
    }
    fn sleep_ns(&mut self, _: u64) {}
    fn process_time_ns(&mut self) -> u64 {
        0
    }
    fn is_virtual(&self) -> bool {
        true
    }
    fn seed(&mut self) -> Option<u64> {
        None
    }
}
fn print(vm: &mut Vm, a: &[Value]) -> PyResult {
    let items = vm.heap.tuple_items(a[0]).to_vec();
    let mut s = String::new();
    for v in items {
        if let Some(t) = vm.heap.as_str(v) {
            s += &t.to_lossy()
        } else {
            s += &vm.repr_string(v)?
        }
        s += " ";
    }
    println!("{s}");
    Ok(Value::NONE)
}
fn build_class(vm: &mut Vm, a: &[Value]) -> PyResult {
    let bases = vm.heap.tuple_items(a[2]).to_vec();
    let kw = vm.keywords_of(a[3])?;
    vm.build_class(a[0], a[1], &bases, &kw)
}
fn type_new(vm: &mut Vm, a: &[Value]) -> PyResult {
    let bases = vm.heap.tuple_items(a[2]).to_vec();
    vm.new_class(a[0], a[1], &bases, a[3], &[])
}
fn range(vm: &mut Vm, a: &[Value]) -> PyResult {
    let s = Value::small(0);
    let st = Value::small(1);
    Ok(vm.heap.alloc(
        B::Range.shape(),
        lockstep_runtime::object::range::Range {
            start: s,
            stop: a[0],
            step: st,
        },
    ))
}
fn rnew(vm: &mut Vm, a: &[Value]) -> PyResult {
    range(vm, &a[1..])
}
fn enew(vm: &mut Vm, a: &[Value]) -> PyResult {
    let s = vm.root_shape(a[0]);
    Ok(vm
        .heap
        .alloc(s, lockstep_runtime::object::exception::Exception::new(a[1])))
}
fn nop(_: &mut Vm, _: &[Value]) -> PyResult {
    Ok(Value::NONE)
}
static F: &[NativeDef] = &[
    function("print(*args)", print),
    function("__build_class__(f,name,*bases,**kw)", build_class),
];
static T: ClassDef = ClassDef {
    methods: &[static_method("__new__(cls,name,bases,ns)", type_new)],
    attributes: &[],
    doc: "",
};
static R: ClassDef = ClassDef {
    methods: &[static_method("__new__(cls,n,/)", rnew)],
    attributes: &[],
    doc: "",
};
static E: ClassDef = ClassDef {
    methods: &[
        static_method("__new__(cls,*a)", enew),
        method("__init__(self,*a)", nop),
    ],
    attributes: &[],
    doc: "",
};
static O: ClassDef = ClassDef {
    methods: &[method("__init__(self,*a,**k)", nop)],
    attributes: &[],
    doc: "",
};
fn append(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.heap.list_push(a[0], a[1]);
    Ok(Value::NONE)
}
static L: ClassDef = ClassDef {
    methods: &[method("append(self,x,/)", append)],
    attributes: &[],
    doc: "",
};
fn main() {
    let p = std::env::args().nth(1).unwrap();
    let text = std::fs::read_to_string(&p).unwrap();
    let code = match compile_source(
        Arc::new(Source::new(p, text)),
        CompileOptions {
            top_level_await: true,
            ..Default::default()
        },
    ) {
        Ok(c) => c,
        Err(d) => {
            for d in d {
                println!("{}", d.last_line())
            }
            return;
        }
    };
    if let Err(e) = lockstep_lang::bytecode::verify::verify(&code) {
        println!("verify {e:?}");
        return;
    }
    if std::env::args().nth(2).is_some() {
        println!("{}", lockstep_lang::bytecode::dis::listing(&code));
    }
    let mut vm = Vm::new(Box::new(H));
    vm.heap.stress = std::env::var("STRESS").is_ok();
    if vm.heap.stress {
        vm.heap.countdown = 1
    }
    vm.install(B::Object, &O);
    vm.install(B::Type, &T);
    vm.install(B::Range, &R);
    vm.install(B::BaseException, &E);
    vm.install(B::List, &L);
    let b = vm.builtins;
    for d in F {
        let f = vm.native_function(d, Value::NONE);
        let n = vm.heap.intern(d.name);
        vm.heap.ns_set(b, n, f);
    }
    for &c in B::ALL {
        let v = vm.class(c);
        let n = vm.heap.intern(c.name());
        vm.heap.ns_set(b, n, v);
    }
    let m = vm.new_module("__main__");
    let g = vm.module_dict(m);
    let r = vm.run_module_code(code, g);
    match r {
        Ok(v) => {
            if vm.heap.kind(v) == Some(Kind::Generator) {
                match vm.resume(v, lockstep_runtime::vm::Input::Send(Value::NONE)) {
                    Ok(o) => println!("{o:?}"),
                    Err(Raised(e)) => err(&mut vm, e),
                }
            }
        }
        Err(Raised(e)) => err(&mut vm, e),
    }
}
fn err(vm: &mut Vm, e: Value) {
    for l in vm.trace_lines(e) {
        println!("{l:?}")
    }
    let ex = vm
        .heap
        .cell::<lockstep_runtime::object::exception::Exception>(e);
    let a = vm.heap.tuple_items(ex.args).to_vec();
    print!("{}: ", vm.type_name(e));
    for v in a {
        print!("{} ", vm.repr_string(v).unwrap())
    }
    println!();
}
