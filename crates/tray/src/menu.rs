//! The menu as data: what it says, and what a click on it means. The desktop draws it.

use crate::model::Click;

/// One line of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Something to read.
    Line(String),
    /// Something to click.
    Item(String, Click),
    /// A menu of its own.
    Sub(String, Vec<Entry>),
    /// A line between others.
    Separator,
}

impl Entry {
    /// Something to click.
    pub fn item(label: impl Into<String>, click: Click) -> Self {
        Self::Item(label.into(), click)
    }

    /// Something to read.
    pub fn line(label: impl Into<String>) -> Self {
        Self::Line(label.into())
    }
}
