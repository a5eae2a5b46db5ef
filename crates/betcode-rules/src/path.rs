//! Paths and patterns of paths. A path has two forms: as it was written, made absolute, with `.` and `..` taken out by the
//! letter; and as the file system resolved it. Whoever denies is content with either, whoever allows wants both.

use crate::glob::{self, matches_name};
use crate::request::{Directory, Place};
use crate::shell::UNKNOWN;

/// Where a pattern begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Root,
    Home,
    Project,
    Working,
}

/// A pattern of paths, as in `Edit(src/**/*.ts)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathPattern {
    anchor: Anchor,
    /// One pattern a directory; `**` stands for any number of them.
    parts: Vec<String>,
    /// The same in small letters.
    small: Vec<String>,
}

impl PathPattern {
    /// Reads a pattern; an error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (anchor, rest) = if let Some(rest) = text.strip_prefix("//") {
            (Anchor::Root, rest)
        } else if text == "~" {
            (Anchor::Home, "")
        } else if let Some(rest) = text.strip_prefix("~/") {
            (Anchor::Home, rest)
        } else if text.starts_with('~') {
            return Err(
                "`~` stands for your own home directory only: write `~/…`, or `//` and the full path",
            );
        } else if let Some(rest) = text.strip_prefix('/') {
            (Anchor::Project, rest)
        } else {
            (Anchor::Working, text)
        };
        let mut parts: Vec<String> = Vec::new();
        for part in rest.split('/') {
            match part {
                "" | "." => {}
                ".." => return Err("`..` is not followed: write `//` and the full path"),
                part => parts.push(part.to_owned()),
            }
        }
        if rest.ends_with('/') || parts.is_empty() {
            parts.push("**".to_owned());
        }
        // A name alone counts in every directory below, as in ignore files.
        let alone = !rest.trim_end_matches('/').contains('/');
        if anchor == Anchor::Working && alone {
            parts.insert(0, "**".to_owned());
        }
        let small = parts.iter().map(|part| part.to_lowercase()).collect();
        Ok(Self {
            anchor,
            parts,
            small,
        })
    }

    /// Whether an allow rule with this pattern covers the path.
    pub(crate) fn covers(&self, path: &Path, place: &Place) -> bool {
        let Some(resolved) = &path.resolved else {
            return false;
        };
        path.usable
            && self.covers_form(&path.written, place, false, false)
            && self.covers_form(resolved, place, false, false)
    }

    /// Whether a rule that denies or asks applies to the path: either form, or a directory above it. What is meant from the
    /// working directory is meant from the project's root too.
    pub(crate) fn touches(&self, path: &Path, place: &Place) -> bool {
        self.covers_form(&path.written, place, true, false)
            || path
                .resolved
                .as_ref()
                .is_some_and(|resolved| self.covers_form(resolved, place, true, false))
    }

    /// Like [`Self::touches`], whatever the file system says about capital letters.
    pub(crate) fn touches_in_any_case(&self, path: &Path, place: &Place) -> bool {
        self.covers_form(&path.written, place, true, true)
            || path
                .resolved
                .as_ref()
                .is_some_and(|resolved| self.covers_form(resolved, place, true, true))
    }

    /// Whether a name that ends in `end` could be meant.
    pub(crate) fn may_end_with(&self, end: &str) -> bool {
        let last = self.parts.last().map(String::as_str).unwrap_or_default();
        let whole = end.contains('/');
        // What is forbidden may be a directory that the name passes.
        if end.split('/').skip(1).any(|part| part == last) {
            return true;
        }
        let end = end.rsplit('/').next().unwrap_or_default();
        last.contains(['*', '?', '[', '\\'])
            || if whole {
                last == end
            } else {
                last.ends_with(end)
            }
    }

    /// Whether a name with unknowns in it could lead to a hidden directory that the pattern names: `.b*` to `.betcode`.
    pub(crate) fn may_begin(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let hidden =
            |part: &&String| part.starts_with('.') && !part.contains(['*', '?', '[', '\\']);
        self.small.iter().filter(hidden).any(|part| {
            name.split('/').any(|piece| {
                let known = piece.chars().any(|character| character != UNKNOWN);
                known && glob::meets(part, piece, UNKNOWN)
            })
        })
    }

    /// Whether a file that the pattern describes could lie below the path. Of patterns that begin anywhere only when the path
    /// has a name of theirs: otherwise every directory would do.
    pub(crate) fn lies_below(&self, path: &Path, place: &Place) -> bool {
        let resolved = path.resolved.iter();
        std::iter::once(&path.written)
            .chain(resolved)
            .any(|form| self.below_form(form, place))
    }

    fn below_form(&self, form: &[String], place: &Place) -> bool {
        let form: Vec<String> = form.iter().map(|part| part.to_lowercase()).collect();
        let roots: Vec<&[String]> = match self.anchor {
            Anchor::Root => vec![&[]],
            Anchor::Home => place.home.forms().collect(),
            Anchor::Project => place.project.forms().collect(),
            Anchor::Working => place.cwd.forms().chain(place.project.forms()).collect(),
        };
        let anywhere = self.parts.first().is_some_and(|first| first == "**");
        roots.into_iter().any(|root| {
            let root: Vec<String> = root.iter().map(|part| part.to_lowercase()).collect();
            match form.strip_prefix(root.as_slice()) {
                // The root itself, or what it lies in.
                None => !anywhere && root.starts_with(&form),
                Some([]) => !anywhere,
                Some(rest) => (1..self.small.len()).any(|end| {
                    let head = self.small.get(..end).unwrap_or_default();
                    head.last().is_some_and(|last| last != "**") && match_parts(head, rest, false)
                }),
            }
        })
    }

    /// Whether a path could be meant of which it is not known where it leads.
    pub(crate) fn may_be(&self, path: &Path) -> bool {
        let named = |last: &String| {
            let mut names = path.written.iter().map(|name| name.to_lowercase());
            last == "**" || names.any(|name| matches_name(last, &name))
        };
        path.anything || self.small.last().is_some_and(named)
    }

    /// Whether a name with unknowns for its wildcards describes files that are meant, by their last part.
    pub(crate) fn may_be_called(&self, name: &str) -> bool {
        self.small.last().is_some_and(|last| {
            !last.contains(['*', '?', '[', '\\'])
                && glob::meets(last, &name.to_lowercase(), UNKNOWN)
        })
    }

    fn covers_form(&self, form: &[String], place: &Place, below: bool, any_case: bool) -> bool {
        let fold = any_case || place.case_insensitive;
        let pattern = if fold { &self.small } else { &self.parts };
        let from = |directory: &[String]| {
            let Some(rest) = below_of(form, directory, fold) else {
                return false;
            };
            if fold {
                let small: Vec<String> = rest.iter().map(|part| part.to_lowercase()).collect();
                match_parts(pattern, &small, below)
            } else {
                match_parts(pattern, rest, below)
            }
        };
        match self.anchor {
            Anchor::Root => from(&[]),
            Anchor::Home => place.home.forms().any(from),
            Anchor::Project => place.project.forms().any(from),
            // Whoever forbids something means it wherever in the project the agent works.
            Anchor::Working => {
                place.cwd.forms().any(from) || (below && place.project.forms().any(from))
            }
        }
    }
}

fn match_parts(pattern: &[String], path: &[String], below: bool) -> bool {
    let mut back: Option<(usize, usize)> = None;
    let (mut at, mut here) = (0, 0);
    loop {
        match (pattern.get(at).map(String::as_str), path.get(here)) {
            (Some("**"), _) => {
                at += 1;
                back = Some((at, here));
                continue;
            }
            (None, None) => return true,
            (None, Some(_)) if below => return true,
            (Some(part), Some(name)) if matches_name(part, name) => {
                at += 1;
                here += 1;
                continue;
            }
            _ => {}
        }
        let Some((after, from)) = back else {
            return false;
        };
        if from >= path.len() {
            return false;
        }
        (at, here) = (after, from + 1);
        back = Some((after, from + 1));
    }
}

/// A path in both forms, cut at the slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) written: Vec<String>,
    pub(crate) resolved: Option<Vec<String>>,
    /// Whether it is certain that the command means this file: not when it may run in a directory that is not known.
    pub(crate) usable: bool,
    /// Whether it may be any file or directory there is, whatever it is called.
    pub(crate) anything: bool,
}

impl Path {
    /// A path that is not resolved yet.
    pub(crate) fn new(absolute: &str, usable: bool) -> Self {
        let detour = detour(absolute);
        Self {
            written: parts(absolute),
            resolved: None,
            usable: usable && detour == Detour::None,
            anything: detour == Detour::End,
        }
    }

    /// Whether it is certain which file this is.
    pub(crate) fn is_certain(&self) -> bool {
        self.usable && self.resolved.is_some()
    }

    /// Whether it is in one of the directories the agent works in, in both forms.
    pub(crate) fn is_inside(&self, place: &Place) -> bool {
        let Some(resolved) = &self.resolved else {
            return false;
        };
        let fold = place.case_insensitive;
        let inside = |form: &[String]| {
            let mut directories = place.working();
            directories.any(|directory| {
                directory
                    .forms()
                    .any(|directory| below_of(form, directory, fold).is_some())
            })
        };
        self.usable && inside(&self.written) && inside(resolved)
    }
}

/// Whether a path passes where the system shows what processes have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detour {
    None,
    /// It goes on from there to a name.
    Passed,
    /// It ends at something that may be any file.
    End,
}

/// Looks at every step of a path: `..` behind a link leads elsewhere than the letters say.
fn detour(absolute: &str) -> Detour {
    let mut here: Vec<&str> = Vec::new();
    let mut passed = false;
    for part in absolute.split('/') {
        match part {
            "" | "." => continue,
            // The way up from there is that of a process.
            ".." => {
                here.pop();
                continue;
            }
            part => here.push(part),
        }
        passed |= matches!(
            here.as_slice(),
            ["proc", ..] | ["dev", "fd" | "stdin" | "stdout" | "stderr", ..]
        );
    }
    let up = absolute.split('/').any(|part| part == "..");
    let stream = matches!(here.as_slice(), ["dev", "stdin" | "stdout" | "stderr"])
        || matches!(here.as_slice(), ["dev", "fd", number] if is_number(number));
    // What is open was opened by somebody who had to be allowed to.
    if !passed || (stream && !up) {
        return Detour::None;
    }
    let end = absolute.trim_end_matches('/').rsplit('/').next();
    let link = |end: &str| {
        matches!(
            end,
            "." | ".." | "cwd" | "root" | "exe" | "fd" | "self" | "thread-self" | "proc"
        ) || is_number(end)
    };
    if end.is_some_and(link) {
        Detour::End
    } else {
        Detour::Passed
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is left of a path below a directory.
fn below_of<'a>(path: &'a [String], directory: &[String], fold: bool) -> Option<&'a [String]> {
    let head = path.get(..directory.len())?;
    let same = head.iter().zip(directory).all(|(part, expected)| {
        part == expected || (fold && part.to_lowercase() == expected.to_lowercase())
    });
    if same {
        path.get(directory.len()..)
    } else {
        None
    }
}

/// The parts of an absolute path, `.` and `..` taken out by the letter.
pub(crate) fn parts(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part.to_owned()),
        }
    }
    parts
}

/// A path as it was written, made absolute from a directory and otherwise left alone.
pub(crate) fn absolute(written: &str, directory: &str, place: &Place) -> String {
    let home: &Directory = &place.home;
    if written == "~" {
        home.written().to_owned()
    } else if let Some(rest) = written.strip_prefix("~/") {
        format!("{}/{rest}", home.written())
    } else if written.starts_with('/') {
        written.to_owned()
    } else {
        format!("{directory}/{written}")
    }
}
