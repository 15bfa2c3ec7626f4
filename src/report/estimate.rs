//! What reading would cost, in numbers that say what they assume.

use std::fmt;
use std::io::{self, Write};

use super::model;
use super::screen;
use super::units::{count, exact_size};
use crate::check::Estimate;

/// One LIST request: $0.005 per 1,000 (Amazon S3 pricing, S3 Standard, us-east-1).
const LIST_NANO_USD: u64 = 5_000;
/// One GET request: $0.0004 per 1,000 (Amazon S3 pricing, S3 Standard, us-east-1).
const GET_NANO_USD: u64 = 400;
/// 100 bytes out to the internet: $0.09 per GB (Amazon S3 pricing, us-east-1, first 10 TB a month).
const OUT_NANO_USD_PER_100_BYTES: u64 = 9;

/// An estimate with its price.
pub(super) struct Priced<'a> {
    location: &'a str,
    estimate: &'a Estimate,
    cost: Option<model::Cost>,
}

impl<'a> Priced<'a> {
    pub(super) fn new(location: &'a str, estimate: &'a Estimate, charged: bool) -> Self {
        let requests = estimate.list_requests.saturating_mul(LIST_NANO_USD);
        let cost = model::Cost {
            requests_nano_usd: requests
                .saturating_add(estimate.get_requests.saturating_mul(GET_NANO_USD)),
            transfer_out_nano_usd: estimate.bytes.saturating_mul(OUT_NANO_USD_PER_100_BYTES) / 100,
        };
        Self { location, estimate, cost: charged.then_some(cost) }
    }

    pub(super) fn model(&self) -> model::Estimate<'a> {
        let Estimate { list_requests, get_requests, objects, bytes } = *self.estimate;
        model::Estimate {
            report: "fhcheck.estimate",
            version: 1,
            location: self.location,
            objects,
            bytes,
            list_requests,
            get_requests,
            cost: self.cost,
        }
    }

    /// The estimate for people.
    pub(super) fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let estimate = self.estimate;
        writeln!(out, "DRY RUN  nothing was read")?;
        writeln!(out)?;
        writeln!(out, "  location  {}", screen::text(self.location))?;
        writeln!(
            out,
            "  to read   {} objects, {}",
            count(estimate.objects),
            exact_size(estimate.bytes)
        )?;
        let Some(cost) = self.cost else {
            return writeln!(out, "  cost      free: the files are on this machine");
        };
        writeln!(
            out,
            "  requests  {} LIST (already made), {} GET",
            count(estimate.list_requests),
            count(estimate.get_requests)
        )?;
        writeln!(
            out,
            "  cost      {} for requests, and {} more when read from outside AWS",
            Usd(cost.requests_nano_usd),
            Usd(cost.transfer_out_nano_usd)
        )?;
        writeln!(out)?;
        writeln!(out, "Assumed: the list price of us-east-1, S3 Standard: $0.005 per 1,000 LIST,")?;
        writeln!(
            out,
            "$0.0004 per 1,000 GET, data transfer free within the region and $0.09 per GB"
        )?;
        writeln!(out, "out to the internet. Retries and other storage classes cost extra.")
    }
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
    use super::{Priced, Usd};
    use crate::check::Estimate;

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

    #[test]
    fn prices_are_those_of_the_list() {
        let estimate = Estimate {
            list_requests: 1000,
            get_requests: 1000,
            objects: 1000,
            bytes: 1_000_000_000,
        };
        let cost = Priced::new("s3://b/", &estimate, true).cost.expect("S3 costs");
        assert_eq!(Usd(cost.requests_nano_usd).to_string(), "$0.0054");
        assert_eq!(Usd(cost.transfer_out_nano_usd).to_string(), "$0.0900");
        assert!(Priced::new("/data", &estimate, false).cost.is_none());
    }
}
