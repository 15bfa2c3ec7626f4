//! What conversion to Parquet and ORC did to records, as far as a comparison needs to know.

use std::collections::BTreeSet;

use crate::decode::Encoding;
use crate::fingerprint::{Pointer, Policy};
use crate::limits::COLUMNS_SHOWN;
use crate::outcome::Note;
use crate::plan::{Expectation, ReconcilePlan};

/// The columns of all columnar objects.
#[derive(Debug, Default)]
pub(super) struct Columns {
    objects: u64,
    names: BTreeSet<String>,
}

impl Columns {
    pub(super) fn add(&mut self, encoding: Encoding, names: &[String]) {
        if encoding.is_columnar() {
            self.objects += 1;
            self.names.extend(names.iter().cloned());
        }
    }

    /// What to know of a comparison with what was produced.
    pub(super) fn notes(&self, plan: &ReconcilePlan) -> Vec<Note> {
        let compared = !matches!(plan.expectation, Expectation::Count(_)) && self.objects > 0;
        if !compared {
            return Vec::new();
        }
        let objects = super::notes::objects(self.objects);
        match &plan.policy {
            Policy::Raw => vec![Note {
                code: "columnar-raw",
                text: format!(
                    "Parquet or ORC in {objects}: conversion left no record its bytes; \
                     compare the fields that name a record (--match key=/id), or values (--match \
                     json)"
                ),
            }],
            Policy::Json => vec![Note {
                code: "columns",
                text: format!(
                    "Parquet or ORC in {objects}, with the columns {}: conversion dropped \
                     the other fields of what was produced, and the case of names (--match key= \
                     finds them in any case)",
                    self.list()
                ),
            }],
            Policy::Key(pointers) => self.absent(pointers),
        }
    }

    fn absent(&self, pointers: &[Pointer]) -> Vec<Note> {
        let is_there = |key: &str| self.names.iter().any(|name| name.eq_ignore_ascii_case(key));
        let absent = pointers.iter().filter(|pointer| !pointer.first_key().is_none_or(is_there));
        let note = |pointer| Note {
            code: "key-without-column",
            text: format!(
                "no Parquet or ORC object has a column for the key {pointer}: their columns are {}",
                self.list()
            ),
        };
        absent.map(note).collect()
    }

    fn list(&self) -> String {
        let names = self.names.iter().take(COLUMNS_SHOWN).map(String::as_str);
        let list = names.collect::<Vec<_>>().join(", ");
        match self.names.len().saturating_sub(COLUMNS_SHOWN) {
            0 => list,
            more => format!("{list} and {more} more"),
        }
    }
}
