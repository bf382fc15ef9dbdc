//! The argument `RESOURCE=PERCENT`.

use std::str::FromStr;

use crate::scenario::Resource;

/// One `--tolerance`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Of which resource.
    pub resource: Resource,
    /// As a share: 0.25 is 25 %.
    pub share: f64,
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
        // With 100 % no loss of speed at all would count.
        match number.parse::<f64>() {
            Ok(value) if value > 0.0 && value < 100.0 => {
                Ok(Self { resource, share: value / 100.0 })
            }
            _ => Err(format!(
                "`{}` is no percentage; give a number above 0 and below 100",
                percent.escape_debug()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_become_shares() {
        for text in ["cpu=20", "cpu=20%", "cpu=20.0", "cpu=20 %"] {
            let got: Tolerance = text.parse().unwrap();
            assert_eq!((got.resource, got.share), (Resource::Cpu, 0.2), "{text}");
        }
        for wrong in
            ["cpu", "gpu=20", "cpu=", "cpu=0", "cpu=-1", "cpu=100", "cpu=nan", "cpu=inf", "=20"]
        {
            assert!(wrong.parse::<Tolerance>().is_err(), "{wrong}");
        }
    }
}
