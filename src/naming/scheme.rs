//! How the keys of a location are made, as far as that is known: what pruning goes by, and what
//! people are told of it.

use std::fmt;

use jiff::tz::TimeZone;

use super::KeyName;
use super::layout::{Layout, Untimed};
use super::prefix::{Part, Prefix};

/// How the keys of a location are made. Its text is one line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// The prefix, where the delivery stream or the user named it; else it was seen in the keys.
    prefix: Option<Prefix>,
    layout: Result<Layout, Untimed>,
    zone: String,
    /// Firehose's keys that were looked at.
    keys: u64,
    /// Those of them that this scheme does not make.
    strangers: u64,
}

impl Scheme {
    /// By the delivery stream's prefix.
    pub fn configured(prefix: &Prefix, zone: &TimeZone) -> Self {
        Self::new(Some(prefix.clone()), Layout::of(prefix), zone)
    }

    /// By a layout that was seen in keys.
    pub fn seen(layout: Layout, zone: &TimeZone) -> Self {
        Self::new(None, Ok(layout), zone)
    }

    fn new(prefix: Option<Prefix>, layout: Result<Layout, Untimed>, zone: &TimeZone) -> Self {
        let zone = zone.iana_name().unwrap_or("local").to_owned();
        Self { prefix, layout, zone, keys: 0, strangers: 0 }
    }

    /// Looks at one of Firehose's keys.
    pub fn look_at(&mut self, key: &str, name: &KeyName) {
        if let Ok(layout) = &self.layout {
            self.keys += 1;
            self.strangers += u64::from(!layout.is_at_home(key, name));
        }
    }

    /// How keys tell time.
    ///
    /// # Errors
    /// Where they do not.
    pub fn layout(&self) -> Result<&Layout, &Untimed> {
        self.layout.as_ref()
    }

    /// Whether somebody said so who must know; a scheme that was seen in keys is a guess.
    pub fn is_certain(&self) -> bool {
        self.prefix.is_some()
    }

    /// A template of the keys up to the object's name: the prefix as it was written, or as it was
    /// seen, `firehose/{yyyy}/{MM}/{dd}/{HH}/`.
    pub fn template(&self) -> String {
        match (&self.prefix, &self.layout) {
            (Some(prefix), _) => prefix.as_str().to_owned(),
            (None, Ok(layout)) => layout.to_string(),
            (None, Err(_)) => String::new(),
        }
    }

    /// The part of the time by which a window shortens the listing, in words.
    pub fn prunes_by(&self) -> Option<&'static str> {
        self.layout.as_ref().ok().map(|layout| layout.unit().name())
    }

    /// Firehose's keys that were looked at, and those of them that the scheme does not make.
    pub fn strangers(&self) -> (u64, u64) {
        (self.keys, self.strangers)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.layout {
            Ok(layout) => {
                if !layout.head().is_empty() {
                    write!(f, "`{}` + ", layout.head())?;
                }
                let unit = layout.unit().name();
                let kind =
                    if layout.is_folder() { format!("{unit} folders") } else { unit.to_owned() };
                write!(f, "{} {kind}", self.zone)?;
                for part in self.prefix.iter().flat_map(Prefix::parts) {
                    match part {
                        Part::Random => f.write_str(" + a random string")?,
                        Part::ErrorType => f.write_str(" + the kind of error")?,
                        Part::PartitionKey(id) => write!(f, " + partition key `{id}`")?,
                        Part::Time(_) => {}
                    }
                }
                write!(f, " + file names of Firehose; prunes by {unit}")?;
            }
            Err(why) => {
                write!(f, "`{}` + file names of Firehose; cannot prune: {why}", self.template())?;
            }
        }
        match (self.is_certain(), self.strangers) {
            (false, _) => f.write_str(" (recognised in the keys, not certain)")?,
            (true, 0) => {}
            (true, strangers) => {
                write!(f, " ({strangers} of {} keys are elsewhere)", self.keys)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naming::parse;

    fn said(prefix: &str, zone: &str) -> String {
        let zone = TimeZone::get(zone).unwrap();
        Scheme::configured(&Prefix::parse(prefix).unwrap(), &zone).to_string()
    }

    #[test]
    fn a_prefix_is_said_in_one_line() {
        for (prefix, zone, expected) in [
            (
                "firehose/",
                "UTC",
                "`firehose/` + UTC hour folders + file names of Firehose; prunes by hour",
            ),
            (
                "",
                "Europe/Madrid",
                "Europe/Madrid hour folders + file names of Firehose; prunes by hour",
            ),
            (
                "f/!{timestamp:yyyy/MM}/!{partitionKeyFromQuery:shop}/",
                "UTC",
                "`f/` + UTC month folders + partition key `shop` + file names of Firehose; prunes by month",
            ),
            (
                "f/!{timestamp:yyyyMMdd}-",
                "UTC",
                "`f/` + UTC day + file names of Firehose; prunes by day",
            ),
            (
                "f/!{partitionKeyFromQuery:shop}/!{timestamp:yyyy}/",
                "UTC",
                "`f/!{partitionKeyFromQuery:shop}/!{timestamp:yyyy}/` + file names of Firehose; \
                 cannot prune: partition key shop stands before the time",
            ),
            (
                "f/!{firehose:random-string}/",
                "UTC",
                "`f/!{firehose:random-string}/` + file names of Firehose; cannot prune: the prefix \
                 tells no time",
            ),
        ] {
            assert_eq!(said(prefix, zone), expected);
        }
    }

    #[test]
    fn what_was_seen_is_no_certainty_and_what_was_said_is_checked() {
        let key = "f/2026/07/13/14/s-1-2026-07-13-14-05-09-959487e4-754a-46e0-9b2d-f8cf1ce8a226";
        let seen = Scheme::seen(Layout::infer("f/", key).unwrap(), &TimeZone::UTC);
        assert!(seen.to_string().ends_with("(recognised in the keys, not certain)"), "{seen}");
        assert_eq!(seen.template(), "f/{yyyy}/{MM}/{dd}/{HH}/");
        let prefix = Prefix::parse("g/").unwrap();
        let mut configured = Scheme::configured(&prefix, &TimeZone::UTC);
        configured.look_at(key, &parse(key).unwrap());
        assert!(configured.to_string().ends_with("(1 of 1 keys are elsewhere)"), "{configured}");
    }
}
