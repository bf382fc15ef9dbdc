//! A flood of output, and who pays for reading it.

use crate::serial::shipped_quick;

/// The pipe holds what was written last, and reading is rationed: 64 KiB each 20 ms.
const MOST_PER_SECOND: f64 = 64.0 * 1024.0 / 0.020;

pub fn shipped_logs() {
    let ended = shipped_quick("logs");
    for config in ["open", "quota-100m"] {
        let case = ended.case(config);
        let bytes = case["log_bytes"].as_u64().expect("bytes");
        assert!(bytes > 1 << 20, "{config}: the flood was read: {bytes}");
        // Each operation is a line of 128 bytes. What was not read is still in the pipe, or died with it.
        let operations = case["attack"]["operations"].as_u64().expect("operations");
        assert!(operations * 128 >= bytes, "{config}: {operations} lines, {bytes} bytes");
        assert!(case["attack"]["refusals"]["EAGAIN"].as_u64() > Some(0), "{}", case["attack"]);
        let blocks = case["blocks"].as_array().expect("blocks");
        let span = |block: &serde_json::Value| {
            (block["end_ms"].as_f64().expect("an end")
                - block["start_ms"].as_f64().expect("a start"))
                / 1e3
        };
        let seconds: f64 = blocks.iter().map(span).sum();
        // One reading more for each block, since the first of each is at once.
        let count = f64::from(u32::try_from(blocks.len()).expect("blocks"));
        let most = MOST_PER_SECOND * (seconds + count * 0.020);
        #[expect(clippy::cast_precision_loss, reason = "compared with a bound")]
        let read = bytes as f64;
        assert!(read <= most, "{config}: {read} bytes in {seconds} s of blocks");
        // The harness stays quiet all the same.
        let harness = case["harness_cpu_seconds"].as_f64().expect("seconds");
        assert!(harness < seconds * 0.10, "{config}: {harness} s of CPU in {seconds} s of blocks");
    }
    assert!(ended.case("sham")["log_bytes"].is_null());
    let open = ended.case("open");
    assert!(
        matches!(open["verdict"].as_str(), Some("harmless" | "inconclusive")),
        "{}",
        open["reason"]
    );
}
