//! The current context: reading and changing context variables, capturing a
//! context, running something in one.
//!
//! A context nobody has asked for is only its snapshot, held by the task or
//! handle that runs in it (its owner). `context_object` makes a Context of it.

use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::context::{Context, ContextVar, Token};
use crate::object::future::{Future, TaskSlot};
use crate::object::handle::Handle;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// The snapshot that a context (snapshot or Context) holds.
    #[inline]
    pub fn context_values(&self, context: Value) -> Value {
        match self.heap.native::<Context>(context) {
            Some(context) => context.values,
            None => context,
        }
    }

    /// A copy of the current context, as a snapshot.
    #[inline]
    pub fn capture_context(&self) -> Value {
        self.context_values(self.tasks.context)
    }

    /// A Context that starts with a snapshot's values; a Context is given back as it is.
    pub fn context_object(&mut self, context: Value) -> Value {
        if self.heap.native::<Context>(context).is_some() {
            return context;
        }
        let shape = self.root_shape(self.tasks.classes.context);
        self.heap.opaque(
            shape,
            Context {
                values: context,
                entered: false,
            },
        )
    }

    /// The Context of a task or handle: from now on a script can refer to it.
    pub fn context_of(&mut self, owner: Value) -> Value {
        let running = self.tasks.context_owner == owner;
        let context = if running {
            self.tasks.context
        } else {
            self.stored_context(owner)
        };
        if self.heap.native::<Context>(context).is_some() {
            return context;
        }
        let object = self.context_object(context);
        self.store_context(owner, object);
        if running {
            self.tasks.context = object;
            if let Some(c) = self.heap.native_mut::<Context>(object) {
                c.entered = true;
            }
        }
        object
    }

    fn stored_context(&self, owner: Value) -> Value {
        if let Some(h) = self.heap.get::<Handle>(owner) {
            return h.context;
        }
        match self.heap.kind(owner) {
            Some(Kind::Future) => self.heap.task_slot(owner, TaskSlot::Context),
            _ => Value::NONE,
        }
    }

    fn store_context(&mut self, owner: Value, context: Value) {
        if let Some(h) = self.heap.get_mut::<Handle>(owner) {
            h.context = context;
        } else if self.heap.get::<Future>(owner).is_some_and(Future::is_task) {
            self.heap.set_task_slot(owner, TaskSlot::Context, context);
        }
    }

    /// Runs `body` with `context` as the current one, in the name of `owner`,
    /// which must be rooted.
    ///
    /// # Errors
    /// RuntimeError when somebody is in that Context already; what `body` raises.
    pub fn in_context<T>(
        &mut self,
        context: Value,
        owner: Value,
        body: impl FnOnce(&mut Vm) -> PyResult<T>,
    ) -> PyResult<T> {
        if let Some(c) = self.heap.native_mut::<Context>(context)
            && std::mem::replace(&mut c.entered, true)
        {
            let shown = self.repr_string(context)?;
            return Err(
                self.runtime_error(format!("cannot enter context: {shown} is already entered"))
            );
        }
        let outer = std::mem::replace(&mut self.tasks.context, context);
        let outer_owner = std::mem::replace(&mut self.tasks.context_owner, owner);
        let result = self.holding(&[outer, outer_owner], body);
        let inner = std::mem::replace(&mut self.tasks.context, outer);
        self.tasks.context_owner = outer_owner;
        match self.heap.native_mut::<Context>(inner) {
            Some(c) => c.entered = false,
            None if inner != context => self.store_context(owner, inner),
            None => {}
        }
        result
    }

    /// A variable's value in a context (snapshot or Context).
    pub fn context_lookup(&self, context: Value, variable: Value) -> Option<Value> {
        let values = self.heap.as_tuple(self.context_values(context))?;
        values
            .chunks_exact(2)
            .find(|pair| pair[0] == variable)
            .map(|pair| pair[1])
    }

    /// A variable's value in the current context.
    pub fn context_lookup_current(&self, variable: Value) -> Option<Value> {
        self.context_lookup(self.tasks.context, variable)
    }

    /// The value of a variable in the current context, or its default.
    pub fn context_var_get(&self, variable: Value) -> Option<Value> {
        self.context_lookup(self.tasks.context, variable)
            .or_else(|| self.heap.native::<ContextVar>(variable)?.default.given())
    }

    /// Sets a variable in the current context; gives the token that undoes it.
    pub fn context_var_set(&mut self, variable: Value, value: Value) -> Value {
        let old = self
            .context_lookup(self.tasks.context, variable)
            .unwrap_or(Value::EMPTY);
        self.change_context(variable, value);
        let context = self.context_identity();
        let shape = self.root_shape(self.tasks.classes.token);
        self.heap.opaque(
            shape,
            Token {
                variable,
                context,
                old,
                used: false,
            },
        )
    }

    /// What a token remembers of the context it was made in.
    fn context_identity(&self) -> Value {
        let current = self.tasks.context;
        if self.heap.native::<Context>(current).is_some() {
            current
        } else {
            self.tasks.context_owner
        }
    }

    /// Undoes what made `token`.
    ///
    /// # Errors
    /// RuntimeError when it was used already, ValueError for a token of another
    /// variable or context.
    pub fn context_var_reset(&mut self, variable: Value, token: Value) -> PyResult<()> {
        let Some(t) = self.heap.native::<Token>(token) else {
            let message = format!(
                "expected an instance of Token, got {}",
                self.repr_string(token)?
            );
            return Err(self.type_error(message));
        };
        let (of, context, old, used) = (t.variable, t.context, t.old, t.used);
        if used {
            return Err(self.token_error(token, "has already been used once", true)?);
        }
        if of != variable {
            return Err(self.token_error(token, "was created by a different ContextVar", false)?);
        }
        if context != self.context_identity() && context != self.tasks.context_owner {
            return Err(self.token_error(token, "was created in a different Context", false)?);
        }
        if let Some(t) = self.heap.native_mut::<Token>(token) {
            t.used = true;
        }
        self.change_context(variable, old);
        Ok(())
    }

    fn token_error(&mut self, token: Value, what: &str, runtime: bool) -> PyResult<Raised> {
        let message = format!("{} {what}", self.repr_string(token)?);
        Ok(if runtime {
            self.runtime_error(message)
        } else {
            self.value_error(message)
        })
    }

    /// Gives the current context a new snapshot, with `variable` set to `value`
    /// (`Value::EMPTY`: without it).
    fn change_context(&mut self, variable: Value, value: Value) {
        let current = self.tasks.context;
        let values = self.context_values(current);
        let mut pairs: Vec<Value> = self
            .heap
            .as_tuple(values)
            .map_or(Vec::new(), <[Value]>::to_vec);
        let at = pairs
            .chunks_exact(2)
            .position(|pair| pair[0] == variable)
            .map(|i| i * 2);
        match (at, value.given()) {
            (Some(at), Some(value)) => pairs[at + 1] = value,
            (Some(at), None) => drop(pairs.drain(at..at + 2)),
            (None, Some(value)) => pairs.extend_from_slice(&[variable, value]),
            (None, None) => {}
        }
        let values = if pairs.is_empty() {
            Value::NONE
        } else {
            self.heap.tuple(&pairs)
        };
        match self.heap.native_mut::<Context>(current) {
            Some(context) => context.values = values,
            None => self.tasks.context = values,
        }
    }
}
