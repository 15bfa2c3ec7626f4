//! Pages of a listing, right and wrong.

use super::faults::{List, Plan};
use super::server::{Act, Reply, etag};
use super::world::Stored;

/// The folders below a prefix.
pub(super) fn folders(keys: &[(&String, &Stored)], prefix: &str) -> Act {
    let below = keys.iter().filter_map(|(key, _)| key[prefix.len()..].split_once('/'));
    let names: std::collections::BTreeSet<_> = below.map(|(name, _)| name).collect();
    let groups: String = names
        .iter()
        .map(|name| {
            let name = format!("{prefix}{name}/").replace('%', "%25").replace('=', "%3D");
            format!("<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>")
        })
        .collect();
    Act::Answer(Reply::new(
        "200 OK",
        format!(
            "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>\
             {groups}</ListBucketResult>"
        ),
    ))
}

/// The number in a token of this kind.
pub(super) fn number(token: &str, kind: char) -> usize {
    token.split('-').next().unwrap().trim_start_matches(kind).parse().unwrap()
}

/// A page of a listing.
pub(super) struct Page<'a> {
    pub(super) keys: &'a [(&'a String, &'a Stored)],
    pub(super) plan: &'a Plan,
    /// The number of its first key.
    pub(super) first: usize,
    /// What was asked for.
    pub(super) token: Option<&'a str>,
}

/// What a page says, before it is written.
struct Said {
    contents: Vec<String>,
    truncated: Option<bool>,
    token: Option<String>,
    count: usize,
}

impl Page<'_> {
    fn contents(&self, first: usize, keys: usize) -> Vec<String> {
        let keys = self.keys.iter().skip(first).take(keys);
        let entry = |(key, stored): &(&String, &Stored)| {
            format!(
                "<Contents><Key>{}</Key><LastModified>{:.3}</LastModified><ETag>{}</ETag>\
                 <Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
                key.replace('%', "%25").replace('=', "%3D").replace('+', "%2B"),
                stored.modified,
                etag(&stored.bytes).replace('"', "&quot;"),
                stored.bytes.len(),
            )
        };
        keys.map(entry).collect()
    }

    /// The page of so many keys, as it should be.
    fn said(&self, keys: usize) -> Said {
        let next = self.first + keys;
        let more = next < self.keys.len();
        let contents = self.contents(self.first, keys);
        let count = contents.len();
        Said { contents, truncated: Some(more), token: more.then(|| format!("t{next}")), count }
    }

    pub(super) fn whole(&self) -> Act {
        Act::Answer(self.written(&self.said(self.plan.page)))
    }

    fn written(&self, said: &Said) -> Reply {
        Reply::new("200 OK", self.document(said)).header("content-type", "application/xml")
    }

    fn document(&self, said: &Said) -> String {
        let element = |name: &str, value: Option<String>| {
            value.map(|value| format!("<{name}>{value}</{name}>")).unwrap_or_default()
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Name>bucket</Name><EncodingType>url</EncodingType>{}{}{}{}</ListBucketResult>",
            element("KeyCount", self.plan.counts.then(|| said.count.to_string())),
            element("IsTruncated", said.truncated.map(|truncated| truncated.to_string())),
            element("NextContinuationToken", said.token.clone()),
            said.contents.concat(),
        )
    }

    /// A place in a text of this length.
    fn place(&self, len: usize) -> usize {
        len * usize::try_from(self.plan.where_).unwrap() / 1000
    }

    pub(super) fn spoilt(&self, fault: List) -> Act {
        let size = self.plan.page;
        let mut said = self.said(size);
        match fault {
            List::Cut => {
                return Act::Answer(self.written(&said).stopped(false, self.plan.where_));
            }
            List::ShortPage if self.keys.len() > self.first + 1 => {
                said = self.said((size / 2).max(1));
            }
            List::EmptyPage => said = self.empty(),
            List::NoFlag => said.truncated = None,
            List::TokenAtTheEnd => said.truncated = Some(false),
            List::CutDocument => {
                let document = self.document(&said);
                let cut = document[..self.place(document.len())].to_owned();
                return Act::Answer(Reply::new("200 OK", cut));
            }
            List::Mangled => {
                let at = self.place(said.contents.len());
                said.contents.insert(at, "<<>&\u{1}".to_owned());
            }
            // Who gives other keys than were asked for first cannot be told from who has lost those.
            List::Repeated if self.token.is_some() => {
                said.contents = self.contents(self.first.saturating_sub(size), size);
                said.count = said.contents.len();
            }
            // Who gives the last page before the one before it cannot be told from who has lost it.
            List::Swapped if self.keys.len() > self.first + size => {
                said.contents = self.contents(self.first + size, size);
                said.count = said.contents.len();
            }
            List::Disordered => said.contents.reverse(),
            List::LostToken => (said.truncated, said.token) = (Some(true), None),
            List::SameToken => {
                (said.truncated, said.token) = (Some(true), self.token.map(str::to_owned));
            }
            List::OldToken => (said.truncated, said.token) = (Some(true), Some("t0-again".into())),
            List::Endless => said = self.empty(),
            List::WrongCount => said.count += 1,
            List::NoKey => said.contents.push("<Contents><Size>1</Size></Contents>".into()),
            List::NoSize => said.contents.push("<Contents><Key>zzz</Key></Contents>".into()),
            List::NegativeSize => {
                said.contents.push("<Contents><Key>zzz</Key><Size>-1</Size></Contents>".into());
            }
            _ => {}
        }
        if matches!(fault, List::NoKey | List::NoSize | List::NegativeSize) {
            said.count = said.contents.len();
        }
        Act::Answer(self.written(&said))
    }

    /// A page without keys, and a token that was not given before for the same place.
    fn empty(&self) -> Said {
        let round = self
            .token
            .and_then(|token| token.split_once('-'))
            .map_or(0, |(_, round)| round.parse::<u64>().unwrap_or(0));
        let token = Some(format!("t{}-{}", self.first, round + 1));
        Said { contents: Vec::new(), truncated: Some(true), token, count: 0 }
    }
}
