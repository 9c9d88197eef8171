//! gzip and nothing else: stdin through the encoder that drafts use, to nowhere. What `price_list_cpu.py` compares the
//! crawler's CPU with.

use std::io::{self, Read as _, Write as _};

use flate2::{Compression, GzBuilder};

fn main() -> io::Result<()> {
    let mut gzip = GzBuilder::new().mtime(0).write(io::sink(), Compression::new(6));
    let mut piece = vec![0; 128 << 10];
    let mut stdin = io::stdin().lock();
    loop {
        match stdin.read(&mut piece)? {
            0 => break,
            read => gzip.write_all(piece.get(..read).unwrap_or_default())?,
        }
    }
    gzip.finish()?;
    Ok(())
}
