//! The prover and its dull twin agree; so do the kernel and one that looks at single bytes.

mod bytewise;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::super::Damage;
use super::super::grammar::{Scan, Scanner};
use super::levels::DEPTH_MAX;
use super::masks::{BLOCK, HEAD, Kernel, Masks};
use super::*;
use crate::tests::cases;
use bytewise::Bytewise;

/// Values of any kind, with blanks where they may be, and among them what is often got wrong.
fn values() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        4 => "\"([a-z{}\\[\\]:,é😀 ]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}){0,24}\"",
        1 => "\"(\\\\\\\\){0,70}(\\\\\")?\"",
        3 => "-?(0|[1-9][0-9]{0,4})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?",
        1 => "-?[1-9][0-9]{60,80}(\\.[0-9]{1,70})?",
        2 => Just("true".to_owned()),
        2 => Just("false".to_owned()),
        2 => Just("null".to_owned()),
    ];
    let blank = "[ \n\r\t]{0,2}";
    // So many in a block that they are looked at together.
    let number = prop_oneof![
        8 => "-?(0|[1-9][0-9]{0,2})(\\.[0-9]{1,2})?",
        1 => "(true|false|null|-?[1-9][eE][+-]?[0-9])",
    ];
    let crowd = prop::collection::vec(number, 0..60).prop_map(|all| format!("[{}]", all.join(",")));
    let scalar = prop_oneof![12 => scalar, 1 => crowd];
    scalar.prop_recursive(6, 48, 6, move |inner| {
        let element = (blank, inner.clone(), blank).prop_map(|(a, b, c)| format!("{a}{b}{c}"));
        let member = ("\"[a-z\\\\\"]{0}[a-z:,]{0,8}\"", blank, element.clone())
            .prop_map(|(key, blank, value)| format!("{key}{blank}:{value}"));
        prop_oneof![
            prop::collection::vec(element, 0..6).prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec(member, 0..6).prop_map(|all| format!("{{{}}}", all.join(","))),
        ]
    })
}

/// Objects and arrays, one after the other.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let one = values()
        .prop_map(|value| if value.starts_with(['{', '[']) { value } else { format!("[{value}]") });
    let blank = prop_oneof![3 => Just(String::new()), 1 => "[ \n\r\t]{0,70}"];
    prop::collection::vec((one, blank), 1..12).prop_map(|pieces| {
        pieces.into_iter().map(|(value, blank)| value + &blank).collect::<String>().into_bytes()
    })
}

/// The same with bytes changed, taken out and put in.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(&br#"{}[]",:\ -.0e1tfnu/"#[..]),
        1 => any::<u8>(),
    ];
    let change = (any::<prop::sample::Index>(), byte, 0..3u8);
    (content(), prop::collection::vec(change, 1..4)).prop_map(|(mut content, changes)| {
        for (at, byte, how) in changes {
            let at = at.index(content.len());
            match how {
                0 => content[at] = byte,
                1 => content.insert(at, byte),
                _ if content.len() > 1 => drop(content.remove(at)),
                _ => {}
            }
        }
        content
    })
}

/// Bytes that bounds are made of, and few others.
fn outlined() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        8 => prop::sample::select(&br#"{}[]"\ "#[..]),
        1 => prop::sample::select(&b"a0,:\n\x1e\xff"[..]),
    ];
    prop_oneof![
        prop::collection::vec(byte.clone(), 0..400),
        // Deeper than a block can close, and back.
        (60..200usize, prop::collection::vec(byte, 0..200), 0..200usize).prop_map(
            |(open, inside, close)| [vec![b'{'; open], inside, vec![b']'; close]].concat()
        ),
    ]
}

/// What a walk over a window comes to: the ends, and whether the window ended before anything else.
fn walked<P: Pass, K: Kernel>(kernel: K, window: &[u8]) -> (Vec<usize>, bool) {
    walked_in::<P, K>(kernel, window, &[])
}

/// The same, in windows that end at these positions, and one that ends with the content.
fn walked_in<P: Pass, K: Kernel>(kernel: K, content: &[u8], cuts: &[usize]) -> (Vec<usize>, bool) {
    let (mut all, mut pass, mut start, mut from) = (Vec::new(), P::default(), 0, 0);
    let mut cuts = cuts.iter().copied().chain([content.len()]);
    let mut window = &content[..cuts.next().unwrap()];
    loop {
        let mut ends = Ends::none();
        let stop = pass.run(kernel, Piece { window, start, from }, &mut ends);
        all.extend_from_slice(ends.known());
        let (halt, is_over) = match stop {
            Stop::Unsure(_) => return (all, false),
            Stop::Enough(halt) => (halt, false),
            Stop::End(halt) => (halt, true),
        };
        start = halt.start;
        (pass, from) =
            if start < halt.from { (halt.pass, halt.from) } else { (P::default(), start) };
        if is_over {
            let Some(cut) = cuts.next() else { return (all, true) };
            window = &content[..cut.max(from)];
        }
    }
}

/// The dull twin of the walk over bounds: counts brackets, one byte after another.
fn counted(content: &[u8]) -> (Vec<usize>, bool) {
    let (mut ends, mut depth, mut in_string, mut escaping) = (Vec::new(), 0, false, false);
    for (at, &byte) in content.iter().enumerate() {
        let escaped = escaping;
        escaping = byte == b'\\' && !escaped;
        match byte {
            b'"' if depth > 0 && !escaped => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    ends.push(at + 1);
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ if depth == 0 => return (ends, false),
            _ => {}
        }
    }
    (ends, true)
}

/// Checks everything that a prover says of a window against the twin. How many values are whole.
fn check(window: &[u8], eof: bool) -> usize {
    let (mut prover, mut twin) = (Prover::default(), Scanner::default());
    let (mut at, mut whole) = (skip_whitespace(window, 0), 0);
    while at < window.len() {
        let scan = twin.value(window, at, eof);
        let proof = prover.value(window, 0, at);
        let text = String::from_utf8_lossy(&window[at..]);
        match proof {
            Proof::Whole(end) => assert_eq!(scan, Scan::Complete(end), "{text}"),
            // Text is looked at when its value ends.
            Proof::GoesOn => assert!(
                matches!(
                    scan,
                    Scan::Incomplete | Scan::Broken(_, Damage::CutAtEnd | Damage::InvalidUtf8)
                ),
                "{scan:?} {text}"
            ),
            Proof::Unsure => {
                let left = prover.kernel.is_none() || !matches!(window[at], b'{' | b'[');
                assert!(left || !matches!(scan, Scan::Complete(_)), "{scan:?} {text}");
            }
        }
        let Scan::Complete(end) = scan else { break };
        whole += 1;
        at = skip_whitespace(window, end);
    }
    whole
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn every_kernel_sees_the_same(block in any::<[u8; BLOCK]>(), bits: u64) {
        let Some(vectors) = Vectors::detect() else { return Ok(()) };
        let curly = |masks: Masks| Masks { curly: masks.curly & (masks.open | masks.close), ..masks };
        prop_assert_eq!(curly(vectors.masks(&block)), Bytewise.masks(&block));
        prop_assert_eq!(vectors.strings(&block), Bytewise.strings(&block));
        prop_assert_eq!(vectors.unusual(&block), Bytewise.unusual(&block));
        prop_assert_eq!(vectors.non_ascii(&block), Bytewise.non_ascii(&block));
        prop_assert_eq!(vectors.numbers(&block), Bytewise.numbers(&block));
        prop_assert_eq!(vectors.hex_digits(&block), Bytewise.hex_digits(&block));
        prop_assert_eq!(vectors.outlines(&block), Bytewise.outlines(&block));
        prop_assert_eq!(vectors.blank(&block), Bytewise.blank(&block));
        prop_assert_eq!(vectors.escapable(&block), Bytewise.escapable(&block));
        prop_assert_eq!(vectors.parity(bits), Bytewise.parity(bits));
        let head = block.first_chunk().unwrap();
        prop_assert_eq!(vectors.digits(head), Bytewise.digits(head));
    }

    #[test]
    fn values_that_are_whole_are_proven(content in content()) {
        let (ends, ended) = walked::<Walk, _>(Bytewise, &content);
        let offsets: Vec<_> = {
            let mut values = serde_json::Deserializer::from_slice(&content).into_iter::<&RawValue>();
            std::iter::from_fn(|| Some(values.next()?.map(|_| values.byte_offset()))).collect()
        };
        let offsets: Result<Vec<_>, _> = offsets.into_iter().collect();
        prop_assert_eq!(&ends, &offsets.unwrap());
        prop_assert!(ended);
        prop_assert_eq!(check(&content, true), ends.len());
        prop_assert_eq!(counted(&content), (ends, true));
    }

    #[test]
    fn what_is_broken_is_left_to_the_twin(content in broken()) {
        check(&content, true);
        check(&content, false);
        if let Some(kernel) = Vectors::detect() {
            prop_assert_eq!(walked::<Walk, _>(kernel, &content), walked::<Walk, _>(Bytewise, &content));
        }
    }

    #[test]
    fn a_window_may_end_anywhere(content in prop_oneof![content(), broken()]) {
        for end in (0..content.len()).rev().take(100) {
            check(&content[..end], false);
        }
    }

    #[test]
    fn a_walk_is_taken_up_where_it_was_left(
        content in prop_oneof![content(), broken()],
        steps in prop::collection::vec(1..200usize, 1..20),
    ) {
        let (mut prover, mut steps) = (Prover::default(), steps.into_iter().cycle());
        let (mut at, mut end, mut most) = (skip_whitespace(&content, 0), 0, 0);
        for turn in 0.. {
            if at >= content.len() {
                break;
            }
            let window = &content[..end.max(at + 1).min(content.len())];
            match prover.value(&window[at..], at as u64, 0) {
                Proof::Whole(len) => at = skip_whitespace(&content, at + len),
                _ if window.len() == content.len() => break,
                Proof::GoesOn | Proof::Unsure => {}
            }
            prover.forget();
            // Every third window ends where it may have ended before.
            let step = steps.next().unwrap_or(1);
            most = most.max(at) + step;
            end = if turn % 3 == 2 { at + step } else { most };
        }
        let (ends, _) = walked::<Walk, _>(Bytewise, &content);
        let proven = ends.last().map_or(0, |&end| skip_whitespace(&content, end));
        if prover.kernel.is_some() {
            prop_assert!(at >= proven, "{at} {proven}");
        }
        check(&content[..at], true);
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn bounds_are_what_counting_says(
        content in prop_oneof![content(), broken(), outlined()],
        steps in prop::collection::vec(0..200usize, 0..20),
    ) {
        let counted = counted(&content);
        let cuts: Vec<_> = steps
            .iter()
            .scan(0, |cut, step| Some(std::mem::replace(cut, content.len().min(*cut + step))))
            .collect();
        prop_assert_eq!(walked_in::<Bounds, _>(Bytewise, &content, &cuts), counted.clone());
        if let Some(kernel) = Vectors::detect() {
            prop_assert_eq!(walked_in::<Bounds, _>(kernel, &content, &cuts), counted.clone());
            prop_assert_eq!(walked::<Bounds, _>(kernel, &content), counted);
        }
    }

    #[test]
    fn a_prover_by_bounds_says_what_counting_says(
        content in prop_oneof![content(), broken(), outlined()],
        cut: prop::sample::Index,
    ) {
        let window = &content[..cut.index(content.len() + 1)];
        let mut prover = Prover::default().by_bounds();
        let mut at = skip_whitespace(window, 0);
        while prover.kernel.is_some() && at < window.len() {
            let (ends, ended) = counted(&window[at..]);
            let is_value = matches!(window[at], b'{' | b'[');
            let expected = match ends.first() {
                Some(end) => Proof::Whole(at + end),
                None if ended && is_value => Proof::GoesOn,
                None => Proof::Unsure,
            };
            prop_assert_eq!(prover.value(window, 0, at), expected);
            // What is amiss is left to another.
            at = skip_whitespace(window, ends.first().map_or(at + 1, |end| at + end));
        }
    }
}

#[test]
fn text_that_is_not_utf8_is_seen_where_a_walk_was_taken_up() {
    let Some(kernel) = Vectors::detect() else { return };
    for before in [0, 1, 383, 384, 385, 500] {
        for (front, back) in [(0, 0), (10, 17_000), (300, 40_000), (17_000, 17_000), (40_000, 3)] {
            let (front, back) = (b"x".repeat(front), b"x".repeat(back));
            let value = |inside: &[u8]| [b"[\"", &front[..], inside, &back, b"\"]"].concat();
            let (good, bad) = (value("é".as_bytes()), value(b"\xc3"));
            let content = [&b"[1]".repeat(before), &good[..], &bad, &good].concat();
            let whole = before + 1;
            let (ends, ended) = walked::<Walk, _>(kernel, &content);
            assert_eq!((ends.len(), ended), (whole, false), "{before}");
            assert_eq!(check(&content, true), whole);
        }
    }
}

#[test]
fn many_values_are_found_in_turns() {
    let Some(kernel) = Vectors::detect() else { return };
    for value in ["{}", "{\"a\":1}\n", &format!("[[{}]]", "1,".repeat(40_000))] {
        let content = value.repeat(100_000 / value.len() + 3).into_bytes();
        let counted = counted(&content);
        assert!(counted.1 && counted.0.len() >= 3);
        assert_eq!(walked::<Bounds, _>(kernel, &content), counted);
        assert_eq!(walked::<Bounds, _>(Bytewise, &content), counted);
    }
}

#[test]
fn there_is_room_for_what_ends_in_the_last_blocks() {
    let Some(kernel) = Vectors::detect() else { return };
    for values in 300..600 {
        let content = b"{}".repeat(values);
        assert_eq!(walked::<Walk, _>(kernel, &content), counted(&content));
        assert_eq!(walked::<Bounds, _>(kernel, &content), counted(&content));
    }
}

#[test]
fn bounds_are_counted_to_any_depth() {
    let Some(_) = Vectors::detect() else { return };
    for depth in [1, 64, 65, 200, 100_000] {
        let value = [b"[".repeat(depth), b"]".repeat(depth)].concat();
        let proof = Prover::default().by_bounds().value(&value, 0, 0);
        assert_eq!(proof, Proof::Whole(2 * depth), "{depth}");
    }
}

#[test]
fn brackets_are_kept_to_a_depth() {
    let Some(_) = Vectors::detect() else { return };
    for depth in [1, 63, 64, 65, 66, 200] {
        let value = [b"[".repeat(depth), b"]".repeat(depth)].concat();
        let kept = depth <= DEPTH_MAX as usize;
        let proof = if kept { Proof::Whole(2 * depth) } else { Proof::Unsure };
        assert_eq!(Prover::default().value(&value, 0, 0), proof, "{depth}");
    }
}

#[test]
fn numbers_and_words_are_right_wherever_a_block_ends() {
    let right = ["0", "-0", "10", "-1.5", "1e5", "-12.25E-10", "1.0e+1", "true", "false", "null"];
    let wrong = [
        "01", "-", "-a", "1.", ".5", "1..2", "1.2.3", "1-2", "1e", "1e+", "1e5.", "1e5.3", "--1",
        "00", "-01", "+1", "tru", "truee", "True", "nul", "falsy", "1true", "true1", "1e5e5",
        "0x1", "1 2",
    ];
    // Alone, and in a crowd.
    for (pad, crowd) in (0..2 * BLOCK).flat_map(|pad| [(pad, ""), (pad, "1,2,3,4,5,6,")]) {
        let content = |scalar: &str| format!("[{}{crowd}{scalar}]", " ".repeat(pad)).into_bytes();
        for scalar in right {
            let content = content(scalar);
            assert_eq!(walked::<Walk, _>(Bytewise, &content).0, [content.len()], "{scalar}");
            assert_eq!(check(&content, true), 1);
            for cut in content.len() - scalar.len()..content.len() {
                check(&content[..cut], false);
            }
        }
        for scalar in wrong {
            assert_eq!(walked::<Walk, _>(Bytewise, &content(scalar)), (vec![], false), "{scalar}");
            assert_eq!(check(&content(scalar), true), 0, "{scalar}");
        }
    }
}

#[test]
fn long_numbers_are_read_wherever_they_end() {
    for digits in 1..2 * HEAD {
        let long = "1".repeat(digits);
        for right in [format!("{long}.5"), format!("-0.{long}"), format!("1e{long}")] {
            let content = format!("[{right},1]").into_bytes();
            assert_eq!(walked::<Walk, _>(Bytewise, &content).0, [content.len()], "{right}");
            assert_eq!(check(&content, true), 1);
            for wrong in ["x", ".", "-", "e", "\"", "{"] {
                let content = format!("[{right}{wrong},1]").into_bytes();
                assert_eq!(walked::<Walk, _>(Bytewise, &content).0, [0; 0], "{right}{wrong}");
                assert_eq!(check(&content, true), 0);
            }
        }
    }
}

#[test]
fn escapes_are_right_wherever_a_block_ends() {
    let right = [r"\u00e9", r"\uABCD\u1234", r"\\u", r"\n\t\\", r#"\""#];
    let wrong =
        [r"\u", r"\u1", r"\u12g4", r"\u123g", r"\ug123", r"\x", r"\u00\u0000", r"\", r"\u00é9"];
    for pad in 0..2 * BLOCK {
        let content = |inside: &str| format!("[\"{}{inside}\"]", "x".repeat(pad)).into_bytes();
        for inside in right {
            let content = content(inside);
            assert_eq!(walked::<Walk, _>(Bytewise, &content).0, [content.len()], "{inside}");
            assert_eq!(check(&content, true), 1);
        }
        for inside in wrong {
            assert_eq!(walked::<Walk, _>(Bytewise, &content(inside)).0, [0; 0], "{inside}");
            assert_eq!(check(&content(inside), true), 0, "{inside}");
        }
    }
}

#[test]
fn text_that_is_not_utf8_is_not_proven() {
    let bad: [&[u8]; 4] = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"];
    for pad in 0..2 * BLOCK {
        for bad in bad {
            let value =
                |inside: &[u8]| [b"[\"", b"x".repeat(pad).as_slice(), inside, b"\"]"].concat();
            let content = [value("é".as_bytes()), value(bad), value(b"a")].concat();
            let first = value("é".as_bytes()).len();
            assert_eq!(walked::<Walk, _>(Bytewise, &content), (vec![first], false));
            assert_eq!(check(&content, true), 1);
        }
    }
}
