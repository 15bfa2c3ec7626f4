//! What every source promises, asked of each of them and of every wrapper around it.

use std::io::Read;

use fhcheck::limits::SPOOL_BYTES;
use fhcheck::outcome::GapReason;
use fhcheck::source::{Body, KeyRange, ObjectRef, Source};
use futures::{StreamExt, TryStreamExt};

use crate::support::World;

/// One test a promise, each in a world of its own.
macro_rules! suite {
    ($name:ident, $world:ident($admitted:literal)) => {
        mod $name {
            use $crate::conformance::promises;
            use $crate::support::World;
            $crate::conformance::suite!(@each World::$world($admitted);
                nothing_is_listed_where_nothing_is,
                keys_come_in_byte_order_in_pages_of_any_size,
                thousands_of_keys_come_once_each,
                a_range_selects_by_prefix_start_and_stop,
                odd_keys_survive_listing_and_fetching,
                empty_objects_and_folder_markers_are_objects,
                a_listing_says_what_an_object_is,
                an_object_deleted_after_listing_is_a_gap,
                an_object_replaced_after_listing_is_a_gap,
                a_large_body_does_not_lie_in_memory,
                a_reader_that_stops_asks_for_no_more,
                a_listing_can_be_repeated,
            );
        }
    };
    (@each $make:expr; $($promise:ident,)*) => {
        $(#[tokio::test]
        async fn $promise() {
            promises::$promise($make.await).await;
        })*
    };
}
pub(crate) use suite;

suite!(local, local(false));
suite!(local_admitted, local(true));
suite!(endpoint, endpoint(false));
suite!(endpoint_admitted, endpoint(true));
suite!(ranged, ranged(false));
suite!(ranged_admitted, ranged(true));

async fn listed(source: &dyn Source, range: &KeyRange) -> Vec<ObjectRef> {
    source.list(range).try_collect().await.unwrap()
}

async fn keys(source: &dyn Source, range: &KeyRange) -> Vec<String> {
    listed(source, range).await.into_iter().map(|object| object.key).collect()
}

fn content(body: Body) -> Vec<u8> {
    let mut bytes = Vec::new();
    body.into_reader().read_to_end(&mut bytes).unwrap();
    bytes
}

pub(crate) mod promises {
    use super::*;

    pub(crate) async fn nothing_is_listed_where_nothing_is(world: World) {
        world.put("somewhere/else", "x").await;
        let range = KeyRange::all("firehose/");
        assert_eq!(keys(&*world.source(None), &range).await, [""; 0]);
    }

    pub(crate) async fn keys_come_in_byte_order_in_pages_of_any_size(world: World) {
        let mut expected = vec!["a/b", "a/b.c/d", "b", "2026/01/02/03/x", "2026/01/02/04/x", "Z"];
        if world.sorts_bytes() {
            expected.extend(["a-b", "a.b", "a0", "a/b-c/d", "a/b0"]);
        }
        for key in &expected {
            world.put(key, *key).await;
        }
        expected.sort_unstable();
        for page in [1, 2, 5, 1000] {
            let source = world.source(Some(page));
            assert_eq!(keys(&*source, &KeyRange::default()).await, expected, "pages of {page}");
        }
    }

    pub(crate) async fn thousands_of_keys_come_once_each(world: World) {
        let expected: Vec<String> =
            (0..2500).map(|i| format!("firehose/{:02}/{i:05}", i / 100)).collect();
        world.put_all(&expected).await;
        for page in [Some(100), None] {
            let source = world.source(page);
            assert_eq!(keys(&*source, &KeyRange::all("firehose/")).await, expected);
        }
    }

    pub(crate) async fn a_range_selects_by_prefix_start_and_stop(world: World) {
        let all: Vec<String> = (0..30).map(|i| format!("p/{}/{i:02}", i / 10)).collect();
        world.put_all(&all).await;
        world.put("q/1", "outside").await;
        for (prefix, start_after, stop_before) in [
            ("p/", Some("p/0/04"), None),
            ("p/", Some("p/0/04x"), Some("p/2/")),
            ("p/", None, Some("p/1/15")),
            ("p/", Some("p/1/"), Some("p/1/15x")),
            ("p/1", Some("a"), Some("z")),
            ("p/1/1", None, None),
            ("p/", Some("p/9"), None),
            ("p/", None, Some("p/")),
        ] {
            let range = KeyRange {
                prefix: prefix.into(),
                start_after: start_after.map(Into::into),
                stop_before: stop_before.map(Into::into),
            };
            let expected: Vec<String> =
                all.iter().filter(|key| range.contains(key)).cloned().collect();
            for page in [1, 7, 1000] {
                let source = world.source(Some(page));
                assert_eq!(keys(&*source, &range).await, expected, "{range:?} by {page}");
            }
        }
    }

    pub(crate) async fn odd_keys_survive_listing_and_fetching(world: World) {
        let mut expected = vec![
            "a b",
            "a+b",
            "a%20b",
            "a%b",
            "a&b",
            "a'b",
            "a\"b",
            "a<b>",
            "a=b;c",
            "a?b#c",
            "a:b@c",
            "a,b!$()*",
            "[a]{b}|^`~",
            "é",
            "日本/語",
            "🦀",
            "name with / slash and space /x",
        ];
        for key in &expected {
            world.put(key, *key).await;
        }
        expected.sort_unstable();
        let source = world.source(Some(3));
        let objects = listed(&*source, &KeyRange::default()).await;
        let found: Vec<_> = objects.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(found, expected);
        for object in &objects {
            let body = source.fetch(object).await.unwrap();
            assert_eq!(content(body), object.key.as_bytes(), "{}", object.key);
        }
    }

    pub(crate) async fn empty_objects_and_folder_markers_are_objects(world: World) {
        world.put("firehose/empty", "").await;
        let mut expected = vec!["firehose/empty"];
        if world.holds_folder_markers() {
            world.put("firehose/", "").await;
            world.put("firehose/folder/", "").await;
            expected = vec!["firehose/", "firehose/empty", "firehose/folder/"];
        }
        let source = world.source(None);
        let objects = listed(&*source, &KeyRange::all("firehose/")).await;
        let found: Vec<_> = objects.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(found, expected);
        for object in &objects {
            assert_eq!(object.size, 0);
            assert!(source.fetch(object).await.unwrap().is_empty(), "{}", object.key);
        }
    }

    pub(crate) async fn a_listing_says_what_an_object_is(world: World) {
        world.put("firehose/x", "12345").await;
        let objects = listed(&*world.source(None), &KeyRange::default()).await;
        let [object] = &objects[..] else { panic!("{objects:?}") };
        assert_eq!((object.key.as_str(), object.size), ("firehose/x", 5));
        assert!(object.modified.unwrap().as_second() > 1_700_000_000, "{object:?}");
        assert!(object.etag.is_some());
    }

    pub(crate) async fn an_object_deleted_after_listing_is_a_gap(world: World) {
        world.put("firehose/x", "here").await;
        let source = world.source(None);
        let objects = listed(&*source, &KeyRange::default()).await;
        world.delete("firehose/x").await;
        assert_eq!(source.fetch(&objects[0]).await.unwrap_err(), GapReason::Deleted);
    }

    pub(crate) async fn an_object_replaced_after_listing_is_a_gap(world: World) {
        world.put("firehose/x", "first").await;
        let source = world.source(None);
        let objects = listed(&*source, &KeyRange::default()).await;
        world.put("firehose/x", "the second").await;
        assert_eq!(source.fetch(&objects[0]).await.unwrap_err(), GapReason::Replaced);
        let again = listed(&*source, &KeyRange::default()).await;
        assert_eq!(content(source.fetch(&again[0]).await.unwrap()), b"the second");
    }

    pub(crate) async fn a_large_body_does_not_lie_in_memory(world: World) {
        let len = usize::try_from(SPOOL_BYTES).unwrap() + 4321;
        let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
        world.put("firehose/large", bytes.clone()).await;
        let source = world.source(None);
        let objects = listed(&*source, &KeyRange::default()).await;
        let body = source.fetch(&objects[0]).await.unwrap();
        assert_eq!((body.len(), body.is_in_memory()), (len as u64, false));
        assert!(content(body) == bytes, "the content is another one");
    }

    pub(crate) async fn a_reader_that_stops_asks_for_no_more(world: World) {
        world.put_all(&(0..50).map(|i| format!("{i:02}")).collect::<Vec<_>>()).await;
        let source = world.source(Some(10));
        let range = KeyRange::default();
        let unread = source.list(&range);
        drop(unread);
        assert_eq!(source.requests().list, 0, "asked before it was polled");
        let first: Vec<_> = source.list(&range).take(10).try_collect().await.unwrap();
        assert_eq!(first.len(), 10);
        assert_eq!(source.requests().list, world.pages(1));
        let stop = KeyRange { stop_before: Some("15".into()), ..range };
        assert_eq!(keys(&*source, &stop).await.len(), 15);
        assert_eq!(source.requests().list, world.pages(1 + 2), "asked past the end of the range");
    }

    pub(crate) async fn a_listing_can_be_repeated(world: World) {
        world.put("a", "1").await;
        let source = world.source(None);
        assert_eq!(keys(&*source, &KeyRange::default()).await, ["a"]);
        world.put("b", "2").await;
        assert_eq!(keys(&*source, &KeyRange::default()).await, ["a", "b"]);
    }
}
