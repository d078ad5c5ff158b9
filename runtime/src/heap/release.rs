//! In which order finalizers run. CPython counts references: what goes takes with it, at once and
//! in order, what only it held; what is held in a ring has all its finalizers called before
//! anything of it goes. That is played through here on cells that are still whole: nothing is
//! freed, and what a finalizer will change isn't known yet.

use std::collections::VecDeque;

use hashbrown::{HashMap, HashSet};

use super::{Heap, Kind};
use crate::object::generator::Generator;
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
    order: Vec<Value>,
}

impl Heap {
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
        match self.kind(v) {
            Some(Kind::List | Kind::Tuple) => found.reverse(),
            // It names itself as the innermost of its chain.
            Some(Kind::Generator) => found.retain(|&held| held != v),
            _ => {}
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
            order: Vec::with_capacity(finalizable.len()),
        }
    }

    /// Counts references among the cells that are reached from `starts` and belong there; gives
    /// those whose finalizers wait, from the nearest to the farthest.
    fn survey(&mut self, starts: &[Value], belongs: impl Fn(Value) -> bool) -> Vec<Value> {
        let mut found = Vec::new();
        let mut seen: HashSet<Value> = starts.iter().copied().collect();
        let mut queue: VecDeque<Value> = starts.iter().copied().collect();
        while let Some(v) = queue.pop_front() {
            if self.nodes.get(&v).is_some_and(|node| node.waits) {
                found.push(v);
            }
            for held in self.heap.references(v) {
                if !belongs(held) {
                    continue;
                }
                self.nodes.entry(held).or_default().n_refs += 1;
                if seen.insert(held) {
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
