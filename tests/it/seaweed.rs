//! An independent S3 server keeps the same promises, and tells one story from list to content.

use std::io::Read;

use fhcheck::source::{KeyRange, Source};
use futures::TryStreamExt;

use crate::conformance::suite;
use crate::support::World;

suite!(seaweed, seaweed(false));
suite!(seaweed_admitted, seaweed(true));
