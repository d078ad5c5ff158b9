//! The `match` statement's questions, and the splitting of exception groups.

use crate::heap::Kind;
use crate::native::PyResult;
use crate::object::class::{B, Class};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// What patterns take the instances of a class for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Collection {
    Sequence,
    Mapping,
}

impl Vm {
    /// Whether a sequence pattern may match: list, tuple, range and the like
    /// (not str and bytes), or a class registered as a sequence.
    pub(crate) fn is_match_sequence(&mut self, v: Value) -> bool {
        match self.heap.kind(v) {
            Some(Kind::List | Kind::Tuple | Kind::Range) if self.exact_builtin(v).is_some() => true,
            _ => self.pattern_of(v) == Some(Collection::Sequence),
        }
    }

    /// Whether a mapping pattern may match.
    pub(crate) fn is_match_mapping(&mut self, v: Value) -> bool {
        match self.heap.kind(v) {
            Some(Kind::Dict | Kind::MappingProxy) if self.exact_builtin(v).is_some() => true,
            _ => self.pattern_of(v) == Some(Collection::Mapping),
        }
    }

    /// What the first class along the MRO that is either makes of its instances. `collections.abc`
    /// marks its Sequence and Mapping, and what is registered with them, by a class attribute.
    fn pattern_of(&mut self, v: Value) -> Option<Collection> {
        if !v.is_ptr() || matches!(self.heap.kind(v), Some(Kind::Str)) {
            return None;
        }
        let sequence = self.heap.intern("__match_sequence__");
        let mapping = self.heap.intern("__match_mapping__");
        let builtins = [
            (B::List, Collection::Sequence),
            (B::Tuple, Collection::Sequence),
            (B::Range, Collection::Sequence),
            (B::Dict, Collection::Mapping),
            (B::MappingProxy, Collection::Mapping),
        ];
        let class = self.heap.class_of(v);
        let mro = &self.heap.cell::<Class>(class).mro;
        mro.iter().find_map(|&base| {
            let attrs = self.heap.cell::<Class>(base).attrs;
            let marked = |name| self.heap.ns_get(attrs, name) == Some(Value::TRUE);
            if marked(sequence) {
                return Some(Collection::Sequence);
            }
            if marked(mapping) {
                return Some(Collection::Mapping);
            }
            let found = builtins.iter().find(|&&(b, _)| self.class(b) == base);
            found.map(|&(_, collection)| collection)
        })
    }

    /// The values of `subject` at `keys` (a tuple), or None when one is missing.
    ///
    /// # Errors
    /// ValueError for a key given twice; what `get` raises.
    pub(crate) fn match_keys(&mut self, subject: Value, keys: Value) -> PyResult {
        let keys: Vec<Value> = self.heap.tuple_items(keys).to_vec();
        for (i, &key) in keys.iter().enumerate() {
            for &other in &keys[..i] {
                if self.eq(key, other)? {
                    let text = self.repr_string(key)?;
                    return Err(
                        self.value_error(format!("mapping pattern checks duplicate key ({text})"))
                    );
                }
            }
        }
        let values = self.heap.list(Vec::new());
        self.root(values);
        let missing = self.new_instance(self.class(B::Object))?;
        self.root(missing);
        for &key in &keys {
            let value = if self.heap.is_exact(subject, B::Dict) {
                match self.dict_get(subject, key)? {
                    Some(value) => value,
                    None => return Ok(Value::NONE),
                }
            } else {
                let value = self.call_method(subject, "get", &[key, missing])?;
                if value == missing {
                    return Ok(Value::NONE);
                }
                value
            };
            self.heap.list_push(values, value);
        }
        let items = self
            .heap
            .cell::<crate::object::list::List>(values)
            .items
            .clone();
        Ok(self.heap.tuple(&items))
    }

    /// A new dict of `subject` without `keys`.
    ///
    /// # Errors
    /// What its methods raise.
    pub(crate) fn match_rest(&mut self, subject: Value, keys: Value) -> PyResult {
        let rest = self.heap.dict();
        self.root(rest);
        self.dict_update(rest, subject)?;
        let keys: Vec<Value> = self.heap.tuple_items(keys).to_vec();
        for key in keys {
            self.dict_remove(rest, key)?;
        }
        Ok(rest)
    }

    /// The sub-subjects of a class pattern, or None when it doesn't match.
    ///
    /// # Errors
    /// TypeError for a wrong class or too many positional patterns.
    pub(crate) fn match_class(
        &mut self,
        subject: Value,
        class: Value,
        n_pos: usize,
        names: Value,
    ) -> PyResult {
        if self.heap.kind(class) != Some(Kind::Class) {
            return Err(self.type_error("called match pattern must be a class"));
        }
        if !self.is_instance(subject, class)? {
            return Ok(Value::NONE);
        }
        let values = self.heap.list(Vec::new());
        self.root(values);
        let mut seen: Vec<Value> = Vec::new();
        let match_args = self.n(N::match_args);
        let class_name = self.class_name(class);
        if n_pos > 0 {
            let args = match self.get_attr_opt(class, match_args)? {
                Some(args) => match self.heap.as_tuple(args) {
                    Some(items) => Some(items.to_vec()),
                    None => {
                        let message = format!(
                            "{class_name}.__match_args__ must be a tuple (got {})",
                            self.type_name(args)
                        );
                        return Err(self.type_error(message));
                    }
                },
                None => None,
            };
            let allowed = match &args {
                Some(args) => args.len(),
                None => self.matches_itself(class) as usize,
            };
            if n_pos > allowed {
                let message = format!(
                    "{class_name}() accepts {allowed} positional sub-pattern{} ({n_pos} given)",
                    if allowed == 1 { "" } else { "s" }
                );
                return Err(self.type_error(message));
            }
            match args {
                None => self.heap.list_push(values, subject),
                Some(args) => {
                    for &name in &args[..n_pos] {
                        if self.heap.as_str(name).is_none() {
                            let message = format!(
                                "__match_args__ elements must be strings (got {})",
                                self.type_name(name)
                            );
                            return Err(self.type_error(message));
                        }
                        let name = self.heap.intern_value(name);
                        if !self.match_attr(subject, class, name, &mut seen, values)? {
                            return Ok(Value::NONE);
                        }
                    }
                }
            }
        }
        for name in self
            .heap
            .as_tuple(names)
            .map_or(Vec::new(), <[Value]>::to_vec)
        {
            let name = self.heap.intern_value(name);
            if !self.match_attr(subject, class, name, &mut seen, values)? {
                return Ok(Value::NONE);
            }
        }
        let items = self
            .heap
            .cell::<crate::object::list::List>(values)
            .items
            .clone();
        Ok(self.heap.tuple(&items))
    }

    fn match_attr(
        &mut self,
        subject: Value,
        class: Value,
        name: Value,
        seen: &mut Vec<Value>,
        values: Value,
    ) -> PyResult<bool> {
        if seen.contains(&name) {
            let message = format!(
                "{}() got multiple sub-patterns for attribute '{}'",
                self.class_name(class),
                self.heap.string(name)
            );
            return Err(self.type_error(message));
        }
        seen.push(name);
        match self.get_attr_opt(subject, name)? {
            Some(value) => {
                self.heap.list_push(values, value);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Builtin classes whose one positional pattern is the subject itself.
    fn matches_itself(&self, class: Value) -> bool {
        const SELF: [B; 12] = [
            B::Bool,
            B::ByteArray,
            B::Bytes,
            B::Dict,
            B::Float,
            B::FrozenSet,
            B::Int,
            B::List,
            B::Set,
            B::Str,
            B::Tuple,
            B::Type,
        ];
        let c = self.heap.cell::<Class>(class);
        SELF.iter()
            .take(11)
            .any(|&b| c.mro.contains(&self.class(b)))
    }

    /// `isinstance(v, class)` for one class, with `__instancecheck__` of its metaclass.
    ///
    /// # Errors
    /// What that raises.
    pub fn is_instance(&mut self, v: Value, class: Value) -> PyResult<bool> {
        let actual = self.heap.class_of(v);
        if self.is_subclass(actual, class) {
            return Ok(true);
        }
        let meta = self.heap.class_of(class);
        if meta != self.class(B::Type)
            && let Some(check) = self.lookup_class(meta, self.n(N::instancecheck))
            && self.heap.kind(check) != Some(Kind::Native)
        {
            let answer = self.call_attr(check, class, meta, &[v])?;
            return self.truth(answer);
        }
        Ok(false)
    }

    /// Whether an exception matches the class or tuple of classes of an `except`.
    ///
    /// # Errors
    /// TypeError when they are not exception classes.
    pub(crate) fn exception_matches(&mut self, exception: Value, wanted: Value) -> PyResult<bool> {
        if self.heap.kind(wanted) == Some(Kind::Class)
            && self.is_subclass(wanted, self.class(B::BaseException))
        {
            return Ok(self.is_subclass(self.heap.class_of(exception), wanted));
        }
        if let Some(items) = self.heap.as_tuple(wanted) {
            let items = items.to_vec();
            for &item in &items {
                let is_class = self.heap.kind(item) == Some(Kind::Class)
                    && self.is_subclass(item, self.class(B::BaseException));
                if !is_class {
                    return Err(self.not_catchable());
                }
            }
            let class = self.heap.class_of(exception);
            return Ok(items.iter().any(|&item| self.is_subclass(class, item)));
        }
        Err(self.not_catchable())
    }

    fn not_catchable(&mut self) -> crate::native::Raised {
        self.type_error("catching classes that do not inherit from BaseException is not allowed")
    }

    // ---- except* ---------------------------------------------------------------------

    /// The part of an exception that matches an `except*`, and the rest; each
    /// an exception or None. A lone exception that matches is wrapped.
    ///
    /// # Errors
    /// TypeError when the classes are wrong; what `split` raises.
    pub(crate) fn split_group(
        &mut self,
        exception: Value,
        wanted: Value,
    ) -> PyResult<(Value, Value)> {
        let classes = match self.heap.as_tuple(wanted) {
            Some(items) => items.to_vec(),
            None => vec![wanted],
        };
        for &class in &classes {
            let is_exception = self.heap.kind(class) == Some(Kind::Class)
                && self.is_subclass(class, self.class(B::BaseException));
            if !is_exception {
                return Err(self.not_catchable());
            }
            if self.is_subclass(class, self.class(B::BaseExceptionGroup)) {
                return Err(self.type_error(
                    "catching ExceptionGroup with except* is not allowed. Use except instead.",
                ));
            }
        }
        // CPython 3.13 ceval.c CHECK_EG_MATCH: what is asked for is checked also when nothing is left.
        if exception.is_none() {
            return Ok((Value::NONE, Value::NONE));
        }
        let own_class = self.heap.class_of(exception);
        let is_group = self.is_subclass(own_class, self.class(B::BaseExceptionGroup));
        if classes.iter().any(|&c| self.is_subclass(own_class, c)) {
            if is_group {
                return Ok((exception, Value::NONE));
            }
            let excs = self.heap.tuple(&[exception]);
            let message = self.heap.str("");
            let class = if self.is_instance_of(exception, B::Exception) {
                self.class(B::ExceptionGroup)
            } else {
                self.class(B::BaseExceptionGroup)
            };
            let wrapped = self.call(class, &[message, excs])?;
            return Ok((wrapped, Value::NONE));
        }
        if is_group {
            let pair = self.call_method(exception, "split", &[wanted])?;
            return match self.heap.as_tuple(pair) {
                Some(&[matched, rest]) => Ok((matched, rest)),
                _ => {
                    let message = format!(
                        "{}.split must return a 2-tuple, got {}",
                        self.class_name(own_class),
                        self.type_name(pair)
                    );
                    Err(self.type_error(message))
                }
            };
        }
        Ok((Value::NONE, exception))
    }

    /// What the end of a `try … except*` raises, or None: of the exceptions in
    /// `list`, those that came from the original unchanged are put together
    /// again as a part of it.
    ///
    /// # Errors
    /// What making groups raises.
    pub(crate) fn join_groups(&mut self, original: Value, list: Value) -> PyResult {
        let items: Vec<Value> = self
            .heap
            .cell::<crate::object::list::List>(list)
            .items
            .iter()
            .copied()
            .filter(|v| !v.is_none())
            .collect();
        if items.is_empty() {
            return Ok(Value::NONE);
        }
        let is_group = self.is_instance_of(original, B::BaseExceptionGroup);
        if !is_group {
            // A lone exception: it was wrapped if caught; if not, it goes on as it is.
            if items.len() == 1 {
                return Ok(items[0]);
            }
        }
        let mut raised = Vec::new();
        let mut reraised = Vec::new();
        for &item in &items {
            if is_group && self.shares_metadata(item, original) {
                reraised.push(item)
            } else {
                raised.push(item)
            }
        }
        if is_group && !reraised.is_empty() {
            let projected = self.project(original, &reraised)?;
            self.root(projected);
            if raised.is_empty() {
                return Ok(projected);
            }
            raised.push(projected);
        }
        if raised.len() == 1 {
            return Ok(raised[0]);
        }
        let excs = self.heap.list(raised);
        self.root(excs);
        let message = self.heap.str("");
        let class = self.class(B::BaseExceptionGroup);
        self.call(class, &[message, excs])
    }

    /// Whether a group is a part of another one, not raised anew: same notes,
    /// cause, context and traceback object.
    fn shares_metadata(&mut self, a: Value, b: Value) -> bool {
        use crate::object::exception::Exception;
        if !self.is_instance_of(a, B::BaseExceptionGroup)
            || self.traceback_of(a) != self.traceback_of(b)
        {
            return false;
        }
        let (x, y) = (
            self.heap.cell::<Exception>(a),
            self.heap.cell::<Exception>(b),
        );
        x.cause == y.cause && x.context == y.context
    }

    /// The part of group `original` whose leaves are in `parts`.
    fn project(&mut self, original: Value, parts: &[Value]) -> PyResult {
        let mut leaves = Vec::new();
        for &part in parts {
            self.collect_leaves(part, &mut leaves);
        }
        let found = self.project_leaves(original, &leaves)?;
        Ok(found.unwrap_or(Value::NONE))
    }

    fn collect_leaves(&self, group: Value, leaves: &mut Vec<Value>) {
        let mut pending = vec![group];
        while let Some(v) = pending.pop() {
            match self.group_members(v) {
                Some(members) => pending.extend(members),
                None => leaves.push(v),
            }
        }
    }

    /// The members of an exception group.
    pub fn group_members(&self, v: Value) -> Option<Vec<Value>> {
        if !self.is_instance_of(v, B::BaseExceptionGroup) {
            return None;
        }
        let e = self.heap.get::<crate::object::exception::Exception>(v)?;
        self.heap.as_tuple(e.fields[1]).map(<[Value]>::to_vec)
    }

    fn project_leaves(&mut self, group: Value, leaves: &[Value]) -> PyResult<Option<Value>> {
        let Some(members) = self.group_members(group) else {
            return Ok(leaves.contains(&group).then_some(group));
        };
        let mut kept = Vec::new();
        for member in members {
            if let Some(part) = self.deeper(|vm| vm.project_leaves(member, leaves))? {
                self.root(part);
                kept.push(part);
            }
        }
        if kept.is_empty() {
            return Ok(None);
        }
        let list = self.heap.list(kept);
        self.root(list);
        let part = self.derived_group(group, list)?;
        Ok(Some(part))
    }

    /// What `derive` of a group makes of the exceptions in a list, with the group's own metadata.
    ///
    /// # Errors
    /// TypeError where that is no group; what `derive` raises.
    pub fn derived_group(&mut self, group: Value, list: Value) -> PyResult {
        let part = self.call_method(group, "derive", &[list])?;
        if !self.is_instance_of(part, B::BaseExceptionGroup) {
            return Err(self.type_error("derive must return an instance of BaseExceptionGroup"));
        }
        self.root(part);
        self.copy_metadata(group, part)?;
        Ok(part)
    }

    /// Gives a derived group the traceback, cause, context and notes of its source.
    ///
    /// # Errors
    /// What reading the notes raises, where they are an object of the script's.
    fn copy_metadata(&mut self, from: Value, to: Value) -> PyResult<()> {
        use crate::object::exception::Exception;
        if !self.heap.is_exception(from) {
            return Ok(());
        }
        let traceback = self.traceback_of(from);
        let e = self.heap.cell::<Exception>(from);
        let (cause, context) = (e.cause, e.context);
        if let Some(e) = self.heap.get_mut::<Exception>(to) {
            e.cause = cause;
            e.context = context;
            // CPython 3.13 exceptions.c exceptiongroup_subset sets the cause, None too, and
            // setting it suppresses the context.
            e.suppress_context = true;
            e.trace.clear();
            e.traceback = traceback;
        }
        let key = self.n(N::notes);
        // CPython 3.13 exceptions.c exceptiongroup_subset copies any sequence, a str too.
        if let Some(notes) = self.get_attr_opt(from, key)?
            && self.heap.kind(notes) != Some(Kind::Dict)
            && self.special(notes, N::getitem).is_some()
        {
            self.root(notes);
            let items = self.collect_iterable(notes)?;
            let copy = self.heap.list(items);
            let dict = self.attribute_dict(to);
            self.heap.ns_set(dict, key, copy);
        }
        Ok(())
    }
}
