//! Pressure stall information.

use super::Roots;

/// True when the kernel reports pressure: `/proc/pressure/cpu` can be read.
///
/// The file exists but answers `EOPNOTSUPP` when the kernel was built with `CONFIG_PSI_DEFAULT_DISABLED` or booted with
/// `psi=0`, so it is read, not just looked for. See the kernel's `Documentation/accounting/psi.rst`.
#[must_use]
pub fn enabled(roots: &Roots) -> bool {
    roots.read_proc("pressure/cpu").is_ok_and(|text| text.starts_with("some "))
}
