//! `_heapq`: the heap operations on a list, which the module `heapq` shows. They follow CPython
//! 3.13 _heapqmodule.c: items are swapped, so a comparison that raises leaves a list of the same
//! items, and a comparison that changes the list's length is an error.

use lockstep_runtime::native::{NativeDef, function};
use lockstep_runtime::object::list::List;
use lockstep_runtime::protocol::compare::CompareOp;
use lockstep_runtime::{B, Heap, Kind, PyResult, Value, Vm};

use crate::NativeModule;

pub static MODULE: NativeModule = NativeModule {
    name: "_heapq",
    functions: FUNCTIONS,
    init: |_, _| Ok(()),
};

const FUNCTIONS: &[NativeDef] = &[
    function("heappush(heap, item, /)", push),
    function("heappop(heap, /)", |vm, a| {
        pop(vm, a, "heappop", Order::Smallest)
    }),
    function("heapify(heap, /)", |vm, a| {
        heapify(vm, a, "heapify", Order::Smallest)
    }),
    function("heapreplace(heap, item, /)", |vm, a| {
        replace(vm, a, "heapreplace", Order::Smallest)
    }),
    function("heappushpop(heap, item, /)", pushpop),
    function("_heappop_max(heap, /)", |vm, a| {
        pop(vm, a, "_heappop_max", Order::Largest)
    }),
    function("_heapify_max(heap, /)", |vm, a| {
        heapify(vm, a, "_heapify_max", Order::Largest)
    }),
    function("_heapreplace_max(heap, item, /)", |vm, a| {
        replace(vm, a, "_heapreplace_max", Order::Largest)
    }),
];

/// Which item stands at the top.
#[derive(Clone, Copy)]
enum Order {
    Smallest,
    Largest,
}

fn check_list(vm: &mut Vm, heap: Value, name: &str, which: &str) -> PyResult<()> {
    if vm.heap.kind(heap) == Some(Kind::List) {
        return Ok(());
    }
    let found = crate::args::shown_type(vm, heap);
    Err(vm.type_error(format!(
        "{name}() argument{which} must be list, not {found}"
    )))
}

fn items(vm: &Vm, heap: Value) -> &[Value] {
    &vm.heap.cell::<List>(heap).items
}

fn items_mut(vm: &mut Vm, heap: Value) -> &mut Vec<Value> {
    &mut vm.heap.cell_mut::<List>(heap).items
}

/// `a < b` where no script can have a say: ints, floats, strs.
#[inline]
fn quick_less(heap: &Heap, a: Value, b: Value) -> Option<bool> {
    if let (Some(x), Some(y)) = (a.as_int(), b.as_int()) {
        return Some(x < y);
    }
    if let (Some(x), Some(y)) = (a.as_inline_float(), b.as_inline_float()) {
        return Some(x < y);
    }
    if heap.is_exact(a, B::Str) && heap.is_exact(b, B::Str) {
        return Some(heap.text(a) < heap.text(b));
    }
    None
}

/// As `quick_less`, of tuples too: by the first items that differ.
#[inline]
pub fn quick(heap: &Heap, a: Value, b: Value) -> Option<bool> {
    if !heap.is_exact(a, B::Tuple) || !heap.is_exact(b, B::Tuple) {
        return quick_less(heap, a, b);
    }
    let (xs, ys) = (heap.tuple_items(a), heap.tuple_items(b));
    for (&x, &y) in xs.iter().zip(ys) {
        if x == y {
            continue;
        }
        let differ = match (x.as_int(), y.as_int()) {
            (Some(_), Some(_)) => true,
            _ => match (x.as_inline_float(), y.as_inline_float()) {
                (Some(x), Some(y)) => x != y,
                _ if heap.is_exact(x, B::Str) && heap.is_exact(y, B::Str) => {
                    heap.text(x) != heap.text(y)
                }
                _ => return None,
            },
        };
        if differ {
            return quick_less(heap, x, y);
        }
    }
    Some(xs.len() < ys.len())
}

/// Whether `a` belongs above `b`; the list must keep its length meanwhile.
#[inline]
fn above(
    vm: &mut Vm,
    heap: Value,
    (a, b): (Value, Value),
    len: usize,
    order: Order,
) -> PyResult<bool> {
    let (a, b) = match order {
        Order::Smallest => (a, b),
        Order::Largest => (b, a),
    };
    if let Some(less) = quick(&vm.heap, a, b) {
        return Ok(less);
    }
    let less = vm.holding(&[a, b], |vm| vm.compare_bool(CompareOp::Lt, a, b))?;
    if items(vm, heap).len() != len {
        return Err(vm.runtime_error("list changed size during iteration"));
    }
    Ok(less)
}

/// Moves the item at `at` up to where its parent belongs above it, at most to `top`.
fn rise(vm: &mut Vm, heap: Value, top: usize, mut at: usize, order: Order) -> PyResult<()> {
    let len = items(vm, heap).len();
    if at >= len {
        return Err(vm.index_error("index out of range"));
    }
    while at > top {
        let parent = (at - 1) / 2;
        let now = items(vm, heap);
        let pair = (now[at], now[parent]);
        if !above(vm, heap, pair, len, order)? {
            break;
        }
        items_mut(vm, heap).swap(at, parent);
        at = parent;
    }
    Ok(())
}

/// Lets the item at `at` sink: first all the way down, where it belongs more often than not,
/// then up again.
fn sink(vm: &mut Vm, heap: Value, top: usize, order: Order) -> PyResult<()> {
    let len = items(vm, heap).len();
    if top >= len {
        return Err(vm.index_error("index out of range"));
    }
    let mut at = top;
    while at < len / 2 {
        let mut child = 2 * at + 1;
        if child + 1 < len {
            let now = items(vm, heap);
            // Of equal children the right one moves up, in both orders.
            let pair = (now[child], now[child + 1]);
            if !above(vm, heap, pair, len, order)? {
                child += 1;
            }
        }
        items_mut(vm, heap).swap(at, child);
        at = child;
    }
    rise(vm, heap, top, at, order)
}

fn push(vm: &mut Vm, a: &[Value]) -> PyResult {
    check_list(vm, a[0], "heappush", " 1")?;
    vm.heap.list_push(a[0], a[1]);
    let last = items(vm, a[0]).len() - 1;
    rise(vm, a[0], 0, last, Order::Smallest)?;
    Ok(Value::NONE)
}

fn pop(vm: &mut Vm, a: &[Value], name: &str, order: Order) -> PyResult {
    check_list(vm, a[0], name, "")?;
    let Some(last) = items_mut(vm, a[0]).pop() else {
        return Err(vm.index_error("index out of range"));
    };
    if items(vm, a[0]).is_empty() {
        return Ok(last);
    }
    put_on_top(vm, a[0], last, order)
}

/// Puts an item in the place of the top one, which it gives.
fn put_on_top(vm: &mut Vm, heap: Value, item: Value, order: Order) -> PyResult {
    let Some(top) = items_mut(vm, heap).first_mut() else {
        return Err(vm.index_error("index out of range"));
    };
    let top = std::mem::replace(top, item);
    vm.holding(&[top], |vm| sink(vm, heap, 0, order))?;
    Ok(top)
}

fn replace(vm: &mut Vm, a: &[Value], name: &str, order: Order) -> PyResult {
    check_list(vm, a[0], name, " 1")?;
    put_on_top(vm, a[0], a[1], order)
}

fn pushpop(vm: &mut Vm, a: &[Value]) -> PyResult {
    check_list(vm, a[0], "heappushpop", " 1")?;
    let Some(&top) = items(vm, a[0]).first() else {
        return Ok(a[1]);
    };
    let is_less = match quick(&vm.heap, top, a[1]) {
        Some(less) => less,
        None => vm.holding(&[top], |vm| vm.compare_bool(CompareOp::Lt, top, a[1]))?,
    };
    if is_less {
        put_on_top(vm, a[0], a[1], Order::Smallest)
    } else {
        Ok(a[1])
    }
}

fn heapify(vm: &mut Vm, a: &[Value], name: &str, order: Order) -> PyResult {
    check_list(vm, a[0], name, "")?;
    for at in (0..items(vm, a[0]).len() / 2).rev() {
        vm.tick()?;
        sink(vm, a[0], at, order)?;
    }
    Ok(Value::NONE)
}
