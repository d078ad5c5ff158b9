//! Tracebacks as text, in CPython's form: what an uncaught exception prints,
//! and what the `traceback` module gives.

use crate::heap::Kind;
use crate::object::class::{B, Class};
use crate::object::exception::{Exception, TraceEntry};
use crate::object::module::Module;
use crate::text::pystr::{PyStr, StrBuilder};
use crate::text::{library_names, suggest};
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;
use crate::vm::trace::TraceLine;
use rustc_hash::FxHashSet;

/// Repeated lines of a deep recursion that are shown before they are counted.
const REPEATS_SHOWN: usize = 3;

/// How deep groups are shown within groups, and how many of one's members.
const GROUP_DEPTH_MAX: usize = 10;
const GROUP_WIDTH_MAX: usize = 15;

/// After so many exceptions no group is looked into: one that stands in several, on each of ten
/// levels, would be shown more often than there is room for.
const SHOWN_MAX: usize = 1 << 16;

const CAUSE: &str = "\nThe above exception was the direct cause of the following exception:\n\n";
const CONTEXT: &str = "\nDuring handling of the above exception, another exception occurred:\n\n";

/// An exception of a report. Others are named by their place among all of them.
struct Shown {
    exception: Value,
    /// In how many groups it is, as margins count them: the outermost group itself has none.
    depth: usize,
    /// What led to it, and the words between the two.
    before: Option<(usize, &'static str)>,
    members: Vec<usize>,
}

impl Shown {
    fn new(exception: Value, depth: usize) -> Shown {
        Shown {
            exception,
            depth,
            before: None,
            members: Vec::new(),
        }
    }
}

struct Report {
    out: String,
    /// Whether the frame around a group's members is still to be closed: a group within the
    /// last of them, also one in its chain, closes all.
    is_open: bool,
}

impl Vm {
    /// The whole report of an exception: its causes and contexts first, its
    /// traceback, its last lines. Ends with a newline. As it stands on standard error.
    pub fn format_exception(&mut self, exception: Value) -> String {
        let mut report = Report {
            out: String::new(),
            is_open: false,
        };
        let shown = self.links_of(exception);
        // Their texts may run code that drops what holds them.
        for link in &shown {
            self.root(link.exception);
        }
        self.format_chain(&shown, 0, 0, &mut report);
        report.out
    }

    /// As `format_exception`, of one that had nowhere to go: without what led to it, its notes and
    /// what might have been meant. CPython 3.13 errors.c write_unraisable_exc_file.
    pub fn format_unraisable(&mut self, exception: Value) -> String {
        let mut out = String::new();
        let entries = self.trace_entries(exception);
        if !entries.is_empty() {
            out.push_str("Traceback (most recent call last):\n");
            self.push_trace(&mut out, &entries, "");
        }
        let class = self.heap.class_of(exception);
        let name = self.qualified_class_name(class);
        let text = match self.str(exception) {
            Ok(text) => self.heap.as_str(text).map(PyStr::to_escaped),
            Err(_) => Some(String::from("<exception str() failed>")),
        };
        out.push_str(&format!("{name}: {}\n", text.unwrap_or_default()));
        out
    }

    /// The exceptions that a report shows and how they hang together, the asked one first.
    /// CPython 3.13 traceback.py TracebackException.__init__: what the report has already met is
    /// no cause and no context, and the links of what was met last are followed first.
    fn links_of(&self, exception: Value) -> Vec<Shown> {
        let mut shown = vec![Shown::new(exception, 0)];
        let mut seen = FxHashSet::default();
        seen.insert(exception);
        let mut queue = vec![0];
        while let Some(at) = queue.pop() {
            let (exception, depth) = (shown[at].exception, shown[at].depth);
            let Some(e) = self.heap.get::<Exception>(exception) else {
                continue;
            };
            let links = [
                (e.cause, CAUSE, true),
                (e.context, CONTEXT, !e.suppress_context),
            ];
            for (to, text, is_wanted) in links {
                let is_first = shown[at].before.is_none();
                if is_first && is_wanted && !to.is_none() && seen.insert(to) {
                    queue.push(shown.len());
                    shown[at].before = Some((shown.len(), text));
                    shown.push(Shown::new(to, depth));
                }
            }
            // What is nested deeper than is shown is told of by one line.
            if depth > GROUP_DEPTH_MAX || shown.len() > SHOWN_MAX {
                continue;
            }
            for member in self.group_members(exception).into_iter().flatten() {
                seen.insert(member);
                queue.push(shown.len());
                let place = shown.len();
                shown[at].members.push(place);
                shown.push(Shown::new(member, depth.max(1) + 1));
            }
        }
        shown
    }

    /// CPython 3.13 traceback.py TracebackException.format, of one exception and of what led to
    /// it. `depth` is 0 outside of all groups, and 1 in the outermost one.
    fn format_chain(&mut self, shown: &[Shown], at: usize, depth: usize, report: &mut Report) {
        let mut chain = vec![(at, None)];
        let mut at = at;
        while let Some((before, text)) = shown[at].before {
            if let Some(last) = chain.last_mut() {
                last.1 = Some(text);
            }
            chain.push((before, None));
            at = before;
        }
        let indent = |depth: usize| "  ".repeat(depth);
        for (at, text) in chain.into_iter().rev() {
            let exception = shown[at].exception;
            let is_group = self.group_members(exception).is_some();
            let inner = if is_group { depth.max(1) } else { depth };
            let margin = match inner {
                0 => String::new(),
                _ => format!("{}| ", indent(inner)),
            };
            if let Some(text) = text {
                let margin = if depth == 0 { "" } else { &margin };
                for line in text.lines() {
                    report.out.push_str(&format!("{margin}{line}\n"));
                }
            }
            if is_group && depth > GROUP_DEPTH_MAX {
                let told = format!("{margin}... (max_group_depth is {GROUP_DEPTH_MAX})\n");
                report.out.push_str(&told);
                continue;
            }
            let entries = self.trace_entries(exception);
            if !entries.is_empty() {
                let plus = match depth {
                    0 if is_group => "  + ",
                    _ => &margin,
                };
                let what = if is_group { "Exception Group " } else { "" };
                let title = format!("{plus}{what}Traceback (most recent call last):\n");
                report.out.push_str(&title);
                self.push_trace(&mut report.out, &entries, &margin);
            }
            for line in self.syntax_place_lines(exception) {
                report.out.push_str(&format!("{margin}{line}\n"));
            }
            for line in self.exception_lines(exception, true) {
                let line = format!("{margin}{}\n", line.to_escaped());
                report.out.push_str(&line);
            }
            if is_group {
                self.format_members(shown, &shown[at].members, inner, report);
            }
        }
    }

    /// The lines of a traceback, each after `margin`.
    fn push_trace(&self, out: &mut String, entries: &[TraceEntry], margin: &str) {
        let lines: Vec<TraceLine> = entries.iter().map(|&at| self.trace_line(at)).collect();
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
                for line in self.trace_excerpt(entries[i]).lines() {
                    out.push_str(&format!("{margin}{line}\n"));
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

    fn format_members(
        &mut self,
        shown: &[Shown],
        members: &[usize],
        depth: usize,
        report: &mut Report,
    ) {
        let margin = "  ".repeat(depth);
        let n_shown = members.len().min(GROUP_WIDTH_MAX + 1);
        report.is_open = false;
        for (i, &member) in members.iter().enumerate().take(n_shown) {
            report.is_open |= i == n_shown - 1;
            let plus = if i == 0 { "+-" } else { "  " };
            let is_cut = i >= GROUP_WIDTH_MAX;
            let title = match is_cut {
                true => String::from("..."),
                false => (i + 1).to_string(),
            };
            let rule = format!("{margin}{plus}+---------------- {title} ----------------\n");
            report.out.push_str(&rule);
            if is_cut {
                let n = members.len() - GROUP_WIDTH_MAX;
                let s = if n == 1 { "" } else { "s" };
                let told = format!("{margin}  | and {n} more exception{s}\n");
                report.out.push_str(&told);
            } else {
                self.format_chain(shown, member, depth + 1, report);
            }
        }
        if report.is_open {
            let rule = format!("{margin}  +------------------------------------\n");
            report.out.push_str(&rule);
            report.is_open = false;
        }
    }

    /// The last lines of a report: `ValueError: message`, and the notes. Without its traceback
    /// a NameError has nothing that could be meant.
    pub fn exception_lines(&mut self, exception: Value, has_trace: bool) -> Vec<PyStr> {
        let class = self.heap.class_of(exception);
        let name = self.qualified_class_name(class);
        let text = match self.is_instance_of(exception, B::SyntaxError) {
            true => PyStr::from(self.syntax_error_message(exception)),
            false => match self.str(exception) {
                Ok(text) => self.heap.text(text).clone(),
                Err(_) => PyStr::from("<exception str() failed>"),
            },
        };
        let hint = self.suggestion(exception, has_trace).unwrap_or_default();
        let mut first = StrBuilder::with_capacity(name.len() + text.len());
        first.push_str(&name);
        if !text.is_empty() || !hint.is_empty() {
            first.push_str(": ");
            first.push(&text);
            first.push_str(&hint);
        }
        let newline = PyStr::from("\n");
        let mut lines = first.finish().split(Some(&newline), None);
        let notes = self.get_attr_opt(exception, self.n(N::notes));
        if let Err(raised) = &notes {
            self.root(raised.0);
            let why = match self.repr(raised.0) {
                Ok(text) => self.heap.text(text).clone(),
                Err(_) => PyStr::from("<__notes__ repr() failed>"),
            };
            lines.push(PyStr::from("Ignored error getting __notes__: ").concat(&why));
        }
        if let Ok(Some(notes)) = notes
            && !notes.is_none()
        {
            self.root(notes);
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
        let (qualname, attrs, is_heap) = (self.heap.string(c.qualname), c.attrs, c.is_heap);
        let module = self.heap.ns_get(attrs, self.n(N::module));
        match module.and_then(|m| self.heap.as_str(m)) {
            Some(m) if !m.eq_str("__main__") && !m.eq_str("builtins") => format!("{m}.{qualname}"),
            None if is_heap && module.is_some() => format!("<unknown>.{qualname}"),
            _ => qualname,
        }
    }

    /// ". Did you mean: 'x'?" for a name or attribute that isn't there, and whether an import was
    /// forgotten. CPython 3.13 traceback.py TracebackException.__init__.
    fn suggestion(&mut self, exception: Value, has_trace: bool) -> Option<String> {
        let close = self.close_name(exception, has_trace);
        let meant = close.map(|close| format!(". Did you mean: '{close}'?"));
        let is_name = self.is_instance_of(exception, B::NameError);
        let forgotten = is_name.then(|| self.name_of_module(exception)).flatten();
        match (meant, forgotten) {
            (Some(meant), Some(module)) => {
                Some(format!("{meant} Or did you forget to import '{module}'?"))
            }
            (None, Some(module)) => Some(format!(". Did you forget to import '{module}'?")),
            (meant, None) => meant,
        }
    }

    /// The name that a NameError misses, if it is a module's.
    fn name_of_module(&self, exception: Value) -> Option<String> {
        let name = self.heap.get::<Exception>(exception)?.fields[0].some()?;
        let name = self.heap.as_str(name)?.to_lossy();
        library_names::is_of_library(&name).then_some(name)
    }

    /// The nearest to a name or attribute that isn't there.
    /// CPython 3.13 traceback.py _compute_suggestion_error.
    fn close_name(&mut self, exception: Value, has_trace: bool) -> Option<String> {
        let is_attribute = self.is_instance_of(exception, B::AttributeError);
        let is_import = self.is_instance_of(exception, B::ImportError);
        let is_name = self.is_instance_of(exception, B::NameError);
        if !(is_attribute || is_import || is_name) {
            return None;
        }
        let fields = self.heap.get::<Exception>(exception)?.fields;
        let (name, slf) = match is_import {
            true => (fields[3], None),
            false => (fields[0], fields[2].given()),
        };
        let wanted = self.heap.as_str(name.some()?)?.to_lossy();
        let mut names: Vec<String> = Vec::new();
        if is_attribute {
            let obj = fields[1].given()?;
            self.attribute_names(obj, &mut names);
            // Whoever writes a class means its hidden names too.
            let is_own = has_trace && slf == Some(obj);
            if !wanted.starts_with('_') && !is_own {
                names.retain(|n| !n.starts_with('_'));
            }
        } else if is_import {
            // It looks in what `import a.b` would bind: the package on top.
            let module = self.heap.as_str(fields[0].some()?)?.to_lossy();
            let top = self.heap.intern(module.split('.').next()?);
            let module = self.heap.ns_get(self.modules, top)?;
            self.heap.get::<Module>(module)?;
            if self.refused_name(module, name).is_some() {
                return None;
            }
            self.attribute_names(module, &mut names);
            if !wanted.starts_with('_') {
                names.retain(|n| !n.starts_with('_'));
            }
        } else {
            if !has_trace {
                return None;
            }
            if let Some(slf) = slf {
                let key = self.heap.intern(&wanted);
                if let Ok(Some(_)) = self.get_attr_opt(slf, key) {
                    return Some(format!("self.{wanted}"));
                }
            }
            let innermost = self.trace_entries(exception).last().copied()?;
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
        suggest::closest(&wanted, names.iter().map(String::as_str)).map(str::to_owned)
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
        if let Some(dict) = self.heap.attrs(obj) {
            push_dict(dict, names);
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
