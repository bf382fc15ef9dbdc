//! A panic anywhere in the harness is a bug: it is told as one, and has its exit code.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use super::{exit_code, terminal};

/// Runs a command; a panic in it is reported on stderr and becomes [`exit_code::HARNESS_ERROR`].
///
/// Unwinding runs the owning types on its way, so that what the run made on the machine is removed first.
pub(super) fn guard(command: impl FnOnce() -> u8) -> u8 {
    panic::set_hook(Box::new(report));
    // The command owns all of its state: nothing that a panic left half done is looked at again.
    panic::catch_unwind(AssertUnwindSafe(command)).unwrap_or(exit_code::HARNESS_ERROR)
}

fn report(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(|place| format!(" at {place}")).unwrap_or_default();
    let payload = panic.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic");
    terminal::diagnostic(&format!(
        "error: this is a bug in contain-test {}: {message}{place}\n\
         help: report it with this line; `contain-test clean` removes what may be left on the machine",
        env!("CARGO_PKG_VERSION")
    ));
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        terminal::diagnostic(&backtrace.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_has_its_exit_code() {
        let code = guard(|| panic!("on purpose"));
        // The hook is the whole process's: give the other tests theirs back.
        let _ = panic::take_hook();
        assert_eq!(code, exit_code::HARNESS_ERROR);
        assert_eq!(guard(|| exit_code::OK), exit_code::OK);
        let _ = panic::take_hook();
    }
}
