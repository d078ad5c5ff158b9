//! `_os`: what a script may ask of the machine it runs on. The module `os`, written in the
//! language, shows it. Failures become OSError; nothing here runs a process.

use std::fs::Metadata;
use std::io;
use std::path::Path;

use lockstep_runtime::native::function;
use lockstep_runtime::object::exception::Exception;
use lockstep_runtime::{PyResult, Raised, Value, Vm};

use crate::builtins::file::{io_error, write_what_is_forgotten};
use crate::{NativeModule, folder};

pub static MODULE: NativeModule = NativeModule {
    name: "_os",
    functions: &[
        function("environ()", environ),
        function("getpid()", |vm, _| {
            Ok(vm.heap.usize(std::process::id() as usize))
        }),
        function("cpu_count()", |vm, _| {
            let n = std::thread::available_parallelism().map_or(1, usize::from);
            Ok(vm.heap.usize(n))
        }),
        function("getcwd()", |vm, _| match folder::current(vm) {
            Ok(path) => Ok(vm.heap.str(&*path.to_string_lossy())),
            Err(error) => Err(failed(vm, &error, None)),
        }),
        function("chdir(path, /)", |vm, a| {
            let path = path_of(vm, a[0])?;
            match folder::enter(vm, Path::new(&path)) {
                Ok(()) => Ok(Value::NONE),
                Err(error) => Err(failed(vm, &error, Some(a[0]))),
            }
        }),
        function("stat(path, follow, /)", stat),
        function("status(path, follow, /)", status),
        function("listdir(path, /)", listdir),
        function("chmod(path, mode, /)", chmod),
        function("disk_usage(path, /)", disk_usage),
        function("symlink(src, dst, /)", |vm, a| {
            let target = text_of(vm, a[0])?;
            let link = path_of(vm, a[1])?;
            done_from_to(vm, a, system::symlink(&target, &link))
        }),
        function("link(src, dst, /)", |vm, a| {
            let (from, to) = (path_of(vm, a[0])?, path_of(vm, a[1])?);
            done_from_to(vm, a, std::fs::hard_link(from, to))
        }),
        function("readlink(path, /)", |vm, a| {
            let path = path_of(vm, a[0])?;
            match std::fs::read_link(path) {
                Ok(target) => Ok(vm.heap.str(&*target.to_string_lossy())),
                Err(error) => Err(failed(vm, &error, Some(a[0]))),
            }
        }),
        function("utime(path, atime_ns, mtime_ns, /)", utime),
        function("mkdir(path, /)", |vm, a| {
            done(vm, a, |path| std::fs::create_dir(path))
        }),
        function("rmdir(path, /)", |vm, a| {
            done(vm, a, |path| std::fs::remove_dir(path))
        }),
        function("remove(path, /)", |vm, a| {
            done(vm, a, |path| std::fs::remove_file(path))
        }),
        function("rename(src, dst, /)", rename),
        function("urandom(size, /)", urandom),
    ],
    init: |_, _| Ok(()),
};

fn failed(vm: &mut Vm, error: &io::Error, path: Option<Value>) -> Raised {
    io_error(vm, error, path)
}

/// A path as the process sees it.
fn path_of(vm: &mut Vm, v: Value) -> PyResult<String> {
    let text = text_of(vm, v)?;
    Ok(folder::resolve(vm, text))
}

/// The text of a path, which the module has already checked to be a str.
fn text_of(vm: &mut Vm, v: Value) -> PyResult<String> {
    match vm.heap.as_str(v).map(|text| text.to_lossy()) {
        Some(path) if path.contains('\0') => Err(vm.value_error("embedded null byte")),
        Some(path) => Ok(path),
        None => Err(vm.type_error("a path must be str")),
    }
}

fn done(vm: &mut Vm, a: &[Value], act: fn(&Path) -> io::Result<()>) -> PyResult {
    let path = path_of(vm, a[0])?;
    match act(Path::new(&path)) {
        Ok(()) => Ok(Value::NONE),
        Err(error) => Err(failed(vm, &error, Some(a[0]))),
    }
}

fn environ(vm: &mut Vm, _: &[Value]) -> PyResult {
    let dict = vm.heap.dict();
    vm.root(dict);
    for (name, value) in std::env::vars_os() {
        let name = vm.heap.intern(&name.to_string_lossy());
        let value = vm.heap.str(&*value.to_string_lossy());
        vm.heap.ns_set(dict, name, value);
    }
    Ok(dict)
}

/// What the system tells of the path `a[0]`, or of the link that it is unless `a[1]`.
fn look_up(vm: &mut Vm, a: &[Value]) -> PyResult<Metadata> {
    let path = path_of(vm, a[0])?;
    write_what_is_forgotten(vm, &path);
    let found = match vm.truth(a[1])? {
        true => std::fs::metadata(&path),
        false => std::fs::symlink_metadata(&path),
    };
    found.map_err(|error| failed(vm, &error, Some(a[0])))
}

/// (is it a directory, a file, a link; its size; the time of its last change in seconds).
fn stat(vm: &mut Vm, a: &[Value]) -> PyResult {
    let found = look_up(vm, a)?;
    let changed = found
        .modified()
        .ok()
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
        .map_or(0.0, |d| d.as_secs_f64());
    let changed = vm.heap.float(changed);
    let size = vm.heap.usize(found.len() as usize);
    Ok(vm.heap.tuple(&[
        Value::bool(found.is_dir()),
        Value::bool(found.is_file()),
        Value::bool(found.is_symlink()),
        size,
        changed,
    ]))
}

/// All that `os.stat` tells: mode, inode, device, links, owner, group, size, and the times of the
/// last access, change and change of status in nanoseconds.
fn status(vm: &mut Vm, a: &[Value]) -> PyResult {
    let found = look_up(vm, a)?;
    let numbers = system::status(&found);
    let list = vm.heap.list(Vec::with_capacity(numbers.len()));
    vm.root(list);
    for number in numbers {
        let number = vm.heap.big(number.into());
        vm.heap.list_push(list, number);
    }
    Ok(list)
}

/// `(total, used, free)` bytes of the disk that a path is on.
fn disk_usage(vm: &mut Vm, a: &[Value]) -> PyResult {
    let path = path_of(vm, a[0])?;
    match system::disk_usage(&path) {
        Ok(numbers) => {
            let numbers = numbers.map(|n| vm.heap.big(n.into()));
            Ok(vm.heap.tuple(&numbers))
        }
        Err(error) => Err(failed(vm, &error, Some(a[0]))),
    }
}

fn chmod(vm: &mut Vm, a: &[Value]) -> PyResult {
    let path = path_of(vm, a[0])?;
    let mode = vm.index_i64(a[1])? as u32;
    match system::set_mode(&path, mode) {
        Ok(()) => Ok(Value::NONE),
        Err(error) => Err(failed(vm, &error, Some(a[0]))),
    }
}

fn utime(vm: &mut Vm, a: &[Value]) -> PyResult {
    use std::time::{Duration, UNIX_EPOCH};

    let path = path_of(vm, a[0])?;
    let mut at = |v: Value| -> PyResult<std::time::SystemTime> {
        let ns = vm.index_i64(v)?;
        let span = Duration::from_nanos(ns.unsigned_abs());
        Ok(if ns < 0 {
            UNIX_EPOCH - span
        } else {
            UNIX_EPOCH + span
        })
    };
    let times = std::fs::FileTimes::new()
        .set_accessed(at(a[1])?)
        .set_modified(at(a[2])?);
    match std::fs::File::open(path).and_then(|file| file.set_times(times)) {
        Ok(()) => Ok(Value::NONE),
        Err(error) => Err(failed(vm, &error, Some(a[0]))),
    }
}

fn listdir(vm: &mut Vm, a: &[Value]) -> PyResult {
    let path = path_of(vm, a[0])?;
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) => return Err(failed(vm, &error, Some(a[0]))),
    };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    // CPython's order is the file system's; ours is the same in every run.
    names.sort();
    let list = vm.heap.list(Vec::with_capacity(names.len()));
    for name in names {
        let name = vm.heap.str(name.as_str());
        vm.heap.list_push(list, name);
    }
    Ok(list)
}

fn rename(vm: &mut Vm, a: &[Value]) -> PyResult {
    let (from, to) = (path_of(vm, a[0])?, path_of(vm, a[1])?);
    done_from_to(vm, a, std::fs::rename(from, to))
}

/// How it went with the paths `a[0]` and `a[1]`.
fn done_from_to(vm: &mut Vm, a: &[Value], result: io::Result<()>) -> PyResult {
    let Err(error) = result else {
        return Ok(Value::NONE);
    };
    let raised = failed(vm, &error, Some(a[0]));
    if let Some(e) = vm.heap.get_mut::<Exception>(raised.0) {
        e.fields[3] = a[1];
    }
    Err(raised)
}

fn urandom(vm: &mut Vm, a: &[Value]) -> PyResult {
    use std::io::Read;

    let Ok(n) = usize::try_from(vm.index_i64(a[0])?) else {
        return Err(vm.value_error("negative argument not allowed"));
    };
    vm.check_size(n)?;
    let mut data = vec![0; n];
    match std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut data)) {
        Ok(()) => Ok(vm.heap.bytes(data)),
        Err(error) => Err(failed(vm, &error, None)),
    }
}

/// What `std` has for some systems only.
#[cfg(unix)]
mod system {
    use std::fs::{Metadata, Permissions, set_permissions};
    use std::io;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    pub use std::os::unix::fs::symlink;

    /// In the order of `super::status`.
    pub fn status(found: &Metadata) -> [i128; 10] {
        let time = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        [
            found.mode().into(),
            found.ino().into(),
            found.dev().into(),
            found.nlink().into(),
            found.uid().into(),
            found.gid().into(),
            found.size().into(),
            time(found.atime(), found.atime_nsec()),
            time(found.mtime(), found.mtime_nsec()),
            time(found.ctime(), found.ctime_nsec()),
        ]
    }

    pub fn set_mode(path: &str, mode: u32) -> io::Result<()> {
        set_permissions(path, Permissions::from_mode(mode))
    }

    /// As `super::disk_usage`; what only root may use is neither used nor free.
    pub fn disk_usage(path: &str) -> io::Result<[u64; 3]> {
        let found = nix::sys::statvfs::statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.fragment_size());
        let (all, unused) = (found.blocks(), found.blocks_free());
        let free = bytes(found.blocks_available());
        Ok([bytes(all), bytes(all.saturating_sub(unused)), free])
    }
}

#[cfg(not(unix))]
mod system {
    use std::fs::{Metadata, set_permissions};
    use std::io;
    use std::time::{SystemTime, UNIX_EPOCH};

    pub fn symlink(_: &str, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// In the order of `super::status`; 0 for what only Unix knows.
    pub fn status(found: &Metadata) -> [i128; 10] {
        const DIRECTORY: i128 = 0o040_755;
        const FILE: i128 = 0o100_644;
        let time = |at: io::Result<SystemTime>| {
            let since = at.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            since.map_or(0, |since| since.as_nanos() as i128)
        };
        let mode = if found.is_dir() { DIRECTORY } else { FILE };
        let (accessed, modified) = (time(found.accessed()), time(found.modified()));
        let created = time(found.created());
        let size = i128::from(found.len());
        [mode, 0, 0, 1, 0, 0, size, accessed, modified, created]
    }

    pub fn disk_usage(_: &str) -> io::Result<[u64; 3]> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Only whether it may be written.
    pub fn set_mode(path: &str, mode: u32) -> io::Result<()> {
        let mut permissions = std::fs::metadata(path)?.permissions();
        permissions.set_readonly(mode & 0o200 == 0);
        set_permissions(path, permissions)
    }
}
