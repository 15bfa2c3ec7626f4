//! A complete body from which any piece can be taken, in any order and by several threads: for files that are
//! read from their end, for segments, and for a second look at single records.

use std::fs::File;
use std::io::{self, Seek};
use std::ops::Range;

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
    File(File, u64),
}

impl Pieces {
    pub(super) fn new(body: Body) -> io::Result<Self> {
        let len = body.len();
        let data = match body.data {
            Data::Memory(bytes) => Random::Memory(bytes),
            Data::File { mut file, .. } => {
                let start = file.stream_position()?;
                Random::File(file, start)
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
        match &self.data {
            Random::Memory(bytes) => Ok(bytes.slice(self.range(offset, count)?)),
            Random::File(..) => {
                let mut buffer = Vec::new();
                let count = self.view(offset, count, &mut buffer)?.len();
                buffer.truncate(count);
                Ok(buffer.into())
            }
        }
    }

    /// The same, without memory of its own: what does not lie in memory is read into a buffer.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub fn view<'a>(
        &'a self,
        offset: u64,
        count: u64,
        buffer: &'a mut Vec<u8>,
    ) -> io::Result<&'a [u8]> {
        let range = self.range(offset, count)?;
        match &self.data {
            Random::Memory(bytes) => Ok(&bytes[range]),
            Random::File(file, first) => {
                let there = file.metadata()?.len();
                if there != first + self.len {
                    return Err(changed(there.saturating_sub(*first), self.len));
                }
                if buffer.len() < range.len() {
                    buffer.resize(range.len(), 0);
                }
                let bytes = &mut buffer[..range.len()];
                let start = range.start as u64;
                let read = fill_at(file, bytes, first + start)?;
                if read < bytes.len() {
                    return Err(changed(start + read as u64, self.len));
                }
                Ok(bytes)
            }
        }
    }

    /// The part of a range of the body that there is.
    fn range(&self, offset: u64, count: u64) -> io::Result<Range<usize>> {
        let start = offset.min(self.len);
        let end = offset.saturating_add(count).min(self.len);
        let index = |at| usize::try_from(at).map_err(io::Error::other);
        Ok(index(start)?..index(end)?)
    }
}

/// Reads from an offset on until there is no more room, or no more to read; how much that is. Several
/// threads may do so at once.
fn fill_at(file: &File, mut out: &mut [u8], mut offset: u64) -> io::Result<usize> {
    let room = out.len();
    while !out.is_empty() {
        match read_at(file, out, offset) {
            Ok(0) => break,
            Ok(count) => {
                out = &mut out[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(room - out.len())
}

#[cfg(unix)]
fn read_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, out, offset)
}

#[cfg(windows)]
fn read_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, out, offset)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn pieces_of_a_file_and_of_memory_are_the_same() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before 0123456789").unwrap();
        file.seek(io::SeekFrom::Start(7)).unwrap();
        for body in [Body::from_file(file, 10), Body::from_bytes(&b"0123456789"[..])] {
            let pieces = body.into_pieces().unwrap();
            assert_eq!((pieces.len(), pieces.is_empty()), (10, false));
            assert_eq!(&pieces.at(7, 99).unwrap()[..], b"789");
            let mut buffer = vec![b'x'; 5];
            assert_eq!(pieces.view(2, 3, &mut buffer).unwrap(), b"234");
            assert_eq!(pieces.view(1, 8, &mut buffer).unwrap(), b"12345678");
            assert_eq!(&pieces.at(0, 3).unwrap()[..], b"012");
            assert_eq!(&pieces.at(u64::MAX, u64::MAX).unwrap()[..], b"");
        }
    }
}
