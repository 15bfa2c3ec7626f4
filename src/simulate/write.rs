//! Closed buffers into stored objects: the key, the damage, the compression, and the truth of it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;

use super::dice::{Dice, Purpose};
use super::encode;
use super::errors::{self, Refused};
use super::faults::{Faults, sample};
use super::pack::{Buffer, Mark, Role, Sink, breakable};
use super::truth::{Balance, Damaged, Duplicated, Failed, Late, Lost, Spot, Truth};
use super::{Compression, Destination, Spec, Wrapping};
use crate::error::{Error, ErrorKind, Result};
use crate::naming;
use crate::naming::prefix::{Prefix, RANDOM_LEN, Values};

/// The shortest delay of a late object; it is at most six times that.
const LATE_MIN: Duration = Duration::from_secs(3600);

/// Values of a partition key. An object's are made up: its records have none.
const PARTITIONS: u64 = 4;

/// What is no JSON anywhere: control bytes, and bytes that are no UTF-8.
const GARBAGE: [u8; 6] = [0x00, 0x01, 0x07, 0x1f, 0xc0, 0xff];

/// Counts objects, and those that can be cut.
#[derive(Debug, Default)]
pub(super) struct Survey {
    objects: u64,
    cuttable: Vec<u64>,
}

impl Sink for Survey {
    fn produced(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn lost(&mut self, _: u64, _: &[u8]) {}

    fn failed(&mut self, _: u64, _: &[u8], _: Timestamp) {}

    fn object(&mut self, buffer: &mut Buffer, _: Timestamp) -> Result<()> {
        self.cuttable.extend(buffer.cuttable().map(|_| self.objects));
        self.objects += 1;
        Ok(())
    }
}

/// Which objects are hit, by their number.
#[derive(Debug, Default)]
pub(super) struct Targets {
    cut: HashSet<u64>,
    late: HashSet<u64>,
}

impl Targets {
    /// Chooses an object of its own for every fault.
    pub(super) fn choose(faults: &Faults, survey: &Survey, seed: u64) -> Result<Self> {
        let mut dice = Dice::new(seed, Purpose::ObjectFaults);
        let cut = pick(&mut dice, &survey.cuttable, faults.cut, "cut", "whose end can be cut")?;
        let rest: Vec<u64> = (0..survey.objects).filter(|object| !cut.contains(object)).collect();
        let late = pick(&mut dice, &rest, faults.late, "late", "that are not cut")?;
        Ok(Self { cut, late })
    }
}

fn pick(
    dice: &mut Dice,
    from: &[u64],
    count: u64,
    fault: &str,
    which: &str,
) -> Result<HashSet<u64>> {
    let all = from.len() as u64;
    if count > all {
        let message = format!("{fault}={count} needs {count} objects {which}, and there are {all}");
        return Err(Error::new(ErrorKind::Usage, message)
            .hint("ask for fewer, for more records, or for a smaller buffer or interval"));
    }
    let places = sample(dice, all, count);
    Ok(places.into_iter().filter_map(|at| from.get(usize::try_from(at).ok()?).copied()).collect())
}

/// Writes objects, the manifest, and the truth.
pub(super) struct Writer<'a> {
    spec: &'a Spec,
    prefix: Prefix,
    targets: Targets,
    destination: &'a mut dyn Destination,
    manifest: &'a mut dyn Write,
    names: Dice,
    partitions: Dice,
    damage: Dice,
    stored: Vec<u8>,
    balance: Balance,
    /// Keys of objects that do not decode whole.
    undecodable: BTreeSet<String>,
    originals: HashMap<u64, Spot>,
    refused: Vec<Refused>,
    truth: Truth,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        spec: &'a Spec,
        prefix: Prefix,
        targets: Targets,
        destination: &'a mut dyn Destination,
        manifest: &'a mut dyn Write,
    ) -> Self {
        Self {
            spec,
            prefix,
            targets,
            destination,
            manifest,
            names: Dice::new(spec.seed, Purpose::Names),
            partitions: Dice::new(spec.seed, Purpose::Partitions),
            damage: Dice::new(spec.seed, Purpose::Damage),
            stored: Vec::new(),
            balance: Balance::default(),
            undecodable: BTreeSet::new(),
            originals: HashMap::new(),
            refused: Vec::new(),
            truth: Truth::new(spec.seed),
        }
    }

    /// The truth, once all is written.
    pub(super) fn finish(mut self) -> Result<Truth> {
        self.error_output()?;
        self.manifest.flush().map_err(|error| Error::io("the manifest", error))?;
        self.truth.conclude(&self.balance, self.undecodable.len() as u64);
        Ok(self.truth)
    }

    fn folder(&mut self, prefix: &Prefix, oldest: Timestamp) -> Result<String> {
        let (names, partitions) = (&mut self.names, &mut self.partitions);
        let mut values = Values {
            random: &mut || names.alphanumeric(RANDOM_LEN),
            partition_key: &mut |id| format!("{id}-{}", partitions.below(PARTITIONS)),
            error_type: errors::KIND,
        };
        prefix.evaluate(oldest, &self.spec.zone, &mut values)
    }

    fn name(&mut self, oldest: Timestamp, extension: &str) -> String {
        let Spec { delivery_stream, version, zone, .. } = self.spec;
        let uuid = self.names.uuid();
        naming::object_name(delivery_stream, *version, oldest, zone, &uuid, extension)
    }

    /// Writes the documents of records that failed: an object for each folder, plain, a document a
    /// line.
    fn error_output(&mut self) -> Result<()> {
        let prefix = errors::prefix(self.spec)?;
        let refused = std::mem::take(&mut self.refused);
        let folders: Result<Vec<_>> =
            refused.iter().map(|refused| self.folder(&prefix, refused.arrival)).collect();
        let named: Vec<_> = folders?.into_iter().zip(&refused).collect();
        for object in named.chunk_by(|(one, _), (other, _)| one == other) {
            let (first, last) = (object[0].1, object[object.len() - 1].1);
            let key = format!("{}{}", object[0].0, self.name(first.arrival, ""));
            let mut body = Vec::new();
            for (_, refused) in object {
                self.truth.failed.push(Failed {
                    index: refused.index,
                    record: String::from_utf8_lossy(&refused.record).into_owned(),
                    at: Spot { key: key.clone(), offset: body.len() as u64 },
                    code: errors::CODE.to_owned(),
                });
                let put = self.spec.wrapping.one(&refused.record)?;
                body.extend_from_slice(refused.document(&put).as_bytes());
                body.push(b'\n');
            }
            self.truth.objects += 1;
            self.truth.content_bytes += body.len() as u64;
            self.truth.stored_bytes += body.len() as u64;
            self.destination.put(&key, &body, None, last.arrival)?;
        }
        Ok(())
    }

    /// Does to a marked record what its role says.
    fn mark(&mut self, key: &str, mark: &Mark, buffer: &mut Buffer) -> Result<()> {
        let spot = Spot { key: key.to_owned(), offset: mark.stored.start as u64 };
        match mark.role {
            Role::Plain => {}
            Role::Original => {
                self.originals.insert(mark.index, spot);
            }
            Role::Copy => {
                let record = buffer.record(mark);
                self.balance.add(record, 1);
                self.truth.duplicated.push(Duplicated {
                    index: mark.index,
                    record: String::from_utf8_lossy(record).into_owned(),
                    original: self.originals.remove(&mark.index).unwrap_or_default(),
                    copy: spot,
                });
            }
            Role::Garble => {
                let damaged = self.garble(spot, mark, buffer)?;
                self.truth.garbled.push(damaged);
            }
        }
        Ok(())
    }

    /// Overwrites one to four bytes inside a record; one of them at least is a control byte.
    fn garble(&mut self, at: Spot, mark: &Mark, buffer: &mut Buffer) -> Result<Damaged> {
        let record = buffer.record(mark);
        if !breakable(record) {
            let message = format!("record {} is no JSON object or array", mark.index);
            return Err(Error::new(ErrorKind::Usage, message)
                .hint("garbling anything else might leave a valid record"));
        }
        self.balance.add(record, -1);
        let produced = String::from_utf8_lossy(record).into_owned();
        let held = mark.held;
        let blank = record.len() - record.trim_ascii_end().len();
        let wrapped = self.spec.wrapping != Wrapping::None;
        let inside = held.end - held.start - 1 - if wrapped { 0 } else { blank };
        let count = 1 + self.damage.index(inside.min(4));
        let mut first = held.start + 1 + self.damage.index(inside - count + 1);
        if self.spec.wrapping == Wrapping::Base64 {
            self.undecodable.insert(at.key.clone());
            // Between groups of four letters it might pass for what stands between texts.
            if (first - held.start).is_multiple_of(4) {
                first -= 1;
            }
        }
        for byte in &mut buffer.content[first..first + count] {
            *byte = GARBAGE[self.damage.index(GARBAGE.len())];
        }
        buffer.content[first] = GARBAGE[self.damage.index(4)];
        let (index, len) = (mark.index, (mark.stored.end - mark.stored.start) as u64);
        Ok(Damaged { index, record: produced, at, len, damage_offset: first as u64 })
    }

    /// Where to cut the content: inside its last record.
    fn cut(&mut self, key: &str, buffer: &Buffer) -> Option<usize> {
        let last = buffer.cuttable()?;
        let record = buffer.record(&last);
        let stored = last.stored;
        let wrapped = self.spec.wrapping != Wrapping::None;
        let len = if wrapped { stored.end - stored.start } else { record.trim_ascii_end().len() };
        let mut kept = 1 + self.damage.index(len - 1);
        if self.spec.wrapping == Wrapping::Base64 {
            // Less would leave nothing of it.
            kept = kept.max(4);
        }
        self.balance.add(record, -1);
        let inside_a_group = self.spec.wrapping == Wrapping::Base64 && !kept.is_multiple_of(4);
        if self.spec.is_encoded() || inside_a_group {
            self.undecodable.insert(key.to_owned());
        }
        self.truth.cut.push(Damaged {
            index: last.index,
            record: String::from_utf8_lossy(record).into_owned(),
            at: Spot { key: key.to_owned(), offset: stored.start as u64 },
            len: kept as u64,
            damage_offset: (stored.start + kept) as u64,
        });
        Some(stored.start + kept)
    }

    /// Makes the stored bytes of an object. Where records are gzip, it is the last member that is cut.
    fn encode(&mut self, buffer: &Buffer, cut: Option<usize>) -> io::Result<()> {
        let compression = self.spec.compression;
        let entry = match compression {
            Compression::Zip => self.names.uuid(),
            _ => String::new(),
        };
        let (mut content, mut outer) = (Cow::Borrowed(&buffer.content), cut);
        if self.spec.gzip_records {
            (content, outer) =
                (Cow::Owned(encode::members(&buffer.content, &buffer.ends, cut)?), None);
        }
        self.stored.clear();
        encode::encode(compression, &content, outer, &entry, &mut self.stored)
    }

    fn late(&mut self, key: &str, due: Timestamp) -> Result<Timestamp> {
        let delay = LATE_MIN + Duration::from_secs(self.damage.below(LATE_MIN.as_secs() * 5));
        let modified = due.checked_add(delay).map_err(|error| {
            Error::new(ErrorKind::Usage, "the calendar ends before a late object").caused_by(error)
        })?;
        let (due, written) = (due.to_string(), modified.to_string());
        self.truth.late.push(Late { key: key.to_owned(), due, modified: written });
        Ok(modified)
    }
}

impl Sink for Writer<'_> {
    fn produced(&mut self, record: &[u8]) -> Result<()> {
        self.truth.produced += 1;
        let line = self.manifest.write_all(record).and_then(|()| self.manifest.write_all(b"\n"));
        line.map_err(|error| Error::io("the manifest", error))
    }

    fn lost(&mut self, index: u64, record: &[u8]) {
        self.balance.add(record, -1);
        let record = String::from_utf8_lossy(record).into_owned();
        self.truth.lost.push(Lost { index, record });
    }

    fn failed(&mut self, index: u64, record: &[u8], arrival: Timestamp) {
        self.balance.fail(record);
        self.refused.push(Refused { index, record: record.to_vec(), arrival });
    }

    fn object(&mut self, buffer: &mut Buffer, closed: Timestamp) -> Result<()> {
        let number = self.truth.objects;
        let prefix = self.prefix.clone();
        let key =
            self.folder(&prefix, buffer.oldest)? + &self.name(buffer.oldest, self.spec.extension());
        let broken = self.truth.garbled.len() + self.truth.cut.len();
        let to_cut = self.targets.cut.contains(&number);
        self.spec.wrapping.wrap(buffer, &self.spec.delimiter, to_cut)?;
        for mark in std::mem::take(&mut buffer.marks) {
            self.mark(&key, &mark, buffer)?;
        }
        let cut = if to_cut { self.cut(&key, buffer) } else { None };
        let late = self.targets.late.contains(&number);
        let modified = if late { self.late(&key, closed)? } else { closed };

        let broken = self.truth.garbled.len() + self.truth.cut.len() - broken;
        self.truth.objects += 1;
        self.truth.written += buffer.records - broken as u64;
        self.truth.content_bytes += cut.unwrap_or(buffer.content.len()) as u64;
        self.encode(buffer, cut).map_err(|error| Error::io("compressing an object", error))?;
        self.truth.stored_bytes += self.stored.len() as u64;
        let encoding = self.spec.compression.content_encoding();
        self.destination.put(&key, &self.stored, encoding, modified)
    }
}
