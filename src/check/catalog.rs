//! The catalog: what is listed, what of it is to be read, and what is not and why.

use futures::StreamExt;

use super::Run;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::naming::layout::{self, Layout};
use crate::naming::{self, KeyName};
use crate::observe::Event;
use crate::outcome::{Note, ObjectBook, SkipReason};
use crate::plan::{Foreign, Location, Window};
use crate::source::{KeyRange, ObjectRef};

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The object.
    pub object: ObjectRef,
    /// What its key says; `None` for a foreign object.
    pub name: Option<KeyName>,
    /// Why it is not read, where it is not.
    pub skip: Option<SkipReason>,
    /// What is inside, where it was read.
    pub contents: Option<super::Contents>,
}

/// All that a listing named.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    pub(super) objects: Vec<Listed>,
    pub(super) notes: Vec<Note>,
    /// LIST requests that it took, as S3 counts them.
    pub(super) requests: u64,
}

/// LIST requests that a listing of so many keys takes: `ListObjectsV2` gives at most 1,000 a page.
pub fn estimate_requests(keys: u64) -> u64 {
    keys.div_ceil(1000).max(1)
}

impl Catalog {
    /// What is to be read: the objects with their numbers, which follow the order of keys.
    pub(super) fn to_read(&self) -> Vec<(u64, ObjectRef)> {
        let numbered = (0_u64..).zip(&self.objects);
        let read = numbered.filter(|(_, listed)| listed.skip.is_none());
        read.map(|(number, listed)| (number, listed.object.clone())).collect()
    }

    /// Stored bytes of what is to be read.
    pub(super) fn bytes_to_read(&self) -> u64 {
        let read = self.objects.iter().filter(|listed| listed.skip.is_none());
        read.map(|listed| listed.object.size).sum()
    }

    /// The book of objects, with nothing read and no gap yet.
    pub(super) fn book(&self) -> ObjectBook {
        let mut book = ObjectBook { listed: self.objects.len() as u64, ..ObjectBook::default() };
        for reason in self.objects.iter().filter_map(|listed| listed.skip) {
            let position = SkipReason::ALL.iter().position(|&known| known == reason);
            book.skipped[position.expect("every reason is in ALL")] += 1;
        }
        book
    }

    pub(super) fn key(&self, number: u64) -> String {
        let index = usize::try_from(number).expect("numbers are indices");
        self.objects[index].object.key.clone()
    }
}

impl Run {
    /// Lists what the plan asks for, and decides what of it is read.
    pub(super) async fn catalog(&self) -> Result<Catalog> {
        let mut catalog = Catalog::default();
        let prefix = self.prefix();
        let layout = self.layout(&prefix, &mut catalog).await?;
        let window = &self.plan.window;
        let ranges = layout::ranges(&prefix, layout.as_ref(), window, &self.plan.zone);
        self.list_ranges(&ranges, &mut catalog).await?;
        let misread = layout.is_some_and(|layout| {
            let names = catalog
                .objects
                .iter()
                .filter_map(|listed| Some((listed.object.key.as_str(), listed.name.as_ref()?)));
            !names.into_iter().all(|(key, name)| layout.fits(key, name))
        });
        if misread {
            catalog.objects.clear();
            catalog.notes.push(no_pruning("keys do not all lie in the folder of their time"));
            self.list_ranges(&[KeyRange::all(&prefix)], &mut catalog).await?;
        }
        let foreign =
            catalog.objects.iter().filter(|listed| listed.name.is_none() && listed.skip.is_none());
        let foreign = foreign.count();
        if foreign > 0 && !matches!(self.plan.location, Location::Local(_)) {
            catalog.notes.push(Note {
                code: "foreign-objects",
                text: format!(
                    "{foreign} objects have keys that Firehose does not write; they are read like \
                     any other (--foreign skip leaves them out)"
                ),
            });
        }
        Ok(catalog)
    }

    /// Refuses a run that would read more than `--max-bytes`.
    pub(super) fn admit(&self, catalog: &Catalog) -> Result<()> {
        let bytes = catalog.bytes_to_read();
        match self.plan.limits.total_bytes {
            Some(limit) if bytes > limit => Err(Error::new(
                ErrorKind::Limit,
                format!("{bytes} bytes are to be read from {}, more than the {limit} that --max-bytes allows", self.plan.location),
            )
            .hint("raise --max-bytes, or narrow what is read with a longer prefix or --since/--until; --dry-run shows what it takes")),
            _ => Ok(()),
        }
    }

    fn prefix(&self) -> String {
        match &self.plan.location {
            Location::S3 { prefix, .. } => prefix.clone(),
            Location::Local(_) => String::new(),
        }
    }

    /// How keys tell time, where a window makes that worth knowing: one key is enough to see it.
    async fn layout(&self, prefix: &str, catalog: &mut Catalog) -> Result<Option<Layout>> {
        if self.plan.window.is_open() {
            return Ok(None);
        }
        let range = KeyRange::all(prefix);
        let mut keys = self.source.list(&range);
        catalog.requests += 1;
        let mut seen = 0;
        while let Some(object) = keys.next().await {
            if let Some(layout) = Layout::infer(prefix, &object?.key) {
                return Ok(Some(layout));
            }
            seen += 1;
            if seen == KEYS_LOOKED_AT {
                break;
            }
        }
        if seen > 0 {
            catalog.notes.push(no_pruning("no key tells its time by its folder"));
        }
        Ok(None)
    }

    async fn list_ranges(&self, ranges: &[KeyRange], catalog: &mut Catalog) -> Result<()> {
        for range in ranges {
            let before = catalog.objects.len();
            let mut keys = self.source.list(range);
            while let Some(object) = keys.next().await {
                let object = object?;
                self.observer.on(Event::Listed { bytes: object.size });
                catalog.objects.push(self.judge(object));
                if catalog.objects.len() as u64 >= limits::OBJECTS_CEILING {
                    return Err(too_many(&self.plan.location));
                }
            }
            catalog.requests += estimate_requests((catalog.objects.len() - before) as u64);
        }
        Ok(())
    }

    /// What is to become of an object.
    fn judge(&self, object: ObjectRef) -> Listed {
        let name = naming::parse(&object.key);
        let skip = if object.size == 0 && object.key.ends_with('/') {
            Some(SkipReason::FolderMarker)
        } else if name.is_none() && self.plan.foreign == Foreign::Skip {
            Some(SkipReason::Foreign)
        } else {
            let inside = match &name {
                Some(name) => naming::in_window(name, &self.plan.window, &self.plan.zone),
                None => modified_in(&object, &self.plan.window),
            };
            (!inside).then_some(SkipReason::OutsideWindow)
        };
        Listed { object, name, skip, contents: None }
    }
}

/// So many keys are looked at for one that tells its time, a page of `ListObjectsV2`.
const KEYS_LOOKED_AT: usize = 1000;

/// Whether an object whose key tells no time can hold records of a window: not if it was last
/// written before it.
fn modified_in(object: &ObjectRef, window: &Window) -> bool {
    match (object.modified, window.since) {
        (Some(modified), Some(since)) => modified >= since,
        _ => true,
    }
}

fn no_pruning(why: &str) -> Note {
    Note {
        code: "not-pruned",
        text: format!("the window could not shorten the listing ({why}): everything was listed"),
    }
}

fn too_many(location: &Location) -> Error {
    Error::new(
        ErrorKind::Limit,
        format!("{location} holds more than {} objects", limits::OBJECTS_CEILING),
    )
    .hint("check a part of it at a time, with a longer prefix or --since/--until")
}
