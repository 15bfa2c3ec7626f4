//! A complete body from which any piece can be taken, for files that are read from their end.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::{Body, Data, changed};

/// A [`Body`], a piece at a time and in any order.
#[derive(Debug)]
pub struct Pieces {
    data: Random,
    len: u64,
    _permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
enum Random {
    Memory(Bytes),
    /// The body begins at this offset of the file.
    File(Mutex<File>, u64),
}

impl Pieces {
    pub(super) fn new(body: Body) -> io::Result<Self> {
        let len = body.len();
        let data = match body.data {
            Data::Memory(bytes) => Random::Memory(bytes),
            Data::File { mut file, .. } => {
                let start = file.stream_position()?;
                Random::File(Mutex::new(file), start)
            }
        };
        Ok(Self { data, len, _permit: body.permit })
    }

    /// Stored bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The `count` bytes at an offset; fewer where the body ends. No more memory is taken than there
    /// are bytes, whatever is asked for.
    ///
    /// # Errors
    /// When the file cannot be read, or is shorter than it was.
    pub fn at(&self, offset: u64, count: u64) -> io::Result<Bytes> {
        let start = offset.min(self.len);
        let end = offset.saturating_add(count).min(self.len);
        let index = |at| usize::try_from(at).map_err(io::Error::other);
        match &self.data {
            Random::Memory(bytes) => Ok(bytes.slice(index(start)?..index(end)?)),
            Random::File(file, first) => {
                let count = index(end - start)?;
                let mut bytes = Vec::with_capacity(count);
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let there = file.metadata()?.len();
                if there != first + self.len {
                    return Err(changed(there.saturating_sub(*first), self.len));
                }
                file.seek(SeekFrom::Start(first + start))?;
                let read = Read::by_ref(&mut *file).take(end - start).read_to_end(&mut bytes)?;
                if read < count {
                    return Err(changed(start + read as u64, self.len));
                }
                Ok(bytes.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn pieces_of_a_file_and_of_memory_are_the_same() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before 0123456789").unwrap();
        file.seek(SeekFrom::Start(7)).unwrap();
        for body in [Body::from_file(file, 10), Body::from_bytes(&b"0123456789"[..])] {
            let pieces = body.into_pieces().unwrap();
            assert_eq!((pieces.len(), pieces.is_empty()), (10, false));
            assert_eq!(&pieces.at(7, 99).unwrap()[..], b"789");
            assert_eq!(&pieces.at(0, 3).unwrap()[..], b"012");
            assert_eq!(&pieces.at(u64::MAX, u64::MAX).unwrap()[..], b"");
        }
    }
}
