//! Variables: of modules (by entry index once found), of class bodies, cells.

use lockstep_lang::bytecode::{LocalVar, Reg, Word};

use crate::heap::Kind;
use crate::native::{PyResult, Raised};
use crate::object::class::B;
use crate::object::dict::Dict;
use crate::object::exception::Exception;
use crate::object::function::{Cell, CodeObject, Function};
use crate::value::Value;
use crate::vm::Vm;

/// `x` of LoadGlobal: entry `word 1 >> 32` of the module's dict.
pub(crate) const IN_MODULE: u8 = 1;
/// `x` of LoadGlobal: that entry of the builtins, as long as the module's dict
/// has the version in `bc`.
pub(crate) const IN_BUILTINS: u8 = 2;

impl Vm {
    /// The variable `name`, if the instruction at `pc` knows where it is.
    #[inline(always)]
    pub(crate) fn load_global_cached(
        &self,
        pc: *const Word,
        globals: Value,
        name: Value,
    ) -> Option<Value> {
        // SAFETY: `pc` is at a LoadGlobal or StoreGlobal, which has an extra word.
        let (word, extra) = unsafe { (*pc, (*pc.add(1)).0) };
        let at = (extra >> 32) as u32;
        let dict = match word.x() {
            IN_MODULE => globals,
            IN_BUILTINS if self.heap.cell::<Dict>(globals).table.version() == word.bc() => {
                self.builtins
            }
            _ => return None,
        };
        let entry = self.heap.cell::<Dict>(dict).table.entry(at)?;
        if entry.key == name {
            Some(entry.value)
        } else {
            None
        }
    }

    fn learn_global(&mut self, pc: *const Word, x: u8, bc: u32, at: u32) {
        // SAFETY: as in `load_global_cached`; the words are this VM's own and
        // nobody holds a reference into them.
        unsafe {
            let word = (*pc).0 & 0x0000_0000_ffff_00ff | (x as u64) << 8 | (bc as u64) << 32;
            let extra = (*pc.add(1)).0 & 0xffff_ffff | (at as u64) << 32;
            pc.cast_mut().write(Word(word));
            pc.cast_mut().add(1).write(Word(extra));
        }
    }

    #[inline(never)]
    pub(crate) fn load_global_slow(
        &mut self,
        pc: *const Word,
        globals: Value,
        name: Value,
    ) -> PyResult {
        if let Some(at) = self.heap.ns_find(globals, name) {
            let entry = self
                .heap
                .cell::<Dict>(globals)
                .table
                .entry(at)
                .map(|e| (e.key, e.value));
            if let Some((key, value)) = entry {
                if key == name {
                    self.learn_global(pc, IN_MODULE, 0, at);
                }
                return Ok(value);
            }
        }
        if let Some(at) = self.heap.ns_find(self.builtins, name) {
            let version = self.heap.cell::<Dict>(globals).table.version();
            self.learn_global(pc, IN_BUILTINS, version, at);
            return Ok(self.heap.cell::<Dict>(self.builtins).table.value_at(at));
        }
        Err(self.name_not_defined(name))
    }

    /// A global or builtin variable, without a cache.
    pub(crate) fn load_global_plain(&mut self, globals: Value, name: Value) -> PyResult {
        match self
            .heap
            .ns_get(globals, name)
            .or_else(|| self.heap.ns_get(self.builtins, name))
        {
            Some(value) => Ok(value),
            None => Err(self.name_not_defined(name)),
        }
    }

    #[inline(always)]
    pub(crate) fn store_global_cached(
        &mut self,
        pc: *const Word,
        globals: Value,
        name: Value,
        value: Value,
    ) -> bool {
        // SAFETY: as in `load_global_cached`.
        let (word, extra) = unsafe { (*pc, (*pc.add(1)).0) };
        if word.x() != IN_MODULE {
            return false;
        }
        let at = (extra >> 32) as u32;
        let cell = self.heap.cell_mut_storing::<Dict>(globals, &[value]);
        let table = &mut cell.table;
        if table.entry(at).is_some_and(|e| e.key == name) {
            table.set_value_at(at, value);
            return true;
        }
        false
    }

    #[inline(never)]
    pub(crate) fn store_global_slow(
        &mut self,
        pc: *const Word,
        globals: Value,
        name: Value,
        value: Value,
    ) {
        let at = self.heap.ns_set(globals, name, value);
        if self
            .heap
            .cell::<Dict>(globals)
            .table
            .entry(at)
            .is_some_and(|e| e.key == name)
        {
            self.learn_global(pc, IN_MODULE, 0, at);
        }
    }

    pub(crate) fn delete_global(&mut self, globals: Value, name: Value) -> PyResult<()> {
        match self.heap.ns_remove(globals, name) {
            Some(_) => Ok(()),
            None => Err(self.name_not_defined(name)),
        }
    }

    #[cold]
    fn name_not_defined(&mut self, name: Value) -> Raised {
        let text = self.heap.string(name);
        let raised = self.name_error(format!("name '{text}' is not defined"));
        self.heap.cell_mut::<Exception>(raised.0).fields[0] = name;
        raised
    }

    // ---- class bodies ------------------------------------------------------------

    /// `name` in the namespace of a class body, None when it isn't there.
    pub(crate) fn class_namespace_get(
        &mut self,
        namespace: Value,
        name: Value,
    ) -> PyResult<Option<Value>> {
        if self.heap.is_exact(namespace, B::Dict) {
            return Ok(self.heap.ns_get(namespace, name));
        }
        match self.get_item(namespace, name) {
            Ok(value) => Ok(Some(value)),
            Err(Raised(e)) if self.is_instance_of(e, B::KeyError) => Ok(None),
            Err(raised) => Err(raised),
        }
    }

    pub(crate) fn class_namespace_set(
        &mut self,
        namespace: Value,
        name: Value,
        value: Value,
    ) -> PyResult<()> {
        if self.heap.is_exact(namespace, B::Dict) {
            self.heap.ns_set(namespace, name, value);
            return Ok(());
        }
        self.set_item(namespace, name, value)
    }

    pub(crate) fn class_namespace_delete(&mut self, namespace: Value, name: Value) -> PyResult<()> {
        if self.heap.is_exact(namespace, B::Dict) {
            return match self.heap.ns_remove(namespace, name) {
                Some(_) => Ok(()),
                None => Err(self.name_not_defined(name)),
            };
        }
        match self.del_item(namespace, name) {
            Err(Raised(e)) if self.is_instance_of(e, B::KeyError) => {
                Err(self.name_not_defined(name))
            }
            result => result,
        }
    }

    // ---- cells --------------------------------------------------------------------

    /// The cell of free variable `at` of a function.
    #[inline(always)]
    pub(crate) fn free_cell(&self, func: Value, at: u16) -> Value {
        self.heap.tail::<Function>(func)[at as usize]
    }

    #[cold]
    pub(crate) fn unbound_local(&mut self, reg: u16) -> Raised {
        let name = match self.frames.last() {
            Some(frame) => {
                let pc = self.trace_entry(frame).pc;
                let code = &self.heap.cell::<CodeObject>(frame.code_value).code;
                code.local_name(Reg(reg), pc)
                    .map_or(String::from("?"), |n| n.to_string())
            }
            None => String::from("?"),
        };
        let message = format!(
            "cannot access local variable '{name}' where it is not associated with a value"
        );
        // CPython 3.13 ceval.c _PyEval_FormatExcCheckArg keeps the name in a plain NameError alone.
        self.raise(B::UnboundLocalError, message)
    }

    #[cold]
    pub(crate) fn unbound_free(&mut self, at: u16) -> Raised {
        let name = self.free_name(at);
        let message = format!(
            "cannot access free variable '{name}' where it is not associated with a value in enclosing scope"
        );
        let raised = self.name_error(message);
        let name = self.heap.intern(&name);
        self.heap.cell_mut::<Exception>(raised.0).fields[0] = name;
        raised
    }

    /// The name of free variable `at` of the running function.
    pub(crate) fn free_name(&self, at: u16) -> String {
        match self.frames.last() {
            Some(frame) => {
                let code = &self.heap.cell::<CodeObject>(frame.code_value).code;
                code.free
                    .get(at as usize)
                    .map_or(String::from("?"), |n| n.to_string())
            }
            None => String::from("?"),
        }
    }

    /// The contents of a cell; `Value::EMPTY` when unbound.
    #[inline(always)]
    pub(crate) fn cell_value(&self, cell: Value) -> Value {
        match self.heap.get::<Cell>(cell) {
            Some(cell) => cell.value,
            None => Value::EMPTY,
        }
    }

    #[inline(always)]
    pub(crate) fn set_cell(&mut self, cell: Value, value: Value) {
        if let Some(cell) = self.heap.get_mut::<Cell>(cell) {
            cell.value = value;
        }
    }

    pub(crate) fn new_cell(&mut self, value: Value) -> Value {
        self.heap.alloc(B::Cell.shape(), Cell { value })
    }

    /// The value of a variable of the running function, if it has one of this name.
    pub(crate) fn variable_of_frame(&self, name: &str) -> Option<Value> {
        let frame = self.frames.last()?;
        let pc = self.trace_entry(frame).pc;
        let code = &self.heap.cell::<CodeObject>(frame.code_value).code;
        if code.flags.module || code.flags.class_body {
            return None;
        }
        let is_it = |v: &&LocalVar| v.name.as_str() == name && v.start <= pc && pc < v.end;
        let value = match code.body().locals.iter().find(is_it) {
            Some(var) => {
                // SAFETY: a verified register of the running frame.
                let value = unsafe { *frame.regs.add(var.reg.0 as usize) };
                match var.is_cell && self.heap.kind(value) == Some(Kind::Cell) {
                    true => self.cell_value(value),
                    false => value,
                }
            }
            None => {
                let at = code.free.iter().position(|free| free.as_str() == name)?;
                self.cell_value(self.free_cell(frame.func, at as u16))
            }
        };
        value.given()
    }

    /// The local variables of the running script frame, by name: what
    /// `locals()` gives in a function.
    pub fn current_locals(&mut self) -> Value {
        let Some(frame) = self.frames.last() else {
            return self.heap.dict();
        };
        let pc = self.trace_entry(frame).pc;
        let (regs, func) = (frame.regs, frame.func);
        let (code, globals) = {
            let co = self.heap.cell::<CodeObject>(frame.code_value);
            (co.code.clone(), co.globals)
        };
        if code.flags.module {
            return globals;
        }
        if code.flags.class_body {
            // SAFETY: register 0 of a running frame; a class body's namespace.
            return unsafe { *regs };
        }
        let dict = self.heap.dict();
        for var in code
            .body()
            .locals
            .iter()
            .filter(|v| !v.hidden && v.start <= pc && pc < v.end)
        {
            // SAFETY: a verified register of the running frame.
            let mut value = unsafe { *regs.add(var.reg.0 as usize) };
            if var.is_cell && self.heap.kind(value) == Some(Kind::Cell) {
                value = self.cell_value(value);
            }
            if !value.is_empty() {
                let name = self.heap.intern(var.name.as_str());
                self.heap.ns_set(dict, name, value);
            }
        }
        for (at, name) in code.free.iter().enumerate() {
            let value = self.cell_value(self.free_cell(func, at as u16));
            if !value.is_empty() && name.as_str() != "__class__" {
                let name = self.heap.intern(name.as_str());
                self.heap.ns_set(dict, name, value);
            }
        }
        dict
    }
}
