//! Numbers on axes, with their units.

/// Nanoseconds in the unit that suits them: `250 µs`, `1.5 ms`, `2 s`.
pub(super) fn duration(ns: f64) -> String {
    match ns {
        ns if !ns.is_finite() => "–".into(),
        ns if ns < 1e3 => format!("{} ns", figures(ns)),
        ns if ns < 1e6 => format!("{} µs", figures(ns / 1e3)),
        ns if ns < 1e9 => format!("{} ms", figures(ns / 1e6)),
        ns => format!("{} s", figures(ns / 1e9)),
    }
}

/// `950`, `12k`, `1.5M`.
pub(super) fn amount(value: f64) -> String {
    match value {
        value if !value.is_finite() => "–".into(),
        value if value.abs() < 1e3 => figures(value),
        value if value.abs() < 1e6 => format!("{}k", figures(value / 1e3)),
        value if value.abs() < 1e9 => format!("{}M", figures(value / 1e6)),
        value => format!("{}G", figures(value / 1e9)),
    }
}

/// `64 MiB`; bytes count by powers of 1024.
pub(super) fn bytes(value: f64) -> String {
    match value {
        value if !value.is_finite() => "–".into(),
        value if value < 1024.0 => format!("{} B", figures(value)),
        value if value < 1_048_576.0 => format!("{} KiB", figures(value / 1024.0)),
        value if value < 1_073_741_824.0 => format!("{} MiB", figures(value / 1_048_576.0)),
        value => format!("{} GiB", figures(value / 1_073_741_824.0)),
    }
}

/// Two or three figures, without zeros at the end.
fn figures(value: f64) -> String {
    let text = match value.abs() {
        it if it >= 100.0 => format!("{value:.0}"),
        it if it >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_suit_their_numbers() {
        for (ns, text) in
            [(0.0, "0 ns"), (250_000.0, "250 µs"), (1_500_000.0, "1.5 ms"), (2e9, "2 s")]
        {
            assert_eq!(duration(ns), text);
        }
        for (value, text) in [(0.0, "0"), (950.0, "950"), (12_000.0, "12k"), (1.5e6, "1.5M")] {
            assert_eq!(amount(value), text);
        }
        assert_eq!(bytes(67_108_864.0), "64 MiB");
        assert_eq!(duration(f64::INFINITY), "–");
    }
}
