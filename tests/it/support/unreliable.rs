//! A network that cuts, delays and refuses connections as chance has it, between a program and a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use contrail::base::Chance;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The way to a server. It ends with the runtime of the test.
#[derive(Debug)]
pub(crate) struct Unreliable {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    server: SocketAddr,
    calm: AtomicBool,
    struck: AtomicU64,
    chance: Chance,
}

/// What becomes of a connection.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Passed,
    Refused,
    /// Each piece comes this much later.
    Delayed(Duration),
    /// It ends after so many bytes on the way there, or back.
    Cut {
        there: u64,
        back: u64,
    },
}

impl Unreliable {
    /// Leads to `server`. The same seed gives the same fates, in the order in which connections come.
    pub(crate) async fn before(server: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            server,
            calm: AtomicBool::new(false),
            struck: AtomicU64::new(0),
            chance: Chance::seeded(seed),
        };
        let state = Arc::new(state);
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&serving).pass(connection));
            }
        });
        Self { address, state }
    }

    /// From now on nothing fails.
    pub(crate) fn calm(&self) {
        self.state.calm.store(true, Ordering::Relaxed);
    }

    /// How many connections were refused, delayed or cut.
    pub(crate) fn struck(&self) -> u64 {
        self.state.struck.load(Ordering::Relaxed)
    }
}

impl State {
    fn fate(&self) -> Fate {
        if self.calm.load(Ordering::Relaxed) {
            return Fate::Passed;
        }
        let below = |limit: u64| self.chance.next_u64() % limit;
        let fate = match below(10) {
            0 => Fate::Refused,
            1 => Fate::Delayed(Duration::from_millis(below(40))),
            2 | 3 => Fate::Cut { there: below(20_000), back: u64::MAX },
            4 | 5 => Fate::Cut { there: u64::MAX, back: below(5_000) },
            _ => return Fate::Passed,
        };
        self.struck.fetch_add(1, Ordering::Relaxed);
        fate
    }

    async fn pass(self: Arc<Self>, mut client: TcpStream) {
        let fate = self.fate();
        let (there, back, delay) = match fate {
            Fate::Refused => return,
            Fate::Passed => (u64::MAX, u64::MAX, Duration::ZERO),
            Fate::Delayed(delay) => (u64::MAX, u64::MAX, delay),
            Fate::Cut { there, back } => (there, back, Duration::ZERO),
        };
        let Ok(mut server) = TcpStream::connect(self.server).await else { return };
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        // Whichever way ends first ends both.
        tokio::select! {
            () = carry(from_client, to_server, there, delay) => {}
            () = carry(from_server, to_client, back, delay) => {}
        }
    }
}

/// Carries bytes until there are no more, or no more may pass.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut left: u64,
    delay: Duration,
) {
    let mut piece = vec![0; 16 << 10];
    while let Ok(read) = from.read(&mut piece).await
        && read > 0
        && left > 0
    {
        if !delay.is_zero() {
            #[expect(clippy::disallowed_methods, reason = "the network takes its time")]
            tokio::time::sleep(delay).await;
        }
        let passes = usize::try_from(left).map_or(read, |left| left.min(read));
        if to.write_all(&piece[..passes]).await.is_err() {
            return;
        }
        left -= passes as u64;
    }
}
