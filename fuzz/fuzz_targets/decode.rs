//! Every decoder over whatever is stored, and whatever it is declared to be: never a panic, no more than
//! the limit, the same in small steps as in large ones and from a file as from memory; and what is
//! whole gives its content back.
#![no_main]

use std::io::{self, Read, Seek, Write};

use fhcheck::decode::{self, Content, Damaged, Encoding};
use fhcheck::limits::LAYERS_MAX;
use fhcheck::outcome::GapReason;
use fhcheck::source::Body;
use fhcheck_fuzz::{LIMIT, base64, come_back, gzip, is_plain};
use libfuzzer_sys::fuzz_target;

/// `Content-Encoding`s, one of which is no encoding at all.
const DECLARED: [Option<&str>; 8] = [
    None,
    Some("gzip"),
    Some("zip"),
    Some("snappy-java"),
    Some("hadoop-snappy"),
    Some("zstd"),
    Some("aws-chunked, gzip"),
    Some("br"),
];
/// What keys suggest.
const SUGGESTED: [Option<Encoding>; 4] =
    [None, Some(Encoding::Gzip), Some(Encoding::SnappyJava), Some(Encoding::Zstd)];

/// What is known of a body besides its bytes, from one byte of the input.
#[derive(Clone, Copy)]
struct Said {
    declared: Option<&'static str>,
    suggested: Option<Encoding>,
    base64: bool,
}

impl Said {
    fn of(byte: u8) -> Self {
        Self {
            declared: DECLARED[usize::from(byte & 7)],
            suggested: SUGGESTED[usize::from(byte >> 3 & 3)],
            base64: byte & 0x20 != 0,
        }
    }

    fn open(self, body: Body) -> Result<Content, GapReason> {
        let body = body.with_content_encoding(self.declared.map(str::to_owned));
        decode::open_as(body, self.suggested, LIMIT, self.base64)
    }
}

/// What came of a body: its content, and why it ended.
type Came = (Vec<u8>, Result<Vec<Damaged>, GapReason>);

/// Reads so many bytes at a time, in turn.
fn read(mut content: Content, steps: &[usize]) -> Came {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; steps.iter().copied().max().unwrap_or_default()];
    for &step in steps.iter().cycle() {
        match content.read(&mut buffer[..step]) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(_) => {
                assert!(content.failure().is_some(), "an error has a reason");
                break;
            }
        }
    }
    assert!(bytes.len() as u64 <= LIMIT + buffer.len() as u64);
    let finished = content.finish();
    if let Ok(damage) = &finished {
        assert!(bytes.len() as u64 <= LIMIT);
        assert!(damage.iter().all(|damage| damage.doubtful_from <= bytes.len() as u64));
    }
    (bytes, finished)
}

/// The same, but for how much comes before a failure: that depends on how much was asked for.
fn assert_same(one: &Came, other: &Came) {
    assert_eq!(one.1, other.1);
    assert!(one.1.is_err() || one.0 == other.0);
}

fn spooled(stored: &[u8]) -> io::Result<Body> {
    let mut file = tempfile::tempfile()?;
    file.write_all(stored)?;
    file.rewind()?;
    Ok(Body::from_file(file, stored.len() as u64))
}

fn agree(said: Said, stored: &[u8]) {
    let open = || said.open(Body::from_bytes(stored.to_vec()));
    let content = match open() {
        Ok(content) => content,
        Err(reason) => return assert_eq!(open().err(), Some(reason)),
    };
    // The target `columnar` reads those, and knows which panics are caught.
    if content.encoding().is_columnar() {
        return;
    }
    assert!(content.layers().len() <= LAYERS_MAX);
    let (plain, gzip) = (content.layers().is_empty(), content.encoding() == Encoding::Gzip);
    let at_once = read(content, &[LIMIT as usize]);
    assert!(!plain || at_once == (stored.to_vec(), Ok(Vec::new())) || stored.len() as u64 > LIMIT);
    if let Ok(damage) = &at_once.1 {
        assert!(damage.iter().all(|damage| damage.stored_offset <= stored.len() as u64));
    }
    for steps in [&[1, 2, 3, 5, 7, 64][..], &[4096]] {
        assert_same(&at_once, &read(open().expect("it was opened before"), steps));
    }
    // What lies in memory may be inflated in one stroke; what lies in a file never is.
    if gzip {
        let body = spooled(stored).expect("temporary files can be written");
        let piecewise = said.open(body).expect("it was opened before");
        let layered = piecewise.layers().len() > 1;
        let (mut at_once, mut piecewise) = (at_once, read(piecewise, &[LIMIT as usize]));
        if layered {
            // How far the outermost encoding had been read: to its end where that was one stroke.
            for damage in [&mut at_once, &mut piecewise].into_iter().flat_map(|came| &mut came.1) {
                damage.iter_mut().for_each(|damage| damage.stored_offset = 0);
            }
        }
        assert_same(&at_once, &piecewise);
    }
}

/// Blocks of Snappy, as snappy-java and Hadoop put them one after another.
fn snappy(content: &[u8], hadoop: bool) -> Vec<u8> {
    let mut stored = Vec::new();
    if !hadoop {
        stored.extend_from_slice(b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01");
    }
    for block in content.chunks(1000) {
        let packed = snap::raw::Encoder::new().compress_vec(block).expect("a block is small");
        if hadoop {
            stored.extend((block.len() as u32).to_be_bytes());
        }
        stored.extend((packed.len() as u32).to_be_bytes());
        stored.extend(packed);
    }
    stored
}

/// An archive with one entry, which is stored as it is, and no directory but its end.
fn zip(content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let len = (content.len() as u32).to_le_bytes();
    let crc = crc.sum().to_le_bytes();
    let entry =
        [b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0", &crc[..], &len, &len, b"\x01\0\0\0e"].concat();
    let end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0\0\0\0\0\0\0\0\0\0\0";
    [&entry, content, end].concat()
}

fuzz_target!(|input: (u8, &[u8])| {
    let (said, stored) = input;
    let said = Said::of(said);
    agree(said, stored);
    // Checksums that no change of bytes finds by chance.
    let around = gzip(stored);
    agree(said, &around);
    if !is_plain(stored) {
        return;
    }
    come_back(around, Encoding::Gzip, stored);
    come_back(zip(stored), Encoding::Zip, stored);
    let zstd = zstd::stream::encode_all(stored, 1).expect("memory takes everything");
    come_back(zstd, Encoding::Zstd, stored);
    come_back(snappy(stored, false), Encoding::SnappyJava, stored);
    if !stored.is_empty() {
        come_back(snappy(stored, true), Encoding::HadoopSnappy, stored);
        come_back(base64(stored).into_bytes(), Encoding::Base64, stored);
    }
});
