//! The folder that a script is in: `os.chdir` and `os.getcwd`. It is the VM's own, so that one
//! script does not move the process, nor another VM, elsewhere. Every path that is given to the
//! file system goes through `resolve`.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use lockstep_runtime::object::opaque::Native;
use lockstep_runtime::{Marker, Vm};

/// The folder that a script went to; None while it is where the process is.
#[derive(Default)]
struct Folder(Option<PathBuf>);

impl Native for Folder {
    fn trace(&self, _: &mut Marker) {}
}

/// A path as the process sees it.
pub fn resolve(vm: &mut Vm, path: &OsStr) -> PathBuf {
    match &vm.ext::<Folder>().0 {
        // An empty path names nothing, not the folder itself.
        Some(folder) if !path.is_empty() => folder.join(path),
        _ => PathBuf::from(path),
    }
}

/// The folder that the script is in.
///
/// # Errors
/// Of the process's folder, when that is gone.
pub fn current(vm: &mut Vm) -> io::Result<PathBuf> {
    match &vm.ext::<Folder>().0 {
        Some(folder) => Ok(folder.clone()),
        None => std::env::current_dir(),
    }
}

/// Goes to a folder, whose path is resolved already.
///
/// # Errors
/// That it is not there, or no folder, or may not be entered.
pub fn enter(vm: &mut Vm, path: &Path) -> io::Result<()> {
    let folder = std::fs::canonicalize(path)?;
    if !folder.is_dir() {
        return Err(io::Error::from_raw_os_error(NOT_A_DIRECTORY));
    }
    // Whoever may look through a folder may look at its "." too.
    std::fs::metadata(folder.join("."))?;
    vm.ext::<Folder>().0 = Some(folder);
    Ok(())
}

/// `ENOTDIR` of Linux and macOS.
const NOT_A_DIRECTORY: i32 = 20;
