//! The stack's function as the producer: it is called, and its answer is the manifest.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use aws_sdk_lambda::primitives::Blob;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Produced, Tally};
use crate::aws::{Aws, Call, Failure};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{FUNCTION_RECORDS_MAX, FUNCTION_TIMEOUT};
use crate::observe::{Event, Observer};
use crate::stop::Stop;

/// What to ask of a function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Its name.
    pub function: String,
    /// Records that it is to put, in as many calls as that takes.
    pub count: u64,
    /// The file of its answer; those of further calls have a number added to the name.
    pub manifest: PathBuf,
}

/// What it answers: the members that are counted. All of it is kept.
#[derive(Deserialize)]
struct Answer {
    unanswered: u64,
    records: Vec<IgnoredAny>,
}

/// What it answers when it fails ("Errors" of a Python function, AWS Lambda developer guide).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    error_message: String,
    error_type: Option<String>,
}

/// Calls a function until it has put so many records.
///
/// # Errors
/// When an answer cannot be kept. What goes wrong otherwise is in [`Produced::failure`].
pub async fn invoke(
    aws: &Aws,
    plan: &Invocation,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<Produced> {
    let calls = plan.count.div_ceil(FUNCTION_RECORDS_MAX);
    let mut produced = Produced {
        target: format!("function {}", plan.function),
        manifests: Vec::new(),
        tally: Tally { records: plan.count, ..Tally::default() },
        failure: None,
    };
    observer.on(Event::PuttingStarts { records: plan.count });
    for call in 0..calls {
        if stop.is_asked() {
            produced.failure = Some(Error::new(ErrorKind::Io, "interrupted"));
            break;
        }
        let count = (plan.count - call * FUNCTION_RECORDS_MAX).min(FUNCTION_RECORDS_MAX);
        let path = numbered(&plan.manifest, call + 1);
        let mut file = File::create_new(&path).map_err(|error| Error::io(path.display(), error))?;
        match ask(aws, &plan.function, count).await {
            Ok((text, answer)) => {
                let kept = file.write_all(&text).and_then(|()| file.sync_data());
                kept.map_err(|error| Error::io(path.display(), error))?;
                produced.manifests.push(path);
                let acknowledged = answer.records.len() as u64;
                produced.tally.put += acknowledged;
                produced.tally.acknowledged += acknowledged;
                produced.tally.puts += acknowledged + answer.unanswered;
                produced.tally.uncertain += answer.unanswered;
                observer.on(Event::Put { acknowledged, rejected: 0 });
            }
            Err(error) => {
                let _ = std::fs::remove_file(&path);
                produced.failure = Some(error);
                break;
            }
        }
    }
    Ok(produced)
}

/// The file of the first call, or of a later one.
fn numbered(manifest: &Path, call: u64) -> PathBuf {
    if call == 1 {
        return manifest.to_owned();
    }
    let stem = manifest.file_stem().unwrap_or_default().to_string_lossy();
    let extension = manifest.extension().map(|end| format!(".{}", end.to_string_lossy()));
    manifest.with_file_name(format!("{stem}-{call}{}", extension.unwrap_or_default()))
}

/// One call, and what it answers.
async fn ask(aws: &Aws, function: &str, count: u64) -> Result<(Vec<u8>, Answer)> {
    let call = Call {
        action: "lambda:InvokeFunction",
        kind: "function",
        name: function,
        endpoint: aws.endpoint_url(),
        region: aws.region(),
    };
    let timeouts =
        aws_config::timeout::TimeoutConfig::builder().read_timeout(FUNCTION_TIMEOUT).build();
    let request = aws.lambda().invoke().function_name(function);
    let request = request.payload(Blob::new(format!(r#"{{"count":{count}}}"#))).customize();
    let config = aws_sdk_lambda::config::Builder::new().timeout_config(timeouts);
    let output = request.config_override(config).send().await.map_err(|error| {
        let failure = Failure::of(error);
        let uncertain = failure.is_uncertain();
        let error = call.failed(failure);
        let look = "it may have put records all the same: its log says which";
        if uncertain { error.hint(look) } else { error }
    })?;
    let text = output.payload.map(Blob::into_inner).unwrap_or_default();
    if output.function_error.is_some() {
        return Err(complaint(function, &text));
    }
    let answer = serde_json::from_slice(&text).map_err(|error| {
        let message = format!("function {function} does not answer with a manifest: {error}");
        Error::new(ErrorKind::Service, message)
            .hint("it must be the function of the stack: see docs/stack.md")
    })?;
    Ok((text, answer))
}

/// A function that failed says how many records it put all the same.
fn complaint(function: &str, text: &[u8]) -> Error {
    let what = match serde_json::from_slice::<Complaint>(text) {
        Ok(Complaint { error_message, error_type: Some(kind) }) => {
            format!("{kind}: {error_message}")
        }
        Ok(Complaint { error_message, error_type: None }) => error_message,
        Err(_) => String::from_utf8_lossy(text).into_owned(),
    };
    Error::new(ErrorKind::Service, format!("function {function} failed: {what}"))
        .hint("what it put before is in the stream; its log lists each record of it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_a_file_of_its_own() {
        let name = |text, call| numbered(Path::new(text), call).display().to_string();
        assert_eq!(name("a/orders.json", 1), "a/orders.json");
        assert_eq!(name("a/orders.json", 2), "a/orders-2.json");
        assert_eq!(name("orders", 12), "orders-12");
    }

    #[test]
    fn a_function_that_fails_says_what_it_did() {
        let text = br#"{"errorMessage":"7 of 10 records acknowledged","errorType":"RuntimeError"}"#;
        let said = complaint("orders", text).to_string();
        assert_eq!(said, "function orders failed: RuntimeError: 7 of 10 records acknowledged");
        assert!(complaint("orders", b"?").to_string().ends_with("failed: ?"));
    }
}
