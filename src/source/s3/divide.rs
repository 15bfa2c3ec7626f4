//! A long listing, read in pieces side by side.
//!
//! `ListObjectsV2` gives a thousand keys a page, and a page only to whoever has the one before it: a
//! million objects are a thousand answers waited for in a row. But any keys whatever cut a range of
//! keys into ranges that can be listed at once. Firehose's time folders make good ones: they are few,
//! and about as full as one another. Where they are uneven, or there are none, the listing takes
//! longer; what it lists is the same.

use std::pin::pin;

use futures::future::{self, BoxFuture, Either, FutureExt};
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
    /// The same, while folders are looked for to cut what is left at.
    Looking(Cursor, BoxFuture<'a, Vec<String>>),
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
        match walk {
            Walk::Alone(cursor) | Walk::Looking(cursor, _) if cursor.is_done() => Ok(None),
            Walk::Alone(mut cursor) => {
                let found = self.page(&mut cursor).await?;
                if cursor.pages() != LISTING_PAGES_ALONE || self.listings == 1 {
                    return Ok(Some((found, Walk::Alone(cursor))));
                }
                let folders = self.folders(cursor.rest()).boxed();
                Ok(Some((found, Walk::Looking(cursor, folders))))
            }
            Walk::Looking(mut cursor, folders) => {
                let (found, folders) = {
                    let page = pin!(self.page(&mut cursor));
                    match future::select(page, folders).await {
                        Either::Left((found, folders)) => (found?, Err(folders)),
                        Either::Right((folders, page)) => (page.await?, Ok(folders)),
                    }
                };
                let walk = match folders {
                    Ok(folders) => self.cut(cursor, folders),
                    Err(not_yet) => Walk::Looking(cursor, not_yet),
                };
                Ok(Some((found, walk)))
            }
            Walk::Together(mut pieces) => {
                Ok(pieces.try_next().await?.map(|found| (found, Walk::Together(pieces))))
            }
        }
    }

    /// Goes on side by side, where these folders cut what is left.
    fn cut(&self, cursor: Cursor, folders: Vec<String>) -> Walk<'_> {
        let rest = cursor.rest();
        let pieces = pieces(&rest, folders);
        if cursor.is_done() || pieces.len() == 1 {
            return Walk::Alone(cursor);
        }
        tracing::debug!(pieces = pieces.len(), after = rest.start_after, "listed side by side");
        let all = stream::iter(pieces).map(|piece| self.whole(piece)).buffered(self.listings);
        Walk::Together(all.boxed())
    }

    async fn whole(&self, piece: KeyRange) -> Result<Vec<ObjectRef>> {
        let mut cursor = Cursor::new(piece);
        let mut objects = Vec::new();
        while !cursor.is_done() {
            objects.append(&mut self.page(&mut cursor).await?);
        }
        Ok(objects)
    }

    /// Folders of what is left of a listing, in order: those beside the folders that it has come to, all
    /// asked for at once, and what is below them as long as they are few.
    async fn folders(&self, rest: KeyRange) -> Vec<String> {
        let mut found = Vec::new();
        let mut level = ancestors(&rest);
        for _ in 0..LISTING_LEVELS {
            let below = stream::iter(level).map(|folder| self.folders_of(&rest, folder));
            level = below.buffered(self.listings).concat().await;
            found.extend_from_slice(&level);
            if level.is_empty() || found.len() >= LISTING_FOLDERS {
                break;
            }
        }
        found.sort_unstable();
        found
    }

    /// The folders right below one, as far as a page goes. None where they cannot be had: a policy may
    /// allow to list without a delimiter and not with one (`s3:delimiter`), and a listing does not
    /// need them.
    async fn folders_of(&self, rest: &KeyRange, folder: String) -> Vec<String> {
        // To some servers it is much more work to begin in the middle: they do it only where they must.
        for start_after in [None, rest.start_after.clone()] {
            let asked = self.ask(|request| {
                request
                    .set_prefix((!folder.is_empty()).then(|| folder.clone()))
                    .set_start_after(start_after)
                    .delimiter("/")
            });
            let page = match asked.await {
                Ok(page) => page,
                Err(failure) => {
                    tracing::debug!(folder, ?failure, "no folders");
                    break;
                }
            };
            let names = page.common_prefixes().iter().filter_map(|group| group.prefix());
            let names = names.filter_map(|name| decoded(name, page.encoding_type()));
            // A server may ignore the delimiter, the prefix, or where to start.
            let stands_in =
                |name: &str| rest.start_after.as_ref().is_some_and(|key| key.starts_with(name));
            let left = |name: &String| {
                name.len() > folder.len() && rest.may_hold_under(name) && !stands_in(name)
            };
            let names: Vec<_> = names.filter(left).collect();
            if !names.is_empty() || page.is_truncated() != Some(true) {
                return names;
            }
        }
        Vec::new()
    }
}

/// The folders that a listing stands in, from its prefix on, but for the innermost, whose keys are being
/// listed: what is left lies below one of them.
fn ancestors(rest: &KeyRange) -> Vec<String> {
    let from = rest.prefix.len();
    let key = rest.start_after.as_deref().filter(|key| key.starts_with(&rest.prefix));
    let slashes = key.into_iter().flat_map(|key| key.match_indices('/').map(move |at| (key, at.0)));
    let below = slashes.filter(|&(_, at)| at >= from).map(|(key, at)| key[..=at].to_owned());
    let mut all: Vec<_> = std::iter::once(rest.prefix.clone()).chain(below).collect();
    if all.len() > 1 {
        all.pop();
    }
    all.truncate(LISTING_LEVELS);
    all
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

    #[test]
    fn what_is_left_lies_beside_the_folders_that_the_listing_stands_in() {
        let rest = |prefix: &str, key: &str| KeyRange {
            prefix: prefix.into(),
            start_after: Some(key.into()),
            stop_before: None,
        };
        let key = "firehose/2026/01/01/00/name";
        let below = ["firehose/", "firehose/2026/", "firehose/2026/01/", "firehose/2026/01/01/"];
        assert_eq!(ancestors(&rest("", key))[1..], below);
        assert_eq!(ancestors(&rest("firehose/20", key))[..2], ["firehose/20", "firehose/2026/"]);
        assert_eq!(ancestors(&rest("firehose/2026/01/01/00/", key)), ["firehose/2026/01/01/00/"]);
        assert_eq!(ancestors(&rest("other/", key)), ["other/"]);
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
