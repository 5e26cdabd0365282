//! Calls an evaluation off when it takes too long. Costs and bytes bound every policy already; this bounds what they
//! add up to on a slow machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use policy::admission::Request;
use policy::admission_policy::Budgets;
use policy::policies::Judged;

use super::load::Loaded;

/// Longest time for all policies on one request. The API server itself gives up after thirty seconds at the latest.
const REQUEST_MS_MAX: u64 = 30_000;

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(20);

/// A clock in a thread of its own.
#[derive(Debug)]
pub(crate) struct Watch {
    shared: Arc<Shared>,
    begun: Instant,
}

#[derive(Debug, Default)]
struct Shared {
    /// Milliseconds after the beginning at which the present evaluation is called off; 0 when none runs.
    deadline: AtomicU64,
    cancel: AtomicBool,
    over: AtomicBool,
}

impl Watch {
    pub(crate) fn start() -> Self {
        let watch = Watch { shared: Arc::default(), begun: Instant::now() };
        let (shared, begun) = (Arc::clone(&watch.shared), watch.begun);
        std::thread::spawn(move || {
            while !shared.over.load(Ordering::Relaxed) {
                let deadline = shared.deadline.load(Ordering::Relaxed);
                if deadline > 0 && begun.elapsed().as_millis() as u64 > deadline {
                    shared.cancel.store(true, Ordering::Relaxed);
                }
                std::thread::sleep(TICK);
            }
        });
        watch
    }

    /// Judges one request with all policies.
    pub(crate) fn judge(&self, loaded: &Loaded, request: &Request<'_>) -> Judged {
        self.bounded(|budgets| loaded.policies.judge(request, &loaded.facts, loaded.inventory.as_ref(), budgets))
    }

    /// Runs something within the time of one request.
    pub(crate) fn bounded<T>(&self, run: impl FnOnce(&mut Budgets<'_>) -> T) -> T {
        self.shared.cancel.store(false, Ordering::Relaxed);
        let deadline = self.begun.elapsed().as_millis() as u64 + REQUEST_MS_MAX;
        self.shared.deadline.store(deadline, Ordering::Relaxed);
        let result = run(&mut Budgets { cancel: Some(&self.shared.cancel), ..Budgets::default() });
        self.shared.deadline.store(0, Ordering::Relaxed);
        result
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
    }
}
