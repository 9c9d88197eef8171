//! How many requests may be under way at one host, whoever sends them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bound on concurrent requests for each host, shared by every source.
#[derive(Debug, Clone)]
pub struct HostLimits {
    per_host: usize,
    hosts: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

/// Leave to talk to a host; given back when dropped.
#[derive(Debug)]
pub struct HostPermit(#[expect(dead_code, reason = "held for its drop")] Option<OwnedSemaphorePermit>);

impl HostLimits {
    /// At most `per_host` requests at a time for each host (at least one).
    pub fn new(per_host: usize) -> Self {
        Self { per_host: per_host.max(1), hosts: Arc::default() }
    }

    /// Waits until the host (`name` or `name:port`) has room for one more request.
    pub async fn acquire(&self, host: &str) -> HostPermit {
        let semaphore = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            let made = || Arc::new(Semaphore::new(self.per_host));
            Arc::clone(hosts.entry(host.to_owned()).or_insert_with(made))
        };
        // The semaphore is never closed, so this always yields a permit.
        HostPermit(semaphore.acquire_owned().await.ok())
    }
}
