//! The argument `RESOURCE=PERCENT`.

use std::str::FromStr;

use crate::scenario::Resource;

/// One `--tolerance`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Of which resource.
    pub resource: Resource,
    /// In percent, 1 to 1000; for cpu, which is judged by throughput alone, at most 99.
    pub percent: u16,
}

impl FromStr for Tolerance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((word, percent)) = text.split_once('=') else {
            return Err(format!(
                "`{}` is not RESOURCE=PERCENT, such as `cpu=20`",
                text.escape_debug()
            ));
        };
        let resource =
            Resource::ALL.into_iter().find(|known| known.name() == word).ok_or_else(|| {
                let known = Resource::ALL.map(Resource::name).join(", ");
                format!("unknown resource `{}`; known: {known}", word.escape_debug())
            })?;
        let number = percent.strip_suffix('%').unwrap_or(percent).trim();
        // With 100 % no loss of throughput at all would count.
        let most = if resource == Resource::Cpu { 99 } else { 1000 };
        match number.parse::<u16>() {
            Ok(percent) if (1..=most).contains(&percent) => Ok(Self { resource, percent }),
            _ => Err(format!(
                "`{}` is no tolerance of {resource}; give a whole number from 1 to {most}",
                percent.escape_debug()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_whole_and_within_their_range() {
        for text in ["cpu=20", "cpu=20%", "cpu=20 %"] {
            let got: Tolerance = text.parse().unwrap();
            assert_eq!((got.resource, got.percent), (Resource::Cpu, 20), "{text}");
        }
        for wrong in
            ["cpu", "gpu=20", "cpu=", "cpu=0", "cpu=-1", "cpu=100", "cpu=nan", "pids=1001", "=20"]
        {
            assert!(wrong.parse::<Tolerance>().is_err(), "{wrong}");
        }
    }
}
