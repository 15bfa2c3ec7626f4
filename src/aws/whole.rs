//! Whether a page of a listing was read as it was written. The SDK reads XML as far as it goes and takes
//! what is left for the end: a document that was cut, or broken in the middle, would be a shorter page.

use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use memchr::memmem;

/// Refuses a page of `ListObjectsV2` whose document does not end, or has other keys than were read of it.
#[derive(Debug)]
pub(crate) struct WholePage;

impl Intercept for WholePage {
    fn name(&self) -> &'static str {
        "WholePage"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        let Some(page) = output.downcast_ref::<ListObjectsV2Output>() else { return Ok(()) };
        let document = context.response().body().bytes().unwrap_or_default();
        Ok(check(document, page.contents().len())?)
    }
}

fn check(document: &[u8], read: usize) -> Result<(), String> {
    if !document.trim_ascii_end().ends_with(b"</ListBucketResult>") {
        return Err(format!("a page of {} bytes that does not end", document.len()));
    }
    // `<` in a key is written otherwise.
    let written = memmem::find_iter(document, b"<Contents>").count();
    if written != read {
        return Err(format!("a page of {written} keys of which {read} can be read"));
    }
    Ok(())
}
