//! What holds for every encoding: round trips, cuts, arbitrary bytes, layers, bounds; and objects
//! that the real encoders made.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};
use proptest::prelude::*;

use super::{Content, Damaged, Encoding, open};
use crate::limits::{DECODE_CHUNK_BYTES, LAYER_BUFFER_BYTES};
use crate::naming;
use crate::outcome::GapReason;
use crate::source::Body;
use crate::tests::cases;

/// The encodings that are undone.
const ALL: [Encoding; 5] =
    [Encoding::Gzip, Encoding::Zip, Encoding::SnappyJava, Encoding::HadoopSnappy, Encoding::Zstd];

pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// An archive of one entry, as `java.util.zip.ZipOutputStream` writes it.
pub(super) fn zip(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    let packed = encoder.finish().unwrap();
    let mut crc = Crc::new();
    crc.update(content);
    let name = b"5d1f6f0c-2f5e-4a3b-8c1e-7b9d0a6e4c22";
    let fixed = [b"\x14\0\x08\x08\x08\0".as_slice(), &[0; 4]].concat();
    let lens = [crc.sum(), u32_of(packed.len()), u32_of(content.len())].map(u32::to_le_bytes);
    let name_lens = b"\x24\0\0\0";
    let mut out = [b"PK\x03\x04".as_slice(), &fixed, &[0; 12], name_lens, name, &packed].concat();
    out.extend([b"PK\x07\x08".as_slice(), &lens.concat()].concat());
    let directory = out.len();
    out.extend([b"PK\x01\x02\x14\0".as_slice(), &fixed, &lens.concat(), name_lens].concat());
    out.extend([&[0; 14][..], name].concat());
    let ends = [out.len() - directory, directory].map(|len| u32_of(len).to_le_bytes());
    out.extend([b"PK\x05\x06\0\0\0\0\x01\0\x01\0".as_slice(), &ends.concat(), &[0; 2]].concat());
    out
}

/// A block as both Snappy kinds have it, with its length before it.
fn block(content: &[u8]) -> Vec<u8> {
    let packed = snap::raw::Encoder::new().compress_vec(content).unwrap();
    [&u32_of(packed.len()).to_be_bytes()[..], &packed].concat()
}

pub(super) fn snappy_java(content: &[u8]) -> Vec<u8> {
    let mut out = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    out.extend(content.chunks(32 << 10).flat_map(block));
    out
}

/// Blocks of up to three chunks.
pub(super) fn hadoop_snappy(content: &[u8]) -> Vec<u8> {
    let blocks = content.chunks(3 * 8192).flat_map(|outer| {
        let len = u32_of(outer.len()).to_be_bytes();
        [&len[..], &outer.chunks(8192).flat_map(block).collect::<Vec<_>>()].concat()
    });
    blocks.collect()
}

/// One frame with a checksum.
pub(super) fn zstd(content: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn u32_of(len: usize) -> u32 {
    u32::try_from(len).unwrap()
}

fn encode(encoding: Encoding, content: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Gzip => gzip(content),
        Encoding::Zip => zip(content),
        Encoding::SnappyJava => snappy_java(content),
        Encoding::HadoopSnappy => hadoop_snappy(content),
        Encoding::Zstd => zstd(content),
        other => panic!("{other} has no writer"),
    }
}

/// Everything that comes out of a body, and how it ended.
pub(super) fn read(
    stored: Vec<u8>,
    suggested: Option<Encoding>,
    limit: u64,
) -> (Vec<u8>, Result<Vec<Damaged>, GapReason>) {
    let mut bytes = Vec::new();
    let ended = open(Body::from_bytes(stored), suggested, limit).and_then(|mut content| {
        let _ = content.read_to_end(&mut bytes);
        content.finish()
    });
    (bytes, ended)
}

fn opened(stored: &[u8]) -> Content {
    open(Body::from_bytes(stored.to_vec()), None, u64::MAX).unwrap()
}

/// Content that is no encoding itself.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(any::<u8>(), 0..300);
    (noise, 1..400_usize).prop_map(|(noise, times)| {
        [b"{", &noise[..]].concat().into_iter().cycle().take(times * 100).collect()
    })
}

fn encoding() -> impl Strategy<Value = Encoding> {
    prop::sample::select(&ALL[..])
}

/// How encodings begin.
const STARTS: [&[u8]; 6] = [
    b"",
    b"\x1f\x8b\x08",
    b"PK\x03\x04",
    b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01",
    b"\x28\xb5\x2f\xfd",
    b"\0\0\0\x10\0\0\0\x08\x10",
];

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn what_was_encoded_comes_out(content in content(), encoding in encoding(), step in 1..5000_usize) {
        let stored = encode(encoding, &content);
        let mut decoder = opened(&stored);
        prop_assert_eq!(decoder.layers(), &[encoding][..]);
        let (mut read, mut out) = (Vec::<u8>::new(), vec![0; step]);
        loop {
            let count = decoder.read(&mut out).unwrap();
            if count == 0 {
                break;
            }
            read.extend(&out[..count]);
        }
        prop_assert_eq!(decoder.finish(), Ok(vec![]));
        prop_assert!(read == content);
    }

    #[test]
    fn one_encoding_inside_another_comes_out(content in content(), outer in encoding(), inner in encoding()) {
        // Hadoop's Snappy has no magic number to be seen by inside another encoding.
        prop_assume!(inner != Encoding::HadoopSnappy);
        let stored = encode(outer, &encode(inner, &content));
        prop_assert_eq!(&opened(&stored).layers, &[outer, inner]);
        let (read, ended) = read(stored, None, u64::MAX);
        prop_assert_eq!(ended, Ok(vec![]));
        prop_assert!(read == content);
    }

    #[test]
    fn a_cut_body_gives_a_part_of_its_content_and_is_damage(
        content in content(),
        encoding in encoding(),
        cut in any::<prop::sample::Index>(),
    ) {
        let stored = encode(encoding, &content);
        let stored = stored[..1 + cut.index(stored.len() - 1)].to_vec();
        let (read, ended) = read(stored, Some(encoding), u64::MAX);
        prop_assert!(content.starts_with(&read));
        let damage = ended.unwrap();
        // A Snappy body that is cut between two blocks looks whole.
        prop_assert!(damage.len() == 1 || (encoding.is_snappy() && read.len() % 8192 == 0));
        prop_assert!(damage.iter().all(|damage| damage.doubtful_from <= read.len() as u64));
    }

    #[test]
    fn damage_around_an_encoding_is_noted_once(
        content in content(),
        inner in prop::sample::select(&[Encoding::Gzip, Encoding::Zip, Encoding::Zstd][..]),
        cut in any::<prop::sample::Index>(),
    ) {
        let records = [encode(inner, &content), encode(inner, &content)].concat();
        let stored = gzip(&records);
        let stored = stored[..20 + cut.index(stored.len() - 20)].to_vec();
        let (read, ended) = read(stored, None, u64::MAX);
        let twice = content.repeat(2);
        let damage = ended.unwrap();
        // So little may come out that the inner encoding is not to be seen.
        prop_assert!(twice.starts_with(&read) || records.starts_with(&read));
        prop_assert_eq!(damage.len(), 1);
        prop_assert!(damage[0].what.starts_with("gzip body is cut"), "{:?}", damage);
        // What the inner encoding has vouched for stands.
        let vouched = usize::try_from(damage[0].doubtful_from).unwrap();
        prop_assert!(vouched == 0 || vouched == content.len() || vouched == twice.len());
    }

    #[test]
    fn any_bytes_are_content_or_damage(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        declared in prop::option::of(encoding()),
        start in prop::sample::select(&STARTS[..]),
    ) {
        let _ = read([start, &bytes].concat(), declared, 1 << 20);
    }

    #[test]
    fn a_changed_byte_never_panics(
        content in content(),
        encoding in encoding(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut stored = encode(encoding, &content);
        let at = at.index(stored.len());
        let changed = stored[at] != byte;
        stored[at] = byte;
        let (read, ended) = read(stored, Some(encoding), 1 << 20);
        // A checksum sees what changes the content, and notes it before what it had vouched for.
        if let (true, false, Ok(damage)) = (changed, encoding.is_snappy(), ended) {
            prop_assert!(read == content || !damage.is_empty());
        }
    }
}

#[test]
fn encodings_are_undone_three_deep_and_no_deeper() {
    let three = gzip(&zip(&zstd(b"{}")));
    let content = opened(&three);
    assert_eq!(content.layers(), [Encoding::Gzip, Encoding::Zip, Encoding::Zstd]);
    assert_eq!(content.encoding(), Encoding::Gzip);
    assert_eq!(content.layered().as_deref(), Some("zstd inside zip inside gzip"));
    assert_eq!(opened(&gzip(b"{}")).layered(), None);
    assert_eq!(read(three.clone(), None, 99), (b"{}".to_vec(), Ok(vec![])));
    let (_, ended) = read(gzip(&three), None, 99);
    let what = "zstd inside zip inside gzip inside gzip";
    assert_eq!(ended, Err(GapReason::Unsupported(what.into())));
    let (_, ended) = read(gzip(b"PAR1\x15\x04"), None, 99);
    assert_eq!(ended, Err(GapReason::Unsupported("parquet inside gzip".into())));
}

#[test]
fn members_of_records_inside_an_object_are_read_however_they_are_joined() {
    let records = [gzip(b"{\"a\":1}"), b"\n".to_vec(), gzip(b"{\"a\":2}"), b"\n".to_vec()].concat();
    for stored in [records.clone(), gzip(&records), snappy_java(&records), zip(&records)] {
        assert_eq!(read(stored, None, 99), (b"{\"a\":1}{\"a\":2}".to_vec(), Ok(vec![])));
    }
}

#[test]
fn an_extension_is_right_for_either_snappy_and_a_content_encoding_for_one() {
    let hadoop = hadoop_snappy(b"{\"a\":1}");
    let named =
        |name: &str| Body::from_bytes(hadoop.clone()).with_content_encoding(Some(name.into()));
    let suffix = Some(Encoding::SnappyJava);
    let misdeclared = |body, suffix| open(body, suffix, 99).unwrap().misdeclared();
    assert_eq!(misdeclared(Body::from_bytes(hadoop.clone()), suffix), None);
    assert_eq!(misdeclared(named("hadoop-snappy"), suffix), None);
    assert_eq!(misdeclared(named("snappy-java"), suffix), Some(Encoding::SnappyJava));
    assert_eq!(misdeclared(named("gzip"), suffix), Some(Encoding::Gzip));
    // Inflated on its way, and not to be inflated again.
    let plain = Body::from_bytes(&b"{\"a\":1}"[..]).with_content_encoding(Some("gzip".into()));
    assert_eq!(misdeclared(plain, None), Some(Encoding::Gzip));
}

#[test]
fn content_beyond_the_limit_is_refused_in_every_encoding() {
    for encoding in ALL {
        let stored = encode(encoding, &vec![b' '; 1 << 20]);
        let (content, ended) = read(stored, None, 1 << 19);
        assert!(content.len() <= 1 << 20, "{encoding}");
        assert!(matches!(ended, Err(GapReason::TooLarge(_))), "{encoding}: {ended:?}");
    }
}

#[test]
fn what_is_held_does_not_grow_with_the_content() {
    for encoding in ALL {
        let mut content = opened(&encode(encoding, &vec![b' '; 24 << 20]));
        let (mut total, mut out) = (0, [0; 1000]);
        loop {
            match content.read(&mut out).unwrap() {
                0 => break,
                count => total += count,
            }
            assert!(content.input.held() <= DECODE_CHUNK_BYTES + LAYER_BUFFER_BYTES, "{encoding}");
        }
        assert_eq!((total, content.finish()), (24 << 20, Ok(vec![])), "{encoding}");
    }
}

#[test]
fn a_bomb_inside_an_encoding_is_refused_though_no_content_comes_of_it() {
    let empty = gzip(b"").repeat(80 << 20 >> 4);
    let (content, ended) = read(gzip(&gzip(&empty)), None, u64::MAX);
    assert!(content.is_empty());
    assert!(matches!(ended, Err(GapReason::TooLarge(what)) if what.contains("bomb")));
}

/// The folders of `fixtures/` with undamaged objects in these encodings, with what must be undone.
/// Their origin is in `fixtures/ENCODERS.md`.
const MADE_BY_ENCODERS: [(&str, &[Encoding]); 10] = [
    ("gzip", &[Encoding::Gzip]),
    ("gzip-inside-gzip", &[Encoding::Gzip, Encoding::Gzip]),
    ("snappy-java", &[Encoding::SnappyJava]),
    ("snappy-java-streams", &[Encoding::SnappyJava]),
    ("hadoop-snappy", &[Encoding::HadoopSnappy]),
    ("hadoop-snappy-chunks", &[Encoding::HadoopSnappy]),
    ("hadoop-snappy-without-suffix", &[Encoding::HadoopSnappy]),
    ("zip", &[Encoding::Zip]),
    ("zip-tools", &[Encoding::Zip]),
    ("zstd", &[Encoding::Zstd]),
];

#[test]
fn objects_of_the_real_encoders_are_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for (folder, layers) in MADE_BY_ENCODERS {
        let mut content = Vec::new();
        for path in objects(&root.join(folder).join("delivered/2023/05/04/08")) {
            let suggested = naming::suggested_encoding(path.to_str().unwrap());
            let stored = std::fs::read(&path).unwrap();
            let mut decoder = open(Body::from_bytes(stored), suggested, 9999).unwrap();
            assert_eq!(decoder.layers(), layers, "{}", path.display());
            assert_eq!(decoder.misdeclared(), None, "{}", path.display());
            decoder.read_to_end(&mut content).unwrap();
            assert_eq!(decoder.finish(), Ok(vec![]), "{}", path.display());
        }
        let manifest = std::fs::read_to_string(root.join(folder).join("produced.ndjson")).unwrap();
        let produced = manifest.replace('\n', "");
        assert_eq!(String::from_utf8(content).unwrap(), produced, "{folder}");
    }
}

fn objects(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
