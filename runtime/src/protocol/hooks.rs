//! What the fast paths must know of a class (`Hooks`), found anew whenever a class changes: which
//! special methods it has, and whether a script wrote them.

use crate::heap::Kind;
use crate::object::class::{B, Class, Hooks};
use crate::protocol::class::EXCEPTIONS_WITH_FIELDS;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::names::N;

/// The names that decide; each is a bit of `Class::own_specials`, by its place here.
const SPECIALS: [N; 12] = [
    N::getattribute,
    N::getattr,
    N::setattr,
    N::delattr,
    N::new,
    N::init,
    N::eq,
    N::ne,
    N::hash,
    N::del,
    N::bool,
    N::len,
];

/// A set of `SPECIALS`.
const fn bits(names: &[N]) -> u16 {
    let mut all = 0;
    let mut at = 0;
    while at < names.len() {
        let mut bit = 0;
        while SPECIALS[bit] as usize != names[at] as usize {
            bit += 1;
        }
        all |= 1 << bit;
        at += 1;
    }
    all
}

impl Vm {
    /// Must follow every change of a class's attributes or bases: its caches
    /// and those of its subclasses become stale.
    pub fn class_changed(&mut self, class: Value) {
        let own = self.own_specials(class);
        self.heap.cell_mut::<Class>(class).own_specials = own;
        self.class_outdated(class);
    }

    fn class_outdated(&mut self, class: Value) {
        let version = self.new_version();
        let c = self.heap.cell_mut::<Class>(class);
        c.version = version;
        let root_shape = c.root_shape;
        self.heap.shapes.set_version(root_shape, version);
        let hooks = self.compute_hooks(class);
        self.heap.cell_mut::<Class>(class).hooks = hooks;
        for sub in self.subclasses(class) {
            self.class_outdated(sub);
        }
    }

    /// Which of `SPECIALS` stand in the namespace of the class itself.
    fn own_specials(&self, class: Value) -> u16 {
        let attrs = self.heap.cell::<Class>(class).attrs;
        let has = |&name: &N| self.heap.ns_find(attrs, self.n(name)).is_some();
        let found = SPECIALS.iter().enumerate().filter(|(_, name)| has(name));
        found.fold(0, |own, (bit, _)| own | 1 << bit)
    }

    fn compute_hooks(&self, class: Value) -> Hooks {
        let (object, type_class) = (self.class(B::Object), self.class(B::Type));
        // What an attribute look-up would find, by whose it is.
        let (mut found, mut overridden, mut by_script) = (0, 0, 0);
        for &base in &self.heap.cell::<Class>(class).mro {
            let c = self.heap.cell::<Class>(base);
            let first = c.own_specials & !found;
            found |= first;
            if base != object {
                overridden |= first;
                if base != type_class && c.is_heap {
                    by_script |= first;
                }
            }
        }
        let any = |of: u16, names: u16| of & names != 0;
        let plain_exceptions = self.has_plain_exceptions(class);
        let plain_exception_new = plain_exceptions && !any(by_script, const { bits(&[N::new]) });
        Hooks {
            custom_getattr: any(by_script, const { bits(&[N::getattribute]) })
                || any(found, const { bits(&[N::getattr]) }),
            custom_setattr: any(by_script, const { bits(&[N::setattr, N::delattr]) }),
            plain_new: !any(overridden, const { bits(&[N::new]) }),
            plain_exceptions,
            plain_exception_new,
            keeps_args: plain_exception_new && !any(by_script, const { bits(&[N::init]) }),
            custom_eq: any(overridden, const { bits(&[N::eq, N::ne]) }),
            custom_hash: any(overridden, const { bits(&[N::hash]) }),
            has_del: any(overridden, const { bits(&[N::del]) }),
            custom_truth: any(overridden, const { bits(&[N::bool, N::len]) }),
        }
    }

    /// Whether exceptions of this class have no fields besides those of
    /// BaseException: what `__new__` and `__init__` of the class itself do is
    /// to keep the arguments.
    fn has_plain_exceptions(&self, class: Value) -> bool {
        let c = self.heap.cell::<Class>(class);
        c.layout == Kind::Exception
            && !EXCEPTIONS_WITH_FIELDS
                .iter()
                .any(|&b| self.is_subclass(self.class(c.builtin_base), self.class(b)))
    }
}
