//! The S3 operations of the endpoint, over its store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::*;
use s3s::{Body, S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::Fault;
use super::store::{Bucket, Object, Page, Query};

/// Keys of a page where nobody asks for fewer, and at most (`MaxKeys` of `ListObjectsV2`).
const PAGE_KEYS: i32 = 1000;

/// Everything the endpoint holds.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) buckets: BTreeMap<String, Bucket>,
    /// Faults by bucket and key, with how often each is still to happen.
    pub(super) faults: BTreeMap<(String, String), (Fault, u32)>,
}

impl State {
    fn bucket(&self, name: &str) -> S3Result<&Bucket> {
        self.buckets.get(name).ok_or_else(|| s3_error!(NoSuchBucket, "No such bucket: {name}"))
    }

    fn bucket_mut(&mut self, name: &str) -> S3Result<&mut Bucket> {
        self.buckets.get_mut(name).ok_or_else(|| s3_error!(NoSuchBucket, "No such bucket: {name}"))
    }

    /// An object, if it is still the version that is wanted.
    fn object(&self, bucket: &str, key: &str, wanted: Option<&IfMatch>) -> S3Result<&Object> {
        let object = self.bucket(bucket)?.objects.get(key);
        let object = object.ok_or_else(|| s3_error!(NoSuchKey, "The key does not exist"))?;
        match wanted {
            Some(ETagCondition::ETag(etag)) if etag.value() != object.etag => {
                Err(s3_error!(PreconditionFailed, "The object is another one now"))
            }
            _ => Ok(object),
        }
    }

    /// The fault that strikes this request, if one does.
    fn strike(&mut self, bucket: &str, key: &str) -> Option<Fault> {
        let place = (bucket.to_owned(), key.to_owned());
        let (fault, left) = self.faults.get_mut(&place)?;
        let fault = *fault;
        *left -= 1;
        if *left == 0 {
            self.faults.remove(&place);
        }
        Some(fault)
    }
}

/// The operations. Clones share one state.
#[derive(Debug, Clone, Default)]
pub(super) struct Service(Arc<Mutex<State>>);

impl Service {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Knows one key.
pub(super) struct OneKey {
    pub(super) access: &'static str,
    pub(super) secret: &'static str,
}

#[async_trait::async_trait]
impl S3Auth for OneKey {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.access {
            Ok(SecretKey::from(self.secret))
        } else {
            Err(s3_error!(InvalidAccessKeyId, "The access key does not exist"))
        }
    }
}

#[async_trait::async_trait]
impl S3 for Service {
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        self.state().buckets.entry(request.input.bucket).or_default();
        Ok(S3Response::new(CreateBucketOutput::default()))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.state().bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        self.state().bucket(&input.bucket)?;
        let body = match input.body {
            Some(body) => body.try_fold(BytesMut::new(), append).await,
            None => Ok(BytesMut::new()),
        };
        let body =
            body.map_err(|error| S3Error::with_source(S3ErrorCode::IncompleteBody, error))?;
        let mut object = Object::new(body.freeze(), input.content_encoding.and_then(stored));
        object.storage_class = input.storage_class.map(|class| class.as_str().to_owned());
        let e_tag = Some(ETag::Strong(object.etag.clone()));
        self.state().bucket_mut(&input.bucket)?.objects.insert(input.key, object);
        Ok(S3Response::new(PutObjectOutput { e_tag, ..Default::default() }))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let GetObjectInput { bucket, key, if_match, range, .. } = request.input;
        let mut state = self.state();
        let fault = state.strike(&bucket, &key);
        match fault {
            Some(Fault::Deny) => return Err(s3_error!(AccessDenied, "Access Denied")),
            Some(Fault::Busy) => {
                return Err(s3_error!(SlowDown, "Please reduce your request rate"));
            }
            _ => {}
        }
        let object = state.object(&bucket, &key, if_match.as_ref())?;
        if object.is_archived() {
            return Err(s3_error!(InvalidObjectState, "The object is archived"));
        }
        let (bytes, content_range) = cut_out(&object.bytes, range)?;
        let whole = content_range.is_none();
        Ok(S3Response::new(GetObjectOutput {
            accept_ranges: Some("bytes".into()),
            content_length: i64::try_from(bytes.len()).ok(),
            content_range,
            body: Some(body(bytes, fault)),
            content_encoding: object.content_encoding.clone(),
            content_type: Some("application/octet-stream".into()),
            checksum_crc32: object.crc32.clone().filter(|_| whole),
            checksum_type: Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT)),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(object.modified.into()),
            storage_class: object.storage_class.clone().map(StorageClass::from),
            ..Default::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let HeadObjectInput { bucket, key, if_match, .. } = request.input;
        let state = self.state();
        let object = state.object(&bucket, &key, if_match.as_ref())?;
        Ok(S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".into()),
            content_length: i64::try_from(object.bytes.len()).ok(),
            content_encoding: object.content_encoding.clone(),
            content_type: Some("application/octet-stream".into()),
            checksum_crc32: object.crc32.clone(),
            checksum_type: Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT)),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(object.modified.into()),
            storage_class: object.storage_class.clone().map(StorageClass::from),
            ..Default::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        self.state().bucket_mut(&input.bucket)?.objects.remove(&input.key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let resumed = input.continuation_token.as_deref().map(from_token).transpose()?;
        let max_keys = input.max_keys.unwrap_or(PAGE_KEYS).clamp(0, PAGE_KEYS);
        let state = self.state();
        let bucket = state.bucket(&input.bucket)?;
        if bucket.deny_list {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let page = bucket.list(&Query {
            prefix: input.prefix.as_deref().unwrap_or(""),
            delimiter: input.delimiter.as_deref(),
            after: resumed.as_deref().or(input.start_after.as_deref()),
            max: usize::try_from(max_keys).unwrap_or(0),
        });
        Ok(S3Response::new(answer(page, &input, max_keys)))
    }
}

fn answer(page: Page<'_>, asked: &ListObjectsV2Input, max_keys: i32) -> ListObjectsV2Output {
    let url = asked.encoding_type.as_ref().is_some_and(|e| e.as_str() == EncodingType::URL);
    let encoded = |text: &str| if url { url_encoded(text) } else { text.to_owned() };
    let echoed = |text: &Option<String>| text.as_deref().map(encoded);
    let contents = page.objects.iter().map(|(key, object)| s3s::dto::Object {
        key: Some(encoded(key)),
        size: i64::try_from(object.bytes.len()).ok(),
        e_tag: Some(ETag::Strong(object.etag.clone())),
        last_modified: Some(object.modified.into()),
        storage_class: Some(ObjectStorageClass::from(
            object.storage_class.clone().unwrap_or_else(|| "STANDARD".into()),
        )),
        ..Default::default()
    });
    let groups = page.groups.iter().map(|group| CommonPrefix { prefix: Some(encoded(group)) });
    ListObjectsV2Output {
        contents: Some(contents.collect()),
        common_prefixes: Some(groups.collect()),
        key_count: i32::try_from(page.len()).ok(),
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.as_deref().map(to_token),
        name: Some(asked.bucket.clone()),
        prefix: Some(encoded(asked.prefix.as_deref().unwrap_or(""))),
        delimiter: echoed(&asked.delimiter),
        start_after: echoed(&asked.start_after),
        continuation_token: asked.continuation_token.clone(),
        encoding_type: asked.encoding_type.clone(),
        max_keys: Some(max_keys),
        ..Default::default()
    }
}

async fn append(mut all: BytesMut, piece: Bytes) -> Result<BytesMut, s3s::StdError> {
    all.extend_from_slice(&piece);
    Ok(all)
}

/// What S3 keeps of a `Content-Encoding`: `aws-chunked` speaks of the upload alone.
fn stored(encoding: String) -> Option<String> {
    let parts = encoding.split(',').map(str::trim).filter(|part| *part != "aws-chunked");
    let kept = parts.collect::<Vec<_>>().join(",");
    (!kept.is_empty()).then_some(kept)
}

/// The part of a body that is asked for, and its `Content-Range`.
fn cut_out(bytes: &Bytes, range: Option<Range>) -> S3Result<(Bytes, Option<String>)> {
    let Some(range) = range else { return Ok((bytes.clone(), None)) };
    let total = bytes.len();
    let part = range.check(total as u64)?;
    let at = |offset: u64| usize::try_from(offset).unwrap_or(total);
    let header = format!("bytes {}-{}/{total}", part.start, part.end - 1);
    Ok((bytes.slice(at(part.start)..at(part.end)), Some(header)))
}

fn body(bytes: Bytes, fault: Option<Fault>) -> StreamingBlob {
    match fault {
        Some(Fault::Cut(at)) => {
            let piece = bytes.slice(..bytes.len().min(at));
            let broken = stream::once(async {
                // Lets the server send what it has before the connection breaks.
                tokio::task::yield_now().await;
                Err(std::io::Error::other("cut on purpose"))
            });
            StreamingBlob::wrap(stream::iter([Ok(piece)]).chain(broken))
        }
        Some(Fault::Garble) => {
            let mut garbled = bytes.to_vec();
            if let Some(byte) = garbled.first_mut() {
                *byte ^= 1;
            }
            StreamingBlob::from(Body::from(Bytes::from(garbled)))
        }
        _ => StreamingBlob::from(Body::from(bytes)),
    }
}

/// `EncodingType=url` as S3 does it: form encoding, but `/` and `*` stay.
fn url_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A key in characters that survive XML and a URL alike.
fn to_token(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn from_token(token: &str) -> S3Result<String> {
    let wrong = || s3_error!(InvalidArgument, "The continuation token is not one of ours");
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = token.as_bytes().chunks(2).map(byte).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(wrong)
}
