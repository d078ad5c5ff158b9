//! The kinds of cells: one row each. What the collector does per kind
//! (trace, drop, count bytes) follows from the table.

use super::{Header, Marker, Object, tail_offset};
use crate::object;
use crate::value::Value;

macro_rules! kinds {
    ($($name:ident = $ty:ty;)*) => {
        /// What a cell holds.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        pub enum Kind {
            /// Nothing: the cell is on a free list.
            Free,
            $($name,)*
        }

        /// Marks what the cell's object and tail hold, a part of it where that is much: see
        /// `Object::trace_from`.
        ///
        /// # Safety
        /// `cell` is a live cell.
        pub unsafe fn trace_cell(cell: *mut Header, from: usize, marker: &mut Marker) -> Option<usize> {
            // SAFETY: the caller's promise; the kind names the type in the cell.
            unsafe {
                match (*cell).kind {
                    Kind::Free => None,
                    $(Kind::$name => {
                        marker.mark_all(tail_in::<$ty>(cell));
                        (*object_in::<$ty>(cell)).trace_from(from, marker)
                    })*
                }
            }
        }

        /// By kind: whether dropping a cell's object does anything.
        pub const NEEDS_DROP: [bool; N_KINDS] = [
            false,
            $(std::mem::needs_drop::<$ty>(),)*
        ];

        const N_KINDS: usize = [Kind::Free, $(Kind::$name,)*].len();

        /// Drops the cell's object in place.
        ///
        /// # Safety
        /// `cell` is a live cell, and is not used as one afterwards.
        pub unsafe fn drop_cell(cell: *mut Header) {
            // SAFETY: as in `trace_cell`.
            unsafe {
                match (*cell).kind {
                    Kind::Free => {}
                    $(Kind::$name => {
                        if std::mem::needs_drop::<$ty>() {
                            std::ptr::drop_in_place(object_in::<$ty>(cell));
                        }
                    })*
                }
            }
        }

        /// Bytes that the cell's object holds outside the cell.
        ///
        /// # Safety
        /// `cell` is a live cell.
        pub unsafe fn external_bytes(cell: *mut Header) -> usize {
            // SAFETY: as in `trace_cell`.
            unsafe {
                match (*cell).kind {
                    Kind::Free => 0,
                    $(Kind::$name => (*object_in::<$ty>(cell)).external_bytes(),)*
                }
            }
        }
    };
}

fn object_in<T>(cell: *mut Header) -> *mut T {
    cell.cast::<u8>().wrapping_add(16).cast()
}

/// # Safety
/// `cell` is a live cell that holds a `T`.
unsafe fn tail_in<'a, T: Object>(cell: *mut Header) -> &'a [Value] {
    // SAFETY: the caller's promise; the tail has `tail_len` values.
    unsafe {
        std::slice::from_raw_parts(
            cell.cast::<u8>().add(tail_offset::<T>()).cast::<Value>(),
            (*cell).tail_len as usize,
        )
    }
}

kinds! {
    Float = object::number::FloatBox;
    BigInt = object::number::Big;
    Str = object::str::Str;
    Bytes = object::bytes::Bytes;
    List = object::list::List;
    Tuple = object::tuple::Tuple;
    Dict = object::dict::Dict;
    DictView = object::dict::DictView;
    MappingProxy = object::dict::MappingProxy;
    Set = object::set::Set;
    Range = object::range::Range;
    Slice = object::range::Slice;
    Iter = object::iter::Iter;
    Class = object::class::Class;
    Instance = object::instance::Instance;
    SlotDescriptor = object::instance::SlotDescriptor;
    Cell = object::function::Cell;
    Code = object::function::CodeObject;
    Function = object::function::Function;
    Method = object::function::Method;
    Native = object::function::Native;
    Property = object::descriptor::Property;
    StaticMethod = object::descriptor::StaticMethod;
    ClassMethod = object::descriptor::ClassMethod;
    GetSet = object::descriptor::GetSet;
    Super = object::descriptor::Super;
    Module = object::module::Module;
    Exception = object::exception::Exception;
    Traceback = object::exception::Traceback;
    Generator = object::generator::Generator;
    AsyncGenOp = object::generator::AsyncGenOp;
    Future = object::future::Future;
    Handle = object::handle::Handle;
    EventLoop = crate::event_loop::EventLoop;
    WeakRef = object::weak::WeakRef;
    Opaque = object::opaque::Opaque;
}
