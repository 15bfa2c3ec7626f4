//! A manifest that several threads read at once says what it says.

use std::ops::Range;

use fhcheck::error::ErrorKind;
use fhcheck::fingerprint::Policy;
use fhcheck::limits::{SEGMENT_BYTES, SHARED_BYTES_MIN};
use fhcheck::outcome::{Class, Outcome};

use super::Case;

/// Records of different lengths, one a line, and where each begins.
struct Lines {
    text: String,
    starts: Vec<usize>,
}

impl Lines {
    fn new() -> Self {
        let wanted = usize::try_from(SHARED_BYTES_MIN + 3 * SEGMENT_BYTES).unwrap();
        let (mut text, mut starts) = (String::new(), Vec::new());
        while text.len() < wanted {
            let number = starts.len();
            starts.push(text.len());
            let filler = "} {\\\"id\\\": 1} ".repeat(number % 31);
            text.push_str(&format!("{{\"id\": {number}, \"text\": \"{filler}\"}}\n"));
        }
        Self { text, starts }
    }

    fn range(&self, number: usize) -> Range<usize> {
        let end = self.starts.get(number + 1).copied().unwrap_or(self.text.len());
        self.starts[number]..end - 1
    }

    /// All records but these, glued together, and one of them once more.
    fn without(&self, lost: &[usize], doubled: usize) -> String {
        let kept = (0..self.starts.len()).filter(|number| !lost.contains(number));
        kept.chain([doubled]).map(|number| &self.text[self.range(number)]).collect()
    }
}

async fn outcome(case: &Case, policy: &Policy, workers: usize) -> Outcome {
    let (run, mut plan, manifest) = case.open_with(workers);
    plan.policy = policy.clone();
    run.reconcile(&plan, vec![manifest]).await.unwrap()
}

/// What samples show, and where they say it was produced.
fn shown(class: &Class) -> Vec<(String, u64)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    class.samples.iter().map(|it| (text(&it.excerpt), it.produced_at[0].offset)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_is_named_at_its_place_whoever_read_it() {
    let lines = Lines::new();
    let last = lines.starts.len() - 1;
    let lost = [0, 1, last / 3, last / 2, last - 1, last];
    let case = Case::new(&lines.without(&lost, 7), &lines.text);
    let place = |&number: &usize| {
        let range = lines.range(number);
        let shown = range.start..range.end.min(range.start + 40);
        (lines.text[shown].to_owned(), range.start as u64)
    };
    for policy in [Policy::Raw, Policy::Json, Policy::Key(vec!["/id".parse().unwrap()])] {
        for workers in [1, 4] {
            let outcome = outcome(&case, &policy, workers).await;
            let found = shown(&outcome.differences.missing);
            assert_eq!(found.len(), lost.len(), "{policy:?}");
            for ((text, offset), (begins, at)) in found.iter().zip(lost.iter().map(place)) {
                assert!(*offset == at && text.starts_with(&begins), "{text} at {offset}");
            }
            assert_eq!(outcome.differences.duplicates.records, 1);
            assert_eq!(outcome.books.produced.produced, lines.starts.len() as u64);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_it_is_said_where_it_is() {
    let lines = Lines::new();
    let number = lines.starts.len() / 2;
    // The first colon.
    let at = lines.range(number).start + "{\"id\"".len();
    let mut broken = lines.text.clone();
    broken.replace_range(at..=at, "?");
    let case = Case::new(&lines.without(&[], 7), &broken);
    for workers in [1, 4] {
        let (run, plan, manifest) = case.open_with(workers);
        let error = run.reconcile(&plan, vec![manifest]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Manifest);
        let said = error.to_string();
        assert!(said.contains(&format!("at byte {at}: ")), "{said}");
    }
}
