//! An estimate for people, and what it assumes.

use std::fmt;
use std::io;

use super::{Page, Tone};
use crate::report::model::Estimate;
use crate::report::screen;
use crate::report::units::{count, counted, exact_size};

const ASSUMED: &str = "the list price of us-east-1, S3 Standard: $0.005 per 1,000 LIST, $0.0004 \
    per 1,000 GET or HEAD, data transfer free within the region and $0.09 per GB out to the internet; \
    retries and other storage classes cost extra";

pub(super) fn write(estimate: &Estimate<'_>, page: &mut Page<'_>) -> io::Result<()> {
    page.labelled(Tone::Strong, "DRY RUN", "nothing was read")?;
    page.blank()?;
    page.labelled(Tone::Dim, "  stored  ", &screen::text(estimate.location))?;
    let objects = counted(estimate.objects, "object", "objects");
    page.labelled(Tone::Dim, "  to read ", &format!("{objects}, {}", exact_size(estimate.bytes)))?;
    if let Some(cached) = estimate.cached {
        let objects = counted(cached.objects, "object", "objects");
        let text = format!("{objects} in the cache, {}", exact_size(cached.bytes));
        page.labelled(Tone::Dim, "  known   ", &text)?;
    }
    let Some(cost) = estimate.cost else {
        return page.labelled(Tone::Dim, "  cost    ", "free: the files are on this machine");
    };
    let (list, get) = (count(estimate.list_requests), count(estimate.get_requests));
    page.labelled(
        Tone::Dim,
        "  requests",
        &format!("{list} LIST (already made), {get} GET or HEAD"),
    )?;
    let (requests, out) = (Usd(cost.requests_nano_usd), Usd(cost.transfer_out_nano_usd));
    let text = format!("{requests} for requests, and {out} more when read from outside AWS");
    page.labelled(Tone::Dim, "  cost    ", &text)?;
    page.section(Tone::Strong, "Assumed", ASSUMED)
}

/// An amount of money, in billionths of a US dollar; small ones keep four digits.
struct Usd(u64);

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ten-thousandths of a dollar; what costs something must not read as free.
        let rounded = |unit: u64| self.0 / unit + u64::from(self.0 % unit >= unit / 2);
        let parts = rounded(100_000).max(u64::from(self.0 > 0));
        if parts >= 10_000 {
            let cents = rounded(10_000_000);
            write!(f, "${}.{:02}", count(cents / 100), cents % 100)
        } else {
            write!(f, "$0.{parts:04}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Usd;

    #[test]
    fn money_never_rounds_down_to_nothing() {
        let cases = [
            (0, "$0.0000"),
            (1, "$0.0001"),
            (1_015_000, "$0.0010"),
            (999_999_999, "$1.00"),
            (400_000_000, "$0.4000"),
            (1_000_000_000, "$1.00"),
            (1_234_500_000_000, "$1,234.50"),
        ];
        for (nano, text) in cases {
            assert_eq!(Usd(nano).to_string(), text);
        }
    }
}
