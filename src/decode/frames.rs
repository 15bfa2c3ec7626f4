//! Members or frames, one after another, with perhaps something between them.

use super::input::{Failure, Input, Log};

/// Goes to where the next frame starts; whether there is one. `starts` looks at 4 bytes, fewer only
/// at the end.
///
/// Blanks and zeros between frames carry nothing: producers write line feeds there. Other bytes are
/// damage, and so is anything before the first frame.
pub(super) fn next(
    input: &mut Input,
    log: &mut Log,
    first: bool,
    starts: fn(&[u8]) -> bool,
    what: &str,
) -> Result<bool, Failure> {
    let mut junk = false;
    loop {
        let bytes = input.peek(4)?;
        if bytes.is_empty() || starts(bytes) {
            return Ok(!bytes.is_empty());
        }
        let blank = matches!(bytes[0], 0 | b'\n' | b'\r' | b' ' | b'\t');
        if !junk && (first || !blank) {
            log.flaw(input, what);
            junk = true;
        }
        input.consume(1);
    }
}
