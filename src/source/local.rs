//! A directory, or one file, as a prefix of objects.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::{Body, KeyRange, ObjectRef, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::outcome::GapReason;

/// Files that one step of a listing looks at.
const BATCH: usize = 512;

/// A directory, or one file, as a prefix.
///
/// A key is the path below the directory with `/` between its parts; the key of a single file is
/// its name. An empty directory is nothing. What is no regular file (a symbolic link, a pipe, a
/// socket) is listed with size 0 and is a gap when fetched: it neither vanishes nor is followed.
/// The same goes for a name that is not UTF-8; its key shows U+FFFD for what is not.
#[derive(Debug, Clone)]
pub struct Local {
    root: PathBuf,
    single: bool,
    place: Option<String>,
}

impl Local {
    /// A source over what is at `path`. A symbolic link given here is followed.
    ///
    /// # Errors
    /// When nothing is there, or something that is neither a directory nor a regular file.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let root = path.into();
        let metadata = fs::metadata(&root).map_err(|error| {
            let missing = error.kind() == io::ErrorKind::NotFound;
            let error = Error::io(format_args!("cannot read {}", root.display()), error);
            if missing {
                error.hint("check the path; a bucket is written as s3://bucket/prefix")
            } else {
                error
            }
        })?;
        if !metadata.is_dir() && !metadata.is_file() {
            let message = format!("{} is neither a directory nor a regular file", root.display());
            return Err(Error::new(ErrorKind::Usage, message)
                .hint("copy its content into a file, and name that"));
        }
        let real = root.canonicalize().ok();
        let place = real.as_deref().and_then(Path::to_str).map(|path| format!("file {path}"));
        Ok(Self { root, single: metadata.is_file(), place })
    }

    fn path_of(&self, key: &str) -> PathBuf {
        if self.single { self.root.clone() } else { self.root.join(key) }
    }

    fn walk(&self, range: &KeyRange) -> Walk {
        let range = range.clone();
        let start = if self.single {
            let name = self.root.file_name().unwrap_or(self.root.as_os_str());
            Entry { key: name.to_string_lossy().into_owned(), path: self.root.clone() }
        } else {
            Entry { key: String::new(), path: self.root.clone() }
        };
        Walk { range, stack: vec![start] }
    }
}

impl Source for Local {
    fn list<'a>(&'a self, range: &'a KeyRange) -> BoxStream<'a, Result<ObjectRef>> {
        stream::try_unfold(self.walk(range), |walk| blocking(move || walk.step()))
            .map_ok(|batch| stream::iter(batch.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    fn place(&self) -> Option<String> {
        self.place.clone()
    }

    /// None: what is on this machine costs nothing.
    fn requests_of(&self, _: &ObjectRef) -> u64 {
        0
    }

    fn fetch<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Body, GapReason>> {
        let path = self.path_of(&object.key);
        let (key, etag) = (object.key.clone(), object.etag.clone());
        Box::pin(async move {
            tokio::task::spawn_blocking(move || open_unchanged(&path, &key, etag.as_deref()))
                .await
                .map_err(|error| GapReason::Failed(format!("reading was abandoned: {error}")))?
        })
    }
}

/// Runs file system calls where they hold up nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let abandoned = |error| Error::new(ErrorKind::Io, "listing was abandoned").caused_by(error);
    tokio::task::spawn_blocking(work).await.map_err(abandoned)?
}

/// A place in the tree that has still to be looked at. The key of a directory ends with `/`, but
/// for the root's, which is empty.
#[derive(Debug)]
struct Entry {
    key: String,
    path: PathBuf,
}

impl Entry {
    fn is_directory(&self) -> bool {
        self.key.is_empty() || self.key.ends_with('/')
    }
}

/// A walk in the order of the keys' bytes: depth first, where a directory sorts among its siblings
/// as its name and a `/`. So `a-b` comes before `a/b`, and that before `a0`.
#[derive(Debug)]
struct Walk {
    range: KeyRange,
    /// What is left, the next at the end.
    stack: Vec<Entry>,
}

impl Walk {
    /// The next objects and the walk after them; nothing at its end.
    fn step(mut self) -> Result<Option<(Vec<ObjectRef>, Self)>> {
        let mut batch = Vec::new();
        while batch.len() < BATCH {
            let Some(entry) = self.stack.pop() else { break };
            if entry.is_directory() {
                self.enter(&entry)?;
            } else {
                batch.extend(describe(entry)?);
            }
        }
        Ok((!batch.is_empty() || !self.stack.is_empty()).then_some((batch, self)))
    }

    /// Puts what a directory holds of the range on the stack.
    fn enter(&mut self, directory: &Entry) -> Result<()> {
        let failed =
            |error| Error::io(format_args!("cannot list {}", directory.path.display()), error);
        let entries = match fs::read_dir(&directory.path) {
            // Removed since its parent was read: as if it had never been there.
            Err(error) if gone(&error) && !directory.key.is_empty() => return Ok(()),
            entries => entries.map_err(failed)?,
        };
        let first = self.stack.len();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let mut key = format!("{}{}", directory.key, entry.file_name().to_string_lossy());
            if entry.file_type().map_err(failed)?.is_dir() {
                key.push('/');
                if !self.range.may_hold_under(&key) {
                    continue;
                }
            } else if !self.range.contains(&key) {
                continue;
            }
            self.stack.push(Entry { key, path: entry.path() });
        }
        self.stack[first..].sort_unstable_by(|a, b| b.key.cmp(&a.key));
        Ok(())
    }
}

/// What a listing says of a file; nothing where it has been removed meanwhile.
fn describe(entry: Entry) -> Result<Option<ObjectRef>> {
    let metadata = match fs::symlink_metadata(&entry.path) {
        Err(error) if gone(&error) => return Ok(None),
        metadata => metadata.map_err(|error| {
            Error::io(format_args!("cannot examine {}", entry.path.display()), error)
        })?,
    };
    Ok(Some(ObjectRef {
        key: entry.key,
        size: if metadata.is_file() { metadata.len() } else { 0 },
        modified: metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok()),
        etag: Some(token(&metadata)),
        storage_class: None,
    }))
}

fn gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Identifies a version of a file as well as a file system can: by size and time of modification.
fn token(metadata: &Metadata) -> String {
    let modified = metadata.modified().ok();
    let nanos = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!("{}-{}", metadata.len(), nanos.map_or(0, |since| since.as_nanos()))
}

/// Opens the file that was listed, if it is still that.
fn open_unchanged(path: &Path, key: &str, etag: Option<&str>) -> Result<Body, GapReason> {
    let metadata = fs::symlink_metadata(path).map_err(|error| gap(&error, key))?;
    if metadata.is_symlink() {
        return Err(GapReason::Failed("a symbolic link, which is not followed".into()));
    }
    // Asked before it is opened: opening a pipe would wait for whoever writes to it.
    if !metadata.is_file() {
        return Err(GapReason::Failed("not a regular file".into()));
    }
    let file = File::open(path).map_err(|error| gap(&error, key))?;
    let metadata = file.metadata().map_err(|error| gap(&error, key))?;
    if etag.is_some_and(|etag| etag != token(&metadata)) {
        return Err(GapReason::Replaced);
    }
    Ok(Body::from_file(file, metadata.len()))
}

fn gap(error: &io::Error, key: &str) -> GapReason {
    match error.kind() {
        _ if gone(error) && key.contains(char::REPLACEMENT_CHARACTER) => {
            GapReason::Failed("its name is not UTF-8, as every key is; rename it".into())
        }
        _ if gone(error) => GapReason::Deleted,
        io::ErrorKind::PermissionDenied => {
            GapReason::AccessDenied("no permission to read the file".into())
        }
        _ => GapReason::Failed(format!("cannot be opened: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn keys(root: &Path, range: &KeyRange) -> Vec<String> {
        let local = Local::open(root).unwrap();
        local.list(range).map_ok(|object| object.key).try_collect().await.unwrap()
    }

    fn touch(root: &Path, key: &str) {
        let path = root.join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, key).unwrap();
    }

    #[tokio::test]
    async fn keys_come_in_the_order_of_their_bytes() {
        let root = tempfile::tempdir().unwrap();
        let mut expected =
            ["a/b", "a.b", "a-b", "a0", "a/b.c", "a/b-c/d", "a/b0", "é", "A", "a/é/x"];
        for key in expected {
            touch(root.path(), key);
        }
        fs::create_dir(root.path().join("empty")).unwrap();
        expected.sort_unstable();
        assert_eq!(keys(root.path(), &KeyRange::default()).await, expected);
    }

    #[tokio::test]
    async fn a_single_file_is_one_object_under_its_name() {
        let root = tempfile::tempdir().unwrap();
        touch(root.path(), "one.json");
        let local = Local::open(root.path().join("one.json")).unwrap();
        let range = KeyRange::default();
        let objects: Vec<_> = local.list(&range).try_collect().await.unwrap();
        assert_eq!(objects.len(), 1);
        assert_eq!((objects[0].key.as_str(), objects[0].size), ("one.json", 8));
        assert_eq!(local.fetch(&objects[0]).await.unwrap().len(), 8);
    }

    #[tokio::test]
    async fn nothing_at_the_location_is_an_error_with_a_hint() {
        let root = tempfile::tempdir().unwrap();
        let error = Local::open(root.path().join("nowhere")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("nowhere"), "{error}");
        assert!(error.advice().unwrap().contains("s3://"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_cannot_be_read_as_a_file_is_listed_and_is_a_gap() {
        use std::ffi::OsStr;
        use std::os::unix::{ffi::OsStrExt, fs::symlink, net::UnixListener};
        let root = tempfile::tempdir().unwrap();
        touch(root.path(), "real/file");
        symlink("real/file", root.path().join("link")).unwrap();
        symlink("real", root.path().join("linked-directory")).unwrap();
        let _socket = UnixListener::bind(root.path().join("socket")).unwrap();
        fs::write(root.path().join(OsStr::from_bytes(b"caf\xe9")), "x").unwrap();

        let local = Local::open(root.path()).unwrap();
        let range = KeyRange::default();
        let objects: Vec<_> = local.list(&range).try_collect().await.unwrap();
        let mut seen = Vec::new();
        for object in &objects {
            let end = match local.fetch(object).await {
                Ok(body) => format!("{} bytes", body.len()),
                Err(gap) => gap.to_string(),
            };
            seen.push(format!("{}: {end}", object.key));
        }
        insta::assert_snapshot!(seen.join("\n"), @r"
        caf�: its name is not UTF-8, as every key is; rename it
        link: a symbolic link, which is not followed
        linked-directory: a symbolic link, which is not followed
        real/file: 9 bytes
        socket: not a regular file
        ");
    }

    #[test]
    fn no_permission_is_a_gap_for_a_file_and_an_error_for_a_directory() {
        // Tests may run as root, whom no mode keeps out, so the errors are made here.
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        assert!(matches!(gap(&denied(), "key"), GapReason::AccessDenied(_)));
        assert_eq!(Error::io("cannot list x", denied()).kind(), ErrorKind::AccessDenied);
    }

    #[tokio::test]
    async fn directories_outside_the_range_are_not_walked() {
        let root = tempfile::tempdir().unwrap();
        for key in ["2026/01/a", "2026/02/a", "2026/03/a"] {
            touch(root.path(), key);
        }
        let range = KeyRange {
            prefix: "2026/".into(),
            start_after: Some("2026/02/".into()),
            stop_before: Some("2026/03/".into()),
        };
        let mut walk = Local::open(root.path()).unwrap().walk(&range);
        let top = walk.stack.pop().unwrap();
        walk.enter(&top).unwrap();
        let year = walk.stack.pop().unwrap();
        walk.enter(&year).unwrap();
        let left: Vec<_> = walk.stack.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(left, ["2026/02/"]);
    }

    #[tokio::test]
    async fn many_files_are_listed_a_batch_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        for i in 0..3 * BATCH {
            fs::write(root.path().join(format!("{i:05}")), "").unwrap();
        }
        assert_eq!(keys(root.path(), &KeyRange::default()).await.len(), 3 * BATCH);
        let walk = Local::open(root.path()).unwrap().walk(&KeyRange::default());
        let (batch, rest) = walk.step().unwrap().unwrap();
        assert_eq!((batch.len(), rest.stack.len()), (BATCH, 2 * BATCH));
    }
}
