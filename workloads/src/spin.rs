//! Work for a CPU and nothing else: what the CPU probe times and the CPU burner burns.

use std::hint::black_box;

/// `rounds` steps of a xorshift generator (Marsaglia, 2003) on a register: no memory, no system call.
pub fn spin(rounds: u64) {
    let mut state = black_box(0x9E37_79B9_7F4A_7C15_u64);
    for _ in 0..rounds {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    black_box(state);
}
