//! One JSON value (RFC 8259), found whole or refused at the very byte that is wrong.
//!
//! Nothing is built and nothing recurses: open brackets are bits on a stack that is kept between
//! values, so depth costs an eighth of a byte and no record costs an allocation.

use super::Damage;

/// What reading one value came to. Positions are in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// The value ends here.
    Complete(usize),
    /// The window ends inside the value, and the content goes on.
    Incomplete,
    /// The first byte that cannot be part of the value, and why.
    Broken(usize, Damage),
}

/// Watches a value while it is read. The empty one costs nothing.
pub(super) trait Watch {
    /// A string opens here; if it does not close, nothing more is said of it.
    #[inline(always)]
    fn opens(&mut self, _start: usize) {}
    /// A string, quotes excluded, `depth` brackets deep; `key` when it names a member.
    fn string(&mut self, bytes: &[u8], start: usize, depth: usize, key: bool);
}

/// Watches nothing.
pub(super) struct Unwatched;

impl Watch for Unwatched {
    #[inline(always)]
    fn string(&mut self, _bytes: &[u8], _start: usize, _depth: usize, _key: bool) {}
}

/// Reads values; keeps its stack between them.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// One bit an open bracket: set for an object.
    open: Vec<u64>,
    depth: usize,
}

/// A position, or why there is none.
pub(super) type Step<T> = Result<T, Scan>;

impl Scanner {
    /// Reads the value that begins at `start`. At `eof` the window's end is the content's.
    pub(super) fn value(&mut self, window: &[u8], start: usize, eof: bool) -> Scan {
        self.watched(window, start, eof, &mut Unwatched)
    }

    /// The same, watched.
    pub(super) fn watched(
        &mut self,
        window: &[u8],
        start: usize,
        eof: bool,
        watch: &mut impl Watch,
    ) -> Scan {
        self.depth = 0;
        match self.run(window, start, watch) {
            Ok(end) => {
                // A number at the window's end may go on behind it.
                let open_ended = end == window.len() && !eof && window[end - 1].is_ascii_digit();
                if open_ended { Scan::Incomplete } else { Scan::Complete(end) }
            }
            Err(Scan::Incomplete) if eof => Scan::Broken(window.len(), Damage::CutAtEnd),
            Err(scan) => scan,
        }
    }

    #[inline(always)]
    fn run(&mut self, window: &[u8], start: usize, watch: &mut impl Watch) -> Step<usize> {
        let mut at = start;
        'value: loop {
            at = skip_whitespace(window, at);
            match byte_at(window, at)? {
                b'{' => {
                    self.open(true);
                    at = skip_whitespace(window, at + 1);
                    if byte_at(window, at)? != b'}' {
                        at = self.key(window, at, watch)?;
                        continue 'value;
                    }
                    at += 1;
                    self.depth -= 1;
                }
                b'[' => {
                    self.open(false);
                    at = skip_whitespace(window, at + 1);
                    if byte_at(window, at)? != b']' {
                        continue 'value;
                    }
                    at += 1;
                    self.depth -= 1;
                }
                b'"' => at = self.string(window, at, false, watch)?,
                byte => at = scalar(window, at, byte)?,
            }
            // A value has ended, and perhaps the ones around it.
            while self.depth > 0 {
                at = skip_whitespace(window, at);
                let in_object = self.in_object();
                match byte_at(window, at)? {
                    b',' if in_object => {
                        at = skip_whitespace(window, at + 1);
                        at = self.key(window, at, watch)?;
                        continue 'value;
                    }
                    b',' => {
                        at += 1;
                        continue 'value;
                    }
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    byte => return Err(Scan::Broken(at, Damage::UnexpectedByte(byte))),
                }
                at += 1;
                self.depth -= 1;
            }
            return Ok(at);
        }
    }

    /// Reads a member's name and the colon behind it.
    #[inline(always)]
    fn key(&self, window: &[u8], at: usize, watch: &mut impl Watch) -> Step<usize> {
        match byte_at(window, at)? {
            b'"' => {}
            byte => return Err(Scan::Broken(at, Damage::UnexpectedByte(byte))),
        }
        let end = self.string(window, at, true, watch)?;
        let at = skip_whitespace(window, end);
        match byte_at(window, at)? {
            b':' => Ok(at + 1),
            byte => Err(Scan::Broken(at, Damage::UnexpectedByte(byte))),
        }
    }

    #[inline(always)]
    fn string(&self, window: &[u8], at: usize, key: bool, watch: &mut impl Watch) -> Step<usize> {
        watch.opens(at + 1);
        let end = string_at(window, at)?;
        watch.string(&window[at + 1..end - 1], at + 1, self.depth, key);
        Ok(end)
    }

    #[inline(always)]
    fn open(&mut self, object: bool) {
        let (word, bit) = (self.depth / 64, self.depth % 64);
        if word == self.open.len() {
            self.open.push(0);
        }
        self.open[word] = (self.open[word] & !(1 << bit)) | (u64::from(object) << bit);
        self.depth += 1;
    }

    /// Whether the innermost open bracket is an object's. There is one.
    #[inline(always)]
    fn in_object(&self) -> bool {
        let last = self.depth - 1;
        self.open[last / 64] >> (last % 64) & 1 == 1
    }
}

#[inline(always)]
fn byte_at(window: &[u8], at: usize) -> Step<u8> {
    window.get(at).copied().ok_or(Scan::Incomplete)
}

/// The first position from `at` on that is not JSON whitespace.
#[inline(always)]
pub(super) fn skip_whitespace(window: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = window.get(at) {
        at += 1;
    }
    at
}

/// Whether a JSON value can begin with this byte.
#[inline(always)]
pub(super) fn begins_value(byte: u8) -> bool {
    matches!(byte, b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
}

#[inline(always)]
fn scalar(window: &[u8], at: usize, byte: u8) -> Step<usize> {
    match byte {
        b'-' | b'0'..=b'9' => number(window, at),
        b't' => literal(window, at, b"true"),
        b'f' => literal(window, at, b"false"),
        b'n' => literal(window, at, b"null"),
        byte => Err(Scan::Broken(at, Damage::UnexpectedByte(byte))),
    }
}

fn literal(window: &[u8], at: usize, word: &[u8]) -> Step<usize> {
    let rest = &window[at..];
    let same = rest.iter().zip(word).take_while(|(a, b)| a == b).count();
    match same {
        same if same == word.len() => Ok(at + same),
        same if same == rest.len() => Err(Scan::Incomplete),
        same => Err(Scan::Broken(at + same, Damage::InvalidLiteral)),
    }
}

pub(super) fn number(window: &[u8], start: usize) -> Step<usize> {
    let mut at = start + usize::from(window[start] == b'-');
    at = match window.get(at) {
        Some(b'0') => at + 1,
        Some(b'1'..=b'9') => digits(window, at + 1),
        Some(_) => return Err(Scan::Broken(at, Damage::InvalidNumber)),
        None => return Err(Scan::Incomplete),
    };
    if let Some(b'0'..=b'9') = window.get(at) {
        return Err(Scan::Broken(at, Damage::InvalidNumber));
    }
    if window.get(at) == Some(&b'.') {
        at = some_digits(window, at + 1)?;
    }
    if let Some(b'e' | b'E') = window.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = window.get(at) {
            at += 1;
        }
        at = some_digits(window, at)?;
    }
    Ok(at)
}

fn some_digits(window: &[u8], at: usize) -> Step<usize> {
    match window.get(at) {
        Some(b'0'..=b'9') => Ok(digits(window, at + 1)),
        Some(_) => Err(Scan::Broken(at, Damage::InvalidNumber)),
        None => Err(Scan::Incomplete),
    }
}

#[inline(always)]
fn digits(window: &[u8], mut at: usize) -> usize {
    while let Some(b'0'..=b'9') = window.get(at) {
        at += 1;
    }
    at
}

/// Reads the string whose opening quote stands at `start`; the position after its closing quote.
#[inline(always)]
pub(super) fn string_at(window: &[u8], start: usize) -> Step<usize> {
    let mut at = start + 1;
    let mut ascii = true;
    loop {
        at = skip_plain(window, at, &mut ascii);
        match window.get(at) {
            Some(b'"') => break,
            Some(b'\\') => at = escape(window, at)?,
            Some(&byte) => return Err(Scan::Broken(at, Damage::ControlCharacter(byte))),
            None => return Err(Scan::Incomplete),
        }
    }
    if !ascii && let Err(error) = std::str::from_utf8(&window[start + 1..at]) {
        return Err(Scan::Broken(start + 1 + error.valid_up_to(), Damage::InvalidUtf8));
    }
    Ok(at + 1)
}

/// The first position from `at` on that holds a quote, a backslash or a control character.
#[inline(always)]
fn skip_plain(window: &[u8], mut at: usize, ascii: &mut bool) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    while let Some(word) = window.get(at..at + 8) {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(word);
        let word = u64::from_le_bytes(bytes);
        // A byte's top bit ends up set where it is below the subtracted one. A borrow can only set
        // bits above a true hit, so the lowest bit set is exact.
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let hits = (word.wrapping_sub(ONES * 0x20)
            | quote.wrapping_sub(ONES)
            | backslash.wrapping_sub(ONES))
            & !word
            & TOPS;
        if hits != 0 {
            let before = hits.trailing_zeros() as usize / 8;
            let below = (1u64 << (before * 8)) - 1;
            *ascii &= word & TOPS & below == 0;
            return at + before;
        }
        *ascii &= word & TOPS == 0;
        at += 8;
    }
    while let Some(&byte) = window.get(at) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            break;
        }
        *ascii &= byte < 0x80;
        at += 1;
    }
    at
}

/// Reads the escape at `at`; the position after it.
fn escape(window: &[u8], at: usize) -> Step<usize> {
    match window.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            for digit in at + 2..at + 6 {
                match window.get(digit) {
                    Some(byte) if byte.is_ascii_hexdigit() => {}
                    Some(_) => return Err(Scan::Broken(digit, Damage::InvalidEscape)),
                    None => return Err(Scan::Incomplete),
                }
            }
            Ok(at + 6)
        }
        Some(_) => Err(Scan::Broken(at + 1, Damage::InvalidEscape)),
        None => Err(Scan::Incomplete),
    }
}
