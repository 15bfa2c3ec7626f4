//! The columns of a stripe, each with its streams.

use std::sync::Arc;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::super::{Result, damaged, text, too_much};
use super::column::{Clock, Column, Dictionary, Values};
use super::footer::{Footer, StripeFooter, StripeInfo};
use super::runs::{Bits, Bytes, Integers, Version};
use super::stream::Stream;
use crate::limits::COLUMNS_BYTES_MAX;
use crate::outcome::GapReason;
use crate::source::Pieces;

/// Kinds of streams that hold values (`Stream.Kind`).
const PRESENT: u64 = 0;
const DATA: u64 = 1;
const LENGTH: u64 = 2;
const DICTIONARY_DATA: u64 = 3;
const SECONDARY: u64 = 5;

/// The highest kind of a type (`Type.Kind`) that is known.
const KIND_MAX: u64 = 18;

/// Refuses a schema that has columns which are not read.
pub(super) fn check(footer: &Footer) -> Result<()> {
    for node in &footer.types {
        let children = match node.kind {
            10 => Some(1),
            11 => Some(2),
            12 => Some(node.names.len()),
            _ => None,
        };
        if children.is_some_and(|count| count != node.children.len()) {
            return damaged("orc footer is damaged: a type without its children");
        }
        if node.kind > KIND_MAX {
            let what = format!("orc with a type of the kind {}", node.kind);
            return Err(GapReason::Unsupported(what).into());
        }
    }
    Ok(())
}

/// The rows of a stripe, as one column.
pub(super) fn open(body: &Arc<Pieces>, footer: &Footer, info: StripeInfo) -> Result<Column> {
    let stripe = info.footer(body, footer.codec)?;
    let held = stripe.streams.iter().filter(|stream| {
        matches!(stream.kind, PRESENT | DATA | LENGTH | DICTIONARY_DATA | SECONDARY)
            && stream.len > 0
    });
    let count = held.count() as u64;
    let blocks = count.saturating_mul(footer.codec.block_bytes);
    if blocks > COLUMNS_BYTES_MAX {
        return Err(too_much(format!("{count} orc streams in blocks")));
    }
    if stripe.encodings.len() != footer.types.len() {
        return damaged("its footer is damaged");
    }
    let zone = zone(&stripe.zone)?;
    let mut open = Open { body, footer, stripe: &stripe, zone, left: COLUMNS_BYTES_MAX - blocks };
    open.column(0)
}

fn zone(name: &str) -> Result<TimeZone> {
    if name.is_empty() || name == "UTC" || name == "GMT" {
        return Ok(TimeZone::UTC);
    }
    match TimeZoneDatabase::bundled().get(name) {
        Ok(zone) => Ok(zone),
        Err(_) => damaged(format_args!("its writer's time zone {name:?} is none")),
    }
}

struct Open<'a> {
    body: &'a Arc<Pieces>,
    footer: &'a Footer,
    stripe: &'a StripeFooter,
    zone: TimeZone,
    /// What dictionaries may still take, in bytes.
    left: u64,
}

impl Open<'_> {
    fn column(&mut self, number: u64) -> Result<Column> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let node = self.footer.types.get(index);
        let (Some(node), Some(&encoding)) = (node, self.stripe.encodings.get(index)) else {
            return damaged("a column that the schema does not have");
        };
        let present = self.find(number, PRESENT).map(Bits::new);
        let (kind, children) = (node.kind, &node.children);
        let values = match kind {
            12 => {
                let named = node.names.iter().zip(children);
                let members = named.map(|(name, &child)| {
                    let mut json = Vec::new();
                    text::string(&mut json, name);
                    json.push(b':');
                    Ok((json, self.column(child)?))
                });
                Values::Struct(members.collect::<Result<_>>()?)
            }
            10 => Values::List {
                lens: self.integers(number, LENGTH, encoding.0, false),
                items: Box::new(self.column(children[0])?),
            },
            11 => Values::Map {
                lens: self.integers(number, LENGTH, encoding.0, false),
                keys: Box::new(self.column(children[0])?),
                values: Box::new(self.column(children[1])?),
            },
            13 => Values::Union {
                tags: Bytes::new(self.stream(number, DATA)),
                variants: children
                    .iter()
                    .map(|&child| self.column(child))
                    .collect::<Result<_>>()?,
            },
            _ => self.leaf(number, kind, encoding)?,
        };
        Ok(Column { present, values })
    }

    fn leaf(&mut self, number: u64, kind: u64, encoding: (u64, u64)) -> Result<Values> {
        let data = self.stream(number, DATA);
        let integers = |stream, signed| self.integers(number, stream, encoding.0, signed);
        Ok(match kind {
            0 => Values::Boolean(Bits::new(data)),
            1 => Values::Byte(Bytes::new(data)),
            2..=4 => Values::Integer(integers(DATA, true)),
            5 => Values::Float(data),
            6 => Values::Double(data),
            7 | 16 | 17 if matches!(encoding.0, 1 | 3) => {
                let entries = integers(DATA, false);
                Values::Dictionary { entries, dictionary: self.dictionary(number, encoding)? }
            }
            7 | 16 | 17 => Values::Text { data, lens: integers(LENGTH, false) },
            8 => Values::Binary { data, lens: integers(LENGTH, false) },
            9 | 18 => Values::Timestamp {
                seconds: integers(DATA, true),
                nanos: integers(SECONDARY, false),
                clock: if kind == 9 { Clock::local(self.zone.clone())? } else { Clock::instant()? },
            },
            14 => Values::Decimal { digits: data, scales: integers(SECONDARY, true) },
            15 => Values::Date(integers(DATA, true)),
            _ => return damaged("a type without its children"),
        })
    }

    fn dictionary(&mut self, number: u64, encoding: (u64, u64)) -> Result<Dictionary> {
        let mut dictionary = Dictionary::default();
        let mut lens = self.integers(number, LENGTH, encoding.0, false);
        let mut end = 0_u32;
        for _ in 0..encoding.1 {
            self.spend(4)?;
            let len = u32::try_from(lens.next_len()?).ok();
            let Some(next) = len.and_then(|len| end.checked_add(len)) else {
                return damaged("a dictionary of more than 4 GiB");
            };
            end = next;
            dictionary.ends.push(end);
        }
        let mut data = self.stream(number, DICTIONARY_DATA);
        while let Some(block) = data.next_block()? {
            let len = block.len() as u64;
            dictionary.text.extend_from_slice(block);
            self.spend(len)?;
        }
        Ok(dictionary)
    }

    fn spend(&mut self, bytes: u64) -> Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(too_much("orc dictionaries")),
        }
    }

    fn integers(&self, number: u64, kind: u64, encoding: u64, signed: bool) -> Integers {
        let version = if encoding < 2 { Version::One } else { Version::Two };
        Integers::new(self.stream(number, kind), version, signed)
    }

    /// A stream that is not there has no bytes: a column of nulls has none.
    fn stream(&self, number: u64, kind: u64) -> Stream {
        let empty = || Stream::new(self.body, self.footer.codec, 0, 0);
        self.find(number, kind).unwrap_or_else(empty)
    }

    fn find(&self, number: u64, kind: u64) -> Option<Stream> {
        let mut streams = self.stripe.streams.iter();
        let found = streams.find(|stream| stream.column == number && stream.kind == kind)?;
        Some(Stream::new(self.body, self.footer.codec, found.offset, found.len))
    }
}
