//! `isinstance` and `issubclass`: classes, tuples of them, unions, and the
//! hooks `__instancecheck__` and `__subclasscheck__` of metaclasses.

use lockstep_runtime::{B, Kind, N, PyResult, Value, Vm};

use super::union::Union;

/// `isinstance(obj, class)`.
///
/// # Errors
/// TypeError; what hooks raise.
pub fn isinstance(vm: &mut Vm, obj: Value, class: Value) -> PyResult<bool> {
    check(vm, obj, class, Which::Instance)
}

/// `issubclass(sub, class)`.
///
/// # Errors
/// TypeError; what hooks raise.
pub fn issubclass(vm: &mut Vm, sub: Value, class: Value) -> PyResult<bool> {
    check(vm, sub, class, Which::Subclass)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Instance,
    Subclass,
}

fn check(vm: &mut Vm, v: Value, class: Value, which: Which) -> PyResult<bool> {
    if which == Which::Instance && vm.heap.class_of(v) == class {
        return Ok(true);
    }
    match vm.heap.kind(class) {
        Some(Kind::Class) if vm.heap.class_of(class) == vm.class(B::Type) => {
            return match which {
                Which::Instance => real_instance(vm, v, class),
                Which::Subclass => real_subclass(vm, v, class),
            };
        }
        Some(Kind::Tuple) => {
            let items = vm.heap.tuple_items(class).to_vec();
            for item in items {
                if vm.enter(|vm| check(vm, v, item, which))? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        _ => {}
    }
    if let Some(union) = vm.heap.native::<Union>(class) {
        for item in union.args.clone() {
            let item = if item.is_none() {
                vm.class(B::NoneType)
            } else {
                item
            };
            if vm.heap.kind(item) != Some(Kind::Class) {
                return Err(match which {
                    Which::Instance => {
                        vm.type_error("isinstance() argument 2 cannot be a parameterized generic")
                    }
                    Which::Subclass => {
                        vm.type_error("issubclass() argument 2 cannot be a parameterized generic")
                    }
                });
            }
            if check(vm, v, item, which)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let hook = if which == Which::Instance {
        N::instancecheck
    } else {
        N::subclasscheck
    };
    if let Some(answer) = vm.call_special(class, hook, &[v])? {
        return vm.truth(answer);
    }
    match which {
        Which::Instance => real_instance(vm, v, class),
        Which::Subclass => real_subclass(vm, v, class),
    }
}

/// `type.__instancecheck__`: by the class, else by `__class__`.
///
/// # Errors
/// TypeError when `class` is none; what `__class__` raises.
pub fn real_instance(vm: &mut Vm, obj: Value, class: Value) -> PyResult<bool> {
    let name = vm.n(N::class);
    if vm.heap.kind(class) != Some(Kind::Class) {
        let message = "isinstance() arg 2 must be a type, a tuple of types, or a union";
        check_class(vm, class, message)?;
        return match vm.get_attr_opt(obj, name)? {
            Some(own) => derives(vm, own, class),
            None => Ok(false),
        };
    }
    let own = vm.heap.class_of(obj);
    if vm.is_subclass(own, class) {
        return Ok(true);
    }
    match vm.get_attr_opt(obj, name)? {
        Some(c) if c != own && vm.heap.kind(c) == Some(Kind::Class) => Ok(vm.is_subclass(c, class)),
        _ => Ok(false),
    }
}

/// `type.__subclasscheck__`.
///
/// # Errors
/// TypeError when one of the two is no class.
pub fn real_subclass(vm: &mut Vm, sub: Value, class: Value) -> PyResult<bool> {
    if [sub, class].map(|v| vm.heap.kind(v)) == [Some(Kind::Class); 2] {
        return Ok(vm.is_subclass(sub, class));
    }
    check_class(vm, sub, "issubclass() arg 1 must be a class")?;
    let message = "issubclass() arg 2 must be a class, a tuple of classes, or a union";
    check_class(vm, class, message)?;
    derives(vm, sub, class)
}

/// CPython 3.13 abstract.c abstract_get_bases: what has a tuple `__bases__` counts as a class.
fn bases(vm: &mut Vm, v: Value) -> PyResult<Option<Vec<Value>>> {
    let name = vm.n(N::bases);
    let Some(bases) = vm.get_attr_opt(v, name)? else {
        return Ok(None);
    };
    vm.root(bases);
    Ok(vm.heap.as_tuple(bases).map(<[Value]>::to_vec))
}

fn check_class(vm: &mut Vm, v: Value, message: &'static str) -> PyResult<()> {
    match bases(vm, v)? {
        Some(_) => Ok(()),
        None => Err(vm.type_error(message)),
    }
}

/// CPython 3.13 abstract.c abstract_issubclass: whether `class` is among the bases, at any depth.
fn derives(vm: &mut Vm, mut sub: Value, class: Value) -> PyResult<bool> {
    loop {
        vm.tick()?;
        if sub == class {
            return Ok(true);
        }
        match bases(vm, sub)?.as_deref() {
            None | Some([]) => return Ok(false),
            Some(&[one]) => sub = one,
            Some(several) => {
                for &base in several {
                    if vm.enter(|vm| derives(vm, base, class))? {
                        return Ok(true);
                    }
                }
                return Ok(false);
            }
        }
    }
}
