//! `stack`: what is under way is told line by line on stderr, what came of it on stdout.

use std::io::{self, BufRead, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};

use super::output::{self, Output};
use super::request::{Print, Session, Stack as Request, StackDown, StackStatus, StackUp};
use super::run::{wait, wait_or};
use super::wire;
use crate::error::{Error, ErrorKind, Result};
use crate::exit;
use crate::observe::{Event, Observer};
use crate::report::stack::{Report, Unwell};
use crate::report::units::counted;
use crate::report::{self, Form, screen};
use crate::stack::{Change, Down, Stack, Standing, Status};

/// Columns of a state, so that names stand below each other.
const STATE_COLUMNS: usize = 20;

/// Runs a request to its exit code.
pub(super) fn run(request: Request, session: &Session) -> Result<u8> {
    match request {
        Request::Up(request) => {
            let again = interrupted("stack up", &request.name, "goes on with it");
            wait_or(up(request, session), || again)
        }
        Request::Status(request) => wait(status(request, session)),
        Request::Down(request) => {
            let again = interrupted("stack down", &request.name, "removes what is left");
            wait_or(down(request, session), || again)
        }
        Request::Print(request) => print(&request),
    }
}

/// CloudFormation goes on with what it was told, whether or not anybody watches.
fn interrupted(command: &str, name: &str, does: &str) -> Error {
    Error::new(ErrorKind::Io, "interrupted; what was begun goes on without fhcheck")
        .hint(format!("`fhcheck {command} {name}` {does}"))
}

async fn up(request: StackUp, session: &Session) -> Result<u8> {
    let aws = wire::aws(&session.aws).await?;
    let teller = Teller::new(session);
    let stack = Stack::new(&aws, &request.name, &teller)?;
    let change = match stack.up(&request.wanted).await? {
        Change::Created => "created",
        Change::Updated => "updated",
        Change::Nothing => "unchanged",
    };
    let status = stack.status().await?;
    show(&request.name, &status, Some(change), request.form)
}

async fn status(request: StackStatus, session: &Session) -> Result<u8> {
    let aws = wire::aws(&session.aws).await?;
    let teller = Teller::new(session);
    let status = Stack::new(&aws, &request.name, &teller)?.status().await?;
    show(&request.name, &status, None, request.form)
}

fn show(name: &str, status: &Status, change: Option<&'static str>, form: Form) -> Result<u8> {
    let unwell = status.unwell.iter().map(|resource| Unwell {
        resource: &resource.path,
        kind: &resource.kind,
        state: &resource.state,
        reason: resource.reason.as_deref(),
    });
    let good = status.good && status.unwell.is_empty() && status.different.is_empty();
    let exit_code = if good { exit::RECONCILED } else { exit::DISCREPANT };
    let report = Report {
        name,
        id: &status.id,
        state: &status.state,
        reason: status.reason.as_deref(),
        exit_code,
        change,
        unwell: unwell.collect(),
        different_templates: &status.different,
        outputs: &status.outputs,
    };
    Output::open(None)?.deliver(|out| report::stack(&report, form, out))?;
    Ok(exit_code)
}

async fn down(request: StackDown, session: &Session) -> Result<u8> {
    let aws = wire::aws(&session.aws).await?;
    let teller = Teller::new(session);
    let stack = Stack::new(&aws, &request.name, &teller)?;
    if request.ask
        && let Some(standing) = stack.standing().await?
        && !agreed(&request.name, &standing)?
    {
        let message = format!("stack {} stays as it is", request.name);
        return Err(Error::new(ErrorKind::Usage, message).hint("nothing was deleted"));
    }
    let down = stack.down().await?;
    Output::open(None)?.deliver(|out| tell_down(&request.name, &down, out))?;
    Ok(exit::RECONCILED)
}

/// Asks whether to go on. Nothing but a yes is one.
fn agreed(name: &str, standing: &Standing) -> Result<bool> {
    for held in &standing.buckets {
        let more = if held.more { " or more" } else { "" };
        let objects = counted(held.objects, "object", "objects");
        output::say(&format!("bucket {} holds {objects}{more}\n", screen::text(&held.bucket)));
    }
    output::say(&format!(
        "Delete stack {name} ({}), its stream and everything in its bucket? [y/N] ",
        screen::text(&standing.state)
    ));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Error::io("stdin", error))?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

fn tell_down(name: &str, down: &Down, out: &mut dyn Write) -> io::Result<()> {
    if down.existed {
        writeln!(out, "stack {name} is deleted")?;
    } else {
        writeln!(out, "there is no stack {name}")?;
    }
    if down.removed > 0 {
        let objects = counted(down.removed, "object was", "objects were");
        writeln!(out, "{objects} deleted in its bucket, versions included")?;
    }
    for line in &down.cleared {
        writeln!(out, "cleared away: {}", screen::text(line))?;
    }
    for line in &down.left {
        writeln!(out, "left: {}", screen::text(line))?;
    }
    Ok(())
}

fn print(request: &Print) -> Result<u8> {
    if let Some(folder) = &request.folder {
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder.display(), error))?;
        for template in &request.templates {
            write_file(&folder.join(template.file()), template.text)?;
        }
        return Ok(exit::RECONCILED);
    }
    Output::open(None)?.deliver(|out| {
        for template in &request.templates {
            if request.templates.len() > 1 {
                writeln!(out, "--- # {}", template.file())?;
            }
            out.write_all(template.text.as_bytes())?;
        }
        Ok(())
    })?;
    Ok(exit::RECONCILED)
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    Output::open(Some(path))?.deliver(|out| out.write_all(text.as_bytes()))
}

/// Tells what happens to a stack, a line each.
struct Teller {
    quiet: bool,
    color: bool,
}

impl Teller {
    fn new(session: &Session) -> Self {
        Self { quiet: session.quiet, color: session.stderr_color }
    }

    fn line(&self, event: Event<'_>) -> Option<String> {
        Some(match event {
            Event::Step { text } => format!("{}\n", screen::text(text)),
            Event::Emptied { bucket, removed } => {
                let objects = counted(removed, "object", "objects");
                format!("  {objects} deleted in {}\n", screen::text(bucket))
            }
            Event::Resource { path, kind, state, reason } => {
                let style = if self.color { style(state) } else { Style::new() };
                let fill = " ".repeat(STATE_COLUMNS.saturating_sub(state.len()));
                let (path, kind) = (screen::text(path), screen::text(kind));
                let state = screen::text(state);
                let reason = reason.filter(|_| state.ends_with("_FAILED"));
                let reason = reason.map(|reason| format!(": {}", screen::text(reason)));
                let reason = reason.unwrap_or_default();
                format!("  {style}{state}{style:#}{fill}  {path}  {kind}{reason}\n")
            }
            _ => return None,
        })
    }
}

fn style(state: &str) -> Style {
    if state.ends_with("_FAILED") || state.contains("ROLLBACK") {
        AnsiColor::Red.on_default()
    } else if state.ends_with("_COMPLETE") {
        AnsiColor::Green.on_default()
    } else {
        Style::new().dimmed()
    }
}

impl Observer for Teller {
    fn on(&self, event: Event<'_>) {
        if self.quiet {
            return;
        }
        if let Some(line) = self.line(event) {
            output::say(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Teller, is_yes, tell_down};
    use crate::observe::Event;
    use crate::stack::Down;

    #[test]
    fn nothing_but_a_yes_is_one() {
        assert!(["y\n", "Y", "yes\r\n", " YES "].iter().all(|answer| is_yes(answer)));
        assert!(["", "\n", "n", "yes please", "yep"].iter().all(|answer| !is_yes(answer)));
    }

    #[test]
    fn a_failure_says_why_and_nothing_steers_the_terminal() {
        let teller = Teller { quiet: false, color: false };
        let event = Event::Resource {
            path: "Delivery/Stream",
            kind: "AWS::Kinesis::Stream",
            state: "CREATE_FAILED",
            reason: Some("no\x1b[2J"),
        };
        let line = "  CREATE_FAILED         Delivery/Stream  AWS::Kinesis::Stream: no\\x1b[2J\n";
        assert_eq!(teller.line(event).as_deref(), Some(line));
    }

    #[test]
    fn what_is_left_is_said() {
        let down = Down {
            existed: true,
            removed: 1_200,
            cleared: Vec::new(),
            left: vec!["bucket b".to_owned()],
        };
        let mut text = Vec::new();
        tell_down("orders", &down, &mut text).expect("writes");
        let text = String::from_utf8(text).expect("text");
        let said = "stack orders is deleted\n\
                    1,200 objects were deleted in its bucket, versions included\nleft: bucket b\n";
        assert_eq!(text, said);
    }
}
