//! A long listing, read in pieces side by side.
//!
//! `ListObjectsV2` gives a thousand keys a page, and a page only to whoever has the one before it: a
//! million objects are a thousand answers waited for in a row. But any keys whatever cut a range of
//! keys into ranges that can be listed at once. Firehose's time folders make good ones: they are few,
//! and about as full as one another. Where they are uneven, or there are none, the listing takes
//! longer; what it lists is the same.

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::S3;
use super::list::{Cursor, decoded};
use crate::error::Result;
use crate::limits::{LISTING_FOLDERS, LISTING_LEVELS, LISTING_PAGES_ALONE, LISTING_PIECES};
use crate::source::{KeyRange, ObjectRef};

/// A listing on its way.
enum Walk<'a> {
    /// Page after page.
    Alone(Cursor),
    /// What is left, piece after piece, several of them under way.
    Together(BoxStream<'a, Result<Vec<ObjectRef>>>),
}

impl S3 {
    /// The objects of a range in the order of their keys.
    pub(super) fn objects<'a>(&'a self, range: &KeyRange) -> BoxStream<'a, Result<ObjectRef>> {
        stream::try_unfold(Walk::Alone(Cursor::new(range.clone())), |walk| self.step(walk))
            .map_ok(|objects| stream::iter(objects.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn step<'a>(&'a self, walk: Walk<'a>) -> Result<Option<(Vec<ObjectRef>, Walk<'a>)>> {
        let mut cursor = match walk {
            Walk::Alone(cursor) if cursor.is_done() => return Ok(None),
            Walk::Alone(cursor) => cursor,
            Walk::Together(mut pieces) => {
                return Ok(pieces.try_next().await?.map(|found| (found, Walk::Together(pieces))));
            }
        };
        let found = self.page(&mut cursor).await?;
        if cursor.pages() != LISTING_PAGES_ALONE || cursor.is_done() || self.listings == 1 {
            return Ok(Some((found, Walk::Alone(cursor))));
        }
        let rest = cursor.rest();
        let pieces = pieces(&rest, self.folders(&rest).await);
        if pieces.len() == 1 {
            return Ok(Some((found, Walk::Alone(cursor))));
        }
        tracing::debug!(pieces = pieces.len(), after = rest.start_after, "listed side by side");
        let all = stream::iter(pieces).map(|piece| self.whole(piece)).buffered(self.listings);
        Ok(Some((found, Walk::Together(all.boxed()))))
    }

    async fn whole(&self, piece: KeyRange) -> Result<Vec<ObjectRef>> {
        let mut cursor = Cursor::new(piece);
        let mut objects = Vec::new();
        while !cursor.is_done() {
            objects.append(&mut self.page(&mut cursor).await?);
        }
        Ok(objects)
    }

    /// Folders of a range, in order: of its first level, or of the first that has enough of them.
    async fn folders(&self, range: &KeyRange) -> Vec<String> {
        let mut found = Vec::new();
        let mut level = vec![range.prefix.clone()];
        for _ in 0..LISTING_LEVELS {
            let below = stream::iter(level).map(|folder| self.folders_of(range, folder));
            level = below.buffered(self.listings).concat().await;
            found.extend_from_slice(&level);
            if level.is_empty() || found.len() >= LISTING_FOLDERS {
                break;
            }
        }
        found.sort_unstable();
        found
    }

    /// The folders right below one, as far as the first page goes. None where they cannot be had:
    /// a policy may allow to list without a delimiter and not with one (`s3:delimiter`), and a
    /// listing does not need them.
    async fn folders_of(&self, range: &KeyRange, folder: String) -> Vec<String> {
        let asked = self.ask(|request| {
            request
                .set_prefix((!folder.is_empty()).then(|| folder.clone()))
                .set_start_after(range.start_after.clone())
                .delimiter("/")
        });
        let page = match asked.await {
            Ok(page) => page,
            Err(failure) => {
                tracing::debug!(folder, ?failure, "no folders");
                return Vec::new();
            }
        };
        let names = page.common_prefixes().iter().filter_map(|group| group.prefix());
        let names = names.filter_map(|name| decoded(name, page.encoding_type()));
        // A server may ignore the delimiter, the prefix, or where to start.
        names.filter(|name| name.len() > folder.len() && range.may_hold_under(name)).collect()
    }
}

/// A range cut at some of these keys, which are in order. Together the pieces hold what the range
/// holds, whatever the keys are.
fn pieces(range: &KeyRange, at: Vec<String>) -> Vec<KeyRange> {
    let inside = at.into_iter().filter(|key| {
        range.start_after.as_ref().is_none_or(|start| key > start)
            && range.stop_before.as_ref().is_none_or(|stop| key < stop)
    });
    let inside: Vec<String> = inside.collect();
    let step = inside.len().div_ceil(LISTING_PIECES - 1).max(1);
    let mut pieces = Vec::new();
    let mut rest = range.clone();
    for key in inside.into_iter().step_by(step) {
        // The key itself belongs to the piece before it: the one behind it starts after it.
        let stop = format!("{key}\0");
        pieces.push(KeyRange { stop_before: Some(stop), ..rest.clone() });
        rest.start_after = Some(key);
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = String> {
        "[ab/\0]{0,4}"
    }

    proptest! {
        #[test]
        fn pieces_hold_each_key_of_the_range_once_and_no_other(
            range in (key(), proptest::option::of(key()), proptest::option::of(key())),
            mut at in proptest::collection::vec(key(), 0..200),
            keys in proptest::collection::vec(key(), 0..50),
        ) {
            let (prefix, start_after, stop_before) = range;
            let range = KeyRange { prefix, start_after, stop_before };
            at.sort();
            let pieces = pieces(&range, at);
            prop_assert!(pieces.len() <= LISTING_PIECES);
            for key in keys {
                let holders = pieces.iter().filter(|piece| piece.contains(&key)).count();
                prop_assert_eq!(holders, usize::from(range.contains(&key)), "{:?}", key);
            }
        }
    }
}
