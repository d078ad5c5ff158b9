//! `Op::Intrinsic`: rare operations of the compiler.

use lockstep_lang::bytecode::op::Intrinsic;

use crate::native::PyResult;
use crate::object::class::B;
use crate::object::function::Function;
use crate::object::set::Set;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

impl Vm {
    /// Intrinsic number `number` applied to two values.
    ///
    /// # Errors
    /// What it raises.
    pub(crate) fn intrinsic(&mut self, number: u8, b: Value, c: Value) -> PyResult {
        let Some(&intrinsic) = Intrinsic::ALL.get(number as usize) else {
            return Err(self.raise(B::SystemError, "unknown intrinsic"));
        };
        match intrinsic {
            Intrinsic::TypeVar => self.call_typing("_make_typevar", &[b, c]),
            Intrinsic::ParamSpec => self.call_typing("_make_paramspec", &[b, c]),
            Intrinsic::TypeVarTuple => self.call_typing("_make_typevartuple", &[b, c]),
            Intrinsic::TypeAlias => self.call_typing("_make_typealias", &[b, c]),
            Intrinsic::SubscriptGeneric => self.call_typing("_make_generic", &[b]),
            Intrinsic::Annotations => self.annotations_here(b),
            Intrinsic::FrozenSet => {
                let set = self.heap.alloc(B::FrozenSet.shape(), Set::default());
                self.root(set);
                for item in self.heap.tuple_items(b).to_vec() {
                    self.set_add(set, item)?;
                }
                Ok(set)
            }
            Intrinsic::Refuse => {
                let text = self.heap.string(b);
                Err(self.unsupported(text))
            }
            Intrinsic::SetTypeParams => {
                if let Some(f) = self.heap.get_mut::<Function>(b) {
                    f.type_params = c;
                }
                Ok(b)
            }
        }
    }

    /// Calls a function of the module `typing`, which is imported for it.
    fn call_typing(&mut self, function: &str, args: &[Value]) -> PyResult {
        let name = self.heap.intern("typing");
        let module = self.import_name(name, 0, Value::NONE, true)?;
        self.root(module);
        self.call_method(module, function, args)
    }

    /// `__annotations__` of the class body or module that is running, made if need be.
    fn annotations_here(&mut self, _: Value) -> PyResult {
        let key = self.n(N::annotations);
        let namespace = self.current_locals();
        if let Some(found) = self.class_namespace_get(namespace, key)? {
            return Ok(found);
        }
        let dict = self.heap.dict();
        self.class_namespace_set(namespace, key, dict)?;
        Ok(dict)
    }
}
