//! How many requests may be under way at one host, whoever sends them. A host that throttles is asked less until
//! it answers again; the others notice nothing. Whether a request is sent again is not decided here.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::TimeDelta;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::pace::Pace;
use crate::base::{Clock, Time};

/// Is told how many requests may be under way at a host, whenever that changes.
type Watcher = dyn Fn(&str, usize) + Send + Sync;

/// Whoever watches, if anybody.
#[derive(Clone, Default)]
struct Watched(Arc<OnceLock<Box<Watcher>>>);

impl Watched {
    fn tell(&self, host: &str, at_once: usize) {
        if let Some(watcher) = self.0.get() {
            watcher(host, at_once);
        }
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.0.get().is_some()).finish()
    }
}

/// A bound on concurrent requests for each host, shared by every source.
#[derive(Debug, Clone)]
pub struct HostLimits {
    per_host: usize,
    clock: Arc<dyn Clock>,
    hosts: Arc<Mutex<HashMap<String, Arc<Host>>>>,
    watched: Watched,
}

/// One host.
#[derive(Debug)]
struct Host {
    name: String,
    // As many permits as the pace allows, but for those in `state.surplus`.
    room: Arc<Semaphore>,
    state: Mutex<State>,
    watched: Watched,
}

#[derive(Debug)]
struct State {
    pace: Pace,
    /// How often the pace was cut. What was sent before a cut says nothing about the pace after it.
    cuts: u64,
    /// Permits that are still held and go away when they are given back.
    surplus: usize,
    /// When the last request was let go.
    last: Option<Time>,
}

/// Leave to talk to a host; given back when dropped. Whoever holds it says what comes of each request.
#[derive(Debug)]
pub struct HostPermit {
    host: Arc<Host>,
    permit: Option<OwnedSemaphorePermit>,
    /// How often the pace had been cut when the last request went out.
    sent_after: AtomicU64,
}

impl HostLimits {
    /// At most `per_host` requests at a time for each host (at least one).
    pub fn new(per_host: usize, clock: Arc<dyn Clock>) -> Self {
        Self { per_host: per_host.max(1), clock, hosts: Arc::default(), watched: Watched::default() }
    }

    /// Has `watcher` told of each host whose bound changes, and of the new bound. Whoever comes first watches.
    pub fn watch(&self, watcher: impl Fn(&str, usize) + Send + Sync + 'static) {
        // Somebody watches already, and sees the same.
        let _ = self.watched.0.set(Box::new(watcher));
    }

    /// Waits until the host (`name` or `name:port`) has room for one more request.
    pub async fn acquire(&self, host: &str) -> HostPermit {
        let host = {
            let mut hosts = lock(&self.hosts);
            Arc::clone(
                hosts
                    .entry(host.to_owned())
                    .or_insert_with(|| Arc::new(Host::new(host, self.per_host, &self.watched))),
            )
        };
        // The semaphore is never closed, so this always yields a permit.
        let permit = Arc::clone(&host.room).acquire_owned().await.ok();
        let permit = HostPermit { host, permit, sent_after: AtomicU64::new(0) };
        while let Some(wait) = permit.host.gap(self.clock.now()) {
            self.clock.sleep(wait).await;
        }
        permit.sent();
        permit
    }

    /// The hosts that are asked less than they might be, because they throttle, and how many requests may be
    /// under way there at once.
    pub fn slowed(&self) -> Vec<(String, usize)> {
        let hosts: Vec<_> = lock(&self.hosts).values().cloned().collect();
        let slowed = hosts.iter().filter_map(|host| {
            let pace = lock(&host.state).pace;
            (!pace.is_full()).then(|| (host.name.clone(), pace.at_once()))
        });
        slowed.collect()
    }
}

impl HostPermit {
    /// A request goes out under this permit. Said by itself for the first one.
    pub fn sent(&self) {
        self.sent_after.store(lock(&self.host.state).cuts, Ordering::Relaxed);
    }

    /// The host took the request that went out last.
    pub fn succeeded(&self) {
        self.host.speed_up(self.sent_after.load(Ordering::Relaxed));
    }

    /// The host answered the request that went out last by saying that there are too many.
    pub fn throttled(&self) {
        self.host.slow_down(self.sent_after.load(Ordering::Relaxed));
    }
}

impl Drop for HostPermit {
    fn drop(&mut self) {
        let mut state = lock(&self.host.state);
        if state.surplus > 0
            && let Some(permit) = self.permit.take()
        {
            state.surplus -= 1;
            permit.forget();
        }
    }
}

impl Host {
    fn new(name: &str, most: usize, watched: &Watched) -> Self {
        watched.tell(name, most);
        let state = State { pace: Pace::full(most), cuts: 0, surplus: 0, last: None };
        Self {
            name: name.to_owned(),
            room: Arc::new(Semaphore::new(most)),
            state: Mutex::new(state),
            watched: watched.clone(),
        }
    }

    /// How long the next request has to wait at `now`; `None` lets it go.
    fn gap(&self, now: Time) -> Option<std::time::Duration> {
        let mut state = lock(&self.state);
        let gap = TimeDelta::from_std(state.pace.gap()).unwrap_or_default();
        // A clock that was set back would otherwise hold the host up until it has caught up.
        let since = state.last.map(|last| now - last).filter(|since| *since >= TimeDelta::zero());
        match since.and_then(|since| (gap - since).to_std().ok()).filter(|wait| !wait.is_zero()) {
            None => {
                state.last = Some(now);
                None
            }
            wait => wait,
        }
    }

    fn slow_down(&self, sent_after: u64) {
        let mut state = lock(&self.state);
        if sent_after != state.cuts {
            return;
        }
        let before = state.pace;
        state.cuts += 1;
        state.pace = before.halved();
        let fewer = before.at_once() - state.pace.at_once();
        state.surplus += fewer - self.room.forget_permits(fewer);
        self.watched.tell(&self.name, state.pace.at_once());
        if before != state.pace {
            tracing::info!(
                host = self.name,
                at_once = state.pace.at_once(),
                gap_seconds = state.pace.gap().as_secs(),
                "the host throttles: it is asked less"
            );
        }
    }

    fn speed_up(&self, sent_after: u64) {
        let mut state = lock(&self.state);
        let before = state.pace;
        if sent_after != state.cuts || before.is_full() {
            return;
        }
        state.pace = before.grown();
        let more = state.pace.at_once() - before.at_once();
        let kept = more.min(state.surplus);
        state.surplus -= kept;
        self.room.add_permits(more - kept);
        self.watched.tell(&self.name, state.pace.at_once());
        if state.pace.is_full() {
            tracing::info!(
                host = self.name,
                at_once = state.pace.at_once(),
                "the host is asked at full speed again"
            );
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;
    use futures::future::BoxFuture;
    use proptest::prelude::*;

    use super::*;

    /// Waiting moves it on at once.
    #[derive(Debug)]
    struct Hasty(Mutex<Time>);

    impl Hasty {
        fn new() -> Arc<Self> {
            Arc::new(Self(Mutex::new("2026-11-21T08:00:00Z".parse().unwrap())))
        }
    }

    impl Clock for Hasty {
        fn now(&self) -> Time {
            *lock(&self.0)
        }

        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            *lock(&self.0) += duration;
            futures::future::ready(()).boxed()
        }
    }

    fn limits(per_host: usize) -> (HostLimits, Arc<Hasty>) {
        let clock = Hasty::new();
        (HostLimits::new(per_host, Arc::clone(&clock) as Arc<dyn Clock>), clock)
    }

    fn take(limits: &HostLimits, host: &str) -> Option<HostPermit> {
        limits.acquire(host).now_or_never()
    }

    /// As many permits as can be had at once.
    fn take_all(limits: &HostLimits, host: &str) -> Vec<HostPermit> {
        std::iter::from_fn(|| take(limits, host)).collect()
    }

    #[test]
    fn a_host_that_throttles_is_asked_less_and_the_others_as_before() {
        let (limits, _) = limits(8);
        let told = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&told);
        limits.watch(move |host, at_once| lock(&seen).push((host.to_owned(), at_once)));
        take(&limits, "a").unwrap().throttled();
        assert_eq!(*lock(&told), [("a".to_owned(), 8), ("a".to_owned(), 4)]);
        assert_eq!(take_all(&limits, "a").len(), 4);
        assert_eq!(take_all(&limits, "b").len(), 8);
        assert_eq!(limits.slowed(), [("a".to_owned(), 4)]);
    }

    #[test]
    fn requests_that_were_under_way_together_are_throttled_for_one_reason() {
        let (limits, _) = limits(8);
        let together = take_all(&limits, "a");
        together.iter().for_each(HostPermit::throttled);
        drop(together);
        assert_eq!(take_all(&limits, "a").len(), 4);
    }

    #[test]
    fn a_request_that_is_repeated_under_its_permit_counts_anew() {
        let (limits, _) = limits(8);
        let permit = take(&limits, "a").unwrap();
        permit.throttled();
        permit.throttled();
        permit.sent();
        permit.throttled();
        drop(permit);
        assert_eq!(take_all(&limits, "a").len(), 2);
    }

    #[test]
    fn what_was_sent_before_the_host_throttled_does_not_speed_it_up_again() {
        let (limits, _) = limits(8);
        let together = take_all(&limits, "a");
        together[0].throttled();
        together[1..].iter().for_each(HostPermit::succeeded);
        assert_eq!(limits.slowed(), [("a".to_owned(), 4)]);
    }

    #[test]
    fn permits_that_are_out_when_the_pace_is_cut_do_not_come_back() {
        let (limits, _) = limits(8);
        let mut out = take_all(&limits, "a");
        out[0].throttled();
        out.truncate(5);
        assert!(take(&limits, "a").is_none(), "five are out and four may be");
        out.truncate(3);
        assert_eq!(take_all(&limits, "a").len(), 1);
    }

    #[test]
    fn one_at_a_time_that_is_too_much_becomes_one_now_and_then() {
        let (limits, clock) = limits(1);
        let mut starts = Vec::new();
        for _ in 0..5 {
            let permit = take(&limits, "a").unwrap();
            starts.push(clock.now());
            permit.throttled();
        }
        let gaps: Vec<i64> = starts.windows(2).map(|pair| (pair[1] - pair[0]).num_seconds()).collect();
        assert_eq!(gaps, [1, 3, 7, 15]);
        let before = clock.now();
        drop(take(&limits, "b"));
        assert_eq!(clock.now(), before, "another host does not wait");
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nobody_up() {
        let (limits, clock) = limits(1);
        take(&limits, "a").unwrap().throttled();
        *lock(&clock.0) -= TimeDelta::days(300);
        let set_back = clock.now();
        assert!(take(&limits, "a").is_some());
        assert!(clock.now() - set_back <= TimeDelta::seconds(1));
    }

    #[test]
    fn who_gives_up_waiting_takes_no_room() {
        let (limits, _) = limits(1);
        let permit = take(&limits, "a").unwrap();
        assert!(take(&limits, "a").is_none());
        drop(permit);
        assert!(take(&limits, "a").is_some());
    }

    #[derive(Debug, Clone, Copy)]
    enum Event {
        Take,
        GiveBack(usize),
        Succeed(usize),
        Throttle(usize),
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = prop_oneof![
            3 => Just(Event::Take),
            2 => any::<usize>().prop_map(Event::GiveBack),
            3 => any::<usize>().prop_map(Event::Succeed),
            1 => any::<usize>().prop_map(Event::Throttle),
        ];
        prop::collection::vec(event, 0..300)
    }

    proptest! {
        #[test]
        fn whatever_happens_a_host_keeps_its_bound_and_comes_back_to_full_speed(
            most in 1_usize..20,
            events in events(),
        ) {
            let (limits, _) = limits(most);
            let mut out: Vec<HostPermit> = Vec::new();
            let pick = |index: usize, len: usize| (len > 0).then(|| index % len);
            for event in events {
                match event {
                    Event::Take => {
                        let allowed = limits.slowed().first().map_or(most, |(_, at_once)| *at_once);
                        let had = out.len();
                        out.extend(take(&limits, "a"));
                        prop_assert_eq!(out.len(), if had < allowed { had + 1 } else { had });
                    }
                    Event::GiveBack(index) => drop(pick(index, out.len()).map(|index| out.swap_remove(index))),
                    Event::Succeed(index) => pick(index, out.len()).into_iter().for_each(|index| out[index].succeeded()),
                    Event::Throttle(index) => pick(index, out.len()).into_iter().for_each(|index| {
                        out[index].sent();
                        out[index].throttled();
                    }),
                }
            }
            out.clear();
            for _ in 0..2_000 {
                take(&limits, "a").unwrap().succeeded();
            }
            prop_assert!(limits.slowed().is_empty());
            prop_assert_eq!(take_all(&limits, "a").len(), most);
        }
    }
}
