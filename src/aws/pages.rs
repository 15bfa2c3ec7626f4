//! Whether a listing in pages gets on: one that names a page again, or has page after page without an
//! item, would be asked for ever.

use std::collections::HashSet;

use crate::limits::{EMPTY_PAGES_MAX, PAGES_MAX};

/// The pages of one listing so far.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    /// What named them.
    named: HashSet<String>,
    /// Those in a row that held nothing.
    empty: u32,
}

impl Pages {
    /// Takes a page with so many items and what names the next one, if it says that there is one.
    ///
    /// # Errors
    /// Why there is no asking for it, in words.
    pub(crate) fn next(
        &mut self,
        items: usize,
        token: Option<&str>,
    ) -> Result<Option<String>, &'static str> {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
        self.empty = if items == 0 { self.empty + 1 } else { 0 };
        if self.empty >= EMPTY_PAGES_MAX {
            return Err("one page after the other with nothing on it");
        }
        if !self.named.insert(token.to_owned()) {
            return Err("the same page is named twice");
        }
        if self.named.len() > PAGES_MAX {
            return Err("more pages than anything has");
        }
        Ok(Some(token.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_differ_are_asked_for_until_one_is_the_last() {
        let mut pages = Pages::default();
        for token in ["a", "b", "c"] {
            assert_eq!(pages.next(1, Some(token)), Ok(Some(token.to_owned())));
        }
        assert_eq!(pages.next(0, None), Ok(None));
        assert_eq!(pages.next(0, Some("")), Ok(None));
    }

    #[test]
    fn a_page_that_is_named_again_ends_it_however_many_lie_between() {
        let mut pages = Pages::default();
        assert!(pages.next(1, Some("a")).is_ok() && pages.next(1, Some("b")).is_ok());
        assert!(pages.next(1, Some("a")).is_err());
    }

    #[test]
    fn new_pages_for_ever_come_to_an_end() {
        let mut pages = Pages::default();
        assert!((0..PAGES_MAX).all(|page| pages.next(1, Some(&page.to_string())).is_ok()));
        assert!(pages.next(1, Some("another")).is_err());
    }

    #[test]
    fn pages_without_anything_on_them_come_to_an_end() {
        let mut pages = Pages::default();
        let mut turn = |items: usize, turn: u32| pages.next(items, Some(&turn.to_string()));
        for empty in 1..EMPTY_PAGES_MAX {
            assert!(turn(0, empty).is_ok(), "{empty}");
        }
        assert!(turn(1, EMPTY_PAGES_MAX).is_ok());
        assert!((1..EMPTY_PAGES_MAX).all(|empty| turn(0, EMPTY_PAGES_MAX + empty).is_ok()));
        assert!(turn(0, 2 * EMPTY_PAGES_MAX).is_err());
    }
}
