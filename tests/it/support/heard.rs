//! Listens to the log of one test.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// What was said on this thread since.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    text: Arc<Mutex<Vec<u8>>>,
}

impl Heard {
    /// Starts listening, until the guard is dropped.
    pub(crate) fn start() -> (Self, DefaultGuard) {
        let heard = Self::default();
        let subscriber =
            tracing_subscriber::fmt().with_writer(heard.clone()).with_ansi(false).without_time().finish();
        (heard, tracing::subscriber::set_default(subscriber))
    }

    /// How many lines have this in them.
    pub(crate) fn count(&self, text: &str) -> usize {
        let heard = String::from_utf8(self.text.lock().unwrap().clone()).unwrap();
        heard.lines().filter(|line| line.contains(text)).count()
    }
}

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Heard {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
