//! Quantities as Kubernetes writes them: bytes (`64Mi`), CPUs (`500m`), durations (`10s`), percent and plain counts.

use std::time::Duration;

/// Why a quantity was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UnitError {
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl UnitError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// Suffixes of sizes, largest first among the binary ones, so that formatting finds the shortest.
const BYTE_UNITS: [(&str, u64); 12] = [
    ("Ei", 1 << 60),
    ("Pi", 1 << 50),
    ("Ti", 1 << 40),
    ("Gi", 1 << 30),
    ("Mi", 1 << 20),
    ("Ki", 1 << 10),
    ("E", 1_000_000_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("T", 1_000_000_000_000),
    ("G", 1_000_000_000),
    ("M", 1_000_000),
    ("k", 1000),
];

/// Suffixes of durations in nanoseconds, largest first.
const TIME_UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1000),
    ("ns", 1),
];

/// A decimal number before its unit: `whole` and the digits behind the point.
struct Decimal<'a> {
    whole: u64,
    fraction: &'a str,
}

impl Decimal<'_> {
    /// The number times `factor` and whether something was left over; `None` when it does not fit.
    fn times(&self, factor: u64) -> Option<(u64, bool)> {
        let scale = 10_u128.checked_pow(u32::try_from(self.fraction.len()).ok()?)?;
        let fraction: u128 =
            if self.fraction.is_empty() { 0 } else { self.fraction.parse().ok()? };
        let part = fraction.checked_mul(u128::from(factor))?;
        let whole = u128::from(self.whole).checked_mul(u128::from(factor))?;
        let sum = whole.checked_add(part / scale)?;
        Some((u64::try_from(sum).ok()?, part % scale != 0))
    }
}

/// Cuts a number from its unit. `what` names the quantity in errors.
fn split<'a>(text: &'a str, what: &str) -> Result<(Decimal<'a>, &'a str), UnitError> {
    let shown = super::diagnostic::quoted(text);
    if text.starts_with('-') {
        return Err(UnitError::new(format!("{shown} is negative")));
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = match number.split_once('.') {
        Some((_, "")) => return Err(UnitError::new(format!("{shown} is no {what}"))),
        Some(parts) => parts,
        None => (number, ""),
    };
    if whole.is_empty() || fraction.contains('.') {
        return Err(UnitError::new(format!("{shown} is no {what}")));
    }
    if whole.len() > 1 && whole.starts_with('0') {
        return Err(UnitError::new(format!(
            "{shown} starts with a zero, which some read as octal"
        ))
        .help("write the number without leading zeros"));
    }
    if fraction.len() > 9 {
        return Err(UnitError::new(format!("{shown} has more than nine digits behind the point")));
    }
    let whole = whole.parse().map_err(|_| too_large(&shown))?;
    Ok((Decimal { whole, fraction }, unit))
}

fn too_large(shown: &str) -> UnitError {
    UnitError::new(format!("{shown} is too large to be counted"))
}

/// Bytes from `64Mi`, `1.5Gi`, `512M`, `65536`; a fraction of a byte is rounded up, as Kubernetes does.
///
/// # Errors
/// When the text is no size, has an unknown unit, or exceeds 2⁶⁴−1 bytes; `64m` is refused, because `m` means thousandths.
pub fn parse_bytes(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split(text, "size")?;
    let shown = super::diagnostic::quoted(text);
    let factor = match unit {
        "" => 1,
        "m" => {
            let digits = &text[..text.len() - 1];
            return Err(UnitError::new(format!("{shown} is a size in thousandths of a byte"))
                .help(format!("`m` means thousandths; did you mean `{digits}Mi`?")));
        }
        _ => BYTE_UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|&(_, factor)| factor)
            .ok_or_else(|| {
                let digits = &text[..text.len() - unit.len()];
                let error = UnitError::new(format!("{shown} has no unit of size"));
                let letter = unit.chars().next().unwrap_or_default().to_ascii_uppercase();
                if unit.len() <= 3
                    && "KMGTPE".contains(letter)
                    && !unit.contains(|c: char| c.is_ascii_digit())
                {
                    error.help(format!("did you mean `{digits}{letter}i`?"))
                } else {
                    error.help(
                        "units are Ki, Mi, Gi, Ti (powers of 1024) and k, M, G, T (powers of 1000)",
                    )
                }
            })?,
    };
    let (bytes, rest) = number.times(factor).ok_or_else(|| too_large(&shown))?;
    bytes.checked_add(u64::from(rest)).ok_or_else(|| too_large(&shown))
}

/// Bits per second from `100M`, `1.5G`, `9600`, as the annotation `kubernetes.io/egress-bandwidth` of a Pod takes them; a fraction of a bit is
/// rounded up.
///
/// # Errors
/// When the text is no rate, has an unknown unit, or exceeds 2⁶⁴−1; `100m` is refused, because `m` means thousandths.
pub fn parse_bits(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split(text, "rate")?;
    let shown = super::diagnostic::quoted(text);
    let factor = match unit {
        "" => 1,
        "m" => {
            let digits = &text[..text.len() - 1];
            return Err(UnitError::new(format!("{shown} is a rate in thousandths of a bit"))
                .help(format!("`m` means thousandths; did you mean `{digits}M`?")));
        }
        _ => BYTE_UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|&(_, factor)| factor)
            .ok_or_else(|| {
                UnitError::new(format!("{shown} has no unit of bits per second"))
                    .help("write `100M` for 100 million bits per second; units are k, M, G, T and Ki, Mi, Gi, Ti")
            })?,
    };
    let (bits, rest) = number.times(factor).ok_or_else(|| too_large(&shown))?;
    bits.checked_add(u64::from(rest)).ok_or_else(|| too_large(&shown))
}

/// The shortest decimal spelling that [`parse_bits`] reads back exactly.
#[must_use]
pub fn format_bits(bits: u64) -> String {
    let unit =
        BYTE_UNITS[6..].iter().find(|&&(_, factor)| bits >= factor && bits.is_multiple_of(factor));
    match unit {
        Some((name, factor)) => format!("{}{name}", bits / factor),
        None => bits.to_string(),
    }
}

/// The shortest binary spelling that [`parse_bytes`] reads back exactly.
#[must_use]
pub fn format_bytes(bytes: u64) -> String {
    let unit = BYTE_UNITS[..6]
        .iter()
        .find(|&&(_, factor)| bytes >= factor && bytes.is_multiple_of(factor));
    match unit {
        Some((name, factor)) => format!("{}{name}", bytes / factor),
        None => bytes.to_string(),
    }
}

/// Thousandths of a CPU from `500m`, `0.5` or `2`; at least 1.
///
/// # Errors
/// When the text is no number of CPUs, is zero, is finer than thousandths, or is too large.
pub fn parse_cpu(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split(text, "number of CPUs")?;
    let shown = super::diagnostic::quoted(text);
    let factor = match unit {
        "" => 1000,
        "m" => 1,
        "%" => {
            return Err(UnitError::new(format!("{shown} is no number of CPUs"))
                .help("write `500m` or `0.5` for half a CPU"));
        }
        _ => {
            return Err(UnitError::new(format!("{shown} has no unit of CPUs"))
                .help("write CPUs (`0.5`, `2`) or thousandths of one (`500m`)"));
        }
    };
    let (millis, rest) = number.times(factor).ok_or_else(|| too_large(&shown))?;
    if rest {
        return Err(UnitError::new(format!("{shown} is finer than a thousandth of a CPU")));
    }
    if millis == 0 {
        return Err(UnitError::new("no CPU at all is no limit that anything can run under")
            .help("the smallest is `1m`, a thousandth of a CPU"));
    }
    Ok(millis)
}

/// The spelling of thousandths of a CPU that [`parse_cpu`] reads back: `2` or `1500m`.
#[must_use]
pub fn format_cpu(millis: u64) -> String {
    if millis.is_multiple_of(1000) { (millis / 1000).to_string() } else { format!("{millis}m") }
}

/// A duration from `10s`, `250ms`, `1m30s`; units are h, m, s, ms, us and ns, the larger first.
///
/// # Errors
/// When the text has no unit, an unknown one, units out of order, or exceeds 2⁶⁴−1 nanoseconds.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let shown = super::diagnostic::quoted(text);
    let mut rest = text;
    let mut nanos: u64 = 0;
    let mut previous = u64::MAX;
    loop {
        let (number, tail) = split(rest, "duration")?;
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(end);
        let factor = TIME_UNITS.iter().find(|(name, _)| *name == unit).map(|&(_, factor)| factor);
        let factor = factor.filter(|&factor| factor < previous).ok_or_else(|| {
            UnitError::new(format!("{shown} is no duration"))
                .help("write a number with a unit, such as `10s`, `250ms` or `1m30s`")
        })?;
        let (part, left) = number.times(factor).ok_or_else(|| too_large(&shown))?;
        if left {
            return Err(UnitError::new(format!("{shown} is finer than a nanosecond")));
        }
        nanos = nanos.checked_add(part).ok_or_else(|| too_large(&shown))?;
        previous = factor;
        if next.is_empty() {
            return Ok(Duration::from_nanos(nanos));
        }
        rest = next;
    }
}

/// The spelling of a duration that [`parse_duration`] reads back: one unit, the largest that is exact.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let unit = TIME_UNITS
        .iter()
        .find(|&&(_, factor)| nanos > 0 && nanos.is_multiple_of(u128::from(factor)));
    match unit {
        Some(&(name, factor)) => format!("{}{name}", nanos / u128::from(factor)),
        None => "0s".to_owned(),
    }
}

/// Whole percent from `50` or `50%`, 0 to 100.
///
/// # Errors
/// When the text is no whole number or lies beyond 100.
pub fn parse_percent(text: &str) -> Result<u8, UnitError> {
    let count = parse_count(text.strip_suffix('%').unwrap_or(text))?;
    u8::try_from(count).ok().filter(|&percent| percent <= 100).ok_or_else(|| {
        let shown = super::diagnostic::quoted(text);
        UnitError::new(format!("{shown} is more than 100 percent"))
    })
}

/// A plain whole number without a unit.
///
/// # Errors
/// When the text is anything else, or exceeds 2⁶⁴−1.
pub fn parse_count(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split(text, "whole number")?;
    if !unit.is_empty() || !number.fraction.is_empty() {
        let shown = super::diagnostic::quoted(text);
        return Err(UnitError::new(format!("{shown} is no whole number")));
    }
    Ok(number.whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_bytes("64Mi"), Ok(64 << 20));
        assert_eq!(parse_bytes("1Gi"), Ok(1 << 30));
        assert_eq!(parse_bytes("512M"), Ok(512_000_000));
        assert_eq!(parse_bytes("1.5Ki"), Ok(1536));
        assert_eq!(parse_bytes("0.1Ki"), Ok(103));
        assert_eq!(parse_bytes("65536"), Ok(65536));
        assert_eq!(parse_bytes("16Ei").unwrap_err().message, "`16Ei` is too large to be counted");
        for (wrong, help) in [
            ("64m", "did you mean `64Mi`"),
            ("64MB", "did you mean `64Mi`"),
            ("64MiB", "did you mean `64Mi`"),
            ("64K", "did you mean `64Ki`"),
            ("1e3", "units are"),
            ("0755", "without leading zeros"),
        ] {
            let error = parse_bytes(wrong).unwrap_err();
            assert!(error.help.as_deref().unwrap_or_default().contains(help), "{error:?}");
        }
        for wrong in ["", "Mi", ".5Mi", "5.", "1.2.3", "-1", "+1", " 1", "1 Mi", "0x40", "1_000"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates() {
        assert_eq!(parse_bits("100M"), Ok(100_000_000));
        assert_eq!(parse_bits("1.5G"), Ok(1_500_000_000));
        assert_eq!(parse_bits("10Mi"), Ok(10 << 20));
        assert_eq!(parse_bits("9600"), Ok(9600));
        assert_eq!(format_bits(100_000_000), "100M");
        assert_eq!(format_bits(64_000), "64k");
        for (wrong, help) in [("100m", "did you mean `100M`"), ("100Mbit", "write `100M`")] {
            let error = parse_bits(wrong).unwrap_err();
            assert!(error.help.as_deref().unwrap_or_default().contains(help), "{error:?}");
        }
    }

    #[test]
    fn cpus() {
        assert_eq!(parse_cpu("500m"), Ok(500));
        assert_eq!(parse_cpu("0.5"), Ok(500));
        assert_eq!(parse_cpu("2"), Ok(2000));
        for wrong in ["0", "0m", "0.0001", "50%", "1k", "", "99999999999999999999"] {
            assert!(parse_cpu(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("0.5s"), Ok(Duration::from_millis(500)));
        for wrong in ["10", "s", "30s1m", "1s1s", "1d", "", "999999999h"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn percent() {
        assert_eq!(parse_percent("50%"), Ok(50));
        assert_eq!(parse_percent("0"), Ok(0));
        assert_eq!(parse_percent("100"), Ok(100));
        assert!(parse_percent("101").is_err());
        assert!(parse_percent("300%").is_err());
        assert!(parse_percent("12.5").is_err());
    }

    proptest! {
        #[test]
        fn sizes_round_trip(bytes: u64, shift in 0_u32..60) {
            for bytes in [bytes, bytes >> shift << shift] {
                prop_assert_eq!(parse_bytes(&format_bytes(bytes)), Ok(bytes));
            }
        }

        #[test]
        fn rates_round_trip(bits: u64, power in 0_u32..18) {
            for bits in [bits, bits / 10_u64.pow(power) * 10_u64.pow(power)] {
                prop_assert_eq!(parse_bits(&format_bits(bits)), Ok(bits));
            }
        }

        #[test]
        fn cpus_round_trip(millis in 1_u64..) {
            prop_assert_eq!(parse_cpu(&format_cpu(millis)), Ok(millis));
            prop_assert_eq!(parse_cpu(&format_cpu((millis % 1_000_000) * 1000 + 1000)), Ok((millis % 1_000_000) * 1000 + 1000));
        }

        #[test]
        fn durations_round_trip(nanos: u64, unit in 0_usize..6) {
            let factor = TIME_UNITS[unit].1;
            let duration = Duration::from_nanos(nanos / factor * factor);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,12}|[0-9.]{0,30}[a-zA-Zµ%]{0,4}") {
            let _ = (parse_bytes(&text), parse_cpu(&text), parse_duration(&text));
            let _ = (parse_percent(&text), parse_count(&text));
        }
    }
}
