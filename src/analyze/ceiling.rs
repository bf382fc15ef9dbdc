//! Ceilings: whose limit it was, and whether it held. Pure functions over what the kernel's files said.

use crate::record::CeilingLevel;

/// Whose limit stopped the attacker.
///
/// All in the knob's unit: `own_peak` is the highest usage of the attacker's own group, `limit` its limit, `refusals`
/// how far the kernel's counter grew, `node_peak` and `node_capacity` the same for the node around it. Some kernels
/// book a refusal by the node's limit at the attacker, so a counter alone proves nothing: the level is `sandbox` only
/// with own usage at its limit, refusals counted, and the node below its capacity.
#[must_use]
pub const fn level(
    own_peak: Option<u64>,
    limit: u64,
    refusals: Option<u64>,
    node_peak: Option<u64>,
    node_capacity: Option<u64>,
) -> CeilingLevel {
    if let (Some(peak), Some(capacity)) = (node_peak, node_capacity)
        && peak >= capacity
    {
        return CeilingLevel::Node;
    }
    match (own_peak, refusals, node_peak, node_capacity) {
        (Some(peak), Some(count), Some(_), Some(_)) if peak >= limit && count > 0 => {
            CeilingLevel::Sandbox
        }
        _ => CeilingLevel::Inferred,
    }
}

/// Whether usage stayed within its limit. `tolerance` is a share of the limit: 0 for `pids`, which the kernel keeps
/// exactly, and what a per-CPU batch amounts to for memory. A peak that nobody could read proves no breach: `true`.
#[must_use]
pub fn kept(limit: u64, peak: Option<u64>, tolerance: f64) -> bool {
    let Some(peak) = peak else { return true };
    if peak <= limit {
        return true;
    }
    tolerance > 0.0 && as_f64(peak - limit) <= as_f64(limit) * tolerance
}

#[expect(clippy::cast_precision_loss, reason = "compared against a share, not for equality")]
const fn as_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_needs_all_three_signs() {
        let of = |peak, refusals, node| level(peak, 64, refusals, node, Some(512));
        assert_eq!(of(Some(64), Some(9), Some(80)), CeilingLevel::Sandbox);
        assert_eq!(
            of(Some(64), Some(9), Some(512)),
            CeilingLevel::Node,
            "booked at the wrong group"
        );
        assert_eq!(of(Some(63), Some(9), Some(80)), CeilingLevel::Inferred);
        assert_eq!(of(Some(64), Some(0), Some(80)), CeilingLevel::Inferred);
        assert_eq!(of(Some(64), None, Some(80)), CeilingLevel::Inferred);
        assert_eq!(of(None, Some(9), Some(80)), CeilingLevel::Inferred);
        assert_eq!(of(Some(64), Some(9), None), CeilingLevel::Inferred);
        assert_eq!(level(Some(64), 64, Some(9), Some(80), None), CeilingLevel::Inferred);
    }

    #[test]
    fn pids_are_kept_exactly_and_memory_by_a_batch() {
        assert!(kept(64, Some(64), 0.0));
        assert!(!kept(64, Some(65), 0.0));
        assert!(kept(100, Some(101), 0.01));
        assert!(!kept(100, Some(102), 0.01));
        assert!(kept(64, None, 0.0));
        assert!(!kept(0, Some(1), f64::NAN));
    }
}
