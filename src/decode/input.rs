//! What a decoder reads from, one encoding inside another, and what it notes on its way.
//!
//! An [`Input`] is the stored body, or a [`Layer`]: a decoder with an input of its own. Whoever reads
//! the innermost one pulls bytes through all of them; each holds one buffer, and none knows how many
//! there are.

use std::{fmt, io};

use super::rows::Rows;
use super::{Bounds, Damaged};
use crate::limits::{DECODE_CHUNK_BYTES, LAYER_BUFFER_BYTES};
use crate::outcome::GapReason;
use crate::source::{Body, BodyReader};

/// So many bytes can be looked at before they are taken, in any input.
pub(super) const PEEK_MAX: usize = 64;
/// A look at the first bytes reads so many.
const HEAD_BYTES: usize = 4 << 10;

/// Why there is no reading on. Damage is none: a decoder notes it, and ends or goes on.
#[derive(Debug)]
pub(super) enum Failure {
    /// The body could not be read.
    Body(io::Error),
    /// It could be, and will not.
    Refused(GapReason),
}

impl From<GapReason> for Failure {
    fn from(reason: GapReason) -> Self {
        Self::Refused(reason)
    }
}

impl From<Failure> for GapReason {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Body(error) => Self::Failed(format!("body could not be read: {error}")),
            Failure::Refused(reason) => reason,
        }
    }
}

/// Undoes one encoding.
pub(super) trait Decoder: fmt::Debug + Send {
    /// Decodes on into `out`, which is never empty. 0 is the end: of all, or of what can be decoded.
    fn read(&mut self, input: &mut Input, out: &mut [u8], log: &mut Log) -> Result<usize, Failure>;
}

/// What one decoder has done so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    decoded: u64,
    vouched: u64,
    stopped: bool,
    damage: Vec<Damaged>,
}

impl Log {
    /// All content so far is vouched for by a checksum, or its damage is noted already.
    pub(super) fn vouch(&mut self) {
        self.vouched = self.decoded;
    }

    /// Notes damage behind which decoding goes on.
    pub(super) fn flaw(&mut self, input: &Input, what: impl Into<String>) {
        let (stored_offset, doubtful_from) = (input.stored_offset(), self.vouched);
        self.damage.push(Damaged { stored_offset, doubtful_from, what: what.into() });
    }

    /// Notes damage that ends the content: the decoder returns 0.
    pub(super) fn stop(&mut self, input: &Input, what: impl Into<String>) -> usize {
        self.flaw(input, what);
        self.stopped = true;
        0
    }

    /// Notes that the input ends too early. If that is because the encoding around this one is
    /// damaged, it has been noted there.
    pub(super) fn cut(&mut self, input: &Input, what: impl Into<String>) -> usize {
        if !input.stopped() {
            self.flaw(input, what);
        }
        self.stopped = true;
        0
    }
}

/// One encoding and what is around it.
#[derive(Debug)]
pub(super) struct Layer {
    input: Input,
    decoder: Box<dyn Decoder>,
    bounds: Bounds,
    log: Log,
    ended: bool,
}

impl Layer {
    pub(super) fn new(input: Input, decoder: Box<dyn Decoder>, bounds: Bounds) -> Self {
        Self { input, decoder, bounds, log: Log::default(), ended: false }
    }

    fn read(&mut self, out: &mut [u8]) -> Result<usize, Failure> {
        if self.ended || out.is_empty() {
            return Ok(0);
        }
        let count = self.decoder.read(&mut self.input, out, &mut self.log)?;
        self.ended = count == 0;
        self.log.decoded += count as u64;
        self.bounds.check_ratio(self.log.decoded)?;
        // Damage around this encoding casts doubt on what this one's checksums do not vouch for.
        let around = self.input.take_damage().into_iter();
        let doubtful_from = self.log.vouched;
        self.log.damage.extend(around.map(|damage| Damaged { doubtful_from, ..damage }));
        Ok(count)
    }
}

/// Bytes to decode, buffered and counted.
pub(super) struct Input {
    origin: Origin,
    /// As large as a look at the first bytes takes, until more is asked for: what is stored plain passes it by.
    buffer: Vec<u8>,
    /// How large it may become.
    capacity: usize,
    start: usize,
    end: usize,
    taken: u64,
}

#[derive(Debug)]
enum Origin {
    Body { reader: BodyReader, len: u64 },
    Layer(Box<Layer>),
    Rows(Box<Rows>),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("origin", &self.origin).field("taken", &self.taken).finish()
    }
}

impl Input {
    pub(super) fn body(body: Body) -> Self {
        let len = body.len();
        let capacity = DECODE_CHUNK_BYTES.min(usize::try_from(len).unwrap_or(usize::MAX));
        Self::new(Origin::Body { reader: body.into_reader(), len }, capacity)
    }

    /// The stored body, if that is what this is and nothing was taken of it. Then nothing is left.
    pub(super) fn take_body(&mut self) -> Result<Option<Body>, Failure> {
        if self.taken > 0 || !matches!(self.origin, Origin::Body { .. }) {
            return Ok(None);
        }
        let nothing = Self::body(Body::from_bytes(Vec::new()));
        match std::mem::replace(self, nothing).origin {
            Origin::Body { reader, .. } => reader.into_body().map(Some).map_err(Failure::Body),
            _ => Ok(None),
        }
    }

    pub(super) fn layer(layer: Layer) -> Self {
        Self::new(Origin::Layer(Box::new(layer)), LAYER_BUFFER_BYTES)
    }

    pub(super) fn rows(rows: Rows) -> Self {
        Self::new(Origin::Rows(Box::new(rows)), PEEK_MAX)
    }

    fn new(origin: Origin, capacity: usize) -> Self {
        let capacity = capacity.max(PEEK_MAX);
        let buffer = vec![0; capacity.min(HEAD_BYTES)];
        Self { origin, buffer, capacity, start: 0, end: 0, taken: 0 }
    }

    /// Where reading has come to in the stored body. Inside another encoding: where that one has.
    pub(super) fn stored_offset(&self) -> u64 {
        match &self.origin {
            Origin::Body { .. } | Origin::Rows(_) => self.taken,
            Origin::Layer(layer) => layer.input.stored_offset(),
        }
    }

    /// Bytes that are left; `None` where only reading them tells.
    pub(super) fn left(&self) -> Option<u64> {
        match &self.origin {
            Origin::Body { len, .. } => Some(len.saturating_sub(self.taken)),
            Origin::Layer(_) | Origin::Rows(_) => None,
        }
    }

    /// What the encodings around this one have noted since it was last asked for.
    pub(super) fn take_damage(&mut self) -> Vec<Damaged> {
        match &mut self.origin {
            Origin::Body { .. } => Vec::new(),
            Origin::Layer(layer) => std::mem::take(&mut layer.log.damage),
            Origin::Rows(rows) => rows.take_damage(),
        }
    }

    /// Whether the encoding around this one ended because of damage.
    fn stopped(&self) -> bool {
        matches!(&self.origin, Origin::Layer(layer) if layer.log.stopped)
    }

    /// What this input and those around it hold in their buffers.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let around = match &self.origin {
            Origin::Body { .. } | Origin::Rows(_) => 0,
            Origin::Layer(layer) => layer.input.held(),
        };
        self.buffer.capacity() + around
    }

    /// The bytes at hand, at least `count` of them (at most [`PEEK_MAX`]): fewer only at the end.
    pub(super) fn peek(&mut self, count: usize) -> Result<&[u8], Failure> {
        while self.end - self.start < count {
            self.make_room();
            let more = self.origin.read(&mut self.buffer[self.end..])?;
            if more == 0 {
                break;
            }
            self.end += more;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn make_room(&mut self) {
        let left = self.end - self.start;
        if self.taken > 0 && self.buffer.len() < self.capacity {
            let mut larger = vec![0; self.capacity];
            larger[..left].copy_from_slice(&self.buffer[self.start..self.end]);
            self.buffer = larger;
        } else if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
        }
        (self.start, self.end) = (0, left);
    }

    /// Takes bytes that were peeked at.
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        self.taken += count as u64;
    }

    /// Takes as many bytes as come at once: 0 only at the end.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<usize, Failure> {
        if self.start == self.end && out.len() >= self.buffer.len() {
            let count = self.origin.read(out)?;
            self.taken += count as u64;
            return Ok(count);
        }
        let bytes = self.peek(1)?;
        let count = bytes.len().min(out.len());
        out[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }

    /// Fills `out`; whether there was enough.
    pub(super) fn fill(&mut self, mut out: &mut [u8]) -> Result<bool, Failure> {
        while !out.is_empty() {
            let count = self.read(out)?;
            if count == 0 {
                return Ok(false);
            }
            out = &mut out[count..];
        }
        Ok(true)
    }

    /// The next bytes, if there are so many.
    pub(super) fn array<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Failure> {
        let mut bytes = [0; N];
        Ok(self.fill(&mut bytes)?.then_some(bytes))
    }

    /// Passes over bytes; whether there were so many.
    pub(super) fn skip(&mut self, mut count: u64) -> Result<bool, Failure> {
        while count > 0 {
            let at_hand = self.peek(1)?.len();
            if at_hand == 0 {
                return Ok(false);
            }
            let step = usize::try_from(count).unwrap_or(usize::MAX).min(at_hand);
            self.consume(step);
            count -= step as u64;
        }
        Ok(true)
    }
}

impl Origin {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Failure> {
        match self {
            Self::Body { reader, .. } => loop {
                match io::Read::read(reader, out) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => return result.map_err(Failure::Body),
                }
            },
            Self::Layer(layer) => layer.read(out),
            Self::Rows(rows) => Ok(rows.read(out)?),
        }
    }
}
