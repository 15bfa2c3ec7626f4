//! Text measured and fitted, in columns of a terminal.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// A text of at most `max` columns: its middle gives way to `…`. The end keeps twice as much as
/// the beginning, because keys differ at their end.
pub(super) fn shorten(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max || width(text) <= max {
        return Cow::Borrowed(text);
    }
    let room = max.saturating_sub(1);
    let head = fitting(text.char_indices(), room / 3);
    let tail_chars = text.char_indices().rev();
    let tail = fitting(tail_chars, room - room / 3);
    let head_end = head.map_or(0, |(at, character)| at + character.len_utf8());
    let tail_start = tail.map_or(text.len(), |(at, _)| at);
    Cow::Owned(format!("{}…{}", &text[..head_end], &text[tail_start..]))
}

/// The last character that still fits into `room` columns.
fn fitting(characters: impl Iterator<Item = (usize, char)>, room: usize) -> Option<(usize, char)> {
    let mut used = 0;
    characters
        .take_while(|(_, character)| {
            used += character.width().unwrap_or(0);
            used <= room
        })
        .last()
}

/// A text in lines of at most `max` columns, broken between words. A word that is wider stands on a
/// line of its own, too wide: breaking it would make it useless.
pub(super) fn wrap(text: &str, max: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if width(line) + 1 + width(word) <= max {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// A text in lines of at most `max` columns, broken anywhere.
pub(super) fn chop(text: &str, max: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, character) in text.char_indices() {
        let wide = character.width().unwrap_or(0);
        if used + wide > max && at > start {
            lines.push(&text[start..at]);
            (start, used) = (at, 0);
        }
        used += wide;
    }
    lines.push(&text[start..]);
    lines
}

/// A text filled up to a width with spaces behind it.
pub(super) fn left(text: &str, columns: usize) -> String {
    format!("{text}{:fill$}", "", fill = columns.saturating_sub(width(text)))
}

/// A text filled up to a width with spaces before it.
pub(super) fn right(text: &str, columns: usize) -> String {
    format!("{:fill$}{text}", "", fill = columns.saturating_sub(width(text)))
}

#[cfg(test)]
mod tests {
    use super::{chop, left, right, shorten, width, wrap};

    #[test]
    fn a_shortened_key_keeps_its_ends() {
        assert_eq!(shorten("firehose/2023/key", 17), "firehose/2023/key");
        assert_eq!(shorten("abcdefghijklmnop", 10), "abc…klmnop");
        for max in 0..20 {
            assert!(width(&shorten("東京/ab/東京/cd/東京", max)) <= max.max(1));
        }
    }

    #[test]
    fn words_stay_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable it is", 5), ["unbreakable", "it is"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn records_break_anywhere_and_lose_nothing() {
        assert_eq!(chop("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(chop("東京東", 3), ["東", "京", "東"]);
        assert_eq!(chop("", 3), [""]);
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(left("東", 4), "東  ");
        assert_eq!(right("東", 4), "  東");
    }
}
