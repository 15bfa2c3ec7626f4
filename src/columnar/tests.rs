//! Objects of real writers to rows, and what is damaged or lies about itself to a flaw or a gap.

use std::path::PathBuf;

use super::*;
use crate::source::Body;

/// The files of a fixture, in the order of their names.
fn fixture(folder: &str) -> Vec<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let walk = walkdir::WalkDir::new(root.join("delivered")).sort_by_file_name();
    let files = walk.into_iter().map(|entry| entry.unwrap().into_path());
    files.filter(|path| path.is_file()).map(|path| std::fs::read(path).unwrap()).collect()
}

fn open(stored: &[u8]) -> Result<Rows, GapReason> {
    let kind = if stored.starts_with(b"ORC") { Kind::Orc } else { Kind::Parquet };
    let body = Body::from_bytes(stored.to_vec()).into_pieces().unwrap();
    Rows::open(kind, Arc::new(body))
}

/// All lines, and every flaw.
fn read(stored: &[u8]) -> Result<(String, Vec<Flaw>), GapReason> {
    let mut rows = open(stored)?;
    let (mut text, mut flaws) = (Vec::new(), rows.take_flaws());
    while rows.read(&mut text)? {}
    flaws.extend(rows.take_flaws());
    Ok((String::from_utf8(text).unwrap(), flaws))
}

fn refusal(stored: &[u8]) -> String {
    read(stored).unwrap_err().to_string()
}

#[test]
fn a_row_is_a_line_with_its_members_in_the_order_of_the_schema() {
    for folder in ["parquet", "orc"] {
        let files = fixture(folder);
        let (text, flaws) = read(&files[3]).unwrap();
        let expected = "{\"event_time\":\"2023-05-04T08:30:21.830794\",\"ticker\":\"INTC\",\
                        \"price\":26.3}\n{\"event_time\":\"2023-05-04T08:30:21.850728\",\
                        \"ticker\":\"TBV\",\"price\":96.26}\n";
        assert_eq!((text.as_str(), flaws), (expected, vec![]));
        assert_eq!(open(&files[3]).unwrap().columns(), ["event_time", "ticker", "price"]);
        assert_eq!(read(&files[4]).unwrap(), (String::new(), vec![]), "no rows");
    }
}

#[test]
fn damage_says_where_it_is_and_how_many_rows_came_before_it() {
    for (folder, start, what) in [
        ("parquet-garbled-page", 4, "parquet row group 1 is damaged: 2 of its 5 rows are read"),
        ("orc-garbled-stripe", 0, "orc stripe 2 is damaged: 1 of its 3 rows are read"),
        ("parquet-garbled-footer", 0, "parquet footer is damaged"),
        ("parquet-cut", 0, "parquet file is cut"),
        ("orc-cut", 0, "orc file is cut"),
    ] {
        let stored = &fixture(folder)[0];
        let (text, flaws) = read(stored).unwrap();
        let [flaw] = &flaws[..] else { panic!("{folder}: {flaws:?}") };
        assert!(flaw.what.starts_with(what), "{folder}: {flaw:?}");
        assert!(start == 0 || flaw.stored_offset == start, "{folder}: {flaw:?}");
        assert!(flaw.stored_offset <= stored.len() as u64);
        assert!(text.is_empty() || text.ends_with("}\n"), "{folder}: whole rows only");
    }
}

#[test]
fn what_is_cut_anywhere_has_no_rows_and_a_flaw() {
    for folder in ["parquet-types", "orc-types"] {
        let stored = &fixture(folder)[0];
        for len in (4..stored.len()).step_by(37) {
            if let Ok((text, flaws)) = read(&stored[..len]) {
                assert!(text.is_empty() && !flaws.is_empty(), "{folder} cut at {len}");
            }
        }
    }
}

/// A flipped byte may change a value, which nothing vouches for; it is never a panic, and lines stay
/// JSON.
#[test]
fn a_flipped_byte_leaves_lines_of_json_or_a_flaw() {
    for folder in ["parquet-types", "orc-types", "parquet", "orc"] {
        for stored in fixture(folder) {
            for at in (0..stored.len()).step_by(5) {
                let mut stored = stored.clone();
                stored[at] ^= [0xff, 0x01, 0x80][at % 3];
                let Ok((text, _)) = read(&stored) else { continue };
                let json =
                    |line| serde_json::from_str::<&serde_json::value::RawValue>(line).is_ok();
                assert!(text.lines().all(json), "{folder}, byte {at}: {text}");
            }
        }
    }
}

/// A message of Protocol Buffers: numbers, and bytes.
fn message(fields: &[(u64, Result<u64, Vec<u8>>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (field, value) in fields {
        let number = |bytes: &mut Vec<u8>, mut number: u64| {
            while number >= 0x80 {
                bytes.push(u8::try_from(number % 0x80).unwrap() | 0x80);
                number /= 0x80;
            }
            bytes.push(u8::try_from(number).unwrap());
        };
        match value {
            Ok(value) => {
                number(&mut bytes, field << 3);
                number(&mut bytes, *value);
            }
            Err(value) => {
                number(&mut bytes, field << 3 | 2);
                number(&mut bytes, value.len() as u64);
                bytes.extend(value);
            }
        }
    }
    bytes
}

/// An ORC file of one stripe, not compressed. Streams are kind, column and bytes; encodings those of
/// the columns, with the size of a dictionary.
fn orc(
    types: &[Vec<u8>],
    streams: &[(u64, u64, &[u8])],
    encodings: &[(u64, u64)],
    rows: u64,
) -> Vec<u8> {
    let mut file = b"ORC".to_vec();
    let mut stripe = Vec::new();
    for &(kind, column, bytes) in streams {
        let stream = [(1, Ok(kind)), (2, Ok(column)), (3, Ok(bytes.len() as u64))];
        stripe.push((1, Err(message(&stream))));
        file.extend(bytes);
    }
    for &(kind, size) in encodings {
        stripe.push((2, Err(message(&[(1, Ok(kind)), (2, Ok(size))]))));
    }
    let data = file.len() as u64 - 3;
    let stripe = message(&stripe);
    file.extend(&stripe);
    let lens = [(1, Ok(3)), (3, Ok(data)), (4, Ok(stripe.len() as u64)), (5, Ok(rows))];
    let mut footer = vec![(3, Err(message(&lens)))];
    footer.extend(types.iter().map(|node| (4, Err(node.clone()))));
    let footer = message(&footer);
    file.extend(&footer);
    let postscript =
        message(&[(1, Ok(footer.len() as u64)), (2, Ok(0)), (8000, Err(b"ORC".to_vec()))]);
    file.extend(&postscript);
    file.push(postscript.len().try_into().unwrap());
    file
}

fn structure(children: &[(&str, u64)]) -> Vec<u8> {
    let mut fields = vec![(1, Ok(12))];
    fields.extend(children.iter().map(|&(_, child)| (2, Ok(child))));
    fields.extend(children.iter().map(|&(name, _)| (3, Err(name.as_bytes().to_vec()))));
    message(&fields)
}

fn leaf(kind: u64) -> Vec<u8> {
    message(&[(1, Ok(kind))])
}

#[test]
fn what_no_writer_at_hand_writes_is_read_as_specified() {
    // A union of a byte and a string, and a byte.
    let types = [
        structure(&[("u", 1), ("b", 4)]),
        message(&[(1, Ok(13)), (2, Ok(2)), (2, Ok(3))]),
        leaf(1),
        leaf(7),
        leaf(1),
    ];
    let streams: [(u64, u64, &[u8]); 5] = [
        (1, 1, &[0xfd, 0, 1, 0]),
        (1, 2, &[0xfe, 5, 0xff]),
        (1, 3, b"hi"),
        (2, 3, &[0xff, 2]),
        (1, 4, &[0, 9]),
    ];
    let (text, flaws) = read(&orc(&types, &streams, &[(0, 0); 5], 3)).unwrap();
    assert_eq!(text, "{\"u\":5,\"b\":9}\n{\"u\":\"hi\",\"b\":9}\n{\"u\":-1,\"b\":9}\n");
    assert_eq!(flaws, []);
}

#[test]
fn numbers_that_are_lies_take_no_memory() {
    // 2^60 rows of a column that has none.
    let types = [structure(&[("n", 1)]), leaf(4)];
    let (text, flaws) = read(&orc(&types, &[], &[(0, 0); 2], 1 << 60)).unwrap();
    assert!(text.is_empty() && flaws[0].what.ends_with("a stream ends too early"), "{flaws:?}");
    // A dictionary of 2^32 entries, whose lengths are runs of zeros.
    let types = [structure(&[("s", 1)]), leaf(7)];
    let zeros = [0x7f, 0, 0].repeat(2_000_000);
    let streams: [(u64, u64, &[u8]); 2] = [(1, 1, &[0, 0, 0]), (2, 1, &zeros)];
    let lie = orc(&types, &streams, &[(0, 0), (1, 1 << 32)], 3);
    assert!(refusal(&lie).contains("orc dictionaries"), "{}", refusal(&lie));
    // A list of 2^60 nulls.
    let types = [structure(&[("l", 1)]), message(&[(1, Ok(10)), (2, Ok(2))]), leaf(4)];
    let len = [0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
    let nulls = [0x7f, 0].repeat(100_000);
    let streams: [(u64, u64, &[u8]); 2] = [(2, 1, &len), (0, 2, &nulls)];
    let lie = orc(&types, &streams, &[(0, 0); 3], 1);
    assert!(refusal(&lie).contains("a row is larger than"), "{}", refusal(&lie));
    // A schema whose structures lie in each other, deeper than anybody needs.
    let types: Vec<_> = (1..200).map(|child| structure(&[("s", child)])).chain([leaf(4)]).collect();
    assert!(refusal(&orc(&types, &[], &[], 1)).contains("nested"));
    // A type that is its own child.
    let (_, flaws) = read(&orc(&[structure(&[("s", 0)])], &[], &[], 1)).unwrap();
    assert_eq!(flaws[0].what, "orc footer is damaged");
}

/// Rows without a member are written as long as anybody reads on.
#[test]
fn rows_of_nothing_are_made_a_chunk_at_a_time() {
    let mut rows = open(&orc(&[structure(&[])], &[], &[(0, 0)], 1 << 60)).unwrap();
    let mut text = Vec::new();
    assert!(rows.read(&mut text).unwrap() && rows.read(&mut text).unwrap());
    assert!(text.starts_with(b"{}\n{}\n") && text.len() < 3 * ROWS_CHUNK_BYTES);
}
