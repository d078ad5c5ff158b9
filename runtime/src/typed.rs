//! A boxed object of the library with the id of its type beside it: asking what it is takes a
//! comparison, where `dyn Any` is asked by a call.

use std::any::TypeId;
use std::ops::{Deref, DerefMut};

use crate::object::opaque::Native;

/// See the module's text.
pub struct Typed {
    /// Invariant: of the type of `object`.
    id: TypeId,
    object: Box<dyn Native>,
}

impl Typed {
    pub fn new<T: Native>(object: T) -> Typed {
        Typed {
            id: TypeId::of::<T>(),
            object: Box::new(object),
        }
    }

    /// The id of the object's type.
    #[inline(always)]
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// The object if it is a `T`.
    #[inline(always)]
    pub fn get<T: Native>(&self) -> Option<&T> {
        if self.id != TypeId::of::<T>() {
            return None;
        }
        // SAFETY: the field's invariant.
        Some(unsafe { &*(&raw const *self.object).cast() })
    }

    /// As `get`, for writing.
    #[inline(always)]
    pub fn get_mut<T: Native>(&mut self) -> Option<&mut T> {
        if self.id != TypeId::of::<T>() {
            return None;
        }
        // SAFETY: the field's invariant.
        Some(unsafe { &mut *(&raw mut *self.object).cast() })
    }
}

impl Deref for Typed {
    type Target = dyn Native;
    fn deref(&self) -> &dyn Native {
        &*self.object
    }
}

impl DerefMut for Typed {
    fn deref_mut(&mut self) -> &mut dyn Native {
        &mut *self.object
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Marker;

    struct Text(String);
    struct Number(u64);
    impl Native for Text {
        fn trace(&self, _marker: &mut Marker) {}
    }
    impl Native for Number {
        fn trace(&self, _marker: &mut Marker) {}
        fn external_bytes(&self) -> usize {
            self.0 as usize
        }
    }

    #[test]
    fn it_is_what_it_was_made_of_and_nothing_else() {
        let mut text = Typed::new(Text("a".to_owned()));
        let number = Typed::new(Number(7));
        assert!(text.get::<Number>().is_none() && number.get::<Text>().is_none());
        text.get_mut::<Text>().expect("a text").0.push('b');
        assert_eq!(text.get::<Text>().expect("a text").0, "ab");
        assert_eq!(number.external_bytes(), 7, "as the trait says");
    }
}
