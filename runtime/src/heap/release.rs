//! In which order finalizers run. CPython counts references: what goes takes with it, at once and
//! in order, what only it held; what is held in a ring has all its finalizers called before
//! anything of it goes. That is played through here on cells that are still whole: nothing is
//! freed, and what a finalizer will change isn't known yet.

use std::collections::VecDeque;

use hashbrown::{HashMap, HashSet};

use super::{Heap, Kind};
use crate::object::class::Class;
use crate::object::generator::Generator;
use crate::object::weak::WeakRef;
use crate::value::Value;

#[derive(Default)]
struct Node {
    /// How many of the cells that were surveyed refer to it, less those that went.
    n_refs: u32,
    is_gone: bool,
    /// Its finalizer is to run and has no place in the order yet.
    waits: bool,
}

struct Releases<'h> {
    heap: &'h Heap,
    nodes: HashMap<Value, Node>,
    /// The cells whose references were counted.
    surveyed: HashSet<Value>,
    /// How many more references may be: beyond that the order is only roughly CPython's.
    n_left: usize,
    order: Vec<Value>,
}

/// How many references are counted for the sake of an order, besides some for each finalizer.
const SURVEYED_MAX: usize = 1 << 16;

/// How many cells are looked at for one that is watched.
const LOOKED_AT_MAX: usize = 256;

/// What looking at one of them costs, in bytes that would be marked meanwhile.
const LOOK_PRICE: usize = 256;

/// How many bytes a heap may mark in collections that a variable's loss asks for, before other
/// collections have earned more: a quarter of a second's work.
pub(super) const RELEASE_CREDIT: usize = 256 << 20;

impl Heap {
    /// Whether there may be cells that somebody would see go.
    #[inline]
    pub(crate) fn has_watched(&self) -> bool {
        !self.finalizable.is_empty() || !self.weak.is_empty()
    }

    /// Whether a collection for the sake of a cell that has lost a variable is worth its price:
    /// somebody would see it go, or one of those near that it holds. It is paid for then.
    pub(crate) fn affords_release(&mut self, v: Value) -> bool {
        let price = self.used_bytes();
        let Some(rest) = self.release_credit.checked_sub(price) else {
            return false;
        };
        let (is_watched, n_seen) = self.holds_watched(v);
        let rest = if is_watched {
            rest
        } else {
            self.release_credit
        };
        self.release_credit = rest.saturating_sub(n_seen * LOOK_PRICE);
        is_watched
    }

    /// Whether a cell is watched, or one of those near that it holds; how many were looked at.
    fn holds_watched(&self, v: Value) -> (bool, usize) {
        let mut seen: HashSet<Value> = [v].into_iter().collect();
        let mut queue = VecDeque::from([v]);
        while let Some(v) = queue.pop_front() {
            if self.is_watched(v) {
                return (true, seen.len());
            }
            let is_shared = matches!(
                self.kind(v),
                Some(Kind::Function | Kind::Class | Kind::Module | Kind::Code | Kind::EventLoop)
            );
            if is_shared {
                continue;
            }
            for held in self.references(v) {
                if seen.len() < LOOKED_AT_MAX && seen.insert(held) {
                    queue.push_back(held);
                }
            }
        }
        (false, seen.len())
    }

    fn is_watched(&self, v: Value) -> bool {
        self.is_weakly_referenced(v)
            || match self.get::<Generator>(v) {
                Some(_) => self.has_finalizer_now(v),
                None => self.cell::<Class>(self.class_of(v)).hooks.has_del,
            }
    }

    /// Has the next collection see only what CPython frees without a collection of its own, once
    /// a cell has lost a variable: what is held in rings stays.
    pub(crate) fn let_go(&mut self, v: Value) {
        self.letting_go = Some(v);
    }

    /// Everything reachable is marked, and a cell has lost a variable: keeps what is held in rings
    /// and somebody would see go. Gives those whose finalizers are to run, in order.
    pub(super) fn keep_rings(&mut self, v: Value) -> Vec<Value> {
        let is_dead = |v: &Value| !self.is_marked(*v);
        let has_finalizer = |v: &Value| is_dead(v) && self.has_finalizer_now(*v);
        let finalizable = self.finalizable.iter().copied().filter(has_finalizer);
        let finalizable: Vec<Value> = finalizable.collect();
        let targets = self.weak.iter().map(|&w| self.cell::<WeakRef>(w).target);
        let mut starts: Vec<Value> = [v].into_iter().filter(is_dead).collect();
        starts.extend(&finalizable);
        starts.extend(targets.filter(is_dead));
        let mut releases = Releases::new(self, &finalizable);
        releases.survey(&starts, |v| !self.is_marked(v));
        for &v in &starts {
            if releases.nodes[&v].n_refs == 0 {
                releases.release(v);
            }
        }
        starts.retain(|v| !releases.nodes[v].is_gone);
        let order = releases.order;
        self.marker.mark_all(&starts);
        self.drain(usize::MAX);
        order
    }

    /// The order for cells that a collection found dead; they come in the order of their making.
    pub(super) fn order_of_dead(&self, dead: Vec<Value>) -> Vec<Value> {
        if dead.len() < 2 {
            return dead;
        }
        let mut releases = Releases::new(self, &dead);
        releases.survey(&dead, |v| !self.is_marked(v));
        let held = |v: &Value| releases.nodes[v].n_refs > 0;
        let (rings, first): (Vec<Value>, Vec<Value>) = dead.iter().partition(|v| held(v));
        for v in first {
            releases.begin(v);
            releases.release(v);
        }
        releases.finish(&rings)
    }

    /// The order at the end of a script, when the variables of its main module go. CPython's last
    /// collection finds the objects behind them from the nearest to the farthest.
    pub(crate) fn order_at_exit(&self, variables: Value, finalizable: Vec<Value>) -> Vec<Value> {
        if finalizable.len() < 2 {
            return finalizable;
        }
        let mut releases = Releases::new(self, &finalizable);
        let mut all = releases.survey(&[variables], |_| true);
        let found: HashSet<Value> = all.iter().copied().collect();
        let is_found = |v: &Value| found.contains(v);
        let others: Vec<Value> = finalizable.into_iter().filter(|v| !is_found(v)).collect();
        releases.survey(&others, |_| true);
        all.extend(others);
        releases.finish(&all)
    }

    /// What a cell refers to, in the order in which CPython lets go of it; strs and numbers left
    /// out.
    fn references(&self, v: Value) -> Vec<Value> {
        let is_leaf = |v: &Value| {
            let kind = self.kind(*v);
            matches!(
                kind,
                None | Some(Kind::Str | Kind::Bytes | Kind::BigInt | Kind::Float)
            )
        };
        let mut found = self.traced(v);
        found.retain(|v| !is_leaf(v));
        if matches!(self.kind(v), Some(Kind::List | Kind::Tuple)) {
            found.reverse();
        }
        if let Some(g) = self.get::<Generator>(v) {
            // CPython's frames don't know who waits for them, nor the end of their chain.
            let links = [g.awaiter, g.innermost];
            found.retain(|held| *held == g.delegate || !links.contains(held));
        }
        found
    }
}

impl Releases<'_> {
    fn new<'h>(heap: &'h Heap, finalizable: &[Value]) -> Releases<'h> {
        let node = || Node {
            waits: true,
            ..Node::default()
        };
        Releases {
            heap,
            nodes: finalizable.iter().map(|&v| (v, node())).collect(),
            surveyed: HashSet::new(),
            n_left: SURVEYED_MAX + 16 * finalizable.len(),
            order: Vec::with_capacity(finalizable.len()),
        }
    }

    /// Counts references among the cells that are reached from `starts` and belong there; gives
    /// those whose finalizers wait, from the nearest to the farthest.
    fn survey(&mut self, starts: &[Value], belongs: impl Fn(Value) -> bool) -> Vec<Value> {
        let mut found = Vec::new();
        let mut queue = VecDeque::new();
        for &v in starts {
            self.nodes.entry(v).or_default();
            if self.surveyed.insert(v) {
                queue.push_back(v);
            }
        }
        while let Some(v) = queue.pop_front() {
            if self.nodes.entry(v).or_default().waits {
                found.push(v);
            }
            let references = self.heap.references(v);
            let Some(n_left) = self.n_left.checked_sub(references.len()) else {
                break;
            };
            self.n_left = n_left;
            for held in references {
                if !belongs(held) {
                    continue;
                }
                self.nodes.entry(held).or_default().n_refs += 1;
                if self.surveyed.insert(held) {
                    queue.push_back(held);
                }
            }
        }
        found
    }

    /// Gives a finalizer its place, unless it has one.
    fn begin(&mut self, v: Value) {
        if let Some(node) = self.nodes.get_mut(&v)
            && std::mem::replace(&mut node.waits, false)
        {
            self.order.push(v);
        }
    }

    /// A cell lets go of what it holds, and what nothing else holds goes with it.
    fn release(&mut self, v: Value) {
        let mut going = vec![v];
        while let Some(v) = going.pop() {
            let Some(node) = self.nodes.get_mut(&v) else {
                continue;
            };
            if std::mem::replace(&mut node.is_gone, true) {
                continue;
            }
            self.begin(v);
            let mut last = Vec::new();
            for held in self.heap.references(v) {
                if let Some(node) = self.nodes.get_mut(&held) {
                    node.n_refs = node.n_refs.saturating_sub(1);
                    if node.n_refs == 0 {
                        last.push(held);
                    }
                }
            }
            going.extend(last.into_iter().rev());
        }
    }

    /// Those in rings, in their order: only a frame that is closed lets go of anything.
    fn finish(mut self, rings: &[Value]) -> Vec<Value> {
        for &v in rings {
            if !self.nodes.get(&v).is_some_and(|node| node.waits) {
                continue;
            }
            self.begin(v);
            if self.heap.get::<Generator>(v).is_some() {
                self.release(v);
            }
        }
        self.order
    }
}
