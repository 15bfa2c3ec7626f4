//! Decoding on a thread of its own, a few buffers ahead of whoever reads what comes of it.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::Content;
use crate::limits::DECODE_CHUNK_BYTES;

/// Buffers under way, each of [`DECODE_CHUNK_BYTES`].
const BUFFERS: usize = 4;

/// Reads content on another thread while `take` reads, here, what that thread has read. The content
/// may end up further than `take` has come.
pub fn ahead<T>(content: &mut Content, take: impl FnOnce(&mut dyn Read) -> T) -> T {
    let (full, come) = sync_channel(BUFFERS);
    let (back, empty) = sync_channel(BUFFERS);
    for _ in 0..BUFFERS {
        // There is room for all of them.
        let _ = back.send(vec![0; DECODE_CHUNK_BYTES]);
    }
    thread::scope(|scope| {
        scope.spawn(move || read_all(content, &empty, &full));
        take(&mut Ahead { come, back, piece: Vec::new(), len: 0, taken: 0 })
    })
}

/// A buffer, and how much of it was read. None of it is the end.
type Piece = io::Result<(Vec<u8>, usize)>;

/// Ends when there is no more, or when nobody takes it.
fn read_all(content: &mut Content, empty: &Receiver<Vec<u8>>, full: &SyncSender<Piece>) {
    while let Ok(mut buffer) = empty.recv() {
        let read = content.read(&mut buffer);
        let is_last = !matches!(&read, Ok(count) if *count > 0);
        if full.send(read.map(|count| (buffer, count))).is_err() || is_last {
            return;
        }
    }
}

struct Ahead {
    come: Receiver<Piece>,
    back: SyncSender<Vec<u8>>,
    piece: Vec<u8>,
    len: usize,
    taken: usize,
}

impl Read for Ahead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.len {
            // After the end, or an error, nothing comes any more.
            let Ok(piece) = self.come.recv() else { return Ok(0) };
            let (piece, len) = piece?;
            let used = std::mem::replace(&mut self.piece, piece);
            (self.len, self.taken) = (len, 0);
            if !used.is_empty() {
                // The other thread may have come to the end.
                let _ = self.back.send(used);
            }
        }
        let count = out.len().min(self.len - self.taken);
        out[..count].copy_from_slice(&self.piece[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::decode::open;
    use crate::source::Body;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_read_ahead_is_what_is_read() {
        let plain: Vec<u8> =
            (0..3_000_000u32).flat_map(|number| (number / 9).to_le_bytes()).collect();
        let whole = gzip(&plain);
        let mut wrong = whole.clone();
        let at = wrong.len() / 2;
        wrong[at] ^= 0x55;
        for stored in [whole.clone(), whole[..at].to_vec(), wrong, gzip(b""), b"as it is".to_vec()]
        {
            for limit in [u64::MAX, 1_000_000] {
                let content = || open(Body::from_bytes(stored.clone()), None, limit).unwrap();
                let (mut one, mut other) = (content(), content());
                let (mut here, mut there) = (Vec::new(), Vec::new());
                let ended = one.read_to_end(&mut here).map_err(|error| error.to_string());
                let ended_too = ahead(&mut other, |content| content.read_to_end(&mut there));
                // How much comes before an error depends on how much is asked for.
                assert!(ended.is_err() || here == there);
                assert_eq!(ended, ended_too.map_err(|error| error.to_string()));
                assert_eq!(one.finish(), other.finish());
            }
        }
    }

    #[test]
    fn whoever_has_enough_need_not_read_on() {
        let stored = gzip(&vec![b' '; 20 << 20]);
        let mut content = open(Body::from_bytes(stored), None, u64::MAX).unwrap();
        let mut head = [0; 10];
        ahead(&mut content, |content| content.read_exact(&mut head)).unwrap();
        assert_eq!(head, [b' '; 10]);
    }
}
