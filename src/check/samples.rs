//! The samples of each class, with the records themselves where they can be had, and the reason where
//! they failed.

use std::collections::BTreeMap;

use super::catalog::Catalog;
use super::compare::Classes;
use super::excerpts::{self, Kept};
use super::failed::Failed;
use super::truth::{Look, Reader, Truth};
use super::{Job, Run};
use crate::fingerprint::Identity;
use crate::outcome::{Class, Differences, Place as Named, Sample, excerpt};
use crate::reconcile::{Group, Place, Tally};

/// What a second look at the samples showed.
struct Looks<'a> {
    run: &'a Run,
    truth: &'a Truth,
    catalog: &'a Catalog,
    produced: BTreeMap<(Place, Identity), Look>,
    found: Kept<Vec<u8>>,
    failed: Kept<Failed>,
}

impl Run {
    pub(super) async fn samples(
        &self,
        classes: Classes,
        truth: &Truth,
        reader: &Reader,
        catalog: &Catalog,
    ) -> Differences {
        let all = [
            &classes.failed,
            &classes.pending,
            &classes.missing,
            &classes.duplicates,
            &classes.unexpected,
            &classes.repeated,
            &classes.identical,
        ];
        let groups = || all.iter().flat_map(|class| &class.groups);
        let produced =
            groups().filter_map(|group| Some((*group.produced_at.first()?, group.identity)));
        let found = groups()
            .filter(|group| group.produced_at.is_empty())
            .filter_map(|group| group.found_at.first().copied());
        let failed = classes.failed.groups.iter().filter_map(|group| group.failed_at.first());
        let keep = |record: &[u8]| Some(excerpt(record));
        let job = |number| self.numbered(catalog, number);
        let looks = Looks {
            run: self,
            truth,
            catalog,
            produced: truth.look(reader, produced).await,
            found: excerpts::read(&job, found, &self.plan, keep).await,
            failed: excerpts::read(&job, failed.copied(), &self.plan, Failed::read).await,
        };
        Differences {
            failed: looks.class(classes.failed),
            pending: looks.class(classes.pending),
            missing: looks.class(classes.missing),
            duplicates: looks.class(classes.duplicates),
            unexpected: looks.class(classes.unexpected),
            repeated: looks.class(classes.repeated),
            identical: looks.class(classes.identical),
        }
    }

    pub(super) fn numbered(&self, catalog: &Catalog, number: u64) -> Option<Job> {
        let listed = catalog.objects.get(usize::try_from(number).ok()?)?;
        Some(self.job(number, listed))
    }
}

impl Looks<'_> {
    fn class(&self, tally: Tally) -> Class {
        Class {
            records: tally.records,
            identities: tally.identities,
            samples: tally.groups.iter().map(|group| self.sample(group)).collect(),
        }
    }

    fn sample(&self, group: &Group) -> Sample {
        let in_truth =
            |place: &Place| Named { key: self.truth.name(place.object()), offset: place.offset() };
        let in_store = |place: &Place| Named {
            key: self.run.name(self.catalog, *place),
            offset: place.offset(),
        };
        let failed = group.failed_at.first().and_then(|place| self.failed.get(place));
        let first = group.produced_at.first();
        let look = first.and_then(|place| self.produced.get(&(*place, group.identity)));
        let bytes = match first {
            Some(_) => look.map(|look| &look.excerpt),
            None => group.found_at.first().and_then(|place| self.found.get(place)),
        };
        let bytes = bytes.or(failed.map(|failed| &failed.excerpt));
        Sample {
            produced: group.produced,
            found: group.found,
            failed: group.failed,
            excerpt: bytes.cloned().unwrap_or_default(),
            produced_at: group.produced_at.iter().map(in_truth).collect(),
            found_at: group.found_at.iter().map(in_store).collect(),
            failed_at: group.failed_at.iter().map(in_store).collect(),
            failure: failed.map(|failed| failed.failure.clone()),
            origin: look.and_then(|look| look.origin.clone()),
        }
    }
}
