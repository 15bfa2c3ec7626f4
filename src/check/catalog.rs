//! The catalog: what is listed, what of it is to be read, and what is not and why.

use std::sync::Arc;

use futures::StreamExt;

use super::site::Site;
use super::{Job, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::naming::layout::{self, Layout, Untimed};
use crate::naming::prefix::Prefix;
use crate::naming::scheme::Scheme;
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
    /// The number of the location that holds it: 0 for that of the plan, then those of error output.
    pub site: usize,
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
    /// How the keys of the plan's location are made, where that is known.
    pub(super) keys: Option<Scheme>,
    /// LIST requests that it took.
    pub(super) requests: u64,
}

impl Catalog {
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

    /// Whether a key stands where it could not, had the layout been read right.
    fn contradicts(&self, from: usize, layout: &Layout) -> bool {
        self.objects[from..].iter().any(|listed| {
            let fits = |name| layout.fits(&listed.object.key, name);
            !listed.name.as_ref().is_none_or(fits)
        })
    }

    fn look_at_keys(&mut self) {
        let Some(scheme) = &mut self.keys else { return };
        for listed in &self.objects {
            if let Some(name) = &listed.name {
                scheme.look_at(&listed.object.key, name);
            }
        }
    }

    fn foreign_to_read(&self) -> Option<Note> {
        let foreign = |listed: &&Listed| listed.name.is_none() && listed.skip.is_none();
        let count = self.objects.iter().filter(foreign).count();
        (count > 0).then(|| Note {
            code: "foreign-objects",
            text: format!(
                "{} with keys that Firehose does not write; read like any other (--foreign skip \
                 leaves such objects out)",
                super::notes::objects(count as u64)
            ),
        })
    }
}

impl Run {
    /// Lists what the plan asks for, and decides what of it is read.
    pub(super) async fn catalog(&self) -> Result<Catalog> {
        let mut catalog = Catalog::default();
        for (number, site) in self.sites.iter().enumerate() {
            let before = site.source.requests().list;
            self.list_site(number, site, &mut catalog).await?;
            catalog.requests += site.source.requests().list - before;
        }
        // On one's own disk keys may be called anything.
        if !matches!(self.plan.location, Location::Local(_)) {
            let foreign = catalog.foreign_to_read();
            catalog.notes.extend(foreign);
        }
        Ok(catalog)
    }

    async fn list_site(&self, number: usize, site: &Site, catalog: &mut Catalog) -> Result<()> {
        let from = catalog.objects.len();
        let configured = if number == 0 { self.configured(site, catalog) } else { None };
        let layout = self.layout(site, configured.as_ref(), catalog).await?;
        let window = &self.plan.window;
        let ranges = layout::ranges(site.prefix(), layout.as_ref(), window, &self.plan.zone);
        self.list_ranges(number, &ranges, catalog).await?;
        if number == 0 {
            let seen = || self.seen(layout.clone(), site, &catalog.objects);
            catalog.keys = configured.or_else(seen);
            catalog.look_at_keys();
        }
        let contradicted = match &layout {
            None => false,
            Some(layout) if catalog.contradicts(from, layout) => true,
            Some(layout) => self.left_out_contradicts(site, &ranges, layout).await?,
        };
        if contradicted {
            catalog.objects.truncate(from);
            catalog.notes.push(no_pruning("keys do not all lie in the folder of their time"));
            self.list_ranges(number, &[KeyRange::all(site.prefix())], catalog).await?;
        }
        Ok(())
    }

    /// Whether the first key of what was not listed stands where it could not: the prefix may have
    /// been another before.
    async fn left_out_contradicts(
        &self,
        site: &Site,
        ranges: &[KeyRange],
        layout: &Layout,
    ) -> Result<bool> {
        for left_out in layout::left_out(site.prefix(), ranges) {
            let first = site.source.list(&left_out).next().await.transpose()?;
            let key = first.map(|object| object.key).unwrap_or_default();
            if naming::parse(&key).is_some_and(|name| !layout.fits(&key, &name)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What of a catalog is to be read: the objects with their numbers, which follow the order of
    /// sites and keys.
    pub(super) fn to_read(&self, catalog: &Catalog) -> Vec<Job> {
        let numbered = (0_u64..).zip(&catalog.objects);
        let read = numbered.filter(|(_, listed)| listed.skip.is_none());
        read.map(|(number, listed)| self.job(number, listed)).collect()
    }

    pub(super) fn job(&self, number: u64, listed: &Listed) -> Job {
        let site = Arc::clone(&self.sites[listed.site]);
        Job { number, object: listed.object.clone(), site }
    }

    /// Refuses a run that would read so many stored bytes, if that is more than `--max-bytes`.
    pub(super) fn admit(&self, bytes: u64) -> Result<()> {
        let Some(limit) = self.plan.limits.total_bytes.filter(|&limit| bytes > limit) else {
            return Ok(());
        };
        let location = &self.plan.location;
        let message = format!("{location} holds {bytes} bytes to read, --max-bytes allows {limit}");
        Err(Error::new(ErrorKind::Limit, message).hint(
            "raise --max-bytes, or read less with a longer prefix or --since/--until; --dry-run \
             shows what it takes",
        ))
    }

    /// How keys are made by the delivery stream's prefix, where that is known.
    fn configured(&self, site: &Site, catalog: &mut Catalog) -> Option<Scheme> {
        match Prefix::parse(self.plan.prefix.as_deref()?) {
            Ok(prefix) => Some(Scheme::configured(&prefix, &self.plan.zone)),
            Err(error) => {
                tracing::debug!(%error, location = %site.location, "prefix");
                catalog.notes.push(Note {
                    code: "prefix-not-known",
                    text: format!("{error}; how keys tell time is seen in the keys"),
                });
                None
            }
        }
    }

    /// How keys are made by what was seen of them.
    fn seen(&self, layout: Option<Layout>, site: &Site, objects: &[Listed]) -> Option<Scheme> {
        let mut keys = objects.iter().take(KEYS_LOOKED_AT).map(|listed| &listed.object.key);
        let layout = layout.or_else(|| keys.find_map(|key| Layout::infer(site.prefix(), key)))?;
        Some(Scheme::seen(layout, &self.plan.zone))
    }

    /// How keys tell time, where a window makes that worth knowing: by the delivery stream's prefix,
    /// or as one key shows it.
    async fn layout(
        &self,
        site: &Site,
        configured: Option<&Scheme>,
        catalog: &mut Catalog,
    ) -> Result<Option<Layout>> {
        if self.plan.window.is_open() {
            return Ok(None);
        }
        match configured.map(Scheme::layout) {
            Some(Ok(layout)) if layout.is_under(site.prefix()) => return Ok(Some(layout.clone())),
            // Of such prefixes it is not certain that no date follows them.
            None | Some(Ok(_) | Err(Untimed::NoTime)) => {}
            Some(Err(why)) => {
                catalog.notes.push(no_pruning(&why.to_string()));
                return Ok(None);
            }
        }
        let range = KeyRange::all(site.prefix());
        let mut keys = site.source.list(&range);
        let mut seen = 0;
        while let Some(object) = keys.next().await {
            if let Some(layout) = Layout::infer(site.prefix(), &object?.key) {
                tracing::debug!(%layout, "keys tell time");
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

    async fn list_ranges(
        &self,
        number: usize,
        ranges: &[KeyRange],
        catalog: &mut Catalog,
    ) -> Result<()> {
        let site = &self.sites[number];
        for range in ranges {
            let (after, before) = (&range.start_after, &range.stop_before);
            tracing::debug!(prefix = range.prefix, ?after, ?before, "list");
            let mut keys = site.source.list(range);
            while let Some(object) = keys.next().await {
                let object = object?;
                if !site.owns(&object.key) {
                    continue;
                }
                self.observer.on(Event::Listed { bytes: object.size });
                catalog.objects.push(self.judge(number, object));
                if catalog.objects.len() as u64 >= limits::OBJECTS_CEILING {
                    return Err(too_many(&site.location));
                }
            }
        }
        Ok(())
    }

    /// What is to become of an object.
    fn judge(&self, site: usize, object: ObjectRef) -> Listed {
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
        Listed { object, site, name, skip, contents: None }
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
