//! The verdict of a case, its comparison with the open case, expectations and exit codes.

mod exit_codes;
mod expectations;
mod makers;
mod verdict;
