//! The scenarios that come with the program, embedded so that they are there wherever it runs.

/// Names and texts of the shipped scenarios, in alphabetical order.
#[must_use]
pub fn shipped() -> &'static [(&'static str, &'static str)] {
    &[
        ("cpu", include_str!("../../scenarios/cpu.yaml")),
        ("disk", include_str!("../../scenarios/disk.yaml")),
        ("disk-flush", include_str!("../../scenarios/disk-flush.yaml")),
        ("disk-full", include_str!("../../scenarios/disk-full.yaml")),
        ("engine-defaults", include_str!("../../scenarios/engine-defaults.yaml")),
        ("files", include_str!("../../scenarios/files.yaml")),
        ("logs", include_str!("../../scenarios/logs.yaml")),
        ("memory", include_str!("../../scenarios/memory.yaml")),
        ("memory-by-hand", include_str!("../../scenarios/memory-by-hand.yaml")),
        ("memory-tmpfs", include_str!("../../scenarios/memory-tmpfs.yaml")),
        ("network", include_str!("../../scenarios/network.yaml")),
        ("nproc", include_str!("../../scenarios/nproc.yaml")),
        ("pids", include_str!("../../scenarios/pids.yaml")),
        ("pids-by-hand", include_str!("../../scenarios/pids-by-hand.yaml")),
        ("pids-kinds", include_str!("../../scenarios/pids-kinds.yaml")),
        ("pids-together", include_str!("../../scenarios/pids-together.yaml")),
        ("pod", include_str!("../../scenarios/pod.yaml")),
        ("pod-visibility", include_str!("../../scenarios/pod-visibility.yaml")),
        ("random", include_str!("../../scenarios/random.yaml")),
        ("seven", include_str!("../../scenarios/seven.yaml")),
        ("visibility", include_str!("../../scenarios/visibility.yaml")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_scenario_can_be_read() {
        for (name, text) in shipped() {
            if let Err(errors) = crate::scenario::parse(name, text) {
                panic!("{errors}");
            }
        }
    }
}
