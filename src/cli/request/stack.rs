//! What `stack` is asked for.

use std::path::PathBuf;

use crate::report::Form;
use crate::stack::Wanted;
use crate::stack::templates::Template;

/// `stack`.
#[derive(Debug, Clone)]
pub enum Stack {
    /// `stack up`.
    Up(StackUp),
    /// `stack status`.
    Status(StackStatus),
    /// `stack down`.
    Down(StackDown),
    /// `stack print`.
    Print(Print),
}

/// `stack up`.
#[derive(Debug, Clone)]
pub struct StackUp {
    /// Name of the stack.
    pub name: String,
    /// What it is to be.
    pub wanted: Wanted,
    /// What the result looks like.
    pub form: Form,
}

/// `stack status`.
#[derive(Debug, Clone)]
pub struct StackStatus {
    /// Name of the stack.
    pub name: String,
    /// What the result looks like.
    pub form: Form,
}

/// `stack down`.
#[derive(Debug, Clone)]
pub struct StackDown {
    /// Name of the stack.
    pub name: String,
    /// Whether to ask before anything is deleted.
    pub ask: bool,
}

/// `stack print`.
#[derive(Debug, Clone)]
pub struct Print {
    /// What to print.
    pub templates: Vec<Template>,
    /// The directory; stdout without one.
    pub folder: Option<PathBuf>,
}
