//! The heap alone: allocation, marking, sweeping, stale values. Miri runs these.

use super::*;
use crate::object::class::B;
use crate::object::function::Cell;
use crate::object::list::List;
use crate::object::number::FloatBox;
use crate::object::tuple::Tuple;
use crate::object::weak::WeakRef;

fn heap() -> Heap {
    let mut heap = Heap::new();
    for _ in B::ALL {
        heap.shapes.new_root(Value::NONE, 0);
    }
    heap
}

#[test]
fn what_roots_reach_survives_and_the_rest_goes() {
    let mut heap = heap();
    let inner = heap.str("inner");
    let list = heap.list(vec![inner]);
    let lost = heap.list(vec![Value::small(1)]);
    heap.collect(|m| m.mark(list));
    heap.sweep_all();
    assert_eq!(heap.cell::<List>(list).items, [inner]);
    assert!(heap.text(inner).eq_str("inner"));
    assert!(heap.get::<List>(lost).is_none(), "a freed cell is refused");
}

#[test]
fn tails_are_traced_and_keep_their_values() {
    let mut heap = heap();
    let items: Vec<Value> = (0..50).map(|i| heap.str(format!("item {i}"))).collect();
    let short = heap.tuple(&items);
    let many: Vec<Value> = (0..TAIL_MAX as i64 + 1).map(Value::small).collect();
    let long = heap.tuple(&many);
    heap.collect(|m| m.mark_all(&[short, long]));
    heap.sweep_all();
    assert_eq!(heap.tuple_items(short), items);
    assert_eq!(heap.tuple_items(long), many);
    assert!(heap.text(items[49]).eq_str("item 49"));
    assert_eq!(
        heap.tail::<Tuple>(long).len(),
        0,
        "a long tuple is in a box"
    );
}

#[test]
fn a_freed_cell_that_is_used_again_shows_its_new_kind() {
    let mut heap = heap();
    let old = heap.alloc(B::Float.shape(), FloatBox(1.0));
    heap.collect(|_| {});
    heap.sweep_all();
    let cell = Cell { value: Value::NONE };
    let new = heap.alloc(B::Cell.shape(), cell);
    assert_eq!(old, new, "same size class, same cell");
    assert!(heap.get::<FloatBox>(old).is_none());
}

#[test]
#[should_panic(expected = "a value outlived its root")]
fn a_stale_value_is_refused_loudly() {
    let mut heap = heap();
    let list = heap.list(Vec::new());
    heap.collect(|_| {});
    heap.sweep_all();
    heap.cell::<List>(list);
}

#[test]
fn cycles_go_and_deep_chains_cost_no_stack() {
    let mut heap = heap();
    let a = heap.list(Vec::new());
    let b = heap.list(vec![a]);
    heap.list_push(a, b);
    let mut chain = Value::NONE;
    let depth = if cfg!(miri) { 1_000 } else { 200_000 };
    for _ in 0..depth {
        chain = heap.list(vec![chain]);
    }
    heap.collect(|m| m.mark(chain));
    heap.sweep_all();
    assert!(heap.get::<List>(a).is_none() && heap.get::<List>(b).is_none());
    assert!(heap.get::<List>(chain).is_some());
    heap.collect(|_| {});
    heap.sweep_all();
    assert!(heap.get::<List>(chain).is_none());
}

#[test]
fn weak_references_and_interned_names_do_not_keep_alive() {
    let mut heap = heap();
    let target = heap.list(Vec::new());
    let weak = heap.alloc(
        B::WeakRef.shape(),
        WeakRef {
            target,
            callback: Value::NONE,
            hash: None,
        },
    );
    heap.add_weak(weak, target);
    let name = heap.intern("a name");
    assert_eq!(heap.intern("a name"), name);
    heap.collect(|m| m.mark_all(&[weak, target, name]));
    heap.sweep_all();
    assert_eq!(heap.cell::<WeakRef>(weak).target, target);
    assert_eq!(heap.intern("a name"), name);
    heap.collect(|m| m.mark(weak));
    heap.sweep_all();
    assert!(heap.cell::<WeakRef>(weak).target.is_empty());
    heap.intern("a name");
}

#[test]
fn attributes_of_cells_live_and_die_with_them() {
    let mut heap = heap();
    let owner = heap.list(Vec::new());
    let dict = heap.dict();
    heap.set_attrs(owner, dict);
    heap.collect(|m| m.mark(owner));
    heap.sweep_all();
    assert_eq!(heap.attrs(owner), Some(dict));
    heap.collect(|_| {});
    heap.sweep_all();
    let again = heap.list(Vec::new());
    assert_eq!(heap.attrs(again), None);
}

#[test]
fn ids_are_small_stable_and_counted_in_order_of_asking() {
    let mut heap = heap();
    let (a, b) = (heap.list(Vec::new()), heap.list(Vec::new()));
    assert_eq!((heap.id(b), heap.id(a), heap.id(b)), (1, 2, 1));
}

#[test]
fn a_collection_falls_due_by_bytes() {
    let mut heap = heap();
    assert!(!heap.wants_collection());
    heap.charge(GC_THRESHOLD_MIN);
    assert!(heap.wants_collection() && heap.countdown == 0);
    heap.collect(|_| {});
    heap.sweep_all();
    assert!(!heap.wants_collection());
    assert_eq!(heap.collections(), 1);
}

/// Steps through a collection to its end; `between` is what a script does meanwhile.
fn collect_in_steps(heap: &mut Heap, roots: &[Value], mut between: impl FnMut(&mut Heap)) {
    heap.set_stress(Stress::Steps(1));
    let mut n_steps = 0;
    while !heap.collect_some(|m| m.mark_all(roots)) {
        between(heap);
        n_steps += 1;
    }
    assert!(n_steps > 2, "nothing happened between {n_steps} steps");
}

#[test]
fn what_is_stored_between_steps_survives() {
    let mut heap = heap();
    let items: Vec<Value> = (0..200).map(|_| heap.list(Vec::new())).collect();
    let all = heap.list(items.clone());
    let lost = heap.list(Vec::new());
    let hidden = heap.str("only in a list that was marked before");
    heap.list_push(items[0], hidden);
    let mut at = 0;
    collect_in_steps(&mut heap, &[all], |heap| {
        // From one list to the next, the collector's way or against it, and a new one in each.
        let moved = heap.cell_mut::<List>(items[at]).items.remove(0);
        at = (at + 7) % items.len();
        let fresh = heap.list(vec![moved]);
        heap.cell_mut::<List>(items[at]).items.insert(0, moved);
        heap.list_push(items[at], fresh);
    });
    assert_eq!(heap.cell::<List>(items[at]).items[0], hidden);
    assert!(
        heap.text(hidden)
            .eq_str("only in a list that was marked before")
    );
    let fresh = heap.cell::<List>(items[at]).items.last().copied();
    let fresh = fresh.unwrap_or(Value::NONE);
    assert_eq!(heap.cell::<List>(fresh).items, [hidden]);
    assert!(heap.get::<List>(lost).is_none());
}

#[test]
fn a_cell_given_back_between_steps_is_used_again() {
    let mut heap = heap();
    let items: Vec<Value> = (0..100).map(|_| heap.list(Vec::new())).collect();
    let all = heap.list(items);
    let mut kept = Value::NONE;
    collect_in_steps(&mut heap, &[all], |heap| {
        let brief = heap.list(Vec::new());
        heap.free_now::<List>(brief);
        kept = heap.list(vec![all]);
        assert_eq!(kept, brief);
    });
    assert!(heap.get::<List>(kept).is_none(), "nothing reaches it");
    heap.collect(|m| m.mark(all));
    assert_eq!(heap.cell::<List>(all).items.len(), 100);
}

#[test]
#[should_panic(expected = "stored past the barrier")]
fn a_store_past_the_barrier_is_found_under_stress() {
    let mut heap = heap();
    let items: Vec<Value> = (0..200).map(|_| heap.tuple(&[Value::NONE])).collect();
    let all = heap.list(items.clone());
    let mut hidden = Value::EMPTY;
    collect_in_steps(&mut heap, &[all], |heap| {
        if hidden.is_empty() && items.iter().any(|&v| heap.is_marked(v)) {
            hidden = heap.list(Vec::new());
            let marked = items.iter().find(|&&v| heap.is_marked(v));
            heap.tail_cells::<Tuple>(marked.copied().unwrap_or(all))[0].set(hidden);
        }
    });
}

#[test]
fn a_large_list_is_looked_at_in_parts() {
    let mut heap = heap();
    let n = 3 * PART;
    let items: Vec<Value> = (0..n).map(|_| heap.list(Vec::new())).collect();
    let all = heap.list(items);
    // A little is looked at in each step, so that much happens between them.
    let mut turn = 0;
    collect_in_steps(&mut heap, &[all], |heap| {
        turn += 1;
        let fresh = heap.list(Vec::new());
        match turn % 50 {
            // What has not been looked at moves to where nobody looks again.
            7 => drop(heap.cell_mut::<List>(all).items.remove(0)),
            8 => heap.cell_mut::<List>(all).items.insert(0, fresh),
            _ => heap.cell_mut_storing::<List>(all, &[fresh]).items[0] = fresh,
        }
        if turn % 10 == 0 && turn < 200 {
            heap.list_push(all, fresh);
        }
    });
    assert!(turn > n / 100, "{turn} turns");
    heap.sweep_all();
    let items = heap.cell::<List>(all).items.clone();
    assert!(items.iter().all(|&item| heap.get::<List>(item).is_some()));
}
