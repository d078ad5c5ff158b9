//! How much memory a script may use before it is told of a MemoryError: what the process and the
//! machine can give. Takes nothing, gives bytes. Never looks at what is in use.

use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{SysconfVar, sysconf};

/// No script gets more, however large the machine is.
const BYTES_MAX: u64 = 16 << 30;
/// What the process maps before a script runs: its stacks and the allocator's first blocks.
const MAPPED_BYTES: u64 = 550 << 20;
/// A script gets that much even where little is left.
const BYTES_MIN: u64 = 32 << 20;

/// The cap on live bytes. A third of the addresses that the process may have: a list that grows
/// needs its old place and one twice as large at the same time. Two thirds of the machine's memory:
/// what is garbage by now may come to half as much again, and beyond all there is the system would
/// end the process rather than refuse it more.
pub fn cap() -> usize {
    let (addresses, _) = getrlimit(Resource::RLIMIT_AS).unwrap_or((u64::MAX, u64::MAX));
    let addresses = addresses.saturating_sub(MAPPED_BYTES) / 3;
    let machine = physical_bytes().map_or(u64::MAX, |bytes| bytes / 3 * 2);
    BYTES_MAX.min(addresses).min(machine).max(BYTES_MIN) as usize
}

/// The machine's memory, where the system tells.
fn physical_bytes() -> Option<u64> {
    let ask = |what| sysconf(what).ok().flatten();
    let (pages, page_bytes) = (ask(SysconfVar::_PHYS_PAGES)?, ask(SysconfVar::PAGE_SIZE)?);
    u64::try_from(pages)
        .ok()?
        .checked_mul(u64::try_from(page_bytes).ok()?)
}
