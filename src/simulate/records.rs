//! Records to deliver, one at a time into a buffer of the caller's: made up from a seed, or given.
//!
//! Nothing is held but the state of the generator, so that a hundred million records need no more
//! memory than one.

use std::time::Duration;

use jiff::Timestamp;

use super::dice::{Dice, Purpose};
use crate::error::{Error, ErrorKind, Result};

/// Records in the order of their arrival.
pub trait Records {
    /// How many there are in all.
    fn total(&self) -> u64;

    /// Starts over: the same records follow.
    fn rewind(&mut self);

    /// Appends the next record to `out` and says when it arrived, never before the one before it.
    /// `None` after the last.
    ///
    /// # Errors
    /// When the record cannot be had, or the calendar ends before it.
    fn write_next(&mut self, out: &mut Vec<u8>) -> Result<Option<Timestamp>>;
}

/// When records arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// When the first one does.
    pub start: Timestamp,
    /// Time from one to the next: exactly, for given records; on average, for made-up ones. To the
    /// microsecond.
    pub interval: Duration,
}

impl Pace {
    fn interval_micros(&self) -> u64 {
        u64::try_from(self.interval.as_micros()).unwrap_or(u64::MAX)
    }
}

/// What made-up records look like. All are JSON objects on one line, and no two are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A stock ticker as Python's `json.dumps` writes it:
    /// `{"EVENT_TIME": "2023-05-04T08:30:21.351077", "TICKER": "AMZN", "PRICE": 73.84}`.
    Article,
    /// About 1 KiB of nested values, with escapes, non-ASCII text and braces inside strings.
    Nested,
}

/// Made-up records.
#[derive(Debug, Clone)]
pub struct Generated {
    kind: Kind,
    count: u64,
    pace: Pace,
    seed: u64,
    done: u64,
    micros: i64,
    clock: Clock,
    dice: Dice,
}

impl Generated {
    /// So many records of a kind. Equal arguments give equal records.
    pub fn new(kind: Kind, count: u64, pace: Pace, seed: u64) -> Self {
        let micros = pace.start.as_microsecond();
        let dice = Dice::new(seed, Purpose::Records);
        Self { kind, count, pace, seed, done: 0, micros, clock: Clock::default(), dice }
    }

    /// Moves on by a microsecond at least, by the interval on average.
    fn advance(&mut self) -> Result<()> {
        let spread = self.pace.interval_micros().saturating_mul(2).saturating_sub(1);
        let step = 1 + self.dice.below(spread);
        let moved = i64::try_from(step).ok().and_then(|step| self.micros.checked_add(step));
        self.micros = moved.ok_or_else(end_of_calendar)?;
        Ok(())
    }
}

impl Records for Generated {
    fn total(&self) -> u64 {
        self.count
    }

    fn rewind(&mut self) {
        *self = Self::new(self.kind, self.count, self.pace, self.seed);
    }

    fn write_next(&mut self, out: &mut Vec<u8>) -> Result<Option<Timestamp>> {
        if self.done == self.count {
            return Ok(None);
        }
        if self.done > 0 {
            self.advance()?;
        }
        self.done += 1;
        let arrival = instant(self.micros)?;
        let time = self.clock.text(arrival)?;
        match self.kind {
            Kind::Article => article(out, time, &mut self.dice),
            Kind::Nested => nested(out, time, &mut self.dice),
        }
        Ok(Some(arrival))
    }
}

/// Records that the caller has. Each should be one JSON value without a line feed around it.
#[derive(Debug, Clone)]
pub struct Given<I> {
    all: I,
    rest: I,
    pace: Pace,
    done: u64,
}

impl<I: ExactSizeIterator + Clone> Given<I>
where
    I::Item: AsRef<[u8]>,
{
    /// These records, at an even pace.
    pub fn new(records: I, pace: Pace) -> Self {
        Self { rest: records.clone(), all: records, pace, done: 0 }
    }
}

impl<I: ExactSizeIterator + Clone> Records for Given<I>
where
    I::Item: AsRef<[u8]>,
{
    fn total(&self) -> u64 {
        self.all.len() as u64
    }

    fn rewind(&mut self) {
        self.rest = self.all.clone();
        self.done = 0;
    }

    fn write_next(&mut self, out: &mut Vec<u8>) -> Result<Option<Timestamp>> {
        let Some(record) = self.rest.next() else { return Ok(None) };
        if record.as_ref().trim_ascii().is_empty() {
            let message = format!("record {} is empty and would leave no trace", self.done);
            return Err(Error::new(ErrorKind::Usage, message).hint("leave it out"));
        }
        out.extend_from_slice(record.as_ref());
        let passed = self.pace.interval_micros().saturating_mul(self.done);
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        self.done += 1;
        instant(self.pace.start.as_microsecond().saturating_add(passed)).map(Some)
    }
}

fn instant(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|error| end_of_calendar().caused_by(error))
}

fn end_of_calendar() -> Error {
    Error::new(ErrorKind::Usage, "the calendar ends before the last record arrives")
        .hint("start earlier, or give fewer records or a shorter interval")
}

/// Spells instants as `2023-05-04T08:30:21.351077`, and the date only once a second.
#[derive(Debug, Clone, Default)]
struct Clock {
    second: Option<i64>,
    text: String,
}

impl Clock {
    fn text(&mut self, at: Timestamp) -> Result<&[u8]> {
        let micros = at.as_microsecond();
        let second = micros.div_euclid(1_000_000);
        if self.second != Some(second) {
            self.second = Some(second);
            let whole = instant(second * 1_000_000)?;
            self.text = jiff::tz::Offset::UTC.to_datetime(whole).to_string();
            self.text.push_str(".000000");
        }
        let digits = self.text.len() - 6;
        self.text.truncate(digits);
        let mut fraction = micros.rem_euclid(1_000_000);
        let mut scale = 100_000;
        while scale > 0 {
            self.text.push(digit(fraction / scale));
            fraction %= scale;
            scale /= 10;
        }
        Ok(self.text.as_bytes())
    }
}

fn digit(value: i64) -> char {
    u32::try_from(value).ok().and_then(|value| char::from_digit(value, 10)).unwrap_or('0')
}

const TICKERS: [&str; 5] = ["AAPL", "AMZN", "MSFT", "INTC", "TBV"];

fn article(out: &mut Vec<u8>, time: &[u8], dice: &mut Dice) {
    let ticker = TICKERS[dice.index(TICKERS.len())];
    let cents = dice.below(10_000);
    out.extend_from_slice(b"{\"EVENT_TIME\": \"");
    out.extend_from_slice(time);
    out.extend_from_slice(b"\", \"TICKER\": \"");
    out.extend_from_slice(ticker.as_bytes());
    out.extend_from_slice(b"\", \"PRICE\": ");
    push_price(out, cents);
    out.push(b'}');
}

/// Cents as Python writes the price: `73.84`, `25.8`, `20.0`.
fn push_price(out: &mut Vec<u8>, cents: u64) {
    push_number(out, cents / 100);
    out.push(b'.');
    push_number(out, cents / 10 % 10);
    if !cents.is_multiple_of(10) {
        push_number(out, cents % 10);
    }
}

fn push_number(out: &mut Vec<u8>, mut value: u64) {
    let from = out.len();
    loop {
        out.push(b"0123456789"[usize::try_from(value % 10).unwrap_or(0)]);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out[from..].reverse();
}

/// Pieces of text that are hard on whoever splits records.
const PIECES: [&str; 16] = [
    "delivered",
    " and ",
    "}{",
    "\\\"quoted\\\"",
    "\\\\",
    "caf\u{e9} ",
    "\\n",
    "\u{1f4e6}",
    "[1,2,",
    "\\u00e9\\ud83d\\ude80",
    ": null",
    "\u{6771}\u{4eac} ",
    "C:\\\\temp\\\\",
    "}]}",
    " lorem ipsum ",
    "{\\\"a\\\":1}",
];

/// Content of a nested record before its last value, in bytes.
const NESTED_BYTES: usize = 880;

fn nested(out: &mut Vec<u8>, time: &[u8], dice: &mut Dice) {
    let from = out.len();
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(time);
    out.extend_from_slice(
        b"\",\"user\":{\"name\":\"Zo\xc3\xab \\\"Z\\\"\",\"tags\":[],\"note\":\"",
    );
    text(out, dice, 12);
    out.extend_from_slice(b"\"},\"items\":[");
    while out.len() - from < NESTED_BYTES {
        out.extend_from_slice(b"{\"sku\":");
        push_number(out, dice.below(1_000_000));
        out.extend_from_slice(b",\"price\":");
        push_price(out, dice.below(100_000));
        out.extend_from_slice(b",\"left\":{\"by\":[true,null,-1.5e-7],\"of\":\"");
        text(out, dice, 6);
        out.extend_from_slice(b"\"}},");
    }
    out.extend_from_slice(b"{}],\"last\":\"");
    text(out, dice, 4);
    out.extend_from_slice(b"\"}");
}

/// So many pieces of text, at most 16.
fn text(out: &mut Vec<u8>, dice: &mut Dice, pieces: usize) {
    let mut bits = dice.bits();
    for _ in 0..pieces {
        out.extend_from_slice(PIECES[usize::try_from(bits & 15).unwrap_or(0)].as_bytes());
        bits >>= 4;
    }
}
