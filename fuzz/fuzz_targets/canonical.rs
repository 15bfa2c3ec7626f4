//! Identity as JSON: two records, one a line, are the same exactly if their values are.
#![no_main]

use std::fmt::{self, Write};

use fhcheck::fingerprint::{Fingerprinter, Identity, Policy};
use libfuzzer_sys::fuzz_target;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON value without fractions, repeated keys kept; members ordered by key.
#[derive(Debug, PartialEq)]
enum Tree {
    Word(Option<bool>),
    Integer(i128),
    Text(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Builder)
    }
}

struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without fractions")
    }
    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Word(None))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Word(Some(value)))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Integer(value.into()))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Integer(value.into()))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Tree::Array(elements))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members: Vec<(String, Tree)> = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        members.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(Tree::Object(members))
    }
}

impl Tree {
    /// Spells the value otherwise than anybody would.
    fn spell(&self, out: &mut String) -> fmt::Result {
        match self {
            Self::Word(None) => out.write_str("\tnull\r"),
            Self::Word(Some(word)) => write!(out, " {word} "),
            Self::Integer(0) => out.write_str("0.000E-7"),
            Self::Integer(integer) => write!(out, "{integer}00e-2"),
            Self::Text(text) => spell_text(text, out),
            Self::Array(elements) => {
                for (nth, element) in elements.iter().enumerate() {
                    out.push(if nth == 0 { '[' } else { ',' });
                    element.spell(out)?;
                }
                out.write_str(if elements.is_empty() { "[\n]" } else { "\n]" })
            }
            Self::Object(members) => {
                for (nth, (key, value)) in members.iter().enumerate() {
                    out.push(if nth == 0 { '{' } else { ',' });
                    spell_text(key, out)?;
                    out.push_str(" :\n");
                    value.spell(out)?;
                }
                out.write_str(if members.is_empty() { "{ }" } else { " }" })
            }
        }
    }
}

fn spell_text(text: &str, out: &mut String) -> fmt::Result {
    out.push('"');
    for unit in text.encode_utf16() {
        write!(out, "\\u{unit:04X}")?;
    }
    out.write_char('"')
}

fn identity(record: &[u8]) -> Identity {
    Fingerprinter::new(&Policy::Json, 7).identity(record)
}

fuzz_target!(|data: &[u8]| {
    let (one, other) = match data.iter().position(|&byte| byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, data),
    };
    let identities = [identity(one), identity(other)];
    assert!(one != other || identities[0] == identities[1]);
    let Ok(tree) = serde_json::from_slice::<Tree>(one) else { return };
    let mut spelled = String::new();
    tree.spell(&mut spelled).expect("memory takes everything");
    assert_eq!(identity(spelled.as_bytes()), identities[0], "{spelled}");
    let Ok(other) = serde_json::from_slice::<Tree>(other) else { return };
    assert_eq!(tree == other, identities[0] == identities[1], "{tree:?} {other:?}");
});
