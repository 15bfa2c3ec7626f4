//! What reading would cost, at the list price.

use super::model;
use crate::check::Estimate;

/// One LIST request: $0.005 per 1,000 (Amazon S3 pricing, S3 Standard, us-east-1).
const LIST_NANO_USD: u64 = 5_000;
/// One GET or HEAD request: $0.0004 per 1,000 (Amazon S3 pricing, S3 Standard, us-east-1).
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
    pub(super) fn new(location: &'a str, estimate: &'a Estimate) -> Self {
        let requests = estimate.list_requests.saturating_mul(LIST_NANO_USD);
        let cost = model::Cost {
            requests_nano_usd: requests
                .saturating_add(estimate.get_requests.saturating_mul(GET_NANO_USD)),
            transfer_out_nano_usd: estimate
                .fetched_bytes
                .saturating_mul(OUT_NANO_USD_PER_100_BYTES)
                / 100,
        };
        let is_charged = estimate.list_requests > 0 || estimate.get_requests > 0;
        Self { location, estimate, cost: is_charged.then_some(cost) }
    }

    pub(super) fn model(&self) -> model::Estimate<'a> {
        let Estimate { list_requests, get_requests, objects, bytes, fetched_bytes: _, cached } =
            *self.estimate;
        model::Estimate {
            report: "fhcheck.estimate",
            version: 1,
            location: self.location,
            objects,
            bytes,
            list_requests,
            get_requests,
            cached: cached.map(model::Cached::from),
            cost: self.cost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Priced;
    use crate::check::Estimate;

    #[test]
    fn prices_are_those_of_the_list() {
        let estimate = Estimate {
            list_requests: 1000,
            get_requests: 1000,
            objects: 1001,
            bytes: 9_000_000_000,
            fetched_bytes: 1_000_000_000,
            cached: None,
        };
        let cost = Priced::new("s3://b/", &estimate).cost.expect("S3 costs");
        // $0.005 + $0.0004, and $0.09.
        assert_eq!(cost.requests_nano_usd, 5_400_000);
        assert_eq!(cost.transfer_out_nano_usd, 90_000_000);
        let free = Estimate { list_requests: 0, get_requests: 0, fetched_bytes: 0, ..estimate };
        assert!(Priced::new("/data", &free).cost.is_none());
    }
}
