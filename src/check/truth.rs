//! The truth: the records of the manifests, which must be whole to prove anything.

use std::sync::Arc;

use futures::StreamExt;

use super::Run;
use super::excerpts::Objects;
use super::stage::{Staged, Stager};
use crate::error::{Error, ErrorKind, Result};
use crate::observe::Event;
use crate::outcome::GapReason;
use crate::reconcile::{Place, Row, Side};
use crate::source::{KeyRange, ObjectRef, Source};

/// A manifest: the source that holds it, and the range of keys that it is.
pub struct Manifest {
    /// How reports name it.
    pub name: String,
    /// Where it is.
    pub source: Arc<dyn Source>,
    /// Its key, or the prefix of several.
    pub range: KeyRange,
}

/// What was produced.
#[derive(Default)]
pub(super) struct Truth {
    pub(super) side: Side,
    pub(super) incomplete: u64,
    /// The manifests' objects by number, each with the name that reports give it.
    pub(super) objects: Vec<(Arc<dyn Source>, ObjectRef, String)>,
}

impl Objects for Truth {
    fn object(&self, number: u64) -> Option<(Arc<dyn Source>, ObjectRef)> {
        let (source, object, _) = self.objects.get(usize::try_from(number).ok()?)?;
        Some((Arc::clone(source), object.clone()))
    }
}

impl Run {
    /// Adds the records of one manifest to the truth.
    pub(super) async fn read_manifest(
        &self,
        stager: &Stager,
        manifest: Manifest,
        truth: &mut Truth,
    ) -> Result<()> {
        let Manifest { name, source, range } = manifest;
        let mut objects = Vec::new();
        let mut keys = source.list(&range);
        while let Some(object) = keys.next().await {
            objects.push((truth.objects.len() as u64 + objects.len() as u64, object?));
        }
        drop(keys);
        // A key that is named whole is one manifest, whatever other keys begin like it.
        if let Some(exact) = objects.iter().find(|(_, object)| object.key == range.prefix) {
            objects = vec![(truth.objects.len() as u64, exact.1.clone())];
        } else if !range.prefix.is_empty() && !range.prefix.ends_with('/') {
            // Keys that only begin like it are other manifests.
            objects.clear();
        }
        if objects.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, format!("manifest {name} does not exist")));
        }
        let run = Self { source: Arc::clone(&source), ..self.clone() };
        let stager = stager.clone();
        let work = move |_, object: &ObjectRef, body| stager.stage(&object.key, body);
        run.each(&objects, work, |number, object, staged| {
            let staged = staged.map_err(|reason| unreadable(&name, object, &reason))?;
            refuse_damage(&name, object, &staged)?;
            truth.incomplete += staged.incomplete;
            truth.side.commit(
                staged
                    .records
                    .iter()
                    .map(|record| Row::new(record.identity, Place::new(number, record.offset))),
            );
            self.observer.on(Event::Manifest { records: truth.side.records() });
            Ok(())
        })
        .await?;
        let named = |object: ObjectRef| (Arc::clone(&source), object, name.clone());
        truth.objects.extend(objects.into_iter().map(|(_, object)| named(object)));
        Ok(())
    }
}

fn unreadable(name: &str, object: &ObjectRef, reason: &GapReason) -> Error {
    let message = format!("manifest {name} cannot be read: {}: {reason}", object.key);
    Error::new(ErrorKind::Manifest, message)
}

/// A truth with holes proves nothing.
fn refuse_damage(name: &str, object: &ObjectRef, staged: &Staged) -> Result<()> {
    let what = match (staged.spans.first(), staged.damage.first()) {
        (Some(span), _) => format!("at byte {}: {}", span.error_offset, span.damage),
        (None, Some(damage)) => {
            format!("at stored byte {}: {}", damage.stored_offset, damage.what)
        }
        (None, None) => return Ok(()),
    };
    let message = format!("manifest {name} is damaged ({}) {what}", object.key);
    Err(Error::new(ErrorKind::Manifest, message).hint(
        "a truth with holes proves nothing: mend the manifest, or leave it out and use --expected",
    ))
}
