//! What was typed after `stack`.

use std::collections::BTreeMap;

use super::{layout, usage};
use crate::cli::args::{StackCommand, StackFormatArg, StackUpArgs};
use crate::cli::env::Env;
use crate::cli::request::{Print, Session, Stack, StackDown, StackStatus, StackUp};
use crate::error::Result;
use crate::limits;
use crate::report::Form;
use crate::stack::Wanted;
use crate::stack::templates;

pub(super) fn request(command: StackCommand, session: &Session, env: &Env) -> Result<Stack> {
    let form = |format| match format {
        StackFormatArg::Table => Form::Table(layout(false, limits::SAMPLES_DEFAULT, session, env)),
        StackFormatArg::Json => Form::Json,
    };
    Ok(match command {
        StackCommand::Up(args) => Stack::Up(StackUp {
            form: form(args.format),
            wanted: wanted(&args, env)?,
            name: args.name,
        }),
        StackCommand::Status(args) => {
            Stack::Status(StackStatus { name: args.name, form: form(args.format) })
        }
        StackCommand::Down(args) => {
            let somebody = env.stdin_terminal && env.stderr_terminal;
            if !args.yes && !somebody {
                let message = "nobody can be asked whether to delete the stack and its records";
                return Err(usage(message).hint("say --yes to delete them without being asked"));
            }
            Stack::Down(StackDown { name: args.name, ask: !args.yes })
        }
        StackCommand::Print(args) => {
            let wanted = |name: &str| args.template.as_deref().is_none_or(|only| only == name);
            Stack::Print(Print {
                templates: templates::all().filter(|template| wanted(template.name)).collect(),
                folder: args.out,
            })
        }
    })
}

fn wanted(args: &StackUpArgs, env: &Env) -> Result<Wanted> {
    let wanted = Wanted {
        template_bucket: args.template_bucket.clone(),
        parameters: pairs("--parameter", &args.parameter)?,
        tags: pairs("--tag", &args.tag)?,
        token: env.random,
    };
    wanted.check()?;
    Ok(wanted)
}

/// `KEY=VALUE`, each key once. A value may be empty, and may have an equals sign in it.
fn pairs(option: &str, texts: &[String]) -> Result<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    for text in texts {
        let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
        let Some((key, value)) = pair else {
            let error = usage(format!("{option} {text:?} is no KEY=VALUE"));
            return Err(error.hint("a value may be empty; the equals sign is needed"));
        };
        if pairs.insert(key.to_owned(), value.to_owned()).is_some() {
            let error = usage(format!("{option} {key} is given twice"));
            return Err(error.hint("say it once"));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn a_pair_ends_its_key_at_the_first_equals_sign() {
        let texts = ["Prefix=a=b/".to_owned(), "Empty=".to_owned()];
        let pairs = pairs("--parameter", &texts).expect("pairs");
        assert_eq!(pairs["Prefix"], "a=b/");
        assert_eq!(pairs["Empty"], "");
    }

    #[test]
    fn what_is_no_pair_or_there_twice_is_refused() {
        for texts in [&["ShardCount"][..], &["=2"], &["a=1", "a=2"]] {
            let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
            assert!(pairs("--parameter", &texts).is_err(), "{texts:?}");
        }
    }
}
