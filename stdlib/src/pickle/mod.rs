//! `_pickle_parts`: the hot ways of module `pickle`. The saver writes exact builtin values and
//! plain instances and asks the module what to write for the rest; the loader runs the opcodes of
//! one piece of bytes and hands what it has over to the module where an opcode is none of its own
//! or is not as it should be. Neither recurses.

mod frames;
mod load;
mod opcode;
mod save;

use lockstep_runtime::native::function;

use crate::NativeModule;

pub static MODULE: NativeModule = NativeModule {
    name: "_pickle_parts",
    functions: &[
        function(
            "save(obj, protocol, memo, apart, dispatch_table, /)",
            save::save,
        ),
        function("load(data, proto, find_class, build, state, /)", load::load),
        function("parts(state, /)", load::parts),
    ],
    init: load::init,
};
