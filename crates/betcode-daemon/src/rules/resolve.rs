//! Where a path leads on this machine, for the comparison with rules. Looks at the file system and changes nothing.
//!
//! Laws:
//! - every link on the way is followed, the last one too, and one that leads to nothing yet: writing would go there;
//! - what does not exist yet keeps its name below the nearest directory that does;
//! - no answer where it is not certain: a link that leads in circles, a directory that cannot be looked at, a name that is
//!   not UTF-8, `..` where taking it out by the letter leads elsewhere than following it, what leads through `/proc` (its links
//!   lead each process elsewhere), and, for whoever writes, a file that has other names too.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows.
const MOST_LINKS: usize = 40;
/// Where links lead each process elsewhere.
const PROCESSES: &str = "/proc";

/// Where an absolute path leads whoever reads or, else, writes; none where that is not certain.
pub(super) fn resolve(path: &Path, writes: bool) -> Option<String> {
    let followed = follow(path)?;
    if writes && has_other_names(&followed) {
        return None;
    }
    let climbs = path
        .components()
        .any(|component| component == Component::ParentDir);
    // Some programs take `..` out before they look at the disk, others have the kernel follow it.
    if climbs && follow(&by_the_letter(path))? != followed {
        return None;
    }
    followed.into_os_string().into_string().ok()
}

/// A file with hard links may be any other file.
fn has_other_names(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|data| data.is_file() && data.nlink() > 1)
}

/// The same path without `.` and `..`, links or no links.
pub(super) fn by_the_letter(path: &Path) -> PathBuf {
    let mut plain = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => {
                plain.pop();
            }
            _ => {}
        }
    }
    plain
}

/// Where an absolute path leads, as the kernel follows it.
pub(super) fn follow(path: &Path) -> Option<PathBuf> {
    let mut ahead = steps(path);
    let mut reached = PathBuf::from("/");
    let mut links = 0;
    while let Some(name) = ahead.pop_front() {
        if reached == Path::new(PROCESSES) {
            return None;
        }
        if name == ".." {
            reached.pop();
            continue;
        }
        let next = reached.join(&name);
        match std::fs::symlink_metadata(&next) {
            Ok(data) if data.file_type().is_symlink() => {
                links += 1;
                if links > MOST_LINKS {
                    return None;
                }
                let target = std::fs::read_link(&next).ok()?;
                if target.is_absolute() {
                    reached = PathBuf::from("/");
                }
                for step in steps(&target).into_iter().rev() {
                    ahead.push_front(step);
                }
            }
            Ok(_) => reached = next,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                reached = next;
            }
            Err(_) => return None,
        }
    }
    Some(reached)
}

fn steps(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_to_what_is_there_and_to_what_would_be_made() {
        let ground = tempfile::tempdir().unwrap();
        let root = ground.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("project/src")).unwrap();
        std::fs::create_dir_all(root.join("other/deep")).unwrap();
        std::fs::write(root.join("other/file"), "").unwrap();
        symlink("../other", root.join("project/out")).unwrap();
        symlink("../other/new", root.join("project/dangling")).unwrap();
        symlink("out/file", root.join("project/twice")).unwrap();
        symlink(root.join("other/deep"), root.join("project/far")).unwrap();
        symlink("circle", root.join("project/circle")).unwrap();
        symlink("../other", root.join("project/src/up")).unwrap();
        for (written, leads) in [
            ("project/src/a.ts", Some("project/src/a.ts")),
            ("project/./src//a.ts", Some("project/src/a.ts")),
            ("project/none/of/this", Some("project/none/of/this")),
            ("project/out/file", Some("other/file")),
            ("project/out/new/file", Some("other/new/file")),
            ("project/dangling", Some("other/new")),
            ("project/dangling/x", Some("other/new/x")),
            ("project/twice", Some("other/file")),
            ("project/src/../a", Some("project/a")),
            ("project/src/../../other/file", Some("other/file")),
            ("project/far/../file", None),
            ("project/circle", None),
            ("project/circle/x", None),
            ("other/file/below", Some("other/file/below")),
        ] {
            let expected = leads.map(|leads| root.join(leads).display().to_string());
            assert_eq!(resolve(&root.join(written), true), expected, "{written}");
        }
        assert_eq!(resolve(Path::new("/.."), true).as_deref(), Some("/"));
    }

    #[test]
    fn what_leads_through_processes_or_has_other_names_is_not_certain() {
        for path in [
            "/proc/self/cwd/.env",
            "/proc/1/root",
            "/dev/fd/0",
            "/dev/../proc/self/cwd/x",
        ] {
            assert_eq!(resolve(Path::new(path), false), None, "{path}");
        }
        let ground = tempfile::tempdir().unwrap();
        let root = ground.path().canonicalize().unwrap();
        std::fs::write(root.join("one"), "").unwrap();
        assert!(resolve(&root.join("one"), true).is_some());
        std::fs::hard_link(root.join("one"), root.join("other")).unwrap();
        assert_eq!(resolve(&root.join("one"), true), None);
        assert!(resolve(&root.join("one"), false).is_some());
    }

    #[test]
    fn a_name_that_is_no_text_leads_nowhere_certain() {
        let ground = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"\xff");
        symlink(ground.path().join(name), ground.path().join("link")).unwrap();
        assert_eq!(resolve(&ground.path().join("link"), false), None);
    }
}
