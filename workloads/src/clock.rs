//! Monotonic time in nanoseconds, and sleeping until a point of it.

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

/// Now on `CLOCK_MONOTONIC`, in nanoseconds. Each time namespace has its own zero: only differences mean anything.
pub fn now() -> u64 {
    nanoseconds(ClockId::CLOCK_MONOTONIC)
}

fn nanoseconds(clock: ClockId) -> u64 {
    match clock_gettime(clock) {
        Ok(time) => {
            u64::try_from(time.tv_sec()).unwrap_or(0) * 1_000_000_000
                + u64::try_from(time.tv_nsec()).unwrap_or(0)
        }
        // Both clocks exist on every Linux; a zero makes durations saturate instead of panicking.
        Err(_) => 0,
    }
}

/// CPU time of the calling thread, in nanoseconds (`CLOCK_THREAD_CPUTIME_ID`).
pub fn cpu_time() -> u64 {
    nanoseconds(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

/// Sleeps until `CLOCK_MONOTONIC` shows `due`; returns at once when that has passed. Interruptions are resumed.
pub fn sleep_until(due: u64) {
    let spec = TimeSpec::new(
        i64::try_from(due / 1_000_000_000).unwrap_or(i64::MAX),
        i64::try_from(due % 1_000_000_000).unwrap_or(0),
    );
    while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &spec)
        == Err(nix::errno::Errno::EINTR)
    {}
}

/// Waits until `CLOCK_MONOTONIC` shows `due`, the last `awake` nanoseconds without sleep: a CPU that has to be woken first
/// (in a virtual machine by its host) takes tens to hundreds of microseconds, more at one time than at another.
pub fn wait_until(due: u64, awake: u64) {
    sleep_until(due.saturating_sub(awake));
    while now() < due {
        std::hint::spin_loop();
    }
}

/// Sleeps for `nanoseconds`.
pub fn sleep(nanoseconds: u64) {
    sleep_until(now().saturating_add(nanoseconds));
}
