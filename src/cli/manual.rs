//! The manual and completions, from the definition that `--help` comes from.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Args;
use crate::error::{Error, Result};

/// A completion script.
pub(super) fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "fhcheck", &mut script);
    out.write_all(&script)
}

/// The page of the command itself.
pub(super) fn page(out: &mut dyn Write) -> io::Result<()> {
    clap_mangen::Man::new(Args::command()).render(out)
}

/// A page for the command and one for each subcommand.
pub(super) fn pages(folder: &Path) -> Result<()> {
    let failed = |error| Error::io(folder.display(), error);
    fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Args::command(), folder).map_err(failed)
}
