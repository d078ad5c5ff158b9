//! The text of an exception that nobody caught in a task or a callback: its
//! traceback and those of the exceptions that led to it.

use lockstep_runtime::object::exception::Exception;
use lockstep_runtime::{Value, Vm};

/// Most exceptions of a chain that are shown.
const CHAIN_MAX: usize = 20;

/// The text, ending in a newline. What `str()` of an exception raises is left out.
pub fn error_text(vm: &mut Vm, exception: Value) -> String {
    let mut chain = vec![(exception, "")];
    while chain.len() < CHAIN_MAX
        && let Some(&(last, _)) = chain.last()
        && let Some(e) = vm.heap.get::<Exception>(last)
    {
        let (before, link) = if !e.cause.is_none() {
            (
                e.cause,
                "\nThe above exception was the direct cause of the following exception:\n\n",
            )
        } else if !e.suppress_context {
            (
                e.context,
                "\nDuring handling of the above exception, another exception occurred:\n\n",
            )
        } else {
            break;
        };
        if before.is_none() || chain.iter().any(|&(seen, _)| seen == before) {
            break;
        }
        if let Some(last) = chain.last_mut() {
            last.1 = link;
        }
        chain.push((before, ""));
    }
    let mut text = String::new();
    for &(exception, link) in chain.iter().rev() {
        text += link;
        text += &one(vm, exception);
    }
    text
}

fn one(vm: &mut Vm, exception: Value) -> String {
    let mut text = String::new();
    let lines = vm.trace_lines(exception);
    if !lines.is_empty() {
        text += "Traceback (most recent call last):\n";
    }
    for line in lines {
        text += &format!(
            "  File \"{}\", line {}, in {}\n",
            line.file, line.line, line.name
        );
        if !line.text.is_empty() {
            text += &format!("    {}\n", line.text);
        }
    }
    let class = vm.heap.class_of(exception);
    text += &vm.class_full_name(class);
    match vm.str_string(exception) {
        Ok(message) if message.is_empty() => {}
        Ok(message) => text += &format!(": {message}"),
        Err(_) => text += ": <exception str() failed>",
    }
    text.push('\n');
    text
}
