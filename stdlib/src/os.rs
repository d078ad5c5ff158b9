//! `_os`: what a script may ask of the machine it runs on. The module `os`, written in the
//! language, shows it. Failures become OSError; nothing here runs a process.

use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io;

use lockstep_runtime::native::function;
use lockstep_runtime::object::exception::Exception;
use lockstep_runtime::text::os_text;
use lockstep_runtime::{PyResult, Raised, Value, Vm};

use crate::builtins::file::{io_error, write_what_is_forgotten};
use crate::path_argument::{self, GivenPath, Taken};
use crate::{NativeModule, folder};

pub static MODULE: NativeModule = NativeModule {
    name: "_os",
    functions: &[
        function("environ()", environ),
        function("putenv(name, value, /)", putenv),
        function("unsetenv(name, /)", unsetenv),
        function("fspath(path, /)", |vm, a| path_argument::fspath(vm, a[0])),
        function("path_text(path, name, /)", |vm, a| {
            let name = vm.heap.string(a[1]);
            path_argument::text_of_function(vm, a[0], (&name, "path"), Taken::Path)
        }),
        function("plain_path(path, /)", |vm, a| {
            Ok(path_argument::plain(vm, a[0])?.value)
        }),
        function("checked_path(path, name, /)", |vm, a| {
            let name = vm.heap.string(a[1]);
            Ok(path_of(vm, a[0], &name, Taken::Path)?.value)
        }),
        function("getpid()", |vm, _| {
            Ok(vm.heap.usize(std::process::id() as usize))
        }),
        function("cpu_count()", |vm, _| {
            let n = std::thread::available_parallelism().map_or(1, usize::from);
            Ok(vm.heap.usize(n))
        }),
        function("getcwd()", |vm, _| match folder::current(vm) {
            Ok(path) => Ok(vm.heap.str(os_text::from_os(path.as_os_str()))),
            Err(error) => Err(failed(vm, &error, None)),
        }),
        function("chdir(path, /)", |vm, a| {
            let given = path_of(vm, a[0], "chdir", Taken::PathOrNumber)?;
            let path = given.resolved(vm);
            let result = folder::enter(vm, &path);
            done(vm, &given, result)
        }),
        function("stat(path, follow, name, /)", stat),
        function("status(path, follow, name, /)", status),
        function("access(path, mode, /)", access),
        function("listdir(path, name, /)", listdir),
        function("chmod(path, mode, /)", chmod),
        function("disk_usage(path, /)", disk_usage),
        function("symlink(src, dst, /)", |vm, a| {
            let (target, link) = from_to(vm, a, "symlink")?;
            let path = link.resolved(vm);
            let result = system::symlink(&target.text, &path);
            done_from_to(vm, &target, &link, result)
        }),
        function("link(src, dst, /)", |vm, a| {
            let (from, to) = from_to(vm, a, "link")?;
            let result = std::fs::hard_link(from.resolved(vm), to.resolved(vm));
            done_from_to(vm, &from, &to, result)
        }),
        function("rename(src, dst, name, /)", |vm, a| {
            let name = vm.heap.string(a[2]);
            let (from, to) = from_to(vm, a, &name)?;
            let result = std::fs::rename(from.resolved(vm), to.resolved(vm));
            done_from_to(vm, &from, &to, result)
        }),
        function("readlink(path, /)", |vm, a| {
            let given = path_of(vm, a[0], "readlink", Taken::Path)?;
            match std::fs::read_link(given.resolved(vm)) {
                Ok(target) => Ok(text_like(vm, &given, target.as_os_str())),
                Err(error) => Err(failed(vm, &error, Some(given.value))),
            }
        }),
        function("utime(path, atime_ns, mtime_ns, /)", utime),
        function("mkdir(path, mode, /)", |vm, a| {
            let given = path_of(vm, a[0], "mkdir", Taken::Path)?;
            let mode = vm.to_c_int(a[1])? as u32;
            let result = system::make_dir(&given.resolved(vm), mode);
            done(vm, &given, result)
        }),
        function("rmdir(path, /)", |vm, a| {
            let given = path_of(vm, a[0], "rmdir", Taken::Path)?;
            let result = std::fs::remove_dir(given.resolved(vm));
            done(vm, &given, result)
        }),
        function("remove(path, name, /)", |vm, a| {
            let name = vm.heap.string(a[1]);
            let given = path_of(vm, a[0], &name, Taken::Path)?;
            let result = std::fs::remove_file(given.resolved(vm));
            done(vm, &given, result)
        }),
        function("urandom(size, /)", urandom),
    ],
    init: |_, _| Ok(()),
};

fn failed(vm: &mut Vm, error: &io::Error, path: Option<Value>) -> Raised {
    io_error(vm, error, path)
}

/// The argument `path` of a function of `os`.
fn path_of(vm: &mut Vm, v: Value, function: &str, taken: Taken) -> PyResult<GivenPath> {
    path_argument::of_function(vm, v, (function, "path"), taken)
}

/// The arguments `src` and `dst` of a function of `os`.
fn from_to(vm: &mut Vm, a: &[Value], function: &str) -> PyResult<(GivenPath, GivenPath)> {
    let from = path_argument::of_function(vm, a[0], (function, "src"), Taken::Path)?;
    let to = path_argument::of_function(vm, a[1], (function, "dst"), Taken::Path)?;
    Ok((from, to))
}

/// How it went with a path.
fn done(vm: &mut Vm, given: &GivenPath, result: io::Result<()>) -> PyResult {
    match result {
        Ok(()) => Ok(Value::NONE),
        Err(error) => Err(failed(vm, &error, Some(given.value))),
    }
}

/// How it went with two paths.
fn done_from_to(vm: &mut Vm, from: &GivenPath, to: &GivenPath, result: io::Result<()>) -> PyResult {
    let Err(error) = result else {
        return Ok(Value::NONE);
    };
    let raised = failed(vm, &error, Some(from.value));
    if let Some(e) = vm.heap.get_mut::<Exception>(raised.0) {
        e.fields[3] = to.value;
    }
    Err(raised)
}

/// A name that the system gave, as bytes where the path was given so.
fn text_like(vm: &mut Vm, given: &GivenPath, name: &OsStr) -> Value {
    if vm.heap.as_str(given.value).is_some() {
        vm.heap.str(os_text::from_os(name))
    } else {
        vm.heap.bytes(os_text::bytes(name).to_vec())
    }
}

/// The variables that the process was started with, all of them bytes.
fn environ(vm: &mut Vm, _: &[Value]) -> PyResult {
    let dict = vm.heap.dict();
    vm.root(dict);
    for (name, value) in std::env::vars_os() {
        let name = vm.heap.bytes(os_text::bytes(&name).to_vec());
        vm.root(name);
        let value = vm.heap.bytes(os_text::bytes(&value).to_vec());
        vm.root(value);
        vm.set_item(dict, name, value)?;
    }
    Ok(dict)
}

/// Whether a variable may be set so: nobody but the script would see it set.
fn putenv(vm: &mut Vm, a: &[Value]) -> PyResult {
    let name = path_argument::plain(vm, a[0])?;
    path_argument::plain(vm, a[1])?;
    if os_text::bytes(&name.text).contains(&b'=') {
        return Err(vm.value_error("illegal environment variable name"));
    }
    if name.text.is_empty() {
        return Err(failed(vm, &io::Error::from_raw_os_error(INVALID), None));
    }
    Ok(Value::NONE)
}

/// As `putenv`, of a variable that is to go.
fn unsetenv(vm: &mut Vm, a: &[Value]) -> PyResult {
    let name = path_argument::plain(vm, a[0])?;
    if name.text.is_empty() || os_text::bytes(&name.text).contains(&b'=') {
        return Err(failed(vm, &io::Error::from_raw_os_error(INVALID), None));
    }
    Ok(Value::NONE)
}

/// `EINVAL` of Linux and macOS.
const INVALID: i32 = 22;

/// What the system tells of the path `a[0]`, or of the link that it is unless `a[1]`; `a[2]` is the
/// name of the function that asks.
fn look_up(vm: &mut Vm, a: &[Value]) -> PyResult<Metadata> {
    let name = vm.heap.string(a[2]);
    let taken = match name.as_str() {
        "lstat" => Taken::Path,
        _ => Taken::PathOrNumber,
    };
    let given = path_of(vm, a[0], &name, taken)?;
    let path = given.resolved(vm);
    write_what_is_forgotten(vm, &path);
    let found = match vm.truth(a[1])? {
        true => std::fs::metadata(&path),
        false => std::fs::symlink_metadata(&path),
    };
    found.map_err(|error| failed(vm, &error, Some(given.value)))
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
    let given = path_of(vm, a[0], "statvfs", Taken::PathOrNumber)?;
    match system::disk_usage(&given.resolved(vm)) {
        Ok(numbers) => {
            let numbers = numbers.map(|n| vm.heap.big(n.into()));
            Ok(vm.heap.tuple(&numbers))
        }
        Err(error) => Err(failed(vm, &error, Some(given.value))),
    }
}

fn chmod(vm: &mut Vm, a: &[Value]) -> PyResult {
    let given = path_of(vm, a[0], "chmod", Taken::PathOrNumber)?;
    let mode = vm.to_c_int(a[1])? as u32;
    let result = system::set_mode(&given.resolved(vm), mode);
    done(vm, &given, result)
}

/// Whether a path is there and may be used as `mode` says.
fn access(vm: &mut Vm, a: &[Value]) -> PyResult {
    let given = path_of(vm, a[0], "access", Taken::Path)?;
    let mode = vm.to_c_int(a[1])?;
    Ok(Value::bool(system::access(&given.resolved(vm), mode)))
}

fn utime(vm: &mut Vm, a: &[Value]) -> PyResult {
    use std::time::{Duration, UNIX_EPOCH};

    let given = path_of(vm, a[0], "utime", Taken::PathOrNumber)?;
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
    let path = given.resolved(vm);
    let result = std::fs::File::open(path).and_then(|file| file.set_times(times));
    done(vm, &given, result)
}

/// The names in the folder `a[0]`; `a[1]` is the name of the function that asks.
fn listdir(vm: &mut Vm, a: &[Value]) -> PyResult {
    let name = vm.heap.string(a[1]);
    let given = path_of(vm, a[0], &name, Taken::PathNumberOrNone)?;
    let entries = match std::fs::read_dir(given.resolved(vm)) {
        Ok(entries) => entries,
        Err(error) => return Err(failed(vm, &error, Some(given.value))),
    };
    let mut names: Vec<OsString> = entries.flatten().map(|entry| entry.file_name()).collect();
    // CPython's order is the file system's; ours is the same in every run.
    names.sort();
    let list = vm.heap.list(Vec::with_capacity(names.len()));
    vm.root(list);
    for name in names {
        let name = text_like(vm, &given, &name);
        vm.heap.list_push(list, name);
    }
    Ok(list)
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
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    use std::path::Path;

    use nix::unistd::AccessFlags;

    pub use std::os::unix::fs::symlink;

    pub fn make_dir(path: &Path, mode: u32) -> io::Result<()> {
        std::fs::DirBuilder::new().mode(mode).create(path)
    }

    /// Whether access(2) allows it.
    pub fn access(path: &Path, mode: i32) -> bool {
        nix::unistd::access(path, AccessFlags::from_bits_retain(mode)).is_ok()
    }

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

    pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
        set_permissions(path, Permissions::from_mode(mode))
    }

    /// As `super::disk_usage`; what only root may use is neither used nor free.
    pub fn disk_usage(path: &Path) -> io::Result<[u64; 3]> {
        let found = nix::sys::statvfs::statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.fragment_size());
        let (all, unused) = (found.blocks(), found.blocks_free());
        let free = bytes(found.blocks_available());
        Ok([bytes(all), bytes(all.saturating_sub(unused)), free])
    }
}

#[cfg(not(unix))]
mod system {
    use std::ffi::OsStr;
    use std::fs::{Metadata, set_permissions};
    use std::io;
    use std::path::Path;
    use std::time::{SystemTime, UNIX_EPOCH};

    pub fn symlink(_: &OsStr, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn make_dir(path: &Path, _: u32) -> io::Result<()> {
        std::fs::create_dir(path)
    }

    /// Only whether it is there.
    pub fn access(path: &Path, _: i32) -> bool {
        path.exists()
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

    pub fn disk_usage(_: &Path) -> io::Result<[u64; 3]> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Only whether it may be written.
    pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
        let mut permissions = std::fs::metadata(path)?.permissions();
        permissions.set_readonly(mode & 0o200 == 0);
        set_permissions(path, permissions)
    }
}
