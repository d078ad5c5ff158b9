//! The text of exceptions: `repr(e)`, and `str(e)` by what class it is.

use crate::native::PyResult;
use crate::object::bytes::Bytes;
use crate::object::class::B;
use crate::object::exception::Exception;
use crate::text::pystr::{PyStr, StrBuilder};
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// `BaseException.__repr__`: the class's name and the arguments.
    pub(crate) fn exception_repr(&mut self, v: Value) -> PyResult {
        let args = self.heap.cell::<Exception>(v).args;
        let mut out = StrBuilder::new();
        out.push_str(&self.type_name_whole(v));
        self.deeper_in(" while getting the repr of an object", |vm| {
            match vm.heap.as_tuple(args) {
                Some(&[arg]) => {
                    out.push_str("(");
                    vm.write_repr(&mut out, arg)?;
                    out.push_str(")");
                }
                _ => vm.write_repr(&mut out, args)?,
            }
            Ok(())
        })?;
        Ok(self.heap.str(out.finish()))
    }

    /// `str(e)` by the builtin class that `e` is an instance of.
    ///
    /// # Errors
    /// Of the arguments' own methods.
    pub fn exception_str(&mut self, v: Value) -> PyResult {
        let args: Vec<Value> = self
            .heap
            .as_tuple(self.heap.cell::<Exception>(v).args)
            .unwrap_or_default()
            .to_vec();
        let fields = self.heap.cell::<Exception>(v).fields;
        let is = |vm: &Vm, class: B| vm.is_instance_of(v, class);
        if is(self, B::KeyError) && args.len() == 1 {
            return self.repr(args[0]);
        }
        if is(self, B::OSError)
            && let (Some(errno), Some(strerror)) = (fields[0].given(), fields[1].given())
        {
            return self.os_error_str([errno, strerror, fields[2], fields[3]]);
        }
        if is(self, B::BaseExceptionGroup)
            && let (Some(message), Some(exceptions)) = (fields[0].given(), fields[1].given())
        {
            let n = self.heap.as_sequence(exceptions).map_or(0, <[Value]>::len);
            let mut out = StrBuilder::new();
            if let Some(message) = self.heap.as_str(message) {
                out.push(message);
            }
            out.push_str(&format!(
                " ({n} sub-exception{})",
                if n == 1 { "" } else { "s" }
            ));
            return Ok(self.heap.str(out.finish()));
        }
        if is(self, B::UnicodeError)
            && let Some(text) = self.unicode_error_text(v)?
        {
            return Ok(self.heap.str(text));
        }
        if is(self, B::SyntaxError)
            && let Some(text) = self.syntax_error_text(&args)?
        {
            return Ok(self.heap.str(text));
        }
        match args[..] {
            [] => Ok(self.heap.str("")),
            [arg] => self.deeper_in("", |vm| vm.str(arg)),
            _ => {
                let args = self.heap.cell::<Exception>(v).args;
                self.repr(args)
            }
        }
    }

    fn os_error_str(&mut self, [errno, strerror, filename, filename2]: [Value; 4]) -> PyResult {
        let mut out = StrBuilder::new();
        out.push_str("[Errno ");
        let errno = self.str(errno)?;
        out.push(self.heap.text(errno));
        out.push_str("] ");
        let strerror = self.str(strerror)?;
        out.push(self.heap.text(strerror));
        if let Some(filename) = filename.some() {
            out.push_str(": ");
            self.write_repr(&mut out, filename)?;
            if let Some(filename2) = filename2.some() {
                out.push_str(" -> ");
                self.write_repr(&mut out, filename2)?;
            }
        }
        Ok(self.heap.str(out.finish()))
    }

    /// The text of a Unicode error; UnicodeTranslateError has no encoding.
    fn unicode_error_text(&mut self, v: Value) -> PyResult<Option<PyStr>> {
        let decode = self.is_instance_of(v, B::UnicodeDecodeError);
        let translate = self.is_instance_of(v, B::UnicodeTranslateError);
        // What the constructor took, or has been set since.
        let [encoding, object, reason, range] = self.heap.cell::<Exception>(v).fields;
        let Some(&[start, end]) = self.heap.as_tuple(range) else {
            return Ok(None);
        };
        let encoding = (!translate).then_some(encoding);
        let (Some(start), Some(end)) = (self.heap.as_i64(start), self.heap.as_i64(end)) else {
            return Ok(None);
        };
        let reason = self.str_string(reason)?;
        let codec = match encoding {
            Some(encoding) => format!("'{}' codec ", self.str_string(encoding)?),
            None => String::new(),
        };
        let verb = if decode {
            "decode"
        } else if translate {
            "translate"
        } else {
            "encode"
        };
        let at = usize::try_from(start).unwrap_or(0);
        let single = end == start + 1;
        let what = if decode {
            match self
                .heap
                .get::<Bytes>(object)
                .and_then(|bytes| bytes.data.get(at))
            {
                Some(byte) if single => format!("byte 0x{byte:02x} in position {start}"),
                _ => format!("bytes in position {start}-{}", end - 1),
            }
        } else {
            match self.heap.as_str(object).and_then(|text| text.char_at(at)) {
                Some(cp @ 0..0x100) if single => {
                    format!("character '\\x{cp:02x}' in position {start}")
                }
                Some(cp @ 0x100..0x1_0000) if single => {
                    format!("character '\\u{cp:04x}' in position {start}")
                }
                Some(cp) if single => format!("character '\\U{cp:08x}' in position {start}"),
                _ => format!("characters in position {start}-{}", end - 1),
            }
        };
        Ok(Some(format!("{codec}can't {verb} {what}: {reason}").into()))
    }

    /// `message (file, line n)`, from the arguments (message, (file, line, …)).
    fn syntax_error_text(&mut self, args: &[Value]) -> PyResult<Option<PyStr>> {
        let &[message, details] = args else {
            return Ok(None);
        };
        let Some(&[file, line, ..]) = self.heap.as_tuple(details) else {
            return Ok(None);
        };
        let mut out = StrBuilder::new();
        let message = self.str(message)?;
        out.push(self.heap.text(message));
        let file = self.heap.as_str(file).map(PyStr::to_lossy);
        let file = file
            .as_deref()
            .map(|file| file.rsplit('/').next().unwrap_or(file));
        let text = match (file, self.heap.as_i64(line)) {
            (Some(file), Some(line)) => format!(" ({file}, line {line})"),
            (Some(file), None) => format!(" ({file})"),
            (None, Some(line)) => format!(" (line {line})"),
            (None, None) => String::new(),
        };
        out.push_str(&text);
        Ok(Some(out.finish()))
    }
}
