//! Memory for bodies, used again. What an allocator gives back for a body of some size is new to the
//! system each time, page by page, and that takes longer than to copy the body into it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::limits::{BUFFER_BYTES_MIN, IDLE_BUFFER_BYTES};

/// Buffers that no body is in at the moment. Together they have room for at most [`IDLE_BUFFER_BYTES`].
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers(Arc<Mutex<VecDeque<Vec<u8>>>>);

impl Buffers {
    /// An empty buffer with room for a body, and for not much more: bodies are bounded by their sizes.
    pub(super) fn take(&self, size: usize) -> Buffer {
        let slack = size / 8;
        let fits = |buffer: &Vec<u8>| (size..=size + 2 * slack).contains(&buffer.capacity());
        let mut idle = self.idle();
        let used = idle.iter().position(fits).and_then(|at| idle.remove(at));
        let bytes = used.unwrap_or_else(|| Vec::with_capacity(size + slack));
        Buffer { bytes, home: self.clone() }
    }

    fn put(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() < BUFFER_BYTES_MIN {
            return;
        }
        buffer.clear();
        let mut idle = self.idle();
        idle.push_back(buffer);
        while idle.iter().map(Vec::capacity).sum::<usize>() > IDLE_BUFFER_BYTES {
            idle.pop_front();
        }
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The memory of one body.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    home: Buffers,
}

impl Buffer {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn extend(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
    }

    /// Room for a whole body, filled with zeros.
    pub(super) fn room(&mut self, size: usize) -> &mut [u8] {
        self.bytes.resize(size, 0);
        &mut self.bytes
    }

    /// What is in it. It goes home when nobody has any of it left.
    pub(super) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.home.put(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = BUFFER_BYTES_MIN;

    fn body(buffers: &Buffers, size: usize) -> Bytes {
        let mut buffer = buffers.take(size);
        buffer.extend(&vec![b'x'; size]);
        buffer.freeze()
    }

    #[test]
    fn memory_is_used_again_when_nobody_has_any_of_it() {
        let buffers = Buffers::default();
        let first = body(&buffers, SIZE);
        let (place, rest) = (first.as_ptr(), first.slice(SIZE - 1..));
        drop(first);
        assert_ne!(body(&buffers, SIZE).as_ptr(), place);
        drop(rest);
        let again = [(); 2].map(|()| body(&buffers, SIZE + 1));
        assert!(again.iter().any(|body| body.as_ptr() == place));
        assert!(again.iter().all(|body| body.len() == SIZE + 1));
    }

    #[test]
    fn a_small_body_gets_no_large_buffer() {
        let buffers = Buffers::default();
        drop(body(&buffers, 8 * SIZE));
        let small = buffers.take(SIZE);
        assert!(small.bytes.capacity() < 2 * SIZE);
        assert_eq!(buffers.idle().len(), 1);
    }

    #[test]
    fn what_lies_idle_is_bounded() {
        let buffers = Buffers::default();
        let all: Vec<_> = (0..10).map(|_| buffers.take(IDLE_BUFFER_BYTES / 4)).collect();
        drop(all);
        assert_eq!(buffers.idle().len(), 3);
        drop(body(&buffers, 10));
        assert_eq!(buffers.idle().len(), 3, "the allocator is good at small ones");
    }
}
