//! The templates, inside the binary.

use xxhash_rust::xxh3::Xxh3;

/// A template, and the file that it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// Its name: that of its file without `.yaml`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

impl Template {
    /// The name of its file.
    pub fn file(&self) -> String {
        format!("{}.yaml", self.name)
    }
}

/// The template of the stack itself.
pub const ROOT: Template =
    Template { name: "root", text: include_str!("../../templates/root.yaml") };

/// The templates of the stacks nested in it, each with its resource's name in lower case.
pub const NESTED: [Template; 3] = [
    Template { name: "bucket", text: include_str!("../../templates/bucket.yaml") },
    Template { name: "delivery", text: include_str!("../../templates/delivery.yaml") },
    Template { name: "producer", text: include_str!("../../templates/producer.yaml") },
];

/// The parameter that says where the nested templates are. Nobody but this room gives it.
pub(super) const BASE_URL: &str = "TemplateBaseUrl";

/// All of them, the root first.
pub fn all() -> impl Iterator<Item = Template> {
    [ROOT].into_iter().chain(NESTED)
}

/// The parameters that a user may give.
pub fn parameters() -> impl Iterator<Item = &'static str> {
    let section = ROOT.text.split_once("\nParameters:\n").map_or("", |(_, rest)| rest);
    let lines = section.lines().take_while(|line| line.is_empty() || line.starts_with(' '));
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    names.filter(|name| !name.starts_with(' ') && *name != BASE_URL)
}

/// A name for the nested templates as they are: others have another one. 32 hexadecimal digits.
pub(super) fn digest() -> String {
    let mut hasher = Xxh3::new();
    for template in NESTED {
        hasher.update(template.name.as_bytes());
        hasher.update(&[0]);
        hasher.update(template.text.as_bytes());
        hasher.update(&[0]);
    }
    format!("{:032x}", hasher.digest128())
}

/// Whether a text is such a name.
pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::{ROOT, all, digest, is_digest, parameters};

    /// CloudFormation gives a template back with a question mark for every other character.
    #[test]
    fn templates_are_ascii() {
        for template in all() {
            assert!(template.text.is_ascii(), "{}", template.name);
        }
    }

    /// What CloudFormation takes as the text of a template ("CloudFormation quotas").
    #[test]
    fn the_root_fits_into_a_request() {
        assert!(ROOT.text.len() <= 51_200);
    }

    #[test]
    fn parameters_are_those_of_the_root_but_one() {
        let names: Vec<_> = parameters().collect();
        assert_eq!(names.len(), 9, "{names:?}");
        assert_eq!((names[0], names[8]), ("ShardCount", "LogRetentionDays"));
    }

    #[test]
    fn a_digest_looks_like_one() {
        assert!(is_digest(&digest()), "{}", digest());
        assert!(!is_digest("fhcheck") && !is_digest(&"g".repeat(32)));
    }
}
