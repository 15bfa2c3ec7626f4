//! The places of a run: where data is, and where error output is if that is elsewhere.

use std::sync::Arc;

use crate::plan::Location;
use crate::source::Source;

/// A location, and the source that reads it.
pub(super) struct Site {
    pub(super) source: Arc<dyn Source>,
    pub(super) location: Location,
    /// Nothing but error output counts here.
    pub(super) errors_only: bool,
    /// Keys that start so are another site's.
    not_below: Option<String>,
    /// What reports put before a key, so that it can be found.
    shown_before: String,
}

impl Site {
    pub(super) fn data(source: Arc<dyn Source>, location: Location) -> Self {
        let (not_below, shown_before) = Default::default();
        Self { source, location, errors_only: false, not_below, shown_before }
    }

    /// What a manifest lies on; its keys are told apart by the manifest's name.
    pub(super) fn manifest(source: Arc<dyn Source>) -> Self {
        Self::data(source, Location::Local(std::path::PathBuf::new()))
    }

    /// A site of error output beside this one; `None` where it lies inside it.
    pub(super) fn beside(&self, source: Arc<dyn Source>, location: Location) -> Option<Self> {
        let (mut not_below, mut shown_before) = (None, String::new());
        match (&self.location, &location) {
            (
                Location::S3 { bucket: data, prefix: data_prefix },
                Location::S3 { bucket, prefix },
            ) if data == bucket => {
                if prefix.starts_with(data_prefix.as_str()) {
                    return None;
                }
                not_below = data_prefix.starts_with(prefix.as_str()).then(|| data_prefix.clone());
            }
            (_, Location::S3 { bucket, .. }) => shown_before = format!("s3://{bucket}/"),
            (Location::Local(data), Location::Local(path)) if path.starts_with(data) => {
                return None;
            }
            (_, Location::Local(path)) => shown_before = format!("{}/", path.display()),
        }
        Some(Self { source, location, errors_only: true, not_below, shown_before })
    }

    /// What every key of the site starts with.
    pub(super) fn prefix(&self) -> &str {
        match &self.location {
            Location::S3 { prefix, .. } => prefix,
            Location::Local(_) => "",
        }
    }

    /// Whether a key that was listed here is this site's.
    pub(super) fn owns(&self, key: &str) -> bool {
        self.not_below.as_deref().is_none_or(|other| !key.starts_with(other))
    }

    /// How reports name an object.
    pub(super) fn name(&self, key: &str) -> String {
        format!("{}{key}", self.shown_before)
    }
}
