//! The clock in seconds, as scripts see it. Under a virtual clock the time
//! reached by waiting for a deadline, or by sleeping, is the very float that
//! was asked for: deadlines added up by a script stay the numbers they would
//! be on paper, where nanoseconds would round them. The host's nanoseconds are
//! those of that float, rounded, so that errors don't add up.

use crate::vm::Vm;

/// The float that stands for the host's time, while that has not moved.
#[derive(Clone, Copy, Default, Debug)]
pub struct Clock {
    host_ns: u64,
    exact_s: Option<f64>,
}

/// Longest sleep that is asked of the host at once: Ctrl-C is answered after it.
const SLICE_NS: u64 = 50_000_000;
/// Longest time a clock can be moved by.
const SLEEP_S_MAX: f64 = 9.0e9;

impl Vm {
    /// Seconds on the monotonic clock.
    pub fn monotonic_s(&mut self) -> f64 {
        let ns = self.host.monotonic_ns();
        match self.clock.exact_s {
            Some(s) if self.clock.host_ns == ns => s,
            _ => ns as f64 / 1e9,
        }
    }

    /// Seconds since the epoch.
    pub fn time_s(&mut self) -> f64 {
        let ns = self.host.time_ns();
        if !self.host.is_virtual() {
            return ns as f64 / 1e9;
        }
        let epoch_ns = ns.saturating_sub(self.host.monotonic_ns());
        epoch_ns as f64 / 1e9 + self.monotonic_s()
    }

    /// Waits until `deadline_s` on the monotonic clock, or until Ctrl-C.
    pub fn sleep_until_s(&mut self, deadline_s: f64) {
        if self.host.is_virtual() {
            let now_s = self.monotonic_s();
            if deadline_s > now_s {
                let to_s = deadline_s.min(now_s + SLEEP_S_MAX);
                let now_ns = self.host.monotonic_ns();
                let to_ns = (to_s * 1e9).round_ties_even() as u64;
                self.host.sleep_ns(to_ns.saturating_sub(now_ns));
                self.clock = Clock {
                    host_ns: self.host.monotonic_ns(),
                    exact_s: Some(deadline_s),
                };
            }
            return;
        }
        while !self.interrupted() {
            let now = self.host.monotonic_ns() as f64 / 1e9;
            if deadline_s <= now {
                return;
            }
            let ns = ((deadline_s - now).min(SLEEP_S_MAX) * 1e9).ceil() as u64;
            self.host.sleep_ns(ns.min(SLICE_NS));
        }
    }

    /// Waits for so many seconds, or until Ctrl-C.
    pub fn sleep_s(&mut self, seconds: f64) {
        let deadline_s = self.monotonic_s() + seconds;
        self.sleep_until_s(deadline_s);
    }

    /// Whether Ctrl-C waits for an answer.
    pub fn interrupted(&self) -> bool {
        self.interrupt.load(std::sync::atomic::Ordering::Relaxed)
    }
}
