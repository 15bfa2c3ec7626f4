//! The one place that builds AWS clients and turns their errors into ours.
