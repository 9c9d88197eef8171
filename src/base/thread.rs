//! Threads for work that waits for others: a body that is still on its way, a reader that takes its time. The
//! runtime's pool of blocking threads is small and for short work, so nothing long may sit there.

use std::io;
use std::thread::Builder;

use tokio::sync::oneshot;

/// How many threads do short blocking work for the runtime. Each keeps some memory for what it will do next, so many
/// threads cost memory, and more of them than processors win little but for disks that are slow.
pub const BLOCKING_THREADS: usize = 8;

/// Runs `work` on a thread of its own, starting now. The answer comes when it ends; there is none when it panicked.
///
/// # Errors
/// When the system has no thread left.
pub fn own_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let (sender, answer) = oneshot::channel();
    Builder::new().name(name.to_owned()).spawn(move || {
        // Nobody may be waiting for it any more.
        let _ = sender.send(work());
    })?;
    Ok(answer)
}
