//! ZIP archives: as `ZipOutputStream` writes them, as other tools might, and damaged.

use super::super::tests::{gzip, read, zip};
use super::super::{Damaged, Encoding};
use crate::outcome::GapReason;

const NAME_LEN: usize = 36;
const HEADER_LEN: usize = 30 + NAME_LEN;

fn damage(stored: Vec<u8>) -> (Vec<u8>, Vec<Damaged>) {
    let (content, result) = read(stored, Some(Encoding::Zip), 1 << 20);
    (content, result.unwrap())
}

/// Where the data descriptor of an archive of one entry is.
fn descriptor(archive: &[u8]) -> usize {
    archive.windows(4).position(|bytes| bytes == super::DESCRIPTOR).unwrap()
}

/// An archive of one entry whose header tells its length and checksum.
fn told(content: &[u8]) -> Vec<u8> {
    let mut archive = zip(content);
    let at = descriptor(&archive);
    let tail = archive.split_off(at);
    archive[6] = 0;
    archive[14..26].copy_from_slice(&tail[4..16]);
    [archive, tail[16..].to_vec()].concat()
}

fn unsupported(stored: Vec<u8>, what: &str) {
    assert_eq!(read(stored, None, 99).1, Err(GapReason::Unsupported(what.into())));
}

#[test]
fn entries_and_archives_follow_each_other() {
    let (first, second) = (zip(b"{\"a\":1}"), told(b"{\"a\":2}"));
    let expected = (b"{\"a\":1}{\"a\":2}".to_vec(), vec![]);
    assert_eq!(damage([&first[..], b"\n", &second, b"\n\0"].concat()), expected);
    // One archive of two entries, with a comment behind.
    let directory = descriptor(&first) + 16;
    let mut joined = [&first[..directory], &second].concat();
    let end = joined.len();
    joined[end - 12] = 2;
    joined[end - 2] = 3;
    joined.extend(b"abc");
    assert_eq!(damage(joined), expected);
    // An archive without an entry.
    assert_eq!(damage(first[first.len() - 22..].to_vec()).0, b"");
}

#[test]
fn a_data_descriptor_is_known_by_its_lengths() {
    let archive = zip(b"{\"a\":1}");
    let at = descriptor(&archive);
    let (head, tail) = (&archive[..at], &archive[at + 16..]);
    let [signature, crc, packed, content] =
        [0, 4, 8, 12].map(|offset| &archive[at + offset..at + offset + 4]);
    for layout in [
        [signature, crc, packed, content].concat(),
        [crc, packed, content].concat(),
        [signature, crc, packed, &[0; 4], content, &[0; 4]].concat(),
        [crc, packed, &[0; 4], content, &[0; 4]].concat(),
    ] {
        let archive = [head, &layout, tail].concat();
        assert_eq!(damage(archive), (b"{\"a\":1}".to_vec(), vec![]));
    }
    let (content, damage) = damage([head, &[7; 16], tail].concat());
    assert_eq!((&content[..], damage.len()), (&b"{\"a\":1}"[..], 1));
    assert!(damage[0].what.contains("descriptor"), "{damage:?}");
}

#[test]
fn a_wrong_checksum_is_damage_and_the_next_archive_is_read() {
    for (mut first, at) in [(zip(b"{\"a\":1}"), None), (told(b"{\"a\":1}"), Some(14))] {
        let at = at.unwrap_or_else(|| descriptor(&first) + 4);
        first[at] ^= 1;
        let (content, damage) = damage([first, zip(b"{\"a\":2}")].concat());
        assert_eq!(content, b"{\"a\":1}{\"a\":2}");
        assert_eq!((damage.len(), damage[0].doubtful_from), (1, 0));
        assert!(damage[0].what.contains("checksum"), "{damage:?}");
    }
}

#[test]
fn an_archive_cut_in_its_directory_is_damage_that_casts_no_doubt() {
    let archive = zip(b"{\"a\":1}");
    for cut in descriptor(&archive) + 16..archive.len() {
        let (content, damage) = damage(archive[..cut].to_vec());
        assert_eq!(content, b"{\"a\":1}");
        assert_eq!((damage.len(), damage[0].doubtful_from), (1, 7), "cut at {cut}");
        assert!(damage[0].what.contains("directory"), "{damage:?}");
    }
}

#[test]
fn what_an_archive_says_of_itself_is_compared_with_what_is_there() {
    let mut lost = zip(b"{\"a\":1}");
    let end = lost.len();
    lost[end - 12] = 2;
    let mut short = told(b"{\"a\":1}");
    short[22] -= 1;
    let mut broken = zip(&b"{\"a\":1}".repeat(99));
    broken[HEADER_LEN] |= 7;
    let mut header = zip(b"{\"a\":1}");
    let directory = descriptor(&header) + 16;
    header[directory] = b'X';
    let behind = [zip(b"{\"a\":1}"), b"more".to_vec()].concat();
    for (archive, what) in [
        (lost, "names 2 entries, and 1 are there"),
        (short, "not as long as it says"),
        (broken, "corrupt deflate stream"),
        (header, "no header where one should be"),
        (behind, "bytes behind"),
    ] {
        let (content, damage) = damage(archive);
        assert!(b"{\"a\":1}".starts_with(&content[..]), "{what}");
        assert!(damage.len() == 1 && damage[0].what.contains(what), "{what}: {damage:?}");
    }
}

#[test]
fn damage_around_an_archive_is_seen_behind_its_end() {
    let mut stored = gzip(&zip(b"{\"a\":1}"));
    let end = stored.len();
    stored[end - 8] ^= 1;
    let (content, damage) = damage(stored);
    assert_eq!(content, b"{\"a\":1}");
    assert_eq!((damage.len(), damage[0].doubtful_from), (1, 7));
    assert!(damage[0].what.starts_with("gzip checksum"), "{damage:?}");
}

#[test]
fn what_cannot_be_read_is_a_gap_with_a_name() {
    let changed = |at: usize, byte| {
        let mut archive = zip(b"{}");
        archive[at] = byte;
        archive
    };
    unsupported(changed(6, 9), "encrypted zip entry");
    unsupported(changed(8, 12), "zip entry with bzip2");
    unsupported(changed(8, 77), "zip entry with compression method 77");
    unsupported(changed(8, 0), "zip entry that is stored without its length");
}
