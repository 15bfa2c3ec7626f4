//! The places of a run: where data is, and where error output is if that is elsewhere.

use std::path::PathBuf;
use std::sync::Arc;

use crate::plan::Location;
use crate::source::Source;

/// A location, and the source that reads it.
pub(super) struct Site {
    pub(super) source: Arc<dyn Source>,
    pub(super) location: Location,
    /// Nothing but error output counts here.
    pub(super) errors_only: bool,
    /// Sites below this one: what begins like them, in the names of all sites, is theirs.
    below: Vec<String>,
    /// What makes a key a name that no two sites have for different objects.
    base: String,
    /// What reports put before a key, so that it can be found.
    shown_before: String,
}

impl Site {
    pub(super) fn data(source: Arc<dyn Source>, location: Location) -> Self {
        let base = base(&location);
        let (below, shown_before) = Default::default();
        Self { source, location, errors_only: false, below, base, shown_before }
    }

    /// What a manifest lies on; its keys are told apart by the manifest's name.
    pub(super) fn manifest(source: Arc<dyn Source>) -> Self {
        Self::data(source, Location::Local(PathBuf::new()))
    }

    /// A site of error output beside others, of which the first holds data. `None` where it lies
    /// inside one of them: no object may count twice.
    pub(super) fn beside(
        sites: &[Arc<Self>],
        source: Arc<dyn Source>,
        location: Location,
    ) -> Option<Self> {
        let mut site = Self { errors_only: true, ..Self::data(source, location) };
        let begins = site.begins();
        if sites.iter().any(|other| begins.starts_with(&other.begins())) {
            return None;
        }
        let others = sites.iter().map(|other| other.begins());
        site.below = others.filter(|other| other.starts_with(&begins)).collect();
        if sites[0].base != site.base {
            site.shown_before = match &site.location {
                Location::S3 { .. } => site.base.clone(),
                Location::Local(path) if path.is_dir() => format!("{}/", path.display()),
                Location::Local(_) => String::new(),
            };
        }
        Some(site)
    }

    /// What every key of the site starts with.
    pub(super) fn prefix(&self) -> &str {
        match &self.location {
            Location::S3 { prefix, .. } => prefix,
            Location::Local(_) => "",
        }
    }

    /// What the name of every object of the site starts with.
    fn begins(&self) -> String {
        match &self.location {
            Location::Local(path) if path.is_file() => {
                let name = path.file_name().unwrap_or_default();
                format!("{}{}", self.base, name.to_string_lossy())
            }
            _ => format!("{}{}", self.base, self.prefix()),
        }
    }

    /// Whether a key that was listed here is this site's.
    pub(super) fn owns(&self, key: &str) -> bool {
        self.below.is_empty() || {
            let name = format!("{}{key}", self.base);
            !self.below.iter().any(|other| name.starts_with(other))
        }
    }

    /// How reports name an object.
    pub(super) fn name(&self, key: &str) -> String {
        format!("{}{key}", self.shown_before)
    }
}

/// A bucket, or a folder however it was spelled.
fn base(location: &Location) -> String {
    match location {
        Location::S3 { bucket, .. } => format!("s3://{bucket}/"),
        Location::Local(path) => {
            let real = path.canonicalize().unwrap_or_else(|_| path.clone());
            let folder = if real.is_file() { real.parent() } else { Some(real.as_path()) };
            format!("{}/", folder.unwrap_or(&real).display())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::local::Local;

    fn sites(locations: &[&str]) -> Vec<Arc<Site>> {
        let mut sites: Vec<Arc<Site>> = Vec::new();
        for text in locations {
            let location = match text.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) {
                Some((bucket, prefix)) => {
                    Location::S3 { bucket: bucket.into(), prefix: prefix.into() }
                }
                None => Location::Local(text.into()),
            };
            let source = Arc::new(Local::open(".").expect("this folder"));
            if sites.is_empty() {
                sites.push(Arc::new(Site::data(source, location)));
            } else {
                sites.extend(Site::beside(&sites, source, location).map(Arc::new));
            }
        }
        sites
    }

    #[test]
    fn no_object_is_on_two_sites() {
        let count = |locations: &[&str]| sites(locations).len();
        assert_eq!(count(&["s3://b/data/", "s3://b/errors/", "s3://b/errors/"]), 2);
        assert_eq!(count(&["s3://b/data/", "s3://b/errors/", "s3://b/errors/a/"]), 2);
        assert_eq!(count(&["s3://b/", "s3://b/errors/", "s3://c/errors/"]), 2);
        assert_eq!(count(&["src", "./src/check", "tests", "./tests/"]), 2);
        let around = sites(&["s3://b/all/data/", "s3://b/all/errors/", "s3://b/all/"]);
        assert!(around[2].owns("all/other"));
        assert!(!around[2].owns("all/data/x") && !around[2].owns("all/errors/x"));
        let folder = sites(&["src/check", "./src"]);
        assert!(folder[1].owns("plan.rs") && !folder[1].owns("check/site.rs"));
        assert_eq!(folder[1].name("plan.rs"), "./src/plan.rs");
        assert_eq!(sites(&["s3://b/data/", "s3://c/e/"])[1].name("e/x"), "s3://c/e/x");
    }
}
