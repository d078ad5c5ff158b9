//! Tracebacks as text, in CPython's form: what an uncaught exception prints,
//! and what the `traceback` module gives.

use crate::heap::Kind;
use crate::object::class::{B, Class};
use crate::object::exception::Exception;
use crate::object::module::Module;
use crate::text::pystr::{PyStr, StrBuilder};
use crate::text::suggest;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;
use crate::vm::trace::TraceLine;

/// Repeated lines of a deep recursion that are shown before they are counted.
const REPEATS_SHOWN: usize = 3;

/// How many causes and contexts, one behind the other, are shown.
const CHAIN_MAX: usize = 100;

impl Vm {
    /// The whole report of an exception: its causes and contexts first, its
    /// traceback, its last lines. Ends with a newline. As it stands on standard error.
    pub fn format_exception(&mut self, exception: Value) -> String {
        let mut chain = vec![(exception, "")];
        let mut at = exception;
        while chain.len() < CHAIN_MAX {
            let Some(e) = self.heap.get::<Exception>(at) else {
                break;
            };
            let (next, text) = if !e.cause.is_none() {
                (
                    e.cause,
                    "\nThe above exception was the direct cause of the following exception:\n\n",
                )
            } else if !e.context.is_none() && !e.suppress_context {
                (
                    e.context,
                    "\nDuring handling of the above exception, another exception occurred:\n\n",
                )
            } else {
                break;
            };
            if chain.iter().any(|&(seen, _)| seen == next) {
                break;
            }
            chain.push((next, text));
            at = next;
        }
        let mut out = String::new();
        while let Some((exception, _)) = chain.pop() {
            self.format_one(exception, &mut out, 0);
            if let Some(&(next, _)) = chain.last() {
                let is_cause = self
                    .heap
                    .get::<Exception>(next)
                    .is_some_and(|e| e.cause == exception);
                out.push_str(if is_cause {
                    "\nThe above exception was the direct cause of the following exception:\n\n"
                } else {
                    "\nDuring handling of the above exception, another exception occurred:\n\n"
                });
            }
        }
        out
    }

    fn format_one(&mut self, exception: Value, out: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        let lines = self.trace_lines(exception);
        let group = self.group_members(exception);
        let margin = if depth > 0 || group.is_some() {
            format!("{indent}  | ")
        } else {
            indent.clone()
        };
        if group.is_some() && depth == 0 {
            out.push_str("  + Exception Group Traceback (most recent call last):\n");
            push_trace(out, &lines, "  | ");
        } else if !lines.is_empty() {
            out.push_str(&format!("{margin}Traceback (most recent call last):\n"));
            push_trace(out, &lines, &margin);
        }
        for line in self.syntax_place_lines(exception) {
            out.push_str(&format!("{margin}{line}\n"));
        }
        for line in self.exception_lines(exception) {
            out.push_str(&format!("{margin}{}\n", line.to_escaped()));
        }
        let Some(members) = group else { return };
        let n = members.len();
        for (i, member) in members.into_iter().enumerate().take(15) {
            let plus = if i == 0 {
                format!("{indent}  +-+")
            } else {
                format!("{indent}    +")
            };
            out.push_str(&format!(
                "{plus}---------------- {} ----------------\n",
                i + 1
            ));
            if depth < 10 {
                self.format_one(member, out, depth + 1);
            }
        }
        if n > 0 {
            out.push_str(&format!(
                "{indent}    +------------------------------------\n"
            ));
        }
    }

    /// The last lines of a report: `ValueError: message`, and the notes.
    pub fn exception_lines(&mut self, exception: Value) -> Vec<PyStr> {
        let class = self.heap.class_of(exception);
        let name = self.qualified_class_name(class);
        let text = match self.is_instance_of(exception, B::SyntaxError) {
            true => PyStr::from(self.syntax_error_message(exception)),
            false => match self.str(exception) {
                Ok(text) => self.heap.text(text).clone(),
                Err(_) => PyStr::from("<exception str() failed>"),
            },
        };
        let hint = self.suggestion(exception).unwrap_or_default();
        let mut first = StrBuilder::with_capacity(name.len() + text.len());
        first.push_str(&name);
        if !text.is_empty() {
            first.push_str(": ");
            first.push(&text);
            first.push_str(&hint);
        }
        let newline = PyStr::from("\n");
        let mut lines = first.finish().split(Some(&newline), None);
        let key = self.n(N::notes);
        if let Some(notes) = self
            .own_attr(exception, key)
            .filter(|notes| !notes.is_none())
        {
            let listed = self.is_instance_of(notes, B::ByteArray)
                || matches!(
                    self.heap.kind(notes),
                    Some(Kind::List | Kind::Tuple | Kind::Range)
                );
            let each = listed.then(|| self.collect_iterable(notes));
            for note in match each {
                Some(Ok(notes)) => notes,
                _ => vec![notes],
            } {
                let text = match listed {
                    true => self.str(note),
                    false => self.repr(note),
                };
                let text = match (text, listed) {
                    (Ok(text), _) => self.heap.text(text).clone(),
                    (Err(_), true) => PyStr::from("<note str() failed>"),
                    (Err(_), false) => PyStr::from("<__notes__ repr() failed>"),
                };
                lines.extend(text.split(Some(&newline), None));
            }
        }
        lines
    }

    /// The message of a SyntaxError; its place has lines of its own.
    fn syntax_error_message(&mut self, exception: Value) -> String {
        let message = self.plain_attr(exception, "msg");
        let message = match message.map(|message| self.str_string(message)) {
            Some(Ok(text)) if !text.is_empty() => text,
            _ => String::from("<no detail available>"),
        };
        let file = self.plain_attr(exception, "filename");
        match (self.plain_attr(exception, "lineno"), file) {
            (None, Some(file)) => {
                let file = self.str_string(file).unwrap_or_default();
                format!("{message} ({file})")
            }
            _ => message,
        }
    }

    /// CPython 3.13 traceback.py TracebackException._format_syntax_error: where a SyntaxError
    /// says that it is, its line of source, and marks under the fault. Of others, nothing.
    pub fn syntax_place_lines(&mut self, exception: Value) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.is_instance_of(exception, B::SyntaxError) {
            return lines;
        }
        let line = self.plain_attr(exception, "lineno");
        if let Some(line) = line {
            let file = self.plain_attr(exception, "filename");
            let file = file.and_then(|file| self.str_string(file).ok());
            let file = file.filter(|file| !file.is_empty());
            let file = file.unwrap_or_else(|| String::from("<string>"));
            let line = self.str_string(line).unwrap_or_default();
            lines.push(format!("  File \"{file}\", line {line}"));
        }
        let text = self.plain_attr(exception, "text");
        let Some(text) = text.and_then(|text| self.heap.as_str(text)) else {
            return lines;
        };
        let text: Vec<char> = text.to_lossy().chars().collect();
        let n = text.len() as i64;
        let trimmed = text.iter().rposition(|&c| c != '\n').map_or(0, |at| at + 1);
        let is_margin = |c: &char| matches!(c, ' ' | '\n' | '\x0c');
        let margin = text[..trimmed].iter().take_while(|&c| is_margin(c)).count();
        let shown = &text[margin..trimmed];
        lines.push(format!("    {}", shown.iter().collect::<String>()));
        let mut number = |name| {
            let value = self.plain_attr(exception, name)?;
            self.heap.as_i64(value)
        };
        let Some(offset) = number("offset") else {
            return lines;
        };
        let past = trimmed as i64 + 1;
        let end = match number("lineno") == number("end_lineno") {
            true => number("end_offset")
                .filter(|&end| end != 0)
                .unwrap_or(offset),
            false => past,
        };
        let cut = |at: i64| if n > 0 && at > n { past } else { at };
        let (start, mut end) = (cut(offset), cut(end));
        if start >= end || end < 0 {
            end = start.saturating_add(1);
        }
        let Ok(column) = usize::try_from(start.saturating_sub(1 + margin as i64)) else {
            return lines;
        };
        // Tabs and their likes stay, so that the marks stand where they do.
        let blank = |&c: &char| if c.is_whitespace() { c } else { ' ' };
        let lead: String = shown.iter().take(column).map(blank).collect();
        let n_marks = usize::try_from(end - start)
            .unwrap_or(1)
            .min(text.len() + 1);
        lines.push(format!("    {lead}{}", "^".repeat(n_marks)));
        lines
    }

    /// An attribute that is there and not None; a report raises nothing.
    fn plain_attr(&mut self, object: Value, name: &str) -> Option<Value> {
        let name = self.heap.intern(name);
        let found = self.get_attr_opt(object, name).ok()??;
        self.root(found);
        found.some()
    }

    /// A class's name as tracebacks show it: with its module, unless that is
    /// the script or the builtins.
    pub fn qualified_class_name(&mut self, class: Value) -> String {
        let c = self.heap.cell::<Class>(class);
        let (qualname, attrs) = (self.heap.string(c.qualname), c.attrs);
        let module = self.heap.ns_get(attrs, self.n(N::module));
        match module.and_then(|m| self.heap.as_str(m)) {
            Some(m) if !m.eq_str("__main__") && !m.eq_str("builtins") => format!("{m}.{qualname}"),
            _ => qualname,
        }
    }

    /// ". Did you mean: 'x'?" for a name or attribute that isn't there.
    fn suggestion(&mut self, exception: Value) -> Option<String> {
        let is_attribute = self.is_instance_of(exception, B::AttributeError);
        let is_name = self.is_instance_of(exception, B::NameError);
        if !is_attribute && !is_name {
            return None;
        }
        let e = self.heap.get::<Exception>(exception)?;
        let (name, obj) = (e.fields[0].some()?, e.fields[1]);
        let innermost = self.trace_entries(exception).last().copied();
        let wanted = self.heap.as_str(name)?.to_lossy();
        let mut names: Vec<String> = Vec::new();
        if is_attribute {
            let obj = obj.given()?;
            self.attribute_names(obj, &mut names);
            if !wanted.starts_with('_') {
                names.retain(|n| !n.starts_with('_'));
            }
        } else {
            let innermost = innermost?;
            let co = self
                .heap
                .cell::<crate::object::function::CodeObject>(innermost.code);
            let (code, globals) = (co.code.clone(), co.globals);
            names.extend(code.body().locals.iter().map(|v| v.name.to_string()));
            names.extend(code.free.iter().map(|n| n.to_string()));
            for dict in [globals, self.builtins] {
                for (key, _) in self.heap.dict_entries(dict) {
                    names.extend(self.heap.as_str(key).map(|k| k.to_lossy()));
                }
            }
        }
        if let Some(close) = suggest::closest(&wanted, names.iter().map(String::as_str)) {
            return Some(format!(". Did you mean: '{close}'?"));
        }
        None
    }

    /// The names of an object's attributes and of its classes', sorted.
    fn attribute_names(&self, obj: Value, names: &mut Vec<String>) {
        let push_dict = |dict: Value, names: &mut Vec<String>| {
            for (key, _) in self.heap.dict_entries(dict) {
                names.extend(self.heap.as_str(key).map(|k| k.to_lossy()));
            }
        };
        let class = if self.heap.kind(obj) == Some(Kind::Class) {
            obj
        } else {
            self.heap.class_of(obj)
        };
        if self.heap.kind(obj) == Some(Kind::Instance) {
            let shape = self.heap.shape_of(obj);
            names.extend(
                self.heap
                    .shapes
                    .names(shape)
                    .iter()
                    .map(|&n| self.heap.string(n)),
            );
            if let Some(slot) = self.heap.shapes.dict_slot(shape) {
                push_dict(self.heap.slot(obj, slot), names);
            }
        }
        if let Some(module) = self.heap.get::<Module>(obj) {
            push_dict(module.dict, names);
        } else {
            for &base in &self.heap.cell::<Class>(class).mro {
                push_dict(self.heap.cell::<Class>(base).attrs, names);
            }
        }
        names.sort();
        names.dedup();
    }
}

fn push_trace(out: &mut String, lines: &[TraceLine], margin: &str) {
    let mut repeats = 0;
    for (i, line) in lines.iter().enumerate() {
        let same = i > 0 && lines[i - 1] == *line;
        repeats = if same { repeats + 1 } else { 0 };
        if repeats < REPEATS_SHOWN {
            let number = match line.line {
                0 => String::from("None"),
                number => number.to_string(),
            };
            out.push_str(&format!(
                "{margin}  File \"{}\", line {number}, in {}\n",
                line.file, line.name
            ));
            if !line.text.is_empty() {
                out.push_str(&format!("{margin}    {}\n", line.text));
            }
        }
        let last_of_run = repeats >= REPEATS_SHOWN && lines.get(i + 1) != Some(line);
        if last_of_run {
            let n = repeats + 1 - REPEATS_SHOWN;
            let s = if n == 1 { "" } else { "s" };
            out.push_str(&format!(
                "{margin}  [Previous line repeated {n} more time{s}]\n"
            ));
        }
    }
}
