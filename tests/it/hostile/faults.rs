//! What goes wrong at the endpoint, by seed: which answer, how often.

use std::collections::BTreeMap;

use super::dice::Dice;

/// What becomes of a `GetObject`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Get {
    // An answer that another attempt may change.
    SlowDown,
    Internal,
    /// Status 500 and nothing else.
    Bare500,
    RequestTimeout,
    KmsThrottled,
    /// No answer at all.
    Stall,
    /// The body stops, and the connection stays.
    StallInBody,
    /// The connection ends before the answer.
    HangUp,
    /// The connection ends in the middle of the body.
    Cut,
    /// A whole answer in chunks, of fewer bytes than the object has.
    ShortChunks,
    /// A whole answer in chunks, of more bytes than the object has.
    LongChunks,
    /// A byte of the body is another one than its checksum says.
    Garbled,
    /// The body is right and its checksum is not.
    WrongChecksum,
    // An answer that stays as it is.
    /// `Content-Length` is that of a shorter body, and so is the body.
    Short,
    /// `Content-Length` is that of a longer body, and so is the body.
    Long,
    Vanished,
    Denied,
    KmsDenied,
    KmsDisabled,
    Archived,
    Skewed,
    Elsewhere,
    /// Another version; the server compares what `If-Match` says.
    Replaced,
    /// Another version, of the same length; the server does not look at `If-Match`.
    ReplacedUnasked,
    /// Another version, of the same length, that does not say which it is.
    ReplacedUnsaid,
    /// Status 200, and an error as the body.
    ErrorBody,
    /// Status 200, and somebody else's page, as long as the object is.
    SomebodyElse,
    /// Status 200 and no body at all.
    Empty,
}

/// What becomes of a page of `ListObjectsV2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    // An answer that another attempt may change.
    SlowDown,
    Internal,
    Stall,
    HangUp,
    /// The connection ends in the middle of the document.
    Cut,
    // What S3 may do.
    /// Fewer keys than there is room for.
    ShortPage,
    /// No key, and a page after it.
    EmptyPage,
    /// A token and no word of whether the page is the last.
    NoFlag,
    /// It says that it is the last page, names the next one, and there is one.
    TokenAtTheEnd,
    // An answer that stays as it is.
    Denied,
    Skewed,
    SomebodyElse,
    /// Status 200, and an error as the body.
    ErrorBody,
    EmptyBody,
    /// The document ends early, in an answer that is whole.
    CutDocument,
    /// Something in the document is no XML.
    Mangled,
    /// The page before, once more.
    Repeated,
    /// The next page first.
    Swapped,
    /// Keys in the wrong order.
    Disordered,
    LostToken,
    SameToken,
    /// The token of the first page again.
    OldToken,
    /// One empty page after the other, each with a token of its own.
    Endless,
    WrongCount,
    NoKey,
    NoSize,
    NegativeSize,
}

const GETS_PASSING: [Get; 13] = [
    Get::SlowDown,
    Get::Internal,
    Get::Bare500,
    Get::RequestTimeout,
    Get::KmsThrottled,
    Get::Stall,
    Get::StallInBody,
    Get::HangUp,
    Get::Cut,
    Get::ShortChunks,
    Get::LongChunks,
    Get::Garbled,
    Get::WrongChecksum,
];

const GETS_LASTING: [Get; 15] = [
    Get::Short,
    Get::Long,
    Get::Vanished,
    Get::Denied,
    Get::KmsDenied,
    Get::KmsDisabled,
    Get::Archived,
    Get::Skewed,
    Get::Elsewhere,
    Get::Replaced,
    Get::ReplacedUnasked,
    Get::ReplacedUnsaid,
    Get::ErrorBody,
    Get::SomebodyElse,
    Get::Empty,
];

const LISTS_PASSING: [List; 5] =
    [List::SlowDown, List::Internal, List::Stall, List::HangUp, List::Cut];

const LISTS_FINE: [List; 4] = [List::ShortPage, List::EmptyPage, List::NoFlag, List::TokenAtTheEnd];

const LISTS_LASTING: [List; 18] = [
    List::Denied,
    List::Skewed,
    List::SomebodyElse,
    List::ErrorBody,
    List::EmptyBody,
    List::CutDocument,
    List::Mangled,
    List::Repeated,
    List::Swapped,
    List::Disordered,
    List::LostToken,
    List::SameToken,
    List::OldToken,
    List::Endless,
    List::WrongCount,
    List::NoKey,
    List::NoSize,
    List::NegativeSize,
];

/// The names of all faults, as they are counted.
pub(crate) fn names() -> Vec<String> {
    let gets = GETS_PASSING.iter().chain(&GETS_LASTING).map(|fault| format!("get {fault:?}"));
    let lists = LISTS_PASSING.iter().chain(&LISTS_FINE).chain(&LISTS_LASTING);
    gets.chain(lists.map(|fault| format!("list {fault:?}"))).collect()
}

/// Attempts that a fault meets which passes: one fewer than are made, so that one more may fail on a
/// machine that is busy.
const PASSING_MOST: u64 = 2;

/// A fault, and how many answers it is still to spoil.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left<F> {
    pub(crate) fault: F,
    left: u64,
}

impl<F: Copy> Left<F> {
    pub(crate) fn passing(fault: F, times: u64) -> Self {
        Self { fault, left: times }
    }

    pub(crate) fn lasting(fault: F) -> Self {
        Self { fault, left: u64::MAX }
    }

    /// The fault that strikes now, if it still does.
    pub(crate) fn strike(&mut self) -> Option<F> {
        self.left = self.left.checked_sub(1)?;
        Some(self.fault)
    }
}

/// How hostile an endpoint is to one world.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// By key.
    pub(crate) gets: BTreeMap<String, Left<Get>>,
    /// By the number of the first key of a page.
    pub(crate) lists: BTreeMap<usize, Left<List>>,
    /// Keys on a page.
    pub(crate) page: usize,
    /// Whether pages say how many keys they hold.
    pub(crate) counts: bool,
    /// Where in a document or a body something strikes, from 0 to below 1000.
    pub(crate) where_: u64,
    /// Whether everything that strikes passes.
    pub(crate) passes: bool,
    /// Whether nothing is told about an object without its body.
    pub(crate) denies_heads: bool,
}

impl Plan {
    /// What a seed has in store for these keys.
    pub(crate) fn of<'a>(seed: u64, keys: impl ExactSizeIterator<Item = &'a str>) -> Self {
        let mut dice = Dice::new(seed, "faults");
        let count = keys.len();
        let mut plan = Self {
            page: usize::try_from(dice.pick(&[1, 2, 3, 5, 8, 1000])).unwrap(),
            counts: !dice.one_in(3),
            where_: dice.below(1000),
            passes: true,
            denies_heads: Dice::new(seed, "heads").one_in(8),
            ..Self::default()
        };
        // Some seeds meet nothing, most what passes, half what stays as well.
        if dice.one_in(12) {
            return plan;
        }
        // Half of the seeds meet only what passes.
        let (bodies, pages) = dice.pick(&[
            (false, false),
            (false, false),
            (false, false),
            (true, false),
            (false, true),
            (true, true),
        ]);
        let hit = dice.pick(&[2, 4, 8]);
        for key in keys {
            if !dice.one_in(hit) {
                continue;
            }
            let left = if bodies && dice.one_in(3) {
                plan.passes = false;
                Left::lasting(dice.pick(&GETS_LASTING))
            } else {
                Left::passing(patient(&mut dice, &GETS_PASSING), dice.between(1, PASSING_MOST))
            };
            plan.gets.insert(key.to_owned(), left);
        }
        plan.on_pages(count, &mut dice);
        if pages && count > 0 {
            plan.passes = false;
            let first = dice.index(count) / plan.page * plan.page;
            // One after the other, so that a few hundred seeds in a row meet all of them.
            let turn = usize::try_from(seed / 3).unwrap() % LISTS_LASTING.len();
            plan.lists.insert(first, Left::lasting(LISTS_LASTING[turn]));
        }
        plan
    }

    fn on_pages(&mut self, keys: usize, dice: &mut Dice) {
        for first in (0..=keys).step_by(self.page) {
            if dice.one_in(5) {
                let fault = patient(dice, &LISTS_PASSING);
                self.lists.insert(first, Left::passing(fault, dice.between(1, PASSING_MOST)));
            } else if dice.one_in(6) {
                let left = match dice.pick(&LISTS_FINE) {
                    List::EmptyPage => Left::passing(List::EmptyPage, 1),
                    fine => Left::lasting(fine),
                };
                self.lists.insert(first, left);
            }
        }
    }

    /// Whether a fault takes a timeout.
    pub(crate) fn stalls(&self) -> bool {
        self.gets.values().any(|left| matches!(left.fault, Get::Stall | Get::StallInBody))
            || self.lists.values().any(|left| left.fault == List::Stall)
    }
}

/// One of these, and rarely one that takes a timeout: whoever waits tests nothing else.
fn patient<F: Copy + std::fmt::Debug>(dice: &mut Dice, of: &[F]) -> F {
    let chosen = dice.pick(of);
    if format!("{chosen:?}").starts_with("Stall") && !dice.one_in(4) {
        dice.pick(of)
    } else {
        chosen
    }
}
