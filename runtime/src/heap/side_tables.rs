//! What the heap knows of few cells beside what they hold: attributes and slots of cells that are
//! not plain instances, finalizers, weak references, the event loops.

use super::{FLAG_ATTRS, FLAG_WEAK, Heap};
use crate::object::generator::{Flavor, GenState, Generator};
use crate::object::weak::WeakRef;
use crate::value::Value;

impl Heap {
    /// The dict of attributes of a cell that is not a plain instance.
    pub fn attrs(&self, v: Value) -> Option<Value> {
        if !v.is_ptr() {
            return None;
        }
        // SAFETY: as in `kind`.
        if unsafe { (*v.header_ptr()).flags } & FLAG_ATTRS == 0 {
            None
        } else {
            self.attrs.get(&v).copied()
        }
    }

    /// Whether the cell has a dict of attributes in the side table.
    #[inline(always)]
    pub fn has_attrs(&self, v: Value) -> bool {
        // SAFETY: as in `kind`.
        v.is_ptr() && unsafe { (*v.header_ptr()).flags } & FLAG_ATTRS != 0
    }

    /// Gives a cell a dict of attributes.
    pub fn set_attrs(&mut self, v: Value, dict: Value) {
        if v.is_ptr() {
            self.will_write(v.header_ptr());
            // SAFETY: as in `kind`; the heap is borrowed mutably.
            unsafe { (*v.header_ptr()).flags |= FLAG_ATTRS };
            self.attrs.insert(v, dict);
        }
    }

    /// What stands in a slot of a cell that is not a plain instance.
    pub fn side_slot(&self, v: Value, slot: u16) -> Option<Value> {
        let slots = self.slots.get(&v)?;
        let found = slots.iter().find(|(at, _)| *at == slot);
        found.map(|&(_, value)| value)
    }

    /// Stores into such a slot, or with `Value::EMPTY` empties it.
    pub fn set_side_slot(&mut self, v: Value, slot: u16, value: Value) {
        if !v.is_ptr() {
            return;
        }
        self.will_write(v.header_ptr());
        // SAFETY: as in `kind`; the heap is borrowed mutably.
        unsafe { (*v.header_ptr()).flags |= FLAG_ATTRS };
        let slots = self.slots.entry(v).or_default();
        slots.retain(|(at, _)| *at != slot);
        if !value.is_empty() {
            slots.push((slot, value));
        }
    }

    /// When the cell becomes unreachable it is kept once more, for
    /// `take_to_finalize` to give.
    pub fn add_finalizable(&mut self, v: Value) {
        self.finalizable.push(v);
    }

    /// Registers a new event loop.
    pub fn add_event_loop(&mut self, event_loop: Value) {
        self.event_loops.push(event_loop);
    }

    /// The event loops there are.
    pub fn event_loops(&self) -> Vec<Value> {
        self.event_loops.clone()
    }

    /// Cells found unreachable that want their finalizer called, oldest first.
    /// They are nobody's any more: the caller roots them.
    pub fn take_to_finalize(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.to_finalize)
    }

    /// The cells whose finalizer would run now if nothing referred to them, in the order of their
    /// making; they are not finalizable any more.
    pub(crate) fn take_finalizable(&mut self) -> Vec<Value> {
        let mut all = std::mem::take(&mut self.finalizable);
        all.retain(|&v| self.has_finalizer_now(v));
        all
    }

    /// Whether there is a finalizer to run should the cell go now. Of frames: a coroutine that was
    /// never started has something to say, one that is suspended is closed, unless another waits
    /// for it, with which it goes.
    pub(super) fn has_finalizer_now(&self, v: Value) -> bool {
        let Some(g) = self.get::<Generator>(v) else {
            return true;
        };
        match g.state {
            GenState::Created => g.flavor == Flavor::Coroutine,
            GenState::Suspended => g.awaiter.is_empty() && !self.is_run_by_task(g),
            GenState::Running | GenState::Closed => false,
        }
    }

    /// Whether a cell that is alive may have a finalizer to run later.
    pub(super) fn may_need_finalizer(&self, v: Value) -> bool {
        self.get::<Generator>(v).is_none_or(|g| match g.flavor {
            Flavor::Coroutine if g.state != GenState::Created => {
                g.state != GenState::Closed && g.awaiter.is_empty() && !self.is_run_by_task(g)
            }
            _ => g.state != GenState::Closed,
        })
    }

    /// The loop lists its tasks, and sees to the coroutines that they run.
    fn is_run_by_task(&self, g: &Generator) -> bool {
        g.flavor == Flavor::Coroutine && g.hooked
    }

    /// Registers weak-reference cell `weak`, so that the collector clears it.
    pub fn add_weak(&mut self, weak: Value, target: Value) {
        if target.is_ptr() {
            // SAFETY: as in `kind`; the heap is borrowed mutably.
            unsafe { (*target.header_ptr()).flags |= FLAG_WEAK };
        }
        self.weak.push(weak);
    }

    /// The plain weak reference without a callback to an object, if there is one.
    pub fn shared_weak(&self, target: Value) -> Option<Value> {
        self.shared_weak.get(&target).copied()
    }

    /// Makes a reference the one that `shared_weak` gives for its target.
    pub fn share_weak(&mut self, weak: Value, target: Value) {
        self.shared_weak.insert(target, weak);
    }

    /// Whether a cell is, or was, the target of a weak reference.
    pub(super) fn is_weakly_referenced(&self, v: Value) -> bool {
        // SAFETY: as in `kind`.
        v.is_ptr() && unsafe { (*v.header_ptr()).flags & FLAG_WEAK != 0 }
    }

    /// The weak references to an object: the shared one first, then the others, the latest first.
    pub fn weak_refs(&self, target: Value) -> Vec<Value> {
        if !self.is_weakly_referenced(target) {
            return Vec::new();
        }
        let shared = self.shared_weak(target);
        let refers = |w: &Value| self.get::<WeakRef>(*w).is_some_and(|w| w.target == target);
        let others = self.weak.iter().rev().copied();
        let others = others.filter(|w| Some(*w) != shared && refers(w));
        shared.into_iter().chain(others).collect()
    }
}
