//! What an entry is about: an object's version, and everything besides it that the answer depends on.

use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::READER_VERSION;
use super::bytes::{put_bytes, put_option, put_u64};
use super::entry::put_format;
use crate::fingerprint::Policy;
use crate::split::FormatChoice;

/// What every entry begins with, the version of its layout included.
const MAGIC: &[u8] = b"fhcheck entry 2\n";

/// How objects are read: what all entries of a run have in common.
#[derive(Debug, Clone)]
pub struct Terms(Vec<u8>);

impl Terms {
    /// Reading by a policy, split so, base64 text decoded or not, contents of at most so many bytes.
    pub fn new(policy: &Policy, format: &FormatChoice, base64: bool, object_bytes: u64) -> Self {
        let mut terms = Vec::new();
        put_u64(&mut terms, u64::from(READER_VERSION));
        // Whatever a release changed, knowingly or not.
        put_bytes(&mut terms, env!("CARGO_PKG_VERSION").as_bytes());
        match policy {
            Policy::Raw => terms.push(0),
            Policy::Json => terms.push(1),
            Policy::Key(pointers) => {
                terms.push(2);
                put_u64(&mut terms, pointers.len() as u64);
                let pointers = pointers.iter().map(ToString::to_string);
                pointers.for_each(|pointer| put_bytes(&mut terms, pointer.as_bytes()));
            }
        }
        match format {
            FormatChoice::Detect => terms.push(0),
            FormatChoice::Fixed(format) => {
                terms.push(1);
                put_format(&mut terms, format);
            }
        }
        terms.push(u8::from(base64));
        put_u64(&mut terms, object_bytes);
        Self(terms)
    }
}

/// One version of an object.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    /// What tells its bucket or directory from all others.
    pub place: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Stored bytes.
    pub size: u64,
    /// What identifies its content.
    pub etag: &'a str,
    /// When it was last written. With the same content again it is another version: what was declared
    /// of it may be another.
    pub modified: Option<Timestamp>,
}

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl Key {
    /// An object's version, read on these terms.
    pub fn new(terms: &Terms, version: &Version<'_>) -> Self {
        let Version { place, key, size, etag, modified } = version;
        let mut about = terms.0.clone();
        for text in [place, key, etag] {
            put_bytes(&mut about, text.as_bytes());
        }
        put_u64(&mut about, *size);
        put_option(&mut about, modified.as_ref(), |out, modified| {
            out.extend_from_slice(&modified.as_nanosecond().to_le_bytes());
        });
        let mut opening = MAGIC.to_vec();
        put_bytes(&mut opening, &about);
        Self(opening)
    }

    /// How an entry about it begins.
    pub fn opening(&self) -> &[u8] {
        &self.0
    }

    /// Under which name its entry is found. The seed is the cache's, so that nobody can prepare keys that
    /// take each other's place.
    pub(super) fn name(&self, seed: u64) -> u128 {
        xxh3_128_with_seed(&self.0, seed)
    }
}
