//! The links `/proc/PID/ns/KIND`, namespaces(7): they lead to no path, but name a kind and a number.

use crate::scenario::NamespaceKind;

/// The number in `KIND:[NUMBER]`; `None` where the link is of another form or kind.
#[must_use]
pub fn parse(kind: NamespaceKind, link: &str) -> Option<u64> {
    let rest = link.strip_prefix(kind.name())?.strip_prefix(":[")?;
    let digits = rest.strip_suffix(']')?;
    digits.chars().all(|it| it.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_of_another_form_are_refused() {
        for wrong in ["", "mnt", "mnt:[]", "mnt:[+1]", "mnt:[1", "net:[1]", "mnt:[1] "] {
            assert_eq!(parse(NamespaceKind::Mnt, wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn numbers_read_back(number: u64, index in 0_usize..8) {
            let kind = NamespaceKind::ALL[index];
            prop_assert_eq!(parse(kind, &format!("{}:[{number}]", kind.name())), Some(number));
        }

        #[test]
        fn nothing_panics(text in "(mnt:\\[)?\\PC{0,30}") {
            let _ = parse(NamespaceKind::Mnt, &text);
        }
    }
}
