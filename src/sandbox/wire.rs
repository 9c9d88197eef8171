//! Connections that can be cut: an accepted TCP stream that ends at once when the sandbox stops, or is reset
//! when a fault says so.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Accepts connections until the sandbox stops.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) inner: TcpListener,
    pub(crate) stop: CancellationToken,
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, peer) = axum::serve::Listener::accept(&mut self.inner).await;
        // Answers are written whole: waiting for more only delays the last packet.
        let _ = stream.set_nodelay(true);
        let scissors = Scissors { cut: self.stop.child_token(), reset: Arc::default() };
        let ended = Box::pin(scissors.cut.clone().cancelled_owned());
        (Connection { stream, ended, scissors }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// Ends the connection that it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Scissors {
    cut: CancellationToken,
    reset: Arc<AtomicBool>,
}

impl Scissors {
    /// Cuts the connection with a TCP reset: what is not yet sent never will be.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Release);
        self.cut.cancel();
    }
}

impl Connected<IncomingStream<'_, Listener>> for Scissors {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        stream.io().scissors.clone()
    }
}

/// A TCP stream with its scissors.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    scissors: Scissors,
}

impl Connection {
    /// An error once the connection was cut. Registers the task to be woken when it is.
    fn alive(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        // A finished future must not be polled again.
        if !self.scissors.cut.is_cancelled() && self.ended.as_mut().poll(cx).is_pending() {
            return Ok(());
        }
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.scissors.reset.load(Ordering::Acquire) {
            // Closing with no time to linger sends a reset instead of an orderly end.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
