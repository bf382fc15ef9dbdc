//! One probe in one block: open loop at a fixed rate, or closed loop.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use nix::errno::Errno;

use super::delay::OwnDelay;
use super::probe::Probe;
use crate::clock;
use crate::protocol::{AWAKE_US, Pace, ProbeOrder, Sample};

/// Latencies are kept up to this long, in nanoseconds; longer ones are recorded as this.
const LONGEST_NS: u64 = 60_000_000_000;
/// Three significant digits: an error of at most 0.1 %.
const DIGITS: u8 = 3;
/// Pause after a failure in a closed loop, in nanoseconds: refusals are quick, and a victim must not become an attacker.
const FAILED_PAUSE_NS: u64 = 1_000_000;

/// Runs `probe` for `duration_ns` as ordered. How long it waited for a CPU is read over the whole block, and with `net` for
/// each operation besides.
pub fn run(probe: &mut dyn Probe, order: &ProbeOrder, duration_ns: u64, net: bool) -> Sample {
    let own = OwnDelay::open();
    let mut block = Block::new(order, net.then(OwnDelay::open).flatten());
    let waited_before = own.as_ref().and_then(OwnDelay::read);
    let begun = clock::now();
    match order.pace {
        Pace::Open { period_us, phase_us, deadline_us } => {
            block.open_loop(
                probe,
                begun + phase_us * 1000,
                begun + duration_ns,
                period_us.max(1) * 1000,
                deadline_us * 1000,
            );
        }
        Pace::Closed => block.closed_loop(probe, begun + duration_ns),
    }
    let elapsed = clock::now() - begun;
    let waited = own.as_ref().and_then(OwnDelay::read);
    let mut sample = block.finish(elapsed);
    sample.own_run_delay_ns =
        waited.zip(waited_before).map(|(now, before)| now.saturating_sub(before));
    sample
}

struct Block {
    sample: Sample,
    latencies: Option<Histogram<u64>>,
    slowdown: f64,
    waits: Option<Waits>,
}

/// Waiting for a CPU.
struct Waits {
    own: OwnDelay,
    /// What the own wait was when it was read last, in nanoseconds.
    seen: u64,
    /// Latencies less the waits in them.
    net: Option<Histogram<u64>>,
}

impl Block {
    fn new(order: &ProbeOrder, own: Option<OwnDelay>) -> Self {
        let open = matches!(order.pace, Pace::Open { .. });
        let histogram =
            || open.then(|| Histogram::new_with_bounds(1, LONGEST_NS, DIGITS).ok()).flatten();
        let waits = own.and_then(|own| Some(Waits { seen: own.read()?, own, net: histogram() }));
        Self {
            sample: Sample {
                probe: order.probe.clone(),
                run_delay_ns: waits.as_ref().map(|_| 0),
                ..Sample::default()
            },
            latencies: histogram(),
            waits,
            slowdown: if cfg!(feature = "inject") { order.slowdown.unwrap_or(0.0) } else { 0.0 },
        }
    }

    /// Every due time before `end` gives one attempt. Latency counts from the due time, so that waiting behind a slow
    /// operation is felt, as a client would feel it.
    fn open_loop(
        &mut self,
        probe: &mut dyn Probe,
        first: u64,
        end: u64,
        period: u64,
        deadline: u64,
    ) {
        let (mut due, mut free_since) = (first, 0);
        while due < end {
            clock::wait_until(due, AWAKE_US * 1000);
            self.sample.attempts += 1;
            if clock::now() > due + deadline {
                // The wait that made it too late must not be taken off the next one.
                self.own_wait();
                self.failed(Errno::ETIME);
            } else {
                let result = probe.operate();
                // Time spent behind the operation before is not this one's own: stretched too, it would grow for ever.
                self.stretch(due.max(free_since));
                free_since = clock::now();
                let latency = (free_since - due).saturating_sub(probe.asleep_ns());
                let waited = self.waited(probe);
                match result {
                    Ok(()) => self.done(latency, waited, deadline),
                    Err(errno) => self.failed(errno),
                }
            }
            due += period;
        }
    }

    fn closed_loop(&mut self, probe: &mut dyn Probe, end: u64) {
        let mut begun = clock::now();
        while begun < end {
            self.once(probe, begun);
            begun = clock::now();
        }
    }

    /// One operation of a closed loop.
    fn once(&mut self, probe: &mut dyn Probe, begun: u64) {
        self.sample.attempts += 1;
        let result = probe.operate();
        self.stretch(begun);
        let latency = clock::now() - begun;
        let waited = self.waited(probe);
        match result {
            Ok(()) => self.done(latency, waited, u64::MAX),
            Err(errno) => {
                self.failed(errno);
                clock::sleep(FAILED_PAUSE_NS);
            }
        }
    }

    /// How long the probe and the children of its last operation waited for a CPU, from the end of the operation before: in
    /// between it slept, which is no waiting. In nanoseconds.
    fn waited(&mut self, probe: &dyn Probe) -> u64 {
        let children = probe.children_waited_ns();
        if let Some(sum) = &mut self.sample.run_delay_ns {
            *sum += children;
        }
        self.own_wait() + children
    }

    /// How long the probe itself waited since this was asked last, in nanoseconds.
    fn own_wait(&mut self) -> u64 {
        let Some(waits) = &mut self.waits else { return 0 };
        let now = waits.own.read().unwrap_or(waits.seen);
        let waited = now.saturating_sub(waits.seen);
        waits.seen = now;
        if let Some(sum) = &mut self.sample.run_delay_ns {
            *sum += waited;
        }
        waited
    }

    fn done(&mut self, latency: u64, waited: u64, deadline: u64) {
        if latency > deadline {
            return self.failed(Errno::ETIME);
        }
        self.sample.done += 1;
        self.sample.latency_sum_ns += latency;
        if let Some(histogram) = &mut self.latencies {
            histogram.saturating_record(latency);
        }
        if let Some(net) = self.waits.as_mut().and_then(|waits| waits.net.as_mut()) {
            net.saturating_record(latency.saturating_sub(waited).max(1));
        }
    }

    fn failed(&mut self, errno: Errno) {
        *self.sample.failures.entry(format!("{errno:?}")).or_insert(0) += 1;
    }

    /// Test only: makes what began at `since` take longer by the injected factor.
    fn stretch(&self, since: u64) {
        if self.slowdown > 0.0 {
            let taken = clock::now() - since;
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an injected delay in nanoseconds needs no exactness"
            )]
            let until = since + taken + (taken as f64 * self.slowdown) as u64;
            while clock::now() < until {}
        }
    }

    fn finish(mut self, elapsed: u64) -> Sample {
        self.sample.elapsed_ns = elapsed;
        if let Some(histogram) = &self.latencies {
            self.sample.latency_ns = sparse(histogram);
        }
        if let Some(net) = self.waits.as_ref().and_then(|waits| waits.net.as_ref()) {
            self.sample.net_latency_ns = sparse(net);
        }
        self.sample
    }
}

/// Value in nanoseconds and count.
fn sparse(histogram: &Histogram<u64>) -> Vec<(u64, u64)> {
    histogram
        .iter_recorded()
        .map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
        .collect()
}

/// What one operation costs on the quiet node: the mean over `duration_ns`, in nanoseconds, and the failures. One is done in any case: a machine that
/// stalls for as long as that leaves time for none.
pub fn calibrate(probe: &mut dyn Probe, duration_ns: u64) -> (Option<u64>, BTreeMap<String, u64>) {
    probe.prepare();
    let order = ProbeOrder { probe: String::new(), pace: Pace::Closed, slowdown: None };
    let mut block = Block::new(&order, None);
    let begun = clock::now();
    block.once(probe, begun);
    block.closed_loop(probe, begun + duration_ns);
    let sample = block.finish(clock::now() - begun);
    (sample.latency_sum_ns.checked_div(sample.done), sample.failures)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scripted(Vec<Result<u64, Errno>>);

    /// Sleeps for ten milliseconds and means to.
    struct Napping;

    impl Probe for Napping {
        fn operate(&mut self) -> Result<(), Errno> {
            clock::sleep(self.asleep_ns());
            Ok(())
        }

        fn asleep_ns(&self) -> u64 {
            10_000_000
        }
    }

    impl Probe for Scripted {
        fn operate(&mut self) -> Result<(), Errno> {
            let result = if self.0.is_empty() { Ok(0) } else { self.0.remove(0) };
            clock::sleep(*result.as_ref().unwrap_or(&0));
            result.map(drop)
        }
    }

    fn open(script: Vec<Result<u64, Errno>>) -> Sample {
        open_with(&mut Scripted(script), 10_000)
    }

    fn open_with(probe: &mut dyn Probe, period_us: u64) -> Sample {
        let order = ProbeOrder {
            probe: "pids/fork".to_owned(),
            pace: Pace::Open { period_us, phase_us: 1_000, deadline_us: 25_000 },
            slowdown: None,
        };
        run(probe, &order, 100_000_000, false)
    }

    #[test]
    fn time_that_an_operation_means_to_sleep_is_none_of_its_latency() {
        let sample = open_with(&mut Napping, 50_000);
        let shortest = sample.latency_ns.first().expect("an operation").0;
        assert!(shortest < 10_000_000, "{sample:?}");
    }

    #[test]
    fn every_due_time_is_attempted_even_behind_a_slow_operation() {
        // The first takes 60 ms: it misses its deadline, and so do those due while it ran whose deadline passed.
        let sample = open(vec![Ok(60_000_000)]);
        assert_eq!(sample.attempts, 10);
        assert!(sample.failures["ETIME"] >= 4, "{sample:?}");
        assert_eq!(sample.done + sample.failures["ETIME"], 10);
    }

    #[test]
    fn failures_are_counted_by_errno_and_leave_no_latency() {
        let sample = open(vec![Err(Errno::EAGAIN); 10]);
        assert_eq!(sample.failures, BTreeMap::from([("EAGAIN".to_owned(), 10)]));
        assert_eq!((sample.done, sample.latency_sum_ns), (0, 0));
        assert!(sample.latency_ns.is_empty());
    }

    #[test]
    fn a_look_has_one_operation_at_least() {
        let (cost_ns, failures) = calibrate(&mut Scripted(vec![Ok(1_000_000)]), 0);
        assert!(cost_ns.is_some_and(|cost| cost >= 1_000_000) && failures.is_empty());
    }

    #[test]
    fn a_closed_loop_counts_and_pauses_after_failures() {
        let order = ProbeOrder { probe: "x/y".to_owned(), pace: Pace::Closed, slowdown: None };
        let mut probe = Scripted(vec![Err(Errno::EAGAIN); 100]);
        let sample = run(&mut probe, &order, 20_000_000, false);
        assert!(sample.attempts <= 25, "each failure pauses a millisecond: {sample:?}");
        assert!(sample.elapsed_ns >= 20_000_000);
    }
}
