//! Empties a bucket: every version, every delete marker, every upload that never ended.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Delete, DeleteMarkerEntry, ObjectIdentifier, ObjectVersion};

use super::Stack;
use crate::aws::{Failure, Pages};
use crate::error::{Error, ErrorKind, Result};
use crate::observe::Event;

/// The actions that listing a bucket takes.
const VERSIONS: &str = "s3:ListBucketVersions";
const UPLOADS: &str = "s3:ListBucketMultipartUploads";

/// Keys that are named when they cannot be deleted.
const NAMED: usize = 3;

/// What could not be deleted.
#[derive(Debug, Default)]
struct Refused {
    count: u64,
    named: Vec<String>,
}

impl Stack<'_> {
    /// Deletes everything in a bucket whose key begins with `prefix`, and says how many versions
    /// that were. A bucket that is not there is empty.
    ///
    /// # Errors
    /// When something is left. The rest is gone all the same.
    pub(super) async fn empty(&self, bucket: &str, prefix: &str) -> Result<u64> {
        let s3 = self.aws.s3();
        let (mut removed, mut refused) = (0, Refused::default());
        let (mut key, mut version) = (None, None);
        let mut pages = Pages::default();
        loop {
            let asked = s3.list_object_versions().bucket(bucket).prefix(prefix);
            let asked = asked.set_key_marker(key).set_version_id_marker(version);
            let page = match asked.send().await.map_err(Failure::of) {
                Ok(page) => page,
                Err(failure) if failure.code() == Some("NoSuchBucket") => return Ok(removed),
                Err(failure) => {
                    return Err(self.call(VERSIONS, "bucket", bucket, failure));
                }
            };
            let found = identifiers(page.versions(), page.delete_markers());
            if !found.is_empty() {
                removed += self.delete_all(&s3, bucket, found, &mut refused).await?;
                self.observer.on(Event::Emptied { bucket, removed });
            }
            if page.is_truncated != Some(true) {
                break;
            }
            let items = page.versions().len() + page.delete_markers().len();
            (key, version) = (page.next_key_marker, page.next_version_id_marker);
            goes_on(&mut pages, items, [&key, &version])
                .map_err(|failure| self.call(VERSIONS, "bucket", bucket, failure))?;
        }
        self.abort_uploads(&s3, bucket, prefix).await?;
        refused.report(bucket).map(|()| removed)
    }

    /// Deletes a page of versions, and says how many are gone.
    async fn delete_all(
        &self,
        s3: &Client,
        bucket: &str,
        found: Vec<ObjectIdentifier>,
        refused: &mut Refused,
    ) -> Result<u64> {
        let count = found.len() as u64;
        let delete = Delete::builder().set_objects(Some(found)).quiet(true).build();
        let delete = delete.expect("there are objects in it");
        let asked = s3.delete_objects().bucket(bucket).delete(delete).send().await;
        let answer = asked.map_err(|error| {
            self.call("s3:DeleteObjectVersion", "bucket", bucket, Failure::of(error))
        })?;
        for error in answer.errors() {
            let text = |text: Option<&str>| text.unwrap_or("?").to_owned();
            if refused.named.len() < NAMED {
                let (key, code) = (text(error.key()), text(error.code()));
                refused.named.push(format!("{key} ({code}: {})", text(error.message())));
            }
        }
        let left = answer.errors().len() as u64;
        refused.count += left;
        Ok(count.saturating_sub(left))
    }

    async fn abort_uploads(&self, s3: &Client, bucket: &str, prefix: &str) -> Result<()> {
        let (mut key, mut upload) = (None, None);
        let mut pages = Pages::default();
        loop {
            let asked = s3.list_multipart_uploads().bucket(bucket).prefix(prefix);
            let asked = asked.set_key_marker(key).set_upload_id_marker(upload);
            let page = asked
                .send()
                .await
                .map_err(|error| self.call(UPLOADS, "bucket", bucket, Failure::of(error)))?;
            for upload in page.uploads() {
                let abort = s3.abort_multipart_upload().bucket(bucket);
                let abort = abort.set_key(upload.key.clone());
                match abort
                    .set_upload_id(upload.upload_id.clone())
                    .send()
                    .await
                    .map_err(Failure::of)
                {
                    Ok(_) => {}
                    // It ended meanwhile.
                    Err(failure) if failure.code() == Some("NoSuchUpload") => {}
                    Err(failure) => {
                        let action = "s3:AbortMultipartUpload";
                        return Err(self.call(action, "bucket", bucket, failure));
                    }
                }
            }
            if page.is_truncated != Some(true) {
                return Ok(());
            }
            let items = page.uploads().len();
            (key, upload) = (page.next_key_marker, page.next_upload_id_marker);
            goes_on(&mut pages, items, [&key, &upload])
                .map_err(|failure| self.call(UPLOADS, "bucket", bucket, failure))?;
        }
    }

    /// How many versions a bucket holds, and whether there may be more. None where it is not there.
    pub(super) async fn held(&self, bucket: &str) -> Result<Option<(u64, bool)>> {
        let asked = self.aws.s3().list_object_versions().bucket(bucket).send().await;
        match asked.map_err(Failure::of) {
            Ok(page) => {
                let count = page.versions().len() + page.delete_markers().len();
                Ok(Some((count as u64, page.is_truncated == Some(true))))
            }
            Err(failure) if failure.code() == Some("NoSuchBucket") => Ok(None),
            Err(failure) => Err(self.call(VERSIONS, "bucket", bucket, failure)),
        }
    }
}

/// Whether a page that is not the last one says which one follows it, and says so for the first time.
fn goes_on(
    pages: &mut Pages,
    items: usize,
    [key, id]: [&Option<String>; 2],
) -> Result<(), Failure> {
    let (key, id) = (key.as_deref().unwrap_or_default(), id.as_deref().unwrap_or_default());
    // No key holds a NUL together with an id behind it.
    let named = (!key.is_empty()).then(|| format!("{key}\0{id}"));
    match pages.next(items, named.as_deref()) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Failure::nonsense("a page that has a successor and does not say which")),
        Err(what) => Err(Failure::nonsense(what)),
    }
}

/// Versions and markers as they are named to be deleted. A page of a listing has at most as many as
/// one request deletes: 1000 ("ListObjectVersions", "DeleteObjects", Amazon S3 API reference).
fn identifiers(versions: &[ObjectVersion], markers: &[DeleteMarkerEntry]) -> Vec<ObjectIdentifier> {
    let versions = versions.iter().map(|each| (each.key(), each.version_id()));
    let markers = markers.iter().map(|each| (each.key(), each.version_id()));
    let all = versions.chain(markers).filter_map(|(key, version)| {
        let identifier = ObjectIdentifier::builder().key(key?);
        identifier.set_version_id(version.map(str::to_owned)).build().ok()
    });
    all.collect()
}

impl Refused {
    fn report(self, bucket: &str) -> Result<()> {
        let Self { count, named } = self;
        if count == 0 {
            return Ok(());
        }
        let more = count - named.len() as u64;
        let more = if more == 0 { String::new() } else { format!(", and {more} more") };
        let message =
            format!("{count} could not be deleted in bucket {bucket}: {}{more}", named.join(", "));
        Err(Error::new(ErrorKind::AccessDenied, message).hint(
            "the credentials need s3:DeleteObject and s3:DeleteObjectVersion on all of it; the rest \
             is gone",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::Refused;

    #[test]
    fn what_is_left_is_named_and_counted() {
        assert!(Refused::default().report("b").is_ok());
        let named = ["a (AccessDenied: no)".to_owned()].into();
        let error = Refused { count: 3, named }.report("b").expect_err("something is left");
        let text = "3 could not be deleted in bucket b: a (AccessDenied: no), and 2 more";
        assert_eq!(error.to_string(), text);
    }
}
