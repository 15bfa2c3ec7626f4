//! What reports look like, and that machines can rely on them.

mod samples;

use fhcheck::check::Listing;
use fhcheck::outcome::Outcome;
use fhcheck::report::table::Layout;
use fhcheck::report::{self, Form};

fn table(width: usize, color: bool) -> Form {
    Form::Table(Layout { width, color, samples: 10 })
}

fn reconciled(outcome: &Outcome, form: Form) -> String {
    let mut out = Vec::new();
    report::reconcile(outcome, form, &mut out).expect("a vector takes it");
    String::from_utf8(out).expect("reports are text")
}

fn listed(listing: &Listing, form: Form) -> String {
    let mut out = Vec::new();
    report::list(listing, form, &mut out).expect("a vector takes it");
    String::from_utf8(out).expect("reports are text")
}

#[test]
fn show() {
    for width in [80, 200] {
        for outcome in [
            samples::by_manifest(),
            samples::by_count(),
            samples::lost_and_doubled(),
            samples::damaged_with_gap(),
            samples::empty_prefix(),
            samples::everything(),
        ] {
            println!("{}\n=======", reconciled(&outcome, table(width, true)));
        }
        for listing in [samples::listing(), samples::listing_with_records()] {
            println!("{}\n=======", listed(&listing, table(width, true)));
        }
    }
}
