//! Aggregates of the Kinesis Producer Library: many records put as one, taken apart and put together.
//!
//! An aggregate is a magic number, a protobuf message and the MD5 of that message
//! (`aggregation-format.md` of the library). Keys stand in tables that records point into. Firehose
//! takes aggregates apart when it reads them from a data stream; one that was put some other way lies
//! in S3 as it is.

use std::collections::HashMap;

use md5::{Digest, Md5};

mod wire;

use wire::{Fields, Value};

/// What every aggregate begins with.
pub const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
/// Bytes of the checksum at the end.
pub const CHECKSUM_BYTES: usize = 16;

/// Numbers of the fields of `AggregatedRecord`.
const PARTITION_KEY: u64 = 1;
const HASH_KEY: u64 = 2;
const RECORD: u64 = 3;
/// Numbers of the fields of `Record`; its tags are used by nobody.
const PARTITION_KEY_INDEX: u64 = 1;
const HASH_KEY_INDEX: u64 = 2;
const DATA: u64 = 3;

/// What a record of a data stream turns out to be.
#[derive(Debug, Clone)]
pub enum Opened<'a> {
    /// One record.
    Plain,
    /// Several in one.
    Aggregate(Aggregate<'a>),
    /// It begins like an aggregate and is none. The Kinesis Client Library takes such a record for a
    /// plain one, and so should whoever counts.
    Damaged(Damage),
}

/// Why what begins like an aggregate is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It is too short for a checksum.
    #[error("it ends before its checksum")]
    Cut,
    /// The MD5 at its end is not that of the message.
    #[error("its checksum is wrong")]
    Checksum,
    /// The message is no protobuf.
    #[error("its message is no protobuf")]
    Protobuf,
    /// A record in it lacks its data or its key, or names a key that is not there.
    #[error("a record in it is not whole")]
    Record,
    /// A key in it is not UTF-8.
    #[error("a key in it is no text")]
    Key,
    /// There is no record in it. To take it for an aggregate would make it vanish.
    #[error("there is no record in it")]
    Empty,
}

/// One record of an aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its partition key.
    pub partition_key: &'a str,
    /// Its explicit hash key, where it has one.
    pub explicit_hash_key: Option<&'a str>,
    /// The record.
    pub data: &'a [u8],
}

/// A whole aggregate: every record in it can be read.
#[derive(Debug, Clone)]
pub struct Aggregate<'a> {
    message: &'a [u8],
    keys: Keys<'a>,
}

/// What records point into.
#[derive(Debug, Clone, Default)]
struct Keys<'a> {
    partition: Vec<&'a str>,
    hash: Vec<&'a str>,
}

/// Looks at a record of a data stream.
pub fn open(bytes: &[u8]) -> Opened<'_> {
    let Some(rest) = bytes.strip_prefix(&MAGIC) else { return Opened::Plain };
    match check(rest) {
        Ok(aggregate) => Opened::Aggregate(aggregate),
        Err(damage) => Opened::Damaged(damage),
    }
}

/// How long the aggregate is that these bytes begin with: it ends behind the first field whose
/// checksum follows. `None` where they are none, or not the whole of one.
pub fn length(bytes: &[u8]) -> Option<usize> {
    let message = bytes.strip_prefix(&MAGIC)?;
    let (mut fields, mut digest, mut at) = (Fields::of(message), Md5::new(), 0);
    loop {
        let len = fields.pass()?;
        digest.update(&message[at..at + len]);
        at += len;
        let checksum = message.get(at..at + CHECKSUM_BYTES)?;
        if digest.clone().finalize()[..] == *checksum {
            return Some(MAGIC.len() + at + CHECKSUM_BYTES);
        }
    }
}

fn check(bytes: &[u8]) -> Result<Aggregate<'_>, Damage> {
    let (message, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(Damage::Cut)?;
    if Md5::digest(message)[..] != checksum[..] {
        return Err(Damage::Checksum);
    }
    // Nothing says that the tables stand before the records.
    let aggregate = Aggregate { message, keys: Keys::of(message)? };
    let mut records = 0_u64;
    for record in aggregate.read() {
        record?;
        records += 1;
    }
    if records == 0 { Err(Damage::Empty) } else { Ok(aggregate) }
}

impl<'a> Aggregate<'a> {
    /// The records, in their order: the place of one is its sub-sequence number.
    pub fn records(&self) -> impl Iterator<Item = Record<'a>> + '_ {
        self.read().map(|record| record.expect("it was read when the aggregate was opened"))
    }

    fn read(&self) -> impl Iterator<Item = Result<Record<'a>, Damage>> + '_ {
        Fields::of(self.message).filter_map(|field| match field {
            Ok((RECORD, Value::Bytes(record))) => Some(self.keys.record(record)),
            Ok(_) => None,
            Err(damage) => Some(Err(damage)),
        })
    }
}

impl<'a> Keys<'a> {
    fn of(message: &'a [u8]) -> Result<Self, Damage> {
        let mut keys = Self::default();
        for field in Fields::of(message) {
            let (table, key) = match field? {
                (PARTITION_KEY, Value::Bytes(key)) => (&mut keys.partition, key),
                (HASH_KEY, Value::Bytes(key)) => (&mut keys.hash, key),
                _ => continue,
            };
            table.push(std::str::from_utf8(key).map_err(|_| Damage::Key)?);
        }
        Ok(keys)
    }

    /// Of a field that is there twice, the last one counts.
    fn record(&self, bytes: &'a [u8]) -> Result<Record<'a>, Damage> {
        let (mut partition_key, mut hash_key, mut data) = (None, None, None);
        for field in Fields::of(bytes) {
            match field? {
                (PARTITION_KEY_INDEX, Value::Number(index)) => partition_key = Some(index),
                (HASH_KEY_INDEX, Value::Number(index)) => hash_key = Some(index),
                (DATA, Value::Bytes(bytes)) => data = Some(bytes),
                _ => {}
            }
        }
        let key = |table: &[&'a str], index: u64| {
            let index = usize::try_from(index).ok();
            index.and_then(|index| table.get(index).copied()).ok_or(Damage::Record)
        };
        Ok(Record {
            partition_key: key(&self.partition, partition_key.ok_or(Damage::Record)?)?,
            explicit_hash_key: hash_key.map(|index| key(&self.hash, index)).transpose()?,
            data: data.ok_or(Damage::Record)?,
        })
    }
}

/// Puts records into one, as the library does: each key once, the tables first.
pub fn aggregate<'a>(records: impl IntoIterator<Item = Record<'a>>) -> Vec<u8> {
    let (mut partition, mut hash) = (Table::default(), Table::default());
    let mut body = Vec::new();
    for record in records {
        let mut inner = Vec::with_capacity(record.data.len() + 16);
        wire::number(PARTITION_KEY_INDEX, partition.index(record.partition_key), &mut inner);
        if let Some(key) = record.explicit_hash_key {
            wire::number(HASH_KEY_INDEX, hash.index(key), &mut inner);
        }
        wire::bytes(DATA, record.data, &mut inner);
        wire::bytes(RECORD, &inner, &mut body);
    }
    let mut out = MAGIC.to_vec();
    partition.keys.iter().for_each(|key| wire::bytes(PARTITION_KEY, key.as_bytes(), &mut out));
    hash.keys.iter().for_each(|key| wire::bytes(HASH_KEY, key.as_bytes(), &mut out));
    out.append(&mut body);
    let checksum = Md5::digest(&out[MAGIC.len()..]);
    out.extend_from_slice(&checksum);
    out
}

/// Keys in the order in which they came first.
#[derive(Debug, Default)]
struct Table<'a> {
    keys: Vec<&'a str>,
    places: HashMap<&'a str, u64>,
}

impl<'a> Table<'a> {
    fn index(&mut self, key: &'a str) -> u64 {
        *self.places.entry(key).or_insert_with(|| {
            self.keys.push(key);
            self.keys.len() as u64 - 1
        })
    }
}

#[cfg(test)]
mod tests;
