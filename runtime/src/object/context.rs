//! Context variables: the variable, the context that holds values, the token
//! that undoes a change.
//!
//! The values themselves are a snapshot: None, or a tuple of variable, value,
//! variable, value … that never changes. A change makes a new one, so that a
//! task or a handle captures its context by keeping one word.

use crate::heap::Marker;
use crate::object::opaque::Native;
use crate::value::Value;

/// `contextvars.Context`.
pub struct Context {
    /// The snapshot it holds now.
    pub values: Value,
    /// Someone is inside `run`.
    pub entered: bool,
}

impl Native for Context {
    fn trace(&self, marker: &mut Marker) {
        marker.mark(self.values);
    }
}

/// `contextvars.ContextVar`.
pub struct ContextVar {
    pub name: Value,
    /// `Value::EMPTY` when there is none.
    pub default: Value,
}

impl Native for ContextVar {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.name, self.default]);
    }
}

/// `contextvars.Token`: what a variable was before it was set.
pub struct Token {
    pub variable: Value,
    /// Where it was set: the Context, or what ran in a context of its own that
    /// no script had asked for (a task, a handle; None outside of them).
    pub context: Value,
    /// `Value::EMPTY` when the variable had no value.
    pub old: Value,
    pub used: bool,
}

impl Native for Token {
    fn trace(&self, marker: &mut Marker) {
        marker.mark_all(&[self.variable, self.context, self.old]);
    }
}
