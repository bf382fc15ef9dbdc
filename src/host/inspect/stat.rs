//! What `/proc/PID/stat` tells and `status` does not, proc_pid_stat(5).

/// `PF_KTHREAD` of the kernel's `include/linux/sched.h`: a thread of the kernel.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// The fields that are needed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The letter of the state.
    pub state: char,
    /// The parent's ID; 0 for none that is visible.
    pub parent: u32,
    /// Whether it is a thread of the kernel.
    pub kernel_thread: bool,
    /// When it started, in clock ticks since the boot: with the ID, what tells it from a later process of the same number.
    pub started: u64,
}

impl Stat {
    /// Reads the line; `None` where it does not have the documented form.
    ///
    /// The name in parentheses may hold anything, parentheses and line breaks too: the fields begin behind the last one.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        let mut state = fields.first()?.chars();
        Some(Self {
            state: state.next().filter(|_| state.next().is_none())?,
            parent: u32::try_from(number(1)?).ok()?,
            // The third field of the manual page is the first behind the name.
            kernel_thread: number(9 - 3)? & KERNEL_THREAD != 0,
            started: number(22 - 3)?,
        })
    }

    /// The word for the state that `status` has, too.
    #[must_use]
    pub fn state_name(self) -> &'static str {
        match self.state {
            'R' => "running",
            'S' => "sleeping",
            'D' => "disk sleep",
            'T' => "stopped",
            't' => "tracing stop",
            'Z' => "zombie",
            'X' | 'x' => "dead",
            'I' => "idle",
            'P' => "parked",
            _ => "unknown",
        }
    }

    /// Whether it has ended and only waits for its parent to notice.
    #[must_use]
    pub const fn is_zombie(self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TAIL: &str = "S 41 42 42 0 -1 4194560 153 0 0 0 0 0 0 0 20 0 1 0 98765 3133440 413";

    #[test]
    fn fields_begin_behind_the_last_parenthesis() {
        let stat = Stat::parse(&format!("42 (a) R 1 (\n) {TAIL}\n")).unwrap();
        let expected = Stat { state: 'S', parent: 41, kernel_thread: false, started: 98_765 };
        assert_eq!((stat, stat.state_name()), (expected, "sleeping"));
        let thread = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 3 0 0 20 0 1 0 5 0 0";
        assert!(Stat::parse(thread).unwrap().kernel_thread);
    }

    #[test]
    fn lines_of_another_form_are_refused() {
        for line in ["", "42", "42 (a)", "42 (a) S", "42 (a) SS 1 2", "42 (a S 1 2 3"] {
            assert_eq!(Stat::parse(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_name_spoils_the_fields(name in "\\PC{0,20}|[() RSZ0-9\n]{0,20}") {
            let stat = Stat::parse(&format!("42 ({name}) {TAIL}")).unwrap();
            prop_assert_eq!((stat.parent, stat.started), (41, 98_765));
        }

        #[test]
        fn nothing_panics(line in "\\PC{0,80}") {
            let _ = Stat::parse(&line);
        }
    }
}
