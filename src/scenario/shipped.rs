//! The scenarios that come with the program, embedded so that they are there wherever it runs.

/// Names and texts of the shipped scenarios, in alphabetical order.
#[must_use]
pub fn shipped() -> &'static [(&'static str, &'static str)] {
    &[
        ("cpu", include_str!("../../scenarios/cpu.yaml")),
        ("pids", include_str!("../../scenarios/pids.yaml")),
        ("pids-by-hand", include_str!("../../scenarios/pids-by-hand.yaml")),
        ("pids-together", include_str!("../../scenarios/pids-together.yaml")),
    ]
}
