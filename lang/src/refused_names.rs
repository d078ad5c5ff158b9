//! Names and modules of CPython 3.13's library that the language leaves out: `refused_names.txt`,
//! which is the one list of them. Takes a module's name and one of its names, gives the reason and
//! the way out. Which names there are instead it doesn't know.

use crate::ast::{ImportFrom, ImportNames, Module, StmtKind};
use crate::diagnostic::{Diagnostic, ErrorClass};

const TABLE: &str = include_str!("refused_names.txt");

/// The section of whole modules.
pub const MODULES: &str = "import";

/// Of a `from … import …` whose name is refused.
const CODE: &str = "E0906";

/// Names of one module, refused for one reason.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// [`MODULES`] where the names are modules.
    pub module: &'static str,
    pub reason: &'static str,
    pub way_out: &'static str,
    names: &'static str,
}

impl Section {
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.names.split_ascii_whitespace()
    }

    /// What is told of one of them while a script runs.
    pub fn message(&self, what: &str) -> String {
        format!("{what} is not supported: {}; {}", self.reason, self.way_out)
    }
}

/// The table, section by section.
pub fn sections() -> impl Iterator<Item = Section> {
    beginning_with("\n[").map(section)
}

/// The rest of the table behind each place where this stands. An import asks, so that the table
/// isn't taken apart for it.
fn beginning_with(text: &str) -> impl Iterator<Item = &'static str> {
    let places = memchr::memmem::find_iter(TABLE.as_bytes(), text.as_bytes()).collect::<Vec<_>>();
    places.into_iter().map(|at| &TABLE[at + "\n[".len()..])
}

/// What begins behind the bracket of its head.
fn section(text: &'static str) -> Section {
    let end = memchr::memmem::find(text.as_bytes(), b"\n[").unwrap_or(text.len());
    let (head, names) = text[..end].split_once('\n').unwrap_or((text, ""));
    let (module, why) = head.split_once("] ").unwrap_or((head, ""));
    let (reason, way_out) = why.split_once("; ").unwrap_or((why, ""));
    Section {
        module,
        reason,
        way_out,
        names,
    }
}

fn find(module: &str, name: &str) -> Option<Section> {
    beginning_with(&format!("\n[{module}] "))
        .map(section)
        .find(|section| section.names().any(|n| n == name))
}

/// Why `module` has no `name`, which may be a module inside it.
pub fn of_module(module: &str, name: &str) -> Option<Section> {
    find(module, name).or_else(|| find(MODULES, &format!("{module}.{name}")))
}

/// Why there is no such module, or none of those around it.
pub fn module(name: &str) -> Option<Section> {
    let mut name = name;
    loop {
        match (find(MODULES, name), name.rfind('.')) {
            (Some(section), _) => return Some(section),
            (None, Some(dot)) => name = &name[..dot],
            (None, None) => return None,
        }
    }
}

/// The imports of refused names that are sure to run: those in no other statement.
pub fn check(module: &Module) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for stmt in &module.body {
        if let StmtKind::ImportFrom(node) = &stmt.kind {
            check_import(node, &mut found);
        }
    }
    found
}

fn check_import(node: &ImportFrom, found: &mut Vec<Diagnostic>) {
    let (0, Some(path), ImportNames::Names(names)) = (node.level, &node.module, &node.names) else {
        return;
    };
    let module = path.text();
    for imported in names {
        let name = imported.name.name.as_str();
        if let Some(section) = find(&module, name) {
            let message = format!("{module}.{name} is not supported: {}", section.reason);
            let diagnostic = Diagnostic::new(CODE, ErrorClass::Unsupported, message, imported.span);
            found.push(diagnostic.help(section.way_out));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_section_says_why_and_what_else() {
        let mut seen = BTreeSet::new();
        for section in sections() {
            assert!(!section.reason.is_empty(), "{section:?}");
            assert!(!section.way_out.is_empty(), "{section:?}");
            assert!(section.names().next().is_some(), "{section:?}");
            for name in section.names() {
                assert!(seen.insert((section.module, name)), "{name} twice");
            }
        }
        assert!(seen.len() > 500);
    }

    #[test]
    fn a_name_is_found_in_its_module_alone() {
        assert!(of_module("os", "fork").is_some());
        assert!(of_module("os", "path").is_none());
        assert!(of_module("sys", "fork").is_none());
        assert!(of_module("logging.config", "fileConfig").is_some());
        assert!(module("xml.etree.ElementTree").is_some());
        assert!(module("fork").is_none());
    }
}
