//! Takes a stack down: its buckets emptied, itself deleted, its templates cleared away.

use super::bucket::{PREFIX, Place, own_bucket};
use super::templates::BASE_URL;
use super::watch::Watch;
use super::{Found, Stack};
use crate::aws::{Failure, Pages};
use crate::error::Result;
use crate::limits::STACK_DELETIONS;
use crate::observe::Event;

/// The type of what has to be emptied before it can be deleted.
const BUCKET: &str = "AWS::S3::Bucket";

/// What there is to take down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The state of the stack, as CloudFormation spells it.
    pub state: String,
    /// The buckets in it.
    pub buckets: Vec<Held>,
}

/// A bucket, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its name.
    pub bucket: String,
    /// Versions of objects in it, those that mark a deletion included.
    pub objects: u64,
    /// Whether there are more than were counted.
    pub more: bool,
}

/// What was taken down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Down {
    /// Whether there was a stack.
    pub existed: bool,
    /// Versions of objects that were deleted in its buckets.
    pub removed: u64,
    /// What was cleared away besides, a line each.
    pub cleared: Vec<String>,
    /// What is left, and why, a line each.
    pub left: Vec<String>,
}

impl Stack<'_> {
    /// What taking the stack down would take away; none where it is not there.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub async fn standing(&self) -> Result<Option<Standing>> {
        let Some(found) = self.ours().await? else { return Ok(None) };
        let mut buckets = Vec::new();
        for bucket in self.buckets(&found).await? {
            if let Some((objects, more)) = self.held(&bucket).await? {
                buckets.push(Held { bucket, objects, more });
            }
        }
        Ok(Some(Standing { state: found.state.0, buckets }))
    }

    /// Empties the buckets of the stack and deletes it, whatever it holds: whoever calls this has
    /// been asked. A stack that is not there is down already.
    ///
    /// # Errors
    /// When something of it is left. The same can be done again.
    pub async fn down(&self) -> Result<Down> {
        let mut down = Down::default();
        let mut place = None;
        if let Some(mut found) = self.settled().await? {
            down.existed = true;
            place = found.parameters.get(BASE_URL).cloned();
            let mut deletions = 0;
            loop {
                for bucket in self.buckets(&found).await? {
                    let text = format!("emptying bucket {bucket}");
                    self.observer.on(Event::Step { text: &text });
                    down.removed += self.empty(&bucket, "").await?;
                }
                match self.deleted(&found.id).await? {
                    None => break,
                    Some(left) => {
                        deletions += 1;
                        // Firehose may have written what it had buffered after the bucket was
                        // emptied. It is gone now, or is the next time.
                        if deletions == STACK_DELETIONS || !self.holds(&left).await? {
                            return Err(self.explained("delete", &left).await);
                        }
                        let text = "objects came into the bucket meanwhile; once more";
                        self.observer.on(Event::Step { text });
                        found = left;
                    }
                }
            }
        }
        self.clear_templates(place.as_deref(), &mut down).await;
        Ok(down)
    }

    /// Deletes a stack by its id, and waits for it.
    pub(super) async fn delete(&self, id: &str) -> Result<()> {
        match self.deleted(id).await? {
            None => Ok(()),
            Some(left) => Err(self.explained("delete", &left).await),
        }
    }

    /// Deletes a stack by its id, and waits: what is left of it, if anything is.
    async fn deleted(&self, id: &str) -> Result<Option<Found>> {
        let watch = Watch::of(self, id).await?;
        let asked = self.cloudformation.delete_stack().stack_name(id).send().await;
        asked.map_err(|error| self.failed("DeleteStack", error))?;
        watch.wait().await
    }

    async fn buckets(&self, found: &Found) -> Result<Vec<String>> {
        if found.state.is_review() {
            return Ok(Vec::new());
        }
        let resources = self.resources(&found.id).await?;
        let buckets = resources.into_iter().filter(|each| each.kind == BUCKET && each.is_there());
        Ok(buckets.map(|bucket| bucket.physical).collect())
    }

    /// Whether a bucket of the stack holds anything.
    async fn holds(&self, found: &Found) -> Result<bool> {
        for bucket in self.buckets(found).await? {
            if self.held(&bucket).await?.is_some_and(|(objects, _)| objects > 0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Clears the templates away that nobody needs any more. The stack is down: what cannot be done
    /// here is no failure, but said.
    async fn clear_templates(&self, base_url: Option<&str>, down: &mut Down) {
        let own = self.account().await.map(|account| own_bucket(&account, self.aws.region()));
        let own = own.ok();
        let place = base_url.map(|url| (url, Place::of(url)));
        let (bucket, prefix) = match (&place, &own) {
            (Some((url, None)), _) => {
                down.left.push(format!("the templates at {url}, which fhcheck did not put there"));
                return;
            }
            (Some((_, Some(place))), own) if own.as_ref() != Some(&place.bucket) => {
                (place.bucket.clone(), format!("{PREFIX}{}/", place.digest))
            }
            (_, Some(own)) => (own.clone(), PREFIX.to_owned()),
            (_, None) => return,
        };
        let left = match self.clear(&bucket, &prefix, own.as_ref() == Some(&bucket)).await {
            Ok(Cleared::NotThere) => return,
            Ok(Cleared::Templates(count)) => {
                down.cleared.push(format!("{count} templates in bucket {bucket}"));
                return;
            }
            Ok(Cleared::Bucket) => {
                down.cleared.push(format!("bucket {bucket} and the templates in it"));
                return;
            }
            Ok(Cleared::Used(stack)) => format!("stack {stack} uses them"),
            Ok(Cleared::Full) => "it holds something else too".to_owned(),
            Err(error) => error.to_string(),
        };
        down.left.push(format!("bucket {bucket} with the templates: {left}"));
    }

    async fn clear(&self, bucket: &str, prefix: &str, own: bool) -> Result<Cleared> {
        if self.held(bucket).await?.is_none() {
            return Ok(Cleared::NotThere);
        }
        if let Some(stack) = self.user_of(bucket, prefix).await? {
            return Ok(Cleared::Used(stack));
        }
        let removed = self.empty(bucket, prefix).await?;
        if !own {
            return Ok(Cleared::Templates(removed));
        }
        match self.aws.s3().delete_bucket().bucket(bucket).send().await.map_err(Failure::of) {
            Ok(_) => Ok(Cleared::Bucket),
            Err(failure) if failure.code() == Some("BucketNotEmpty") => Ok(Cleared::Full),
            Err(failure) => Err(self.call("s3:DeleteBucket", "bucket", bucket, failure)),
        }
    }

    /// Another stack whose templates are in that bucket under that prefix.
    async fn user_of(&self, bucket: &str, prefix: &str) -> Result<Option<String>> {
        let (mut pages, mut token) = (Pages::default(), None);
        loop {
            let asked = self.cloudformation.describe_stacks().set_next_token(token);
            let page = asked.send().await.map_err(|error| self.failed("DescribeStacks", error))?;
            for stack in page.stacks() {
                let place = Place::of_stack(&Found::from(stack));
                let key = |place: &Place| format!("{PREFIX}{}/", place.digest);
                let uses = |place: &Place| place.bucket == bucket && key(place).starts_with(prefix);
                if place.as_ref().is_some_and(uses) {
                    return Ok(stack.stack_name().map(str::to_owned));
                }
            }
            let next = pages.next(page.stacks().len(), page.next_token());
            token = next.map_err(|what| self.nonsense("DescribeStacks", what))?;
            if token.is_none() {
                return Ok(None);
            }
        }
    }
}

/// What became of templates.
enum Cleared {
    /// There is no such bucket.
    NotThere,
    /// So many of them are gone.
    Templates(u64),
    /// They are gone, and the bucket with them.
    Bucket,
    /// Another stack was made from them.
    Used(String),
    /// They are gone, and the bucket holds something else.
    Full,
}
