//! `memoryview.cast`: the same bytes as items of another type or in another shape.
//! CPython 3.13 memoryobject.c memory_cast, cast_to_1D and cast_to_ND.

use lockstep_runtime::object::buffer::MemoryView;
use lockstep_runtime::{PyResult, Value, Vm};

use super::{flat, make};
use crate::builtins::codec;
use crate::{args, item};

const DIMENSIONS_MAX: usize = 64;

fn is_byte(code: u8) -> bool {
    matches!(code, b'B' | b'b' | b'c')
}

pub fn cast(vm: &mut Vm, a: &[Value]) -> PyResult {
    vm.live_view(a[0])?;
    if vm.heap.as_str(a[1]).is_none() {
        let found = args::shown_type(vm, a[1]);
        let message = format!("cast() argument 'format' must be str, not {found}");
        return Err(vm.type_error(message));
    }
    if !vm.live_view(a[0])?.is_c_contiguous() {
        let message = "memoryview: casts are restricted to C-contiguous views";
        return Err(vm.type_error(message));
    }
    let mut shape = None;
    if let Some(given) = a[2].some() {
        let Some(dimensions) = vm.heap.as_sequence(given).map(<[Value]>::to_vec) else {
            return Err(vm.type_error("shape must be a list or a tuple"));
        };
        if dimensions.len() > DIMENSIONS_MAX {
            let message = "memoryview: number of dimensions must not exceed 64";
            return Err(vm.value_error(message));
        }
        let n_dimensions = vm.live_view(a[0])?.shape.len();
        if n_dimensions != 1 && dimensions.len() != 1 {
            return Err(vm.type_error("memoryview: cast must be 1D -> ND or ND -> 1D"));
        }
        shape = Some(dimensions);
    }
    let format = codec::encode_str(vm, a[1], "ascii", "strict")?;
    // It is a text of C.
    let format = format.split(|&byte| byte == 0).next().unwrap_or(&[]);
    let mut view = retyped(vm, a[0], format)?;
    if let Some(dimensions) = shape {
        reshape(vm, &mut view, &dimensions)?;
    }
    Ok(make(vm, view))
}

/// The view as one dimension of items of a format.
fn retyped(vm: &mut Vm, this: Value, format: &[u8]) -> PyResult<MemoryView> {
    let code = match *format.strip_prefix(b"@").unwrap_or(format) {
        [code] if code != b'w' => item::size(code).map(|size| (code, size)),
        _ => None,
    };
    let Some((code, item_bytes)) = code else {
        let message = "memoryview: destination format must be a native single character format \
                       prefixed with an optional '@'";
        return Err(vm.value_error(message));
    };
    let mut view = vm.live_view(this)?.again();
    if !is_byte(view.code) && !is_byte(code) {
        let message = "memoryview: cannot cast between two non-byte formats";
        return Err(vm.type_error(message));
    }
    let n_bytes = view.n_bytes();
    if n_bytes % item_bytes != 0 {
        let message = "memoryview: length is not a multiple of itemsize";
        return Err(vm.type_error(message));
    }
    view.code = code;
    view.at_sign = format.starts_with(b"@");
    view.item_bytes = item_bytes;
    flat(&mut view, n_bytes / item_bytes);
    Ok(view)
}

fn reshape(vm: &mut Vm, view: &mut MemoryView, dimensions: &[Value]) -> PyResult<()> {
    let n_bytes = view.n_bytes();
    let mut shape = Vec::with_capacity(dimensions.len());
    let mut product = 1usize;
    for &dimension in dimensions {
        if !vm.heap.is_int(dimension) {
            let message = "memoryview.cast(): elements of shape must be integers";
            return Err(vm.type_error(message));
        }
        let n = match usize::try_from(vm.to_ssize(dimension)?) {
            Ok(n @ 1..) => n,
            _ => {
                let message = "memoryview.cast(): elements of shape must be integers > 0";
                return Err(vm.value_error(message));
            }
        };
        product = match product.checked_mul(n).filter(|&n| n <= isize::MAX as usize) {
            Some(product) => product,
            None => return Err(vm.value_error("memoryview.cast(): product(shape) > SSIZE_MAX")),
        };
        shape.push(n);
    }
    if product.checked_mul(view.item_bytes) != Some(n_bytes) {
        let message = "memoryview: product(shape) * itemsize != buffer size";
        return Err(vm.type_error(message));
    }
    let mut stride = view.item_bytes;
    view.strides.clear();
    for &n in shape.iter().rev() {
        view.strides.push(stride as isize);
        stride *= n;
    }
    view.strides.reverse();
    view.shape = shape.into();
    Ok(())
}
