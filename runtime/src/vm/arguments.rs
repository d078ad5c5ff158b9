//! Arguments and displays with `*` and `**`: what they spread, and the messages
//! that name the callee. Binding to parameters is `bind`'s part.

use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::object::function::Function;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// Names and values of the keyword arguments among `args`, the last ones.
    pub(crate) fn keyword_pairs(
        &self,
        args: &[Value],
        names: Value,
    ) -> smallvec::SmallVec<[(Value, Value); 4]> {
        let names = self.heap.as_tuple(names).unwrap_or(&[]);
        let first = args.len().saturating_sub(names.len());
        names
            .iter()
            .copied()
            .zip(args[first..].iter().copied())
            .collect()
    }

    /// The positional arguments of `f(*args)`.
    pub(crate) fn star_args(
        &mut self,
        callee: Value,
        args: Value,
        lone: bool,
    ) -> PyResult<Vec<Value>> {
        if lone && !self.is_iterable(args) {
            let name = self.callee_name(callee)?;
            let message = format!(
                "{name} argument after * must be an iterable, not {}",
                self.type_name(args)
            );
            return Err(self.type_error(message));
        }
        self.collect_iterable(args)
    }

    /// `[*v]`, or a `*v` of a call that is not its only positional argument.
    pub(crate) fn extend_display(&mut self, list: Value, v: Value) -> PyResult<()> {
        if !self.is_iterable(v) {
            let message = format!(
                "Value after * must be an iterable, not {}",
                self.type_name(v)
            );
            return Err(self.type_error(message));
        }
        self.list_extend(list, v)
    }

    /// `module.f()` as messages about a call name the callee.
    pub(crate) fn callee_name(&mut self, callee: Value) -> PyResult<String> {
        if let Some(f) = self.heap.get::<Function>(callee) {
            let (module, qualname) = (f.module, self.heap.string(f.qualname));
            return Ok(match self.heap.as_str(module) {
                Some(module) if !module.eq_str("builtins") => format!("{module}.{qualname}()"),
                _ => format!("{qualname}()"),
            });
        }
        let name = self.n(crate::vm::names::N::qualname);
        if let Some(qualname) = self.get_attr_opt(callee, name)?
            && self.heap.as_str(qualname).is_some()
        {
            let module = self.n(crate::vm::names::N::module);
            let module = self.get_attr_opt(callee, module)?.unwrap_or(Value::NONE);
            let qualname = self.heap.string(qualname);
            return Ok(match self.heap.as_str(module) {
                Some(module) if !module.eq_str("builtins") => format!("{module}.{qualname}()"),
                _ => format!("{qualname}()"),
            });
        }
        self.repr_string(callee)
    }

    /// `**mapping` in a call: a name given twice is an error that names the callee.
    pub(crate) fn dict_merge_keywords(
        &mut self,
        dict: Value,
        mapping: Value,
        callee: Value,
    ) -> PyResult<()> {
        let merged = match self.heap.kind(mapping) {
            Some(Kind::Dict) => {
                let more = self.heap.dict();
                self.root(more);
                self.dict_merge(more, mapping)
                    .map(|()| self.heap.dict_entries(more))
            }
            _ => self.mapping_entries(mapping),
        };
        let entries = match merged {
            Ok(entries) => entries,
            Err(error) if self.is_no_mapping(mapping, &error) => {
                let callee = self.callee_name(callee)?;
                let message = format!(
                    "{callee} argument after ** must be a mapping, not {}",
                    self.type_name(mapping)
                );
                return Err(self.type_error(message));
            }
            Err(error) => return Err(error),
        };
        for (key, value) in entries {
            // What is no string is refused by the call itself, after all is merged.
            if self.dict_get(dict, key)?.is_some() {
                let callee = self.callee_name(callee)?;
                let text = self.str_string(key)?;
                return Err(self.type_error(format!(
                    "{callee} got multiple values for keyword argument '{text}'"
                )));
            }
            self.dict_set(dict, key, value)?;
        }
        Ok(())
    }

    /// The keys that `mapping.keys()` gives, repeated ones too, each with its value; rooted.
    fn mapping_entries(&mut self, mapping: Value) -> PyResult<Vec<(Value, Value)>> {
        let keys = self.call_method(mapping, "keys", &[])?;
        self.root(keys);
        let flat = self.heap.list(Vec::new());
        self.root(flat);
        self.for_each(keys, |vm, key| {
            let value = vm.get_item(mapping, key)?;
            vm.heap.list_push(flat, key);
            vm.heap.list_push(flat, value);
            Ok(())
        })?;
        let items = self.heap.as_sequence(flat).unwrap_or_default();
        Ok(items
            .chunks_exact(2)
            .map(|pair| (pair[0], pair[1]))
            .collect())
    }

    /// `{**mapping}`.
    pub(crate) fn dict_update_display(&mut self, dict: Value, mapping: Value) -> PyResult<()> {
        match self.dict_merge(dict, mapping) {
            Err(error) if self.is_no_mapping(mapping, &error) => {
                let message = format!("'{}' object is not a mapping", self.type_name(mapping));
                Err(self.type_error(message))
            }
            result => result,
        }
    }

    /// Whether merging failed because there is no `keys`: CPython 3.13 takes
    /// every AttributeError for that.
    fn is_no_mapping(&self, mapping: Value, error: &Raised) -> bool {
        self.heap.kind(mapping) != Some(Kind::Dict)
            && self.is_instance_of(error.0, B::AttributeError)
    }
}
