//! Calls an evaluation off when it takes too long. Costs and bytes bound every policy already; this bounds what they
//! add up to on a slow machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use policy::admission::Request;
use policy::admission_policy::Budgets;
use policy::policies::{Judged, Timekeeper};

use super::load::Loaded;

/// Longest time for all policies on one request. The API server itself gives up after thirty seconds at the latest.
const REQUEST_MS_MAX: u64 = 30_000;

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(20);

/// Evaluations that may run at the same time; whoever comes later waits. Nobody has as many cores.
const PLACES: usize = 256;

/// A clock in a thread of its own, for evaluations in any number of threads.
#[derive(Debug)]
pub(crate) struct Watch {
    shared: Arc<Shared>,
    begun: Instant,
    /// Milliseconds for one request.
    limit: u64,
}

#[derive(Debug)]
struct Shared {
    places: Vec<Place>,
    over: AtomicBool,
}

/// An evaluation.
#[derive(Debug, Default)]
struct Place {
    /// Milliseconds after the beginning at which it is called off; 0 when none runs.
    deadline: AtomicU64,
    cancel: AtomicBool,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Watch::with_limit(REQUEST_MS_MAX)
    }

    fn with_limit(limit: u64) -> Self {
        let places = (0..PLACES).map(|_| Place::default()).collect();
        let watch =
            Watch { shared: Arc::new(Shared { places, over: AtomicBool::new(false) }), begun: Instant::now(), limit };
        let (shared, begun) = (Arc::clone(&watch.shared), watch.begun);
        std::thread::spawn(move || {
            while !shared.over.load(Ordering::Relaxed) {
                let now = begun.elapsed().as_millis() as u64;
                for place in &shared.places {
                    let deadline = place.deadline.load(Ordering::Relaxed);
                    if deadline > 0 && now > deadline {
                        place.cancel.store(true, Ordering::Relaxed);
                    }
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
        let place = self.place();
        let result = run(&mut Budgets { cancel: Some(&place.cancel), ..Budgets::default() });
        place.deadline.store(0, Ordering::Release);
        result
    }

    /// Takes a free place.
    fn place(&self) -> &Place {
        loop {
            let deadline = self.begun.elapsed().as_millis() as u64 + self.limit;
            let free = |place: &&Place| {
                place.deadline.compare_exchange(0, deadline, Ordering::Acquire, Ordering::Relaxed).is_ok()
            };
            if let Some(place) = self.shared.places.iter().find(free) {
                place.cancel.store(false, Ordering::Relaxed);
                return place;
            }
            std::thread::yield_now();
        }
    }
}

impl Timekeeper for Watch {
    fn bounded(&self, run: &mut dyn FnMut(&mut Budgets<'_>)) {
        self.bounded(run);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_evaluation_is_called_off_at_its_own_time() {
        let watch = Watch::with_limit(1);
        let patient = Watch::with_limit(REQUEST_MS_MAX);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..3 {
                        // Ends only because the watch says so.
                        Timekeeper::bounded(&watch, &mut |budgets| {
                            let cancel = budgets.cancel.unwrap();
                            while !cancel.load(Ordering::Relaxed) {
                                std::thread::yield_now();
                            }
                        });
                    }
                    patient.bounded(|budgets| assert!(!budgets.cancel.unwrap().load(Ordering::Relaxed)));
                });
            }
        });
    }
}
