//! Panics of the `parquet` crate and what is under it, which some damaged pages end in: they are
//! damage, and no more.
//!
//! Whoever owns the process's panic hook asks [`is_guarded`] to keep such a panic off the screen.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Result, damaged};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread will be caught, and reported as damage.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// Calls a function that must leave nothing half-done which is used again when it panics.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T> {
    let before = GUARDED.replace(true);
    let called = catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(before);
    called.or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        damaged(format_args!("its reader gave up: {}", text.unwrap_or("no reason")))
    })
}

#[cfg(test)]
mod tests {
    use super::super::Trouble;
    use super::*;

    #[test]
    fn a_panic_is_damage_and_the_guard_is_lifted() {
        let called: Result<u8> = guarded(|| {
            assert!(is_guarded());
            std::panic::resume_unwind(Box::new("no such page"));
        });
        let Err(Trouble::Damaged(what)) = called else { panic!("{called:?}") };
        assert_eq!(what, "its reader gave up: no such page");
        assert!(!is_guarded());
        assert_eq!(guarded(|| 7).unwrap(), 7);
    }
}
